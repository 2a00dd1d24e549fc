package scan

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// lookAt is how much of a text is looked at before its first line.
const lookAt = readAhead / 2

// plain gives the lines of a text, or the objects of JSON that does not stand in lines.
func (r *lineReader) plain(c content) (Encoding, error) {
	head, _ := c.r.Peek(lookAt)
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	s := newSpelling(head, c.wide, r.o.Limits.Object)
	var err error
	if c.shape == jsonText && !inLines(head, s.known) {
		err = r.objects(c.r, s)
	} else {
		err = r.lines(c, s)
	}
	return s.of(), err
}

// lines gives each line that is not empty.
func (r *lineReader) lines(c content, s *spelling) error {
	at := int64(0)
	if head, _ := c.r.Peek(3); bytes.Equal(head, []byte("\xef\xbb\xbf")) {
		n, _ := c.r.Discard(3)
		at += int64(n)
	}
	for number := uint64(1); ; number++ {
		text, size, err := longLine(c.r, r.text[:0], r.o.Limits.Object)
		r.text = text[:0]
		text = bytes.TrimSuffix(text, []byte("\r"))
		if isStop(err) { // half a line
			return err
		}
		switch {
		case len(text) > r.o.Limits.Object || size > int64(r.o.Limits.Object)+2:
			r.refuse(TooLarge, number, at, 1)
		case len(text) > 0:
			r.line.Number = number
			if c.bare {
				r.line.End = at + size
			}
			text, r.line.Encoding = s.line(text)
			begin := bytes.TrimLeft(text, " \t\x1e")
			r.line.JSON = bytes.HasPrefix(begin, []byte("{"))
			r.line.Strict = c.shape == jsonText
			if err := r.give(text); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		at += size
	}
}

// objects gives JSON that stands in no lines: one object after another, or a list; what is no object line by line.
func (r *lineReader) objects(from *bufio.Reader, s *spelling) error {
	give := func(text []byte, line uint64, object bool) error {
		r.line.Number, r.line.JSON, r.line.Strict = line, object, true
		text, r.line.Encoding = s.line(text)
		return r.give(text)
	}
	cut := splitter{limit: r.o.Limits.Object}
	cut.object = func(text []byte, _ uint64) error { return give(text, cut.began, true) }
	cut.broken = func(text []byte, line uint64) error { return give(text, line, false) }
	cut.refuse = func(reason Reason) { r.refuse(reason, cut.began, cut.at, 1) }
	return cut.split(from)
}

// longLine reads to the end of a line, which is left out; size has it. Of one beyond the limit only the beginning comes.
func longLine(r *bufio.Reader, buf []byte, limit int) (line []byte, size int64, err error) {
	for {
		piece, err := r.ReadSlice('\n')
		if size += int64(len(piece)); size <= int64(limit)+2 {
			buf = append(buf, piece...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return bytes.TrimSuffix(buf, []byte("\n")), size, err
		}
	}
}

// inLines says whether each line of a JSON text is on its own, by its beginning: an object ends on the line on which it
// began, and nothing but a comma follows. A broken first line does not hinder that; a list that begins does, and so does
// an object whose first line is not in the head to its end. Shift_JIS breaks the quotes of JSON: such lines are
// turned into UTF-8 one by one.
func inLines(head []byte, japanese bool) bool {
	text := bytes.TrimLeft(head, " \t\r\n\x1e")
	if japanese || len(text) > 0 && text[0] != '{' && text[0] != '[' {
		return true
	}
	if len(text) == 0 || text[0] == '[' || wrapper.Match(head[:min(len(head), readAhead/64)]) {
		return false
	}
	whole := len(head) < lookAt-3
	for first := true; len(text) > 0; first = false {
		line, rest, ended := bytes.Cut(text, []byte("\n"))
		text = rest
		if !ended && !whole {
			return false
		}
		if first && len(bytes.TrimSpace(line)) == 1 { // an object over several lines
			return false
		}
		if object := trimObject(line); len(object) > 0 && object[0] == '{' && json.Valid(object) {
			return true
		}
	}
	return false
}

// trimObject leaves out what may stand around an object that has a line for itself.
func trimObject(line []byte) []byte {
	return bytes.TrimSuffix(bytes.Trim(line, " \t\r\x1e"), []byte(","))
}

// Object is the JSON object of a line, without what may stand around it; in the text of an object itself nothing does.
func (l *Line) Object() []byte { return trimObject(l.Text) }
