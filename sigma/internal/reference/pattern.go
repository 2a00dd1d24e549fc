package reference

import (
	"encoding/base64"
	"errors"
	"fmt"
	"unicode/utf16"
)

// A token is one element of a pattern: a character, one of several characters, any character, or any run of them.
type token struct {
	many bool   // *
	one  bool   // ?
	set  []rune // exactly one of these
}

type pattern []token

func literal(r rune) token { return token{set: []rune{r}} }

// parsePattern reads a text with wildcards and escapes.
func parsePattern(text string) pattern {
	var p pattern
	chars := characters(text)
	for i := 0; i < len(chars); i++ {
		switch c := chars[i]; {
		case c == '*':
			p = append(p, token{many: true})
		case c == '?':
			p = append(p, token{one: true})
		case c == '\\' && i+1 < len(chars) && (chars[i+1] == '*' || chars[i+1] == '?' || chars[i+1] == '\\'):
			i++
			p = append(p, literal(chars[i]))
		default:
			p = append(p, literal(c))
		}
	}
	return p
}

func literalPattern(text string) pattern {
	var p pattern
	for _, c := range characters(text) {
		p = append(p, literal(c))
	}
	return p
}

// anchored puts wildcards where contains, startswith and endswith leave room.
func (p pattern) anchored(anchor string) pattern {
	var out pattern
	if anchor == "contains" || anchor == "endswith" {
		out = append(out, token{many: true})
	}
	out = append(out, p...)
	if anchor == "contains" || anchor == "startswith" {
		out = append(out, token{many: true})
	}
	return out
}

func (p pattern) matches(v value, cased bool) bool {
	if v.null {
		return false
	}
	chars := v.folded
	if cased {
		chars = v.chars
	}
	return p.match(chars, cased)
}

// match walks both; after a mismatch it goes back to the last * and lets that take one more character.
func (p pattern) match(chars []rune, cased bool) bool {
	at, i := 0, 0
	star, resume := -1, 0
	for i < len(chars) {
		switch {
		case at < len(p) && p[at].many:
			star, resume = at, i
			at++
		case at < len(p) && p[at].takes(chars[i], cased):
			at++
			i++
		case star >= 0:
			resume++
			at, i = star+1, resume
		default:
			return false
		}
	}
	for at < len(p) && p[at].many {
		at++
	}
	return at == len(p)
}

func (t token) takes(r rune, cased bool) bool {
	if t.one {
		return true
	}
	for _, want := range t.set {
		if want == r || !cased && fold(want) == r {
			return true
		}
	}
	return false
}

var dashes = []rune{'-', '/', '–', '—', '―'}

// windash lets each dash stand for any of the five.
func (p pattern) windash() pattern {
	var out pattern
	for _, t := range p {
		for _, d := range dashes {
			if len(t.set) == 1 && t.set[0] == d {
				t = token{set: dashes}
				break
			}
		}
		out = append(out, t)
	}
	return out
}

// spelled gives every literal text a pattern stands for; a pattern with wildcards has none.
func (p pattern) spelled() ([]string, error) {
	texts := []string{""}
	for _, t := range p {
		if t.many || t.one {
			return nil, errors.New("an encoded value cannot have wildcards")
		}
		var longer []string
		for _, text := range texts {
			for _, r := range t.set {
				longer = append(longer, text+textOf([]rune{r}))
			}
		}
		if len(longer) > 1000 {
			return nil, errors.New("too many dashes in an encoded value")
		}
		texts = longer
	}
	return texts, nil
}

// encode applies a transformation that works on bytes to each text of the pattern.
func (p pattern) encode(how string) ([]pattern, error) {
	texts, err := p.spelled()
	if err != nil {
		return nil, err
	}
	var out []pattern
	for _, text := range texts {
		for _, encoded := range encodings[how](text) {
			if encoded == "" && (text != "" || how == "base64offset") {
				return nil, fmt.Errorf("%s leaves nothing of %q to look for", how, text)
			}
			out = append(out, literalPattern(encoded))
		}
	}
	return out, nil
}

var encodings = map[string]func(string) []string{
	"base64":       func(s string) []string { return []string{base64.StdEncoding.EncodeToString([]byte(s))} },
	"base64offset": offsets,
	"wide":         func(s string) []string { return []string{utf16Text(s, false)} },
	"utf16le":      func(s string) []string { return []string{utf16Text(s, false)} },
	"utf16be":      func(s string) []string { return []string{utf16Text(s, true)} },
	"utf16":        func(s string) []string { return []string{"\xFF\xFE" + utf16Text(s, false)} },
}

// offsets gives what base64 makes of the text inside a longer one, wherever it begins: the characters that depend on the text alone.
func offsets(text string) []string {
	var out []string
	for before := range 3 {
		whole := base64.StdEncoding.EncodeToString([]byte("\x00\x00"[:before] + text))
		bits := (before + len(text)) * 8
		begin := (before*8 + 5) / 6 // the first character whose six bits are all of the text
		end := bits / 6             // the first whose bits are not
		out = append(out, whole[min(begin, end):end])
	}
	return out
}

func utf16Text(text string, bigEndian bool) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		low, high := byte(unit), byte(unit>>8)
		if bigEndian {
			low, high = high, low
		}
		out = append(out, low, high)
	}
	return string(out)
}
