package scan

import (
	"encoding/binary"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/transform"
)

// exact turns UTF-16 into UTF-8 and loses nothing. Half a pair, which UTF-8 has no letter for, becomes the three bytes of
// its number (ED A0 80 to ED BF BF), and a byte alone at the end becomes FF and its two hex digits: such a line is no
// UTF-8, and all its other words are found. Pairs are always one letter, so that the same UTF-16 can be made again.
type exact struct {
	transform.NopResetter

	big   bool // high byte first
	begun bool
}

// Transform turns what src has.
func (x *exact) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		text, size := x.next(src[nSrc:], atEOF)
		if size == 0 {
			return nDst, nSrc, transform.ErrShortSrc
		}
		if len(text) > len(dst)-nDst {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += copy(dst[nDst:], text)
		nSrc += size
		x.begun = true
	}
	return nDst, nSrc, nil
}

// next gives one letter and how many bytes it took; 0: there must be more of them. The mark of the order of bytes is none.
func (x *exact) next(src []byte, atEOF bool) (text []byte, size int) {
	if len(src) < 2 {
		if !atEOF {
			return nil, 0
		}
		return fmt.Appendf(nil, "\xff%02x", src[0]), 1
	}
	if !x.begun {
		x.big = src[0] == 0xfe
		return nil, 2
	}
	var out [utf8.UTFMax]byte
	first := x.unit(src)
	switch {
	case !utf16.IsSurrogate(first):
		return utf8.AppendRune(out[:0], first), 2
	case first >= 0xdc00: // the second half
	case len(src) >= 4:
		if r := utf16.DecodeRune(first, x.unit(src[2:])); r != utf8.RuneError {
			return utf8.AppendRune(out[:0], r), 4
		}
	case !atEOF:
		return nil, 0
	}
	return append(out[:0], 0xe0|byte(first>>12), 0x80|byte(first>>6)&0x3f, 0x80|byte(first)&0x3f), 2
}

func (x *exact) unit(src []byte) rune {
	if x.big {
		return rune(binary.BigEndian.Uint16(src))
	}
	return rune(binary.LittleEndian.Uint16(src))
}
