package org

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Service keeps company, sites, departments and major changes. It is safe for concurrent use.
type Service struct {
	db       *sqlite.DB
	facts    *fact.Store
	settings map[string]framework.Setting
	changed  func(ctx context.Context, tx *sqlite.Tx) error
	people   People
}

// Choice is one entry of a list to choose from.
type Choice struct{ Key, Name string }

// People is what this register needs of the staff list, which lies above it.
type People interface {
	// LastDay returns the last day of a person, zero when no end is known; code not_found.
	LastDay(ctx context.Context, tx *sqlite.Tx, key string) (jdate.Day, error)
	// Choices lists the people of today, by reading.
	Choices(ctx context.Context, tx *sqlite.Tx) ([]Choice, error)
	// Names maps the keys of all people, also those who left, to names.
	Names(ctx context.Context, tx *sqlite.Tx) (map[string]string, error)
}

// New returns the service. settings are those of catalog/kinds.yaml: which exist, and their defaults.
func New(db *sqlite.DB, facts *fact.Store, settings map[string]framework.Setting) *Service {
	return &Service{db: db, facts: facts, settings: settings}
}

// OnCompanyChanged sets what runs in the transaction that changes the profile: targets, fiscal year and
// settings decide verdicts without being facts.
func (s *Service) OnCompanyChanged(fn func(ctx context.Context, tx *sqlite.Tx) error) { s.changed = fn }

// SetPeople hands over the staff list, once, at start; without it owners are not checked.
func (s *Service) SetPeople(p People) { s.people = p }

// Company returns the profile, before the set-up one with Version 0 and defaults.
func (s *Service) Company(ctx context.Context, tx *sqlite.Tx) (Company, error) {
	return findCompany(ctx, tx)
}

// Settings returns every setting with its value: the company's own, else the default of the catalogue.
func (s *Service) Settings(ctx context.Context, tx *sqlite.Tx) (map[string]int, error) {
	c, err := findCompany(ctx, tx)
	if err != nil {
		return nil, err
	}
	out := make(map[string]int, len(s.settings))
	for name, setting := range s.settings {
		out[name] = setting.Value
	}
	maps.Copy(out, c.Settings)
	return out, nil
}

// SettingNames lists the settings of the catalogue, sorted by name.
func (s *Service) SettingNames() []string { return slices.Sorted(maps.Keys(s.settings)) }

// Setting describes one of SettingNames.
func (s *Service) Setting(name string) framework.Setting { return s.settings[name] }

// Establish writes the first profile, in the transaction of the set-up, which has checked its own right to
// do so: nobody has an account yet. An office that is set up already answers conflict.
func (s *Service) Establish(ctx context.Context, tx *sqlite.Tx, c Company) error {
	if c.Version != 0 {
		return problem.Conflict("org.company.exists")
	}
	return s.putCompany(ctx, tx, c, "org.company_established", "org.company.exists")
}

// SaveCompany changes the profile over the version it was read with; codes invalid, conflict, forbidden.
func (s *Service) SaveCompany(ctx context.Context, c Company) error {
	if err := actor.From(ctx).Require(PermCompany); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		return s.putCompany(ctx, tx, c, "org.company_changed", "org.changed_meanwhile")
	})
}

func (s *Service) putCompany(ctx context.Context, tx *sqlite.Tx, c Company, act, stale string) error {
	c = c.tidy(s.settings)
	if err := c.check(func(name string) bool { _, ok := s.settings[name]; return ok }); err != nil {
		return err
	}
	ok, err := putCompany(ctx, tx, c)
	if err != nil {
		return err
	}
	if !ok {
		return problem.Conflict(stale)
	}
	err = audit.Record(ctx, tx, act, "company", audit.Image{
		"name": c.Name, "industry": c.Industry, "size": c.Size, "fiscal_start": int(c.FiscalStart), "base_address": c.BaseAddress,
		"hosts": c.Hosts, "target_level": c.TargetLevel, "target_star": c.TargetStar, "not_applicable": c.NotApplicable, "settings": c.Settings,
	})
	if err != nil {
		return err
	}
	if s.changed == nil {
		return nil
	}
	return s.changed(ctx, tx)
}

