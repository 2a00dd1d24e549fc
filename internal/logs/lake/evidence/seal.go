package evidence

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
)

// Pledge signs that a segment was written here.
func (k *Keeper) Pledge(_ context.Context, unit lake.Unit) ([]byte, error) {
	sum, err := sumOf(&unit)
	if err != nil {
		return nil, err
	}
	note, err := k.config.Pledge(sum, unit.At)
	return []byte(note), err
}

// Pledged says whether a pledge is that of a file with this SHA-256.
func (k *Keeper) Pledged(pledge []byte, sum proof.Hash) error {
	return k.config.Pledged(string(pledge), sum)
}

// Sealed appends the records of a segment to the trees of its sources and signs each; for a merged file it signs only,
// since its records are there. The notes of all sources are given one after another. What was signed for already gets the
// notes it has. Reasons of package proof: Unvouched for a file that nobody who has the key is known to have written,
// Another where the tree does not continue what was signed, Unfit where it holds what is not of this file.
func (k *Keeper) Sealed(ctx context.Context, unit lake.Unit, hashes func(string) ([]uint64, []proof.Hash, error)) ([]byte, error) {
	sum, err := sumOf(&unit)
	if err != nil {
		return nil, err
	}
	var notes bytes.Buffer
	for _, source := range unit.Sources {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		note, err := k.seal(&unit, source, sum, hashes)
		if err != nil {
			return nil, err
		}
		notes.WriteString(note)
	}
	return notes.Bytes(), nil
}

func (k *Keeper) seal(unit *lake.Unit, source segment.Source, sum proof.Hash, hashes func(string) ([]uint64, []proof.Hash, error)) (string, error) {
	log, err := k.Log(source.Name)
	if err != nil {
		return "", err
	}
	if unit.Named {
		if note, ok := log.NoteFor(sum); ok {
			return note, nil
		}
	}
	file := proof.File{SHA256: sum, Ranges: rangesOf(source.Ranges)}
	if unit.Level > 0 {
		file.Replaces, err = signedOf(log, unit, source.Name)
	} else {
		err = k.appendUnit(log, unit, source, sum, hashes)
	}
	if err != nil {
		return "", err
	}
	return log.Seal(file, unit.At)
}

// appendUnit appends the records of a segment to the tree of a source, once it is certain that it is the next one.
func (k *Keeper) appendUnit(
	log *proof.Log, unit *lake.Unit, source segment.Source, sum proof.Hash, hashes func(string) ([]uint64, []proof.Hash, error),
) error {
	if len(unit.Pledge) == 0 {
		return refuse(proof.Unvouched, "%s bears no signature, and nothing says that it was written here", unit.Name)
	}
	if err := k.Pledged(unit.Pledge, sum); err != nil {
		return err
	}
	n := len(source.Ranges)
	if n == 0 {
		return nil
	}
	last := source.Ranges[n-1].Last
	// What the tree has beyond what was signed came in a call before, for this file.
	signed, there := log.Signed(), log.Records()
	if there != signed && there != last {
		return refuse(proof.Unfit, "the tree of %s has %d records, %d of them signed; the file ends with %d", source.Name, there, signed, last)
	}
	if there >= last {
		return nil
	}
	if err := log.Agrees(); err != nil {
		return err
	}
	seqs, all, err := hashes(source.Name)
	if err != nil {
		return err
	}
	return k.appendRuns(log, unit, seqs, all)
}

// signedOf are the merged files that hold something of a source. Each was signed for: what was changed must not get a
// signature by being merged.
func signedOf(log *proof.Log, unit *lake.Unit, source string) (files []proof.Hash, err error) {
	if unit.Named {
		return nil, refuse(proof.Unvouched, "%s is merged and bears no signature", unit.Name)
	}
	for i := range unit.Replaces {
		r := &unit.Replaces[i]
		if !slices.ContainsFunc(r.Sources, func(s segment.Source) bool { return s.Name == source }) {
			continue
		}
		sum, err := sumOf(r)
		if err != nil {
			return nil, err
		}
		if _, ok := log.NoteFor(sum); !ok {
			return nil, refuse(proof.Unvouched, "%s, which is to be merged, is not the file that was signed", r.Name)
		}
		files = append(files, sum)
	}
	return files, nil
}

func refuse(reason proof.Reason, format string, args ...any) error {
	return &proof.Error{Reason: reason, Err: fmt.Errorf(format, args...)}
}

// Ready makes the proof of a source whole, so that it can be signed on: the tree has what was signed, and is that. Reasons
// of package proof say why it cannot be.
func (k *Keeper) Ready(ctx context.Context, l Records, source string) error {
	if err := k.Mend(ctx, l, source); err != nil {
		return err
	}
	log, err := k.Log(source)
	if err != nil {
		return err
	}
	if err := log.Agrees(); err == nil || !proof.Is(err, proof.Another) {
		return err
	}
	return k.Sound(ctx, l, source)
}

// Restore takes back the notes that a source lost and that copies beside its files, or its tombstones, still have.
func (k *Keeper) Restore(l *lake.Lake, source string) error {
	log, err := k.Log(source)
	if err != nil {
		return err
	}
	known := func(sum string) bool {
		h, err := sumOf(&lake.Unit{SHA256: sum})
		_, ok := log.NoteFor(h)
		return ok && err == nil
	}
	back := func(notes []byte) error {
		for _, note := range proof.SplitNotes(notes) {
			// A copy that is damaged is named by verification, and is no reason to stop.
			if proof.SourceOf(note) == source {
				if _, err := log.Restore(note); err != nil && !proof.IsRefusal(err) {
					return err
				}
			}
		}
		return nil
	}
	for _, t := range l.Tombstones() {
		for _, note := range t.Notes {
			if t.Source == source {
				if err := back([]byte(note)); err != nil {
					return err
				}
			}
		}
	}
	return l.Notes(source, known, back)
}
