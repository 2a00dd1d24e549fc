// Package jtext handles Japanese text as it arrives from people and their files: what is stored, what is
// searched, how it sorts, how wide it prints, and the CP932 encoding that Excel calls CSV.
//
// Two forms never mix: the stored form (Store, Line) keeps every character that tells two names apart
// (①, ㈱, 髙 and 高, 﨑 and 崎); the search form (SearchKey) throws such differences away and is only ever
// compared, never shown. The package imports nothing of ours. All functions are safe for concurrent use.
package jtext

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

// Store returns s as it is kept: half-width katakana become full-width and full-width letters, digits and
// signs become half-width (width.Fold), then NFC; line ends become \n, tabs and runs of other control
// characters become one space, invisible direction and zero-width marks vanish, broken UTF-8 becomes U+FFFD,
// and white space at both ends (U+3000 too) is cut. Line breaks inside stay; Line removes them.
func Store(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	var b strings.Builder
	b.Grow(len(s))
	control := false
	for _, r := range lineEnds.Replace(s) {
		switch {
		case r == '\n':
			b.WriteRune(r)
			control = false
		case unicode.IsControl(r):
			if !control {
				b.WriteByte(' ')
			}
			control = true
		case invisible(r):
		default:
			b.WriteString(fold(r))
			control = false
		}
	}
	return strings.TrimFunc(norm.NFC.String(b.String()), unicode.IsSpace)
}

// lineEnds is made once: building it costs more than reading a cell with it.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n")

// Line returns Store(s) on one line: every run of white space becomes one space. Use it for names, titles
// and keys.
func Line(s string) string { return strings.Join(strings.Fields(Store(s)), " ") }

// ASCII returns Line(s) and whether it consists of printable ASCII only, as mail addresses, host names and user names
// must: "a@ｂ．ｃｏｍ" is "a@b.com", true.
func ASCII(s string) (string, bool) {
	s = Line(s)
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return s, false
		}
	}
	return s, true
}

// fold narrows or widens one character to its usual form. Two full-width signs stay: ～ marks a range in
// Japanese text where ~ reads as "about", and ￥ would become U+00A5, which CP932 cannot write.
func fold(r rune) string {
	if r == '～' || r == '￥' {
		return string(r)
	}
	if folded := width.LookupRune(r).Folded(); folded != 0 {
		return string(folded)
	}
	return string(r)
}

// invisible says whether r shows nothing and carries no meaning in a stored text. The joiner U+200D and the
// variation selectors stay: names are written with them.
func invisible(r rune) bool {
	switch {
	case r == '\u00AD', r == '\u200B', r == '\u200E', r == '\u200F', r == '\u2060', r == '\uFEFF':
		return true
	case r >= '\u202A' && r <= '\u202E', r >= '\u2066' && r <= '\u2069':
		return true
	}
	return false
}

// Number returns s as people mean it in phone numbers, item numbers and amounts: full-width digits become
// half-width, every dash and the long-vowel mark ー become "-", spaces at both ends are cut. Use it only where
// a number is expected; in names ー is a letter.
func Number(s string) string {
	return strings.Map(func(r rune) rune {
		if r == 'ー' || dash(r) {
			return '-'
		}
		return r
	}, Store(s))
}

// dash says whether r is one of the strokes that are typed for a hyphen.
func dash(r rune) bool {
	switch r {
	case '-', '\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u2015', '\u2212', '\u2500', '\uFE63', '\uFF0D':
		return true
	}
	return false
}

// SearchKey returns the form in which texts are compared and searched: NFKC (㈱ becomes (株), ① becomes 1),
// lower case, katakana instead of hiragana, without spaces and hyphens; a ー after a digit counts as a hyphen.
// Store it in a column of its own and apply it to what the person types. SearchKey(SearchKey(s)) = SearchKey(s).
func SearchKey(s string) string {
	for range 4 { // dropping a space can bring a letter and its mark together: once more then
		next := searchKeyOnce(s)
		if next == s {
			break
		}
		s = next
	}
	return s
}

func searchKeyOnce(s string) string {
	s = norm.NFKC.String(strings.ToValidUTF8(s, "\uFFFD"))
	var b strings.Builder
	b.Grow(len(s))
	var last rune
	for _, r := range s {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r), dash(r), invisible(r):
			continue
		case r == 'ー' && last >= '0' && last <= '9':
			continue
		case r == '〜':
			r = '~'
		default:
			r = katakana(unicode.ToLower(r))
		}
		b.WriteRune(r)
		last = r
	}
	return norm.NFKC.String(b.String())
}

// Katakana returns s with hiragana and half-width katakana as full-width katakana, for furigana fields that
// accept both. Everything else is as Line leaves it.
func Katakana(s string) string { return norm.NFC.String(strings.Map(katakana, Line(s))) }

// katakana maps the hiragana block, ゝ and ゞ included, onto katakana.
func katakana(r rune) rune {
	if r >= 'ぁ' && r <= 'ゖ' || r == 'ゝ' || r == 'ゞ' {
		return r + ('ァ' - 'ぁ')
	}
	return r
}
