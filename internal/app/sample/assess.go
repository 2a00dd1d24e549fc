package sample

import (
	"context"
	"fmt"
	"slices"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

func (b *builder) planRounds() error {
	s := &b.content.sheets
	imported, err := b.past(s.LastYear.On)
	if err != nil {
		return err
	}
	b.add(imported, "last year's sheet is brought in", b.bringIn)
	for _, r := range s.Rounds {
		on, err := b.past(r.On)
		if err != nil {
			return err
		}
		b.opened[r.Framework] = on
		b.add(on, "a round opens", func(ctx context.Context) error { return b.open(b.inCharge(ctx), s.Frameworks[r.Framework]) })
		b.addOwners(on, r.Framework)
	}
	return nil
}

// bringIn takes in last year's check sheet in the order of the framework.
func (b *builder) bringIn(ctx context.Context) error {
	last := b.content.sheets.LastYear
	key := b.content.sheets.Frameworks[last.Framework]
	var items []assessment.PastItem
	for _, node := range b.Catalog.Key(key).Items() {
		if value, ok := last.Values[node.ID]; ok {
			items = append(items, assessment.PastItem{Item: node.ID, Value: verdict.Value(value)})
		}
	}
	if len(items) != len(last.Values) {
		return fmt.Errorf("last year's sheet names %d items that %s does not have", len(last.Values)-len(items), key)
	}
	return b.DB.Write(ctx, func(tx *sqlite.Tx) error {
		round, err := b.suggested(ctx, tx, key, b.yearStart(-1))
		if err != nil {
			return err
		}
		_, err = b.Assess.ImportRound(b.inCharge(ctx), tx, round, items)
		return err
	})
}

func (b *builder) suggested(ctx context.Context, tx *sqlite.Tx, key string, on jdate.Day) (assessment.NewRound, error) {
	company, err := b.Assess.Company(ctx, tx)
	return b.Assess.SuggestRound(key, company, on), err
}

func (b *builder) open(ctx context.Context, key string) error {
	var round assessment.NewRound
	err := b.DB.Read(ctx, func(tx *sqlite.Tx) (err error) {
		round, err = b.suggested(ctx, tx, key, b.today)
		return err
	})
	if err != nil {
		return err
	}
	_, err = b.Assess.OpenRound(ctx, round)
	return err
}

// addOwners names owners and planned days of the items of one framework, all in one act.
func (b *builder) addOwners(on jdate.Day, framework string) {
	b.add(on, "items get owners", func(ctx context.Context) error {
		metas := map[string]assessment.ItemMeta{}
		for _, o := range b.content.sheets.Owners {
			if o.Framework != framework {
				continue
			}
			planned, err := b.day(o.Planned)
			if err != nil {
				return err
			}
			for _, item := range o.Items {
				metas[item] = assessment.ItemMeta{Owner: b.staff[o.By].Key, PlannedOn: planned, Note: o.Note}
			}
		}
		return b.DB.Write(ctx, func(tx *sqlite.Tx) error {
			return b.Assess.PutItemMetas(b.inCharge(ctx), tx, b.content.sheets.Frameworks[framework], metas)
		})
	})
}

func (b *builder) planAnswers() error {
	s := &b.content.sheets
	var judged []jdate.Day
	for n := range monthEnds {
		judged = append(judged, b.monthEnd(n+1))
	}
	judge := func(on jdate.Day) { // answers stand beside what the records say on that day
		if !slices.Contains(judged, on) {
			judged = append(judged, on)
			b.add(on, "the day is judged", b.judge)
		}
	}
	for _, a := range s.Answers {
		on, err := b.past(a.On)
		if err != nil {
			return err
		}
		on = max(on, b.opened[a.Framework])
		judge(on)
		b.add(on, "answers", func(ctx context.Context) error { return b.answer(b.as(ctx, a.By), a) })
	}
	for _, c := range s.Confirmed {
		on, err := b.past(c.On)
		if err != nil {
			return err
		}
		on = max(on, b.opened[c.Framework])
		judge(on)
		b.add(on, "what the records propose", func(ctx context.Context) error {
			for _, item := range c.Items {
				if _, err := b.Assess.ConfirmProposed(b.inCharge(ctx), s.Frameworks[c.Framework], item); err != nil {
					return err
				}
			}
			return nil
		})
	}
	on, err := b.past(s.Against.On)
	if err != nil {
		return err
	}
	on = max(on, b.opened[s.Against.Framework])
	judge(on)
	b.add(on, "answers against the records", func(ctx context.Context) error { return b.contradict(b.as(ctx, s.Against.By), on) })
	return nil
}
