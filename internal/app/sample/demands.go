package sample

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/office/policy/demand"
)

func (b *builder) planDemands() error {
	for _, d := range b.content.rules.Demands {
		listed, err := b.past(d.Listed)
		if err != nil {
			return err
		}
		key := ""
		in := demand.Demand{Type: d.Type, Title: d.Title, Issuer: d.Issuer, Gist: d.Gist}
		b.add(listed, "demand "+d.Title, func(ctx context.Context) (err error) {
			key, err = b.Demands.Save(b.inCharge(ctx), in)
			return err
		})
		if d.Document == "" {
			continue
		}
		reflected, err := b.past(d.Reflected)
		if err != nil {
			return err
		}
		b.add(max(listed, reflected), "demand reflected "+d.Title, func(ctx context.Context) error {
			stored, err := b.Demands.Find(ctx, key)
			if err != nil {
				return err
			}
			stored.Document, stored.ReflectedOn = b.document(d.Document), reflected
			_, err = b.Demands.Save(b.inCharge(ctx), *stored)
			return err
		})
	}
	for _, c := range b.content.rules.Checks {
		on, err := b.past(c.On)
		if err != nil {
			return err
		}
		b.add(on, "check of demands", func(ctx context.Context) error {
			return b.Demands.AddCheck(b.as(ctx, c.By), demand.Check{On: on, Types: c.Types, Finding: c.Finding})
		})
	}
	return nil
}

// document gives the key of a document by its id, "" before it is there.
func (b *builder) document(id string) string {
	for _, d := range b.content.rules.Documents {
		if d.ID == id {
			return d.key
		}
	}
	return ""
}
