package training

import (
	"context"
	"embed"
	"io/fs"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/within"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Migrations returns the tables of this feature.
func Migrations() sqlite.Migration { return sqlite.Migration{Feature: "training", FS: migrations} }

// Messages returns the texts of this feature.
func Messages() fs.FS { return messages }

// Service holds the acts of this feature. It is safe for concurrent use.
type Service struct {
	db     *sqlite.DB
	facts  *fact.Store
	attach *attach.Store
	org    *org.Service
	people *people.Service
	topics []string
}

// New returns the service. topics are the keys of catalog/kinds.yaml, in their order.
func New(db *sqlite.DB, facts *fact.Store, files *attach.Store, company *org.Service, staff *people.Service, topics []string) *Service {
	return &Service{db: db, facts: facts, attach: files, org: company, people: staff, topics: topics}
}

// List returns sessions, newest first, with those attendances of which the actor may know.
func (s *Service) List(ctx context.Context, f Filter) (out []*Session, err error) {
	if err := actor.From(ctx).Require(PermRead); err != nil {
		return nil, err
	}
	err = s.db.Read(ctx, func(tx *sqlite.Tx) error {
		if out, err = findSessions(ctx, tx, f); err != nil {
			return err
		}
		known, err := within.Of(ctx, tx, s.people)
		for _, session := range out {
			session.hide(known)
		}
		return err
	})
	return out, err
}

// Find returns one session, with those attendances of which the actor may know; problem code not_found.
func (s *Service) Find(ctx context.Context, key string) (out *Session, err error) {
	if err := actor.From(ctx).Require(PermRead); err != nil {
		return nil, err
	}
	err = s.db.Read(ctx, func(tx *sqlite.Tx) error {
		if out, err = findSession(ctx, tx, key); err != nil {
			return err
		}
		known, err := within.Of(ctx, tx, s.people)
		out.hide(known)
		return err
	})
	return out, err
}

// Session is Find inside a transaction, with everybody and without a permission.
func (s *Service) Session(ctx context.Context, tx *sqlite.Tx, key string) (*Session, error) {
	return findSession(ctx, tx, key)
}

// Save adds a session (empty key) or changes one; Version guards against a second person. Whoever is in charge of
// departments alone adds the training of those, and changes no other: code forbidden.
func (s *Service) Save(ctx context.Context, session Session) (key string, err error) {
	if err := actor.From(ctx).Require(PermEdit); err != nil {
		return "", err
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		if err := session.Validate(s.topics, jdate.Of(tx.Now)); err != nil {
			return err
		}
		act := "training.changed"
		if session.Key == "" {
			act = "training.recorded"
			session.Departments = actor.From(ctx).Scope
			if err := insertSession(ctx, tx, &session); err != nil {
				return err
			}
		} else if err := s.change(ctx, tx, &session); err != nil {
			return err
		}
		key = session.Key
		return s.after(ctx, tx, key, act, audit.Image{
			"title": session.Title, "on": session.On, "topics": session.Topics, "method": session.Method, "content": session.Content, "teacher": audit.Personal(session.Teacher), "departments": session.Departments,
		})
	})
	return key, err
}

// change saves a session that exists. When its day is corrected, who took part did so on the corrected day.
func (s *Service) change(ctx context.Context, tx *sqlite.Tx, session *Session) error {
	old, err := findSession(ctx, tx, session.Key)
	if err != nil {
		return err
	}
	if !old.Keeps(actor.From(ctx)) {
		return problem.Forbidden("actor.whole_company")
	}
	session.Departments = old.Departments
	for _, r := range old.Reflections {
		if r.On.Before(session.On) {
			return problem.Invalid("on", "training.on.after_reflection", "on", r.On)
		}
	}
	if err := updateSession(ctx, tx, session); err != nil {
		return err
	}
	if old.On == session.On {
		return nil
	}
	return moveAttendance(ctx, tx, old.ID, old.On, session.On)
}

// Ways in which attendance became known.
const (
	WayFile  = "file"  // a roster as a file
	WaySheet = "sheet" // a signed sheet
	WayHand  = "hand"  // ticked on screen
)

