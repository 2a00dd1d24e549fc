// Package org keeps who the company is: its profile and targets, its sites (拠点), its departments (部署)
// with their owners (責任者), and the list of major changes (大きな変化) after which rules must be reviewed.
//
// It owns the facts org.department, org.owner and org.major_change. Persons stand here by key only: the
// register of people lies above this one and tells OwnerUntil when an owner leaves. It imports actor,
// audit, fact, framework and due, and nothing of the features.
package org

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Permissions of this register; app binds them to roles.
const (
	PermRead    actor.Permission = "org.read"    // see company, sites, departments and major changes
	PermEdit    actor.Permission = "org.edit"    // keep sites, departments, owners and major changes
	PermCompany actor.Permission = "org.company" // change profile, targets, addresses and settings
)

// Targets and readings of the company profile.
const (
	// Counts reads 該当なし as full points; Leaves takes such items out of the total.
	Counts = "counts"
	Leaves = "leaves"
)

// Company is the profile of the office's company. Before the set-up Service.Company gives the zero name
// and Version 0 with every other field at its default.
type Company struct {
	Name          string
	Industry      string         // 業種: one of Industries, or "" while unknown
	Size          string         // 従業員規模: one of Sizes, or "" while unknown
	FiscalStart   time.Month     // month in which the fiscal year (年度) begins
	BaseAddress   string         // "https://kizuki.example.co.jp", without a slash at the end; "" while unknown
	Hosts         []string       // Host headers answered besides loopback and the host of BaseAddress
	TargetLevel   string         // "1", "2" or "3" of the automotive guideline
	TargetStar    string         // "3" or "4" of SCS; "" for none
	NotApplicable string         // Counts or Leaves
	Settings      map[string]int // overrides of the settings of catalog/kinds.yaml, by name
	Version       int64          // 0: not set up yet
}

// IsSetUp says whether the office has a company.
func (c Company) IsSetUp() bool { return c.Version > 0 }

// AllowedHosts lists the Host headers that are answered: Hosts and the host of BaseAddress.
func (c Company) AllowedHosts() []string {
	hosts := slices.Clone(c.Hosts)
	if u, err := url.Parse(c.BaseAddress); err == nil && u.Hostname() != "" {
		hosts = append(hosts, u.Hostname())
	}
	return hosts
}

// Industries lists the choices of 業種, in the order shown. Labels: messages org.industry.*.
func Industries() []string {
	return []string{"auto_parts", "metal", "resin", "mould", "machinery", "electronics", "material", "logistics", "software", "trading", "other"}
}

// Sizes lists the choices of 従業員規模, in the order shown. Labels: messages org.size.*.
func Sizes() []string { return []string{"1-20", "21-50", "51-100", "101-300", "301-1000", "1001-"} }

// Largest values that a person may set; a setting counts days.
const (
	maxName    = 100
	maxSetting = 3650
)

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?$`)

// check returns every field that must be changed.
func (c Company) check(known func(setting string) bool) error {
	var found problem.List
	found.Add(checkName(c.Name, "org.company.name_needed"))
	if c.Industry != "" && !slices.Contains(Industries(), c.Industry) {
		found.Add(problem.Invalid("industry", "web.choose"))
	}
	if c.Size != "" && !slices.Contains(Sizes(), c.Size) {
		found.Add(problem.Invalid("size", "web.choose"))
	}
	if c.FiscalStart < time.January || c.FiscalStart > time.December {
		found.Add(problem.Invalid("fiscal_start", "web.choose"))
	}
	if !slices.Contains([]string{"1", "2", "3"}, c.TargetLevel) {
		found.Add(problem.Invalid("target_level", "web.choose"))
	}
	if !slices.Contains([]string{"", "3", "4"}, c.TargetStar) {
		found.Add(problem.Invalid("target_star", "web.choose"))
	}
	if c.NotApplicable != Counts && c.NotApplicable != Leaves {
		found.Add(problem.Invalid("not_applicable", "web.choose"))
	}
	found.Add(checkAddress(c.BaseAddress))
	for _, h := range c.Hosts {
		if _, err := netip.ParseAddr(strings.Trim(h, "[]")); err != nil && !hostName.MatchString(h) {
			found.Add(problem.Invalid("hosts", "org.company.host_wrong", "host", h))
			break
		}
	}
	for name, n := range c.Settings {
		if !known(name) || n < 1 || n > maxSetting {
			found.Add(problem.Invalid("setting_"+name, "web.not_a_number", "low", 1, "high", maxSetting))
		}
	}
	return found.Err()
}

func checkName(name, key string) *problem.Error {
	switch n := len([]rune(name)); {
	case n == 0:
		return problem.Invalid("name", key)
	case n > maxName:
		return problem.Invalid("name", "web.too_long", "limit", maxName, "n", n)
	default:
		return nil
	}
}

// checkAddress takes scheme, host and port only: pages lie at the root of the office.
func checkAddress(address string) *problem.Error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || !hostName.MatchString(u.Host) && !isIP(u.Hostname()) {
		return problem.Invalid("base_address", "org.company.address_wrong", "text", address)
	}
	return nil
}

func isIP(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// Site is one place where the company works (拠点).
type Site struct {
	Key     string
	Name    string
	Kana    string    // reading, for the order; may be empty
	Ended   jdate.Day // last day; zero while in use
	Version int64     // 0 for a new one
}

// Department is one department (部署).
type Department struct {
	Key        string
	Name       string
	Kana       string    // reading, for the order; may be empty
	Site       string    // key of the site; empty: none or several
	Owner      string    // key of the person who answers for it (責任者); empty: nobody yet
	OwnerSince jdate.Day // day on which the owner was named
	OwnerUntil jdate.Day // last day of an owner who leaves the company; zero: no end known
	Ended      jdate.Day // last day; zero while in use
	Version    int64     // 0 for a new one
}

// Owned says whether somebody answers for the department on a day.
func (d Department) Owned(on jdate.Day) bool {
	return d.Owner != "" && (d.OwnerUntil.IsZero() || !d.OwnerUntil.Before(on))
}

// MajorChange is one entry of 大きな変化: after it, rules and policies must be reviewed.
type MajorChange struct {
	Key     string
	On      jdate.Day
	What    string // one of ChangeKinds
	Note    string
	Version int64
}

// ChangeKinds lists what counts as a major change, as attribute "what" of org.major_change.
// Labels: messages org.change.*.
func ChangeKinds() []string { return []string{"organisation", "system", "incident", "threat", "law"} }

func (c MajorChange) check(today jdate.Day) error {
	var found problem.List
	switch {
	case c.On.IsZero():
		found.Add(problem.Invalid("on", "org.change.day_needed"))
	case c.On.After(today):
		found.Add(problem.Invalid("on", "org.change.day_ahead"))
	}
	if !slices.Contains(ChangeKinds(), c.What) {
		found.Add(problem.Invalid("what", "web.choose"))
	}
	if c.Note == "" {
		found.Add(problem.Invalid("note", "org.change.note_needed"))
	}
	return found.Err()
}
