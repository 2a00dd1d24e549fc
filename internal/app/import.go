package app

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/words/problem"
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
// are listed. An option that the importer does not know is refused with code invalid and field "set": as a page
// the wizard may fall back to its default, as a command that would file last year's answers unseen.
func (a *App) Import(ctx context.Context, kind, name string, data []byte, options map[string]string, apply bool, progress func(done, total int)) (*ImportResult, error) {
	if err := a.checkOptions(ctx, kind, options); err != nil {
		return nil, err
	}
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

// checkOptions finds the first choice that the importer of a kind does not offer.
func (a *App) checkOptions(ctx context.Context, kind string, given map[string]string) error {
	imp, err := a.Intake.Importer(ctx, kind)
	if err != nil {
		return err
	}
	offered := imp.Options()
	for _, name := range slices.Sorted(maps.Keys(given)) {
		i := slices.IndexFunc(offered, func(o intake.Option) bool { return o.Name == name })
		if i < 0 {
			names := make([]string, len(offered))
			for i, o := range offered {
				names[i] = o.Name
			}
			return problem.Invalid("set", "app.import.option", "name", name, "kind", kind, "names", strings.Join(names, ", "))
		}
		values := make([]string, len(offered[i].Choices))
		for i, c := range offered[i].Choices {
			values[i] = c.Value
		}
		if !slices.Contains(values, given[name]) {
			return problem.Invalid("set", "app.import.choice", "name", name, "value", given[name], "values", strings.Join(values, ", "))
		}
	}
	return nil
}

// WriteCSV writes rows under titles as every list of the office is written: for Excel, with nothing in it that a
// spreadsheet would run.
func WriteCSV(w io.Writer, titles []string, rows [][]any) error {
	out := sheet.Out{Rows: rows}
	for _, t := range titles {
		out.Columns = append(out.Columns, sheet.OutColumn{Title: t})
	}
	return sheet.Write(w, sheet.CSV, out)
}
