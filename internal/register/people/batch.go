package people

import (
	"context"
	"errors"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/people/person"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Batch is what an import changes, already tidied.
type Batch struct {
	Add     []Person  // Key empty
	Change  []Person  // Key and the Version that was read
	MovedOn jdate.Day // day of the moves among Change; zero: today
}

// Undo is what takes a Batch back. It holds personal data of those it changed, for as long as it is kept.
type Undo struct {
	Added   []string
	Changed []UndoChange
}

// UndoChange is one person before an import, and the version the import left them in.
type UndoChange struct {
	Before  Person
	Version int64
	Move    string // key of the move that the import recorded; may be empty
}

// ApplyBatch writes b in the transaction of an import that a person consented to. Codes: forbidden, invalid,
// conflict when somebody changed a person meanwhile; then the whole transaction must be given up.
func (s *Service) ApplyBatch(ctx context.Context, tx *sqlite.Tx, b Batch) (Undo, error) {
	var undo Undo
	if err := actor.From(ctx).Require(PermEdit); err != nil {
		return undo, err
	}
	w, err := s.batchWriter(ctx, tx)
	if err != nil {
		return undo, err
	}
	for _, p := range b.Add {
		p.Key = tx.NewKey()
		if err := w.add(ctx, p); err != nil {
			return undo, err
		}
		undo.Added = append(undo.Added, p.Key)
	}
	if b.MovedOn.IsZero() {
		b.MovedOn = today(tx)
	}
	for _, p := range b.Change {
		u, err := w.change(ctx, p, b.MovedOn)
		if err != nil {
			return undo, err
		}
		undo.Changed = append(undo.Changed, u)
	}
	return undo, w.finish(ctx)
}

// batchWriter writes many people and puts their facts at the end.
type batchWriter struct {
	s      *Service
	tx     *sqlite.Tx
	have   map[string]Person
	left   map[string]jdate.Day
	facts  []fact.Batch
	moved  map[string][]Move
	absent map[string][]Exclusion
	who    actor.Actor
}

func (s *Service) batchWriter(ctx context.Context, tx *sqlite.Tx) (*batchWriter, error) {
	w := &batchWriter{s: s, tx: tx, have: map[string]Person{}, left: map[string]jdate.Day{}, who: actor.From(ctx)}
	all, err := findPersons(ctx, tx, Filter{})
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		w.have[p.Key] = p
	}
	if w.moved, err = findMoves(ctx, tx, ""); err != nil {
		return nil, err
	}
	if w.absent, err = findExclusions(ctx, tx, ""); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *batchWriter) add(ctx context.Context, p Person) error {
	if err := w.who.RequireScope(p.Department); err != nil {
		return err
	}
	if err := p.Check().Err(); err != nil {
		return err
	}
	if err := addPerson(ctx, w.tx, p); err != nil {
		return err
	}
	return w.note(ctx, "people.imported", p)
}

func (w *batchWriter) change(ctx context.Context, p Person, movedOn jdate.Day) (UndoChange, error) {
	old, ok := w.have[p.Key]
	u := UndoChange{Before: old, Version: p.Version + 1}
	if !ok {
		return u, problem.Conflict("people.changed_meanwhile")
	}
	if !old.Erased.IsZero() {
		return u, problem.Conflict("people.erased")
	}
	if err := errors.Join(w.who.RequireScope(old.Department), w.who.RequireScope(p.Department)); err != nil {
		return u, err
	}
	if err := p.Check().Err(); err != nil {
		return u, err
	}
	if old.Department != "" && p.Department != "" && old.Department != p.Department {
		m := Move{Key: w.tx.NewKey(), Person: p.Key, On: movedOn, From: old.Department, To: p.Department}
		if err := insertMove(ctx, w.tx, m); err != nil {
			return u, err
		}
		w.moved[p.Key] = append(w.moved[p.Key], m)
		u.Move = m.Key
	}
	return u, w.update(ctx, "people.imported", p, old)
}

func (w *batchWriter) update(ctx context.Context, act string, p, old Person) error {
	ok, err := savePerson(ctx, w.tx, p)
	if err != nil {
		return err
	}
	if !ok {
		return problem.Conflict("people.changed_meanwhile")
	}
	if p.Left != old.Left {
		w.left[p.Key] = p.Left
	}
	return w.note(ctx, act, p)
}

