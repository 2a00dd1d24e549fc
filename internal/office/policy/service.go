package policy

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Migrations returns the tables of this feature.
func Migrations() sqlite.Migration { return sqlite.Migration{Feature: "policy", FS: migrations} }

// Messages returns the texts of this feature.
func Messages() fs.FS { return messages }

// Service holds the acts of this feature: each is one transaction with permission, audit row and facts. What is
// decided here holds for everybody, so acts need the whole company; a roster may come from one department.
// It is safe for concurrent use.
type Service struct {
	db     *sqlite.DB
	facts  *fact.Store
	attach *attach.Store
	people *people.Service
	org    *org.Service
	topics []string
}

// New returns the service. topics are the keys of catalog/kinds.yaml, in their order.
func New(db *sqlite.DB, facts *fact.Store, files *attach.Store, company *org.Service, staff *people.Service, topics []string) *Service {
	return &Service{db: db, facts: facts, attach: files, people: staff, org: company, topics: topics}
}

// active lists who is on the staff list on a day, in reading order: those of whom the actor in ctx may know.
func (s *Service) active(ctx context.Context, tx *sqlite.Tx, on jdate.Day) ([]people.Person, error) {
	return s.people.List(ctx, tx, people.Filter{ActiveOn: on, Scope: actor.From(ctx).Scope})
}

// Author is who writes a draft: the person, or the account when it belongs to nobody on the staff list.
func Author(ctx context.Context) string {
	a := actor.From(ctx)
	return cmp.Or(a.Person, a.ID())
}

// List returns all documents with their parts.
func (s *Service) List(ctx context.Context) (docs []*Document, err error) {
	if err := actor.From(ctx).Require(PermRead); err != nil {
		return nil, err
	}
	err = s.db.Read(ctx, func(tx *sqlite.Tx) error {
		docs, err = findDocuments(ctx, tx, "")
		return err
	})
	return docs, err
}

// Find returns one document; problem code not_found.
func (s *Service) Find(ctx context.Context, key string) (doc *Document, err error) {
	if err := actor.From(ctx).Require(PermRead); err != nil {
		return nil, err
	}
	err = s.db.Read(ctx, func(tx *sqlite.Tx) error {
		doc, err = findDocument(ctx, tx, key)
		return err
	})
	return doc, err
}

// Document is Find inside a transaction, without a permission: for the nouns beside.
func (s *Service) Document(ctx context.Context, tx *sqlite.Tx, key string) (*Document, error) {
	return findDocument(ctx, tx, key)
}

// Documents is List inside a transaction, without a permission.
func (s *Service) Documents(ctx context.Context, tx *sqlite.Tx) ([]*Document, error) {
	return findDocuments(ctx, tx, "")
}

// Create makes a new document with its first draft and returns its key.
func (s *Service) Create(ctx context.Context, d Draft) (key string, err error) {
	if err := actor.From(ctx).RequireWhole(PermEdit); err != nil {
		return "", err
	}
	if err := d.Validate(s.topics); err != nil {
		return "", err
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		if err := s.checkOwner(ctx, tx, d.Owner); err != nil {
			return err
		}
		doc, err := insertDocument(ctx, tx, d)
		if err != nil {
			return err
		}
		key = doc.Key
		return s.draft(ctx, tx, doc, d, "policy.created")
	})
	return key, err
}

// SaveDraft changes the open draft, or opens the next edition. d.Version guards against a second person.
func (s *Service) SaveDraft(ctx context.Context, key string, d Draft) error {
	if err := actor.From(ctx).RequireWhole(PermEdit); err != nil {
		return err
	}
	if err := d.Validate(s.topics); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		doc, err := findUsed(ctx, tx, key)
		if err != nil {
			return err
		}
		if err := s.checkOwner(ctx, tx, d.Owner); err != nil {
			return err
		}
		if err := updateDocument(ctx, tx, doc.ID, d); err != nil {
			return err
		}
		return s.draft(ctx, tx, doc, d, "policy.drafted")
	})
}

