package request

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Service keeps requests. It is safe for concurrent use.
type Service struct {
	db    *sqlite.DB
	main  *assessment.Service
	files *attach.Store
}

// New returns the service. files keeps what was sent; nil leaves attachments out.
func New(db *sqlite.DB, main *assessment.Service, files *attach.Store) *Service {
	return &Service{db: db, main: main, files: files}
}

// List returns all requests: open ones first, by deadline. Problem code forbidden.
func (s *Service) List(ctx context.Context, tx *sqlite.Tx) ([]*Request, error) {
	if err := actor.From(ctx).Require(assessment.PermRead); err != nil {
		return nil, err
	}
	return find(ctx, tx, "")
}

// ByKey finds one request; problem codes forbidden, not_found.
func (s *Service) ByKey(ctx context.Context, tx *sqlite.Tx, key string) (*Request, error) {
	if err := actor.From(ctx).Require(assessment.PermRead); err != nil {
		return nil, err
	}
	return one(ctx, tx, key)
}

func one(ctx context.Context, tx *sqlite.Tx, key string) (*Request, error) {
	list, err := find(ctx, tx, key)
	if err != nil {
		return nil, err
	}
	if key == "" || len(list) == 0 {
		return nil, problem.NotFound("request.not_found")
	}
	return list[0], nil
}

// Next is the open request with the nearest deadline, one that has passed included; nil when there is none. It asks
// for no permission: the first page counts the days to it.
func (s *Service) Next(ctx context.Context, tx *sqlite.Tx) (*Request, error) { return Next(ctx, tx) }

// Next is Service.Next for those who have no service.
func Next(ctx context.Context, tx *sqlite.Tx) (*Request, error) {
	list, err := find(ctx, tx, "")
	if err != nil {
		return nil, err
	}
	for _, r := range list {
		if r.Open() && !r.Deadline.IsZero() {
			return r, nil
		}
	}
	return nil, nil
}

// AddFirst notes the request that the set-up asked about. framework is a key ("jama-japia@2.3") or an id, which means
// its newest version; level is the highest level asked for, "" for all. It asks for no permission: the caller is the
// set-up, which runs once. Problem code invalid.
func (s *Service) AddFirst(ctx context.Context, tx *sqlite.Tx, customer string, due jdate.Day, framework, level string) error {
	f := s.main.Catalog().Key(framework)
	if f == nil {
		f = s.main.Catalog().Latest(framework)
	}
	if f == nil {
		return problem.Invalid("framework", "web.choose")
	}
	_, err := s.save(ctx, tx, Request{Customer: customer, Framework: f.Key(), Level: level, Deadline: due})
	return err
}

// Save makes a new request (Version 0) or changes one, and returns its key. Problem codes: invalid, conflict,
// forbidden.
func (s *Service) Save(ctx context.Context, r Request) (string, error) {
	if err := actor.From(ctx).RequireWhole(assessment.PermRequest); err != nil {
		return "", err
	}
	var key string
	err := s.db.Write(ctx, func(tx *sqlite.Tx) (err error) {
		key, err = s.save(ctx, tx, r)
		return err
	})
	return key, err
}

func (s *Service) save(ctx context.Context, tx *sqlite.Tx, r Request) (string, error) {
	outline, err := s.main.Outline(ctx, tx, r.Framework)
	if err != nil && problem.CodeOf(err) != problem.CodeNotFound {
		return "", err
	}
	if err := r.check(outline); err != nil {
		return "", err
	}
	act := "request.changed"
	if r.Version == 0 {
		r.Key, act = tx.NewKey(), "request.made"
	}
	if err := put(ctx, tx, &r, actor.From(ctx).ID()); err != nil {
		return "", err
	}
	return r.Key, audit.Record(ctx, tx, act, "assessment/request/"+r.Key, audit.Image{
		"customer": r.Customer, "framework": r.Framework, "level": r.Level, "items": r.Items, "mean": r.Mean,
		"deadline": r.Deadline.String(), "form": r.Form, "note": audit.Personal(r.Note),
	})
}

// AddEvent notes what was sent or agreed, with a file when there is one. Problem codes: invalid (fields on, what),
// not_found, forbidden, and those of the register of attachments.
func (s *Service) AddEvent(ctx context.Context, key string, e Event, file *attach.Upload) error {
	if err := actor.From(ctx).RequireWhole(assessment.PermRequest); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		var found problem.List
		if e.What == "" {
			found.Add(problem.Invalid("what", "request.what_needed"))
		}
		switch {
		case e.On.IsZero():
			found.Add(problem.Invalid("on", "request.on_needed"))
		case e.On.After(jdate.Of(tx.Now)):
			found.Add(problem.Invalid("on", "request.on_ahead"))
		}
		if err := found.Err(); err != nil {
			return err
		}
		r, err := one(ctx, tx, key)
		if err != nil {
			return err
		}
		e.Key, e.By = tx.NewKey(), actor.From(ctx).ID()
		if file != nil && s.files != nil {
			file.Record = "assessment/request/" + key
			kept, err := s.files.Add(ctx, tx, *file)
			if err != nil {
				return err
			}
			e.Attachment = kept.Key
		}
		if err := insertEvent(ctx, tx, r.ID, e); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "request.event_noted", "assessment/request/"+key, audit.Image{
			"on": e.On.String(), "what": e.What, "how": e.How, "attachment": e.Attachment, "note": audit.Personal(e.Note),
		})
	})
}

// Close ends a request today, or opens it again.
func (s *Service) Close(ctx context.Context, key string, version int, closed bool) error {
	if err := actor.From(ctx).RequireWhole(assessment.PermRequest); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		if _, err := one(ctx, tx, key); err != nil {
			return err
		}
		day := jdate.Day(0)
		if closed {
			day = jdate.Of(tx.Now)
		}
		if err := setClosed(ctx, tx, key, version, day); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "request.closed", "assessment/request/"+key, audit.Image{"closed": day.String()})
	})
}

// Remove deletes a request that was noted by mistake; the audit log keeps that it was there. Problem codes:
// not_found, forbidden, conflict when something was sent for it already or somebody changed it meanwhile.
func (s *Service) Remove(ctx context.Context, key string, version int) error {
	if err := actor.From(ctx).RequireWhole(assessment.PermRequest); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		r, err := one(ctx, tx, key)
		if err != nil {
			return err
		}
		if len(r.Events) > 0 {
			return problem.Conflict("request.has_events")
		}
		if err := remove(ctx, tx, key, version); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "request.removed", "assessment/request/"+key, audit.Image{"customer": r.Customer})
	})
}

// Duties lists the open requests whose deadline is at most duesAhead days away, or has passed.
func (s *Service) Duties(ctx context.Context, tx *sqlite.Tx, today jdate.Day) ([]due.Duty, error) {
	list, err := find(ctx, tx, "")
	if err != nil {
		return nil, err
	}
	var out []due.Duty
	for _, r := range list {
		if !r.Open() || r.Deadline.IsZero() || r.Deadline.Sub(today) > duesAhead {
			continue
		}
		out = append(out, due.Duty{
			Key: "request.deadline/" + r.Key, Text: "request.duty", Args: problem.Args{"customer": r.Customer}, Why: "request.duty_why",
			Link: "/requests/" + r.Key, On: r.Deadline, Needs: string(assessment.PermRequest), Whole: true,
		})
	}
	return out, nil
}
