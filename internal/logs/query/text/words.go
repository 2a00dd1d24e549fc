package text

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// MaxWord is how many bytes of a word are kept. Longer words are cut to it (at a character), in the index and in
// queries alike, so that a cut word still matches itself.
const MaxWord = 64

// WordsVersion names how Words cuts. It changes with the rules here and with the Unicode tables of the build; an index
// made under another name must not be used to rule a block out.
const WordsVersion = "1 unicode " + unicode.Version + " width " + width.UnicodeVersion

// Words calls add for each word of text, more than once for one that repeats. The text is folded first (see Fold). A
// word is a run of letters, digits, marks and _; Han, hiragana and katakana make words of two characters each that
// overlap (東京都: 東京, 京都), or of one where it stands alone; four numbers of up to three digits joined by dots are
// a word too, besides the numbers (an IPv4 address). Everything else, bytes that are no UTF-8 among it, separates.
// Words longer than MaxWord are cut.
func Words(text string, add func(word string)) {
	cut(Fold(text), func(w string, _, _ int) { add(w) })
}

// Classes of characters.
const (
	separator = iota
	letter
	ideograph
)

// asciiLetter says which bytes below 0x80 belong to words. It has 256 places so that no index needs a check.
var asciiLetter = func() (t [256]bool) {
	for c := range utf8.RuneSelf {
		t[c] = c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	return t
}()

// classAt tells the class and length of the character at the start of s, which is not empty.
func classAt(s string) (class, n int) {
	if c := s[0]; c < utf8.RuneSelf {
		if asciiLetter[c] {
			return letter, 1
		}
		return separator, 1
	}
	r, n := utf8.DecodeRuneInString(s)
	return classOf(r, n), n
}

// classOf tells the class of a character outside ASCII that is n bytes long.
func classOf(r rune, n int) int {
	switch {
	case r == utf8.RuneError && n <= 1:
		return separator
	case ideographic(r):
		return ideograph
	case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
		return letter
	}
	return separator
}

// ideographic says whether r is Han, hiragana or katakana. The ranges stand here so that no new Unicode moves them.
func ideographic(r rune) bool {
	switch {
	case r < 0x3005:
		return false
	case r <= 0x3007, r >= 0x3041 && r <= 0x3096, r >= 0x309D && r <= 0x309F, r >= 0x30A1 && r <= 0x30FA,
		r >= 0x30FC && r <= 0x30FF, r >= 0x31F0 && r <= 0x31FF, r >= 0x3400 && r <= 0x4DBF,
		r >= 0x4E00 && r <= 0x9FFF, r >= 0xF900 && r <= 0xFAFF, r >= 0x20000 && r <= 0x3FFFD:
		return true
	}
	return false
}

// cut finds the words of a folded text; each word comes with the piece from:to of text it depends on: a change outside
// of from-1:to+1 leaves it a word.
func cut(text string, add func(w string, from, to int)) {
	var quad dotted
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf && !asciiLetter[c] {
			i++
			continue
		}
		class, n := classAt(text[i:])
		switch class {
		case separator:
			i += n
		case letter:
			from := i
			i = runEnd(text, i+n)
			add(Limit(text[from:i]), from, i)
			if start := next(&quad, text, from, i); start >= 0 {
				add(text[start:i], start, i)
			}
		case ideograph:
			i = cutIdeographs(text, i, n, add)
		}
	}
}

// runEnd returns where the run of letters ends that goes on at i.
func runEnd(text string, i int) int {
	for i < len(text) {
		if asciiLetter[text[i]] {
			i++
			continue
		}
		class, n := classAt(text[i:])
		if class != letter {
			break
		}
		i += n
	}
	return i
}

// cutIdeographs cuts the run of ideographs at i, the first of which is n bytes long, and returns where it ends.
func cutIdeographs(text string, i, n int, add func(w string, from, to int)) int {
	last, single := i, true
	for i += n; i < len(text); i += n {
		var class int
		if class, n = classAt(text[i:]); class != ideograph {
			break
		}
		add(text[last:i+n], last, i+n)
		last, single = i, false
	}
	if single {
		add(text[last:i], last, i)
	}
	return i
}

// Limit cuts a word to MaxWord bytes, at a character.
func Limit(w string) string {
	if len(w) <= MaxWord {
		return w
	}
	n := MaxWord
	for !utf8.RuneStart(w[n]) {
		n--
	}
	return w[:n]
}

// dotted remembers the last numbers that are joined by dots.
type dotted struct {
	starts [4]int
	count  int
	end    int
}

// next takes the word at from:to and returns where four joined numbers start that end with it, or -1.
func next(d *dotted, text string, from, to int) int {
	if to-from > 3 || text[from] > '9' || !digits(text[from:to]) {
		d.count = 0
		return -1
	}
	if d.count > 0 && (from != d.end+1 || text[d.end] != '.') {
		d.count = 0
	}
	if d.count == len(d.starts) {
		copy(d.starts[:], d.starts[1:])
		d.count--
	}
	d.starts[d.count] = from
	d.count++
	d.end = to
	if d.count < len(d.starts) {
		return -1
	}
	return d.starts[0]
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
