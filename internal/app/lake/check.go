package lake

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	store "github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//nolint:revive // names of internal/logs/lake/proof, explained there
type (
	Fault  = proof.Fault
	Proved = proof.IncludedRecord
	Range  = proof.Range
)

// Damage is a file, or a part of one, that is not as it was written.
type Damage struct {
	Reason string `json:"reason"` // stable code: damaged, missing, wal, tombstone, holds, unsigned, note_lost, note_copy …
	File   string `json:"file"`   // below the lake; "": none to name
	Detail string `json:"detail"`
}

// SourceCheck is what was found of one source.
type SourceCheck struct {
	proof.Report

	Unread []string // files that cannot be read: their records count as missing
	Failed error    // the proof itself cannot be opened or read; then Report tells nothing
	// Foreign says that the key that was given from outside signed nothing of the source, or not all: another one did.
	Foreign bool
	// Forgotten was signed, as somebody outside the lake remembers, and is not there; nil: nothing is.
	Forgotten *State
}

// Good says that the source is as it was signed.
func (s *SourceCheck) Good() bool {
	return s.Failed == nil && !s.Foreign && s.Forgotten == nil && len(s.Unread) == 0 && s.Report.Good()
}

// Check is what Verify found.
type Check struct {
	At      time.Time
	Files   int // sealed files that were read whole
	Damages []Damage
	Pending []Damage // sealed and not signed yet, since it was stopped; the next that writes signs them
	Notes   []Damage // what can be made again without loss: sidecars, the catalogue
	Sources []SourceCheck
	Hot     int    // lines that are not sealed yet: nothing is signed for them
	Key     string // the key that was given from outside; "": the lake's own were used
	// Recalled is the number of sources that were compared with what is remembered outside the lake.
	Recalled int
	Kept     int // how many of VerifyOptions.Kept's notes are in the lake
}

// VerifyOptions of Verify.
type VerifyOptions struct {
	Key      string                // verifier key, from paper or another machine; "": the lake's own keys
	Progress func(done, total int) // lines read, of those to read; each is read twice. May be nil
	// Remembered is what was read outside the lake, before the lake was opened; nil: nobody remembers anything.
	Remembered *Remembered
	Kept       []Kept // what somebody kept outside
}

// Good says that all is as it was signed.
func (c *Check) Good() bool {
	return len(c.Damages) == 0 && !slices.ContainsFunc(c.Sources, func(s SourceCheck) bool { return !s.Good() })
}

// derived are alarms about files that are made again from others.
var derived = map[string]bool{"sidecar": true, "catalogue": true, "tidy": true, "merge": true, "seal": true, "append": true, "remove": true, "close": true}

// Verify reads every sealed file whole and compares the records of every source with what was signed. Another process may
// write meanwhile: what it seals is checked or not. Problem key: app.lake.key (invalid).
func (l *Reader) Verify(ctx context.Context, o VerifyOptions) (*Check, error) {
	first := l.Stats()
	c := &Check{At: l.config.Now(), Files: first.Files, Hot: first.HotRows, Key: o.Key}
	if o.Key != "" {
		if _, err := l.witness.reading(o.Key); err != nil {
			return nil, err
		}
	}
	done, total := 0, 2*first.SealedRows
	step := func(rows int) {
		if done += rows; o.Progress != nil {
			o.Progress(done, max(total, done))
		}
	}
	files, err := l.readFiles(ctx, c, step)
	if err != nil {
		return nil, err
	}
	kept, bad, err := l.readKept(o.Kept, o.Key)
	if err != nil {
		return nil, err
	}
	remembered := o.Remembered.with(kept)
	sources, err := l.sources(remembered)
	if err != nil {
		return nil, err
	}
	for _, source := range sources {
		one, err := l.verifySource(ctx, source, o.Key, step)
		if err != nil {
			return nil, err
		}
		c.Sources = append(c.Sources, one)
	}
	damages, pending := l.cover(files, o.Key)
	c.Damages, c.Pending = slices.Concat(c.Damages, damages, bad), pending
	c.Notes = append(c.Notes, l.sidecars(files, c.Notes)...)
	if remembered != nil {
		err = l.recall(c, remembered, o.Key)
	}
	return c, err
}

