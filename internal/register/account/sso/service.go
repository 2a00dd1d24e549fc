package sso

import (
	"context"
	"errors"
	"strings"

	"golang.org/x/oauth2"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// sealContext binds the sealed secret to its place.
const sealContext = "account.sso/secret"

// Settings reads what is stored; the zero Settings when nothing is.
func (s *Service) Settings(ctx context.Context, tx *sqlite.Tx) (Settings, error) {
	return settings(ctx, tx)
}

func (s *Service) read(ctx context.Context) (set Settings, err error) {
	err = s.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		set, err = settings(ctx, tx)
		return err
	})
	return set, err
}

// usable gives the settings to sign in with; problem code not_found when the office has none.
func (s *Service) usable(ctx context.Context) (Settings, error) {
	set, err := s.read(ctx)
	if err == nil && !set.Enabled {
		err = problem.NotFound("sso.off")
	}
	return set, err
}

// Save stores the settings. An empty secret keeps the one before, unless the issuer or the client changed:
// a secret must not travel to another address. Problem codes: forbidden, invalid, conflict.
func (s *Service) Save(ctx context.Context, set Settings, plain string) error {
	if err := actor.From(ctx).Require(account.PermManage); err != nil {
		return err
	}
	set.Issuer = strings.TrimSpace(set.Issuer)
	if err := set.check(); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		old, err := settings(ctx, tx)
		if err != nil {
			return err
		}
		if old.Version != set.Version {
			return problem.Conflict("sso.changed_meanwhile")
		}
		set.sealed = old.sealed
		switch moved := old.Issuer != set.Issuer || old.Client != set.Client; {
		case plain != "":
			if set.sealed, err = s.cfg.Secrets.Seal([]byte(plain), sealContext); err != nil {
				return err
			}
		case set.sealed == "" || moved:
			return problem.Invalid("secret", "sso.secret_needed")
		}
		if err := putSettings(ctx, tx, set); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "account.sso_changed", "account/sso", audit.Image{
			"enabled": set.Enabled, "issuer": set.Issuer, "client": set.Client, "private": set.Private, "joins": set.Joins, "secret_changed": plain != "",
		})
	})
}

// Finding is one line of the test of the connection.
type Finding struct {
	OK  bool
	Key string // message
}

// Test asks the provider what can be asked without a person: its description, and whether it knows client
// and secret, by a code that cannot be right. Problem codes: forbidden, not_found before anything is stored.
func (s *Service) Test(ctx context.Context) ([]Finding, error) {
	if err := actor.From(ctx).Require(account.PermManage); err != nil {
		return nil, err
	}
	set, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	if set.Issuer == "" {
		return nil, problem.NotFound("sso.save_first")
	}
	release, err := s.acquire()
	if err != nil {
		return nil, err
	}
	defer release()
	s.mu.Lock()
	s.known = nil // what is tested is what answers now
	s.mu.Unlock()
	p, err := s.provider(ctx, set)
	if err != nil {
		return nil, err
	}
	out := []Finding{{true, "sso.test.found"}}
	conf := p.oauth
	conf.RedirectURL = "https://invalid.example" + PathCallback
	_, err = conf.Exchange(set.call(ctx), "kizuki-connection-test", oauth2.VerifierOption(oauth2.GenerateVerifier()))
	switch e, _ := errors.AsType[*oauth2.RetrieveError](err); {
	case e == nil:
		out = append(out, Finding{false, "sso.test.token_silent"})
	case e.ErrorCode == "invalid_grant":
		out = append(out, Finding{true, "sso.test.client"})
	case e.ErrorCode == "invalid_client" || e.ErrorCode == "unauthorized_client":
		out = append(out, Finding{false, "sso.test.client_wrong"})
	default:
		out = append(out, Finding{true, "sso.test.client_unsaid"})
	}
	if p.EndPage == "" {
		return append(out, Finding{true, "sso.test.no_end"}), nil
	}
	return append(out, Finding{true, "sso.test.end"}), nil
}

// Known is what an answer of the provider came to: an account, not signed in yet.
type Known struct {
	Account string // key
	Multi   bool   // the provider saw more than one factor
}

// Recognise takes an answer of the provider, finds the account that it stands for, and links both the
// first time. Problem codes: those of an answer that does not hold (invalid), not_found when no account fits.
func (s *Service) Recognise(ctx context.Context, a Answer) (Known, error) {
	id, err := s.finish(ctx, a)
	if err != nil {
		return Known{}, err
	}
	known := Known{Multi: id.multi}
	err = s.db.Write(actor.With(ctx, actor.House()), func(tx *sqlite.Tx) error {
		ctx := actor.With(ctx, actor.House())
		set, err := settings(ctx, tx)
		if err != nil {
			return err
		}
		if !set.Enabled || set.Issuer != id.issuer { // changed while the provider was asked
			return problem.Invalid("", "sso.late")
		}
		acc, err := s.accountOf(ctx, tx, set, id)
		known.Account = acc.Key
		return err
	})
	return known, err
}

