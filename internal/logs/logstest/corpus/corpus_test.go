package corpus_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/logstest/corpus"
	"github.com/kizuki-security/kizuki/sigma"
	"github.com/kizuki-security/kizuki/sigma/jsonlines"
)

const events = 40_000

// Shares, lengths and needles are those the package promises.
func TestShape(t *testing.T) {
	t.Parallel()
	c := corpus.Config{Events: events}
	sources := map[string]int{}
	seqs := map[string]uint64{}
	var found corpus.Count
	size, n, japanese := 0, 0, 0
	from, to := time.Date(2026, 11, 15, 23, 59, 58, 0, time.UTC), time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	var last time.Time
	for r := range corpus.Records(c) {
		n++
		size += len(r.Raw)
		sources[r.Source]++
		seqs[r.Source]++
		if r.Seq != seqs[r.Source] || r.Time.Before(from) || !r.Time.Before(to) || r.Received.Before(r.Time) || r.Received.Before(last) {
			t.Fatalf("record %d of %s at %v, received %v", r.Seq, r.Source, r.Time, r.Received)
		}
		last = r.Received
		for _, ip := range []string{r.SrcIP, r.DstIP} {
			if addr, err := netip.ParseAddr(ip); ip != "" && (err != nil || addr.String() != ip) {
				t.Fatalf("address %q", ip)
			}
		}
		if r.Time.Nanosecond()%1000 != 0 || !utf8.Valid(r.Raw) || bytes.ContainsAny(r.Raw, "\n\r") {
			t.Fatalf("time %v, line %q", r.Time, r.Raw)
		}
		if bytes.ContainsFunc(r.Raw, func(c rune) bool { return c > 0x3000 }) {
			japanese++
		}
		count(&found, &r)
	}
	if n != events || found != c.Needles() || found.IP != 1 || found.BreakIn != 33 {
		t.Errorf("%d records with needles %+v, want %+v", n, found, c.Needles())
	}
	if mean := size / n; mean < 380 || mean > 460 {
		t.Errorf("%d bytes a line, want about 420", mean)
	}
	for source, want := range map[string]int{"firewall": 48, "windows": 15, "proxy": 20, "web": 7, "syslog": 10} {
		if got := float64(sources[source]) * 100 / events; got < float64(want)-0.7 || got > float64(want)+0.7 {
			t.Errorf("%.1f %% of the lines are of %s, want %d", got, source, want)
		}
	}
	if len(sources) != len(corpus.Sources) || japanese < events/50 {
		t.Errorf("sources %v, %d lines with Japanese text", sources, japanese)
	}
}

func count(n *corpus.Count, r *event.Record) {
	for needle, at := range map[string]*int{
		corpus.NeedleIP: &n.IP, corpus.NeedleWord: &n.Word, corpus.NeedleBreakIn: &n.BreakIn, corpus.NeedleJapanese: &n.Japanese,
	} {
		if bytes.Contains(r.Raw, []byte(needle)) {
			*at++
		}
	}
}

// The fields of a JSON line are those that the decoder of the house reads from it.
func TestFields(t *testing.T) {
	t.Parallel()
	d := jsonlines.NewDecoder(jsonlines.Limits{})
	seen := 0
	for r := range corpus.Records(corpus.Config{Events: 8_000}) {
		if r.Format != event.JSON {
			if len(r.Fields) != 0 {
				t.Fatalf("fields of a line without keys: %s", r.Raw)
			}
			continue
		}
		var e sigma.Event
		if err := d.Decode(r.Raw, &e); err != nil {
			t.Fatalf("%v: %s", err, r.Raw)
		}
		var fields []event.Field
		for _, f := range e.Fields {
			fields = append(fields, event.Field{Name: f.Name, Value: string(f.Value)})
		}
		if !slices.Equal(fields, r.Fields) || !e.Time.Equal(r.Time) {
			t.Fatalf("fields are %v at %v\nwant %v at %v", r.Fields, r.Time, fields, e.Time)
		}
		seen++
	}
	if seen < 1000 {
		t.Errorf("%d JSON lines", seen)
	}
}

// The same seed gives the same bytes, on every machine; records and batches are the caller's to keep.
func TestSame(t *testing.T) {
	t.Parallel()
	const want = "8c418c86e749fd1cf4b490d0e1f5e3ae4f91fb977227b2442458e20b26690d95"
	c := corpus.Config{Events: 10_000}
	var kept []event.Record
	for batch := range corpus.Batches(c, 777) {
		kept = append(kept, batch...)
	}
	i := 0
	all := sha256.New()
	for r := range corpus.Records(c) {
		if k := kept[i]; !bytes.Equal(k.Raw, r.Raw) || k.Time != r.Time || k.Seq != r.Seq || !slices.Equal(k.Fields, r.Fields) {
			t.Fatalf("record %d is %q, and was %q", i, r.Raw, k.Raw)
		}
		all.Write(append(r.Raw, '\n'))
		i++
	}
	if got := hex.EncodeToString(all.Sum(nil)); i != c.Events || got != want {
		t.Errorf("%d lines with the hash %s, want %s: figures of older runs do not compare", i, got, want)
	}
	c.Seed = 5
	for r := range corpus.Records(c) {
		if bytes.Equal(r.Raw, kept[0].Raw) {
			t.Error("another seed gives the same lines")
		}
		break
	}
}

// Real lines take the place of the made-up syslog lines and leave the needles.
func TestRealLines(t *testing.T) {
	t.Parallel()
	lines, err := corpus.Lines(t.TempDir())
	if err != nil || len(lines) != 0 {
		t.Fatalf("lines of an empty folder: %d (%v)", len(lines), err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.log"), []byte("first\r\n\nsecond\nthird"), 0o600); err != nil {
		t.Fatal(err)
	}
	lines, err = corpus.Lines(dir)
	if err != nil || len(lines) != 3 || string(lines[0]) != "first" || string(lines[2]) != "third" {
		t.Fatalf("lines are %q (%v)", lines, err)
	}
	c := corpus.Config{Events: 10_000, Lines: lines}
	var found corpus.Count
	made := 0
	for r := range corpus.Records(c) {
		count(&found, &r)
		if r.Source == "syslog" && len(r.Raw) <= 6 {
			made++
		}
	}
	if found != c.Needles() || made < 900 {
		t.Errorf("%d real lines, needles %+v", made, found)
	}
}

func BenchmarkRecords(b *testing.B) {
	g := corpus.New(corpus.Config{Events: 1_000_000_000})
	var r event.Record
	size := 0
	b.ReportAllocs()
	for b.Loop() {
		g.Next(&r)
		size += len(r.Raw)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(size)/float64(b.N), "bytes/event")
}
