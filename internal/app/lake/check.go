package lake

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//nolint:revive // names of internal/logs/lake/proof, explained there
type (
	Fault = proof.Fault
	Range = proof.Range
)

// Damage is a file, or a part of one, that is not as it was written.
type Damage struct {
	Reason string `json:"reason"` // stable code: damaged, missing, wal, tombstone, holds, evidence, proof …
	File   string `json:"file"`   // below the lake; "": none to name
	Detail string `json:"detail"`
}

// SourceCheck is what was found of one source.
type SourceCheck struct {
	proof.Report

	Unread []string // blocks that cannot be read: their records count as missing
	Failed error    // the proof itself cannot be opened or read; then Report tells nothing
}

// Good says that the source is as it was signed.
func (s *SourceCheck) Good() bool { return s.Failed == nil && len(s.Unread) == 0 && s.Report.Good() }

// Check is what Verify found.
type Check struct {
	At      time.Time
	Files   int // sealed files that were read whole
	Damages []Damage
	Notes   []Damage // what can be made again without loss: sidecars, the catalogue
	Sources []SourceCheck
}

// Good says that all is as it was signed.
func (c *Check) Good() bool {
	return len(c.Damages) == 0 && !slices.ContainsFunc(c.Sources, func(s SourceCheck) bool { return !s.Good() })
}

// derived are alarms about files that are made again from others.
var derived = map[string]bool{"sidecar": true, "catalogue": true, "tidy": true, "merge": true, "seal": true, "append": true, "remove": true, "close": true}

// Verify reads every sealed file whole and compares the records of every source with what was signed. progress is told
// now and then; it may be nil.
func (l *Lake) Verify(ctx context.Context, progress func(source string, done, total int)) (*Check, error) {
	c := &Check{At: l.config.Now(), Files: l.store.Stats().Files}
	bad, err := l.store.Check(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		c.Damages = append(c.Damages, Damage{"damaged", name, bad[name].Error()})
	}
	for _, a := range l.store.Stats().Alarms {
		d := Damage{a.Reason, a.Place, a.Detail}
		switch {
		case derived[a.Reason]:
			c.Notes = append(c.Notes, d)
		case bad[a.Place] == nil:
			c.Damages = append(c.Damages, d)
		}
	}
	sources, err := l.sources()
	if err != nil {
		return nil, err
	}
	for _, source := range sources {
		step := func(int, int) {}
		if progress != nil {
			step = func(done, total int) { progress(source, done, total) }
		}
		one, err := l.verifySource(ctx, source, step)
		if err != nil {
			return nil, err
		}
		c.Sources = append(c.Sources, one)
	}
	return c, nil
}

// sources are those of the lake and those with a proof.
func (l *Lake) sources() ([]string, error) {
	all, err := proof.Sources(l.witness.proofs())
	if err != nil {
		return nil, err
	}
	for _, s := range l.store.Stats().Sources {
		all = append(all, s.Name)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// verifySource audits one source. The error is that of the context; all else is part of what was found.
func (l *Lake) verifySource(ctx context.Context, source string, step func(done, total int)) (SourceCheck, error) {
	found := SourceCheck{Report: proof.Report{Source: source}}
	l.witness.mu.Lock()
	log, err := l.witness.log(ctx, source)
	l.witness.mu.Unlock()
	if err != nil {
		found.Failed = err
		return found, ctx.Err()
	}
	audit := log.Audit()
	s := &sweep{store: l.store, source: source, step: step}
	err = s.hashes(ctx, audit.Add)
	for _, e := range s.unread {
		found.Unread = append(found.Unread, e.Error())
	}
	if err == nil {
		var report *proof.Report
		if report, err = audit.Finish(); err == nil {
			found.Report = *report
		}
	}
	found.Failed = err
	return found, ctx.Err()
}

// Prove makes the inclusion proof of a record, as JSON. Problem keys: app.lake.no_record, app.lake.not_signed
// (not_found), app.lake.unfit (conflict).
func (l *Lake) Prove(ctx context.Context, source string, seq uint64) ([]byte, *Record, error) {
	if seq == 0 || seq > l.store.Last(source) {
		return nil, nil, problem.NotFound("app.lake.no_record", "source", source, "seq", seq)
	}
	first := (seq-1)/proof.LeafRecords*proof.LeafRecords + 1
	sums := map[uint64]proof.Hash{}
	s := &sweep{store: l.store, source: source, from: first, to: first + proof.LeafRecords - 1, want: seq}
	if err := s.hashes(ctx, func(seq uint64, h proof.Hash) error { sums[seq] = h; return nil }); err != nil {
		return nil, nil, err
	}
	if s.found == nil {
		return nil, nil, problem.NotFound("app.lake.no_record", "source", source, "seq", seq).Because(errors.Join(s.unread...))
	}
	l.witness.mu.Lock()
	log, err := l.witness.log(ctx, source)
	l.witness.mu.Unlock()
	if err != nil {
		return nil, nil, err
	}
	p, err := log.Prove(s.found, func(seq uint64) (proof.Hash, error) {
		if h, ok := sums[seq]; ok {
			return h, nil
		}
		return proof.Hash{}, problem.Conflict("app.lake.unfit", "source", source, "seq", seq)
	})
	switch {
	case proof.Is(err, proof.NotCovered):
		return nil, nil, problem.NotFound("app.lake.not_signed", "source", source, "seq", seq).Because(err)
	case err != nil && len(problem.All(err)) == 0:
		return nil, nil, problem.Conflict("app.lake.unfit", "source", source, "seq", seq).Because(err)
	case err != nil:
		return nil, nil, err
	}
	data, err := p.JSON()
	return data, s.found, err
}
