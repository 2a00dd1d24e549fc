package emergency

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/signin"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Service keeps uses of roles for an emergency. It is safe for concurrent use.
type Service struct {
	db       *sqlite.DB
	accounts *account.Service
	signin   *signin.Service
}

// New returns the service.
func New(db *sqlite.DB, accounts *account.Service, second *signin.Service) *Service {
	return &Service{db: db, accounts: accounts, signin: second}
}

func subject(key string) string { return "emergency/" + key }

// clock is the time by which roles end.
func clock(ctx context.Context, tx *sqlite.Tx) (time.Time, error) {
	now, _, err := audit.Clock(ctx, tx)
	return now, err
}

// Lent lists the roles that an account has taken and that count now; it is what account.Config wants. Every request asks.
// None counts while the clock is set back behind the audit log: else a role would last until the clock catches up.
func (s *Service) Lent(ctx context.Context, tx *sqlite.Tx, accountKey string) ([]actor.Role, error) {
	open, err := openOf(ctx, tx, accountKey, tx.Now)
	if err != nil || len(open) == 0 {
		return nil, err
	}
	now, sound, err := audit.Clock(ctx, tx)
	if err != nil || !sound {
		return nil, err
	}
	var roles []actor.Role
	for _, u := range open {
		if u.Open(now) {
			roles = append(roles, u.Role)
		}
	}
	return roles, nil
}

// Door says what who acts could do: it decides what the pages show.
type Door struct {
	Account  account.Account
	Eligible bool
	Offered  []actor.Role
	Open     *Use // what the person has taken already
}

// Door reads it. Problem code unauthenticated for who has no account.
func (s *Service) Door(ctx context.Context, tx *sqlite.Tx) (d Door, err error) {
	who := actor.From(ctx)
	if who.Account == "" {
		return d, problem.Unauthenticated("actor.sign_in")
	}
	if d.Account, err = s.accounts.ByKey(ctx, tx, who.Account); err != nil {
		return d, err
	}
	set, err := readSetting(ctx, tx)
	if err != nil {
		return d, err
	}
	now, err := clock(ctx, tx)
	if err != nil {
		return d, err
	}
	open, err := openOf(ctx, tx, who.Account, now)
	if len(open) > 0 {
		d.Open = &open[0]
	}
	today := jdate.Of(tx.Now)
	d.Eligible, d.Offered = set.Eligible(d.Account, today), Offered(d.Account, today)
	return d, err
}

// admit says why who acts cannot take a role.
func (s *Service) admit(ctx context.Context, tx *sqlite.Tx, r actor.Role) (Door, error) {
	d, err := s.Door(ctx, tx)
	switch {
	case err != nil:
		return d, err
	case !d.Eligible:
		return d, problem.Forbidden("emergency.not_eligible")
	case d.Open != nil:
		return d, problem.Conflict("emergency.open_already")
	case !slices.Contains(d.Offered, r):
		return d, problem.Invalid("role", "emergency.role_not_offered")
	}
	return d, nil
}

// Take lends a role to who acts, after password and second factor were shown again, and tells the reviewers. Problem
// codes: unauthenticated, forbidden for who may not, invalid at the fields, conflict while one is open or a second
// factor is missing, unavailable after wrong tries or with a clock set back.
func (s *Service) Take(ctx context.Context, q Request, p signin.Proof, code string) (u Use, err error) {
	q.Reason = jtext.StoreLines(q.Reason)
	var found problem.List
	q.check(&found)
	if err := found.Err(); err != nil {
		return Use{}, err
	}
	err = s.db.Read(ctx, func(tx *sqlite.Tx) error { // a code is not used up for what is refused anyway
		_, err := s.admit(ctx, tx, q.Role)
		return err
	})
	if err != nil {
		return Use{}, err
	}
	if err := s.signin.Again(ctx, p, code, []actor.Role{q.Role}); err != nil {
		return Use{}, err
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		d, err := s.admit(ctx, tx, q.Role) // again: the proof took time
		if err != nil {
			return err
		}
		u = Use{
			Key: tx.NewKey(), Account: d.Account.Key, Person: d.Account.Person, Role: q.Role, Reason: q.Reason,
			TakenAt: tx.Now, Until: tx.Now.Add(time.Duration(q.Hours) * time.Hour),
		}
		if err := insert(ctx, tx, u); err != nil {
			return err
		}
		if err := s.tell(ctx, tx, "emergency.notice.taken", d.Account.Name, u); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "emergency.taken", subject(u.Key), audit.Image{
			"account": u.Account, "person": u.Person, "roles": []actor.Role{u.Role}, "reason": audit.Personal(u.Reason), "until": u.Until.Format(time.RFC3339),
		})
	})
	return u, err
}

// tell sends a notice to everybody who may review, but the person who took the role.
func (s *Service) tell(ctx context.Context, tx *sqlite.Tx, message, name string, u Use) error {
	all, err := s.accounts.List(ctx, tx)
	if err != nil {
		return err
	}
	for _, a := range all {
		who, err := s.accounts.ActorOf(ctx, tx, a.Login)
		if problem.CodeOf(err) == problem.CodeForbidden { // closed
			continue
		}
		if err != nil {
			return err
		}
		if u.by(who) || !who.May(PermReview) {
			continue
		}
		args := problem.Args{"name": name, "role": i18n.Msg{Key: roleKey(u.Role)}, "from": u.TakenAt, "until": u.Over(), "reason": u.Reason}
		if err := s.accounts.Notify(ctx, tx, a.Key, message, args); err != nil {
			return err
		}
	}
	return nil
}

