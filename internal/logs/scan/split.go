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
	// broken takes each line of what is no object, cut-short objects too; nil: it is refused.
	broken func(text []byte, line uint64) error

	depth          int
	quoted, escape bool
	noise          bool // inside something that is no object, already counted
	listed, lines  bool
	open           bool // a list began and did not end yet
	wrapped        bool // in the list of a wrapper; its closing brace is expected
	tooLarge       bool
	began          uint64 // line on which the object, or the noise, began
	at, offset     int64  // byte at which it began, and at which the piece does
	line, place    uint64
	held           []byte // the object so far, when it began in an earlier piece
}

// wrapper is how a list begins that stands in an object: in exports of AWS and Azure (Records), of Microsoft Graph
// (value, behind its context), and of Google Workspace (items).
var wrapper = regexp.MustCompile(`^\s*\{\s*(?:"@odata\.[^"]*"\s*:\s*"[^"]*"\s*,\s*)*"(?:Records|records|value|items)"\s*:\s*\[`)

func (s *splitter) split(r *bufio.Reader) error {
	s.line = 1
	if head, _ := r.Peek(3); bytes.Equal(head, []byte("\xef\xbb\xbf")) {
		n, _ := r.Discard(3)
		s.offset += int64(n)
	}
	if head, _ := r.Peek(readAhead / 64); wrapper.Match(head) {
		begin := wrapper.Find(head)
		s.line += uint64(bytes.Count(begin, []byte("\n")))
		s.listed, s.open, s.wrapped = true, true, true
		n, _ := r.Discard(len(begin))
		s.offset += int64(n)
	}
	for {
		_, err := r.Peek(1)
		if isStop(err) { // half an object
			return err
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return errors.Join(s.cut(err == nil), err)
		}
		piece, _ := r.Peek(r.Buffered())
		if err := s.piece(piece); err != nil {
			return err
		}
		s.offset += int64(len(piece))
		_, _ = r.Discard(len(piece))
	}
}

// cut ends a text that is over; whole is false where it could not be read further.
func (s *splitter) cut(whole bool) error {
	switch {
	case s.depth > 0, s.noise && s.broken != nil:
		return s.drop(CutShort, nil)
	case whole && s.place == 0 && s.open: // a list without an object that never ends is not an empty one
		return s.drop(CutShort, nil)
	}
	return nil
}

func (s *splitter) piece(p []byte) (err error) {
	from := 0 // where the object in work begins in p
	for i, c := range p {
		switch {
		case s.depth == 0 && s.broken != nil:
			from, err = s.between(p, from, i)
		case s.depth == 0:
			if s.outside(c) {
				from, s.at = i, s.offset+int64(i)
			}
		case c == '\n':
			s.line++
			if s.quoted || s.lines { // no newline stands in a string, nor in an object of a line
				s.tooLarge = s.tooLarge || len(s.held)+i-from > s.limit
				err = s.drop(NotJSON, p[from:i])
				from = i + 1
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
				err = s.end(p[from : i+1])
				from = i + 1
			}
		}
		if err != nil {
			return err
		}
	}
	if s.depth > 0 || s.broken != nil {
		s.hold(p[from:])
	}
	return nil
}

// between takes the byte at i, between objects, where what is no object is kept; from is where the noise before it
// begins in p, with the white space in front, or the object that begins here.
func (s *splitter) between(p []byte, from, i int) (int, error) {
	c := p[i]
	switch {
	case c == '{':
		err := s.hush(p[from:i])
		s.depth, s.began, s.at = 1, s.line, s.offset+int64(i)
		s.place++
		return i, err
	case c == '\n':
		err := s.hush(p[from:i])
		s.line++
		return i + 1, err
	case s.noise || c == ' ' || c == '\t' || c == '\r' || c == 0x1e:
		return from, nil
	case c == '[' || c == ']' || c == ',' || c == '}' && s.wrapped:
		_ = s.outside(c)
		s.clear()
		return i + 1, nil
	}
	s.noise, s.began, s.at = true, s.line, s.offset+int64(i)
	s.place++
	return from, nil
}

// hush ends noise, if there is any.
func (s *splitter) hush(p []byte) error {
	if !s.noise {
		s.clear()
		return nil
	}
	s.tooLarge = s.tooLarge || len(s.held)+len(p) > s.limit
	return s.drop(NotJSON, p)
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
		s.tooLarge = true
		return s.drop(TooLarge, nil)
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

// drop gives up what was held, with p behind it.
func (s *splitter) drop(reason Reason, p []byte) (err error) {
	if s.tooLarge {
		reason = TooLarge
	}
	switch {
	case s.broken == nil || s.tooLarge, s.depth == 0 && !s.noise:
		s.refuse(reason)
	default:
		s.hold(p)
		number := s.began
		for line := range bytes.SplitSeq(s.held, []byte("\n")) {
			if line = bytes.TrimSuffix(line, []byte("\r")); len(line) > 0 && err == nil {
				err = s.broken(line, number)
			}
			number++
		}
	}
	s.clear()
	return err
}

func (s *splitter) clear() {
	s.noise = s.noise && s.broken == nil // where it is refused, it goes on to the end of its line
	s.depth, s.quoted, s.escape, s.tooLarge = 0, false, false, false
	s.held = s.held[:0]
}
