// Package request keeps what customers ask for (得意先の依頼): which part of a framework, until when, in which form,
// and what was sent to them when. The same answers and facts serve all requests.
//
// It imports assessment for frameworks and boards; its tables stand in the migrations of assessment.
package request

import (
	"embed"
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this package.
func Messages() fs.FS { return messages }

// duesAhead is how many days before its deadline a request shows up as a duty. Ours.
const duesAhead = 45

// Longest texts, in characters.
const (
	longestName = 100
	longestLine = 400
	longestNote = 5000
)

// Request is what one customer asks for. Level and Items choose the part of the framework: items when there are any,
// else every item up to the level, else all.
type Request struct {
	ID        int64
	Key       string
	Customer  string
	Framework string // key: "jama-japia@2.3"
	Level     string
	Items     []string  // ids of the items asked for
	Mean      int       // asked-for mean of the item values in hundredths, 200 is 2.00 of 2; 0: none
	Deadline  jdate.Day // zero: none was given
	Form      string    // in which form the answer is sent
	Note      string
	Closed    jdate.Day // zero: still open
	Version   int       // 0 for a new one
	Events    []Event   // newest first
}

// Event is something that was sent or agreed.
type Event struct {
	Key        string
	On         jdate.Day
	What       string
	How        string
	Note       string
	Attachment string // key of the attachment; empty: none
	By         string // actor.ID
}

// Open says whether the request is still to be answered.
func (r *Request) Open() bool { return r.Closed.IsZero() }

// Overdue says whether the deadline of an open request has passed.
func (r *Request) Overdue(today jdate.Day) bool {
	return r.Open() && !r.Deadline.IsZero() && r.Deadline.Before(today)
}

// check returns every field that must be changed, against the outline of the framework (nil: unknown).
func (r *Request) check(o *assessment.Outline) error {
	var found problem.List
	if r.Customer == "" {
		found.Add(problem.Invalid("customer", "request.customer_needed"))
	}
	for _, f := range []struct {
		field, text string
		limit       int
	}{{"customer", r.Customer, longestName}, {"form", r.Form, longestLine}, {"note", r.Note, longestNote}} {
		if n := utf8.RuneCountInString(f.text); n > f.limit {
			found.Add(problem.Invalid(f.field, "web.too_long", "limit", f.limit, "n", n))
		}
	}
	switch {
	case o == nil:
		found.Add(problem.Invalid("framework", "web.choose"))
		return found.Err()
	case r.Level != "" && o.LevelIndex(r.Level) < 0:
		found.Add(problem.Invalid("level", "request.level_unknown"))
	}
	unknown := slices.DeleteFunc(slices.Clone(r.Items), func(id string) bool { return o.Item(id) != nil })
	if len(unknown) > 0 {
		found.Add(problem.Invalid("items", "assessment.select.unknown", "item", strings.Join(unknown, ", ")))
	}
	switch {
	case r.Mean < 0 || r.Mean > 100*int(verdict.ValueMet):
		found.Add(problem.Invalid("mean", "request.mean_range"))
	case r.Mean > 0 && o.Scoring.PerItem == 0:
		found.Add(problem.Invalid("mean", "request.mean_no_points", "framework", i18n.Text(o.Short)))
	}
	return found.Err()
}

// Asked lists the items of the board that the customer asks for. An item of unknown level belongs to no level.
func (r *Request) Asked(b *assessment.Board) []*assessment.Item {
	if len(r.Items) == 0 && r.Level == "" {
		return b.Items
	}
	var out []*assessment.Item
	for _, it := range b.Items {
		i := b.LevelIndex(it.Node.Level)
		if len(r.Items) > 0 && slices.Contains(r.Items, it.Node.ID) || len(r.Items) == 0 && i >= 0 && i <= b.LevelIndex(r.Level) {
			out = append(out, it)
		}
	}
	return out
}

// Numbers writes the asked items as people read and type them: 「1-20, 28」; empty when no items were chosen.
func (r *Request) Numbers(b *assessment.Board) string {
	if len(r.Items) == 0 {
		return ""
	}
	return b.SelectionText(nodes(r.Asked(b)))
}

func nodes(items []*assessment.Item) []*framework.Node {
	out := make([]*framework.Node, len(items))
	for i, it := range items {
		out[i] = it.Node
	}
	return out
}

// Progress is how far the answer to a request is, by what the sheet would carry today.
type Progress struct {
	Items, Answered int
	Done            int // items answered 達成 or 該当なし
	Open            int // clauses that are not done
	Mean            int // of all asked items that apply, in hundredths, what is unanswered counting 0; -1: no points
	Reached         bool
	Left            []*assessment.Item // neither 達成 nor 該当なし, in the order of the framework
	UnknownLevels   int                // items that may belong to the level asked for; nobody knows yet
}

// ProgressOf counts how far the asked items are. countNA says that 該当なし earns full points; otherwise such items
// leave the mean (assessment.Company). The target is reached with the mean that is asked for, without one when
// every item is done.
func (r *Request) ProgressOf(b *assessment.Board, countNA bool) Progress {
	p := Progress{Mean: -1}
	var scored []verdict.Scored
	for _, it := range r.Asked(b) {
		p.Items++
		p.Open += it.OpenClauses()
		scored = append(scored, verdict.ScoredItem(it.Node, it.AnswerValue))
		if it.AnswerValue != verdict.Unanswered {
			p.Answered++
		}
		if it.AnswerValue == verdict.ValueMet || it.AnswerValue == verdict.NotApplicable {
			p.Done++
			continue
		}
		p.Left = append(p.Left, it)
	}
	if b.Scoring.PerItem > 0 {
		all := verdict.Points(scored, int(verdict.ValueMet)).All
		earned, possible := all.Earned, all.Possible
		if countNA {
			earned, possible = all.EarnedWithNA, all.PossibleWithNA
		}
		if possible > 0 {
			p.Mean = earned * 100 * int(verdict.ValueMet) / possible
		}
	}
	p.Reached = p.Items > 0 && p.Done == p.Items
	if r.Mean > 0 {
		p.Reached = p.Mean >= r.Mean
	}
	if len(r.Items) == 0 && r.Level != "" {
		for _, it := range b.Items {
			if it.Node.Level == "" {
				p.UnknownLevels++
			}
		}
	}
	return p
}
