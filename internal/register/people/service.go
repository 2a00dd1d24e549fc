package people

import (
	"context"
	"slices"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/people/person"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Service keeps the staff list. It is safe for concurrent use.
type Service struct {
	db    *sqlite.DB
	facts *fact.Store
	org   *org.Service
	uses  []func(ctx context.Context, tx *sqlite.Tx) (map[string]bool, error)
}

// New returns the service and hands itself to places as the list that owners are chosen from.
func New(db *sqlite.DB, facts *fact.Store, places *org.Service) *Service {
	s := &Service{db: db, facts: facts, org: places}
	places.SetPeople(s)
	return s
}

// AlsoUsedBy adds a source of person keys that must not disappear when an import is undone: registers above
// this one whose use of a person is no fact, such as accounts. Call it at start only.
func (s *Service) AlsoUsedBy(fn func(ctx context.Context, tx *sqlite.Tx) (map[string]bool, error)) {
	s.uses = append(s.uses, fn)
}

// List returns the people that f selects, by reading. It does not ask for a permission: pages use Browse.
func (s *Service) List(ctx context.Context, tx *sqlite.Tx, f Filter) ([]Person, error) {
	return findPersons(ctx, tx, f)
}

// Browse is List for the actor in ctx: code forbidden without PermRead, and only the departments of the
// actor's scope.
func (s *Service) Browse(ctx context.Context, tx *sqlite.Tx, f Filter) ([]Person, error) {
	who := actor.From(ctx)
	if err := who.Require(PermRead); err != nil {
		return nil, err
	}
	f.Scope = who.Scope
	return findPersons(ctx, tx, f)
}

// ByKey returns one person; code not_found.
func (s *Service) ByKey(ctx context.Context, tx *sqlite.Tx, key string) (Person, error) {
	return findPerson(ctx, tx, key)
}

// Names maps every key to the name as shown, also of people who left.
func (s *Service) Names(ctx context.Context, tx *sqlite.Tx) (map[string]string, error) {
	all, err := findPersons(ctx, tx, Filter{})
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(all))
	for _, p := range all {
		out[p.Key] = p.Name()
	}
	return out, nil
}

// Choices lists the people of today, by reading, for lists to choose from (org.People).
func (s *Service) Choices(ctx context.Context, tx *sqlite.Tx) ([]org.Choice, error) {
	all, err := findPersons(ctx, tx, Filter{ActiveOn: today(tx)})
	if err != nil {
		return nil, err
	}
	out := make([]org.Choice, len(all))
	for i, p := range all {
		out[i] = org.Choice{Key: p.Key, Name: p.Name()}
	}
	return out, nil
}

// LastDay returns the last day of a person, zero when no end is known; code not_found (org.People).
func (s *Service) LastDay(ctx context.Context, tx *sqlite.Tx, key string) (jdate.Day, error) {
	p, err := findPerson(ctx, tx, key)
	return p.Left, err
}

// Match finds the people that the rows of a roster mean, in the order of the rows. Nothing is written.
func (s *Service) Match(ctx context.Context, tx *sqlite.Tx, rows []RosterRow) ([]Matched, error) {
	all, err := findPersons(ctx, tx, Filter{})
	if err != nil {
		return nil, err
	}
	m := NewMatcher(all, today(tx))
	out := make([]Matched, len(rows))
	for i, row := range rows {
		out[i] = m.Match(row)
	}
	return out, nil
}

// Moves returns the moves of a person, oldest first.
func (s *Service) Moves(ctx context.Context, tx *sqlite.Tx, key string) ([]Move, error) {
	all, err := findMoves(ctx, tx, key)
	return all[key], err
}

// Exclusions returns the exclusions of a person, oldest first.
func (s *Service) Exclusions(ctx context.Context, tx *sqlite.Tx, key string) ([]Exclusion, error) {
	all, err := findExclusions(ctx, tx, key)
	return all[key], err
}

// Add puts a person on the list and returns the key; codes invalid, forbidden.
func (s *Service) Add(ctx context.Context, p Person) (key string, err error) {
	who := actor.From(ctx)
	if err := who.Require(PermEdit); err != nil {
		return "", err
	}
	if err := who.RequireScope(p.Department); err != nil {
		return "", err
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		p = p.Tidy()
		p.Key = tx.NewKey()
		return s.insert(ctx, tx, p)
	})
	return p.Key, err
}

// AddFirst puts the person of the set-up on the empty list, in its transaction: the set-up has checked its own
// right to do so, because nobody has an account yet. Codes: invalid, conflict when the list has people.
func (s *Service) AddFirst(ctx context.Context, tx *sqlite.Tx, p Person) (key string, err error) {
	some, err := anybody(ctx, tx)
	if err != nil {
		return "", err
	}
	if some {
		return "", problem.Conflict("people.not_first")
	}
	p = p.Tidy()
	p.Key = tx.NewKey()
	return p.Key, s.insert(ctx, tx, p)
}

func (s *Service) insert(ctx context.Context, tx *sqlite.Tx, p Person) error {
	if err := s.check(ctx, tx, p); err != nil {
		return err
	}
	if err := addPerson(ctx, tx, p); err != nil {
		return err
	}
	return s.record(ctx, tx, "people.added", p)
}

