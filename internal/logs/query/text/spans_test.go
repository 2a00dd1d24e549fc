package text_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/logs/logstest/corpus"
	"github.com/kizuki-security/kizuki/internal/logs/query/text"
)

// spansOf are the words that a Cutter finds; ok is false for lines that are not its own.
func spansOf(t *testing.T, c *text.Cutter, line string) (words []string, ok bool) {
	t.Helper()
	lower, spans, ok := c.Cut([]byte(line))
	if !ok {
		return nil, false
	}
	if string(lower) != text.Fold(line) {
		t.Fatalf("%q became %q", line, lower)
	}
	if behind := lower[:len(lower)+text.Padding][len(lower):]; strings.Trim(string(behind), "\x00") != "" {
		t.Fatalf("behind %q stands %q", line, behind)
	}
	for _, s := range spans {
		words = append(words, string(lower[s.From:s.To]))
	}
	return words, true
}

func same(t *testing.T, c *text.Cutter, line string) bool {
	t.Helper()
	got, ok := spansOf(t, c, line)
	if ascii := strings.IndexFunc(line, func(r rune) bool { return r >= 0x80 }) < 0; ok != ascii {
		t.Fatalf("%q: ok is %v", line, ok)
	}
	if !ok {
		return false
	}
	var want []string
	text.Words(line, func(w string) { want = append(want, strings.Clone(w)) })
	if !slices.Equal(got, want) {
		t.Fatalf("%q\nhas %q\nnot %q", line, want, got)
	}
	return true
}

// TestCutter compares a Cutter with Words, over lines of devices and at the edges of its steps of 8 and 64 bytes.
func TestCutter(t *testing.T) {
	var c text.Cutter
	n := 0
	for r := range corpus.Records(corpus.Config{Events: 5000}) {
		if same(t, &c, string(r.Raw)) {
			n++
		}
	}
	if n < 3000 {
		t.Fatalf("only %d lines of ASCII", n)
	}
	for before := range 130 {
		for _, word := range []string{"", "a", "_Z9", "10.0.0.1", "1.2.3.4.5.6", "999.1.22.333 x", strings.Repeat("Q", 63), strings.Repeat("q", 65), "\x00a\x7fb@[`{/:"} {
			same(t, &c, strings.Repeat(".", before)+word)
			same(t, &c, strings.Repeat("k", before)+word+"-")
		}
	}
	all := make([]byte, 128)
	for i := range all {
		all[i] = byte(i)
	}
	same(t, &c, string(all))
}

func FuzzCutter(f *testing.F) {
	f.Add("srcip=10.1.2.3 User=ADMIN_01")
	f.Add("\xff1.2.3.4")
	var c text.Cutter
	f.Fuzz(func(t *testing.T, line string) { same(t, &c, line) })
}
