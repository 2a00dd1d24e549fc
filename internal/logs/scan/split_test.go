package scan

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
)

// cutInto gives what the splitter makes of a text, one line for each object and each refusal.
func cutInto(t *testing.T, r *bufio.Reader, limit int) string {
	t.Helper()
	var out strings.Builder
	s := splitter{
		limit: limit,
		object: func(text []byte, record uint64) error {
			if len(text) > limit || text[0] != '{' {
				t.Errorf("object of %d bytes begins with %q", len(text), text[:1])
			}
			fmt.Fprintf(&out, "%d %q\n", record, text)
			return nil
		},
		refuse: func(r Reason) { fmt.Fprintln(&out, r) },
	}
	if err := s.split(r); err != nil {
		t.Error(err)
	}
	return out.String()
}

// FuzzSplit: whatever the pieces in which a text comes, it is cut alike, and no object goes beyond the limit. A line
// that is one object is found when all lines before it are, too.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{
		`{"a":1}`, "{\"a\":\n{}}\n{\"b\":\"}\"}", `[{"a":"\""},{}]`, "{\"a\":1}\n{\"a\":\n{\"b\":2}\nx\n{}", "\xef\xbb\xbf{}",
		`{"Records":[{"a":1},{"b":2}]}{"c":3}`, "{\"value\" :\n [ {} ] , \"x\": 1 }", "[[{}]]", `{"a":"` + strings.Repeat("x", 100) + `"}{}`, "{\"a\":1}}\n{}",
	} {
		f.Add([]byte(seed), 40)
	}
	f.Fuzz(func(t *testing.T, text []byte, limit int) {
		limit = max(8, min(limit, 1000))
		whole := cutInto(t, bufio.NewReaderSize(bytes.NewReader(text), readAhead), limit)
		for _, size := range []int{1024, 4096} {
			single := cutInto(t, bufio.NewReaderSize(iotest.OneByteReader(bytes.NewReader(text)), size), limit)
			if single != whole {
				t.Errorf("byte by byte\n%s\nat once\n%s", single, whole)
			}
		}
	})
}
