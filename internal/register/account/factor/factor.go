// Package factor keeps the second factors of accounts that are codes: those of an authenticator app (TOTP,
// RFC 6238) and recovery codes; and the sign-ins that wait for one.
//
// The seed of an app must be usable again, so it is sealed with the key of the data folder; recovery codes
// are marked with it: they are short, so that a plain hash of them could be searched. A code opens once: the time step of the last one is kept, and neither that step nor an older
// one passes again, whatever the clock says. The package knows accounts by row number and judges nobody's
// rights: package signin does. Its tables are among the migrations of account.
package factor

import (
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/words/jtext"
)

// Box seals seeds and marks recovery codes; platform/secret gives it.
type Box interface {
	Seal(plain []byte, context string) (string, error)
	Open(sealed, context string) ([]byte, error)
	Mac(text, context string) (string, error)
}

// Owner is an account as this package knows it: its row, and the key that binds a sealed seed to it.
type Owner struct {
	ID  int64
	Key string
}

func (o Owner) context() string { return "account.totp/" + o.Key }

// State is what an account has beside its password.
type State struct {
	AppSince time.Time // the authenticator app counts since then; zero: none
	Passkeys int
	Codes    int // recovery codes left
}

// Any says whether the account has a second factor. Recovery codes alone are none: they stand in for one.
func (s State) Any() bool { return !s.AppSince.IsZero() || s.Passkeys > 0 }

// Few recovery codes are left when the page begins to warn.
const Few = 3

// Kind says what somebody typed at the second step.
type Kind int

// The kinds of codes.
const (
	Neither Kind = iota
	App          // six digits of an authenticator app
	Recovery
)

// Read tells what was typed, in the form in which it is compared: without spaces and hyphens, half-width,
// lower case. Phones and Japanese keyboards add all of these.
func Read(typed string) (Kind, string) {
	if len(typed) > 200 {
		return Neither, ""
	}
	code := strings.ToLower(jtext.Line(typed))
	code = strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '‐', '－', 'ー', '−', '_':
			return -1
		}
		return r
	}, code)
	switch {
	case len(code) == digits && strings.Trim(code, "0123456789") == "":
		return App, code
	case len(code) == recoveryLetters && strings.Trim(code, alphabet) == "":
		return Recovery, code
	default:
		return Neither, ""
	}
}