// readFiles reads every sealed file whole, and gives those that are as they were written: what they lack is told by cover.
func (l *Reader) readFiles(ctx context.Context, c *Check, step func(rows int)) (files []looked, err error) {
	bad := map[string]error{}
	err = l.shelf.CheckEach(ctx, func(f *store.Checked) {
		if f.Err != nil {
			bad[f.Name] = f.Err
		} else {
			files = append(files, look(f))
		}
		step(f.Rows())
	})
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		c.Damages = append(c.Damages, Damage{"damaged", name, bad[name].Error()})
	}
	for _, a := range l.shelf.Stats().Alarms {
		d := Damage{a.Reason, a.Place, a.Detail}
		switch {
		case a.Reason == "evidence": // cover says what is signed and what is not
		case derived[a.Reason]:
			c.Notes = append(c.Notes, d)
		case bad[a.Place] == nil:
			c.Damages = append(c.Damages, d)
		}
	}
	return files, nil
}

// sidecars names the live files whose sidecar does not help, except those that are named already.
func (l *Reader) sidecars(files []looked, told []Damage) (notes []Damage) {
	live := map[string]bool{}
	for _, f := range l.shelf.Files() {
		live[f.Name] = true
	}
	for _, d := range told {
		delete(live, d.File)
	}
	for i := range files {
		if f := &files[i]; f.sidecar != nil && live[f.name] {
			notes = append(notes, Damage{"sidecar", f.name, f.sidecar.Error()})
		}
	}
	return notes
}

// sources are those of the lake, those with a proof, and those that somebody remembers.
func (l *Reader) sources(r *Remembered) ([]string, error) {
	all, err := proof.Sources(l.witness.proofs())
	if err != nil {
		return nil, err
	}
	for _, s := range l.Stats().Sources {
		all = append(all, s.Name)
	}
	if r != nil {
		for _, s := range r.States {
			all = append(all, s.Source)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// verifySource audits one source, again when lines were deleted meanwhile: what was signed and what is there must be of one
// moment. The error is that of the context or of looking; all else is part of what was found.
func (l *Reader) verifySource(ctx context.Context, source, key string, step func(rows int)) (found SourceCheck, err error) {
	for try := 1; ; try++ {
		if err := l.Refresh(); err != nil {
			return found, err
		}
		deleted := len(l.Tombstones())
		found = l.audit(ctx, source, key, step)
		if ctx.Err() != nil {
			return found, ctx.Err()
		}
		if deleted == len(l.Tombstones()) || try == mostTries {
			return found, nil
		}
	}
}

// audit is one try of verifySource. What was signed is read before the list of files: so the files hold all of it.
func (l *Reader) audit(ctx context.Context, source, key string, step func(rows int)) SourceCheck {
	found := SourceCheck{Report: proof.Report{Source: source}}
	fail := func(err error) SourceCheck {
		found.Failed = err
		found.Foreign = key != "" && proof.Is(err, proof.NotSigned)
		return found
	}
	keeper, err := l.witness.reading(key)
	if err != nil {
		return fail(err)
	}
	defer func() { _ = keeper.Close() }() // nothing was written
	// A damaged tree is made again from the records, in memory, and what was signed judges both.
	if err := keeper.Mend(ctx, l.shelf, source); err != nil {
		return fail(err)
	}
	if err := l.Refresh(); err != nil {
		return fail(err)
	}
	report, bad, err := keeper.Verify(ctx, l.shelf, source, func() { step(1) })
	if report != nil {
		found.Report = *report
		found.Foreign = key != "" && report.Records > 0 && report.Signed == 0
	}
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		found.Unread = append(found.Unread, bad[name].Error())
	}
	if err != nil {
		return fail(err)
	}
	return found
}

// Prove makes the inclusion proof of a record, as JSON. Problem keys: app.lake.no_record, app.lake.lost,
// app.lake.not_signed (not_found), app.lake.cannot_sign, app.lake.unfit (conflict).
func (l *Reader) Prove(source string, seq uint64) (data []byte, record *Proved, err error) {
	keeper, err := l.witness.reading("")
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, keeper.Close()) }()
	p, err := keeper.Prove(l.shelf, source, seq)
	switch {
	case store.Is(err, store.Unknown), seq == 0:
		return nil, nil, l.noRecord(keeper, source, seq, err)
	case proof.Is(err, proof.NotCovered):
		return nil, nil, l.notSigned(source, seq, err)
	case err != nil:
		return nil, nil, problem.Conflict("app.lake.unfit", "source", source, "seq", seq).Because(err)
	}
	data, err = p.JSON()
	return data, &p.Record, err
}
