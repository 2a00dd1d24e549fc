package account

import (
	"context"
	"slices"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account/password"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/register/account/throttle"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// purposePassword is the purpose of links that let a person choose a password; they live one day.
const (
	purposePassword = "password"
	passwordDays    = 1
)

// Config is what the register needs from app.
type Config struct {
	Binding Binding
	Hasher  *password.Hasher // nil: password.Recommended
	// Company gives the profile: its name must not be a password, its address stands in links.
	Company func(ctx context.Context, tx *sqlite.Tx) (org.Company, error)
	// People and Departments list what an account may name; nil lists nothing and checks nothing.
	People      func(ctx context.Context, tx *sqlite.Tx) ([]org.Choice, error)
	Departments func(ctx context.Context, tx *sqlite.Tx) ([]org.Choice, error)
	// RequireFactor says for which roles a password is not enough; nil: for none.
	RequireFactor func(roles []actor.Role) bool
	// Notice tells the person behind an account what happened to it, outside these pages; nil tells nobody.
	Notice func(ctx context.Context, tx *sqlite.Tx, accountKey, messageKey string, args problem.Args) error
	// Lent lists the roles that an account has taken for an emergency; sessions act with them too. nil: none.
	Lent func(ctx context.Context, tx *sqlite.Tx, accountKey string) ([]actor.Role, error)
}

// Service holds the acts of this register. It is safe for concurrent use.
type Service struct {
	db       *sqlite.DB
	cfg      Config
	hasher   *password.Hasher
	throttle throttle.Throttle
}

// New returns the service.
func New(db *sqlite.DB, cfg Config) *Service {
	if cfg.Hasher == nil {
		cfg.Hasher = password.New(password.Recommended)
	}
	return &Service{db: db, cfg: cfg, hasher: cfg.Hasher}
}

// List returns every account, by login.
func (s *Service) List(ctx context.Context, tx *sqlite.Tx) ([]Account, error) {
	found, err := listAccounts(ctx, tx, `ORDER BY a.login`)
	if err != nil {
		return nil, err
	}
	out := make([]Account, len(found))
	for i, a := range found {
		out[i] = a.Account
	}
	return out, nil
}

// ByKey returns one account; problem code not_found.
func (s *Service) ByKey(ctx context.Context, tx *sqlite.Tx, key string) (Account, error) {
	a, err := accountByKey(ctx, tx, key)
	return a.Account, err
}

// ByRow returns one account by its row number, for the registers of this room; problem code not_found.
func (s *Service) ByRow(ctx context.Context, tx *sqlite.Tx, id int64) (Account, error) {
	a, err := accountByID(ctx, tx, id)
	return a.Account, err
}

// ScopeNames are the names of the departments of an account; none for the whole company.
func (s *Service) ScopeNames(ctx context.Context, tx *sqlite.Tx, a Account) ([]string, error) {
	names, err := choices(ctx, tx, s.cfg.Departments)
	return namesOf(a.Scope, names), err
}

// ByLogin returns one account by its login; problem code not_found.
func (s *Service) ByLogin(ctx context.Context, tx *sqlite.Tx, login string) (Account, error) {
	a, err := accountByLogin(ctx, tx, cleanLogin(login))
	return a.Account, err
}

// ActorOf returns an account as an actor without a session, via "account": what a program does in somebody's
// name may do no more than that person. Problem codes: not_found, and forbidden for an account that is
// disabled or has no role that counts today.
func (s *Service) ActorOf(ctx context.Context, tx *sqlite.Tx, login string) (actor.Actor, error) {
	a, err := accountByLogin(ctx, tx, cleanLogin(login))
	if err != nil {
		return actor.Actor{}, err
	}
	who, ok := s.actorOf(a.Account, "account", jdate.Of(tx.Now))
	if !ok {
		return actor.Actor{}, problem.Forbidden("account.closed")
	}
	return who, nil
}

// actorOf is the account as an actor; ok is false when no role of its own counts today.
func (s *Service) actorOf(a Account, via string, today jdate.Day, lent ...actor.Role) (who actor.Actor, ok bool) {
	roles := a.ActiveRoles(today)
	who = actor.Actor{Account: a.Key, Person: a.Person, Name: a.Name, Roles: roles, Lent: lent, Scope: a.Scope, Via: via}
	return actor.New(who, s.cfg.Binding.Grants(slices.Concat(roles, lent))), len(roles) > 0
}

// Create makes an account. Problem codes: forbidden, invalid with every field that must be changed.
func (s *Service) Create(ctx context.Context, n NewAccount) (Account, error) {
	if err := actor.From(ctx).Require(PermManage); err != nil {
		return Account{}, err
	}
	n.Login, n.Profile = cleanLogin(n.Login), n.tidy()
	if !actor.From(ctx).MayGive(n.Person, nil, n.Roles) {
		return Account{}, problem.Forbidden("account.lent_rights")
	}
	var found problem.List
	found.Add(checkLogin(n.Login))
	n.check(&found)
	hash := ""
	if n.Password != "" {
		weak, err := s.weak(ctx, "password", n.Password, n.Login)
		if err != nil {
			return Account{}, err
		}
		found.Add(weak)
		if len(found) == 0 {
			if hash, err = s.hasher.Hash(ctx, n.Password); err != nil {
				return Account{}, err
			}
		}
	}
	if err := found.Err(); err != nil {
		return Account{}, err
	}
	var made Account
	err := s.db.Write(ctx, func(tx *sqlite.Tx) (err error) {
		if err := s.checkNamed(ctx, tx, n.Profile, Profile{}); err != nil {
			return err
		}
		made, err = s.insert(ctx, tx, n, hash)
		return err
	})
	return made, err
}

// insert adds a checked account with its audit row.
func (s *Service) insert(ctx context.Context, tx *sqlite.Tx, n NewAccount, hash string) (Account, error) {
	a := stored{password: hash, Account: Account{
		Key: tx.NewKey(), Login: n.Login, Name: n.Name, Person: n.Person, Roles: n.Roles, Scope: n.Scope, Ends: n.Ends,
		HasPassword: hash != "", CreatedAt: tx.Now,
	}}
	if hash != "" {
		a.PasswordAt = tx.Now
	}
	if err := insertAccount(ctx, tx, &a); err != nil {
		return Account{}, err
	}
	return a.Account, s.record(ctx, tx, "account.created", a.Account)
}

// NeedsSetup says whether the office has no account yet.
func (s *Service) NeedsSetup(ctx context.Context, tx *sqlite.Tx) (bool, error) {
	n, err := countAccounts(ctx, tx)
	return n == 0, err
}

// HashPassword hashes a password that has been checked, outside any transaction: it takes time.
func (s *Service) HashPassword(ctx context.Context, plain string) (string, error) {
	return s.hasher.Hash(ctx, plain)
}

// First makes the first account, in the transaction of the set-up, which has checked its own right to do
// so, and signs the browser in unless c is nil. hash is of HashPassword. Problem code conflict when the
// office has an account, invalid for what must be changed.
func (s *Service) First(ctx context.Context, tx *sqlite.Tx, n NewAccount, hash string, c *session.Client) (a Account, token string, err error) {
	needs, err := s.NeedsSetup(ctx, tx)
	if err != nil {
		return Account{}, "", err
	}
	if !needs {
		return Account{}, "", problem.Conflict("account.setup.done")
	}
	n.Login, n.Profile = cleanLogin(n.Login), n.tidy()
	var found problem.List
	found.Add(checkLogin(n.Login))
	n.check(&found)
	if err := found.Err(); err != nil {
		return Account{}, "", err
	}
	if a, err = s.insert(ctx, tx, n, hash); err != nil || c == nil {
		return a, "", err
	}
	token, err = s.begin(ctx, tx, a, session.BySetup, *c)
	return a, token, err
}

// weak says why a password must not be chosen for the login.
func (s *Service) weak(ctx context.Context, field, plain, login string) (*problem.Error, error) {
	var company string
	err := s.db.Read(ctx, func(tx *sqlite.Tx) error {
		if s.cfg.Company == nil {
			return nil
		}
		c, err := s.cfg.Company(ctx, tx)
		company = c.Name
		return err
	})
	if err != nil {
		return nil, err
	}
	return password.Check(field, plain, login, company), nil
}

// checkNamed refuses a person or a department that the registers do not list; what an account already
// names may stay, although it has left the lists.
func (s *Service) checkNamed(ctx context.Context, tx *sqlite.Tx, p, old Profile) error {
	var found problem.List
	lists := func(list func(context.Context, *sqlite.Tx) ([]org.Choice, error), keys, before []string) (bool, error) {
		if list == nil {
			return true, nil
		}
		choices, err := list(ctx, tx)
		if err != nil {
			return false, err
		}
		return !slices.ContainsFunc(keys, func(key string) bool {
			return !slices.Contains(before, key) && !slices.ContainsFunc(choices, func(c org.Choice) bool { return c.Key == key })
		}), nil
	}
	if p.Person != "" {
		known, err := lists(s.cfg.People, []string{p.Person}, []string{old.Person})
		if err != nil {
			return err
		}
		if !known {
			found.Add(problem.Invalid("person", "account.person_unknown"))
		}
	}
	known, err := lists(s.cfg.Departments, p.Scope, old.Scope)
	if err != nil {
		return err
	}
	if !known {
		found.Add(problem.Invalid("scope", "account.department_unknown"))
	}
	return found.Err()
}

// Edit changes an account over the version it was read with. Nobody changes the own rights, except an only administrator,
// because nobody else could; a role taken for an emergency goes to nobody. One administrator with a password always stays.
// Problem codes: forbidden, not_found, invalid, conflict.
func (s *Service) Edit(ctx context.Context, key string, version int64, p Profile) error {
	if err := actor.From(ctx).Require(PermManage); err != nil {
		return err
	}
	p = p.tidy()
	var found problem.List
	p.check(&found)
	if err := found.Err(); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		old, err := accountByKey(ctx, tx, key)
		if err != nil {
			return err
		}
		if err := s.checkNamed(ctx, tx, p, old.profile()); err != nil {
			return err
		}
		others, err := otherAdmins(ctx, tx, old.ID)
		if err != nil {
			return err
		}
		who := actor.From(ctx)
		if who.Account == key && (others > 0 || who.InEmergency()) && !p.sameRights(old.profile()) {
			return problem.Forbidden("account.own_rights")
		}
		if !who.MayGive(p.Person, old.Roles, p.Roles) {
			return problem.Forbidden("account.lent_rights")
		}
		if old.Holds(actor.Admin) && !slices.Contains(p.Roles, actor.Admin) && others == 0 {
			return problem.Invalid("roles", "account.last_admin")
		}
		a := old.Account
		a.Name, a.Person, a.Roles, a.Scope, a.Ends = p.Name, p.Person, p.Roles, p.Scope, p.Ends
		if err := updateAccount(ctx, tx, a, version); err != nil {
			return err
		}
		return s.record(ctx, tx, "account.changed", a)
	})
}

