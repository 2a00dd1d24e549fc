package scan

import (
	"bytes"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/logs/scan/cp932"
)

// spelling tells for each line of a text what it is written in. Lines of several programs may stand in one file.
type spelling struct {
	wide  bool // the text was UTF-16
	known bool // the file has lines that are CP932
	limit int  // bytes of a line that was turned into UTF-8
	buf   []byte

	cp932, bytes, lines uint64
}

// newSpelling looks at the beginning of a text, which may end inside a letter.
func newSpelling(head []byte, wide bool, limit int) *spelling {
	s := &spelling{wide: wide, limit: limit}
	if end := bytes.LastIndexByte(head, '\n'); end > 0 {
		head = head[:end]
	}
	likely, kana, not := 0, 0, 0
	for line := range bytes.SplitSeq(head, []byte("\n")) {
		if utf8.Valid(line) {
			if !narrow(line) {
				not++
			}
			continue
		}
		var ok bool
		var look cp932.Look
		s.buf, look, ok = cp932.Append(s.buf[:0], line)
		switch {
		case !ok:
			not++
		case look.Likely():
			likely++
		case look.Odd > 0 && look.Possible():
			kana++
		}
	}
	s.known = !wide && (likely > 0 && likely >= not || kana > 0 && not == 0)
	return s
}

// line gives a line as it is kept. The text is valid until the next call.
func (s *spelling) line(text []byte) ([]byte, Encoding) {
	s.lines++
	if s.wide {
		if !utf8.Valid(text) { // half a pair, see exact
			return text, Bytes
		}
		return text, UTF16
	}
	// Two half-width kana may look like one letter of Greek or a sign: in a file of CP932 they are kana.
	if utf8.Valid(text) && (!s.known || !narrow(text) || ascii(text)) {
		return text, UTF8
	}
	out, look, ok := cp932.Append(s.buf[:0], text)
	s.buf = out[:0]
	if ok && len(out) <= s.limit && (look.Likely() || s.known && look.Possible()) {
		s.cp932++
		s.known = s.known || look.Likely()
		return out, CP932
	}
	if utf8.Valid(text) {
		return text, UTF8
	}
	s.bytes++
	return text, Bytes
}

// of is the encoding of the whole text, as far as it was read.
func (s *spelling) of() Encoding {
	switch {
	case s.wide:
		return UTF16
	case s.cp932 > 0:
		return CP932
	case s.bytes > 0:
		return Bytes
	}
	return UTF8
}

// narrow says whether a line of UTF-8 has letters of one and two bytes only.
func narrow(text []byte) bool {
	for _, c := range text {
		if c >= 0xe0 {
			return false
		}
	}
	return true
}

func ascii(text []byte) bool {
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
