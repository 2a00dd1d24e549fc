// Package personal is how every register says what it holds about one person (個人情報), and how it forgets
// that: each implements Source, app hands the list to the page 「この人の記録」 of the staff list.
//
// Facts, verdicts, answers and the audit log name persons by key only. Erasing therefore empties what stands
// behind the key, here and there, and leaves the key: no proof and no link of a chain changes.
package personal

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Subject is the person whom a request is about.
type Subject struct {
	Person   string   // key on the staff list
	Accounts []string // keys of the accounts of the person
	Names    []string // the full name in the ways it is written; empty once erased
	Values   []string // what else identifies the person wherever it stands: addresses, logins
	Label    string   // what stands in the place of the name afterwards
}

// Actors are the values under which registers note that the person did something (actor.ID).
func (s Subject) Actors() []string {
	out := []string{"person/" + s.Person, s.Person}
	for _, key := range s.Accounts {
		out = append(out, "account/"+key)
	}
	return out
}

// Item is one sort of record that is held about a person.
type Item struct {
	Key      string       // message key of what it is
	Args     problem.Args // parameters of Key
	Link     string       // the page where it stands; empty when no page shows it alone
	On       jdate.Day    // since when; zero: not known
	Count    int
	Retained string  // message key of why it must stay; empty: it is erased
	Values   []Value // what is disclosed to the person
}

// Value is one single thing that is held.
type Value struct {
	Label string // message key; empty takes that of the item
	Text  string
	Word  string // message key of the text; empty: Text is the text
	On    jdate.Day
}

// Source is what one register or feature holds about a person.
type Source interface {
	// Held lists it; nothing that is held is left out, also what stays.
	Held(ctx context.Context, tx *sqlite.Tx, who Subject) ([]Item, error)
	// Erase forgets what need not stay and returns how many records it touched.
	Erase(ctx context.Context, tx *sqlite.Tx, who Subject) (int, error)
}

// Finisher is implemented by a Source that keeps files: Finish removes, after the commit, the files whose
// records are gone. It may run at any time and again.
type Finisher interface {
	Finish(ctx context.Context) error
}
