package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Preview is what a person sees before anything changes. When Problem is set, the file cannot be read with
// this setting and Plan is nil; the layout is then the best guess.
type Preview struct {
	Import   Import
	Importer Importer
	Book     *sheet.Book // nil when the file itself cannot be read
	Layout   Layout
	Plan     *Plan
	Mark     string // state of file, setting and register that the plan was made from
	Problem  error
}

// Table is the sheet that was chosen.
func (p *Preview) Table() sheet.Table {
	if p.Book == nil || p.Layout.Sheet >= len(p.Book.Sheets) {
		return sheet.Table{}
	}
	return p.Book.Sheets[p.Layout.Sheet]
}

// preview reads the file and plans. What a person can mend about the file is Preview.Problem, not an error.
func (s *Service) preview(ctx context.Context, tx *sqlite.Tx, imp Importer, i Import, data []byte, progress func(done, total int)) (*Preview, error) {
	p := &Preview{Import: i, Importer: imp}
	mendable := func(err error) bool {
		code := problem.CodeOf(err)
		return code == problem.CodeInvalid || code == problem.CodeUnsupported || code == problem.CodeTooLarge
	}
	var err error
	if p.Book, err = s.open(i, data); err != nil {
		if mendable(err) {
			p.Book, p.Problem = nil, err
			return p, nil
		}
		return nil, fmt.Errorf("open file of import: %w", err)
	}
	remembered, err := matches(ctx, tx, i.Kind)
	if err != nil {
		return nil, err
	}
	if p.Layout, err = s.locate(imp, p.Book, i.Setting, remembered); err != nil {
		if mendable(err) {
			p.Problem = nameColumns(imp, p.Layout, err)
			return p, nil
		}
		return nil, fmt.Errorf("find table: %w", err)
	}
	in := Input{File: i.File, Data: data, Book: p.Book, Layout: p.Layout, Options: options(imp, i.Setting), Progress: progress}
	if in.Progress == nil {
		in.Progress = func(int, int) {}
	}
	refused, ok := readRows(imp, p, &in)
	if !ok {
		return p, nil
	}
	if p.Plan, err = imp.Plan(ctx, tx, in); err != nil {
		if mendable(err) {
			p.Plan, p.Problem = nil, err
			return p, nil
		}
		return nil, fmt.Errorf("plan import of %s: %w", i.Kind, err)
	}
	p.Plan.Total += len(refused)
	p.Plan.Refused = append(refused, p.Plan.Refused...)
	slices.SortStableFunc(p.Plan.Refused, func(a, b Refusal) int { return a.Line - b.Line })
	p.Mark, err = mark(i, p.Plan)
	return p, err
}

// maxRows is how many rows a file may have below its header, and aboveRows how many more are read for what stands
// above it. Ours: twenty times the largest plant; what an apply of that size costs is measured.
const (
	maxRows   = 100_000
	aboveRows = 100
)

// readRows fills in.Rows and returns the rows that no importer can use. When the file has too many rows, it sets
// p.Problem, with code too_large and the first row beyond maxRows, and ok is false.
func readRows(imp Importer, p *Preview, in *Input) (refused []Refusal, ok bool) {
	table := p.Table()
	rows := rowsOf(table, p.Layout.Header)
	switch {
	case len(rows) > maxRows:
		p.Problem = problem.TooLarge("intake.too_many_rows", "limit", maxRows, "row", rows[maxRows].Line)
		return nil, false
	case table.Beyond > 0:
		p.Problem = problem.TooLarge("intake.too_many_rows", "limit", maxRows, "row", table.Beyond)
		return nil, false
	}
	for _, row := range rows {
		if r := row.check(imp.Columns()); r != nil {
			refused, in.Unusable = append(refused, *r), append(in.Unusable, row)
			continue
		}
		in.Rows = append(in.Rows, row)
	}
	return refused, true
}

// nameColumns says which columns are missing by their titles.
func nameColumns(imp Importer, layout Layout, err error) error {
	if all := problem.All(err); len(all) != 1 || all[0].Key != "sheet.header_not_found" {
		return err
	}
	var found problem.List
	for _, c := range imp.Columns() {
		if slices.Contains(layout.Header.Missing, c.Name) {
			found.Add(problem.Invalid("", "intake.column_missing", "column", i18n.Msg{Key: c.Title}))
		}
	}
	return found.Err()
}

// options returns the chosen values; what is not among the choices is the default.
func options(imp Importer, setting Setting) map[string]string {
	out := map[string]string{}
	for _, o := range imp.Options() {
		value := setting.Options[o.Name]
		if !slices.ContainsFunc(o.Choices, func(c Choice) bool { return c.Value == value }) && len(o.Choices) > 0 {
			value = o.Choices[0].Value
		}
		out[o.Name] = value
	}
	return out
}

func (s *Service) open(i Import, data []byte) (*sheet.Book, error) {
	s.mu.Lock()
	if s.last.sha == i.SHA256 && s.last.encoding == i.Setting.Encoding {
		defer s.mu.Unlock()
		return s.last.book, nil
	}
	s.mu.Unlock()
	book, err := sheet.OpenAs(i.File, data, sheet.Limits{Rows: maxRows + aboveRows, Cut: true}, i.Setting.Encoding)
	if err != nil {
		return nil, err
	}
	cells := 0
	for _, t := range book.Sheets {
		for _, row := range t.Rows {
			cells += len(row)
		}
	}
	if cells <= cacheCells {
		s.mu.Lock()
		s.last = opened{i.SHA256, i.Setting.Encoding, book}
		s.mu.Unlock()
	}
	return book, nil
}

// mark is a hash over everything that the person sees of a plan. Taking over refuses another one.
func mark(i Import, p *Plan) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n", i.SHA256)
	err := json.NewEncoder(h).Encode([]any{i.Setting, p.Adds, p.Changes, p.Same, p.Refused, p.Missing, p.Asks, p.Total})
	if err != nil {
		return "", fmt.Errorf("mark plan: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}
