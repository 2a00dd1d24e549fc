package control

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
)

// FuzzRequest reads a request and its files as they come from outside: it must end, without a panic, and never
// take more than the limits.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		`{"protocol":1,"version":"v","token":"t","verb":"import","lang":"ja","args":{"kind":"people"},"files":[{"name":"a","size":3}]}` + "\nabc",
		`{"protocol":1,"files":[{"size":9223372036854775807},{"size":1}]}` + "\n", `{"files":[{"size":-1}]}` + "\n",
		"\n", "", "{", "GET / HTTP/1.1\r\n\r\n", strings.Repeat("a", 70_000), `{"args":` + strings.Repeat("[", 10_000) + "\n",
	} {
		f.Add([]byte(seed))
	}
	const limit = 1000
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bufio.NewReader(bytes.NewReader(data))
		q, err := readRequest(r)
		if err != nil {
			return
		}
		if len(q.Files) > maxFiles {
			t.Fatalf("%d files", len(q.Files))
		}
		files, err := readFiles(r, q.Files, limit)
		if err != nil {
			return
		}
		sum := 0
		for i, file := range files {
			if int64(len(file.Data)) != q.Files[i].Size {
				t.Fatalf("file %d has %d bytes, announced were %d", i, len(file.Data), q.Files[i].Size)
			}
			sum += len(file.Data)
		}
		if sum > limit {
			t.Fatalf("%d bytes were taken", sum)
		}
	})
}

// FuzzAnswer reads what a server sends, and the file that says where it is.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"type":"data","data":"YWJj"}` + "\n"))
	f.Add([]byte(`{"type":"problem","code":"invalid","text":"x"}` + "\n"))
	f.Add([]byte(`{"network":"tcp","address":"127.0.0.1:80"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = readAnswer(bufio.NewReader(bytes.NewReader(data)))
		if p, err := parsePlace(data); err == nil && p.Network == "unix" && p.Address != socketFile {
			t.Fatalf("a socket elsewhere: %q", p.Address)
		}
	})
}
