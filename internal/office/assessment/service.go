package assessment

import (
	"context"
	"embed"
	"io/fs"
	"slices"
	"sync"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Migrations returns the tables of all of assessment, those of its subfolders included.
func Migrations() sqlite.Migration { return sqlite.Migration{Feature: "assessment", FS: migrations} }

// Messages returns the texts of this package; the subfolders bring their own.
func Messages() fs.FS { return messages }

// Deps are what the service needs of the rest of the house.
type Deps struct {
	DB      *sqlite.DB
	Facts   *fact.Store
	Catalog *framework.Catalog
	Texts   *i18n.Messages // for reports outside a page
	Company func(ctx context.Context, tx *sqlite.Tx) (Company, error)
	Staff   Staff
	// OneHand says in a sentence who holds several roles at once, for the foot of exports; nil says nothing.
	OneHand func(ctx context.Context, tx *sqlite.Tx, locale string) (string, error)
}

// Service joins verdicts and answers. It is safe for concurrent use.
type Service struct {
	db      *sqlite.DB
	facts   *fact.Store
	catalog *framework.Catalog
	texts   *i18n.Messages
	company func(ctx context.Context, tx *sqlite.Tx) (Company, error)
	staff   Staff
	oneHand func(ctx context.Context, tx *sqlite.Tx, locale string) (string, error)

	// reads says for each kind of fact which clauses of the catalogue read it. Clauses that come from an
	// imported workbook have no rule and read nothing, so the index never changes.
	reads map[string][]string

	mu       sync.Mutex
	outlines outlineCache
	boards   map[string]cachedBoard
	steps    cachedSteps
}

// New returns the service. app hands Recompute to the fact store and RecomputeAll to the company profile.
func New(d Deps) *Service {
	s := &Service{
		db: d.DB, facts: d.Facts, catalog: d.Catalog, texts: d.Texts, company: d.Company, staff: d.Staff, oneHand: d.OneHand,
		reads: map[string][]string{}, boards: map[string]cachedBoard{},
	}
	for _, f := range d.Catalog.Frameworks() {
		for _, c := range f.Clauses() {
			for _, kind := range c.Kinds(d.Catalog.Table) {
				s.reads[kind] = append(s.reads[kind], c.ID)
			}
		}
	}
	return s
}

// Catalog gives the frameworks as they were published, without what the office imported.
func (s *Service) Catalog() *framework.Catalog { return s.catalog }

// Read runs fn over one state of the database in which no verdict is overdue: the first page of a new day
// judges what the night changed.
func (s *Service) Read(ctx context.Context, fn func(*sqlite.Tx) error) error {
	if err := s.Fresh(ctx); err != nil {
		return err
	}
	return s.db.Read(ctx, fn)
}

// Fresh brings the verdicts up to today if the day turned since they were last looked at.
func (s *Service) Fresh(ctx context.Context) error {
	if s.db.ReadOnly() { // the process that writes keeps them fresh
		return nil
	}
	var due bool
	err := s.db.Read(ctx, func(tx *sqlite.Tx) error {
		st, err := findStatus(ctx, tx)
		due = st.judgedOn != jdate.Of(tx.Now)
		return err
	})
	if err != nil || !due {
		return err
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error { return s.RecomputeDue(ctx, tx) })
	if problem.CodeOf(err) == problem.CodeUnavailable { // no room on the disk: yesterday's verdicts are better than none
		return nil
	}
	return err
}

// Today is the day on which the house stands.
func (s *Service) Today() jdate.Day { return jdate.Of(s.db.Now()) }

// Names gives the display names of the staff by key.
func (s *Service) Names(ctx context.Context, tx *sqlite.Tx) (map[string]string, error) {
	return s.staff.Names(ctx, tx)
}

// OneHand says in a sentence who holds several roles at once, "" for nobody.
func (s *Service) OneHand(ctx context.Context, tx *sqlite.Tx, locale string) (string, error) {
	if s.oneHand == nil {
		return "", nil
	}
	return s.oneHand(ctx, tx, locale)
}

// Company gives the part of the company profile that assessments use.
func (s *Service) Company(ctx context.Context, tx *sqlite.Tx) (Company, error) {
	return s.company(ctx, tx)
}

// mayAnswer says whether the actor may answer an item: with the permission, and for actors with a scope only
// where the owner of the item belongs to one of their departments.
func (s *Service) mayAnswer(ctx context.Context, tx *sqlite.Tx, owner string) error {
	who := actor.From(ctx)
	if err := who.Require(PermAnswer); err != nil {
		return err
	}
	return s.inScope(ctx, tx, who, owner)
}

func (s *Service) inScope(ctx context.Context, tx *sqlite.Tx, who actor.Actor, owner string) error {
	if len(who.Scope) == 0 || who.SamePerson(owner) {
		return nil
	}
	department := ""
	if owner != "" {
		var err error
		if department, err = s.staff.DepartmentOf(ctx, tx, owner); err != nil {
			return err
		}
	}
	return who.RequireScope(department)
}

// onStaffList says whether a person exists; nobody ("") is fine. Problem code invalid, field owner.
func (s *Service) onStaffList(ctx context.Context, tx *sqlite.Tx, person string) error {
	if person == "" {
		return nil
	}
	names, err := s.staff.Names(ctx, tx)
	if err != nil {
		return err
	}
	if _, known := names[person]; !known {
		return problem.Invalid("owner", "assessment.owner_unknown")
	}
	return nil
}

// clausesReading lists the clauses that read any of kinds, each once, in the order of the catalogue.
func (s *Service) clausesReading(kinds []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, kind := range kinds {
		for _, id := range s.reads[kind] {
			if !seen[id] {
				seen[id] = true
				out = append(out, id)
			}
		}
	}
	slices.Sort(out)
	return out
}
