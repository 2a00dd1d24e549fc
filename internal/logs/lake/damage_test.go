package lake_test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// template makes a folder with merged files, segments and a log that is not sealed, and gives what it holds.
func template(t *testing.T) (dir string, recs []event.Record, config lake.Config) {
	t.Helper()
	dir = folder(t)
	c := newClock()
	config = small(c)
	l := open(t, dir, config)
	recs = records(50, 700, "fw", "web")
	appendAll(t, l, recs)
	flush(t, l)
	c.add(24 * time.Hour)
	if err := l.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	more := records(51, 300+150, "fw", "web")
	appendAll(t, l, more[:300])
	flush(t, l)
	appendAll(t, l, more[300:]) // stays in the log
	recs = append(recs, more...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, recs, config
}

func copyDir(t *testing.T, from string) string {
	t.Helper()
	to := folder(t)
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

func filesOf(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && d.Name() != "lock" {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// parquets leaves the sealed files of a list.
func parquets(names []string) []string {
	return slices.DeleteFunc(names, func(s string) bool { return !strings.HasSuffix(s, ".parquet") })
}

// subset checks that what a damaged lake still gives is right: each record is one that was appended, and none comes
// twice. It returns how many there are.
func subset(t *testing.T, l *lake.Lake, recs []event.Record) int {
	t.Helper()
	got, err := readAll(l)
	byID := map[string]map[uint64]event.Record{}
	for _, r := range want(recs) {
		if byID[r.Source] == nil {
			byID[r.Source] = map[uint64]event.Record{}
		}
		byID[r.Source][r.Seq] = r
	}
	for _, r := range got {
		w, ok := byID[r.Source][r.Seq]
		if !ok {
			t.Fatalf("a record that nobody appended, or twice: %+v", r)
		}
		same(t, "damaged", []event.Record{r}, []event.Record{w})
		delete(byID[r.Source], r.Seq)
	}
	if len(got) < len(recs) && err == nil && !hasAlarm(l, "log") && l.Stats().TornBytes == 0 {
		t.Errorf("%d of %d records, and nobody says so: %+v", len(got), len(recs), l.Stats().Alarms)
	}
	return len(got)
}

func TestFlippedBits(t *testing.T) {
	t.Parallel()
	dir, recs, config := template(t)
	rounds := 24
	if os.Getenv("KIZUKI_PROVE") != "" {
		rounds = 400
	}
	r := rand.New(rand.NewPCG(60, 1))
	endings := []string{".wal", ".parquet", ".skip", "catalogue"}
	for round := range rounds {
		ending := endings[round%len(endings)]
		damaged := copyDir(t, dir)
		names := slices.DeleteFunc(filesOf(t, damaged), func(s string) bool { return !strings.HasSuffix(s, ending) })
		name := names[r.IntN(len(names))]
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		data[r.IntN(len(data))] ^= 1 << r.IntN(8)
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := lake.Open(damaged, config)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		n := subset(t, l, recs)
		if (ending == ".skip" || ending == "catalogue") && n != len(recs) {
			t.Errorf("%s: %d of %d records", name, n, len(recs))
		}
		probe(t, l, recs)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// probe asks the sidecars for words of records: a block that holds one must not deny it.
func probe(t *testing.T, l *lake.Lake, recs []event.Record) {
	t.Helper()
	look, err := l.Blocks(t.Context(), -1<<62, 1<<62, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = look.Close() }()
	texts := map[string]map[uint64]*event.Record{}
	for i := range recs {
		if texts[recs[i].Source] == nil {
			texts[recs[i].Source] = map[uint64]*event.Record{}
		}
		texts[recs[i].Source][recs[i].Seq] = &recs[i]
	}
	for i := range look.Len() {
		part, err := readBlock(look, i)
		if err != nil {
			continue
		}
		b, err := look.Open(i)
		if err != nil {
			t.Fatal(err)
		}
		for row := 0; row < len(part); row += 17 {
			query.IndexWords(&part[row], func(word string) {
				if may, err := b.MayHave([]string{word}); err != nil || !may {
					t.Errorf("word %q is denied: %v", word, err)
				}
			})
		}
		b.Release()
	}
}

func TestSidecarRulesOut(t *testing.T) {
	t.Parallel()
	dir, _, config := template(t)
	l := open(t, dir, config)
	flush(t, l)
	look, err := l.Blocks(t.Context(), -1<<62, 1<<62, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = look.Close() }()
	ruled, asked := 0, 0
	for i := range look.Len() {
		b, err := look.Open(i)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"nowhere", "198.51.100.99", "不在", "host-77", "4624", "absent_word", "x1y2", "部長"} {
			may, err := b.MayHave([]string{word})
			if err != nil {
				t.Fatal(err)
			}
			if asked++; !may {
				ruled++
			}
		}
		b.Release()
	}
	if ruled*100 < asked*90 {
		t.Errorf("%d of %d probes for absent words are ruled out", ruled, asked)
	}
}

func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	dir, recs, config := template(t)
	tests := []struct {
		name   string
		damage func(t *testing.T, dir string) error
		whole  bool   // nothing is missing afterwards
		alarm  string // of these
	}{
		{"cut file", func(t *testing.T, dir string) error {
			t.Helper()
			return os.Truncate(parquets(filesOf(t, dir))[0], 3000)
		}, false, "damaged"},
		{"empty file", func(t *testing.T, dir string) error { t.Helper(); return os.Truncate(parquets(filesOf(t, dir))[0], 0) }, false, "damaged"},
		{"missing file", func(t *testing.T, dir string) error { t.Helper(); return os.Remove(parquets(filesOf(t, dir))[0]) }, false, "missing"},
		{"swapped files", func(t *testing.T, dir string) error {
			t.Helper()
			f := parquets(filesOf(t, dir))
			return errors.Join(os.Rename(f[0], dir+"/x"), os.Rename(f[1], f[0]), os.Rename(dir+"/x", f[1]))
		}, false, "damaged"},
		{"no sidecars", func(t *testing.T, dir string) error {
			t.Helper()
			return eachFile(t, dir, ".skip", os.Remove)
		}, true, "sidecar"},
		{"sidecars of another version", func(t *testing.T, dir string) error {
			t.Helper()
			return eachFile(t, dir, ".skip", func(name string) error {
				data, err := os.ReadFile(name)
				data[9] ^= 0xff
				return errors.Join(err, os.WriteFile(name, data, 0o600))
			})
		}, true, "sidecar"},
		{"no catalogue", func(t *testing.T, dir string) error { t.Helper(); return os.Remove(filepath.Join(dir, "catalogue")) }, true, ""},
		{"cut catalogue", func(t *testing.T, dir string) error {
			t.Helper()
			return os.Truncate(filepath.Join(dir, "catalogue"), 500)
		}, true, ""},
		{"cut log", func(t *testing.T, dir string) error {
			t.Helper()
			return eachFile(t, dir, ".wal", func(name string) error {
				info, err := os.Stat(name)
				return errors.Join(err, os.Truncate(name, info.Size()-7))
			})
		}, false, ""},
		{"log without a head", func(t *testing.T, dir string) error {
			t.Helper()
			return eachFile(t, dir, ".wal", func(name string) error {
				data, err := os.ReadFile(name)
				data[0] ^= 1
				return errors.Join(err, os.WriteFile(name, data, 0o600))
			})
		}, true, "log"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			damaged := copyDir(t, dir)
			if err := tt.damage(t, damaged); err != nil {
				t.Fatal(err)
			}
			l := open(t, damaged, config)
			n := subset(t, l, recs)
			probe(t, l, recs)
			if tt.whole != (n == len(recs)) {
				t.Errorf("%d of %d records", n, len(recs))
			}
			if tt.alarm != "" && !hasAlarm(l, tt.alarm) {
				t.Errorf("alarms %+v", l.Stats().Alarms)
			}
			if tt.alarm != "sidecar" {
				return
			}
			if err := l.Tidy(t.Context()); err != nil {
				t.Fatal(err)
			}
			probe(t, l, recs)
			if s := l.Stats(); len(s.Alarms) != 0 {
				t.Errorf("alarms are left: %+v", s.Alarms)
			}
		})
	}
}

func eachFile(t *testing.T, dir, ending string, act func(string) error) error {
	t.Helper()
	n := 0
	for _, name := range filesOf(t, dir) {
		if !strings.HasSuffix(name, ending) {
			continue
		}
		n++
		if err := act(name); err != nil {
			return err
		}
	}
	if n == 0 {
		return fs.ErrNotExist
	}
	return nil
}