// Attend notes who took part, with the signed sheet or roster file as attachment when there is one. It
// returns how many were new.
func (s *Service) Attend(ctx context.Context, key string, persons []string, way string, scan attach.Upload) (added int, err error) {
	if err := actor.From(ctx).Require(PermEdit); err != nil {
		return 0, err
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		session, err := findSession(ctx, tx, key)
		if err != nil {
			return err
		}
		var list problem.List
		if len(persons) == 0 {
			list.Add(problem.Invalid("people", "training.people.choose"))
		}
		if way == WaySheet && len(scan.Data) == 0 {
			list.Add(problem.Invalid("scan", "training.scan.required"))
		}
		if err := list.Err(); err != nil {
			return err
		}
		for _, p := range persons {
			person, err := s.people.ByKey(ctx, tx, p)
			if err == nil {
				err = actor.From(ctx).RequireScope(person.Department)
			}
			if err != nil {
				return err
			}
			fresh, err := insertAttendance(ctx, tx, session.ID, Attendance{Person: p, Class: person.Class, On: session.On, Way: way})
			if err != nil {
				return err
			}
			if fresh {
				added++
			}
		}
		image := audit.Image{"people": persons, "way": way}
		if len(scan.Data) > 0 {
			scan.Record = record(key)
			kept, err := s.attach.Add(ctx, tx, scan)
			if err != nil {
				return err
			}
			image["attachment"] = kept.Key
		}
		return s.after(ctx, tx, key, "training.attended", image)
	})
	return added, err
}

// Unattend takes back an attendance that was noted by mistake.
func (s *Service) Unattend(ctx context.Context, key, person string) error {
	if err := actor.From(ctx).Require(PermEdit); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		session, err := findSession(ctx, tx, key)
		if err != nil {
			return err
		}
		known, err := within.Of(ctx, tx, s.people)
		if err != nil {
			return err
		}
		if session.hide(known); !session.Attended(person) {
			return problem.Conflict("training.not_attended")
		}
		if err := deleteAttendance(ctx, tx, session.ID, person); err != nil {
			return err
		}
		return s.after(ctx, tx, key, "training.unattended", audit.Image{"person": person})
	})
}

// Reflect records what was found after a session and what changes next time.
func (s *Service) Reflect(ctx context.Context, key string, r Reflection) error {
	who := actor.From(ctx)
	if err := who.Require(PermEdit); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		session, err := findSession(ctx, tx, key)
		if err != nil {
			return err
		}
		if !session.Keeps(who) {
			return problem.Forbidden("actor.whole_company")
		}
		var list problem.List
		switch {
		case r.On.IsZero():
			r.On = jdate.Of(tx.Now)
		case r.On.After(jdate.Of(tx.Now)):
			list.Add(problem.Invalid("on", "training.on.future"))
		case r.On.Before(session.On):
			list.Add(problem.Invalid("on", "training.reflection.too_early", "on", session.On))
		}
		if r.Found == "" {
			list.Add(problem.Invalid("found", "training.reflection.found.required"))
		}
		if r.NextTime == "" {
			list.Add(problem.Invalid("next_time", "training.reflection.next.required"))
		}
		if err := list.Err(); err != nil {
			return err
		}
		r.By = who.Person
		if err := insertReflection(ctx, tx, session.ID, &r); err != nil {
			return err
		}
		return s.after(ctx, tx, key, "training.reflected", audit.Image{"on": r.On, "found": r.Found, "next_time": r.NextTime})
	})
}

// after closes an act: the audit row, then the facts that the session gives now.
func (s *Service) after(ctx context.Context, tx *sqlite.Tx, key, act string, image audit.Image) error {
	if err := audit.Record(ctx, tx, act, record(key), image); err != nil {
		return err
	}
	session, err := findSession(ctx, tx, key)
	if err != nil {
		return err
	}
	return s.facts.Put(ctx, tx, record(key), kinds, sessionFacts(session))
}
