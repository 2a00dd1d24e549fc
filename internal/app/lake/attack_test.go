package lake

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	store "github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/lake/catalogue"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
	"github.com/kizuki-security/kizuki/internal/logs/lake/skip"
	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
)

// victim is a lake with two signed files of one source, which somebody who has no key changes.
type victim struct {
	t   *testing.T
	dir string // data folder
	c   *clock
	key string
}

func newVictim(t *testing.T) *victim {
	t.Helper()
	v := &victim{t: t, dir: t.TempDir(), c: &clock{november}}
	v.more(0, 300)
	v.more(1, 300)
	l := open(t, v.dir, v.c)
	keys, err := l.Keys()
	if err != nil || len(keys) != 1 {
		t.Fatal(keys, err)
	}
	v.key = keys[0]
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if c := v.check(""); !c.Good() || len(c.Pending) > 0 || len(v.glob("sealed/*/*.parquet")) != 2 {
		t.Fatalf("before the attack: %+v", c)
	}
	return v
}

func (v *victim) path(parts ...string) string {
	return filepath.Join(append([]string{v.dir, Folder}, parts...)...)
}

func (v *victim) glob(pattern string) []string {
	v.t.Helper()
	names, err := filepath.Glob(v.path(filepath.FromSlash(pattern)))
	if err != nil {
		v.t.Fatal(err)
	}
	return names
}

func (v *victim) remove(patterns ...string) {
	v.t.Helper()
	for _, p := range patterns {
		names := v.glob(p)
		if len(names) == 0 {
			v.t.Fatalf("there is no %s", p)
		}
		for _, name := range names {
			if err := os.RemoveAll(name); err != nil {
				v.t.Fatal(err)
			}
		}
	}
}

// more takes lines in, and gives the alarms that are left.
func (v *victim) more(round, n int) []Alarm {
	v.t.Helper()
	l := open(v.t, v.dir, v.c)
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "line %d of round %d: user evil deleted the log\n", i, round)
	}
	if _, err := take(v.t.Context(), v.t, l, ImportOptions{Source: "app"}, file(v.t, fmt.Sprintf("%d.log", round), []byte(text.String()))); err != nil {
		v.t.Fatal(err)
	}
	return v.settle(l)
}

func (v *victim) settle(l *Lake) []Alarm {
	v.t.Helper()
	if err := l.Settle(v.t.Context()); err != nil {
		v.t.Logf("settle: %v", err)
	}
	alarms := l.Stats().Alarms
	if err := l.Close(); err != nil {
		v.t.Fatal(err)
	}
	return alarms
}

func (v *victim) reader() *Reader {
	v.t.Helper()
	r, err := OpenReader(Config{Dir: v.dir, Now: v.c.now})
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { _ = r.Close() })
	return r
}

func (v *victim) check(key string) *Check {
	v.t.Helper()
	r := v.reader()
	c, err := r.Verify(v.t.Context(), VerifyOptions{Key: key})
	if err := errors.Join(err, r.Close()); err != nil {
		v.t.Fatal(err)
	}
	return c
}

// found wants damage to be named, with the lake's own keys and with the one from paper.
func (v *victim) found(what string) {
	v.t.Helper()
	for _, key := range []string{"", v.key} {
		if c := v.check(key); c.Good() {
			v.t.Errorf("%s (key %q): verify says that all is well: %+v", what, key, c)
		}
	}
}

func (v *victim) whole(what string) {
	v.t.Helper()
	if c := v.check(v.key); !c.Good() || len(c.Pending) > 0 {
		v.t.Errorf("%s: %+v", what, c)
	}
}

// forge makes, without a key, the files and trees of a lake that holds the same records, changed.
func (v *victim) forge(change func(r *event.Record)) (dir string) {
	v.t.Helper()
	r := v.reader()
	defer func() { _ = r.Close() }()
	var records []event.Record
	for seq := uint64(1); seq <= 600; seq++ {
		rec, err := r.shelf.Record("app", seq)
		if err != nil {
			v.t.Fatal(err)
		}
		change(&rec)
		records = append(records, rec)
	}
	dir = v.t.TempDir()
	s, err := store.Open(dir, store.Config{Clock: v.c.now})
	if err != nil {
		v.t.Fatal(err)
	}
	for _, part := range [][]event.Record{records[:300], records[300:]} {
		if _, err := s.Append(v.t.Context(), part); err != nil {
			v.t.Fatal(err)
		}
		if err := s.Flush(v.t.Context()); err != nil {
			v.t.Fatal(err)
		}
	}
	tree, err := proof.OpenTree(filepath.Join(dir, "proof", "app"))
	if err != nil {
		v.t.Fatal(err)
	}
	_, err = s.Hashes(v.t.Context(), "app", func(seq uint64, h proof.Hash) error { return tree.Append(seq, []proof.Hash{h}) })
	if err := errors.Join(err, tree.Commit(), tree.Close(), s.Close()); err != nil {
		v.t.Fatal(err)
	}
	return dir
}