// findUsed returns a document that is not retired; problem codes not_found and conflict.
func findUsed(ctx context.Context, tx *sqlite.Tx, key string) (*Document, error) {
	doc, err := findDocument(ctx, tx, key)
	if err == nil && !doc.RetiredOn.IsZero() {
		return nil, problem.Conflict("policy.retired_already", "on", doc.RetiredOn)
	}
	return doc, err
}

func (s *Service) checkOwner(ctx context.Context, tx *sqlite.Tx, owner string) error {
	if owner == "" {
		return nil
	}
	_, err := s.people.ByKey(ctx, tx, owner)
	return err
}

func (s *Service) draft(ctx context.Context, tx *sqlite.Tx, doc *Document, d Draft, act string) error {
	if err := saveDraft(ctx, tx, doc, d, Author(ctx)); err != nil {
		return err
	}
	return s.after(ctx, tx, doc.Key, act, audit.Image{"type": d.Type, "title": d.Title, "topics": d.Topics, "body": d.Body, "change_note": d.ChangeNote})
}

// Approval is how an edition comes into force.
type Approval struct {
	Way         Way       // person or sealed
	Approver    string    // person key
	On          jdate.Day // 承認日
	EffectiveOn jdate.Day // 施行日; zero: the day of approval
	Sealed      string    // attachment key of the sealed page
	Seen        int       // version of the draft that was shown; 0: whatever it is now
}

// Approve puts the draft into force by the signed-in approver, today; of a only EffectiveOn and Seen count.
// Nobody approves an own draft: code forbidden. A draft changed since it was shown is a conflict.
func (s *Service) Approve(ctx context.Context, key string, a Approval) error {
	who := actor.From(ctx)
	if err := who.RequireWhole(PermApprove); err != nil {
		return err
	}
	if who.Person == "" {
		return problem.Forbidden("policy.approve.needs_person")
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		return s.approve(ctx, tx, key, Approval{Way: WayPerson, Approver: who.Person, On: jdate.Of(tx.Now), EffectiveOn: a.EffectiveOn, Seen: a.Seen})
	})
}

// ApproveByLink puts the draft into force by the person whom the single-purpose link names.
func (s *Service) ApproveByLink(ctx context.Context, tx *sqlite.Tx, key, person string) error {
	if err := s.checkApprover(ctx, tx, person); err != nil {
		return err
	}
	return s.approve(ctx, tx, key, Approval{Way: WayPerson, Approver: person, On: jdate.Of(tx.Now)})
}

// checkApprover refuses who is not on the staff list today.
func (s *Service) checkApprover(ctx context.Context, tx *sqlite.Tx, key string) error {
	person, err := s.people.ByKey(ctx, tx, key)
	if err == nil && !person.ActiveOn(jdate.Of(tx.Now)) {
		return problem.Invalid("approver", "policy.approver.not_active")
	}
	return err
}

func (s *Service) approve(ctx context.Context, tx *sqlite.Tx, key string, a Approval) error {
	doc, err := findUsed(ctx, tx, key)
	if err != nil {
		return err
	}
	if a.EffectiveOn.IsZero() {
		a.EffectiveOn = a.On
	}
	draft := doc.Draft()
	switch {
	case draft == nil:
		return problem.Conflict("policy.approve.no_draft")
	case a.Seen != 0 && a.Seen != draft.Version:
		return problem.Conflict("policy.approve.changed_since")
	// An author without a person on the staff list is known by the account, which may have got its person since.
	case a.Way == WayPerson && (draft.Author == a.Approver || draft.Author == actor.From(ctx).ID()):
		return problem.Forbidden("policy.approve.own_draft")
	case a.EffectiveOn.Before(a.On):
		return problem.Invalid("effective_on", "policy.effective.before_approval", "on", a.On)
	}
	if err := approveEdition(ctx, tx, doc.ID, draft.ID, a, Author(ctx)); err != nil {
		return err
	}
	return s.after(ctx, tx, key, "policy.approved", audit.Image{
		"edition": draft.Number, "way": a.Way, "approver": a.Approver, "approved_on": a.On, "effective_on": a.EffectiveOn, "sealed": a.Sealed,
	})
}

