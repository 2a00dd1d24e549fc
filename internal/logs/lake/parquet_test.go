package lake_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/logstest/corpus"
)

// The same files, read by a program that is built with another Parquet library (tools/parquetsum), hold every byte of
// every message.
func TestAnotherLibraryReadsTheFiles(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the reader is built for this machine, not for Windows")
	}
	program := os.Getenv("KIZUKI_PARQUETSUM")
	if _, err := os.Stat(program); err != nil {
		t.Skipf("no reader with another Parquet library: run scripts/setup and `. scripts/env.sh`: %v", err)
	}
	events := 3000
	if os.Getenv("KIZUKI_PROVE") != "" {
		events = 300_000
	}
	dir, c := folder(t), newClock()
	config := small(c)
	config.Limits.SegmentRows = events / 2
	l := open(t, dir, config)
	recs := oddRecords(c.Now())
	recs = append(recs, records(70, 500, "fw", "web", "dc")...)
	for batch := range corpus.Batches(corpus.Config{Events: events}, 1000) {
		recs = append(recs, batch...)
	}
	appendAll(t, l, recs)
	flush(t, l)
	sum := func() (files int) {
		t.Helper()
		names := parquets(filesOf(t, dir))
		out, err := exec.CommandContext(t.Context(), program, names...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %.1000s", err, out)
		}
		compareRows(t, out, recs)
		return len(names)
	}
	if n := sum(); n < 2 {
		t.Errorf("%d sealed files", n)
	}
	c.add(24 * time.Hour)
	if err := l.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := sum(); n < 4 {
		t.Errorf("%d merged files", n)
	}
}

// oddRecords are lines with bytes that a reader may trip over, among them one of a megabyte.
func oddRecords(now time.Time) []event.Record {
	odd := [][]byte{
		{},
		{0},
		{0xff},
		[]byte("\xff\xfe\x00\x01 broken \xe3\x81"), []byte("nul \x00 in the middle"), []byte("\r\n"), []byte(" "),
		[]byte("部品を出荷しました\u3000①㈱髙﨑 ﾊﾝｶｸ 🙂"), []byte("\xed\xa0\x80 half a pair"), []byte("PAR1"),
		bytes.Repeat([]byte("長い行 \x00\xff"), 1<<20/12),
	}
	recs := make([]event.Record, 0, 2*len(odd))
	for _, source := range []string{"odd", "fw"} {
		for _, raw := range odd {
			recs = append(recs, event.Record{Source: source, Format: event.Raw, Raw: raw, Received: now, Host: "h\xff", User: "山田"})
		}
	}
	for i := range 40 { // together longer than one frame of a page
		recs = append(recs, event.Record{Source: "long", Raw: bytes.Repeat(fmt.Appendf(nil, "%d 長い行 ", i*i), 8000), Received: now})
	}
	return recs
}

// compareRows compares what the program says of each row, and of each file, with what was appended.
func compareRows(t *testing.T, out []byte, recs []event.Record) {
	t.Helper()
	type key struct {
		source string
		seq    uint64
	}
	left := map[key]*event.Record{}
	for i := range recs {
		left[key{recs[i].Source, recs[i].Seq}] = &recs[i]
	}
	if len(left) != len(recs) {
		t.Fatalf("%d keys of %d records", len(left), len(recs))
	}
	rows, size, all := 0, 0, sha256.New()
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "file ") {
			if want := fmt.Sprintf(" %d %d %x", rows, size, all.Sum(nil)); !strings.HasSuffix(line, want) {
				t.Fatalf("%s, and its rows make%s", line, want)
			}
			rows, size = 0, 0
			all.Reset()
			continue
		}
		var k key
		var at int64
		var length int
		var sum string
		if _, err := fmt.Sscanf(line, "row %s %d %d %d %s", &k.source, &k.seq, &at, &length, &sum); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		r := left[k]
		if r == nil {
			t.Fatalf("%q: nobody appended it, or it is there twice", line)
		}
		delete(left, k)
		want := sha256.Sum256(r.Raw)
		when := r.Time
		if when.IsZero() {
			when = r.Received
		}
		if length != len(r.Raw) || sum != hex.EncodeToString(want[:]) || at != when.UnixMicro() {
			t.Fatalf("%q is not %d bytes, %x, at %d", line, len(r.Raw), want, when.UnixMicro())
		}
		rows++
		size += length
		all.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(r.Raw))))
		all.Write(r.Raw)
	}
	if len(left) > 0 || rows > 0 {
		t.Fatalf("%d of %d records are not in the files; %d rows without an end", len(left), len(recs), rows)
	}
}