// put copies files of a forged lake over those of the victim.
func (v *victim) put(dir string, patterns ...string) {
	v.t.Helper()
	for _, p := range patterns {
		names, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(p)))
		if err != nil || len(names) == 0 {
			v.t.Fatal(p, names, err)
		}
		for _, name := range names {
			rel, err := filepath.Rel(dir, name)
			if err != nil {
				v.t.Fatal(err)
			}
			data, err := os.ReadFile(name)
			if err != nil {
				v.t.Fatal(err)
			}
			if old, err := os.ReadFile(v.path(rel)); err == nil && slices.Equal(old, data) {
				v.t.Fatalf("%s is the same as before", rel)
			}
			if err := os.MkdirAll(filepath.Dir(v.path(rel)), 0o700); err != nil {
				v.t.Fatal(err)
			}
			if err := os.WriteFile(v.path(rel), data, 0o600); err != nil {
				v.t.Fatal(err)
			}
		}
	}
}

func lies(r *event.Record) { r.Raw = []byte(strings.ReplaceAll(string(r.Raw), "evil", "sato")) }

func TestAttackOnSignatures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		attack func(v *victim)
		heals  bool // the next import makes whole what was lost, since nothing else was changed
	}{
		{"no proofs", func(v *victim) { v.remove("proof") }, true},
		{"no proofs, no notes", func(v *victim) { v.remove("proof", "sealed/*/*.note") }, false},
		{"an older proof", func(v *victim) {
			old := copyOf(v, "proof")
			v.more(2, 200)
			v.remove("proof")
			v.back(old, "proof")
		}, true},
		{"an older proof, no notes", func(v *victim) {
			old := copyOf(v, "proof")
			v.more(2, 200)
			v.remove("proof", "sealed/*/*.note")
			v.back(old, "proof")
		}, false},
		{"lines and tree changed, no notes", func(v *victim) {
			forged := v.forge(lies)
			v.remove("catalogue", "sealed/*/*.note", "sealed/*/*.skip", "proof")
			v.put(forged, "sealed/*/*.parquet", "proof/app/*")
		}, false},
		{"lines and tree changed, notes beside", func(v *victim) {
			forged := v.forge(lies)
			v.remove("catalogue", "sealed/*/*.skip", "proof")
			v.put(forged, "sealed/*/*.parquet", "proof/app/*")
		}, false},
		{"lines changed, notes and tree gone", func(v *victim) {
			forged := v.forge(lies)
			v.remove("catalogue", "sealed/*/*.note", "sealed/*/*.skip", "proof")
			v.put(forged, "sealed/*/*.parquet")
		}, false},
		{"lines and tree changed, notes there", func(v *victim) {
			forged := v.forge(lies)
			v.remove("catalogue", "sealed/*/*.note", "sealed/*/*.skip")
			v.put(forged, "sealed/*/*.parquet", "proof/app/*")
		}, false},
		{"columns changed", func(v *victim) {
			forged := v.forge(func(r *event.Record) { r.User = "sato" })
			v.remove("catalogue", "sealed/*/*.skip")
			v.put(forged, "sealed/*/*.parquet", "sealed/*/*.skip", "catalogue")
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t)
			tt.attack(v)
			v.found("after the attack")
			alarms := v.more(3, 200)
			if tt.heals {
				v.whole("after the next import")
				return
			}
			t.Logf("alarms: %+v", alarms)
			v.found("after the next import")
			// The day is over: merging must not sign for what was changed.
			v.c.at = v.c.at.Add(24 * time.Hour)
			v.more(4, 100)
			v.found("after merging")
			v.provesNoLie()
		})
	}
}

// provesNoLie wants no proof of a line that was changed.
func (v *victim) provesNoLie() {
	v.t.Helper()
	r := v.reader()
	defer func() { _ = r.Close() }()
	for seq := uint64(1); seq <= 600; seq += 37 {
		data, rec, err := r.Prove("app", seq)
		if err == nil && strings.Contains(string(rec.Raw), "sato") {
			v.t.Errorf("line %d, which was changed, is proved: %.80s", seq, data)
		}
	}
}

// copyOf keeps a copy of a folder of the lake.
func copyOf(v *victim, part string) string {
	v.t.Helper()
	dir := filepath.Join(v.t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(v.path(part))); err != nil {
		v.t.Fatal(err)
	}
	return dir
}