func roleKey(r actor.Role) string { return "account.role." + string(r) }

// mayEnd says whether who acts may end a use: the person, and whoever watches or administers.
func mayEnd(who actor.Actor, u Use) bool {
	return u.by(who) || who.May(PermReview) || who.May(account.PermManage)
}

// End takes the role back before its time. Problem codes: not_found, forbidden, conflict when it is over.
func (s *Service) End(ctx context.Context, key string) error {
	who := actor.From(ctx)
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		u, err := byKey(ctx, tx, key)
		if err != nil {
			return err
		}
		now, err := clock(ctx, tx)
		switch {
		case err != nil:
			return err
		case !mayEnd(who, u):
			return problem.Forbidden("emergency.not_yours")
		case !u.Open(now):
			return problem.Conflict("emergency.over")
		}
		if err := putEnd(ctx, tx, key, who.ID()); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "emergency.ended", subject(key), audit.Image{"account": u.Account, "roles": []actor.Role{u.Role}})
	})
}

// mayReview says why who acts cannot review a use at a time, nil when it can.
func mayReview(who actor.Actor, u Use, now time.Time) error {
	if err := who.Require(PermReview); err != nil {
		return err
	}
	switch {
	case u.by(who):
		return problem.Forbidden("emergency.own_review")
	case who.InEmergency(): // else two people could excuse each other
		return problem.Forbidden("emergency.lent_review")
	case u.Open(now):
		return problem.Conflict("emergency.still_open")
	case u.Reviewed():
		return problem.Conflict("emergency.reviewed_already")
	}
	return nil
}

// Review keeps what another person found: who took the role, why, and what was done with it. Problem codes: not_found,
// forbidden, invalid at "note", conflict while it is open and when it was reviewed.
func (s *Service) Review(ctx context.Context, key, note string) error {
	who := actor.From(ctx)
	if err := who.Require(PermReview); err != nil {
		return err
	}
	note = jtext.StoreLines(note)
	switch n := utf8.RuneCountInString(note); {
	case n == 0:
		return problem.Invalid("note", "emergency.note_needed")
	case n > maxNote:
		return problem.Invalid("note", "web.too_long", "limit", maxNote, "n", n)
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		u, err := byKey(ctx, tx, key)
		if err != nil {
			return err
		}
		now, err := clock(ctx, tx)
		if err != nil {
			return err
		}
		if err := mayReview(who, u, now); err != nil {
			return err
		}
		if err := putReview(ctx, tx, key, who.ID(), note); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "emergency.reviewed", subject(key), audit.Image{"account": u.Account, "note": audit.Personal(note)})
	})
}

// List returns every use, newest first.
func (s *Service) List(ctx context.Context, tx *sqlite.Tx) ([]Use, error) {
	return find(ctx, tx, `1 = 1`)
}

// Unreviewed returns the uses that nobody has reviewed yet, newest first.
func (s *Service) Unreviewed(ctx context.Context, tx *sqlite.Tx) ([]Use, error) {
	return find(ctx, tx, `reviewed_at = 0`)
}

// Setting says who may take a role.
func (s *Service) Setting(ctx context.Context, tx *sqlite.Tx) (Setting, error) {
	return readSetting(ctx, tx)
}

// Nameable lists the accounts that the setting may name: people of the office who can sign in.
func (s *Service) Nameable(ctx context.Context, tx *sqlite.Tx) ([]account.Account, error) {
	all, err := s.accounts.List(ctx, tx)
	today := jdate.Of(tx.Now)
	return slices.DeleteFunc(all, func(a account.Account) bool {
		return !slices.ContainsFunc(a.ActiveRoles(today), func(r actor.Role) bool { return slices.Contains(insiders(), r) })
	}), err
}

// SaveSetting decides who may take a role, over the version that was read. Problem codes: forbidden, also for who
// administers only for an emergency; invalid; conflict.
func (s *Service) SaveSetting(ctx context.Context, set Setting) error {
	who := actor.From(ctx)
	if err := who.Require(account.PermManage); err != nil {
		return err
	}
	if who.InEmergency() {
		return problem.Forbidden("emergency.lent_setting")
	}
	if set.Who != Managers && set.Who != Named {
		return problem.Invalid("who", "web.choose")
	}
	set.Named = slices.Compact(slices.Sorted(slices.Values(set.Named)))
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		nameable, err := s.Nameable(ctx, tx)
		if err != nil {
			return err
		}
		for _, key := range set.Named {
			if !slices.ContainsFunc(nameable, func(a account.Account) bool { return a.Key == key }) {
				return problem.Invalid("named", "emergency.not_nameable")
			}
		}
		if err := putSetting(ctx, tx, set); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "emergency.set", subject("setting"), audit.Image{"who": string(set.Who), "accounts": set.Named})
	})
}
