// Package question asks: 一問一答, where one item fills the screen; the same questions behind a link for an owner
// without an account; and on paper, with the page on which paper is copied in.
//
// Purpose comes first and the records' verdict only after the answer, so that it does not lead. The package imports
// assessment, which holds the types, the rules and the tables; it has no table of its own. Of a link it gives the
// holder nothing but the items of the person for whom it was made.
package question

import (
	"context"
	"embed"
	"io/fs"
	"slices"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this package.
func Messages() fs.FS { return messages }

// minutesPerItem is how long one item takes, for 「約10分」 on the page of a link. Ours.
const minutesPerItem = 1

// keepDays is the last day that the page suggests for an answer against the records, in days from today. Ours.
const keepDays = 90

// Sheet is what is asked of one framework.
type Sheet struct {
	Board *assessment.Board
	Items []*assessment.Item // in the order of the framework
}

// Sheet gives the items that are asked: those of only, a list as Outline.Select reads it; else those of the target;
// else, for a framework that is no target, all. Items that the actor may not answer are left out. Problem codes:
// forbidden, not_found, invalid for a list that names no item.
func (s *Service) Sheet(ctx context.Context, tx *sqlite.Tx, key, only string) (*Sheet, error) {
	b, err := s.main.Board(ctx, tx, key)
	if err != nil {
		return nil, err
	}
	items := b.Items
	if only != "" {
		if items, err = chosen(b, only); err != nil {
			return nil, err
		}
	} else {
		targets, err := s.main.Targets(ctx, tx)
		if err != nil {
			return nil, err
		}
		for _, t := range targets {
			if t.Board.Key() == key {
				items = t.Items()
			}
		}
	}
	sheet := &Sheet{Board: b}
	may := map[string]error{}
	for _, it := range items {
		owner := it.Meta.Owner
		if _, asked := may[owner]; !asked {
			may[owner] = s.main.MayAnswer(ctx, tx, owner)
		}
		switch err := may[owner]; {
		case err == nil:
			sheet.Items = append(sheet.Items, it)
		case problem.CodeOf(err) != problem.CodeForbidden:
			return nil, err
		}
	}
	return sheet, nil
}

func chosen(b *assessment.Board, only string) ([]*assessment.Item, error) {
	nodes, err := b.Select("", only)
	if err != nil {
		return nil, err
	}
	items := make([]*assessment.Item, len(nodes))
	for i, n := range nodes {
		items[i] = b.Item(n.ID)
	}
	return items, nil
}

// heldBy leaves the items that a person holds.
func (s *Sheet) heldBy(person string) *Sheet {
	held := slices.DeleteFunc(slices.Clone(s.Items), func(it *assessment.Item) bool { return it.Meta.Owner != person })
	return &Sheet{Board: s.Board, Items: held}
}

// Said says whether somebody answered the item in the round that is open; 分からない is an answer too.
func (s *Sheet) Said(it *assessment.Item) bool {
	return !s.Board.Round.Locked() && (it.Answer != nil || it.AnswerValue != verdict.Unanswered)
}

// Locked is the round in which nothing can be answered any more, nil when answers are taken.
func (s *Sheet) Locked() *assessment.Round {
	if r := s.Board.Round; r.Locked() && !r.To.Before(s.Board.Today) {
		return r
	}
	return nil
}

// Answered counts the items that were answered.
func (s *Sheet) Answered() int {
	n := 0
	for _, it := range s.Items {
		if s.Said(it) {
			n++
		}
	}
	return n
}

// Open gives the items whose value nobody knows yet: not asked, and 分からない.
func (s *Sheet) Open() (unasked, unknown []*assessment.Item) {
	for _, it := range s.Items {
		switch {
		case !s.Said(it):
			unasked = append(unasked, it)
		case it.AnswerValue == verdict.Unanswered:
			unknown = append(unknown, it)
		}
	}
	return unasked, unknown
}

// place is where an item stands, -1 when it is not asked.
func (s *Sheet) place(id string) int {
	return slices.IndexFunc(s.Items, func(it *assessment.Item) bool { return it.Node.ID == id })
}

// first is the first item that was not answered, nil when all were.
func (s *Sheet) first() *assessment.Item { return s.after(-1) }

// after is the next item that was not answered, from the top again when there is none below; nil when all were.
func (s *Sheet) after(place int) *assessment.Item {
	for i := range s.Items {
		it := s.Items[(place+1+i)%len(s.Items)]
		if !s.Said(it) {
			return it
		}
	}
	return nil
}

// unmet lists the clauses that the records call 未達成 and that an answer at the item would speak for.
func unmet(it *assessment.Item) []*assessment.Clause {
	return slices.DeleteFunc(slices.Clone(it.Clauses), func(c *assessment.Clause) bool {
		return c.Answer != nil || c.Verdict.Result != verdict.Unmet
	})
}

// against says whether a refused answer 達成 contradicts the records: then the page asks what to do.
func against(err error) bool {
	return slices.ContainsFunc(problem.All(err), func(p *problem.Error) bool {
		return p.Key == "assessment.answer.against_reason" || p.Key == "assessment.answer.against_expires" || p.Key == "assessment.answer.expires_range"
	})
}
