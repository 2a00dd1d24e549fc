package app

import (
	"context"
	"strings"

	"github.com/kizuki-security/kizuki/internal/office/policy"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/people/within"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// guardFiles says which files an account limited to departments may read. Files of what is not named here (requests of
// customers, the confirmed staff list) need the whole company.
func (a *App) guardFiles() {
	a.Files.Guard("policy/", a.mayReadPolicyFile)
	a.Files.Guard("training/", a.mayReadTrainingFile)
	a.Files.Guard("assessment/", a.mayReadEvidence)
	a.Files.Guard("assessment/request/", func(ctx context.Context, _ *sqlite.Tx, _ attach.Attachment) error {
		return actor.From(ctx).RequireScope("")
	})
}

// mayReadPolicyFile lets everybody read what belongs to a policy, as the policy itself, but not rosters with the
// signatures of other departments.
func (a *App) mayReadPolicyFile(ctx context.Context, tx *sqlite.Tx, f attach.Attachment) error {
	doc, err := a.Policy.Document(ctx, tx, strings.TrimPrefix(f.Record, "policy/"))
	if err != nil {
		return err
	}
	for _, n := range doc.Notices {
		if n.Attachment != f.Key || n.Way != policy.WayRoster {
			continue
		}
		persons := make([]string, 0, len(n.People))
		for p := range n.People {
			persons = append(persons, p)
		}
		return a.mayKnow(ctx, tx, persons)
	}
	return nil
}

// mayReadTrainingFile: a signed sheet names everybody who took part.
func (a *App) mayReadTrainingFile(ctx context.Context, tx *sqlite.Tx, f attach.Attachment) error {
	session, err := a.Training.Session(ctx, tx, strings.TrimPrefix(f.Record, "training/"))
	if err != nil {
		return err
	}
	persons := make([]string, len(session.Attendance))
	for i, p := range session.Attendance {
		persons[i] = p.Person
	}
	return a.mayKnow(ctx, tx, persons)
}

// mayKnow refuses unless every person lies within what the actor may know.
func (a *App) mayKnow(ctx context.Context, tx *sqlite.Tx, persons []string) error {
	known, err := within.Of(ctx, tx, a.People)
	if err != nil {
		return err
	}
	for _, p := range persons {
		if !known.Has(p) {
			return problem.Forbidden("actor.out_of_scope")
		}
	}
	return nil
}

// mayReadEvidence: the files of an item belong to the department of its owner, those of items that nobody owns or that
// are no longer in use to the whole company.
func (a *App) mayReadEvidence(ctx context.Context, tx *sqlite.Tx, f attach.Attachment) error {
	who := actor.From(ctx)
	key, id, _ := strings.Cut(strings.TrimPrefix(f.Record, "assessment/"), "/")
	_, it, err := a.Assess.Item(ctx, tx, key, id)
	switch {
	case problem.CodeOf(err) == problem.CodeNotFound || err == nil && it.Meta.Owner == "":
		return who.RequireScope("")
	case err != nil || who.SamePerson(it.Meta.Owner):
		return err
	}
	owner, err := a.People.ByKey(ctx, tx, it.Meta.Owner)
	if err != nil {
		return err
	}
	return who.RequireScope(owner.Department)
}
