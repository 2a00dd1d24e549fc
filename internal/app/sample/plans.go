package sample

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/request"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

// planPlans writes down actions, what customers ask for, and files that prove an item.
func (b *builder) planPlans() error {
	for _, a := range b.content.sheets.Actions {
		made, err := b.past(a.Made)
		if err != nil {
			return err
		}
		due, err := b.day(a.Due)
		if err != nil {
			return err
		}
		b.add(made, "action "+a.Title, func(ctx context.Context) error {
			action := assessment.Action{Title: a.Title, Owner: b.staff[a.Owner].Key, Due: due, Note: a.Note}
			for _, item := range a.Items {
				action.Targets = append(action.Targets, assessment.ActionTarget{Framework: b.content.sheets.Frameworks[a.Framework], Item: item})
			}
			_, err := b.Assess.SaveAction(b.inCharge(ctx), action)
			return err
		})
	}
	for _, p := range b.content.sheets.Proofs {
		on, err := b.past(p.On)
		if err != nil {
			return err
		}
		b.add(on, "proof "+p.Name, func(ctx context.Context) error {
			up, err := scan(p.Name, on, false)
			if err != nil {
				return err
			}
			up.Note = p.Note
			return b.Assess.Attach(b.inCharge(ctx), b.Files, b.content.sheets.Frameworks[p.Framework], p.Item, up)
		})
	}
	for _, r := range b.content.sheets.Requests {
		if err := b.planRequest(r); err != nil {
			return err
		}
	}
	return nil
}

// planRequest writes down a request that may come again each year with a new deadline.
func (b *builder) planRequest(r requestRow) error {
	key := ""
	for _, asked := range r.Asked {
		on, err := b.past(asked.On)
		if err != nil {
			return err
		}
		deadline, err := b.day(asked.Deadline)
		if err != nil {
			return err
		}
		b.add(on, "request of "+r.Customer, func(ctx context.Context) (err error) {
			in := request.Request{
				Key: key, Customer: r.Customer, Framework: b.content.sheets.Frameworks[r.Framework], Level: r.Level, Mean: r.Mean,
				Deadline: deadline, Form: r.Form, Note: r.Note,
			}
			if key != "" {
				err = b.DB.Read(ctx, func(tx *sqlite.Tx) error {
					stored, err := b.Requests.ByKey(ctx, tx, key)
					if err == nil {
						in.Version = stored.Version
					}
					return err
				})
			}
			if err != nil {
				return err
			}
			key, err = b.Requests.Save(b.inCharge(ctx), in)
			return err
		})
	}
	for _, e := range r.Events {
		on, err := b.past(e.On)
		if err != nil {
			return err
		}
		b.add(on, "answer to "+r.Customer, func(ctx context.Context) error {
			return b.Requests.AddEvent(b.inCharge(ctx), key, request.Event{On: on, What: e.What, How: e.How, Note: e.Note}, nil)
		})
	}
	return nil
}
