package lake

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
)

// largestNote is the size of a note that is read.
const largestNote = proof.LargestNote

// prove asks the evidence for the note of a segment and keeps it beside. Tidy asks again for one that is missing.
func (l *Lake) prove(ctx context.Context, file *sealed) {
	if l.config.Evidence == nil {
		return
	}
	l.proving.Lock()
	defer l.proving.Unlock()
	if err := l.note(ctx, file, file.path, nil); err != nil {
		l.alarm("evidence", file.Name, err)
		return
	}
	l.clear("evidence", file.Name)
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
	if file.SHA256 == "" {
		if file.SHA256, err = sumFile(f); err != nil {
			return err
		}
	}
	unit := unitOf(file)
	unit.Replaces, unit.At = replaces, l.config.Clock()
	unit.Lost = func(source string, part segment.Range) error { return l.lost(file.ID, source, part) }
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

func unitOf(f *sealed) Unit {
	return Unit{Name: f.Name, ID: f.ID, Level: f.Level, SHA256: f.SHA256, Sources: f.Sources}
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
