package account

import (
	"context"
	"math"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account/factor"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Attempt is one try to sign in.
type Attempt struct {
	Login, Password string
	Old             string // token of the session the browser already has; it ends
	Client          session.Client
}

// Entry is what a right password gives: the token of a session, or, where the account has a second factor,
// that of a sign-in which waits for it (package signin).
type Entry struct{ Session, Waiting string }

// SignIn checks a password and begins a session with a new token, whatever the browser brought along.
// Problem codes: invalid (account.wrong, the same for an unknown login; account.closed only after the
// right password), unavailable (account.wait) while tries of this address for this login must wait.
func (s *Service) SignIn(ctx context.Context, try Attempt) (in Entry, err error) {
	login := cleanLogin(try.Login)
	if !loginForm.MatchString(login) {
		login = "?" // what nobody can have; it still costs a hash and a try
	}
	a, err := s.credential(ctx, login)
	if err != nil {
		return Entry{}, err
	}
	ok, stale, err := s.try(ctx, login, a.password, try.Password, try.Client)
	if err != nil {
		return Entry{}, err
	}
	if !ok {
		return Entry{}, s.refused(ctx, a.Account, try.Client)
	}
	fresh := ""
	if stale {
		if fresh, err = s.hasher.Hash(ctx, try.Password); err != nil {
			return Entry{}, err
		}
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		now, err := accountByKey(ctx, tx, a.Key)
		if err != nil {
			return err
		}
		if now.password != a.password {
			return problem.Invalid("", "account.wrong")
		}
		if _, active := s.actorOf(now.Account, "session", jdate.Of(tx.Now)); !active {
			return problem.Invalid("", "account.closed")
		}
		if fresh != "" {
			if err := putPassword(ctx, tx, now.ID, fresh, false); err != nil {
				return err
			}
		}
		second, err := factor.Of(ctx, tx, now.ID)
		if err == nil && second.Any() {
			in.Waiting, err = factor.Wait(ctx, tx, now.ID)
			return err
		}
		if err != nil {
			return err
		}
		in.Session, err = s.Begin(ctx, tx, now.Account, session.ByPassword, try.Old, try.Client)
		return err
	})
	return in, err
}

// Begin opens a session for an account that has shown who it is, with a new token, and ends the one that the
// browser brought along (old), whosever. Problem code invalid (account.closed) when no role counts today.
func (s *Service) Begin(ctx context.Context, tx *sqlite.Tx, a Account, how session.How, old string, c session.Client) (token string, err error) {
	who, active := s.actorOf(a, "session", jdate.Of(tx.Now))
	if !active {
		return "", problem.Invalid("", "account.closed")
	}
	ctx = actor.With(ctx, who)
	if err := s.endOld(ctx, tx, old); err != nil {
		return "", err
	}
	return s.begin(ctx, tx, a, how, c)
}

// Requires says whether the roles of an account ask for a second factor today.
func (s *Service) Requires(a Account, today jdate.Day) bool {
	return s.cfg.RequireFactor != nil && s.cfg.RequireFactor(a.ActiveRoles(today))
}

// Notify tells the person behind an account what happened to it, where app has given a way to do so.
func (s *Service) Notify(ctx context.Context, tx *sqlite.Tx, key, message string, args problem.Args) error {
	if s.cfg.Notice == nil {
		return nil
	}
	return s.cfg.Notice(ctx, tx, key, message, args)
}

// credential returns the account of a login; the zero account, which no password opens, when there is none.
func (s *Service) credential(ctx context.Context, login string) (a stored, err error) {
	err = s.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		a, err = accountByLogin(ctx, tx, login)
		if problem.CodeOf(err) == problem.CodeNotFound {
			a, err = stored{}, nil
		}
		return err
	})
	return a, err
}

// try is the one place where a password meets a hash: after the wait, and with the same cost for all.
func (s *Service) try(ctx context.Context, login, hash, plain string, c session.Client) (ok, stale bool, err error) {
	if wait := s.throttle.Begin(s.db.Now(), login, c.Address); wait > 0 {
		return false, false, problem.Unavailable("account.wait", "seconds", int(math.Ceil(wait.Seconds())))
	}
	ok, stale, err = s.hasher.Verify(ctx, hash, plain)
	if ok {
		s.throttle.Succeed(login, c.Address)
	}
	return ok, stale, err
}

// refused records a wrong password. A login that does not exist is recorded too, without its text: people
// type passwords into the wrong field, and both ways must take the same time.
func (s *Service) refused(ctx context.Context, a Account, c session.Client) error {
	object := "account/unknown"
	if a.Key != "" {
		object = subject(a.Key)
	}
	err := s.db.Write(ctx, func(tx *sqlite.Tx) error {
		return audit.Record(ctx, tx, "account.sign_in_refused", object, audit.Image{"address": audit.Personal(c.Tidy().Address)})
	})
	if err != nil {
		return err
	}
	return problem.Invalid("", "account.wrong")
}

