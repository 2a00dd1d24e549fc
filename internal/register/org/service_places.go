package org

import (
	"context"
	"slices"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// SaveSite adds a site (Key empty) or changes it over the version it was read with, and returns its key.
// A day in Ended takes it out of use. Codes: invalid (also a name in use), conflict, not_found, forbidden.
func (s *Service) SaveSite(ctx context.Context, site Site) (key string, err error) {
	if err := actor.From(ctx).Require(PermEdit); err != nil {
		return "", err
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		key, err = s.saveSite(ctx, tx, site)
		return err
	})
	return key, err
}

func (s *Service) saveSite(ctx context.Context, tx *sqlite.Tx, site Site) (string, error) {
	site.Name, site.Kana = jtext.Line(site.Name), jtext.Katakana(site.Kana)
	if p := checkName(site.Name, "org.site.name_needed"); p != nil {
		return "", p
	}
	all, err := findSites(ctx, tx)
	if err != nil {
		return "", err
	}
	for _, other := range all {
		if other.Key != site.Key && other.Ended.IsZero() && site.Ended.IsZero() && jtext.SearchKey(other.Name) == jtext.SearchKey(site.Name) {
			return "", problem.Invalid("name", "org.site.name_taken", "name", other.Name)
		}
	}
	act := "org.site_changed"
	if site.Key == "" {
		act, site.Key = "org.site_added", tx.NewKey()
		if err := insertSite(ctx, tx, site); err != nil {
			return "", err
		}
	} else if ok, err := updateSite(ctx, tx, site); err != nil {
		return "", err
	} else if !ok {
		return "", problem.Conflict("org.changed_meanwhile")
	}
	return site.Key, audit.Record(ctx, tx, act, "site/"+site.Key, audit.Image{"name": site.Name, "kana": site.Kana, "ended_on": site.Ended})
}

// Department returns one department; code not_found.
func (s *Service) Department(ctx context.Context, tx *sqlite.Tx, key string) (Department, error) {
	return findDepartment(ctx, tx, key)
}

// SaveDepartment adds a department (Key empty) or changes it over the version it was read with, and returns
// its key. OwnerSince and OwnerUntil are set here. A day in Ended takes it out of use. Codes: invalid (also a
// name in use), conflict, not_found, forbidden.
func (s *Service) SaveDepartment(ctx context.Context, d Department) (key string, err error) {
	who := actor.From(ctx)
	if err := who.Require(PermEdit); err != nil {
		return "", err
	}
	if err := who.RequireScope(d.Key); err != nil {
		return "", err
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		key, err = s.saveDepartment(ctx, tx, d)
		return err
	})
	return key, err
}

func (s *Service) saveDepartment(ctx context.Context, tx *sqlite.Tx, d Department) (string, error) {
	d.Name, d.Kana = jtext.Line(d.Name), jtext.Katakana(d.Kana)
	if err := s.checkDepartment(ctx, tx, d); err != nil {
		return "", err
	}
	act := "org.department_changed"
	var err error
	if d.OwnerUntil, err = s.lastDay(ctx, tx, d.Owner); err != nil {
		return "", err
	}
	if d.Key == "" {
		act, d.Key = "org.department_added", tx.NewKey()
		if d.Owner != "" {
			d.OwnerSince = dayOrZero(d.OwnerSince, today(tx))
		}
		if err := insertDepartment(ctx, tx, d); err != nil {
			return "", err
		}
	} else {
		old, err := findDepartment(ctx, tx, d.Key)
		if err != nil {
			return "", err
		}
		d.OwnerSince = ownerSince(old, d, today(tx))
		if ok, err := updateDepartment(ctx, tx, d); err != nil {
			return "", err
		} else if !ok {
			return "", problem.Conflict("org.changed_meanwhile")
		}
	}
	err = audit.Record(ctx, tx, act, "department/"+d.Key, audit.Image{
		"name": d.Name, "kana": d.Kana, "site": d.Site, "owner": d.Owner, "owner_since": d.OwnerSince, "owner_until": d.OwnerUntil, "ended_on": d.Ended,
	})
	if err != nil {
		return "", err
	}
	return d.Key, s.facts.Put(ctx, tx, "department/"+d.Key, Kinds(), departmentFacts(d))
}

// lastDay asks the register of people whether the owner exists, and until when.
func (s *Service) lastDay(ctx context.Context, tx *sqlite.Tx, owner string) (jdate.Day, error) {
	if owner == "" || s.people == nil {
		return 0, nil
	}
	day, err := s.people.LastDay(ctx, tx, owner)
	switch {
	case problem.CodeOf(err) == problem.CodeNotFound:
		return 0, problem.Invalid("owner", "org.department.owner_unknown")
	case err != nil:
		return 0, err
	case !day.IsZero() && day.Before(today(tx)):
		return 0, problem.Invalid("owner", "org.department.owner_left", "left", day)
	default:
		return day, nil
	}
}

// ownerSince keeps the day of an owner who stays; a new one answers from today.
func ownerSince(old, d Department, day jdate.Day) jdate.Day {
	switch d.Owner {
	case "":
		return 0
	case old.Owner:
		return dayOrZero(old.OwnerSince, day)
	default:
		return day
	}
}

