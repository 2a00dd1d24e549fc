// Package home is 今日やること: one list of what someone must do by when, from every feature.
//
// Features implement due.Source; app hands their list to New. The package owns no table and knows no
// other feature.
package home

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"slices"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this feature.
func Messages() fs.FS { return messages }

// Service collects duties. It is safe for concurrent use.
type Service struct {
	db      *sqlite.DB
	sources []due.Source
}

// New returns the service over all sources.
func New(db *sqlite.DB, sources ...due.Source) *Service { return &Service{db: db, sources: sources} }

// Today lists the duties that the actor of ctx sees: own ones, and those of registers the actor keeps.
// Dated ones come first, the most overdue at the top.
func (s *Service) Today(ctx context.Context) (duties []due.Duty, today jdate.Day, err error) {
	who := actor.From(ctx)
	err = s.db.Read(ctx, func(tx *sqlite.Tx) error {
		today = jdate.Of(tx.Now)
		for _, src := range s.sources {
			found, err := src.Duties(ctx, tx, today)
			if err != nil {
				return fmt.Errorf("collect duties of %T: %w", src, err)
			}
			duties = append(duties, found...)
		}
		return nil
	})
	if err != nil {
		return nil, today, err
	}
	duties = slices.DeleteFunc(duties, func(d due.Duty) bool { return !sees(who, d) })
	slices.SortStableFunc(duties, func(a, b due.Duty) int {
		if a.On.IsZero() != b.On.IsZero() {
			if a.On.IsZero() {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(a.On, b.On), cmp.Compare(a.Key, b.Key))
	})
	return duties, today, nil
}

func sees(who actor.Actor, d due.Duty) bool {
	if d.Person != "" && who.SamePerson(d.Person) {
		return true
	}
	// A duty of somebody else is still seen by whoever keeps the register: they have to chase it.
	return d.Needs != "" && who.May(actor.Permission(d.Needs))
}
