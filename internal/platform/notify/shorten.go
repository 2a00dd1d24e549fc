package notify

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of every message before it meets those of a vendor, in characters.
const (
	maxTitle = 120 // Slack's header takes 150 and Chat cuts earlier
	maxLine  = 500
	maxFacts = 10 // Slack's section takes 10 fields
	maxValue = 300
)

// tidy makes single lines of everything and cuts what is absurdly long.
func (m Message) tidy() Message {
	out := Message{ID: m.ID, Title: clip(line(m.Title), maxTitle), Link: m.Link, LinkText: clip(line(m.LinkText), maxTitle), More: clip(line(m.More), maxTitle)}
	if out.LinkText == "" {
		out.LinkText = out.Link
	}
	for _, l := range m.Lines {
		out.Lines = append(out.Lines, clip(line(l), maxLine))
	}
	for _, f := range m.Facts[:min(len(m.Facts), maxFacts)] {
		out.Facts = append(out.Facts, Fact{clip(line(f.Name), maxTitle), clip(line(f.Value), maxValue)})
	}
	return out
}

// shorten builds the payload from as many lines as fit into limit octets.
func shorten(m Message, limit int, build func(Message) []byte) []byte {
	return build(m.cut(func(m Message) bool { return len(build(m)) <= limit }))
}

// cut takes lines away from the end until the message fits, then facts. What is cut is said (More), and the
// link stays.
func (m Message) cut(fits func(Message) bool) Message {
	if fits(m) {
		return m
	}
	low, high := 0, len(m.Lines) // low lines fit, high do not
	for high-low > 1 {
		if mid := (low + high) / 2; fits(m.first(mid)) {
			low = mid
		} else {
			high = mid
		}
	}
	m = m.first(low)
	for len(m.Facts) > 0 && !fits(m) {
		m.Facts = m.Facts[:len(m.Facts)-1]
	}
	return m
}

func (m Message) first(n int) Message {
	m.Lines = append(append([]string(nil), m.Lines[:n]...), "…"+m.More)
	return m
}

// clip cuts to n characters.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// line makes one line of visible text.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
	return strings.Join(strings.Fields(s), " ")
}
