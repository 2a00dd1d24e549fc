package sample

import (
	"context"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/office/policy"
	"github.com/kizuki-security/kizuki/internal/office/policy/demand"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// rules is content/rules.yaml.
type rules struct {
	Documents []*documentRow
	Demands   []demandRow
	Checks    []checkRow
}

type documentRow struct {
	ID, Title, Owner string
	Type             policy.Type
	Topics           []string
	Editions         []editionRow
	Notices          []noticeRow
	Reviews          []reviewRow

	key string // once created
}

type editionRow struct {
	Author, Approver, Asked string
	Drafted, Approved       when
	Way                     policy.Way
	Body, Note              string
}

type noticeRow struct {
	On      when
	Way     policy.Way
	Place   string
	Missing *int
}

type reviewRow struct {
	On             when
	By, Considered string
}

type demandRow struct {
	Type                demand.Type
	Title, Issuer, Gist string
	Document            string
	Listed, Reflected   when
}

type checkRow struct {
	On          when
	By, Finding string
	Types       []demand.Type
}

func (b *builder) planRules() error {
	for _, d := range b.content.rules.Documents {
		for i := range d.Editions {
			if err := b.planEdition(d, &d.Editions[i]); err != nil {
				return err
			}
		}
		for _, n := range d.Notices {
			on, err := b.past(n.On)
			if err != nil {
				return err
			}
			b.add(on, "notice of "+d.Title, func(ctx context.Context) error { return b.notify(ctx, d, n, on) })
		}
		for _, r := range d.Reviews {
			on, err := b.past(r.On)
			if err != nil {
				return err
			}
			b.add(on, "review of "+d.Title, func(ctx context.Context) error {
				return b.Policy.AddReview(b.as(ctx, r.By), d.key, policy.Review{On: on, Result: "unchanged", Considered: r.Considered})
			})
		}
	}
	return b.planDemands()
}

func (b *builder) planEdition(d *documentRow, e *editionRow) error {
	drafted, err := b.past(e.Drafted)
	if err != nil {
		return err
	}
	b.add(drafted, "draft of "+d.Title, func(ctx context.Context) error { return b.draft(b.as(ctx, e.Author), d, e) })
	if e.Asked != "" {
		b.add(drafted, "approval is asked for "+d.Title, func(ctx context.Context) error {
			_, err := b.Policy.AskApproval(b.as(ctx, e.Author), d.key, b.staff[e.Asked].Key)
			return err
		})
	}
	if e.Approved == "" {
		return nil
	}
	approved, err := b.past(e.Approved)
	if err != nil {
		return err
	}
	b.add(approved, "approval of "+d.Title, func(ctx context.Context) error { return b.approve(ctx, d, e, approved) })
	return nil
}

func (b *builder) draft(ctx context.Context, d *documentRow, e *editionRow) (err error) {
	in := policy.Draft{
		Type: d.Type, Title: d.Title, Topics: d.Topics, Owner: b.staff[d.Owner].Key, Body: e.Body, ChangeNote: e.Note,
	}
	if d.key == "" {
		d.key, err = b.Policy.Create(ctx, in)
		return err
	}
	stored, err := b.Policy.Find(ctx, d.key)
	if err != nil {
		return err
	}
	in.Version = stored.Version
	return b.Policy.SaveDraft(ctx, d.key, in)
}

func (b *builder) approve(ctx context.Context, d *documentRow, e *editionRow, on jdate.Day) error {
	if e.Way != policy.WaySealed {
		return b.Policy.Approve(b.as(ctx, e.Approver), d.key, policy.Approval{EffectiveOn: on})
	}
	page, err := scan(fmt.Sprintf("%s_%s.png", d.Title, on), on, true)
	if err != nil {
		return err
	}
	return b.Policy.ApproveSealed(b.as(ctx, e.Author), d.key, policy.Approval{Approver: b.staff[e.Approver].Key, On: on}, page)
}

func (b *builder) notify(ctx context.Context, d *documentRow, n noticeRow, on jdate.Day) (err error) {
	in := policy.NewNotice{Way: n.Way, On: on, Place: n.Place}
	if n.Way == policy.WayRoster {
		in.People = b.keys(b.audience(on, "all", n.Missing, nil))
	}
	if n.Way == policy.WayRoster || n.Way == policy.WayPosted {
		if in.Scan, err = scan(fmt.Sprintf("%s_%s_%s.png", d.Title, n.Way, on), on, false); err != nil {
			return err
		}
	}
	_, _, err = b.Policy.Notify(b.as(ctx, b.content.Roles.InCharge), d.key, in)
	return err
}
