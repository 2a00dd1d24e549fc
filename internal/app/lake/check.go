package lake

import (
	"context"
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
	Reason string `json:"reason"` // stable code: damaged, missing, wal, tombstone, holds, evidence, proof …
	File   string `json:"file"`   // below the lake; "": none to name
	Detail string `json:"detail"`
}

// SourceCheck is what was found of one source.
type SourceCheck struct {
	proof.Report

	Unread []string // files that cannot be read: their records count as missing
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
	Hot     int // lines that are not sealed yet: nothing is signed for them
}

// Good says that all is as it was signed.
func (c *Check) Good() bool {
	return len(c.Damages) == 0 && !slices.ContainsFunc(c.Sources, func(s SourceCheck) bool { return !s.Good() })
}

// derived are alarms about files that are made again from others.
var derived = map[string]bool{"sidecar": true, "catalogue": true, "tidy": true, "merge": true, "seal": true, "append": true, "remove": true, "close": true}

// Verify reads every sealed file whole and compares the records of every source with what was signed. progress is told
// before each source; it may be nil.
func (l *Lake) Verify(ctx context.Context, progress func(done, total int)) (*Check, error) {
	c := &Check{At: l.config.Now(), Files: l.store.Stats().Files, Hot: l.store.Stats().HotRows}
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
	for i, source := range sources {
		if progress != nil {
			progress(i, len(sources))
		}
		one, err := l.verifySource(ctx, source)
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
func (l *Lake) verifySource(ctx context.Context, source string) (SourceCheck, error) {
	found := SourceCheck{Report: proof.Report{Source: source}}
	keeper, err := l.witness.ready()
	if err == nil {
		err = keeper.Mend(ctx, l.store, source) // a damaged tree is made again from the records, and what was signed judges both
	}
	if err != nil {
		found.Failed = err
		return found, ctx.Err()
	}
	report, bad, err := keeper.Verify(ctx, l.store, source)
	if report != nil {
		found.Report = *report
	}
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		found.Unread = append(found.Unread, bad[name].Error())
	}
	found.Failed = err
	return found, ctx.Err()
}

// Prove makes the inclusion proof of a record, as JSON. Problem keys: app.lake.no_record, app.lake.not_signed
// (not_found), app.lake.unfit (conflict).
func (l *Lake) Prove(source string, seq uint64) ([]byte, *Proved, error) {
	keeper, err := l.witness.ready()
	if err != nil {
		return nil, nil, err
	}
	p, err := keeper.Prove(l.store, source, seq)
	switch {
	case store.Is(err, store.Unknown), seq == 0:
		return nil, nil, problem.NotFound("app.lake.no_record", "source", source, "seq", seq).Because(err)
	case proof.Is(err, proof.NotCovered):
		return nil, nil, problem.NotFound("app.lake.not_signed", "source", source, "seq", seq).Because(err)
	case err != nil:
		return nil, nil, problem.Conflict("app.lake.unfit", "source", source, "seq", seq).Because(err)
	}
	data, err := p.JSON()
	return data, &p.Record, err
}
