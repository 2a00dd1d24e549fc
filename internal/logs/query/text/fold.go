package text

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// Fold returns the form in which texts are compared unless cased: is asked for: letters in lower case, full-width
// ASCII as ASCII, U+3000 as a space, half-width katakana as full-width with their voice marks joined (ｶﾞ and カ゛ with
// a combining mark are ガ), 〜 as ~. Bytes that are no UTF-8 stay as they are. It goes character by character, and
// letters that differ in case only, in the sense of unicode.SimpleFold, become one (K and the Kelvin sign, s and ſ).
// Fold(Fold(s)) = Fold(s). It returns s itself where nothing changes.
func Fold(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || c-'A' < 26 {
			b := make([]byte, i, len(s)+8)
			copy(b, s)
			return string(appendFold(b, s[i:]))
		}
	}
	return s
}

// appendFold appends Fold(s) to dst.
func appendFold[T string | []byte](dst []byte, s T) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c-'A' < 26 {
				c |= 0x20
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, n := decode(s[i:])
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, c)
			i++
			continue
		}
		i += n
		r = foldRune(r)
		if kana(r) && i < len(s) && s[i] >= 0xE3 {
			if mark, n := decode(s[i:]); voiced(mark) {
				if joined := voice(r, foldRune(mark)); joined != 0 {
					r, i = joined, i+n
				}
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// decode reads the first character of s without converting the rest of it.
func decode[T string | []byte](s T) (rune, int) {
	var b [utf8.UTFMax]byte
	return utf8.DecodeRune(b[:copy(b[:], s)])
}

// foldRune folds one character outside ASCII.
func foldRune(r rune) rune {
	switch {
	case r >= 0x3040 && r < 0xA000: // kana, signs and Han have one width here and no case
		return r
	case r >= 0xFF00 && r < 0xFFF0:
		if folded := width.LookupRune(r).Folded(); folded != 0 {
			r = folded
		}
		if r == voicedTop {
			return voicedMark
		}
		if r == semiTop {
			return semiMark
		}
	case r == '\u3000':
		return ' '
	case r == '\u301C':
		return '~'
	}
	return unicode.ToLower(unicode.ToUpper(r))
}

// Voice marks: the combining ones, and the free ones that the width tables may give for half-width marks.
const (
	voicedMark, semiMark = '\u3099', '\u309A'
	voicedTop, semiTop   = '\u309B', '\u309C'
)

func kana(r rune) bool { return r >= 0x3041 && r <= 0x30FE }

func voiced(r rune) bool {
	return r == voicedMark || r == semiMark || r == '\uFF9E' || r == '\uFF9F'
}

// voice joins a kana with a combining mark; 0 where there is no such letter.
func voice(r, mark rune) rune {
	base := r
	if r >= 0x30A1 {
		base = r - 0x60 // katakana as hiragana
	}
	switch {
	case mark == semiMark:
		if base >= 'は' && base <= 'ほ' && (base-'は')%3 == 0 {
			return r + 2
		}
	case base >= 'か' && base <= 'ち' && (base-'か')%2 == 0, base == 'つ', base == 'て', base == 'と',
		base >= 'は' && base <= 'ほ' && (base-'は')%3 == 0, base == 'ゝ':
		return r + 1
	case base == 'う':
		return r + 0x4E // ゔ, ヴ
	case r == 'ワ':
		return 'ヷ'
	case r == 'ヲ':
		return 'ヺ'
	}
	return 0
}
