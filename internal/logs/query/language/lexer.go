package language

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// kind of a token. Signs are their own kind, as ASCII text.
type kind string

const (
	end    kind = "end"
	bare   kind = "word"
	quoted kind = "quoted"
)

// token is a piece of the query. Spaces before it are not part of it.
type token struct {
	kind    kind
	text    string // unquoted
	at, end int    // bytes of the source
	spaced  bool   // white space, or the beginning, stands before it
}

// signs that end a bare word. Two-byte signs come first.
var signs = []string{"==", "!=", "<=", ">=", "!~", "=", "<", ">", "!", "~", "(", ")", "|", "*", ","}

type lexer struct {
	src string
	at  int
}

// charAt gives the character at i as the language reads it, full-width signs and spaces as ASCII, and its length.
func (l *lexer) charAt(i int) (rune, int) {
	r, n := utf8.DecodeRuneInString(l.src[i:])
	switch {
	case r > '\uFF00' && r < '\uFF5F':
		if narrow := r - 0xFEE0; strings.ContainsRune(`=<>!~()|*,`, narrow) {
			return narrow, n
		}
	case unicode.IsSpace(r):
		return ' ', n
	}
	return r, n
}

// next reads a token. Slashes are parts of bare words; the parser asks for an expression where one can stand.
func (l *lexer) next() (token, error) {
	start := l.at
	for l.at < len(l.src) {
		r, n := l.charAt(l.at)
		if r != ' ' {
			break
		}
		l.at += n
	}
	t := token{kind: end, at: l.at, end: l.at, spaced: l.at > start || start == 0}
	if l.at == len(l.src) {
		return t, nil
	}
	if l.src[l.at] == '"' {
		return l.quoted(t)
	}
	if sign, n := l.sign(); n > 0 {
		l.at += n
		t.kind, t.text, t.end = kind(sign), sign, l.at
		return t, nil
	}
	for l.at < len(l.src) {
		r, n := l.charAt(l.at)
		if r == utf8.RuneError && n == 1 {
			return t, &query.Error{Reason: query.NotUTF8, At: l.at, End: l.at + 1}
		}
		if r == ' ' || r == '"' {
			break
		}
		if _, sign := l.sign(); sign > 0 {
			break
		}
		l.at += n
	}
	t.kind, t.text, t.end = bare, l.src[t.at:l.at], l.at
	return t, nil
}

// sign reads the longest sign here, without moving.
func (l *lexer) sign() (string, int) {
	first, n := l.charAt(l.at)
	if !strings.ContainsRune(`=<>!~()|*,`, first) {
		return "", 0
	}
	if l.at+n < len(l.src) {
		second, m := l.charAt(l.at + n)
		for _, s := range signs {
			if len(s) == 2 && rune(s[0]) == first && rune(s[1]) == second {
				return s, n + m
			}
		}
	}
	return string(first), n
}

func (l *lexer) quoted(t token) (token, error) {
	var b strings.Builder
	for i := l.at + 1; i < len(l.src); {
		c := l.src[i]
		switch {
		case c == '"':
			l.at = i + 1
			t.kind, t.text, t.end = quoted, b.String(), l.at
			return t, nil
		case c == '\\':
			n, ok := escape(&b, l.src[i:])
			if !ok {
				return t, &query.Error{Reason: query.BadEscape, At: i, End: i + n, Found: l.src[i : i+n], Hint: `\\`}
			}
			i += n
		case c < utf8.RuneSelf:
			b.WriteByte(c)
			i++
		default:
			r, n := utf8.DecodeRuneInString(l.src[i:])
			if r == utf8.RuneError && n == 1 {
				return t, &query.Error{Reason: query.NotUTF8, At: i, End: i + 1}
			}
			b.WriteString(l.src[i : i+n])
			i += n
		}
	}
	return t, &query.Error{Reason: query.UnclosedQuote, At: t.at, End: len(l.src), Hint: `"`}
}

// escape reads an escape at the beginning of s and tells its length.
func escape(b *strings.Builder, s string) (int, bool) {
	if len(s) < 2 {
		return len(s), false
	}
	switch s[1] {
	case '"', '\\':
		b.WriteByte(s[1])
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	case 'x':
		if len(s) < 4 {
			return len(s), false
		}
		high, low := strings.IndexByte(hex, s[2]|0x20), strings.IndexByte(hex, s[3]|0x20)
		if high < 0 || low < 0 {
			return 2, false
		}
		b.WriteByte(byte(high<<4 | low))
		return 4, true
	default:
		_, n := utf8.DecodeRuneInString(s[1:])
		return 1 + n, false
	}
	return 2, true
}

const hex = "0123456789abcdef"

// regex reads the expression whose slash stands at at. Inside, \/ is a slash and every other backslash stays.
func (l *lexer) regex(at int) (token, error) {
	var b strings.Builder
	for i := at + 1; i < len(l.src); i++ {
		switch c := l.src[i]; {
		case c == '/':
			l.at = i + 1
			t := token{kind: "regex", text: b.String(), at: at, end: l.at}
			if l.at < len(l.src) {
				if r, _ := l.charAt(l.at); !strings.ContainsRune(" )|,", r) {
					return t, &query.Error{
						Reason: query.RegexFollowed, At: at, End: l.at, Found: l.src[at:l.at], Hint: `"` + l.src[at:l.at] + `…"`,
					}
				}
			}
			return t, nil
		case c == '\\' && i+1 < len(l.src):
			i++
			if l.src[i] != '/' {
				b.WriteByte(c)
			}
			b.WriteByte(l.src[i])
		default:
			b.WriteByte(c)
		}
	}
	return token{}, &query.Error{Reason: query.UnclosedRegex, At: at, End: len(l.src), Hint: "/"}
}
