// Package setup makes an office out of an empty data folder: the holder of a one-time token says what the
// company is, what it aims at and who the first person is (初期設定), in one transaction.
//
// It owns no table of its own words: the profile goes to org, the person to the staff list, the request to
// the features, each through a function that app gives; the account goes to package account. Its texts and
// its table are among those of account.
package setup

import (
	"context"
	"crypto/subtle"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/password"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Config is how the set-up hands to other registers what belongs to them, in its own transaction.
type Config struct {
	// Company gives the profile with the defaults of an office that is not set up.
	Company func(ctx context.Context, tx *sqlite.Tx) (org.Company, error)
	// SaveCompany stores the profile.
	SaveCompany func(ctx context.Context, tx *sqlite.Tx, c org.Company) error
	// CreatePerson puts the first person on the staff list.
	CreatePerson func(ctx context.Context, tx *sqlite.Tx, p FirstPerson) (key string, err error)
	// SaveRequest stores who asks for the check sheet; called only when the set-up names one.
	SaveRequest func(ctx context.Context, tx *sqlite.Tx, r Request) error
}

// FirstPerson is the person of the first account.
type FirstPerson struct {
	FamilyName, GivenName string
	FamilyKana, GivenKana string // may be empty
	Email                 string // the login, when it is a mail address
}

// Name is how the person is shown.
func (p FirstPerson) Name() string { return strings.TrimSpace(p.FamilyName + " " + p.GivenName) }

// Request says who (提出先) wants the check sheet by when (提出期限).
type Request struct {
	Recipient   string
	Due         jdate.Day // zero: not known yet
	TargetLevel string    // "1", "2" or "3"
	TargetStar  string    // "3" or "4" of SCS; "" for none
}

// Input is everything the set-up asks.
type Input struct {
	Company   org.Company // name, industry, size, fiscal start, base address and targets; the rest is its default
	Recipient string      // 提出先; may be empty
	Due       jdate.Day
	Person    FirstPerson
	Login     string
	Password  string
	Roles     []actor.Role // of the first account; システム管理者 is always among them
}

// Service does the set-up. It is safe for concurrent use.
type Service struct {
	db       *sqlite.DB
	accounts *account.Service
	cfg      Config
}

// New returns the service.
func New(db *sqlite.DB, accounts *account.Service, cfg Config) *Service {
	return &Service{db: db, accounts: accounts, cfg: cfg}
}

// Token makes the one-time token of the set-up; an earlier one no longer opens. serve prints its address
// once. Problem code conflict when the office has an account.
func (s *Service) Token(ctx context.Context) (token string, err error) {
	token = session.NewToken()
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		needs, err := s.accounts.NeedsSetup(ctx, tx)
		if err != nil {
			return err
		}
		if !needs {
			return problem.Conflict("account.setup.done")
		}
		return putToken(ctx, tx, session.HashOf(token))
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// Path is the page of the set-up below the office's address.
func Path(token string) string { return "/setup?token=" + url.QueryEscape(token) }

// Check says whether the token opens the set-up. Problem code unauthenticated: account.setup.done when the
// office is set up, account.setup.unknown for any other token.
func (s *Service) Check(ctx context.Context, token string) error {
	return s.db.Read(ctx, func(tx *sqlite.Tx) error { return s.check(ctx, tx, token) })
}

func (s *Service) check(ctx context.Context, tx *sqlite.Tx, token string) error {
	needs, err := s.accounts.NeedsSetup(ctx, tx)
	if err != nil {
		return err
	}
	if !needs {
		return problem.Unauthenticated("account.setup.done")
	}
	hash, err := tokenHash(ctx, tx)
	if err != nil {
		return err
	}
	if hash == "" || subtle.ConstantTimeCompare([]byte(hash), []byte(session.HashOf(token))) != 1 {
		return problem.Unauthenticated("account.setup.unknown")
	}
	return nil
}

// Do does the set-up for the holder of the token, uses the token up and signs the first person in. Problem
// codes: unauthenticated, invalid with every field that must be changed.
func (s *Service) Do(ctx context.Context, token string, in Input, c session.Client) (signedIn string, err error) {
	if err := s.Check(ctx, token); err != nil {
		return "", err
	}
	return s.do(ctx, in, &c, func(tx *sqlite.Tx) error { return s.check(ctx, tx, token) })
}

// Init does the set-up without a browser: kizuki init. Problem codes: conflict, invalid.
func (s *Service) Init(ctx context.Context, in Input) error {
	_, err := s.do(ctx, in, nil, func(*sqlite.Tx) error { return nil })
	return err
}

// do writes everything in one transaction; may is asked again inside, since two browsers may have passed
// the first look.
func (s *Service) do(ctx context.Context, in Input, c *session.Client, may func(*sqlite.Tx) error) (signedIn string, err error) {
	n, err := in.check()
	if err != nil {
		return "", err
	}
	hash, err := s.accounts.HashPassword(ctx, in.Password)
	if err != nil {
		return "", err
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		if err := may(tx); err != nil {
			return err
		}
		ctx := actor.With(ctx, actor.House()) // nobody holds a role yet
		if err := s.saveCompany(ctx, tx, in); err != nil {
			return err
		}
		if n.Person, err = s.cfg.CreatePerson(ctx, tx, in.Person); err != nil {
			return err
		}
		var a account.Account
		if a, signedIn, err = s.accounts.First(ctx, tx, n, hash, c); err != nil {
			return err
		}
		if err := dropToken(ctx, tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "account.setup_done", "account/"+a.Key, audit.Image{"roles": a.Roles})
	})
	if err != nil {
		return "", err
	}
	return signedIn, nil
}

// saveCompany hands profile and request to their registers.
func (s *Service) saveCompany(ctx context.Context, tx *sqlite.Tx, in Input) error {
	c, err := s.cfg.Company(ctx, tx)
	if err != nil {
		return err
	}
	c.Name, c.Industry, c.Size, c.FiscalStart = in.Company.Name, in.Company.Industry, in.Company.Size, in.Company.FiscalStart
	c.BaseAddress, c.TargetLevel, c.TargetStar = in.Company.BaseAddress, in.Company.TargetLevel, in.Company.TargetStar
	if err := s.cfg.SaveCompany(ctx, tx, c); err != nil {
		return err
	}
	if in.Recipient == "" {
		return nil
	}
	return s.cfg.SaveRequest(ctx, tx, Request{Recipient: in.Recipient, Due: in.Due, TargetLevel: c.TargetLevel, TargetStar: c.TargetStar})
}

// Longest names in characters: of a 提出先, and each half of a person's.
const (
	maxRecipient = 100
	maxName      = 40
)

// check returns the first account, or every field that must be changed.
func (in Input) check() (account.NewAccount, error) {
	found := in.checkCompany()
	p := in.Person
	for _, f := range []struct{ field, value, key string }{
		{"family_name", p.FamilyName, "account.setup.family_name_needed"},
		{"given_name", p.GivenName, "account.setup.given_name_needed"},
		{"family_kana", p.FamilyKana, ""},
		{"given_kana", p.GivenKana, ""},
	} {
		switch n := utf8.RuneCountInString(f.value); {
		case n == 0 && f.key != "":
			found.Add(problem.Invalid(f.field, f.key))
		case n > maxName:
			found.Add(problem.Invalid(f.field, "web.too_long", "limit", maxName, "n", n))
		}
	}
	login, wrong := account.CheckLogin(in.Login)
	found.Add(wrong)
	n := account.NewAccount{Login: login, Profile: account.Profile{Name: p.Name(), Roles: append([]actor.Role{actor.Admin}, in.Roles...)}}
	if slices.ContainsFunc(n.Roles, func(r actor.Role) bool { return !r.Valid() || r == actor.Advisor }) {
		found.Add(problem.Invalid("roles", "web.choose"))
	}
	found.Add(password.Check("password", in.Password, n.Login, in.Company.Name))
	return n, found.Err()
}

// checkCompany finds what the first page must ask again; what belongs to the profile alone, org checks.
func (in Input) checkCompany() problem.List {
	var found problem.List
	c := in.Company
	if c.Name == "" {
		found.Add(problem.Invalid("name", "account.setup.company_needed"))
	}
	if !slices.Contains(org.Industries(), c.Industry) {
		found.Add(problem.Invalid("industry", "account.setup.industry_needed"))
	}
	if !slices.Contains(org.Sizes(), c.Size) {
		found.Add(problem.Invalid("size", "account.setup.size_needed"))
	}
	if c.FiscalStart < time.January || c.FiscalStart > time.December {
		found.Add(problem.Invalid("fiscal_start", "web.choose"))
	}
	if n := utf8.RuneCountInString(in.Recipient); n > maxRecipient {
		found.Add(problem.Invalid("recipient", "web.too_long", "limit", maxRecipient, "n", n))
	}
	if in.Recipient == "" && !in.Due.IsZero() {
		found.Add(problem.Invalid("recipient", "account.setup.recipient_needed"))
	}
	return found
}

// Answers to the three questions that propose a target: "yes", "no" or "unknown"; Asked is "none", "3",
// "4" or "unknown".
type Answers struct {
	Important string // other companies' secrets, important technology, or an outage hits the chain
	Leads     string // the company represents and leads the industry
	Asked     string // the star that customers ask for
}

// Propose returns the level and star that fit the answers, and the message key of the reason. What nobody
// knows counts towards level 2, the usual target: aiming lower by mistake costs more than starting there.
// Source: JAMA/JAPIA guideline 2.3, levels; who the level is for.
func (a Answers) Propose() (level, star, why string) {
	if a.Asked == "3" || a.Asked == "4" {
		star = a.Asked
	}
	switch {
	case a.Leads == "yes":
		return "3", star, "account.setup.why_leads"
	case a.Important == "yes":
		return "2", star, "account.setup.why_important"
	case a.Important == "no":
		return "1", star, "account.setup.why_minimum"
	default:
		return "2", star, "account.setup.why_unknown"
	}
}
