package text

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"
	"sync"
	"unicode/utf8"
)

func trailing(w uint64) int { return bits.TrailingZeros64(w) }

// rare finds places where a text may stand by its rarest byte, which package bytes finds fast.
type rare struct {
	low, up         byte // the byte in both cases; equal where it has one
	off             int  // where it stands in the text
	nextLow, nextUp int  // the next place of each; -1: not looked for yet
}

// rarest chooses the byte of the needle that is rarest in samples of the text.
func (f *Finder) rarest(text []byte) rare {
	const samples, length = 16, 256
	var counts [256]uint16
	step := max(len(text)/samples, length)
	for at := 0; at < len(text); at += step {
		for _, c := range text[at:min(at+length, len(text))] {
			counts[c]++
		}
	}
	best, least := rare{}, 1<<31
	for i := range len(f.needle) {
		low := f.needle[i]
		up := low
		if !f.cased && low >= 'a' && low <= 'z' {
			up -= 0x20
		}
		n := int(counts[low])
		if up != low {
			n += int(counts[up]) + 1 // two searches
		}
		if n < least {
			best, least = rare{low: low, up: up, off: i}, n
		}
	}
	return best
}

func (r *rare) reset() { r.nextLow, r.nextUp = -1, -1 }

// next gives the first place from at on where the text may begin, or -1. Places must be asked for in rising order.
func (r *rare) next(text []byte, at int) int {
	from := at + r.off
	if from >= len(text) {
		return -1
	}
	if r.nextLow < from {
		r.nextLow = indexFrom(text, from, r.low)
	}
	best := r.nextLow
	if r.up != r.low {
		if r.nextUp < from {
			r.nextUp = indexFrom(text, from, r.up)
		}
		best = min(best, r.nextUp)
	}
	if best == len(text) {
		return -1
	}
	return best - r.off
}

// indexFrom gives the place of c from at on, or the length of the text.
func indexFrom(text []byte, at int, c byte) int {
	if i := bytes.IndexByte(text[at:], c); i >= 0 {
		return at + i
	}
	return len(text)
}

// isASCII says whether all bytes are below 0x80.
func isASCII(b []byte) bool {
	const high = 0x8080808080808080
	for len(b) >= 32 {
		w := binary.LittleEndian.Uint64(b) | binary.LittleEndian.Uint64(b[8:]) |
			binary.LittleEndian.Uint64(b[16:]) | binary.LittleEndian.Uint64(b[24:])
		if w&high != 0 {
			return false
		}
		b = b[32:]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// variants are the characters that fold into one of a needle's and are not spelt like it.
type variants struct {
	forms [0x100]bool // of U+FF00 to U+FFFF: full-width and half-width forms
	wide  bool        // one of forms is set
	other [][]byte
}

func (v *variants) empty() bool { return !v.wide && len(v.other) == 0 }

// unfolded gives for a folded character those that fold into it. No case lies beyond U+1FFFF.
var unfolded = sync.OnceValue(func() map[rune][]rune {
	m := map[rune][]rune{}
	for r := rune(utf8.RuneSelf); r < 0x20000; r++ {
		if f := foldRune(r); f != r {
			m[f] = append(m[f], r)
		}
	}
	return m
})

// variantsOf collects the variants of a folded needle.
func variantsOf(needle string) variants {
	var v variants
	seen := map[rune]bool{}
	add := func(r rune) {
		if seen[r] {
			return
		}
		seen[r] = true
		if r >= 0xFF00 && r <= 0xFFFF {
			v.forms[r-0xFF00], v.wide = true, true
			return
		}
		v.other = append(v.other, []byte(string(r)))
	}
	for _, r := range needle {
		for _, u := range unfolded()[r] {
			add(u)
		}
		if strings.ContainsRune(voicedKana(), r) {
			for _, mark := range "\u3099\u309A\uFF9E\uFF9F" {
				add(mark)
			}
		}
	}
	return v
}

// voicedKana are the kana that a voice mark makes of another.
var voicedKana = sync.OnceValue(func() string {
	var b strings.Builder
	for r := rune(0x3041); r <= 0x30FE; r++ {
		for _, mark := range []rune{voicedMark, semiMark} {
			if joined := voice(r, mark); joined != 0 {
				b.WriteRune(joined)
			}
		}
	}
	return b.String()
})

// each calls do for places of variants in text[start:end]. The function gets the place and the row it gave last (at
// first: row), and returns where to go on, and the row there.
func (v *variants) each(text []byte, start, end int, do func(p, row int) (int, int), row int) {
	for _, seq := range v.other {
		tail := len(seq) - 1 // the last byte differs most: first bytes are alike in Japanese text
		for at, last := start, row; at+tail < end; {
			i := bytes.IndexByte(text[at+tail:end], seq[tail])
			if i < 0 {
				break
			}
			if at += i; bytes.Equal(text[at:at+tail], seq[:tail]) {
				at, last = do(at, last)
			} else {
				at++
			}
		}
	}
	if !v.wide {
		return
	}
	for at, last := start, row; at < end; {
		i := bytes.IndexByte(text[at:end], 0xEF)
		if i < 0 {
			return
		}
		at += i
		if r, _ := utf8.DecodeRune(text[at:end]); r >= 0xFF00 && r <= 0xFFFF && v.forms[r-0xFF00] {
			at, last = do(at, last)
		} else {
			at++
		}
	}
}