func (s *Service) checkDepartment(ctx context.Context, tx *sqlite.Tx, d Department) error {
	var found problem.List
	found.Add(checkName(d.Name, "org.department.name_needed"))
	all, err := findDepartments(ctx, tx, "")
	if err != nil {
		return err
	}
	for _, other := range all {
		if d.Name != "" && other.Key != d.Key && other.Ended.IsZero() && d.Ended.IsZero() && jtext.SearchKey(other.Name) == jtext.SearchKey(d.Name) {
			found.Add(problem.Invalid("name", "org.department.name_taken", "name", other.Name))
		}
	}
	if d.Site != "" {
		sites, err := findSites(ctx, tx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(sites, func(x Site) bool { return x.Key == d.Site }) {
			found.Add(problem.Invalid("site", "web.choose"))
		}
	}
	return found.Err()
}

// OwnerUntil notes the last day of owners, by person key; the zero day takes a note back. The register of
// people calls it when somebody leaves or comes back, in the same transaction.
func (s *Service) OwnerUntil(ctx context.Context, tx *sqlite.Tx, until map[string]jdate.Day) error {
	if len(until) == 0 {
		return nil
	}
	owned, err := findDepartments(ctx, tx, `WHERE owner <> ''`)
	if err != nil {
		return err
	}
	for _, d := range owned {
		day, concerned := until[d.Owner]
		if !concerned || d.OwnerUntil == day {
			continue
		}
		d.OwnerUntil = day
		if _, err := updateDepartment(ctx, tx, d); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, "org.owner_until", "department/"+d.Key, audit.Image{"owner": d.Owner, "owner_until": day}); err != nil {
			return err
		}
		if err := s.facts.Put(ctx, tx, "department/"+d.Key, Kinds(), departmentFacts(d)); err != nil {
			return err
		}
	}
	return nil
}

// Places are the departments and sites that a file names, by SearchKey of the name.
type Places struct {
	Departments, Sites map[string]string // SearchKey of the name → key; of those in use
}

// Places returns what names of a file are compared with.
func (s *Service) Places(ctx context.Context, tx *sqlite.Tx) (Places, error) {
	p := Places{Departments: map[string]string{}, Sites: map[string]string{}}
	departments, err := s.Departments(ctx, tx)
	if err != nil {
		return p, err
	}
	for _, d := range departments {
		p.Departments[jtext.SearchKey(d.Name)] = d.Key
	}
	sites, err := s.Sites(ctx, tx)
	if err != nil {
		return p, err
	}
	for _, x := range sites {
		p.Sites[jtext.SearchKey(x.Name)] = x.Key
	}
	return p, nil
}

// Create adds departments and sites by name in the transaction of an import that a person consented to, and
// returns the keys of each in the order of the names. It asks for PermEdit.
func (s *Service) Create(ctx context.Context, tx *sqlite.Tx, departments, sites []string) (departmentKeys, siteKeys []string, err error) {
	if len(departments)+len(sites) == 0 {
		return nil, nil, nil
	}
	if err := actor.From(ctx).Require(PermEdit); err != nil {
		return nil, nil, err
	}
	for _, name := range sites {
		key, err := s.saveSite(ctx, tx, Site{Name: name})
		if err != nil {
			return nil, nil, err
		}
		siteKeys = append(siteKeys, key)
	}
	for _, name := range departments {
		key, err := s.saveDepartment(ctx, tx, Department{Name: name})
		if err != nil {
			return nil, nil, err
		}
		departmentKeys = append(departmentKeys, key)
	}
	return departmentKeys, siteKeys, nil
}

// Uncreate takes back what Create added, when an import is undone. What somebody changed or used since
// (owner, site of a department) stays.
func (s *Service) Uncreate(ctx context.Context, tx *sqlite.Tx, departmentKeys, siteKeys []string) error {
	for _, key := range departmentKeys {
		d, err := findDepartment(ctx, tx, key)
		if problem.CodeOf(err) == problem.CodeNotFound {
			continue
		}
		if err != nil {
			return err
		}
		if d.Version != 1 {
			continue
		}
		if err := deleteDepartment(ctx, tx, key); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, "org.department_removed", "department/"+key, nil); err != nil {
			return err
		}
		if err := s.facts.Put(ctx, tx, "department/"+key, Kinds(), nil); err != nil {
			return err
		}
	}
	return s.uncreateSites(ctx, tx, siteKeys)
}

func (s *Service) uncreateSites(ctx context.Context, tx *sqlite.Tx, keys []string) error {
	departments, err := findDepartments(ctx, tx, "")
	if err != nil {
		return err
	}
	sites, err := findSites(ctx, tx)
	if err != nil {
		return err
	}
	for _, site := range sites {
		used := slices.ContainsFunc(departments, func(d Department) bool { return d.Site == site.Key })
		if used || site.Version != 1 || !slices.Contains(keys, site.Key) {
			continue
		}
		if err := deleteSite(ctx, tx, site.Key); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, "org.site_removed", "site/"+site.Key, nil); err != nil {
			return err
		}
	}
	return nil
}