func (v *victim) back(from, part string) {
	v.t.Helper()
	if err := os.CopyFS(v.path(part), os.DirFS(from)); err != nil {
		v.t.Fatal(err)
	}
}

// Every bit of what was signed, and of the copies beside the files, that is not as it was is named; and a note that was cut
// off at the end comes back from its copy.
func TestFlippedSignatures(t *testing.T) {
	t.Parallel()
	v := newVictim(t)
	every := 7
	if os.Getenv("KIZUKI_PROVE") != "" {
		every = 1
	}
	names := append(v.glob("proof/app/notes"), v.glob("sealed/*/*.note")...)
	if len(names) != 3 {
		t.Fatal(names)
	}
	for _, name := range names {
		good, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(good); at += every {
			bad := slices.Clone(good)
			bad[at] ^= 1 << ((at / every) % 8)
			if err := os.WriteFile(name, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if c := v.check(""); c.Good() {
				t.Errorf("%s, byte %d: %+v", filepath.Base(name), at, c)
			}
		}
		if err := os.WriteFile(name, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	v.whole("put back")
	v.remove("sealed/*/*.note") // as whoever reads of a damaged copy is told to
	v.whole("without copies")
	if alarms := v.more(7, 10); len(alarms) > 0 || len(v.glob("sealed/*/*.note")) != 3 {
		t.Errorf("alarms %+v", alarms)
	}
	v.whole("with new copies")
	notes := names[0]
	good, err := os.ReadFile(notes)
	if err != nil {
		t.Fatal(err)
	}
	bad := slices.Clone(good)
	bad[len(bad)-20] ^= 4
	if err := os.WriteFile(notes, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	v.found("the newest note is damaged")
	if alarms := v.more(2, 100); len(alarms) > 0 {
		t.Errorf("alarms %+v", alarms)
	}
	v.whole("after the next import")
	now, err := os.ReadFile(notes)
	if err != nil || !strings.HasPrefix(string(now), string(good)) {
		t.Errorf("the note that was cut off did not come back: %v\n%s", err, now)
	}
}

// What leads to the lines is compared with them: a sidecar or a catalogue that keeps lines from queries is damage.
func TestCraftedIndexes(t *testing.T) {
	t.Parallel()
	tests := map[string]func(v *victim){
		"sidecar": func(v *victim) {
			state, err := catalogue.Load(disk.OS{}, v.path("catalogue"))
			if err != nil {
				v.t.Fatal(err)
			}
			for _, f := range state.Files {
				var b skip.Builder
				for range f.Blocks {
					b.Add(&table.Block{Cols: make([]*table.Column, table.Columns)})
				}
				name := strings.TrimSuffix(v.path("sealed", filepath.FromSlash(f.Name)), ".parquet") + ".skip"
				if err := os.WriteFile(name, b.Bytes(f.Size, f.Footer), 0o600); err != nil {
					v.t.Fatal(err)
				}
			}
			if n := v.count("evil"); n != 0 {
				v.t.Fatalf("the attack finds %d lines", n)
			}
		},
		"catalogue": func(v *victim) {
			state, err := catalogue.Load(disk.OS{}, v.path("catalogue"))
			if err != nil {
				v.t.Fatal(err)
			}
			var files []*catalogue.File
			for _, f := range state.Files {
				for i := range f.Blocks {
					f.Blocks[i].From, f.Blocks[i].To = 0, 0
				}
				files = append(files, f)
			}
			if err := catalogue.Write(disk.OS{}, v.path("catalogue"), files, nil); err != nil {
				v.t.Fatal(err)
			}
		},
	}
	for name, attack := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t)
			attack(v)
			v.found(name)
		})
	}
}