// SetDisabled closes an account, with all its sessions and links, or opens it again. Nobody closes the
// own account, and one administrator with a password always stays. Problem codes: forbidden, not_found, conflict.
func (s *Service) SetDisabled(ctx context.Context, key string, disabled bool) error {
	if err := actor.From(ctx).Require(PermManage); err != nil {
		return err
	}
	if disabled && actor.From(ctx).Account == key {
		return problem.Forbidden("account.own_closing")
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		old, err := accountByKey(ctx, tx, key)
		if err != nil || old.Disabled == disabled {
			return err
		}
		if disabled && old.Holds(actor.Admin) {
			others, err := otherAdmins(ctx, tx, old.ID)
			if err != nil {
				return err
			}
			if others == 0 {
				return problem.Conflict("account.last_admin")
			}
		}
		a := old.Account
		a.Disabled = disabled
		if err := updateAccount(ctx, tx, a, old.Version); err != nil {
			return err
		}
		if !disabled {
			return s.record(ctx, tx, "account.opened", a)
		}
		if _, err := session.End(ctx, tx, a.ID, "", ""); err != nil {
			return err
		}
		if err := link.RevokeAll(ctx, tx, purposePassword, subject(key)); err != nil {
			return err
		}
		return s.record(ctx, tx, "account.closed", a)
	})
}

// record writes the audit row with the state of the account after the act.
func (s *Service) record(ctx context.Context, tx *sqlite.Tx, act string, a Account) error {
	return audit.Record(ctx, tx, act, subject(a.Key), audit.Image{
		"login": audit.Personal(a.Login), "name": audit.Personal(a.Name), "person": a.Person, "roles": a.Roles, "scope": a.Scope,
		"ends": a.Ends, "disabled": a.Disabled,
	})
}

// subject is the record address of an account.
func subject(key string) string { return "account/" + key }