// SignIn begins the session of an account that Recognise found, after whatever second step.
func (s *Service) SignIn(ctx context.Context, key, old string, c session.Client) (token string, err error) {
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		token, err = s.accounts.SignInBy(ctx, tx, key, old, c)
		return err
	})
	return token, err
}

// accountOf finds the account of an identity: by the link, else by what may link it.
func (s *Service) accountOf(ctx context.Context, tx *sqlite.Tx, set Settings, id identity) (account.Account, error) {
	key, err := linkedAccount(ctx, tx, id)
	if err != nil {
		return account.Account{}, err
	}
	if key != "" {
		if err := touchLink(ctx, tx, id); err != nil {
			return account.Account{}, err
		}
		return s.accounts.ByKey(ctx, tx, key)
	}
	acc, err := s.candidate(ctx, tx, set, id)
	if err != nil {
		return account.Account{}, err
	}
	if acc.Disabled {
		return account.Account{}, problem.Invalid("", "account.closed")
	}
	if err := putLink(ctx, tx, acc.ID, id); err != nil {
		return account.Account{}, err
	}
	return acc, audit.Record(ctx, tx, "account.sso_linked", "account/"+acc.Key, audit.Image{"issuer": id.issuer, "subject": audit.Personal(id.subject)})
}

// candidate finds the one account that an identity may be linked to: the one that an administrator wrote an
// identifier for, else the one whose login or person has the verified mail address.
func (s *Service) candidate(ctx context.Context, tx *sqlite.Tx, set Settings, id identity) (account.Account, error) {
	key, err := expectedAccount(ctx, tx, id.names)
	if err != nil {
		return account.Account{}, err
	}
	if key != "" {
		acc, err := s.accounts.ByKey(ctx, tx, key)
		return acc, s.free(ctx, tx, acc, id, err)
	}
	if id.mail == "" {
		return account.Account{}, problem.NotFound("sso.mail_unverified")
	}
	all, err := s.accounts.List(ctx, tx)
	if err != nil {
		return account.Account{}, err
	}
	staff, err := s.staffWith(ctx, tx, id.mail)
	if err != nil {
		return account.Account{}, err
	}
	var fits []account.Account
	for _, acc := range all {
		if acc.Login == id.mail || len(staff) == 1 && acc.Person == staff[0].Key {
			fits = append(fits, acc)
		}
	}
	switch {
	case len(fits) == 1:
		return fits[0], s.free(ctx, tx, fits[0], id, nil)
	case len(fits) > 1 || len(staff) > 1:
		return account.Account{}, problem.Conflict("sso.several")
	case set.Joins && len(staff) == 1:
		return s.accounts.Join(ctx, tx, id.mail, staff[0].Name, staff[0].Key)
	}
	return account.Account{}, problem.NotFound("sso.no_account")
}

// free refuses an account that already belongs to another person at the provider.
func (s *Service) free(ctx context.Context, tx *sqlite.Tx, acc account.Account, id identity, err error) error {
	if err != nil {
		return err
	}
	taken, err := hasLink(ctx, tx, acc.ID, id.issuer)
	if err == nil && taken {
		err = problem.Conflict("sso.linked_elsewhere")
	}
	return err
}

// staffWith lists who on the staff list has the mail address.
func (s *Service) staffWith(ctx context.Context, tx *sqlite.Tx, mail string) ([]Person, error) {
	if s.cfg.Staff == nil {
		return nil, nil
	}
	all, err := s.cfg.Staff(ctx, tx)
	var out []Person
	for _, p := range all {
		if strings.EqualFold(strings.TrimSpace(p.Mail), mail) {
			out = append(out, p)
		}
	}
	return out, err
}

// Expect writes down what the provider calls an account; empty forgets it. Problem codes: forbidden,
// not_found, invalid.
func (s *Service) Expect(ctx context.Context, key, identifier string) error {
	return s.change(ctx, key, func(tx *sqlite.Tx, acc account.Account) error {
		identifier = strings.ToLower(strings.TrimSpace(identifier))
		if len(identifier) > maxShort {
			return problem.Invalid("identifier", "web.too_long", "limit", maxShort, "n", len(identifier))
		}
		other, err := expectedAccount(ctx, tx, []string{identifier})
		if err != nil {
			return err
		}
		if other != "" && other != key {
			return problem.Invalid("identifier", "sso.identifier_taken")
		}
		if err := putExpected(ctx, tx, acc.ID, identifier); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "account.sso_expected", "account/"+key, audit.Image{"identifier": audit.Personal(identifier)})
	})
}

// Unlink forgets whom the provider means by an account. Problem codes: forbidden, not_found.
func (s *Service) Unlink(ctx context.Context, key string) error {
	return s.change(ctx, key, func(tx *sqlite.Tx, acc account.Account) error {
		if err := dropLinks(ctx, tx, acc.ID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "account.sso_unlinked", "account/"+key, nil)
	})
}

func (s *Service) change(ctx context.Context, key string, act func(tx *sqlite.Tx, acc account.Account) error) error {
	if err := actor.From(ctx).Require(account.PermManage); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		acc, err := s.accounts.ByKey(ctx, tx, key)
		if err != nil {
			return err
		}
		return act(tx, acc)
	})
}
