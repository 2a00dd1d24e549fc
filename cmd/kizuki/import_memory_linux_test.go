package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/logstest/corpus"
)

const importMemory = 500 // MB, whatever the size of the logs

// TestImportMemory takes generated logs into a lake with the command, as a process of its own, and reads the most memory
// it ever held, its time and its processor time. With KIZUKI_PROVE=1 text and JSON have 1 GB each and the event log 500 MB.
func TestImportMemory(t *testing.T) {
	size := int64(16 << 20)
	if os.Getenv("KIZUKI_PROVE") != "" {
		size = 1 << 30
	}
	dir := t.TempDir()
	text, lines := filepath.Join(dir, "mixed.log"), filepath.Join(dir, "events.jsonl")
	writeCorpus(t, text, size, func(r *event.Record) bool { return r.Format == event.Raw })
	writeCorpus(t, lines, size, func(r *event.Record) bool { return r.Format == event.JSON })
	events := filepath.Join(dir, "Security.evtx")
	largeLog(t, events, size/2)
	for _, file := range []string{text, lines, events} {
		peak, told := peakMemory(t, "logs", "import", "--lang", "en", "--data", filepath.Join(dir, "office-"+filepath.Base(file)), file)
		t.Logf("at most %d MB; %s", peak, told)
		if peak >= importMemory || !strings.Contains(told, "+ 0 refused") {
			t.Errorf("%d MB, wanted less than %d and nothing refused; it said\n%s", peak, importMemory, told)
		}
	}
}

// writeCorpus writes lines of the generated corpus that fit, up to about that size.
func writeCorpus(t *testing.T, name string, size int64, fits func(*event.Record) bool) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	g := corpus.New(corpus.Config{Events: 1_000_000_000})
	var r event.Record
	for written := int64(0); written < size && g.Next(&r); {
		if fits(&r) {
			n, _ := fmt.Fprintf(w, "%s\n", r.Raw) // the error comes with Flush
			written += int64(n)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
