package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// bring imports a text.
func bring(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := command(t, "logs", "import", path, "--lang", "en", "--data", dir); code != exitDone {
		t.Fatalf("import: exit code %d, %s", code, errs)
	}
}

// TestFollow: another process follows while this one imports. Each line comes once, also one whose time is long ago, and
// Ctrl-C ends it with code 0.
func TestFollow(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "office")
	bring(t, dir, "a.log", "line 1\nline 2\nline 3\n")
	cmd := process(t, "logs", "tail", "--follow", "-n", "2", "line", "--data", dir, "--lang", "en")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	next := func(want ...string) {
		t.Helper()
		for _, text := range want {
			if !lines.Scan() || !strings.HasSuffix(lines.Text(), text) {
				t.Fatalf("got %q, want %q; %s", lines.Text(), text, errs.String())
			}
		}
	}
	next("line 2", "line 3")
	bring(t, dir, "b.jsonl", "{\"@timestamp\":\"1999-01-01T00:00:00Z\",\"m\":\"an old line\"}\n")
	bring(t, dir, "a.log", "other\nline 4\n")
	var got []string // by time, or one after the other where it looked in between
	for range 2 {
		if !lines.Scan() {
			t.Fatal(errs.String())
		}
		got = append(got, lines.Text())
	}
	if all := strings.Join(got, "\n"); !strings.Contains(all, "an old line") || !strings.Contains(all, "a#5") {
		t.Errorf("got %q", got)
	}
	bring(t, dir, "a.log", "line 5\n")
	next("line 5")
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if lines.Scan() {
		t.Errorf("one line too many: %q", lines.Text())
	}
	if err := cmd.Wait(); err != nil || errs.Len() > 0 {
		t.Errorf("it ended with %v, and told %q", err, errs.String())
	}
}

// TestExportWhole: JSON lines have every byte; CSV has no formula; and who stops an export finds no half file.
func TestExportWhole(t *testing.T) {
	t.Parallel()
	work := t.TempDir()
	dir := filepath.Join(work, "office")
	odd := "caf\xe9 \x01\x7f \xff\xfe end"
	bring(t, dir, "a.log", "=cmd|' /C calc'!A0\n"+odd+"\n表示 \"a\",b\tc\u2028d\n")
	code, out, errs := command(t, "logs", "export", "--data", dir)
	if code != exitDone || !strings.Contains(out, base64.StdEncoding.EncodeToString([]byte(odd))) || !strings.Contains(out, `"raw":"表示 \"a\",b\tc`) {
		t.Errorf("exit code %d, %s %s", code, out, errs)
	}
	code, out, errs = command(t, "logs", "export", "--format", "csv", "--data", dir)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(out, "\ufeff"))).ReadAll()
	if code != exitDone || err != nil || len(rows) != 4 || !strings.HasPrefix(out, "\ufeff") {
		t.Fatalf("exit code %d, %v, %s %s", code, err, out, errs)
	}
	if raw := rows[1][len(rows[1])-1]; !strings.HasPrefix(raw, "'=cmd") {
		t.Errorf("a formula: %q", raw)
	}
	bring(t, dir, "b.log", strings.Repeat("one of many lines that take a while to be written\n", 60_000))
	target := filepath.Join(work, "out.jsonl")
	before := `{"time":"2026-11-25T00:00:00Z","source":"app","seq":1,"received":"2026-11-25T00:00:00Z","raw":"of an export before"}` + "\n"
	if err := os.WriteFile(target, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	stopped := false
	for try := 0; !stopped && try < 5; try++ {
		cmd := process(t, "logs", "export", "--data", dir, "--out", target, "--lang", "en")
		var errs bytes.Buffer
		cmd.Stderr = &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		look := time.NewTicker(time.Millisecond)
		sent := false // a second signal would end it at once
		for running := true; running; {
			select {
			case err := <-ended:
				running = false
				if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
					t.Fatal(err)
				}
			case <-look.C:
				if _, err := os.Stat(target + ".part"); err == nil && !sent {
					sent = true
					_ = cmd.Process.Signal(syscall.SIGINT) // it may be over
				}
			}
		}
		look.Stop()
		data, err := os.ReadFile(target)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(target + ".part"); err == nil {
			t.Error("a half file is left")
		}
		switch code := cmd.ProcessState.ExitCode(); code {
		case exitInterrupted:
			stopped = true
			if string(data) != before && bytes.Count(data, []byte("\n")) != 60_003 {
				t.Errorf("%d bytes under the final name", len(data))
			}
		case exitDone:
			if n := bytes.Count(data, []byte("\n")); n != 60_003 {
				t.Errorf("%d lines", n)
			}
		default:
			t.Fatalf("exit code %d, %s", code, errs.String())
		}
	}
	if !stopped {
		t.Error("it was never stopped on the way")
	}
}
