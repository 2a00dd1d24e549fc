// Package dossier is 「この人の記録」: everything that the office holds about one person on one page, as a file for
// the person, and its erasure once the retention after leaving is over.
//
// It holds nothing itself. Registers and features implement personal.Source, app hands them over; what free text
// names the person is found by looking through every text column. Erasing empties what stands behind the key of
// the person and leaves the key, so that facts, verdicts, frozen answers and the chain of the audit log stay as
// they are.
package dossier

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/personal"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Setting is the name of the setting that says how many days after the last day the data of a leaver are kept.
const Setting = "leaver_data_days"

// Config is what the page needs from app.
type Config struct {
	Org *org.Service
	// Settings gives the settings of the office, Setting among them.
	Settings func(ctx context.Context, tx *sqlite.Tx) (map[string]int, error)
	// Accounts gives keys and logins of the accounts of a person.
	Accounts func(ctx context.Context, tx *sqlite.Tx, person string) (keys, logins []string, err error)
	// Sources lists who holds anything about persons, the audit log and the staff list aside.
	Sources func() []personal.Source
	// Places says what the tables that hold free text are called and where they are shown.
	Places map[string]Place
	// Label is what stands in the place of the name of somebody who was erased.
	Label string
}

// Service gathers and erases. It is safe for concurrent use.
type Service struct {
	db     *sqlite.DB
	people *people.Service
	cfg    Config
}

// New returns the service.
func New(db *sqlite.DB, list *people.Service, cfg Config) *Service {
	return &Service{db: db, people: list, cfg: cfg}
}

// The states of a person as to erasing.
const (
	Here   = "here"   // has not left: nothing is erased
	Kept   = "kept"   // has left, the retention still runs
	Over   = "over"   // the retention is over
	Erased = "erased" // done
)

// Report is what is held about one person.
type Report struct {
	Person people.Person
	State  string
	Days   int       // retention after the last day
	Due    jdate.Day // first day on which erasing needs no reason; zero while the person is here
	Items  []personal.Item
	Hits   []Hit // free text that names the person
}

// Records counts the items that are erased and those that stay.
func (r Report) Records() (erased, stay int) {
	for _, i := range r.Items {
		if i.Retained == "" {
			erased += i.Count
		} else {
			stay += i.Count
		}
	}
	return erased, stay
}

// Report gathers what is held about a person. Codes: forbidden, not_found.
func (s *Service) Report(ctx context.Context, tx *sqlite.Tx, key string) (r Report, err error) {
	if r, err = s.standing(ctx, tx, key); err != nil {
		return r, err
	}
	who, err := s.subject(ctx, tx, r.Person)
	if err != nil {
		return r, err
	}
	for _, src := range s.sources() {
		items, err := src.Held(ctx, tx, who)
		if err != nil {
			return r, err
		}
		r.Items = append(r.Items, slices.DeleteFunc(items, func(i personal.Item) bool { return i.Count == 0 })...)
	}
	r.Hits, err = s.search(ctx, tx, who)
	return r, err
}

// standing reads the person and says how far the retention is, for an actor who may know.
func (s *Service) standing(ctx context.Context, tx *sqlite.Tx, key string) (r Report, err error) {
	who := actor.From(ctx)
	if err := who.Require(people.PermErase); err != nil {
		return r, err
	}
	if r.Person, err = s.people.ByKey(ctx, tx, key); err != nil {
		return r, err
	}
	if err := who.RequireScope(r.Person.Department); err != nil {
		return r, err
	}
	if r.Days, err = s.days(ctx, tx); err != nil {
		return r, err
	}
	r.State, r.Due = stateOf(r.Person, jdate.Of(tx.Now), r.Days)
	return r, nil
}

func stateOf(p people.Person, today jdate.Day, days int) (state string, due jdate.Day) {
	if !p.Left.IsZero() {
		due = p.Left.Add(days + 1)
	}
	switch {
	case !p.Erased.IsZero():
		return Erased, due
	case p.Left.IsZero() || !p.Left.Before(today):
		return Here, due
	case today.Before(due):
		return Kept, due
	default:
		return Over, due
	}
}

