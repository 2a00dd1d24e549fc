package scan

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"
)

// splitter cuts JSON text into objects: one a line, one after another, or the items of a list. It holds one object
// at a time, and none that is larger than the limit.
//
// Where the first object ends on the line it began on and stands in no list, each line is on its own: a broken line
// costs itself and not what follows. Records then are numbered by line, otherwise by their place from 1.
//
// Clouds export a list inside one object, {"Records":[…]}: its items are the objects then, see wrapper.
type splitter struct {
	limit  int
	object func(text []byte, record uint64) error // text is valid during the call
	refuse func(Reason)

	depth          int
	quoted, escape bool
	noise          bool // inside something that is no object, already counted
	listed, lines  bool
	open           bool // a list began and did not end yet
	wrapped        bool // in the list of a wrapper; its closing brace is expected
	tooLarge       bool
	began          uint64 // line on which the object began
	line, place    uint64
	held           []byte // the object so far, when it began in an earlier piece
}

// wrapper is how a list begins that stands in an object: in exports of AWS and Azure (Records), of Microsoft Graph
// (value, behind its context), and of Google Workspace (items).
var wrapper = regexp.MustCompile(`^\s*\{\s*(?:"@odata\.[^"]*"\s*:\s*"[^"]*"\s*,\s*)*"(?:Records|records|value|items)"\s*:\s*\[`)

func (s *splitter) split(r *bufio.Reader) error {
	s.line = 1
	if head, _ := r.Peek(3); bytes.Equal(head, []byte("\xef\xbb\xbf")) {
		_, _ = r.Discard(3)
	}
	if head, _ := r.Peek(readAhead / 64); wrapper.Match(head) {
		begin := wrapper.Find(head)
		s.line += uint64(bytes.Count(begin, []byte("\n")))
		s.listed, s.open, s.wrapped = true, true, true
		_, _ = r.Discard(len(begin))
	}
	for {
		_, err := r.Peek(1)
		if errors.Is(err, io.EOF) {
			if s.depth > 0 || s.place == 0 && s.open { // a list without an object that never ends is not an empty one
				s.drop(CutShort)
			}
			return nil
		}
		if err != nil {
			if s.depth > 0 {
				s.drop(CutShort)
			}
			return err
		}
		piece, _ := r.Peek(r.Buffered())
		if err := s.piece(piece); err != nil {
			return err
		}
		_, _ = r.Discard(len(piece))
	}
}

func (s *splitter) piece(p []byte) error {
	from := 0 // where the object in work begins in p
	for i, c := range p {
		switch {
		case s.depth == 0:
			if s.outside(c) {
				from = i
			}
		case c == '\n':
			s.line++
			if s.quoted || s.lines { // no newline stands in a string, nor in an object of a line
				s.tooLarge = s.tooLarge || len(s.held)+i-from > s.limit
				s.drop(NotJSON)
			}
		case s.escape:
			s.escape = false
		case s.quoted:
			s.escape, s.quoted = c == '\\', c != '"'
		case c == '"':
			s.quoted = true
		case c == '{', c == '[':
			s.depth++
		case c == '}', c == ']':
			if s.depth--; s.depth == 0 {
				if err := s.end(p[from : i+1]); err != nil {
					return err
				}
			}
		}
	}
	if s.depth > 0 {
		s.hold(p[from:])
	}
	return nil
}

// outside takes a byte between objects, and says whether an object begins with it.
func (s *splitter) outside(c byte) bool {
	switch c {
	case '{':
		s.depth, s.began, s.noise = 1, s.line, false
		s.place++
		return true
	case '\n':
		s.line++
		s.noise = false
	case '[':
		s.listed = s.listed || s.place == 0
		s.open = true
	case ']':
		s.open = false
	case ' ', '\t', '\r', ',', 0x1e:
	default:
		if c == '}' && s.wrapped {
			s.wrapped = false
			return false
		}
		if !s.noise {
			s.noise = true
			s.place++
			s.refuse(NotJSON)
		}
	}
	return false
}

func (s *splitter) hold(p []byte) {
	if s.tooLarge {
		return
	}
	if len(s.held)+len(p) > s.limit {
		s.tooLarge, s.held = true, nil
		return
	}
	s.held = append(s.held, p...)
}

func (s *splitter) end(p []byte) error {
	if len(s.held) > 0 || s.tooLarge {
		s.hold(p)
		p = s.held
	}
	if s.tooLarge || len(p) > s.limit {
		s.drop(TooLarge)
		return nil
	}
	if s.place == 1 {
		s.lines = !s.listed && s.began == s.line
	}
	record := s.place
	if s.lines {
		record = s.began
	}
	err := s.object(p, record)
	s.clear()
	return err
}

func (s *splitter) drop(reason Reason) {
	if s.tooLarge {
		reason = TooLarge
	}
	s.refuse(reason)
	s.clear()
}

func (s *splitter) clear() {
	s.depth, s.quoted, s.escape, s.tooLarge = 0, false, false, false
	s.held = s.held[:0]
}
