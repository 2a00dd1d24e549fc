// Package intake is the one wizard for files (取込み): put a file in, check what it would change, take it over,
// take it back within 30 days. Nothing changes before a person says so.
//
// What a file means is the business of an Importer, one for each kind of list; this package stores the file,
// finds its table, lets a person correct the reading, shows the differences and keeps what undo needs. It
// works without a browser too: Try, Prepare, Preview, Apply and Undo are all that the command line needs.
//
// It imports the registers below it in the order of the design, and no importer.
package intake

import (
	"context"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Importer turns the rows of a file into changes of one register. Implementations are safe for concurrent use.
type Importer interface {
	// Kind is the word in addresses and commands, and the page of the list: "people" for /people.
	Kind() string
	// Title is the message key of what is taken in: 「従業員名簿」.
	Title() string
	// Permission is what it takes to use this importer.
	Permission() actor.Permission
	// Columns lists what the importer understands, in the order of the template.
	Columns() []Column
	// Options lists what a person can choose about the reading; may be nil.
	Options() []Option
	// Plan compares the rows with the register and changes nothing. A row that cannot be taken over goes
	// to Plan.Refused; an error refuses the whole file.
	Plan(ctx context.Context, tx *sqlite.Tx, in Input) (*Plan, error)
	// Apply writes a plan that was computed in the same transaction, and returns what Undo needs.
	Apply(ctx context.Context, tx *sqlite.Tx, plan *Plan, consent Consent) (undo []byte, err error)
	// Undo takes an Apply back. It must refuse with code conflict when a row was changed since.
	Undo(ctx context.Context, tx *sqlite.Tx, undo []byte) error
}

// Locator is implemented by importers that find their own table, because header words are not enough. The
// error may be a problem; the layout is then the best guess, as with sheet.FindHeader.
type Locator interface {
	Locate(book *sheet.Book, setting Setting) (Layout, error)
}

// Column is one column that an importer understands.
type Column struct {
	Name     string   // stable word: "employee_no"
	Title    string   // message key of its title; both languages are recognised as headers
	Aliases  []string // further header words, in any language
	Required bool     // without it the file makes no sense
	Example  string   // message key of an example for the template; "" leaves the cell empty
	Choices  []string // message keys of the values that the template offers in a list; may be nil
}

// Option is one choice about how a file is read.
type Option struct {
	Name    string   // stable word: "class"
	Label   string   // message key
	Help    string   // message key; may be empty
	Choices []Choice // the first is the default
}

// Choice is one value of an option or an ask.
type Choice struct {
	Value string
	Label string // message key
}

// Setting is how a file is to be read: what the person chose, everything else is found by itself.
type Setting struct {
	Encoding jtext.Encoding    `json:"encoding,omitempty"` // of text files; "" detects it
	Sheet    string            `json:"sheet,omitempty"`    // name; "" takes the sheet that fits best
	Header   int               `json:"header,omitempty"`   // row of the header counted from 1; 0 finds it
	Columns  map[string]int    `json:"columns,omitempty"`  // column name → column of the sheet counted from 1, 0 for none; nil finds them
	Options  map[string]string `json:"options,omitempty"`  // option name → value
}

// Layout says where the table stands.
type Layout struct {
	Sheet  int // in Book.Sheets
	Header sheet.Header
}

// Input is what an importer plans from.
type Input struct {
	File     string // name as sent, for display only
	Data     []byte // the file itself
	Book     *sheet.Book
	Layout   Layout
	Rows     []Row // rows below the header with any value in a matched column
	Unusable []Row // rows that are refused already; their members are in the file all the same
	Options  map[string]string
	Progress func(done, total int) // never nil
}

// Option returns the chosen value of an option.
func (in Input) Option(name string) string { return in.Options[name] }

// Has says whether the file has the column at all: an absent column leaves the register as it is, an
// empty cell says that nothing is known.
func (in Input) Has(column string) bool {
	_, ok := in.Layout.Header.Index(column)
	return ok
}

// Row is one row of the file.
type Row struct {
	Line  int // number that the person sees: row of the workbook, line of the text file
	cells []sheet.Cell
	at    map[string]int
}

// Text returns the cell of a column as it stands there, "" when it is empty or the column is absent.
func (r Row) Text(column string) string {
	i, ok := r.at[column]
	if !ok || i >= len(r.cells) {
		return ""
	}
	return r.cells[i].Text
}

// Plan is what a file would change.
type Plan struct {
	Adds    []Entry
	Changes []Entry
	Same    int // rows that say what the register says
	Refused []Refusal
	Missing []Entry    // in the register, not in the file
	Asks    []Ask      // questions to answer before it is taken over
	Notes   []i18n.Msg // what a person should know
	Total   int        // rows of the file
	Data    any        // the importer's own, handed back to Apply
}

// Nothing says whether taking the plan over would change nothing, whatever is answered.
func (p *Plan) Nothing() bool { return len(p.Adds)+len(p.Changes) == 0 && len(p.Asks) == 0 }

// Entry is one member of the register with what changes about it.
type Entry struct {
	Line   int    // 0 for Missing
	Name   string // as people know it
	Link   string // page of the member; empty for new ones
	Fields []Field
}

// Field is one value that changes. Old and New are text, jdate.Day, number or i18n.Msg.
type Field struct {
	Label    string // message key
	Old, New any
}

// Refusal is a row that cannot be taken over, with the reason.
type Refusal struct {
	Line   int
	Column string // message key of the column's title; empty when it concerns the whole row
	Value  string // what stands there, shortened
	Reason i18n.Msg
}

// Ask is a question that the plan leaves open.
type Ask struct {
	Name    string
	Text    i18n.Msg
	Names   []string // what it is about: new departments, members not in the file
	Choices []Choice // the first is the safe default
}

// Consent is what the person agreed to.
type Consent struct {
	Mark     string                // Preview.Mark of the plan that was seen
	Answers  map[string]string     // Ask.Name → Choice.Value; absent takes the first choice
	Progress func(done, total int) // may be nil for the caller; never nil for an importer
}

// Answer returns the answer to an ask, "" for the default.
func (c Consent) Answer(name string) string { return c.Answers[name] }

// States of an import.
const (
	Waiting = "waiting" // put in, not taken over yet
	Applied = "applied" // taken over
	Undone  = "undone"  // taken back
)

// Import is one file.
type Import struct {
	Key       string
	Kind      string
	File      string
	SHA256    string
	Size      int64 // bytes
	Setting   Setting
	State     string
	Counts    Counts
	Version   int64
	CreatedBy string
	CreatedAt time.Time
	AppliedAt time.Time
	UndoneAt  time.Time
	SweptAt   time.Time
}

// Counts sums up a plan.
type Counts struct {
	Total   int `json:"total"`
	Added   int `json:"added"`
	Changed int `json:"changed"`
	Same    int `json:"same"`
	Refused int `json:"refused"`
	Missing int `json:"missing"`
}

func (p *Plan) counts() Counts {
	return Counts{p.Total, len(p.Adds), len(p.Changes), p.Same, len(p.Refused), len(p.Missing)}
}

// UndoDays is how long an import can be taken back.
const UndoDays = 30

// waitingDays is how long a file waits for its check before it is thrown away.
const waitingDays = 7

// UndoUntil is the last instant at which the import can be taken back; zero when it was not taken over.
func (i Import) UndoUntil() time.Time {
	if i.AppliedAt.IsZero() {
		return time.Time{}
	}
	return i.AppliedAt.AddDate(0, 0, UndoDays)
}

// CanUndo says whether the import can still be taken back at now.
func (i Import) CanUndo(now time.Time) bool {
	return i.State == Applied && i.SweptAt.IsZero() && !now.After(i.UndoUntil())
}

// check refuses what no importer can use: values that Excel itself could not compute, and formulas without
// a stored value.
func (r Row) check(columns []Column) *Refusal {
	for _, c := range columns {
		i, ok := r.at[c.Name]
		if !ok || i >= len(r.cells) {
			continue
		}
		switch cell := r.cells[i]; {
		case cell.Kind == sheet.Error:
			return &Refusal{Line: r.Line, Column: c.Title, Value: cell.Text, Reason: i18n.Msg{Key: "intake.cell_error", Args: problem.Args{"value": cell.Text}}}
		case cell.Formula && cell.Text == "":
			return &Refusal{Line: r.Line, Column: c.Title, Reason: i18n.Msg{Key: "intake.cell_formula"}}
		}
	}
	return nil
}
