package sample

import (
	"context"
	"slices"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// answer gives a sheetful of answers. Where the records already say 未達成, nobody of this company claims 達成
// in passing: such an item stays open.
func (b *builder) answer(ctx context.Context, a answersRow) error {
	key := b.content.sheets.Frameworks[a.Framework]
	return b.DB.Write(ctx, func(tx *sqlite.Tx) error {
		board, err := b.Assess.Board(ctx, tx, key)
		if err != nil {
			return err
		}
		var in []assessment.NewAnswer
		for _, row := range a.Items {
			item := board.Item(row.Item)
			if item != nil && row.value() == verdict.Met && slices.ContainsFunc(item.Clauses, unmet) {
				continue
			}
			in = append(in, assessment.NewAnswer{Node: row.Item, Value: row.value(), Note: row.Note, Reason: row.Reason})
		}
		_, _, err = b.Assess.PutItemAnswers(ctx, tx, key, assessment.WayAsk, in)
		return err
	})
}

func unmet(c *assessment.Clause) bool { return c.Verdict.Result == verdict.Unmet && c.Answer == nil }

// contradict answers 達成 at clauses where the records say 未達成, with a reason and a last day.
func (b *builder) contradict(ctx context.Context, on jdate.Day) error {
	rows := &b.content.sheets.Against
	key := b.content.sheets.Frameworks[rows.Framework]
	for _, row := range rows.Items {
		err := b.DB.Write(ctx, func(tx *sqlite.Tx) error {
			board, err := b.Assess.Board(ctx, tx, key)
			if err != nil {
				return err
			}
			clauses := board.Item(row.Item).Clauses
			i := slices.IndexFunc(clauses, func(c *assessment.Clause) bool {
				return unmet(c) && (row.Reads == "" || slices.Contains(c.Kinds(b.Catalog.Table), row.Reads))
			})
			if i < 0 { // early in a year nothing is missing yet
				return nil
			}
			return b.Assess.PutAnswers(ctx, tx, key, row.Item, assessment.WayPage, []assessment.NewAnswer{{
				Node: clauses[i].ID, Value: verdict.Met, Reason: row.Reason, Expires: on.Add(rows.Days),
			}})
		})
		if err != nil {
			return err
		}
	}
	return nil
}