// tidy brings what people type into the stored form; a setting at its default is no override.
func (c Company) tidy(defaults map[string]framework.Setting) Company {
	c.Name = jtext.Line(c.Name)
	c.BaseAddress = strings.TrimRight(strings.TrimSpace(c.BaseAddress), "/")
	hosts := make([]string, 0, len(c.Hosts))
	for _, h := range c.Hosts {
		if h = strings.ToLower(jtext.Line(h)); h != "" && !slices.Contains(hosts, h) {
			hosts = append(hosts, h)
		}
	}
	c.Hosts = hosts
	own := map[string]int{}
	for name, n := range c.Settings {
		if d, ok := defaults[name]; !ok || d.Value != n {
			own[name] = n
		}
	}
	c.Settings = own
	return c
}

// Sites returns the sites in use, by reading.
func (s *Service) Sites(ctx context.Context, tx *sqlite.Tx) ([]Site, error) {
	all, err := findSites(ctx, tx)
	if err != nil {
		return nil, err
	}
	day := today(tx)
	return slices.DeleteFunc(all, func(x Site) bool { return !x.Ended.IsZero() && x.Ended.Before(day) }), nil
}

// AllSites returns every site, also those given up: names of old records need them.
func (s *Service) AllSites(ctx context.Context, tx *sqlite.Tx) ([]Site, error) {
	return findSites(ctx, tx)
}

// Departments returns the departments in use, by reading.
func (s *Service) Departments(ctx context.Context, tx *sqlite.Tx) ([]Department, error) {
	all, err := findDepartments(ctx, tx, "")
	if err != nil {
		return nil, err
	}
	day := today(tx)
	return slices.DeleteFunc(all, func(d Department) bool { return !d.Ended.IsZero() && d.Ended.Before(day) }), nil
}

// AllDepartments returns every department, also those that ended: names of old records need them.
func (s *Service) AllDepartments(ctx context.Context, tx *sqlite.Tx) ([]Department, error) {
	return findDepartments(ctx, tx, "")
}

// DepartmentNames maps keys to names, also of departments that ended.
func (s *Service) DepartmentNames(ctx context.Context, tx *sqlite.Tx) (map[string]string, error) {
	all, err := findDepartments(ctx, tx, "")
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(all))
	for _, d := range all {
		out[d.Key] = d.Name
	}
	return out, nil
}

// SiteNames maps keys to names, also of sites given up.
func (s *Service) SiteNames(ctx context.Context, tx *sqlite.Tx) (map[string]string, error) {
	all, err := findSites(ctx, tx)
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(all))
	for _, d := range all {
		out[d.Key] = d.Name
	}
	return out, nil
}

// MajorChanges returns the list of major changes, newest first.
func (s *Service) MajorChanges(ctx context.Context, tx *sqlite.Tx) ([]MajorChange, error) {
	return findChanges(ctx, tx)
}

// AddMajorChange adds an entry; codes invalid, forbidden.
func (s *Service) AddMajorChange(ctx context.Context, c MajorChange) error {
	if err := actor.From(ctx).Require(PermEdit); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		c.Note = jtext.Line(c.Note)
		if err := c.check(today(tx)); err != nil {
			return err
		}
		c.Key = tx.NewKey()
		if err := insertChange(ctx, tx, c); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, "org.major_change_added", "change/"+c.Key, audit.Image{"on": c.On, "what": c.What, "note": c.Note}); err != nil {
			return err
		}
		return s.facts.Put(ctx, tx, "change/"+c.Key, Kinds(), changeFacts(c))
	})
}

// RemoveMajorChange takes back an entry that was a mistake; the audit log keeps that it was there.
func (s *Service) RemoveMajorChange(ctx context.Context, key string, version int64) error {
	if err := actor.From(ctx).Require(PermEdit); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		ok, err := deleteChange(ctx, tx, key, version)
		if err != nil {
			return err
		}
		if !ok {
			return problem.Conflict("org.changed_meanwhile")
		}
		if err := audit.Record(ctx, tx, "org.major_change_removed", "change/"+key, nil); err != nil {
			return err
		}
		return s.facts.Put(ctx, tx, "change/"+key, Kinds(), nil)
	})
}

// dayOrZero keeps an already set day.
func dayOrZero(have, day jdate.Day) jdate.Day {
	if have.IsZero() {
		return day
	}
	return have
}
