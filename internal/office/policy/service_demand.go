package policy

import (
	"context"
	"strconv"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Demands returns the list of laws, standards and customer demands, and the checks of it, newest first.
func (s *Service) Demands(ctx context.Context) (demands []Demand, checks []Check, err error) {
	if err := actor.From(ctx).Require(PermRead); err != nil {
		return nil, nil, err
	}
	err = s.db.Read(ctx, func(tx *sqlite.Tx) error {
		if demands, err = findDemands(ctx, tx, ""); err != nil {
			return err
		}
		checks, err = findChecks(ctx, tx)
		return err
	})
	return demands, checks, err
}

// FindDemand returns one demand; problem code not_found.
func (s *Service) FindDemand(ctx context.Context, key string) (d *Demand, err error) {
	if err := actor.From(ctx).Require(PermRead); err != nil {
		return nil, err
	}
	err = s.db.Read(ctx, func(tx *sqlite.Tx) error {
		d, err = findDemand(ctx, tx, key)
		return err
	})
	return d, err
}

// SaveDemand adds a demand (empty key) or changes one.
func (s *Service) SaveDemand(ctx context.Context, d Demand) (key string, err error) {
	if err := actor.From(ctx).Require(PermEdit); err != nil {
		return "", err
	}
	if err := d.Validate(); err != nil {
		return "", err
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		if d.Document != "" {
			if _, err := findDocument(ctx, tx, d.Document); err != nil {
				return err
			}
		}
		act := "policy.demand_changed"
		if d.Key == "" {
			act = "policy.demand_listed"
			if d.ListedOn.IsZero() {
				d.ListedOn = jdate.Of(tx.Now)
			}
			if err := insertDemand(ctx, tx, &d); err != nil {
				return err
			}
		} else if err := updateDemand(ctx, tx, &d); err != nil {
			return err
		}
		key = d.Key
		err := audit.Record(ctx, tx, act, "demand/"+d.Key, audit.Image{
			"type": d.Type, "title": d.Title, "issuer": d.Issuer, "gist": d.Gist, "document": d.Document, "reflected_on": d.ReflectedOn, "ended_on": d.EndedOn,
		})
		if err != nil {
			return err
		}
		stored, err := findDemand(ctx, tx, d.Key)
		if err != nil {
			return err
		}
		return s.facts.Put(ctx, tx, "demand/"+d.Key, demandKinds, demandFacts(stored))
	})
	return key, err
}

// AddCheck records that the list was looked through for changes.
func (s *Service) AddCheck(ctx context.Context, c Check) error {
	if err := actor.From(ctx).Require(PermEdit); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		var list problem.List
		if c.On.IsZero() {
			c.On = jdate.Of(tx.Now)
		} else if c.On.After(jdate.Of(tx.Now)) {
			list.Add(problem.Invalid("on", "policy.day.future"))
		}
		if len(c.Types) == 0 {
			list.Add(problem.Invalid("types", "policy.check.types.choose"))
		}
		if c.Finding == "" {
			list.Add(problem.Invalid("finding", "policy.check.finding.required"))
		}
		if err := list.Err(); err != nil {
			return err
		}
		c.By = author(ctx)
		if err := insertCheck(ctx, tx, &c); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, "policy.demands_checked", "check/"+c.Key, audit.Image{"types": c.Types, "on": c.On, "finding": c.Finding}); err != nil {
			return err
		}
		return s.facts.Put(ctx, tx, "check/"+c.Key, checkKinds, checkFacts(&c))
	})
}

func versionText(n int) string { return strconv.Itoa(n) }
