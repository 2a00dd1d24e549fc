package demand

import (
	"context"
	"embed"
	"io/fs"
	"slices"

	"github.com/kizuki-security/kizuki/internal/office/policy"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this package; its tables are among those of the parent.
func Messages() fs.FS { return messages }

// Service holds the acts of this noun. It is safe for concurrent use.
type Service struct {
	db     *sqlite.DB
	facts  *fact.Store
	people *people.Service
	docs   *policy.Service
}

// New returns the service.
func New(db *sqlite.DB, facts *fact.Store, staff *people.Service, docs *policy.Service) *Service {
	return &Service{db: db, facts: facts, people: staff, docs: docs}
}

// List returns the list of laws, standards and customer demands, and the checks of it, newest first.
func (s *Service) List(ctx context.Context) (demands []Demand, checks []Check, err error) {
	if err := actor.From(ctx).Require(policy.PermRead); err != nil {
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

// Find returns one demand; problem code not_found.
func (s *Service) Find(ctx context.Context, key string) (d *Demand, err error) {
	if err := actor.From(ctx).Require(policy.PermRead); err != nil {
		return nil, err
	}
	err = s.db.Read(ctx, func(tx *sqlite.Tx) error {
		d, err = findDemand(ctx, tx, key)
		return err
	})
	return d, err
}

// Save adds a demand (empty key) or changes one.
func (s *Service) Save(ctx context.Context, d Demand) (key string, err error) {
	if err := actor.From(ctx).RequireWhole(policy.PermEdit); err != nil {
		return "", err
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		if err := d.Validate(jdate.Of(tx.Now)); err != nil {
			return err
		}
		if d.Document != "" {
			if _, err := s.docs.Document(ctx, tx, d.Document); err != nil {
				return err
			}
		}
		act := "demand.changed"
		if d.Key == "" {
			act = "demand.listed"
			if d.ListedOn.IsZero() {
				d.ListedOn = jdate.Of(tx.Now)
			}
			if err := insertDemand(ctx, tx, &d); err != nil {
				return err
			}
		} else {
			if _, err := findDemand(ctx, tx, d.Key); err != nil {
				return err
			}
			if err := updateDemand(ctx, tx, &d); err != nil {
				return err
			}
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
	if err := actor.From(ctx).RequireWhole(policy.PermEdit); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		var list problem.List
		if c.On.IsZero() {
			c.On = jdate.Of(tx.Now)
		} else if c.On.After(jdate.Of(tx.Now)) {
			list.Add(problem.Invalid("on", "demand.day.future"))
		}
		if len(c.Types) == 0 || slices.ContainsFunc(c.Types, func(t Type) bool { return !slices.Contains(Types(), t) }) {
			list.Add(problem.Invalid("types", "demand.check.types.choose"))
		}
		if c.Finding == "" {
			list.Add(problem.Invalid("finding", "demand.check.finding.required"))
		}
		if err := list.Err(); err != nil {
			return err
		}
		c.By = policy.Author(ctx)
		if err := insertCheck(ctx, tx, &c); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, "demand.checked", "check/"+c.Key, audit.Image{"types": c.Types, "on": c.On, "finding": c.Finding}); err != nil {
			return err
		}
		return s.facts.Put(ctx, tx, "check/"+c.Key, checkKinds, checkFacts(&c))
	})
}
