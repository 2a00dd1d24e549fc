package dossier

import (
	"context"
	"errors"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/personal"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Erase forgets what identifies a person who left, over the version that was seen. reason is one of Reasons while the
// retention still runs. It cannot be taken back. Codes: forbidden (also oneself), not_found, invalid, conflict.
func (s *Service) Erase(ctx context.Context, key string, version int64, reason string) error {
	err := s.db.Write(ctx, func(tx *sqlite.Tx) error {
		r, err := s.mayErase(ctx, tx, key)
		if err != nil {
			return err
		}
		if r.Person.Version != version {
			return problem.Conflict("people.changed_meanwhile")
		}
		if err := checkReason(r, reason); err != nil {
			return err
		}
		if r.State == Over {
			reason = ""
		}
		who, err := s.subject(ctx, tx, r.Person)
		if err != nil {
			return err
		}
		n := 0
		for _, src := range s.sources() {
			erased, err := src.Erase(ctx, tx, who)
			if err != nil {
				return err
			}
			n += erased
		}
		return audit.Record(ctx, tx, "people.erased", "people/"+key, audit.Image{
			"left_on": r.Person.Left, "due_on": r.Due, "days": r.Days, "reason": reason, "records": n,
		})
	})
	if err != nil {
		return err
	}
	for _, src := range s.sources() {
		if f, ok := src.(personal.Finisher); ok {
			err = errors.Join(err, f.Finish(ctx))
		}
	}
	return err
}

// mayErase is standing, for somebody who left and is not erased yet.
func (s *Service) mayErase(ctx context.Context, tx *sqlite.Tx, key string) (Report, error) {
	r, err := s.standing(ctx, tx, key)
	switch {
	case err != nil:
		return r, err
	case actor.From(ctx).SamePerson(key):
		return r, problem.Forbidden("personal.own")
	case r.State == Here:
		return r, problem.Conflict("personal.still_here")
	case r.State == Erased:
		return r, problem.Conflict("people.erased")
	default:
		return r, nil
	}
}

// auditLog is the audit log as a source. Rows stay; the values of the person beside them go.
type auditLog struct{}

func about(who personal.Subject) audit.About {
	a := audit.About{Objects: []string{"people/" + who.Person}, Names: who.Names, Values: who.Values}
	for _, key := range who.Accounts {
		a.Objects = append(a.Objects, "account/"+key)
	}
	return a
}

// Held counts values beside the log, and acts of the person.
func (auditLog) Held(ctx context.Context, tx *sqlite.Tx, who personal.Subject) ([]personal.Item, error) {
	values, since, err := audit.PersonalCount(ctx, tx, about(who))
	if err != nil {
		return nil, err
	}
	acts, first, err := audit.ActedCount(ctx, tx, who.Actors())
	return []personal.Item{
		{Key: "personal.held.audit_values", Count: values, On: jdate.Of(since)},
		{Key: "personal.held.audit_acts", Count: acts, On: jdate.Of(first), Retained: "personal.kept.audit"},
	}, err
}

// Erase forgets the values.
func (auditLog) Erase(ctx context.Context, tx *sqlite.Tx, who personal.Subject) (int, error) {
	return audit.ErasePersonal(ctx, tx, about(who))
}
