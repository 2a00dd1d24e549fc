package app

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/register/intake"
)

// ImportResult is what a file would change, or has changed.
type ImportResult struct {
	Adds, Changes, Same, Missing int
	Refused                      []RefusedRow
	Notes                        []i18n.Msg
	Applied                      bool
	Added, Changed               int // what was really taken over
}

// RefusedRow is one row that cannot be taken over.
type RefusedRow struct {
	Line   int
	Value  string
	Reason i18n.Msg
}

// Import reads a file of a kind ("people", "sheet") and, with apply, takes it over. Questions that the
// file leaves open get their safe default. A file that cannot be read at all is an error; rows that cannot
// are listed.
func (a *App) Import(ctx context.Context, kind, name string, data []byte, options map[string]string, apply bool, progress func(done, total int)) (*ImportResult, error) {
	setting := intake.Setting{Options: options}
	if !apply {
		p, err := a.Intake.Try(ctx, kind, name, data, setting, progress)
		return resultOf(p, err)
	}
	stored, err := a.Intake.Prepare(ctx, kind, name, data, setting)
	if err != nil {
		return nil, err
	}
	p, err := a.Intake.Preview(ctx, kind, stored.Key, progress)
	res, err := resultOf(p, err)
	if err != nil {
		return nil, err
	}
	done, err := a.Intake.Apply(ctx, kind, stored.Key, intake.Consent{Mark: p.Mark, Progress: progress})
	if err != nil {
		return nil, err
	}
	res.Applied, res.Added, res.Changed = true, done.Counts.Added, done.Counts.Changed
	return res, nil
}

func resultOf(p *intake.Preview, err error) (*ImportResult, error) {
	if err != nil {
		return nil, err
	}
	if p.Problem != nil {
		return nil, p.Problem
	}
	res := &ImportResult{Adds: len(p.Plan.Adds), Changes: len(p.Plan.Changes), Same: p.Plan.Same, Missing: len(p.Plan.Missing), Notes: p.Plan.Notes}
	for _, r := range p.Plan.Refused {
		res.Refused = append(res.Refused, RefusedRow{r.Line, r.Value, r.Reason})
	}
	return res, nil
}