// ApproveSealed records an approval on paper: the scan of the sealed page is a record like any other.
// A page sealed by the author is kept, but proves no second person; the verdict says so.
func (s *Service) ApproveSealed(ctx context.Context, key string, a Approval, scan attach.Upload) error {
	if err := actor.From(ctx).RequireWhole(PermEdit); err != nil {
		return err
	}
	a.Way = WaySealed
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		var list problem.List
		if a.Approver == "" {
			list.Add(problem.Invalid("approver", "policy.approver.choose"))
		} else if _, err := s.people.ByKey(ctx, tx, a.Approver); err != nil {
			return err
		}
		if a.On.IsZero() {
			list.Add(problem.Invalid("approved_on", "policy.approved_on.required"))
		} else if a.On.After(jdate.Of(tx.Now)) {
			list.Add(problem.Invalid("approved_on", "policy.day.future"))
		}
		if len(scan.Data) == 0 {
			list.Add(problem.Invalid("sealed", "policy.scan.required"))
		}
		if err := list.Err(); err != nil {
			return err
		}
		scan.Record = record(key)
		kept, err := s.attach.Add(ctx, tx, scan)
		if err != nil {
			return err
		}
		a.Sealed = kept.Key
		return s.approve(ctx, tx, key, a)
	})
}

// AddReview records that somebody looked at whether the document still fits (見直し).
func (s *Service) AddReview(ctx context.Context, key string, r Review) error {
	if err := actor.From(ctx).RequireWhole(PermEdit); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		doc, err := findDocument(ctx, tx, key)
		if err != nil {
			return err
		}
		if doc.InForce(jdate.Of(tx.Now)) == nil {
			return problem.Conflict("policy.notice.nothing_in_force")
		}
		var list problem.List
		switch {
		case r.On.IsZero():
			list.Add(problem.Invalid("on", "policy.review.on.required"))
		case r.On.After(jdate.Of(tx.Now)):
			list.Add(problem.Invalid("on", "policy.day.future"))
		}
		if r.Considered == "" {
			list.Add(problem.Invalid("considered", "policy.review.considered.required"))
		}
		if r.Result != "changed" && r.Result != "unchanged" {
			list.Add(problem.Invalid("result", "policy.review.result.choose"))
		}
		if err := list.Err(); err != nil {
			return err
		}
		r.By = Author(ctx)
		if err := insertReview(ctx, tx, doc.ID, r); err != nil {
			return err
		}
		return s.after(ctx, tx, key, "policy.reviewed", audit.Image{"on": r.On, "result": r.Result, "considered": r.Considered})
	})
}

// Retire takes a document out of force from today on; its records stay.
func (s *Service) Retire(ctx context.Context, key string) error {
	if err := actor.From(ctx).RequireWhole(PermEdit); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		doc, err := findUsed(ctx, tx, key)
		if err != nil {
			return err
		}
		if err := retireDocument(ctx, tx, doc.ID, jdate.Of(tx.Now)); err != nil {
			return err
		}
		return s.after(ctx, tx, key, "policy.retired", audit.Image{"retired_on": jdate.Of(tx.Now)})
	})
}

// after closes an act: the audit row, then the facts that the document gives now.
func (s *Service) after(ctx context.Context, tx *sqlite.Tx, key, act string, image audit.Image) error {
	if err := audit.Record(ctx, tx, act, record(key), image); err != nil {
		return err
	}
	doc, err := findDocument(ctx, tx, key)
	if err != nil {
		return err
	}
	if err := s.facts.Put(ctx, tx, record(key), documentKinds, documentFacts(doc)); err != nil {
		return fmt.Errorf("put facts of document %s: %w", key, err)
	}
	return nil
}
