package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/evtx/evtxtest"
)

const scanMemory = 150 // MB, whatever the size of the logs

// TestScanMemory runs the command over a generated event log and over one endless line, and reads the most memory it
// ever held. With KIZUKI_PROVE=1 the log has 2 GB and the line 1 GB.
func TestScanMemory(t *testing.T) {
	size := int64(48 << 20)
	if os.Getenv("KIZUKI_PROVE") != "" {
		size = 2 << 30
	}
	dir := t.TempDir()
	log, line := filepath.Join(dir, "large.evtx"), filepath.Join(dir, "line.json")
	records := largeLog(t, log, size)
	if err := os.WriteFile(line, []byte(`{"a":"`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(line, size/2); err != nil { // NUL bytes to its end
		t.Fatal(err)
	}
	rule := filepath.Join(dir, "rule.yml")
	text := "title: A\nid: 11111111-2222-4333-8444-555555555555\nlogsource: {product: windows, category: process_creation}\ndetection: {s: {Image|contains: whoami}, condition: s}\n"
	if err := os.WriteFile(rule, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	rules := rule
	if root := os.Getenv("KIZUKI_TESTDATA"); root != "" {
		rules = filepath.Join(root, "sigma-rules")
	}
	for _, file := range []string{log, line} {
		peak, told := peakMemory(t, "logs", "scan", "--lang", "en", "--format", "jsonl", "--out", os.DevNull, "--rules", rules, file)
		t.Logf("%s: at most %d MB", filepath.Base(file), peak)
		want := fmt.Sprintf("%d records read = %d scanned", records, records)
		if file == line {
			want = "1 records read = 0 scanned"
		}
		if peak >= scanMemory || !strings.Contains(strings.ReplaceAll(told, ",", ""), want) {
			t.Errorf("%d MB, wanted less than %d and %q; it said\n%s", peak, scanMemory, want, told)
		}
	}
}

// largeLog writes an event log of about that size.
func largeLog(t *testing.T, name string, size int64) uint64 {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	n, err := evtxtest.Dense(w, int(size>>16), time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC))
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// peakMemory runs the command and gives its greatest resident size in MB, and what it told.
func peakMemory(t *testing.T, args ...string) (peak int, told string) {
	t.Helper()
	cmd := process(t, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		peak = max(peak, highWater(cmd.Process.Pid)) // that of wait4 would count the test itself, from which it was forked
		select {
		case err := <-done:
			if err != nil && cmd.ProcessState.ExitCode() != int(exitPartly) {
				t.Fatalf("%v: %s", err, out.String())
			}
			return peak, out.String()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// highWater reads the greatest resident size so far, in MB; 0 when the process is gone.
func highWater(pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kb >> 10
		}
	}
	return 0
}
