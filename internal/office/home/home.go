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
	"sync"

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

	mu   sync.Mutex
	kept *collected // what was collected last; nil before
}

// collected are the duties of everybody in one state of the database. It is not changed any more.
type collected struct {
	state  uint64
	today  jdate.Day
	duties []due.Duty
}

// New returns the service over all sources.
func New(db *sqlite.DB, sources ...due.Source) *Service { return &Service{db: db, sources: sources} }

// Today lists the duties that the actor of ctx sees: own ones, and those of registers the actor keeps.
// Dated ones come first, the most overdue at the top.
func (s *Service) Today(ctx context.Context) (duties []due.Duty, today jdate.Day, err error) {
	who := actor.From(ctx)
	all, err := s.collect(ctx)
	if err != nil {
		return nil, 0, err
	}
	for _, d := range all.duties {
		if sees(who, d) {
			duties = append(duties, d)
		}
	}
	slices.SortStableFunc(duties, func(a, b due.Duty) int {
		if a.On.IsZero() != b.On.IsZero() {
			if a.On.IsZero() {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(a.On, b.On), cmp.Compare(a.Key, b.Key))
	})
	return duties, all.today, nil
}

// collect asks every source. Each page of each person counts the duties, and most of the time nothing has changed
// since the last one: the answer is kept for as long as the database and the day stay the same.
func (s *Service) collect(ctx context.Context) (*collected, error) {
	state, known := s.db.Changes()
	today := jdate.Of(s.db.Now())
	s.mu.Lock()
	kept := s.kept
	s.mu.Unlock()
	if known && kept != nil && kept.state == state && kept.today == today {
		return kept, nil
	}
	fresh := &collected{state: state}
	err := s.db.Read(ctx, func(tx *sqlite.Tx) error {
		fresh.today = jdate.Of(tx.Now)
		for _, src := range s.sources {
			found, err := src.Duties(ctx, tx, fresh.today)
			if err != nil {
				return fmt.Errorf("collect duties of %T: %w", src, err)
			}
			fresh.duties = append(fresh.duties, found...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = fresh
	return fresh, nil
}

func sees(who actor.Actor, d due.Duty) bool {
	if d.Person != "" && who.SamePerson(d.Person) {
		return true
	}
	// A duty of somebody else is still seen by whoever keeps the register: they have to chase it.
	may := who.May
	if d.Whole {
		may = who.MayWhole
	}
	return d.Needs != "" && may(actor.Permission(d.Needs))
}
