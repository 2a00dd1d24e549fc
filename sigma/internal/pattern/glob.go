package pattern

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/sigma/internal/fold"
)

// token is a literal run, or one wildcard.
type token struct {
	lit  string
	raw  []byte // lit again, so that searching copies nothing; set by newText
	wild byte   // '*', '?', or 0 for a literal
}

// parse reads wildcards and escapes. A backslash means something only before a wildcard or another backslash.
func parse(s string) []token {
	if !strings.ContainsAny(s, `*?\`) {
		return plain(s)
	}
	var out []token
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			out = append(out, token{lit: lit.String()})
			lit.Reset()
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\\':
			if i+1 < len(s) && (s[i+1] == '*' || s[i+1] == '?' || s[i+1] == '\\') {
				i++
			}
			lit.WriteByte(s[i])
		case '*', '?':
			flush()
			out = append(out, token{wild: c})
		default:
			lit.WriteByte(c)
		}
	}
	flush()
	return out
}

func plain(s string) []token {
	if s == "" {
		return nil
	}
	return []token{{lit: s}}
}

// unwild gives the text of tokens without wildcards.
func unwild(t []token) (string, bool) {
	var b strings.Builder
	for _, x := range t {
		if x.wild != 0 {
			return "", false
		}
		b.WriteString(x.lit)
	}
	return b.String(), true
}

// tidy joins neighbouring literals and stars.
func tidy(t []token) []token {
	var out []token
	for _, x := range t {
		if n := len(out); n > 0 {
			last := &out[n-1]
			if x.wild == '*' && last.wild == '*' {
				continue
			}
			if x.wild == 0 && last.wild == 0 {
				last.lit += x.lit
				continue
			}
		}
		out = append(out, x)
	}
	return out
}

// Shape is the simple form that a text test may have.
type Shape uint8

// The shapes of text tests.
const (
	Equals Shape = iota
	Contains
	StartsWith
	EndsWith
	AnyText // a single star: there is text, even empty
	Glob    // wildcards inside
)

// Text is a text with wildcards, ready to compare with folded text (or, when cased, with the text as it is).
type Text struct {
	Shape  Shape
	Lit    string // for all shapes but Glob
	raw    []byte // Lit again, for Contains
	tokens []token
	odd    bool // no valid UTF-8: compared by characters, so that no test begins inside a character
}

func newText(t []token) Text {
	t = tidy(t)
	x := Text{tokens: t, Shape: Glob}
	for _, k := range t {
		x.odd = x.odd || !utf8.ValidString(k.lit)
	}
	star := func(i int) bool { return t[i].wild == '*' }
	lit := func(i int) bool { return t[i].wild == 0 }
	switch {
	case len(t) == 0:
		x.Shape = Equals
	case len(t) == 1 && lit(0):
		x.Shape, x.Lit = Equals, t[0].lit
	case len(t) == 1 && star(0):
		x.Shape = AnyText
	case len(t) == 2 && lit(0) && star(1):
		x.Shape, x.Lit = StartsWith, t[0].lit
	case len(t) == 2 && star(0) && lit(1):
		x.Shape, x.Lit = EndsWith, t[1].lit
	case len(t) == 3 && star(0) && lit(1) && star(2):
		x.Shape, x.Lit = Contains, t[1].lit
	}
	if x.odd && x.Shape != Equals {
		x.Shape = Glob
	}
	if x.Shape == Contains {
		x.raw = []byte(x.Lit)
	}
	if x.Shape == Glob {
		for i := range t {
			t[i].raw = []byte(t[i].lit)
		}
	}
	return x
}

// foldTokens folds literals in place; dash also makes all dashes one.
func foldTokens(t []token, cased, dash bool) {
	for i := range t {
		if !cased {
			t[i].lit = fold.String(t[i].lit)
		}
		if dash {
			t[i].lit = dashes.Replace(t[i].lit)
		}
	}
}

// String writes the pattern with its wildcards and escapes.
func (x *Text) String() string {
	var b strings.Builder
	for _, k := range x.tokens {
		if k.wild != 0 {
			b.WriteByte(k.wild)
			continue
		}
		b.WriteString(k.lit)
	}
	return b.String()
}

// appendKey tells patterns apart, wildcards from the same characters in a literal too.
func (x *Text) appendKey(b []byte) []byte {
	for _, k := range x.tokens {
		if k.wild != 0 {
			b = append(b, 0, k.wild)
			continue
		}
		b = binary.AppendUvarint(b, uint64(len(k.lit))) // never 0
		b = append(b, k.lit...)
	}
	return b
}

// Match compares with text that is folded the way the pattern is.
func (x *Text) Match(v []byte) bool {
	switch x.Shape {
	case Equals:
		return string(v) == x.Lit
	case Contains:
		return bytes.Contains(v, x.raw)
	case StartsWith:
		return len(v) >= len(x.Lit) && string(v[:len(x.Lit)]) == x.Lit
	case EndsWith:
		return len(v) >= len(x.Lit) && string(v[len(v)-len(x.Lit):]) == x.Lit
	case AnyText:
		return true
	case Glob:
	}
	_, _, ok := x.find(v)
	return ok
}

// Find is Match that also gives the place, from the first to the last byte that a literal or "?" stands for.
func (x *Text) Find(v []byte) (start, end int, ok bool) {
	if !x.Match(v) {
		return 0, 0, false
	}
	switch x.Shape {
	case Equals, AnyText:
		return 0, len(v), true
	case Contains:
		i := bytes.Index(v, x.raw)
		return i, i + len(x.Lit), true
	case StartsWith:
		return 0, len(x.Lit), true
	case EndsWith:
		return len(v) - len(x.Lit), len(v), true
	case Glob:
	}
	return x.find(v)
}

// find tries the parts between stars from left to right, each as early as it can be: that is enough, because a
// star takes any run. The last part must end where the text ends.
func (x *Text) find(v []byte) (start, end int, ok bool) {
	t := x.tokens
	at := 0
	start, end = -1, 0
	if len(t) > 0 && t[0].wild != '*' {
		n := segment(t)
		e := x.matchAt(t[:n], v, 0)
		if e < 0 {
			return 0, 0, false
		}
		if n == len(t) {
			return 0, e, e == len(v)
		}
		start, at, end = 0, e, e
		t = t[n:]
	}
	for len(t) > 0 {
		t = t[1:] // the star
		n := segment(t)
		if n == 0 {
			break
		}
		if n == len(t) {
			s := x.matchBack(t, v, at)
			if s < 0 {
				return 0, 0, false
			}
			if start < 0 {
				start = s
			}
			return start, len(v), true
		}
		s, e := x.search(t[:n], v, at)
		if s < 0 {
			return 0, 0, false
		}
		if start < 0 {
			start = s
		}
		at, end = e, e
		t = t[n:]
	}
	return max(start, 0), end, true
}

// segment counts the tokens before the next star.
func segment(t []token) int {
	for i, k := range t {
		if k.wild == '*' {
			return i
		}
	}
	return len(t)
}

// matchAt gives where the tokens end when they begin at i, or -1.
func (x *Text) matchAt(t []token, v []byte, i int) int {
	for _, k := range t {
		if k.wild == '?' {
			if i >= len(v) {
				return -1
			}
			_, size := utf8.DecodeRune(v[i:])
			i += size
			continue
		}
		if len(v)-i < len(k.lit) || string(v[i:i+len(k.lit)]) != k.lit {
			return -1
		}
		i += len(k.lit)
		if x.odd && !boundary(v, i) {
			return -1
		}
	}
	return i
}

// matchBack gives where the tokens begin when they end with the text, not before least, or -1.
func (x *Text) matchBack(t []token, v []byte, least int) int {
	i := len(v)
	for _, v0 := range slices.Backward(t) {
		if v0.wild == '?' {
			if i <= least {
				return -1
			}
			_, size := utf8.DecodeLastRune(v[:i])
			i -= size
			continue
		}
		n := len(v0.lit)
		if i-n < least || string(v[i-n:i]) != v0.lit {
			return -1
		}
		i -= n
		if x.odd && !boundary(v, i) {
			return -1
		}
	}
	if i < least {
		return -1
	}
	return i
}

// search finds the first place from at on where the tokens hold.
func (x *Text) search(t []token, v []byte, at int) (start, end int) {
	for i := at; i <= len(v); {
		if t[0].wild == 0 && !x.odd {
			j := bytes.Index(v[i:], t[0].raw)
			if j < 0 {
				return -1, -1
			}
			i += j
		}
		if !x.odd || boundary(v, i) {
			if e := x.matchAt(t, v, i); e >= 0 {
				return i, e
			}
		}
		if i == len(v) {
			break
		}
		_, size := utf8.DecodeRune(v[i:])
		i += size
	}
	return -1, -1
}

// boundary says whether a character begins (or the text ends) at i.
func boundary(v []byte, i int) bool {
	if i >= len(v) || utf8.RuneStart(v[i]) {
		return true
	}
	for s := i - 1; s >= 0 && s > i-utf8.UTFMax; s-- {
		if utf8.RuneStart(v[s]) {
			_, size := utf8.DecodeRune(v[s:])
			return s+size <= i
		}
	}
	return true
}

// Longest gives the best literal that text must have: where it must stand, and the literal.
func (x *Text) Longest() (Shape, string) {
	if x.Shape != Glob {
		return x.Shape, x.Lit
	}
	best, shape := "", AnyText
	for i, k := range x.tokens {
		if k.wild != 0 || len(k.lit) <= len(best) {
			continue
		}
		best, shape = k.lit, Contains
		switch {
		case i == 0:
			shape = StartsWith
		case i == len(x.tokens)-1:
			shape = EndsWith
		}
	}
	return shape, best
}
