package lake_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/lake/catalogue"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk/disktest"
	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/search"
)

// fenced is a file system in memory that tells of names outside the lake.
type fenced struct {
	*disktest.Memory
	t    *testing.T
	root string
}

func (f *fenced) in(names ...string) {
	for _, name := range names {
		if name = filepath.Clean(name); name != f.root && !strings.HasPrefix(name, f.root+string(filepath.Separator)) {
			f.t.Errorf("%s is touched", name)
		}
	}
}

func (f *fenced) Create(name string) (disk.File, error) { f.in(name); return f.Memory.Create(name) }
func (f *fenced) Append(name string) (disk.File, error) { f.in(name); return f.Memory.Append(name) }
func (f *fenced) Rename(from, to string) error          { f.in(from, to); return f.Memory.Rename(from, to) }
func (f *fenced) Remove(name string) error              { f.in(name); return f.Memory.Remove(name) }

// hostileTemplate is a lake of three small segments, the last of them not sealed.
func hostileTemplate(f *testing.F, dir string) (files map[string][]byte, recs []event.Record, config func() (lake.Config, *clock)) {
	f.Helper()
	config = func() (lake.Config, *clock) {
		c := newClock()
		config := small(c)
		config.Limits.SegmentRows = 12
		config.Keep = func(string) int { return 3 }
		return config, c
	}
	var fsys disktest.Memory
	lc, _ := config()
	lc.FS = &fsys
	l, err := lake.Open(dir, lc)
	if err != nil {
		f.Fatal(err)
	}
	recs = records(80, 30, "fw")
	_, err = l.Append(f.Context(), recs[:24])
	err = errors.Join(err, l.Flush(f.Context()))
	_, e := l.Append(f.Context(), recs[24:])
	if err := errors.Join(err, e, l.Close()); err != nil || l.Stats().Files != 2 {
		f.Fatal(l.Stats().Files, err)
	}
	return fsys.Files(), recs, config
}

// FuzzFolder puts small files into the folder that somebody made on purpose, with sums that fit: opening, asking, merging
// and deleting end without a panic, and nothing beside the folder is touched. What is found is what was written, and what
// one start shows, the next one shows.
func FuzzFolder(f *testing.F) {
	f.Add(`{"add":{"name":"2026-11-23/fw.0000000000000009.parquet","id":9,"level":1,"size":5,"blocks":[{"rows":1}]}}`, `{"ids":[1],"seqs":[{"first":1,"last":9}]}`, `[{"name":"x"}]`, `{"outputs":["../../beside"]}`)
	f.Add(`{"add":{"name":"../../beside","id":1,"sources":[]}}`, `{"source":"fw"}`, `{`, `{"outputs":["2026-11-23/0000000000000001.parquet"]}`)
	f.Add(`{"add":null,"next":{"fw":18446744073709551615}}`, `null`, `null`, `null`)
	dir := folder(f) // the lock lies there
	files, recs, config := hostileTemplate(f, dir)
	written := map[string]bool{}
	for i := range recs {
		written[string(recs[i].Raw)] = true
	}
	sum := func(text string) []byte { return fmt.Appendf(nil, "%016x %s", xxhash.Sum64String(text), text) }
	f.Fuzz(func(t *testing.T, entry, tomb, holds, commit string) {
		fsys := &fenced{disktest.With(files), t, dir}
		for name, data := range map[string][]byte{
			"catalogue": append(sum(strings.ReplaceAll(entry, "\n", " ")), '\n'), "tombstones/1.json": []byte(tomb), "holds.json": []byte(holds),
			"merge/0000000000000003.commit": sum(commit),
		} {
			if err := disk.WriteFile(fsys, filepath.Join(dir, filepath.FromSlash(name)), data); err != nil {
				t.Fatal(err)
			}
		}
		lc, c := config()
		lc.FS = fsys
		var shown [2]string
		for i := range shown {
			l, err := lake.Open(dir, lc)
			if err != nil {
				if !lake.Is(err, lake.Unusable) {
					t.Errorf("an error without a reason: %v", err)
				}
				return
			}
			found, err := readAll(l)
			for j := range found {
				if !written[string(found[j].Raw)] {
					t.Errorf("%q was never written", found[j].Raw)
				}
				shown[i] += fmt.Sprintln(found[j].Source, found[j].Seq, string(found[j].Raw))
			}
			if shown[i] += fmt.Sprint(err); i == 1 {
				_, _ = search.Run(t.Context(), l, query.Query{Where: query.Word{Text: "line"}}, query.Options{})
				_ = l.Stats()
				c.add(9 * 24 * time.Hour)
				_ = l.Tidy(t.Context())
				_, _ = l.Expire(t.Context(), lake.Deletion{Sure: true})
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
		if shown[0] != shown[1] {
			t.Errorf("first\n%s\nthen\n%s", shown[0], shown[1])
		}
	})
}

// A line with ten thousand keys is kept as it is, found by a word, and by a key that has no column.
func TestManyKeys(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`{"k0":"first"`)
	for i := 1; i < 10_000; i++ {
		fmt.Fprintf(&b, `,"k%d":"v%d"`, i, i)
	}
	b.WriteString("}")
	c := newClock()
	l := open(t, folder(t), small(c))
	rec := event.Record{Source: "app", Format: event.JSON, Raw: []byte(b.String()), Time: c.Now(), Received: c.Now()}
	for i := range 10_000 {
		rec.Fields = append(rec.Fields, event.Field{Name: fmt.Sprintf("k%d", i), Value: fmt.Sprintf("v%d", i)})
	}
	recs := []event.Record{rec}
	appendAll(t, l, recs)
	recs[0].Fields = nil // they have no columns, and are read from the line
	for _, what := range []string{"hot", "sealed"} {
		same(t, what, all(t, l), want(recs))
		r, err := search.Run(t.Context(), l, query.Query{Where: query.Word{Text: "v9999"}}, query.Options{})
		if err != nil || r.Partial() || len(r.Records) != 1 {
			t.Errorf("%s: %+v %v", what, r, err)
		}
		flush(t, l)
	}
}

// Sidecars of other files, and a catalogue of another version, change no answer.
func TestSwappedSidecars(t *testing.T) {
	t.Parallel()
	dir, recs, config := template(t)
	var skips []string
	for _, name := range filesOf(t, dir) {
		if strings.HasSuffix(name, ".skip") {
			skips = append(skips, name)
		}
	}
	aside := filepath.Join(dir, "aside")
	if err := errors.Join(os.Rename(skips[0], aside), os.Rename(skips[1], skips[0]), os.Rename(aside, skips[1])); err != nil {
		t.Fatal(err)
	}
	l := open(t, dir, config)
	probe(t, l, recs)
	if !hasAlarm(l, "sidecar") {
		t.Errorf("alarms %+v", l.Stats().Alarms)
	}
	if err := l.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	probe(t, l, recs)
	if s := l.Stats(); len(s.Alarms) > 0 || subset(t, l, recs) != len(recs) {
		t.Errorf("alarms are left: %+v", s.Alarms)
	}
}

// A catalogue in a form that this program does not know is made anew from the files.
func TestOtherCatalogue(t *testing.T) {
	t.Parallel()
	dir, recs, config := template(t)
	line, err := catalogue.AppendEntry(nil, &catalogue.Entry{})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "kizuki-catalogue/9\n", string(line) + "0\n", "\x00"} {
		if err := os.WriteFile(filepath.Join(dir, "catalogue"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		l := open(t, dir, config)
		if subset(t, l, recs) != len(recs) || len(l.Stats().Alarms) > 0 {
			t.Errorf("%q: %+v", text, l.Stats().Alarms)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
