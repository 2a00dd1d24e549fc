package proof_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// record is a made-up record.
func record(source string, seq uint64) *event.Record {
	return &event.Record{
		Source: source, Seq: seq, Time: now.Add(time.Duration(seq) * time.Millisecond), Received: now.Add(time.Duration(seq) * time.Second),
		Format: event.Raw, Raw: fmt.Appendf(nil, "line %d of %s", seq, source),
	}
}

// known are the hashes of the first records of source fw, which many tests go over many times.
var known = sync.OnceValue(func() []proof.Hash {
	var h proof.Hasher
	all := make([]proof.Hash, 6000)
	for seq := range all {
		all[seq] = h.Record(record("fw", uint64(seq)))
	}
	return all
})

func recordHash(source string, seq uint64) proof.Hash {
	if all := known(); source == "fw" && seq < uint64(len(all)) {
		return all[seq]
	}
	var h proof.Hasher
	return h.Record(record(source, seq))
}

// lake is a log with the files that were sealed into it.
type lake struct {
	*proof.Log
	config proof.Config
	public string
}

func newLake(t testing.TB, source string, ends ...uint64) *lake {
	t.Helper()
	signer, verifier, public := key(t)
	config := proof.Config{Dir: t.TempDir(), Lake: "office", Signer: signer, Keys: []proof.Verifier{verifier}}
	l := &lake{config: config, public: public}
	l.reopen(t, source)
	for _, end := range ends {
		l.seal(t, end)
	}
	return l
}