func (w *batchWriter) note(ctx context.Context, act string, p Person) error {
	if err := audit.Record(ctx, w.tx, act, "people/"+p.Key, image(p)); err != nil {
		return err
	}
	w.facts = append(w.facts, fact.Batch{Record: "people/" + p.Key, Facts: person.Facts(p, w.moved[p.Key], w.absent[p.Key])})
	return nil
}

func (w *batchWriter) finish(ctx context.Context) error {
	if err := w.s.org.OwnerUntil(ctx, w.tx, w.left); err != nil {
		return err
	}
	return w.s.facts.PutMany(ctx, w.tx, Kinds(), w.facts)
}

// UndoBatch takes an import back. When one of its people was changed since, or a person it added is used by
// other records, it refuses with code conflict and names them; then nothing may be committed.
func (s *Service) UndoBatch(ctx context.Context, tx *sqlite.Tx, undo Undo) error {
	if err := actor.From(ctx).Require(PermEdit); err != nil {
		return err
	}
	w, err := s.batchWriter(ctx, tx)
	if err != nil {
		return err
	}
	if err := w.checkUndo(ctx, undo); err != nil {
		return err
	}
	for _, u := range undo.Changed {
		if u.Move != "" {
			if err := deleteMove(ctx, tx, u.Move); err != nil {
				return err
			}
			w.moved[u.Before.Key] = without(w.moved[u.Before.Key], u.Move)
		}
		p := u.Before
		p.Version = u.Version
		if err := w.update(ctx, "people.import_undone", p, w.have[p.Key]); err != nil {
			return err
		}
	}
	for _, key := range undo.Added {
		if err := deletePerson(ctx, tx, key); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, "people.import_undone", "people/"+key, nil); err != nil {
			return err
		}
		w.facts = append(w.facts, fact.Batch{Record: "people/" + key})
	}
	return w.finish(ctx)
}

func without(moves []Move, key string) []Move {
	var out []Move
	for _, m := range moves {
		if m.Key != key {
			out = append(out, m)
		}
	}
	return out
}

// checkUndo refuses when anything would be lost that came after the import.
func (w *batchWriter) checkUndo(ctx context.Context, undo Undo) error {
	used, err := w.s.used(ctx, w.tx)
	if err != nil {
		return err
	}
	refuse := func(key, why string) error {
		name := ""
		if p, ok := w.have[key]; ok {
			name = p.Name()
		}
		return problem.Conflict(why, "name", name).Because(fmt.Errorf("person %s", key))
	}
	for _, u := range undo.Changed {
		if p, ok := w.have[u.Before.Key]; !ok || p.Version != u.Version {
			return refuse(u.Before.Key, "people.undo_changed")
		}
		if err := errors.Join(w.who.RequireScope(u.Before.Department), w.who.RequireScope(w.have[u.Before.Key].Department)); err != nil {
			return err
		}
	}
	for _, key := range undo.Added {
		p, ok := w.have[key]
		switch {
		case !ok, p.Version != 1:
			return refuse(key, "people.undo_changed")
		case used[key], len(w.absent[key]) > 0:
			return refuse(key, "people.undo_used")
		}
		if err := w.who.RequireScope(p.Department); err != nil {
			return err
		}
	}
	return nil
}

// used lists the people whom other records speak of: facts of other kinds, owners of departments, and
// whatever the registers above know.
func (s *Service) used(ctx context.Context, tx *sqlite.Tx) (map[string]bool, error) {
	members, err := s.facts.MembersBeyond(ctx, tx, "person/", Kinds())
	if err != nil {
		return nil, err
	}
	out := make(map[string]bool, len(members))
	for member := range members {
		out[member[len("person/"):]] = true
	}
	departments, err := s.org.AllDepartments(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, d := range departments {
		out[d.Owner] = true
	}
	for _, more := range s.uses {
		keys, err := more(ctx, tx)
		if err != nil {
			return nil, err
		}
		for key, yes := range keys {
			out[key] = out[key] || yes
		}
	}
	return out, nil
}
