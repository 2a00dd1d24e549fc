package lake

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/catalogue"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
)

// largestNote is the size of a note that is read.
const largestNote = proof.LargestNote

// pledge keeps beside a segment, before it has its name, the evidence's word that it was written here.
func (l *Lake) pledge(file *sealed) error {
	if l.config.Evidence == nil {
		return nil
	}
	unit := l.unitOf(file)
	unit.At = l.config.Clock()
	pledge, err := l.config.Evidence.Pledge(l.ctx, unit)
	if err != nil {
		return err
	}
	return disk.WriteFile(l.fs, file.pledgePath(), pledge)
}

// prove asks the evidence for the note of a segment and keeps it beside, after those of older segments that have none:
// notes come in the order of sealing. Tidy asks again for one that is missing.
func (l *Lake) prove(ctx context.Context, file *sealed) {
	if l.config.Evidence == nil {
		return
	}
	l.proving.Lock()
	defer l.proving.Unlock()
	for _, f := range l.live(func(f *sealed) bool {
		return !f.noted && f.ID < file.ID && f.Level == 0 && l.alarms["evidence "+f.Name] == ""
	}) {
		l.proveOne(ctx, f, true)
	}
	l.proveOne(ctx, file, false)
}

// proveOne makes the note of a file that has its name. old says that it was not sealed a moment ago: then what the
// catalogue says of its bytes is not enough. l.proving is held.
func (l *Lake) proveOne(ctx context.Context, file *sealed, old bool) {
	var err error
	if old {
		err = l.compareSum(file)
	}
	if err == nil {
		err = l.note(ctx, file, file.path, nil)
	}
	if err != nil {
		l.alarm("evidence", file.Name, err)
		return
	}
	l.clear("evidence", file.Name)
}

// compareSum says whether a file has the SHA-256 that the catalogue tells, which it gets where it tells none.
func (l *Lake) compareSum(file *sealed) error {
	f, err := l.fs.Open(file.path)
	if err != nil {
		return l.noteDamage(file, err)
	}
	sum, err := sumFile(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	switch known := l.sumOf(file); known {
	case sum:
	case "":
		l.learnSum(file, sum)
	default:
		return l.noteDamage(file, errSum)
	}
	return nil
}

// sumOf is the SHA-256 of a file as far as it is known.
func (l *Lake) sumOf(file *sealed) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return cmp.Or(file.SHA256, file.sum)
}

// learnSum keeps the sum of a file, also in the catalogue. What others read of the file stays as it is.
func (l *Lake) learnSum(file *sealed, sum string) {
	l.mu.Lock()
	file.sum = sum
	l.mu.Unlock()
	entry := *file.File
	entry.SHA256 = sum
	l.enter(catalogue.Entry{Add: &entry})
}

// sureSum is the SHA-256 of a file, computed where the catalogue was made anew.
func (l *Lake) sureSum(file *sealed) (string, error) {
	if sum := l.sumOf(file); sum != "" {
		return sum, nil
	}
	err := l.compareSum(file)
	return l.sumOf(file), err
}

// asSigned says whether the inputs of a merge have the bytes that they had when they were sealed: what is made of them is
// signed anew, and they go.
func (l *Lake) asSigned(inputs []*sealed) error {
	for _, f := range inputs {
		if err := l.compareSum(f); err != nil {
			return err
		}
	}
	return nil
}

// note gets and writes the note of a file that can be read at path, which may be its unfinished name.
func (l *Lake) note(ctx context.Context, file *sealed, path string, replaces []Unit) error {
	f, err := l.fs.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	reader, err := segment.Open(f, sizeOn(f), &segment.Known{Size: file.Size, Footer: file.Footer})
	if err != nil {
		return err
	}
	unit := l.unitOf(file)
	unit.Replaces, unit.At, unit.Named = replaces, l.config.Clock(), path == file.path
	unit.Lost = func(source string, part segment.Range) error { return l.lost(file.ID, source, part) }
	if file.Level == 0 {
		unit.Pledge, err = disk.ReadFile(l.fs, file.pledgePath(), largestNote)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	note, err := l.config.Evidence.Sealed(ctx, unit, func(source string) ([]uint64, []proof.Hash, error) {
		return hashesOf(reader, source)
	})
	if err != nil {
		return err
	}
	if len(note) > largestNote { // of many sources together; it could not be read again
		return fmt.Errorf("note of %s: %w", file.Name, disk.ErrTooLarge)
	}
	if err := disk.WriteFile(l.fs, file.notePath(), note); err != nil {
		return err
	}
	l.mu.Lock()
	file.noted = true
	l.mu.Unlock()
	return l.fs.Remove(file.pledgePath()) // the note says more
}

// Notes calls each for what stands beside the live files with records of a source, except those whose SHA-256, in hex, is
// known: the copies of what was signed for them.
func (l *Lake) Notes(source string, known func(sum string) bool, each func(note []byte) error) error {
	for _, f := range l.live(func(f *sealed) bool { return f.noted && holdsOneOf(f.File, []string{source}) && !known(f.SHA256) }) {
		note, err := disk.ReadFile(l.fs, f.notePath(), largestNote)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = each(note)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sumFile is the SHA-256 of a file in hex.
func sumFile(f disk.File) (string, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// unitOf is a file as the evidence is given it.
func (l *Lake) unitOf(f *sealed) Unit {
	return Unit{Name: f.Name, ID: f.ID, Level: f.Level, SHA256: l.sumOf(f), Sources: f.Sources}
}

// hashesOf gives the record hashes of one source in a file, in the order of their sequence numbers.
func hashesOf(r *segment.Reader, source string) ([]uint64, []proof.Hash, error) {
	type pair struct {
		seq  uint64
		hash proof.Hash
	}
	var pairs []pair
	var hasher proof.Hasher
	for i := range r.Meta.Blocks {
		if s := r.Meta.Blocks[i].Source; s != "" && s != source {
			continue
		}
		b, err := evidenceOf(r, i)
		if err != nil {
			return nil, nil, err
		}
		for row := range b.Rows() {
			if b.Value(table.Source, row) == source {
				pairs = append(pairs, pair{b.Seqs[row], hasher.Sum(source, b.Seqs[row], b.Times[row], b.Received[row],
					event.Format(b.Value(table.Format, row)), b.Raw(row))})
			}
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Compare(a.seq, b.seq) })
	seqs, hashes := make([]uint64, len(pairs)), make([]proof.Hash, len(pairs))
	for i, p := range pairs {
		seqs[i], hashes[i] = p.seq, p.hash
	}
	return seqs, hashes, nil
}

// evidenceOf reads what a record hash covers of a block.
func evidenceOf(r *segment.Reader, block int) (*table.Block, error) {
	b := &table.Block{Stat: r.Meta.Blocks[block].Stat(), Cols: make([]*table.Column, table.Columns)}
	var err error
	for _, place := range []int{table.Source, table.Format} {
		if b.Cols[place], err = r.Column(block, place); err != nil {
			return nil, err
		}
	}
	if b.Seqs, err = r.Seqs(block); err != nil {
		return nil, err
	}
	if b.Times, err = r.Times(block); err != nil {
		return nil, err
	}
	if b.Received, err = r.Received(block); err != nil {
		return nil, err
	}
	b.Text, b.Ends, err = r.Messages(block)
	return b, err
}