func (l *lake) reopen(t testing.TB, source string) {
	t.Helper()
	if l.Log != nil {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	log, err := proof.OpenLog(l.config, source)
	if err != nil {
		t.Fatal(err)
	}
	l.Log = log
	t.Cleanup(func() { _ = log.Close() })
}

// fileHash is the made-up hash of the file that ends with a record.
func fileHash(end uint64) proof.Hash { return hashOf(1<<40 | end) }

// seal appends records up to end and signs for a file of them.
func (l *lake) seal(t testing.TB, end uint64) {
	t.Helper()
	first := l.Records() + 1
	var all []proof.Hash
	for seq := first; seq <= end; seq++ {
		all = append(all, recordHash(l.Source(), seq))
	}
	if err := l.Append(first, all); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Seal(proof.File{Ranges: []proof.Range{{First: first, Last: end}}, SHA256: fileHash(end)}, now); err != nil {
		t.Fatal(err)
	}
}

// bury deletes the file from first to end.
func (l *lake) bury(t *testing.T, first, end uint64) {
	t.Helper()
	if _, err := l.Bury(proof.Burial{
		Ranges: []proof.Range{{First: first, Last: end}}, SHA256: fileHash(end), Reason: "保存期間の満了", By: "kizuki",
		Hash: func(seq uint64) (proof.Hash, error) {
			if seq < first || seq > end {
				return proof.Hash{}, fmt.Errorf("record %d is of another file", seq)
			}
			return recordHash(l.Source(), seq), nil
		},
	}, now); err != nil {
		t.Fatal(err)
	}
}

// audit runs over records 1 to end; change may leave some out or give other hashes, one or more for each.
func (l *lake) audit(t *testing.T, end uint64, change func(seq uint64, h proof.Hash) []proof.Hash) *proof.Report {
	t.Helper()
	a := l.Audit()
	for seq := uint64(1); seq <= end; seq++ {
		given := []proof.Hash{recordHash(l.Source(), seq)}
		if change != nil {
			given = change(seq, given[0])
		}
		for _, h := range given {
			if err := a.Add(seq, h); err != nil {
				t.Fatal(err)
			}
		}
	}
	r, err := a.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAuditGood(t *testing.T) {
	t.Parallel()
	l := newLake(t, "fw-01", 100, 256, 300, 1000, 1024, 5000, 5001)
	for range 2 {
		r := l.audit(t, 5010, nil)
		if !r.Good() || r.Records != 5010 || r.Leaves != 19 || r.Checkpoints != 7 || r.Signed != 5001 || r.Unsigned != 9 {
			t.Fatalf("report of a good log: %+v", r)
		}
		l.reopen(t, "fw-01")
	}
	if r := newLake(t, "empty").audit(t, 0, nil); !r.Good() {
		t.Errorf("report of an empty log: %+v", r)
	}
}

func TestAuditNamesEachChangedLeaf(t *testing.T) {
	t.Parallel()
	l := newLake(t, "fw", 300, 1000, 5000)
	for seq := uint64(1); seq <= 5000; seq += 127 {
		r := l.audit(t, 5000, func(s uint64, h proof.Hash) []proof.Hash {
			if s == seq {
				h[7] ^= 1
			}
			return []proof.Hash{h}
		})
		f := r.First()
		if f == nil || f.Cause != proof.InRecords || f.Records.First > seq || seq > f.Records.Last || f.Records.Last-f.Records.First > 255 {
			t.Fatalf("record %d changed: %+v", seq, r)
		}
	}
}

func TestAuditMissingAndDoubled(t *testing.T) {
	t.Parallel()
	l := newLake(t, "fw", 300, 1000, 5000)
	r := l.audit(t, 5100, func(s uint64, h proof.Hash) []proof.Hash {
		switch {
		case s == 1, s == 4999, s == 5050, s >= 200 && s <= 800:
			return nil
		case s == 1500, s == 1501, s == 5060:
			return []proof.Hash{h, h}
		}
		return []proof.Hash{h}
	})
	missing := []proof.Range{{First: 1, Last: 1}, {First: 200, Last: 800}, {First: 4999, Last: 4999}, {First: 5050, Last: 5050}}
	doubled := []proof.Range{{First: 1500, Last: 1501}, {First: 5060, Last: 5060}}
	if r.Good() || !slices.Equal(r.Missing, missing) || !slices.Equal(r.Doubled, doubled) || len(r.Faults) != 0 {
		t.Errorf("report: %+v", r)
	}
	if r := l.audit(t, 4000, nil); !slices.Equal(r.Missing, []proof.Range{{First: 4001, Last: 5000}}) {
		t.Errorf("a cut end is reported as %+v", r)
	}
}

func TestAuditDeleted(t *testing.T) {
	t.Parallel()
	l := newLake(t, "fw", 300, 310, 1000, 5000)
	l.bury(t, 1, 300)
	l.bury(t, 311, 1000)
	l.reopen(t, "fw")
	gone := func(s uint64) bool { return s <= 300 || s > 310 && s <= 1000 }
	r := l.audit(t, 5000, func(s uint64, h proof.Hash) []proof.Hash {
		if gone(s) {
			return nil
		}
		return []proof.Hash{h}
	})
	// Leaves 0 and 2 are gone whole; 1 has records 301 to 310 left, 3 has 1001 to 1024: their kept hashes make them whole.
	if !r.Good() || !slices.Equal(r.Deleted, []proof.Range{{First: 1, Last: 300}, {First: 311, Last: 1000}}) || r.Leaves != 17 {
		t.Errorf("report: %+v", r)
	}
	r = l.audit(t, 5000, func(s uint64, h proof.Hash) []proof.Hash {
		if gone(s) {
			return nil
		}
		if s == 305 {
			h[0] ^= 1
		}
		return []proof.Hash{h}
	})
	if f := r.First(); f == nil || f.Leaf != 1 || f.Cause != proof.InRecords {
		t.Errorf("a changed record beside deleted ones: %+v", r)
	}
	p, err := l.Prove(record("fw", 305), func(seq uint64) (proof.Hash, error) {
		if gone(seq) {
			return proof.Hash{}, fmt.Errorf("record %d is gone", seq)
		}
		return recordHash("fw", seq), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Check(l.config.Keys...); err != nil {
		t.Error(err)
	}
}

// Every bit-flip in the file of hashes is told apart from one in the records.
func TestAuditTreeFile(t *testing.T) {
	t.Parallel()
	l := newLake(t, "fw", 300, 1000, 5000)
	path := filepath.Join(l.config.Dir, "fw", "tree")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 16; at < len(good); at += 32 {
		bad := slices.Clone(good)
		bad[at+at%31] ^= 0x40
		write(t, path, bad)
		l.reopen(t, "fw")
		r := l.audit(t, 5000, nil)
		if r.Good() || len(r.Missing)+len(r.Doubled) != 0 {
			t.Fatalf("byte %d flipped: %+v", at, r)
		}
		if f := r.First(); f != nil && f.Cause != proof.InTree {
			t.Fatalf("byte %d flipped: cause is %s", at, f.Cause)
		}
	}
	// A tree that is gone begins anew from the records.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	l.reopen(t, "fw")
	if !l.Behind() || l.Records() != 0 {
		t.Fatal("a lost tree is not noticed")
	}
	if r := l.audit(t, 5000, nil); !r.Short || len(r.Faults) != 0 {
		t.Errorf("without the tree: %+v", r)
	}
	var all []proof.Hash
	for seq := uint64(1); seq <= 5000; seq++ {
		all = append(all, recordHash("fw", seq))
	}
	if err := l.Append(1, all); err != nil {
		t.Fatal(err)
	}
	if r := l.audit(t, 5000, nil); l.Behind() || !r.Good() {
		t.Errorf("rebuilt: %+v", r)
	}
}

// Somebody who changes a record and computes the tree again, but cannot sign, is caught by the root.
func TestAuditTreeMadeAnew(t *testing.T) {
	t.Parallel()
	l := newLake(t, "fw", 1000, 3000, 5000)
	forged := func(s uint64, h proof.Hash) []proof.Hash {
		if s == 2000 {
			h[0] ^= 1
		}
		return []proof.Hash{h}
	}
	tree, err := proof.RebuildTree(filepath.Join(l.config.Dir, "fw"))
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(1); seq <= 5000; seq++ {
		if err := tree.Append(seq, forged(seq, recordHash("fw", seq))); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, tree)
	if err := tree.Close(); err != nil {
		t.Fatal(err)
	}
	l.reopen(t, "fw")
	r := l.audit(t, 5000, forged)
	// Proved up to leaf 2 by the checkpoint of 1000 records, which has 3 full leaves; 3000 records have 11.
	if f := r.First(); f == nil || !f.Root || f.Records != (proof.Range{First: 3*256 + 1, Last: 11 * 256}) {
		t.Errorf("report: %+v", r)
	}
}

func TestSealAgainAndMerged(t *testing.T) {
	t.Parallel()
	l := newLake(t, "fw", 300, 1000)
	file := proof.File{Ranges: []proof.Range{{First: 301, Last: 1000}}, SHA256: fileHash(1000)}
	again, err := l.Seal(file, now.Add(time.Hour))
	if notes := l.Notes(); err != nil || len(notes) != 2 || again != notes[1] {
		t.Fatalf("sealing again made another note: %v", err)
	}
	merged := proof.File{
		Ranges: []proof.Range{{First: 1, Last: 1000}}, SHA256: fileHash(9), Replaces: []proof.Hash{fileHash(300), fileHash(1000)},
	}
	signed, err := l.Seal(merged, now)
	if err != nil {
		t.Fatal(err)
	}
	c, err := proof.OpenCheckpoint(signed, l.config.Keys...)
	if err != nil || len(c.Replaces) != 2 || c.Replaces[0].Leaves != 1 || c.Replaces[0].File != fileHash(300) ||
		c.Replaces[0].Root != l.Checkpoints()[0].Root {
		t.Errorf("the note of a merged file says %+v (%v)", c, err)
	}
	merged.Replaces = []proof.Hash{fileHash(77)}
	if _, err := l.Seal(merged, now); !proof.Is(err, proof.Unfit) {
		t.Errorf("replacing an unknown file gives %v", err)
	}
	if r := l.audit(t, 1000, nil); !r.Good() || r.Checkpoints != 3 {
		t.Errorf("report: %+v", r)
	}
}

// The file of notes, cut anywhere, gives its whole notes; changed anywhere, it is refused or cut, never believed.
func TestNotesTornAndFlipped(t *testing.T) {
	t.Parallel()
	l := newLake(t, "fw", 300, 1000, 1100)
	l.bury(t, 1, 300)
	path := filepath.Join(l.config.Dir, "fw", "notes")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := l.Notes()
	for at := range good {
		if at%7 != 0 && at < len(good)-5 {
			continue // each takes signatures to check
		}
		if at%2 == 0 {
			write(t, path, good[:at])
			l.reopen(t, "fw")
			if got := l.Notes(); !slices.Equal(got, all[:len(got)]) {
				t.Fatalf("cut at %d: other notes", at)
			}
		}
		bad := slices.Clone(good)
		bad[at] ^= 1 << (at % 8)
		write(t, path, bad)
		log, err := proof.OpenLog(l.config, "fw")
		if err != nil {
			continue // refused
		}
		if got := log.Notes(); len(got) != 3 || !slices.Equal(got, all[:3]) {
			t.Fatalf("byte %d flipped: %d notes", at, len(got))
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
	}
	write(t, path, good)
	l.reopen(t, "fw")
	if got := l.Notes(); !slices.Equal(got, all) {
		t.Error("the notes are not those that were written")
	}
}

func TestNamesOfSources(t *testing.T) {
	t.Parallel()
	signer, verifier, _ := key(t)
	c := proof.Config{Dir: t.TempDir(), Lake: "office", Signer: signer, Keys: []proof.Verifier{verifier}}
	names := []string{"fw-01", "FW-01", "con", "com1.x", "..", ".", "a/b", "工場", "nul", "a%2Fb", "trailing."}
	for _, name := range names {
		l, err := proof.OpenLog(c, name)
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if err := l.Append(1, hashes(1, 3)); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Seal(proof.File{Ranges: []proof.Range{{First: 1, Last: 3}}}, now); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(c.Dir, "lost+found"), nil)
	got, err := proof.Sources(c.Dir)
	slices.Sort(names)
	slices.Sort(got)
	if err != nil || !slices.Equal(got, names) {
		t.Errorf("sources are %q (%v), want %q", got, err, names)
	}
	for _, name := range []string{"", "a b", "a+b", "a\nb", "\xff", string(make([]byte, 300))} {
		if _, err := proof.OpenLog(c, name); !proof.Is(err, proof.BadSource) {
			t.Errorf("%q gives %v", name, err)
		}
	}
}

func TestInclusion(t *testing.T) {
	t.Parallel()
	l := newLake(t, "fw", 100, 300, 1000, 5000)
	hash := func(seq uint64) (proof.Hash, error) { return recordHash("fw", seq), nil }
	for _, seq := range []uint64{1, 2, 100, 255, 256, 257, 300, 1000, 1024, 4864, 4865, 4999, 5000} {
		p, err := l.Prove(record("fw", seq), hash)
		if err != nil {
			t.Fatalf("record %d: %v", seq, err)
		}
		c, err := p.Check(l.config.Keys...)
		if err != nil || c.Records() < seq {
			t.Fatalf("record %d: %v", seq, err)
		}
		p.Record.Raw = append(p.Record.Raw, '!')
		if _, err := p.Check(l.config.Keys...); !proof.Is(err, proof.Unfit) {
			t.Fatalf("record %d changed: %v", seq, err)
		}
	}
	if _, err := l.Prove(record("fw", 5001), hash); !proof.Is(err, proof.NotCovered) {
		t.Errorf("a record that is not signed gives %v", err)
	}
	wrong := record("fw", 300)
	wrong.Raw = []byte("something else")
	if _, err := l.Prove(wrong, hash); !proof.Is(err, proof.Unfit) {
		t.Errorf("a changed record gives %v", err)
	}
}

func BenchmarkRecords(b *testing.B) {
	tree, err := proof.OpenTree(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = tree.Close() }()
	var h proof.Hasher
	raw := make([]byte, 420)
	b.SetBytes(int64(len(raw)))
	one := make([]proof.Hash, 1)
	for seq := uint64(1); b.Loop(); seq++ {
		binary.BigEndian.PutUint64(raw, seq)
		one[0] = h.Sum("firewall", seq, 1, 2, event.Raw, raw)
		if err := tree.Append(seq, one); err != nil {
			b.Fatal(err)
		}
	}
	if err := tree.Commit(); err != nil {
		b.Fatal(err)
	}
}

// A proof that somebody made on purpose is refused, unless it says of the record what was signed: then all that its hash
// covers is as it was.
func FuzzInclusion(f *testing.F) {
	var signed []string // else nothing comes behind the signature
	var keys []proof.Verifier
	for _, ends := range [][]uint64{{3}, {258}, {600}} {
		l := newLake(f, "fw", ends...)
		for _, seq := range []uint64{1, ends[0]} {
			p, err := l.Prove(record("fw", seq), func(seq uint64) (proof.Hash, error) { return recordHash("fw", seq), nil })
			if err != nil {
				f.Fatal(err)
			}
			data, err := json.Marshal(p)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data, uint8(len(keys)))
			signed = append(signed, p.Checkpoint)
		}
		keys = append(keys, l.config.Keys...)
	}
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		var p proof.Inclusion
		if json.Unmarshal(data, &p) != nil {
			return
		}
		p.Checkpoint = signed[int(which)%len(signed)]
		c, err := p.Check(keys...)
		if err != nil {
			return
		}
		var h proof.Hasher
		r := &p.Record
		if r.Source != "fw" || r.Seq > c.Records() || h.Sum(r.Source, r.Seq, r.Time, r.Received, r.Format, r.Raw) != recordHash("fw", r.Seq) {
			t.Errorf("taken: %+v", r)
		}
		out, err := p.JSON()
		var again proof.Inclusion
		if err != nil || json.Unmarshal(out, &again) != nil {
			t.Fatalf("not written: %v", err)
		}
		if _, err := again.Check(keys...); err != nil {
			t.Errorf("written and refused: %v", err)
		}
	})
}
