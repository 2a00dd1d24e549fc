package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kizuki-security/kizuki/evtx/evtxtest"
	"github.com/kizuki-security/kizuki/internal/app/lake"
	"github.com/kizuki-security/kizuki/internal/app/logs"
)

// eventlog FILE N writes a Windows event log of at least n records.
func eventlog(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: eventlog FILE CHUNKS")
	}
	chunks, err := strconv.Atoi(args[1])
	ts.Check(err)
	var b bytes.Buffer
	_, err = evtxtest.Dense(&b, chunks, time.Date(2026, 11, 26, 1, 0, 0, 0, time.UTC))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o600))
}

// manylines FILE N writes numbered lines of a log.
func manylines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: manylines FILE N")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "Nov 26 10:00:00 fw-01 kernel: DROP IN=eth0 SRC=192.168.10.%d LEN=%d\n", i%250, i)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o600))
}

// longline FILE N writes a short line, one of N bytes, and a short one.
func longline(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: longline FILE N")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte("short\n"+strings.Repeat("x", n)+"\nlast\n"), 0o600))
}

// flip GLOB turns one bit in the middle of the one file that fits.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: flip GLOB")
	}
	found, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(found) != 1 {
		ts.Fatalf("%s is %d files", args[0], len(found))
	}
	data, err := os.ReadFile(found[0])
	ts.Check(err)
	data[len(data)/3] ^= 4
	ts.Check(os.WriteFile(found[0], data, 0o600))
}

// lose GLOB removes the one file that fits.
func lose(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: lose GLOB")
	}
	found, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(found) != 1 {
		ts.Fatalf("%s is %d files", args[0], len(found))
	}
	ts.Check(os.Remove(found[0]))
}

// again FROM TO puts a copy of a folder in the place of another.
func again(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: again FROM TO")
	}
	ts.Check(os.RemoveAll(ts.MkAbs(args[1])))
	ts.Check(os.CopyFS(ts.MkAbs(args[1]), os.DirFS(ts.MkAbs(args[0]))))
}

// field NAME KEY sets an environment variable to the first value of a key in the JSON that was printed last.
func field(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: field NAME KEY")
	}
	_, rest, ok := strings.Cut(ts.ReadFile("stdout"), `"`+args[1]+`": `)
	if !ok {
		ts.Fatalf("no %s on standard output", args[1])
	}
	parts := strings.SplitN(rest, `"`, 3)
	if len(parts) < 3 {
		ts.Fatalf("%s is no text", args[1])
	}
	ts.Setenv(args[0], parts[1])
}

// writing DIR has the lake of a folder open for writing until the end of the script, with a line that is not sealed.
func writing(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: writing DIR")
	}
	ctx := context.Background()
	l, err := lake.Open(ctx, lake.Config{Dir: ts.MkAbs(args[0]), Now: time.Now, Rand: rand.Reader})
	ts.Check(err)
	ts.Defer(func() {
		if err := l.Close(); err != nil {
			ts.Fatalf("close the lake: %v", err)
		}
	})
	line := []byte("2026-11-26T12:00:00Z at work\n")
	file := logs.File{Path: filepath.Join(ts.MkAbs("."), "at-work.log"), Size: int64(len(line))}
	ts.Check(os.WriteFile(file.Path, line, 0o600))
	ts.Check(l.Import(ctx, []logs.File{file}, lake.ImportOptions{Source: "at-work", File: func(*lake.Imported) error { return nil }}))
}

// unsealed DIR makes a lake as an import leaves it that was killed: with a line that is not sealed, and nobody at work.
func unsealed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: unsealed DIR")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o700))
	ctx := context.Background()
	l, err := lake.Open(ctx, lake.Config{Dir: dir + ".work", Now: time.Now, Rand: rand.Reader, Make: true})
	ts.Check(err)
	line := []byte("at work\n")
	file := logs.File{Path: filepath.Join(ts.MkAbs("."), "at-work.log"), Size: int64(len(line))}
	ts.Check(os.WriteFile(file.Path, line, 0o600))
	ts.Check(l.Import(ctx, []logs.File{file}, lake.ImportOptions{File: func(*lake.Imported) error { return nil }}))
	ts.Check(os.CopyFS(dir, os.DirFS(dir+".work"))) // before the end seals it
	ts.Check(l.Close())
}

// logproof CODE PROOF KEY builds the separate checker, runs it and wants this exit code.
func logproof(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: logproof CODE PROOF KEY")
	}
	checker := filepath.Join(ts.MkAbs("."), "kizuki-logproof.exe") // the ending is needed on Windows and harmless elsewhere
	build := exec.CommandContext(context.Background(), "go", "build", "-o", checker, "../kizuki-logproof")
	if out, err := build.CombinedOutput(); err != nil {
		ts.Fatalf("build the checker: %v\n%s", err, out)
	}
	exits(ts, false, []string{args[0], checker, "-lang", "ja", args[1], args[2]})
}
