package assessment

import (
	"cmp"
	"context"
	"slices"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Action is 対応: what somebody does until a day so that clauses become met.
type Action struct {
	ID      int64
	Key     string
	Title   string
	Owner   string // person key; may be empty
	Due     jdate.Day
	Note    string
	Done    jdate.Day // zero: still to do
	Targets []ActionTarget
	Version int // 0 for a new one
}

// ActionTarget is an item, or one clause of it, that an action is about.
type ActionTarget struct {
	Framework, Item string
	Clause          string // empty: the whole item
}

// Actions lists actions: those still to do first, by day, then those done, newest first.
func (s *Service) Actions(ctx context.Context, tx *sqlite.Tx) ([]*Action, error) {
	if err := actor.From(ctx).Require(PermRead); err != nil {
		return nil, err
	}
	return sortedActions(ctx, tx)
}

func sortedActions(ctx context.Context, tx *sqlite.Tx) ([]*Action, error) {
	actions, err := findActions(ctx, tx)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(actions, func(a, b *Action) int {
		switch {
		case a.Done.IsZero() != b.Done.IsZero():
			return map[bool]int{true: -1, false: 1}[a.Done.IsZero()]
		case !a.Done.IsZero():
			return cmp.Compare(b.Done, a.Done)
		case a.Due.IsZero() != b.Due.IsZero():
			return map[bool]int{true: 1, false: -1}[a.Due.IsZero()]
		default:
			return cmp.Compare(a.Due, b.Due)
		}
	})
	return actions, nil
}

// ActionByKey finds one action; problem code not_found.
func (s *Service) ActionByKey(ctx context.Context, tx *sqlite.Tx, key string) (*Action, error) {
	actions, err := s.Actions(ctx, tx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(actions, func(a *Action) bool { return a.Key == key })
	if i < 0 {
		return nil, problem.NotFound("assessment.action.not_found")
	}
	return actions[i], nil
}

// SaveAction makes a new action (Version 0) or changes one, and returns its key. Problem codes: invalid (fields
// title, due), conflict when somebody changed it meanwhile, not_found for a target that does not exist.
func (s *Service) SaveAction(ctx context.Context, a Action) (string, error) {
	var found problem.List
	if a.Title == "" {
		found.Add(problem.Invalid("title", "assessment.action.title_needed"))
	}
	if a.Due.IsZero() {
		found.Add(problem.Invalid("due", "assessment.action.due_needed"))
	}
	if err := found.Err(); err != nil {
		return "", err
	}
	err := s.db.Write(ctx, func(tx *sqlite.Tx) error {
		if err := s.mayChange(ctx, tx, a); err != nil {
			return err
		}
		if err := s.onStaffList(ctx, tx, a.Owner); err != nil {
			return err
		}
		act := "assessment.action_changed"
		if a.Version == 0 {
			a.Key, act = tx.NewKey(), "assessment.action_made"
		}
		if err := putAction(ctx, tx, &a, actor.From(ctx).ID()); err != nil {
			return err
		}
		return audit.Record(ctx, tx, act, "assessment/action/"+a.Key, audit.Image{
			"title": a.Title, "owner": a.Owner, "due": a.Due.String(), "note": audit.Personal(a.Note), "targets": targetTexts(a.Targets),
		})
	})
	return a.Key, err
}

func targetTexts(targets []ActionTarget) []string {
	out := make([]string, len(targets))
	for i, t := range targets {
		out[i] = cmp.Or(t.Clause, t.Framework+":"+t.Item)
	}
	return out
}

// mayChange asks for the right to act on everything that the action is about, now and as it was; what it is to be
// about must exist.
func (s *Service) mayChange(ctx context.Context, tx *sqlite.Tx, a Action) error {
	for _, t := range a.Targets {
		b, err := s.board(ctx, tx, t.Framework)
		if err != nil {
			return err
		}
		if b.Item(t.Item) == nil || t.Clause != "" && b.Clause(t.Clause) == nil {
			return problem.NotFound("assessment.item.not_found")
		}
	}
	if a.Version > 0 {
		was, err := s.ActionByKey(ctx, tx, a.Key)
		if err != nil {
			return err
		}
		if err := s.mayAct(ctx, tx, *was); err != nil {
			return err
		}
	}
	return s.mayAct(ctx, tx, a)
}

// mayAct asks for the right to answer every item that the action is about. An item that the catalogue no longer has
// asks for the right to answer those of the action's owner, so that the action can still be finished.
func (s *Service) mayAct(ctx context.Context, tx *sqlite.Tx, a Action) error {
	owners := slices.Repeat([]string{a.Owner}, max(1, len(a.Targets)))
	for i, t := range a.Targets {
		b, err := s.board(ctx, tx, t.Framework)
		if err != nil && problem.CodeOf(err) != problem.CodeNotFound {
			return err
		}
		if err == nil && b.Item(t.Item) != nil {
			owners[i] = cmp.Or(b.Item(t.Item).Meta.Owner, a.Owner)
		}
	}
	for _, owner := range owners {
		if err := s.mayAnswer(ctx, tx, owner); err != nil {
			return err
		}
	}
	return nil
}

// FinishAction notes that an action is done today, or with done false that it is to be done again. The clauses do
// not change by it: only records and answers do that.
func (s *Service) FinishAction(ctx context.Context, key string, version int, done bool) error {
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		a, err := s.ActionByKey(ctx, tx, key)
		if err != nil {
			return err
		}
		if err := s.mayAct(ctx, tx, *a); err != nil {
			return err
		}
		day := jdate.Day(0)
		if done {
			day = jdate.Of(tx.Now)
		}
		if err := setActionDone(ctx, tx, a.ID, version, day, actor.From(ctx).ID()); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "assessment.action_done", "assessment/action/"+key, audit.Image{"title": a.Title, "done": day.String()})
	})
}

// RemoveAction deletes an action; the audit log keeps that it was there.
func (s *Service) RemoveAction(ctx context.Context, key string, version int) error {
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		a, err := s.ActionByKey(ctx, tx, key)
		if err != nil {
			return err
		}
		if err := s.mayAct(ctx, tx, *a); err != nil {
			return err
		}
		if err := deleteAction(ctx, tx, a.ID, version); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "assessment.action_removed", "assessment/action/"+key, audit.Image{"title": a.Title})
	})
}

// actionOf gives the first action still to do about a clause or its item.
func actionOf(actions []*Action, c *Clause) *Action {
	key := c.Item.Framework.Key()
	for _, a := range actions {
		if !a.Done.IsZero() {
			continue
		}
		if slices.ContainsFunc(a.Targets, func(t ActionTarget) bool {
			return t.Framework == key && t.Item == c.Item.ID && (t.Clause == "" || t.Clause == c.ID)
		}) {
			return a
		}
	}
	return nil
}
