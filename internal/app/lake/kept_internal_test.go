package lake

import (
	"slices"
	"strings"
	"testing"
)

// FuzzSplitKept: whatever a kept file holds, its notes have the form of notes, and written again they are found again.
func FuzzSplitKept(f *testing.F) {
	f.Add("a\nb\n\n— k AAAA\n\nc\n\n— k BBBB\n— l CCCC\n")
	f.Add("\ufeff\r\na\r\n\r\n— k AAAA\r\nb")
	f.Add("\n\n— k A\n")
	f.Fuzz(func(t *testing.T, text string) {
		notes, _ := splitKept(text)
		for _, n := range notes {
			if body, signatures, ok := strings.Cut(n, "\n\n"); !ok || body == "" || !strings.HasPrefix(signatures, "— ") || !strings.HasSuffix(n, "\n") {
				t.Fatalf("%q is no note", n)
			}
		}
		again, whole := splitKept(strings.Join(notes, "\n"))
		if !whole || !slices.Equal(again, notes) {
			t.Fatalf("%q, written again, is %q", notes, again)
		}
	})
}
