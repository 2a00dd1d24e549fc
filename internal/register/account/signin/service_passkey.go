package signin

import (
	"context"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/factor"
	"github.com/kizuki-security/kizuki/internal/register/account/passkey"
	"github.com/kizuki-security/kizuki/internal/register/account/session"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// maxPasskeyName is the longest name of a passkey, in characters.
const maxPasskeyName = 40

// person is an account as a ceremony sees it.
func person(ctx context.Context, tx *sqlite.Tx, a account.Account) (passkey.Person, error) {
	keys, err := passkey.Of(ctx, tx, a.ID)
	return passkey.Person{Key: a.Key, Login: a.Login, Name: a.Name, Passkeys: keys}, err
}

// BeginPasskey asks for the password again and gives what the actor's browser needs to make a passkey. Problem
// codes: invalid at "current", unavailable.
func (s *Service) BeginPasskey(ctx context.Context, party passkey.Party, p Proof) (options []byte, token string, err error) {
	a, err := s.confirm(ctx, p)
	if err != nil {
		return nil, "", err
	}
	var who passkey.Person
	err = s.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		who, err = person(ctx, tx, a)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return s.desk.BeginRegistration(party, who, s.db.Now(), p.Client.Address)
}

// NewPasskey is the browser's answer to BeginPasskey.
type NewPasskey struct {
	Token  string // of the ceremony
	Name   string
	Answer []byte
}

// AddPasskey stores the passkey that the actor's browser made. codes are as of ConfirmApp. Problem codes:
// invalid, conflict for a passkey that somebody holds already.
func (s *Service) AddPasskey(ctx context.Context, party passkey.Party, n NewPasskey, p Proof) (codes []string, err error) {
	if length := utf8.RuneCountInString(n.Name); length > maxPasskeyName {
		return nil, problem.Invalid("name", "web.too_long", "limit", maxPasskeyName, "n", length)
	}
	var a account.Account
	var who passkey.Person
	err = s.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		if a, err = s.self(ctx, tx); err != nil {
			return err
		}
		who, err = person(ctx, tx, a)
		return err
	})
	if err != nil {
		return nil, err
	}
	made, err := s.desk.FinishRegistration(party, who, n.Token, n.Answer, s.db.Now())
	if err != nil {
		return nil, err
	}
	made.Account, made.Name = a.ID, n.Name
	if made.Name == "" {
		made.Name = p.Client.Device().Shown()
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		had, err := factor.Of(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		if err := passkey.Insert(ctx, tx, &made); err != nil {
			return err
		}
		codes, err = s.gained(ctx, tx, a, had, "passkey", p.Present)
		return err
	})
	return codes, err
}

// BeginSignIn gives what a browser needs to sign in with a passkey. Problem code unavailable while tries from
// this address must wait.
func (s *Service) BeginSignIn(party passkey.Party, c session.Client) (options []byte, token string, err error) {
	return s.desk.BeginSignIn(party, s.db.Now(), c.Address)
}

// PasskeyTry is a browser's answer to BeginSignIn.
type PasskeyTry struct {
	Token   string // of the ceremony
	Answer  []byte
	Waiting string // token of a sign-in that waits for its second step; "" for a passkey alone
	Old     string // token of the session the browser already has; it ends
	Client  session.Client
}

// SignIn checks a passkey, which proves possession and person at once, and begins a session with a new token.
// Problem code invalid: an answer that is wrong, late, replayed or of another account than the one that waits.
func (s *Service) SignIn(ctx context.Context, party passkey.Party, try PasskeyTry) (token string, err error) {
	answer, err := s.desk.TakeSignIn(party, try.Token, try.Answer, s.db.Now())
	if err != nil {
		return "", err
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		k, err := passkey.ByCredential(ctx, tx, answer.Credential())
		if err != nil {
			return err
		}
		a, err := s.accounts.ByRow(ctx, tx, k.Account)
		if err != nil {
			return err
		}
		if try.Waiting != "" {
			waiting, _, err := s.Waits(ctx, tx, try.Waiting)
			if err == nil && waiting.ID != a.ID {
				err = problem.Invalid("", "signin.passkey.other_account")
			}
			if err != nil && problem.CodeOf(err) != problem.CodeUnauthenticated { // a passkey needs no password before it
				return err
			}
		}
		used, err := answer.Verify(passkey.Person{Key: a.Key, Login: a.Login, Name: a.Name}, k)
		if err != nil {
			return err
		}
		if err := passkey.Used(ctx, tx, used); err != nil {
			return err
		}
		if err := factor.EndWaiting(ctx, tx, a.ID); err != nil {
			return err
		}
		token, err = s.accounts.Begin(ctx, tx, a, session.ByPasskey, try.Old, try.Client)
		return err
	})
	if problem.CodeOf(err) == problem.CodeInvalid {
		return "", s.passkeyRefused(ctx, answer, try.Client, err)
	}
	return token, err
}

// passkeyRefused records a refused passkey; one that looks copied is told to the person too.
func (s *Service) passkeyRefused(ctx context.Context, answer passkey.Answer, c session.Client, why error) error {
	err := s.db.Write(ctx, func(tx *sqlite.Tx) error {
		object := "account/unknown"
		k, err := passkey.ByCredential(ctx, tx, answer.Credential())
		if err != nil && problem.CodeOf(err) != problem.CodeInvalid {
			return err
		}
		if err == nil {
			a, err := s.accounts.ByRow(ctx, tx, k.Account)
			if err != nil {
				return err
			}
			object = subject(a)
			if problem.All(why)[0].Key == "signin.passkey.cloned" {
				if err := s.accounts.Notify(ctx, tx, a.Key, "signin.notice.cloned", problem.Args{"at": tx.Now, "name": k.Name}); err != nil {
					return err
				}
			}
		}
		return audit.Record(ctx, tx, "account.passkey_refused", object, audit.Image{"why": problem.All(why)[0].Key, "address": audit.Personal(c.Tidy().Address)})
	})
	if err != nil {
		return err
	}
	return why
}
