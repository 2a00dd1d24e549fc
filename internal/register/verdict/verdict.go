// Package verdict decides, from facts alone, whether a clause holds (記録からの判定), and joins that with
// what a person answered into the state of the clause. It is pure: no SQL, no HTTP, no clock.
//
// A certain miss is 未達成. Otherwise anything uncertain, unread, stale, failed, unconfirmed or expired is
// 未確認. Otherwise 達成. Unknown never counts as met.
package verdict

import (
	"time"

	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Result is one of five; the zero value is Unknown.
type Result string

// The results of verdicts, answers and states. Part is only ever the state of an item.
const (
	Unknown Result = ""      // ？ 未確認
	Met     Result = "met"   // ○ 達成
	Part    Result = "part"  // △ 一部達成
	Unmet   Result = "unmet" // × 未達成
	NA      Result = "na"    // － 該当なし
)

// storedUnknown is 未確認 where an empty text would look like nothing.
const storedUnknown = "unknown"

// Stored writes a result as tables, the audit log and files hold it: 未確認 is "unknown", never an empty text.
func (r Result) Stored() string {
	if r == Unknown {
		return storedUnknown
	}
	return string(r)
}

// ReadResult reads what Stored wrote.
func ReadResult(text string) Result {
	if text == storedUnknown {
		return Unknown
	}
	return Result(text)
}

// World is everything a verdict may look at, as of Now. It indexes its facts when they are first needed, so
// one World serves one goroutine.
type World struct {
	Now         time.Time
	Today       jdate.Day
	FiscalStart time.Month
	RoundFrom   jdate.Day // dates of the open round; zero: none
	RoundTo     jdate.Day
	Table       *framework.Table
	Settings    map[string]int         // overrides of Table.Settings
	Facts       map[string][]fact.Fact // by kind; neither the map nor its rows may change after the first Evaluate
	Readings    map[string]fact.Reading

	base    *World                 // what an overlay adds to; nil for a world of its own
	extra   map[string][]fact.Fact // what the overlay adds
	patched map[string]bool        // kinds of which the overlay has its own Facts
	own     *cache
}

// Reason is one line of why, as a message key with parameters: "verdict.reason.missing_members" {missing: 6, all: 149, excluded: 2}.
type Reason struct {
	Key  string       `json:"key"`
	Args problem.Args `json:"args,omitempty"`
}

// Miss is one thing that keeps a clause from being met, in a form the remedies can act on.
type Miss struct {
	Kind    string            `json:"kind"`              // the kind of fact that is missing
	Member  string            `json:"member,omitempty"`  // by or for whom
	Attrs   map[string]string `json:"attrs,omitempty"`   // attributes the fact must have (first allowed value of each)
	Unknown string            `json:"unknown,omitempty"` // the attribute of the member that nobody filled in
	Value   int64             `json:"value,omitempty"`   // measures only: the value that is needed
}

// Verdict is what the rules conclude about one clause.
type Verdict struct {
	Result     Result    `json:"result"`
	Late       bool      `json:"late,omitempty"`    // 遅れて達成
	Empty      bool      `json:"empty,omitempty"`   // 該当なし（期間内）: Result is NA because nobody was concerned
	Planned    bool      `json:"planned,omitempty"` // a kind it needs is not given by any feature yet
	Reasons    []Reason  `json:"reasons,omitempty"` // in order of importance; the first stands in lists
	Facts      []int64   `json:"facts,omitempty"`   // rows it rests on, newest first, at most MaxFacts
	Members    int       `json:"members,omitempty"` // size of the population
	Done       int       `json:"done,omitempty"`    // members that have it
	Excluded   int       `json:"excluded,omitempty"`
	Misses     []Miss    `json:"misses,omitempty"`
	ValidUntil jdate.Day `json:"valid_until"` // first day on which time alone may change it; zero: never
	HoldsUntil jdate.Day `json:"holds_until"` // the same if every kind goes on being read: what a calendar shows; zero: never
}

// MaxFacts bounds the rows that a verdict names; the page says how many more there are.
const MaxFacts = 50