func (s *Service) days(ctx context.Context, tx *sqlite.Tx) (int, error) {
	settings, err := s.cfg.Settings(ctx, tx)
	return settings[Setting], err
}

// sources lists everybody who holds something. The audit log comes first: it is looked through by the values that
// the others erase.
func (s *Service) sources() []personal.Source {
	return append([]personal.Source{auditLog{}, staffList{s.people, s.cfg.Org}}, s.cfg.Sources()...)
}

// shortest is how many characters a text must have to be looked for inside other texts.
const shortest = 3

// subject gathers how the person is called, before anything is erased.
func (s *Service) subject(ctx context.Context, tx *sqlite.Tx, p people.Person) (personal.Subject, error) {
	who := personal.Subject{Person: p.Key, Label: s.cfg.Label}
	keys, logins, err := s.cfg.Accounts(ctx, tx, p.Key)
	if err != nil {
		return who, err
	}
	who.Accounts = keys
	if !p.Erased.IsZero() {
		return who, nil
	}
	add := func(list *[]string, text string) {
		if text != "" && !slices.Contains(*list, text) {
			*list = append(*list, text)
		}
	}
	for _, pair := range [][2]string{{p.FamilyName, p.GivenName}, {p.FamilyKana, p.GivenKana}, {p.DisplayName, ""}} {
		if pair[0] == "" && pair[1] == "" {
			continue
		}
		for _, between := range []string{" ", "", "　"} {
			text := strings.Trim(pair[0]+between+pair[1], " 　")
			add(&who.Values, text)
			if utf8.RuneCountInString(text) >= shortest {
				add(&who.Names, text)
			}
		}
	}
	for _, text := range append(logins, p.Email, p.EmployeeNo) {
		add(&who.Values, text)
	}
	if p.Email != "" {
		add(&who.Names, p.Email)
	}
	return who, nil
}

// Leaver is somebody who left and is not erased.
type Leaver struct {
	people.Person
	Due  jdate.Day
	Over bool
}

// Leavers lists who left and is not erased, those first whose retention ends first. Code forbidden.
func (s *Service) Leavers(ctx context.Context, tx *sqlite.Tx) (out []Leaver, days int, err error) {
	who, today := actor.From(ctx), jdate.Of(tx.Now)
	if err := who.Require(people.PermErase); err != nil {
		return nil, 0, err
	}
	if days, err = s.days(ctx, tx); err != nil {
		return nil, 0, err
	}
	list, err := s.leftBefore(ctx, tx, today, who.Scope)
	for _, p := range list {
		state, due := stateOf(p, today, days)
		out = append(out, Leaver{p, due, state == Over})
	}
	return out, days, err
}

// leftBefore lists who left before a day and is not erased, the earliest first.
func (s *Service) leftBefore(ctx context.Context, tx *sqlite.Tx, day jdate.Day, scope []string) ([]people.Person, error) {
	list, err := s.people.List(ctx, tx, people.Filter{LeftBefore: day, Scope: scope})
	list = slices.DeleteFunc(list, func(p people.Person) bool { return !p.Erased.IsZero() })
	slices.SortStableFunc(list, func(a, b people.Person) int { return cmp.Compare(a.Left, b.Left) })
	return list, err
}

// Reasons lists why somebody may be erased before the retention is over. They are codes, because the audit log keeps
// them for good. Labels: messages personal.reason.*.
func Reasons() []string { return []string{"request", "mistake", "agreement"} }

func checkReason(r Report, reason string) error {
	switch {
	case r.State == Over:
		return nil
	case reason == "":
		return problem.Invalid("reason", "personal.reason_needed", "due", r.Due)
	case !slices.Contains(Reasons(), reason):
		return problem.Invalid("reason", "web.choose")
	default:
		return nil
	}
}
