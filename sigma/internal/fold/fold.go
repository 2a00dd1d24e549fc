// Package fold brings text into the form in which Sigma compares it: Unicode simple case folding, character by
// character. A byte that is no UTF-8 stays as it is. It imports nothing of ours.
package fold

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

const (
	high  = 0x8080808080808080
	every = 0x0101010101010101
)

// Append appends the folded form of src to dst. Two texts are equal without regard to case exactly when their
// folded forms are equal. Folding never changes the number of characters; it may change the number of bytes,
// but not where all bytes are ASCII; ascii says whether they are.
func Append(dst, src []byte) (folded []byte, ascii bool) {
	n := len(dst)
	if cap(dst)-n < len(src)+8 {
		grown := make([]byte, n, 2*cap(dst)+len(src)+64)
		copy(grown, dst)
		dst = grown
	}
	out := dst[n : n+len(src)]
	i := 0
	for ; i+8 <= len(src); i += 8 {
		w := binary.LittleEndian.Uint64(src[i:])
		if w&high != 0 {
			return appendSlow(dst[:n+i], src[i:]), false
		}
		// In each byte: the high bit is set where the byte is A to Z; shifted down to 0x20 it makes it small.
		above := w + (0x80-'A')*every
		beyond := w + (0x80-'Z'-1)*every
		binary.LittleEndian.PutUint64(out[i:], w|(above&^beyond&high)>>2)
	}
	for ; i < len(src); i++ {
		c := src[i]
		if c >= 0x80 {
			return appendSlow(dst[:n+i], src[i:]), false
		}
		if c-'A' < 26 {
			c |= 0x20
		}
		out[i] = c
	}
	return dst[:n+len(src)], true
}

func appendSlow(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		c := src[i]
		if c < utf8.RuneSelf {
			if c-'A' < 26 {
				c |= 0x20
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, size := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, c)
		} else {
			dst = utf8.AppendRune(dst, Rune(r))
		}
		i += size
	}
	return dst
}

// String folds a string.
func String(s string) string {
	if isFolded(s) {
		return s
	}
	b, _ := Append(nil, []byte(s))
	return string(b)
}

func isFolded(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || c-'A' < 26 {
			return false
		}
	}
	return true
}

// Rune gives the one that stands for all characters that differ in case only: the small letter in ASCII, the
// least code point elsewhere.
func Rune(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r |= 0x20
		}
		return r
	}
	if r >= 0x2E80 && r < 0xA640 || r >= 0xAC00 && r < 0xFB00 {
		return r // kana, kanji, hangul and private use have no case
	}
	least := r
	for s := unicode.SimpleFold(r); s != r; s = unicode.SimpleFold(s) {
		if s < least {
			least = s
		}
	}
	if 'A' <= least && least <= 'Z' {
		least |= 0x20
	}
	return least
}

// Offset turns a place in the folded text into the place in the text it was made from.
func Offset(src []byte, folded int) int {
	at := 0
	for i := 0; i < len(src); {
		if at >= folded {
			return i
		}
		r, size := utf8.DecodeRune(src[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			at++
		default:
			at += utf8.RuneLen(Rune(r))
		}
		i += size
	}
	return len(src)
}
