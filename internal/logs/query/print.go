package query

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// String writes a term in the language: parsing it gives Normalize(t).
func String(t Term) string {
	var b strings.Builder
	Normalize(t).write(&b)
	return b.String()
}

// Reserved are the words that must be quoted to be looked for.
var Reserved = []string{"and", "or", "not", "in", "last", "time", "cased"}

func (All) write(b *strings.Builder) { b.WriteByte('*') }

func (t And) write(b *strings.Builder) {
	for i, term := range t {
		if i > 0 {
			b.WriteByte(' ')
		}
		_, or := term.(Or)
		writeGroup(b, term, or)
	}
}

func (t Or) write(b *strings.Builder) {
	for i, term := range t {
		if i > 0 {
			b.WriteString(" or ")
		}
		term.write(b)
	}
}

func (t Not) write(b *strings.Builder) {
	b.WriteString("not ")
	_, and := t.Term.(And)
	_, or := t.Term.(Or)
	writeGroup(b, t.Term, and || or)
}

func writeGroup(b *strings.Builder, t Term, group bool) {
	if group {
		b.WriteByte('(')
	}
	t.write(b)
	if group {
		b.WriteByte(')')
	}
}

func writeCased(b *strings.Builder, cased bool) {
	if cased {
		b.WriteString("cased:")
	}
}

func (t Word) write(b *strings.Builder) {
	writeCased(b, t.Cased)
	writeText(b, t.Text)
	if t.Prefix {
		b.WriteByte('*')
	}
}

func (t Substring) write(b *strings.Builder) {
	writeCased(b, t.Cased)
	b.WriteByte('~')
	writeText(b, t.Text)
}

func (t Regex) write(b *strings.Builder) {
	writeCased(b, t.Cased)
	writePattern(b, t.Pattern)
}

func (t Equal) write(b *strings.Builder) {
	writeField(b, t.Field, "=", t.Cased)
	if isIPField(t.Field) && t.Value != "" {
		b.WriteByte('=') // == keeps the text from being read as an address
	}
	writeValue(b, t.Field, t.Value)
}

func (t In) write(b *strings.Builder) {
	writeField(b, t.Field, " in ", t.Cased)
	if isIPField(t.Field) {
		b.WriteString("text")
	}
	b.WriteByte('(')
	for i, v := range t.Values {
		if i > 0 {
			b.WriteString(", ")
		}
		writeValue(b, t.Field, v)
	}
	b.WriteByte(')')
}

func (t Prefix) write(b *strings.Builder) {
	writeField(b, t.Field, "=", t.Cased)
	writeText(b, t.Value)
	b.WriteByte('*')
}

func (t Contains) write(b *strings.Builder) {
	writeField(b, t.Field, "~", t.Cased)
	writeText(b, t.Value)
}

func (t Match) write(b *strings.Builder) {
	writeField(b, t.Field, "=", t.Cased)
	writePattern(b, t.Pattern)
}

func (t Exists) write(b *strings.Builder) { writeField(b, t.Field, "=*", false) }

func (t Number) write(b *strings.Builder) {
	writeField(b, t.Field, string(t.Op), false)
	b.WriteString(strconv.FormatInt(t.Value, 10))
}

func (t IP) write(b *strings.Builder) {
	switch short := isIPField(t.Field); {
	case short && len(t.Nets) == 1:
		writeField(b, t.Field, "=", false)
		b.WriteString(netText(t.Nets[0]))
		return
	case short:
		writeField(b, t.Field, " in (", false)
	default:
		writeField(b, t.Field, " in net(", false)
	}
	for i, n := range t.Nets {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(netText(n))
	}
	b.WriteByte(')')
}

func (t Time) write(b *strings.Builder) {
	switch {
	case t.From == math.MinInt64:
		b.WriteString("time<" + timeText(t.To))
	case t.To == math.MaxInt64:
		b.WriteString("time>=" + timeText(t.From))
	default:
		b.WriteString("time in " + timeText(t.From) + ".." + timeText(t.To-1))
	}
}

func isIPField(name string) bool { return name == AnyIP || name == "src_ip" || name == "dst_ip" }

func netText(n netip.Prefix) string {
	if n.IsSingleIP() {
		return n.Addr().String()
	}
	return n.String()
}

func timeText(us int64) string { return time.UnixMicro(us).UTC().Format("2006-01-02T15:04:05.000000Z") }

func writeField(b *strings.Builder, name, op string, cased bool) {
	writeCased(b, cased)
	writeName(b, name)
	b.WriteString(op)
}

func writeName(b *strings.Builder, name string) {
	if slices.Contains(Reserved, strings.ToLower(name)) {
		writeQuoted(b, name)
		return
	}
	writeColumn(b, name)
}

// writeColumn writes the name of a field where no words of the language can stand.
func writeColumn(b *strings.Builder, name string) {
	if PlainName(name) && Canonical(name) == name {
		b.WriteString(name)
		return
	}
	writeQuoted(b, name)
}

// PlainName says whether a field's name can stand without quotes: ASCII letters, digits and _ . @ -, not beginning with
// a digit, dot or hyphen.
func PlainName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if !asciiLetter(c) && (i == 0 || c != '.' && c != '-') && c != '@' || i == 0 && c >= '0' && c <= '9' {
			return false
		}
	}
	return name != ""
}

// writeText writes a text bare where that reads back as the same, else in quotes.
func writeText(b *strings.Builder, s string) {
	if plainText(s) && !slices.Contains(Reserved, strings.ToLower(s)) {
		b.WriteString(s)
		return
	}
	writeQuoted(b, s)
}

// writeValue writes the value of a field; names of severities in quotes are read as they stand.
func writeValue(b *strings.Builder, field, s string) {
	if field == "severity" && slices.Contains(Severities, strings.ToLower(s)) {
		writeQuoted(b, s)
		return
	}
	writeText(b, s)
}

// plainText is narrower than what the parser takes bare: quotes are never wrong.
func plainText(s string) bool {
	for i, r := range s {
		switch {
		case r < utf8.RuneSelf && asciiLetter(byte(r)):
		case i > 0 && (r == '.' || r == '-' || r == '@') && s[i-1] != '.':
		case r >= utf8.RuneSelf && r != utf8.RuneError && r < 0xFF00 && unicode.IsLetter(r):
		default:
			return false
		}
	}
	return s != ""
}

func writeQuoted(b *strings.Builder, s string) {
	b.WriteByte('"')
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteByte(s[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == utf8.RuneError && n == 1, !unicode.IsPrint(r):
			for _, c := range []byte(s[i : i+n]) {
				const hex = "0123456789abcdef"
				b.WriteString(`\x`)
				b.WriteByte(hex[c>>4])
				b.WriteByte(hex[c&15])
			}
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	b.WriteByte('"')
}

// asciiLetter says whether c is an ASCII letter, a digit or _.
func asciiLetter(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

func writePattern(b *strings.Builder, pattern string) {
	b.WriteByte('/')
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\' && i+1 < len(pattern):
			b.WriteByte(c)
			i++
			b.WriteByte(pattern[i])
		case c == '/':
			b.WriteString(`\/`)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('/')
}
