package assessment

import (
	"context"
	"strconv"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// What may be done with assessments.
const (
	PermRead    actor.Permission = "assessment.read"    // see gaps and check sheets
	PermAnswer  actor.Permission = "assessment.answer"  // answer clauses, name owners and dates, keep actions
	PermManage  actor.Permission = "assessment.manage"  // open and lock rounds
	PermRequest actor.Permission = "assessment.request" // keep what customers ask for
)

// LongestHold is how many days an answer may stand without records, or against them, before it is asked
// again. Ours: the guideline asks for a self-assessment once a year.
const LongestHold = 365

// Way says how an answer came about.
type Way string

// The ways of answering.
const (
	WayPage    Way = "page"    // on the page of the item
	WayConfirm Way = "confirm" // the records proposed it, one click confirmed it
	WayAsk     Way = "ask"     // 一問一答
	WayLink    Way = "link"    // by an owner without an account
	WayPaper   Way = "paper"   // copied from the paper form
	WayImport  Way = "import"  // from last year's check sheet
)

// None is the value of an answer that was taken back.
const None verdict.Result = "none"

// Round is one self-assessment of one framework. The zero LockedAt is the open round.
type Round struct {
	ID         int64
	Key        string
	Framework  string // key: "jama-japia@2.3"
	FiscalYear int
	Name       string
	From, To   jdate.Day
	Imported   bool // it came from a file, the house did not see it happen
	OpenedAt   time.Time
	LockedAt   time.Time
	LockedBy   string // actor.ID
	Version    int
}

// Locked says whether nothing can be answered any more.
func (r *Round) Locked() bool { return r != nil && !r.LockedAt.IsZero() }

// Answer is the present answer at a clause or an item of a round.
type Answer struct {
	Node      string // id of the clause or of the item
	Item      string
	Version   int            // counts the changes from 1
	Value     verdict.Result // Part only at items; Unknown is 分からない
	Note      string
	Reason    string
	Expires   jdate.Day      // last day on which it counts; zero: to the end of the round
	Verdict   verdict.Result // what the records said when it was given
	Facts     []int64        // the rows that were shown
	FactsHash string
	Way       Way
	By        string // actor.ID
	At        time.Time
}

// Engine gives the answer in the form in which states need it; nil is no answer.
func (a *Answer) Engine() verdict.Answer {
	if a == nil || a.Value == None {
		return verdict.Answer{}
	}
	return verdict.Answer{Given: true, Value: a.Value, Reason: a.Reason, Expires: a.Expires}
}

// ItemMeta is what people note about an item, whatever the round.
type ItemMeta struct {
	Owner     string // person key; may be empty
	PlannedOn jdate.Day
	Note      string
	Version   int // 0: never saved
}

// Change is one clause whose state changed.
type Change struct {
	At              time.Time
	Framework, Item string
	Clause          string
	From, To        verdict.Result
}

// Company is what assessments need of the company profile.
type Company struct {
	Name        string
	FiscalStart time.Month
	// Targets says per framework id ("jama-japia", or "jama-japia@2.2" for one version) up to which level the
	// company wants to be. A framework without an entry is no target.
	Targets map[string]string
	// CountNA says that 該当なし earns full points; otherwise it leaves the total.
	CountNA bool
	// Settings overrides the numbers of the catalogue's settings.
	Settings map[string]int
}

// Staff is what assessments need of the staff list.
type Staff interface {
	// Names gives the display name of every person by key.
	Names(ctx context.Context, tx *sqlite.Tx) (map[string]string, error)
	// DepartmentOf gives the key of the department of a person, "" when there is none.
	DepartmentOf(ctx context.Context, tx *sqlite.Tx, person string) (string, error)
}

// open says whether a state belongs to the gaps.
func open(r verdict.Result) bool { return r != verdict.Met && r != verdict.NA }

// yearText writes a year without a thousands mark.
func yearText(year int) string { return strconv.Itoa(year) }