func (v *victim) count(text string) int64 {
	v.t.Helper()
	r := v.reader()
	defer func() { _ = r.Close() }()
	q, err := Question{Text: text + " | count", Now: november, Zone: time.UTC}.Parse()
	if err != nil {
		v.t.Fatal(err)
	}
	result, err := r.Ask(v.t.Context(), q, 0, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	return result.Count
}

// Sidecars of another version, or damaged by chance, keep nothing from anybody: they are told, and are no damage.
func TestWornSidecars(t *testing.T) {
	t.Parallel()
	for name, wear := range map[string]func(data []byte) []byte{
		"version": func(data []byte) []byte { data[7]++; return data },
		"words":   func(data []byte) []byte { data[9] ^= 1; return data },
		"page":    func(data []byte) []byte { data[len(data)-100] ^= 1; return data },
		"cut":     func(data []byte) []byte { return data[:len(data)-10] },
	} {
		v := newVictim(t)
		sidecar := v.glob("sealed/*/*.skip")[0]
		data, err := os.ReadFile(sidecar)
		if err := errors.Join(err, os.WriteFile(sidecar, wear(data), 0o600)); err != nil {
			t.Fatal(err)
		}
		if c := v.check(""); !c.Good() || len(c.Notes) != 1 || c.Notes[0].Reason != "sidecar" {
			t.Errorf("%s: %+v", name, c)
		}
		v.remove("sealed/*/*.skip")
		if c := v.check(""); !c.Good() || len(c.Notes) != 2 {
			t.Errorf("without sidecars: %+v", c)
		}
	}
}

// stopping is evidence of a process that ends between a seal and its note.
type stopping struct{ *witness }

var errStopped = errors.New("stopped")

func (stopping) Sealed(context.Context, store.Unit, func(string) ([]uint64, []proof.Hash, error)) ([]byte, error) {
	return nil, errStopped
}

// stop leaves a file behind that was sealed and not signed.
func (v *victim) stop() (parquet string) {
	v.t.Helper()
	before := v.glob("sealed/*/*.parquet")
	l := open(v.t, v.dir, v.c)
	if err := l.store.Close(); err != nil {
		v.t.Fatal(err)
	}
	s, err := store.Open(l.dir, store.Config{Clock: v.c.now, Evidence: stopping{l.witness}})
	if err != nil {
		v.t.Fatal(err)
	}
	l.store, l.shelf = s, s
	if _, err := take(v.t.Context(), v.t, l, ImportOptions{Source: "app"}, file(v.t, "stop.log", numbered("evil", 300))); err != nil {
		v.t.Fatal(err)
	}
	if err := errors.Join(s.Flush(v.t.Context()), l.Close()); err != nil {
		v.t.Fatal(err)
	}
	for _, name := range v.glob("sealed/*/*.parquet") {
		if !slices.Contains(before, name) {
			return name
		}
	}
	v.t.Fatal("nothing was sealed")
	return ""
}

// A file that was sealed and not signed is told, and signed by the next that writes, unless it is not the one that was sealed.
func TestStoppedBeforeItsNote(t *testing.T) {
	t.Parallel()
	v := newVictim(t)
	v.stop()
	for _, key := range []string{"", v.key} {
		if c := v.check(key); !c.Good() || len(c.Pending) != 1 || c.Pending[0].Reason != NotSigned {
			t.Errorf("stopped: %+v", c)
		}
	}
	if alarms := v.more(3, 100); len(alarms) > 0 {
		t.Errorf("alarms %+v", alarms)
	}
	v.whole("after the next import")
	if left := v.glob("sealed/*/*.pledge"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	for name, change := range map[string]func(v *victim, parquet string){
		"no pledge": func(v *victim, _ string) { v.remove("sealed/*/*.pledge") },
		"another file": func(v *victim, parquet string) {
			if err := os.WriteFile(parquet, forgedFile(v, parquet), 0o600); err != nil {
				v.t.Fatal(err)
			}
			v.remove("catalogue")
		},
		"a pledge that was changed": func(v *victim, _ string) {
			name := v.glob("sealed/*/*.pledge")[0]
			data, err := os.ReadFile(name)
			if err != nil {
				v.t.Fatal(err)
			}
			data[60] ^= 1
			if err := os.WriteFile(name, data, 0o600); err != nil {
				v.t.Fatal(err)
			}
		},
	} {
		v := newVictim(t)
		change(v, v.stop())
		v.found(name)
		if alarms := v.more(3, 100); !slices.ContainsFunc(alarms, func(a Alarm) bool { return a.Reason == "evidence" }) {
			t.Errorf("%s: alarms %+v", name, alarms)
		}
		v.found(name + ", after the next import")
	}
}

// forgedFile is the file of another lake that holds other lines under the same numbers.
func forgedFile(v *victim, parquet string) []byte {
	v.t.Helper()
	r := v.reader()
	defer func() { _ = r.Close() }()
	dir := v.t.TempDir()
	s, err := store.Open(dir, store.Config{Clock: v.c.now})
	if err != nil {
		v.t.Fatal(err)
	}
	for part := range 3 {
		var records []event.Record
		for i := range 300 {
			rec, err := r.shelf.Record("app", uint64(300*part+i+1))
			if err != nil {
				v.t.Fatal(err)
			}
			lies(&rec)
			records = append(records, rec)
		}
		if _, err := s.Append(v.t.Context(), records); err != nil {
			v.t.Fatal(err)
		}
		if err := s.Flush(v.t.Context()); err != nil {
			v.t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		v.t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "sealed", "*", filepath.Base(parquet)))
	if err != nil || len(names) != 1 {
		v.t.Fatal(names, err)
	}
	data, err := os.ReadFile(names[0])
	if err != nil {
		v.t.Fatal(err)
	}
	return data
}
