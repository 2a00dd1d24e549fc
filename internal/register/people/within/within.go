// Package within says of which people an account limited to departments may know: those of its departments and
// the person it belongs to. Features show and count nobody else. It owns no table.
package within

import (
	"context"
	"iter"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/people"
)

// Set is the people of whom an actor may know. The zero value is nobody.
type Set struct {
	whole bool
	keys  map[string]bool
}

// Of gives the people of whom the actor in ctx may know, also those who left: everybody for an actor without limits.
func Of(ctx context.Context, tx *sqlite.Tx, staff *people.Service) (Set, error) {
	who := actor.From(ctx)
	if who.Covers("") {
		return Set{whole: true}, nil
	}
	list, err := staff.List(ctx, tx, people.Filter{Scope: who.Scope})
	if err != nil {
		return Set{}, err
	}
	s := Set{keys: map[string]bool{who.Person: who.Person != ""}}
	for _, p := range list {
		s.keys[p.Key] = true
	}
	return s, nil
}

// Whole says whether the set is everybody, also people who are on no list.
func (s Set) Whole() bool { return s.whole }

// Has says whether the actor may know of the person with the key.
func (s Set) Has(person string) bool { return s.whole || s.keys[person] }

// Count says how many of the people the actor may know of.
func (s Set) Count(persons iter.Seq[string]) (n int) {
	for p := range persons {
		if s.Has(p) {
			n++
		}
	}
	return n
}