// Save changes a person over the version they were read with. A changed department becomes a move on
// movedOn (zero: today). Codes: invalid, not_found, forbidden, conflict (people.changed_meanwhile).
func (s *Service) Save(ctx context.Context, p Person, movedOn jdate.Day) error {
	return s.change(ctx, p.Key, p.Version, "people.changed", func(tx *sqlite.Tx, old Person) (Person, error) {
		p = p.Tidy()
		if err := actor.From(ctx).RequireScope(p.Department); err != nil {
			return p, err
		}
		if movedOn.IsZero() {
			movedOn = today(tx)
		}
		if old.Department != "" && p.Department != "" && p.Department != old.Department {
			if !p.Joined.IsZero() && movedOn.Before(p.Joined) {
				return p, problem.Invalid("moved_on", "people.moved_before_joined", "joined", p.Joined)
			}
			return p, insertMove(ctx, tx, Move{Key: tx.NewKey(), Person: p.Key, On: movedOn, From: old.Department, To: p.Department})
		}
		return p, nil
	})
}

// Leave notes the last day of a person; the zero day takes it back. Codes as Save.
func (s *Service) Leave(ctx context.Context, key string, version int64, last jdate.Day) error {
	act := "people.left"
	if last.IsZero() {
		act = "people.returned"
	}
	return s.change(ctx, key, version, act, func(_ *sqlite.Tx, p Person) (Person, error) {
		p.Left = last
		return p, nil
	})
}

// Fill answers mail and internet for many people at once; "" leaves an answer as it is. versions says which
// state of whom was seen. When any of them changed meanwhile, nothing is saved: code conflict.
func (s *Service) Fill(ctx context.Context, versions map[string]int64, mail, internet string) error {
	if err := actor.From(ctx).Require(PermEdit); err != nil {
		return err
	}
	if len(versions) == 0 {
		return problem.Invalid("", "people.fill.nobody")
	}
	if mail == "" && internet == "" {
		return problem.Invalid("", "people.fill.nothing")
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		for _, key := range sortedKeys(versions) {
			p, err := findPerson(ctx, tx, key)
			if err != nil {
				return err
			}
			if p.Version != versions[key] {
				return problem.Conflict("people.changed_meanwhile")
			}
			before := p
			if mail != "" {
				p.Mail = mail
			}
			if internet != "" {
				p.Internet = internet
			}
			if p == before {
				continue
			}
			if err := s.write(ctx, tx, p, before, "people.filled"); err != nil {
				return err
			}
		}
		return nil
	})
}

// change reads a person, lets fn change them, checks and writes.
func (s *Service) change(ctx context.Context, key string, version int64, act string, fn func(*sqlite.Tx, Person) (Person, error)) error {
	if err := actor.From(ctx).Require(PermEdit); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		old, err := findPerson(ctx, tx, key)
		if err != nil {
			return err
		}
		if !old.Erased.IsZero() {
			return problem.Conflict("people.erased")
		}
		if old.Version != version {
			return problem.Conflict("people.changed_meanwhile")
		}
		p, err := fn(tx, old)
		if err != nil {
			return err
		}
		p.Version = version
		return s.write(ctx, tx, p, old, act)
	})
}

func (s *Service) write(ctx context.Context, tx *sqlite.Tx, p, old Person, act string) error {
	if err := actor.From(ctx).RequireScope(old.Department); err != nil {
		return err
	}
	if err := s.check(ctx, tx, p); err != nil {
		return err
	}
	ok, err := savePerson(ctx, tx, p)
	if err != nil {
		return err
	}
	if !ok {
		return problem.Conflict("people.changed_meanwhile")
	}
	if p.Left != old.Left {
		if err := s.org.OwnerUntil(ctx, tx, map[string]jdate.Day{p.Key: p.Left}); err != nil {
			return err
		}
	}
	return s.record(ctx, tx, act, p)
}

// check is Person.Check plus what needs the tables.
func (s *Service) check(ctx context.Context, tx *sqlite.Tx, p Person) error {
	found := p.Check()
	if other, err := numberTaken(ctx, tx, p.EmployeeNo, p.Key); err != nil {
		return err
	} else if other != "" {
		found.Add(problem.Invalid("employee_no", "people.number_taken", "no", p.EmployeeNo))
	}
	if p.Department != "" {
		names, err := s.org.DepartmentNames(ctx, tx)
		if err != nil {
			return err
		}
		if names[p.Department] == "" {
			found.Add(problem.Invalid("department", "web.choose"))
		}
	}
	if p.Site != "" {
		names, err := s.org.SiteNames(ctx, tx)
		if err != nil {
			return err
		}
		if names[p.Site] == "" {
			found.Add(problem.Invalid("site", "web.choose"))
		}
	}
	return found.Err()
}

// record writes audit row and facts of the person as they are now.
func (s *Service) record(ctx context.Context, tx *sqlite.Tx, act string, p Person) error {
	if err := audit.Record(ctx, tx, act, "people/"+p.Key, image(p)); err != nil {
		return err
	}
	return s.putFacts(ctx, tx, p)
}

func (s *Service) putFacts(ctx context.Context, tx *sqlite.Tx, p Person) error {
	moves, err := s.Moves(ctx, tx, p.Key)
	if err != nil {
		return err
	}
	exclusions, err := s.Exclusions(ctx, tx, p.Key)
	if err != nil {
		return err
	}
	return s.facts.Put(ctx, tx, "people/"+p.Key, Kinds(), person.Facts(p, moves, exclusions))
}

// image is the after-image of a person: what identifies them is marked as personal.
func image(p Person) audit.Image {
	i := audit.Image{
		"class": p.Class, "mail": p.Mail, "internet": p.Internet, "department": p.Department,
		"site": p.Site, "joined_on": p.Joined, "left_on": p.Left, "kiosk": p.Kiosk,
	}
	for field, text := range map[string]string{"name": p.Name(), "kana": p.Kana(), "employee_no": p.EmployeeNo, "email": p.Email} {
		if text != "" {
			i[field] = audit.Personal(text)
		}
	}
	return i
}

func today(tx *sqlite.Tx) jdate.Day { return jdate.Of(tx.Now) }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
