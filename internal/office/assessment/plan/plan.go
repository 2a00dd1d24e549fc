// Package plan is what is agreed about time: the rounds of self-assessment (回), opened and locked, and the actions
// (対応) that say who closes which clauses by when.
//
// It imports assessment, which holds the types, the rules and the tables; it has no table of its own.
package plan

import (
	"cmp"
	"context"
	"embed"
	"io/fs"
	"slices"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this package.
func Messages() fs.FS { return messages }

// suggest gives the round to open next for a framework: the fiscal year that holds today, or the one after a round
// that was already kept here for it.
func suggest(svc *assessment.Service, key string, company assessment.Company, rounds []*assessment.Round, today jdate.Day) assessment.NewRound {
	next := svc.SuggestRound(key, company, today)
	taken := func() bool {
		return slices.ContainsFunc(rounds, func(r *assessment.Round) bool {
			return r.Framework == key && !r.Imported && r.FiscalYear == next.FiscalYear
		})
	}
	for taken() {
		next = svc.SuggestRound(key, company, next.To.Add(1))
	}
	return next
}

// result is what one item of a round is worth.
type result struct {
	item   string           // id
	board  *assessment.Item // nil: the catalogue no longer has it
	state  verdict.Result
	value  int // from records and answers
	answer int // what the sheet carries
}

// tally counts the results of a round.
type tally struct {
	items, answered, met, part, unmet, unknown, na int
}

func count(results []result) tally {
	t := tally{items: len(results)}
	for _, r := range results {
		if r.answer != int(verdict.Unanswered) {
			t.answered++
		}
		switch r.state {
		case verdict.Met:
			t.met++
		case verdict.Part:
			t.part++
		case verdict.Unmet:
			t.unmet++
		case verdict.NA:
			t.na++
		default:
			t.unknown++
		}
	}
	return t
}

// resultsOf gives the results of a round: the kept ones of a locked round, those of today of an open one.
func resultsOf(ctx context.Context, tx *sqlite.Tx, svc *assessment.Service, round *assessment.Round) ([]result, error) {
	b, err := svc.Board(ctx, tx, round.Framework)
	if err != nil && problem.CodeOf(err) != problem.CodeNotFound {
		return nil, err
	}
	var out []result
	if !round.Locked() {
		for _, it := range itemsOf(b) {
			out = append(out, result{it.Node.ID, it, it.State, int(it.Value), int(it.AnswerValue)})
		}
		return out, nil
	}
	kept, err := svc.Results(ctx, tx, round)
	if err != nil {
		return nil, err
	}
	for _, it := range itemsOf(b) {
		if p, has := kept[it.Node.ID]; has {
			out = append(out, result{it.Node.ID, it, p.State, p.Value, p.AnswerValue})
			delete(kept, it.Node.ID)
		}
	}
	known := len(out)
	for id, p := range kept {
		out = append(out, result{id, nil, p.State, p.Value, p.AnswerValue})
	}
	slices.SortFunc(out[known:], func(a, b result) int { return cmp.Compare(a.item, b.item) })
	return out, nil
}

func itemsOf(b *assessment.Board) []*assessment.Item {
	if b == nil {
		return nil
	}
	return b.Items
}