// begin opens a session for an account and returns its token. One from a new place is told to the person.
func (s *Service) begin(ctx context.Context, tx *sqlite.Tx, a Account, how session.How, c session.Client) (token string, err error) {
	c = c.Tidy()
	token, opened, err := session.Begin(ctx, tx, a.ID, how, c)
	if err != nil {
		return "", err
	}
	if err := noteSignIn(ctx, tx, a.ID); err != nil {
		return "", err
	}
	if opened.Unseen {
		args := problem.Args{"at": tx.Now, "device": c.Device().Shown(), "address": c.Address}
		if err := s.Notify(ctx, tx, a.Key, "account.notice.new_place", args); err != nil {
			return "", err
		}
	}
	return token, audit.Record(ctx, tx, "account.signed_in", subject(a.Key), audit.Image{
		"session": opened.Key, "how": string(how), "new_place": opened.Unseen, "address": audit.Personal(c.Address), "agent": audit.Personal(c.Agent),
	})
}

// endOld ends the session that a browser brought to a sign-in, whosever it was.
func (s *Service) endOld(ctx context.Context, tx *sqlite.Tx, token string) error {
	if token == "" {
		return nil
	}
	old, err := session.ByToken(ctx, tx, token)
	if problem.CodeOf(err) == problem.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	a, err := accountByID(ctx, tx, old.Account)
	if err != nil {
		return err
	}
	if _, err := session.End(ctx, tx, a.ID, old.Key, ""); err != nil {
		return err
	}
	return audit.Record(ctx, tx, "account.signed_out", subject(a.Key), audit.Image{"session": old.Key})
}

// SignOut ends the session of a token; an unknown token is no error.
func (s *Service) SignOut(ctx context.Context, token string) error {
	return s.db.Write(ctx, func(tx *sqlite.Tx) error { return s.endOld(ctx, tx, token) })
}

// Authenticated returns who a session token stands for. ok is false for a token that is unknown, ended or
// too old, and for an account that is closed.
func (s *Service) Authenticated(ctx context.Context, token string) (who actor.Actor, found session.Session, ok bool, err error) {
	var now time.Time
	err = s.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		now = tx.Now
		if found, err = session.ByToken(ctx, tx, token); err != nil {
			return err
		}
		a, err := accountByID(ctx, tx, found.Account)
		if err != nil {
			return err
		}
		var lent []actor.Role
		if s.cfg.Lent != nil {
			lent, err = s.cfg.Lent(ctx, tx, a.Key)
		}
		who, ok = s.actorOf(a.Account, "session", jdate.Of(tx.Now), lent...)
		return err
	})
	if problem.CodeOf(err) == problem.CodeNotFound {
		return actor.Actor{}, session.Session{}, false, nil
	}
	if err != nil || !ok {
		return actor.Actor{}, session.Session{}, false, err
	}
	if found.Stale(now) {
		err = s.db.Write(ctx, func(tx *sqlite.Tx) error { return session.Touch(ctx, tx, found.ID) })
		if problem.CodeOf(err) == problem.CodeUnavailable { // no room on the disk: reading goes on
			err = nil
		}
	}
	return who, found, err == nil, err
}

// Sessions lists the open sessions of the actor's own account, newest first.
func (s *Service) Sessions(ctx context.Context, tx *sqlite.Tx) ([]session.Session, error) {
	a, err := accountByKey(ctx, tx, actor.From(ctx).Account)
	if err != nil {
		return nil, err
	}
	return session.Of(ctx, tx, a.ID)
}

// RevokeSession ends one session of the actor's own account; an ended or a stranger's is code not_found.
func (s *Service) RevokeSession(ctx context.Context, key string) error {
	n, err := s.revoke(ctx, actor.From(ctx).Account, key, "")
	if err == nil && n == 0 {
		return problem.NotFound("account.session_gone")
	}
	return err
}

// RevokeOthers ends all sessions of the actor's own account but the present one; present is its key.
func (s *Service) RevokeOthers(ctx context.Context, present string) (int, error) {
	return s.revoke(ctx, actor.From(ctx).Account, "", present)
}

// RevokeSessionsOf ends all sessions of an account. Problem codes: forbidden, not_found.
func (s *Service) RevokeSessionsOf(ctx context.Context, account string) (int, error) {
	if err := actor.From(ctx).Require(PermManage); err != nil {
		return 0, err
	}
	return s.revoke(ctx, account, "", "")
}

func (s *Service) revoke(ctx context.Context, account, key, except string) (n int, err error) {
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		a, err := accountByKey(ctx, tx, account)
		if err != nil {
			return err
		}
		if n, err = session.End(ctx, tx, a.ID, key, except); err != nil || n == 0 {
			return err
		}
		return audit.Record(ctx, tx, "account.sessions_ended", subject(a.Key), audit.Image{"n": n, "session": key})
	})
	return n, err
}

// Sweep forgets sessions that ended long ago and returns how many; it is part of the nightly pass.
func (s *Service) Sweep(ctx context.Context, tx *sqlite.Tx) (int64, error) {
	return session.Sweep(ctx, tx)
}
