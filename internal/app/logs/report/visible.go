package report

import (
	"fmt"
	"html/template"
	"strings"
	"unicode"
	"unicode/utf8"
)

// hidden says whether a sign cannot be seen, or changes how its neighbours are read: controls, directions, joiners,
// tags, fillers that look like nothing. Plain and ideographic spaces are what they look like.
func hidden(r rune) bool {
	switch r {
	case 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0: // marks and letters without a shape
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Variation_Selector) ||
		unicode.Is(unicode.Zs, r) && r != ' ' && r != '　'
}

const mostMarks = 3 // combining marks on one letter; more climb over the lines above

// eachPart splits a text into what may be shown and what must be written out.
func eachPart(text string, plain func(string), sign func(string)) {
	start, marks := 0, 0
	flush := func(to int) {
		if to > start {
			plain(text[start:to])
		}
	}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if unicode.Is(unicode.M, r) {
			marks++
		} else {
			marks = 0
		}
		name := ""
		switch {
		case r == utf8.RuneError && size == 1:
			name = fmt.Sprintf("%02X", text[i])
		case r == '\n':
			name = "↵"
		case r == '\t':
			name = "⇥"
		case hidden(r) || marks > mostMarks:
			name = fmt.Sprintf("U+%04X", r)
		}
		if name != "" {
			flush(i)
			sign(name)
			start = i + size
		}
		i += size
	}
	flush(len(text))
}

// visible writes a text for a page, hidden signs in frames of their own, so that nobody can write such a frame.
func visible(text string) template.HTML {
	var b strings.Builder
	eachPart(text, func(s string) { template.HTMLEscape(&b, []byte(s)) }, func(s string) {
		b.WriteString(`<i class="sign">` + s + `</i>`)
		if s == "↵" {
			b.WriteByte('\n')
		}
	})
	return template.HTML(b.String()) //nolint:gosec // escaped just now, and the signs are ours
}

// prose is visible for texts of several lines, where a new line is what it looks like.
func prose(text string) template.HTML {
	lines := strings.Split(strings.ReplaceAll(strings.TrimSpace(text), "\r\n", "\n"), "\n")
	var b strings.Builder
	for i, line := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(string(visible(line)))
	}
	return template.HTML(b.String()) //nolint:gosec // made of what visible escaped
}

// plainly does what visible does where there is no markup, as in a chart.
func plainly(text string) string {
	var b strings.Builder
	eachPart(text, func(s string) { b.WriteString(s) }, func(s string) { b.WriteString("‹" + s + "›") })
	return b.String()
}

// short cuts a text to at most n bytes of whole letters, with a sign that something is missing. It owns its bytes.
func short(text string, n int) string {
	if len(text) <= n {
		return strings.Clone(text)
	}
	return strings.Clone(text[:boundary(text, n)]) + "…"
}

// boundary is the last place up to n where a letter begins.
func boundary(text string, n int) int {
	if n >= len(text) {
		return len(text)
	}
	for back := 0; back < utf8.UTFMax && n-back > 0; back++ {
		if utf8.RuneStart(text[n-back]) {
			return n - back
		}
	}
	return n
}
