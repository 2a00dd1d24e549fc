package lake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
)

// signDeletion asks the evidence to sign for a file that goes.
func (l *Lake) signDeletion(ctx context.Context, f *sealed, d Deletion, now time.Time) ([]byte, error) {
	l.proving.Lock()
	defer l.proving.Unlock()
	if _, err := l.sureSum(f); err != nil {
		return nil, err
	}
	unit := l.unitOf(f)
	unit.At = now
	known := map[uint64]map[uint64]proof.Hash{} // of the files that were asked
	return l.config.Evidence.Deleted(ctx, unit, d.Who, d.Why, func(seq uint64) (proof.Hash, error) {
		return l.hashOf(f.Sources[0].Name, seq, known)
	})
}

// hashOf gives the hash of one sealed record; known keeps the hashes of the files that were read for it.
func (l *Lake) hashOf(source string, seq uint64, known map[uint64]map[uint64]proof.Hash) (h proof.Hash, err error) {
	f := l.fileWith(source, seq)
	if f == nil {
		r, err := l.hotRecord(source, seq)
		if err != nil {
			return h, err
		}
		var hasher proof.Hasher
		return hasher.Record(&r), nil
	}
	defer func() { err = errors.Join(err, l.unuse(f)) }()
	if known[f.ID] == nil {
		seqs, hashes, err := l.hashesIn(f, source)
		if err != nil {
			return h, err
		}
		known[f.ID] = make(map[uint64]proof.Hash, len(seqs))
		for i, s := range seqs {
			known[f.ID][s] = hashes[i]
		}
	}
	h, ok := known[f.ID][seq]
	if !ok {
		return h, refuse(Unknown, fmt.Errorf("%s %d", source, seq))
	}
	return h, nil
}

// fileWith gives the live file that holds a record, used until unuse; nil: none does.
func (l *Lake) fileWith(source string, seq uint64) *sealed {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.files {
		for i := range f.Sources {
			if f.Sources[i].Name == source && overlap(f.Sources[i].Ranges, segment.Range{First: seq, Last: seq}) > 0 {
				f.refs++
				return f
			}
		}
	}
	return nil
}

// unuse ends the use of a file, and removes it when it went meanwhile.
func (l *Lake) unuse(f *sealed) error {
	l.mu.Lock()
	f.refs--
	gone := f.dead && f.refs == 0
	l.mu.Unlock()
	if gone {
		return l.removeFile(f)
	}
	return nil
}

// hashesIn gives the record hashes of a source in a file.
func (l *Lake) hashesIn(f *sealed, source string) ([]uint64, []proof.Hash, error) {
	o, err := l.cache.open(l.fs, f)
	if err != nil {
		return nil, nil, l.noteDamage(f, err)
	}
	seqs, hashes, err := hashesOf(o.reader, source)
	if err != nil {
		err = l.noteDamage(f, err)
	}
	return seqs, hashes, errors.Join(err, l.cache.release(o))
}

// Record gives one record, without native keys that have no column. Reason Unknown: it is not there.
func (l *Lake) Record(source string, seq uint64) (rec event.Record, err error) {
	f := l.fileWith(source, seq)
	if f == nil {
		return l.hotRecord(source, seq)
	}
	defer func() { err = errors.Join(err, l.unuse(f)) }()
	o, err := l.cache.open(l.fs, f)
	if err != nil {
		return rec, l.noteDamage(f, err)
	}
	defer func() { err = errors.Join(err, l.cache.release(o)) }()
	for i := range f.Blocks {
		if s := f.Blocks[i].Source; s != "" && s != source {
			continue
		}
		seqs, err := o.reader.Seqs(i)
		if err != nil {
			return rec, l.noteDamage(f, err)
		}
		if !slices.Contains(seqs, seq) {
			continue
		}
		b, err := o.reader.Block(i)
		if err != nil {
			return rec, l.noteDamage(f, err)
		}
		for row := range b.Rows() {
			if b.Seqs[row] == seq && b.Value(table.Source, row) == source {
				return b.Record(row), nil
			}
		}
	}
	return rec, refuse(Unknown, fmt.Errorf("%s %d", source, seq))
}

// hotRecord gives a record that is not sealed.
func (l *Lake) hotRecord(source string, seq uint64) (event.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range append(slices.Clone(l.sealing), l.hot) {
		if h == nil {
			continue
		}
		v := h.view()
		for row, s := range v.Seqs {
			if s == seq && v.Source(row) == source {
				return v.Record(row), nil
			}
		}
	}
	return event.Record{}, refuse(Unknown, fmt.Errorf("%s %d", source, seq))
}

// run is what is left of the hashes of a file.
type run struct {
	seqs   []uint64
	hashes []proof.Hash
}

// Hashes calls each for the hash of every sealed record of a source in ascending sequence, the same number twice when
// two files hold it. Files that cannot be read are passed over and returned by name.
func (l *Lake) Hashes(ctx context.Context, source string, each func(seq uint64, hash proof.Hash) error) (bad map[string]error, err error) {
	bad = map[string]error{}
	files, firsts := l.using(source)
	defer func() {
		for _, f := range files {
			err = errors.Join(err, l.unuse(f))
		}
	}()
	var active []*run
	for next := 0; ; {
		if err := ctx.Err(); err != nil {
			return bad, err
		}
		least := leastRun(active)
		for next < len(files) && (least == nil || firsts[next] <= least.seqs[0]) {
			seqs, hashes, err := l.hashesIn(files[next], source)
			if err != nil {
				bad[files[next].Name] = err
			} else if len(seqs) > 0 {
				active = append(active, &run{seqs, hashes})
			}
			next++
			least = leastRun(active)
		}
		if least == nil {
			return bad, nil
		}
		// Up to where the next file begins, or another run goes on, this one is alone.
		for {
			if err := each(least.seqs[0], least.hashes[0]); err != nil {
				return bad, err
			}
			least.seqs, least.hashes = least.seqs[1:], least.hashes[1:]
			if len(least.seqs) == 0 || len(active) > 1 || next < len(files) && firsts[next] <= least.seqs[0] {
				break
			}
		}
		active = slices.DeleteFunc(active, func(r *run) bool { return len(r.seqs) == 0 })
	}
}

func leastRun(active []*run) *run {
	var least *run
	for _, r := range active {
		if least == nil || r.seqs[0] < least.seqs[0] {
			least = r
		}
	}
	return least
}

// using lists the files that hold records of a source, by their first number, used until unuse.
func (l *Lake) using(source string) (files []*sealed, firsts []uint64) {
	first := func(f *sealed) uint64 {
		for i := range f.Sources {
			if s := &f.Sources[i]; s.Name == source && len(s.Ranges) > 0 {
				return s.Ranges[0].First
			}
		}
		return 0
	}
	files = l.live(func(f *sealed) bool {
		if first(f) == 0 {
			return false
		}
		f.refs++
		return true
	})
	slices.SortStableFunc(files, func(a, b *sealed) int { return int(int64(first(a)) - int64(first(b))) })
	for _, f := range files {
		firsts = append(firsts, first(f))
	}
	return files, firsts
}

// HashesNear gives a function that gives hashes of single records of a source, for proofs: it keeps what it read.
func (l *Lake) HashesNear(source string) func(seq uint64) (proof.Hash, error) {
	known := map[uint64]map[uint64]proof.Hash{}
	return func(seq uint64) (proof.Hash, error) { return l.hashOf(source, seq, known) }
}
