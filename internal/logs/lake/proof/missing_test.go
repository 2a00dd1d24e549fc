package proof_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
)

// lose takes the numbers up to last as missing.
func (l *lake) lose(t *testing.T, last uint64) {
	t.Helper()
	if err := l.Lose(last); err != nil {
		t.Fatal(err)
	}
}

// without leaves records out of an audit.
func without(runs ...proof.Range) func(uint64, proof.Hash) []proof.Hash {
	return func(s uint64, h proof.Hash) []proof.Hash {
		if slices.ContainsFunc(runs, func(r proof.Range) bool { return r.First <= s && s <= r.Last }) {
			return nil
		}
		return []proof.Hash{h}
	}
}

func hashFor(seq uint64) (proof.Hash, error) { return recordHash("fw", seq), nil }

// provable says whether a record can be proved with what others keep.
func (l *lake) provable(t *testing.T, seq uint64) {
	t.Helper()
	p, err := l.Prove(record("fw", seq), hashFor)
	if err != nil {
		t.Fatalf("record %d: %v", seq, err)
	}
	if _, err := p.Check(l.config.Keys...); err != nil {
		t.Fatalf("record %d: %v", seq, err)
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	l := newLake(t, "fw", 300)
	gone := proof.Range{First: 301, Last: 310}
	l.lose(t, gone.Last)
	l.seal(t, 1000)
	l.seal(t, 5000)
	for range 2 {
		for i, c := range l.Checkpoints() {
			if want := min(i, 1); len(c.Missing) != want || want > 0 && c.Missing[0] != gone {
				t.Errorf("checkpoint %d states %+v", i, c.Missing)
			}
		}
		r := l.audit(t, 5000, without(gone))
		if r.Good() || !slices.Equal(r.Missing, []proof.Range{gone}) || !slices.Equal(r.Lost, []proof.Range{gone}) ||
			len(r.Faults)+len(r.Returned) != 0 || r.Leaves != 5000/256 || r.Nodes != 0 {
			t.Errorf("report: %+v", r)
		}
		for _, seq := range []uint64{257, 300, 311, 512, 5000} {
			l.provable(t, seq)
		}
		l.reopen(t, "fw")
	}
	if !strings.Contains(l.Notes()[1], "\nmissing 301-310\nfile sha256:") {
		t.Errorf("the note says\n%s", l.Notes()[1])
	}
	// A changed record in a leaf with missing ones is found.
	r := l.audit(t, 5000, func(s uint64, h proof.Hash) []proof.Hash {
		h[0] ^= byte(s / 400 % 2 * (s % 2))
		return without(gone)(s, h)
	})
	if f := r.First(); f == nil || f.Leaf != 1 || f.Cause != proof.InRecords {
		t.Errorf("a changed record beside missing ones: %+v", r)
	}
	// Lines that come back contradict what was signed.
	r = l.audit(t, 5000, without(proof.Range{First: 301, Last: 304}))
	if r.Good() || !slices.Equal(r.Returned, []proof.Range{{First: 305, Last: 310}}) || len(r.Faults) != 0 ||
		!slices.Equal(r.Missing, []proof.Range{{First: 301, Last: 304}}) {
		t.Errorf("lines that came back: %+v", r)
	}
	file := proof.File{Ranges: []proof.Range{{First: 305, Last: 310}}, SHA256: fileHash(77)}
	if _, err := l.Seal(file, now); !proof.Is(err, proof.Unfit) {
		t.Errorf("a file with missing records is signed: %v", err)
	}
	if _, err := l.Prove(record("fw", 305), hashFor); !proof.Is(err, proof.Unfit) {
		t.Errorf("a missing record is proved: %v", err)
	}
	if err := l.Lose(1 << 60); !proof.Is(err, proof.Hole) {
		t.Errorf("a number that nobody gave: %v", err)
	}
}

// dumb signs nothing.
type dumb struct{ proof.Signer }

func (dumb) Sign([]byte) ([]byte, error) { return nil, errors.New("no key") }

// What was taken as missing when the checkpoint was not written yet is forgotten with a stop, as the records are: their
// file brings both again.
func TestMissingAfterAStop(t *testing.T) {
	t.Parallel()
	l := newLake(t, "fw", 300)
	signer := l.config.Signer
	path := filepath.Join(l.config.Dir, "fw", "lost")

	l.lose(t, 310)
	l.reopen(t, "fw")
	if got := l.Missing(); len(got) != 0 || l.Records() != 300 {
		t.Errorf("before the tree has them, missing are %+v", got)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file stays: %v", err)
	}

	l.config.Signer = dumb{signer}
	l.reopen(t, "fw")
	l.lose(t, 310)
	if err := l.Append(311, []proof.Hash{recordHash("fw", 311)}); err != nil {
		t.Fatal(err)
	}
	file := proof.File{Ranges: []proof.Range{{First: 311, Last: 311}}, SHA256: fileHash(311)}
	if _, err := l.Seal(file, now); err == nil {
		t.Fatal("signed without a key")
	}
	l.config.Signer = signer
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	kept := t.TempDir()
	if err := os.CopyFS(kept, os.DirFS(l.config.Dir)); err != nil {
		t.Fatal(err)
	}
	for i := range good { // whatever it says, the tree goes back to what was signed
		other := &lake{config: l.config}
		other.config.Dir = t.TempDir()
		if err := os.CopyFS(other.config.Dir, os.DirFS(kept)); err != nil {
			t.Fatal(err)
		}
		bad := slices.Clone(good)
		bad[i] ^= 1
		write(t, filepath.Join(other.config.Dir, "fw", "lost"), bad)
		if other.reopen(t, "fw"); other.Records() != 300 || other.Behind() || len(other.Missing()) != 0 {
			t.Fatalf("byte %d flipped: %d records, missing %+v", i, other.Records(), other.Missing())
		}
	}
	l.reopen(t, "fw")
	if got := l.Missing(); len(got) != 0 || l.Records() != 300 {
		t.Fatalf("the tree has %d records, missing are %+v", l.Records(), got)
	}
	l.lose(t, 310)
	if err := l.Append(311, []proof.Hash{recordHash("fw", 311)}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Seal(file, now); err != nil {
		t.Fatal(err)
	}
	if c := l.Checkpoints()[1]; !slices.Equal(c.Missing, []proof.Range{{First: 301, Last: 310}}) {
		t.Errorf("stated: %+v", c.Missing)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file stays: %v", err)
	}
	l.provable(t, 311)
}

// ruin changes hashes of the tree file, or removes it when there are none.
func (l *lake) ruin(t *testing.T, indexes ...int64) {
	t.Helper()
	path := filepath.Join(l.config.Dir, "fw", "tree")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range indexes {
		data[16+32*i+5] ^= 0x10
	}
	write(t, path, data)
	if len(indexes) == 0 {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	l.reopen(t, "fw")
}

// A tree is made again although the records before, between and behind were deleted or are missing.
func TestTreeAgainAfterDeletion(t *testing.T) {
	t.Parallel()
	l := newLake(t, "fw", 2300)
	l.lose(t, 2310)
	for _, end := range []uint64{3000, 4000, 5000, 5600} {
		l.seal(t, end)
	}
	gone := []proof.Range{{First: 1, Last: 2310}, {First: 3001, Last: 4000}, {First: 5001, Last: 5600}}
	want := func(t *testing.T) {
		t.Helper()
		r := l.audit(t, 5000, without(gone...))
		if len(r.Faults) != 0 || r.Short || r.Nodes != 0 || !slices.Equal(r.Missing, []proof.Range{{First: 2301, Last: 2310}}) ||
			!slices.Equal(r.Deleted, []proof.Range{{First: 1, Last: 2300}, gone[1], gone[2]}) || r.Checkpoints != 5 {
			t.Errorf("report: %+v", r)
		}
		for _, seq := range []uint64{2311, 2500, 3000, 4001, 5000} {
			l.provable(t, seq)
		}
	}
	root := l.Checkpoints()[4].Root
	l.bury(t, 1, 2300)
	l.bury(t, 3001, 4000)
	l.bury(t, 5001, 5600)
	want(t)
	again := func(add func(uint64, proof.Hash) error) error {
		for seq := uint64(1); seq <= 5600; seq++ {
			for _, h := range without(gone...)(seq, recordHash("fw", seq)) {
				if err := add(seq, h); err != nil {
					return err
				}
			}
		}
		return nil
	}
	{ // lost
		l.ruin(t)
		if !l.Behind() {
			t.Fatal("a lost tree is not noticed")
		}
		err := again(func(seq uint64, h proof.Hash) error { return l.Append(seq, []proof.Hash{h}) })
		if err := errors.Join(err, l.Fill()); err != nil || l.Behind() {
			t.Fatalf("made again: %v", err)
		}
		want(t)
		l.seal(t, 5900)
		if sound, err := l.Sound(); err != nil || !sound {
			t.Errorf("sound: %v %v", sound, err)
		}
		l.reopen(t, "fw")
		if r := l.audit(t, 5900, without(gone...)); len(r.Faults) != 0 || r.Nodes != 0 || r.Short {
			t.Errorf("went on: %+v", r)
		}
		l.provable(t, 5900)
		l.provable(t, 2500)
	}
	{ // leaf
		l.ruin(t, tlog.StoredHashIndex(0, 10))
		if sound, err := l.Sound(); err != nil || sound {
			t.Fatalf("a changed leaf is sound: %v", err)
		}
		if err := l.Again(again); !proof.Is(err, proof.Hole) { // record 5601 to 5900 are not given
			t.Fatalf("made again of too little: %v", err)
		}
		full := func(add func(uint64, proof.Hash) error) error {
			err := again(add)
			for seq := uint64(5601); seq <= 5900 && err == nil; seq++ {
				err = add(seq, recordHash("fw", seq))
			}
			return err
		}
		if err := l.Again(full); err != nil {
			t.Fatal(err)
		}
		l.reopen(t, "fw")
		if c := l.Checkpoints()[4]; c.Root != root {
			t.Fatal("another tree")
		}
		if r := l.audit(t, 5900, without(gone...)); len(r.Faults) != 0 || r.Nodes != 0 || r.Short {
			t.Errorf("made again: %+v", r)
		}
		l.provable(t, 4500)
	}
	{ // forged
		l.ruin(t, tlog.StoredHashIndex(0, 10))
		before, err := os.ReadFile(filepath.Join(l.config.Dir, "fw", "tree"))
		if err != nil {
			t.Fatal(err)
		}
		err = l.Again(func(add func(uint64, proof.Hash) error) error {
			return again(func(seq uint64, h proof.Hash) error {
				h[3] ^= 1
				return add(seq, h)
			})
		})
		after, e := os.ReadFile(filepath.Join(l.config.Dir, "fw", "tree"))
		if err == nil || e != nil || !slices.Equal(before, after) {
			t.Errorf("a forged tree is taken: %v %v", err, e)
		}
	}
}

// Inner hashes that are not right are computed again.
func TestInnerHashesAreMended(t *testing.T) {
	t.Parallel()
	l := newLake(t, "fw", 1000, 5000)
	inner := []int64{tlog.StoredHashIndex(1, 1), tlog.StoredHashIndex(3, 0), tlog.StoredHashIndex(4, 0)}
	l.ruin(t, inner...)
	if r := l.audit(t, 5000, nil); r.Nodes != 3 {
		t.Fatalf("report: %+v", r)
	}
	if sound, err := l.Sound(); err != nil || !sound {
		t.Fatalf("sound: %v %v", sound, err)
	}
	l.reopen(t, "fw")
	if r := l.audit(t, 5000, nil); !r.Good() {
		t.Errorf("report: %+v", r)
	}
}

// A note that could not be read again is refused before it is written.
func TestNoteTooLong(t *testing.T) {
	t.Parallel()
	l := newLake(t, "fw", 300)
	runs := func(n uint64) (all []proof.Range) {
		for i := range n {
			all = append(all, proof.Range{First: 2*i + 1, Last: 2*i + 1})
		}
		return all
	}
	if err := l.Append(301, slices.Repeat([]proof.Hash{hashOf(1)}, 2_000_000)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Seal(proof.File{Ranges: runs(70_000), SHA256: fileHash(1)}, now); err != nil { // 1.1 MB
		t.Fatal(err)
	}
	if _, err := l.Seal(proof.File{Ranges: runs(950_000), SHA256: fileHash(3)}, now); !proof.Is(err, proof.TooLong) {
		t.Errorf("a note above the limit gives %v", err)
	}
	l.reopen(t, "fw")
	if got := len(l.Notes()); got != 2 {
		t.Errorf("%d notes", got)
	}
}
