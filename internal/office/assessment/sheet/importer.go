package sheet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	tables "github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
)

// Kind is the word of this importer in addresses and commands.
const Kind = "sheet"

// The options of an import and their values; the first value of each is the default.
const (
	OptionFramework = "framework" // AutoFramework or the key of a framework
	OptionRound     = "round"     // LastYear, ThisYear, YearBefore
	OptionAnswers   = "answers"   // Yes, No
	OptionWording   = "wording"   // Yes, No
	OptionNotes     = "notes"     // Blank, Replace, No

	AutoFramework = "auto"
	LastYear      = "last"
	ThisYear      = "this"
	YearBefore    = "before_last"
	Yes           = "yes"
	No            = "no"
	Blank         = "blank"
	Replace       = "replace"
)

// AskAgainst is the question what to do with 達成 where the records say 未達成: Skip leaves those rows out, Hold takes
// them over with a reason, until HoldDays later.
const (
	AskAgainst = "against"
	Skip       = "skip"
	Hold       = "hold"
)

// HoldDays is how many days an imported 達成 stands against the records before it is asked again. Ours: one quarter.
const HoldDays = 90

// Importer takes check sheets in. It is safe for concurrent use.
type Importer struct {
	office *assessment.Service
	texts  *i18n.Messages
}

var (
	_ intake.Importer = (*Importer)(nil)
	_ intake.Locator  = (*Importer)(nil)
)

// Kind returns "sheet".
func (m *Importer) Kind() string { return Kind }

// Title is the message key of what is taken in.
func (m *Importer) Title() string { return "checksheet.kind" }

// Permission is that of opening rounds: an imported sheet is a round.
func (m *Importer) Permission() actor.Permission { return assessment.PermManage }

// Columns lists the columns of both forms.
func (m *Importer) Columns() []intake.Column {
	out := make([]intake.Column, 0, len(allColumns))
	for _, name := range allColumns {
		c := intake.Column{Name: name, Title: columnTitle(name), Required: name == colNumber}
		for _, form := range []Form{CheckSheet, CriteriaSheet} {
			for _, col := range columnsOf(form) {
				if col.Name == name {
					c.Aliases = append(c.Aliases, col.Aliases...)
				}
			}
		}
		if name == colAnswer {
			c.Choices = []string{"checksheet.value.2", "checksheet.value.1", "checksheet.value.0", "checksheet.value.na"}
		}
		out = append(out, c)
	}
	return out
}

// columnTitle is the message key of a column's title, "" for no column.
func columnTitle(name string) string {
	if name == "" {
		return ""
	}
	return "checksheet.column." + name
}

// Options lists what a person can choose.
func (m *Importer) Options() []intake.Option {
	frameworks := []intake.Choice{{Value: AutoFramework, Label: "checksheet.option.framework.auto"}}
	for _, f := range m.office.Catalog().Frameworks() {
		frameworks = append(frameworks, intake.Choice{Value: f.Key(), Label: "checksheet.framework." + f.Key()})
	}
	option := func(name string, values ...string) intake.Option {
		o := intake.Option{Name: name, Label: "checksheet.option." + name, Help: "checksheet.option." + name + ".help"}
		for _, v := range values {
			o.Choices = append(o.Choices, intake.Choice{Value: v, Label: "checksheet.option." + name + "." + v})
		}
		return o
	}
	return []intake.Option{
		{Name: OptionFramework, Label: "checksheet.option.framework", Help: "checksheet.option.framework.help", Choices: frameworks},
		option(OptionRound, LastYear, ThisYear, YearBefore),
		option(OptionAnswers, Yes, No),
		option(OptionWording, Yes, No),
		option(OptionNotes, Blank, Replace, No),
	}
}

// Locate finds the sheet with the most item numbers under a header of one of the forms.
func (m *Importer) Locate(book *tables.Book, setting intake.Setting) (intake.Layout, error) {
	forms := []Form{CheckSheet, CriteriaSheet}
	if f := m.office.Catalog().Key(setting.Options[OptionFramework]); f != nil {
		forms = []Form{formFor(f)}
	}
	return locate(book, setting, forms...)
}

// frameworkFor gives the framework that the person chose, else the one whose version the file names, else the
// newest of the form that the numbers have.
func (m *Importer) frameworkFor(in intake.Input) (*framework.Framework, error) {
	catalog := m.office.Catalog()
	if key := in.Option(OptionFramework); key != "" && key != AutoFramework {
		return frameworkOf(catalog, key)
	}
	table := in.Book.Sheets[in.Layout.Sheet]
	form := formOf(table, in.Layout.Header)
	var newest *framework.Framework
	var named []*framework.Framework
	text := " " + titleText(in.File, in.Book, in.Layout) + " "
	for _, f := range catalog.Frameworks() {
		if formFor(f) != form {
			continue
		}
		if newest == nil || f.Published.After(newest.Published) {
			newest = f
		}
		if namesVersion(text, f.Version) {
			named = append(named, f)
		}
	}
	if len(named) == 1 {
		return named[0], nil
	}
	if newest == nil {
		return nil, fmt.Errorf("no framework has sheets of the form %s", form)
	}
	return newest, nil
}

// titleText is the text around the table that may name a version: file, sheets, and the rows above the header.
func titleText(file string, book *tables.Book, layout intake.Layout) string {
	var b strings.Builder
	b.WriteString(file)
	for i, t := range book.Sheets {
		b.WriteString(" " + t.Name)
		if i != layout.Sheet {
			continue
		}
		for _, row := range t.Rows[:min(layout.Header.Row, len(t.Rows))] {
			for _, c := range row {
				b.WriteString(" " + c.Text)
			}
		}
	}
	return jtext.Line(b.String())
}

// namesVersion finds a version as a number of its own: not 12.3, not 2.31.
func namesVersion(text, version string) bool {
	for rest := text; ; {
		i := strings.Index(rest, version)
		if i < 0 {
			return false
		}
		before, after := rest[:i], rest[i+len(version):]
		if !strings.ContainsAny(before[max(0, len(before)-1):], "0123456789.") && !strings.ContainsAny(after[:min(1, len(after))], "0123456789") {
			return true
		}
		rest = after
	}
}

// Plan compares the sheet with the office. See intake.Importer.
func (m *Importer) Plan(ctx context.Context, tx *sqlite.Tx, in intake.Input) (*intake.Plan, error) {
	f, err := m.frameworkFor(in)
	if err != nil {
		return nil, err
	}
	only := make(map[int]bool, len(in.Rows))
	for _, r := range in.Rows {
		only[r.Line] = true
	}
	parsed, err := parseTable(in.File, in.Book.Sheets[in.Layout.Sheet], in.Layout.Header, f, only, false)
	if err != nil {
		return nil, err
	}
	board, err := m.office.Board(ctx, tx, f.Key())
	if err != nil {
		return nil, err
	}
	company, err := m.office.Company(ctx, tx)
	if err != nil {
		return nil, err
	}
	p := &planner{
		m: m, ctx: ctx, tx: tx, in: in, parsed: parsed, board: board, today: jdate.Of(tx.Now), past: in.Option(OptionRound) != ThisYear,
		plan: &intake.Plan{Total: len(parsed.Rows) + refusedRows(parsed)}, act: &act{file: in.File, sha256: sum(in.Data), framework: f.Key(), place: placeOf(parsed)},
		entries: map[string]*intake.Entry{}, added: map[string]bool{},
	}
	p.round(company)
	if err := p.build(); err != nil {
		return nil, err
	}
	return p.plan, nil
}

// refusedRows counts the different rows among the refusals.
func refusedRows(p *Parsed) int {
	lines := make([]int, 0, len(p.Refused))
	for _, r := range p.Refused {
		lines = append(lines, r.Line)
	}
	slices.Sort(lines)
	return len(slices.Compact(lines))
}

// sum is the SHA-256 of a file in hex.
func sum(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}
