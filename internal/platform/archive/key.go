package archive

import (
	"fmt"
	"strings"

	"filippo.io/age"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// workFactor is the cost of turning a passphrase into a key, as a power of two: about a second and 256 MB.
// maxWorkFactor is what a foreign file may ask of this machine: 1 GB.
const (
	workFactor    = 18
	maxWorkFactor = 20
)

// NewKey makes a key pair: the secret is for paper, the public part for packing.
func NewKey() (secret, public string, err error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return "", "", fmt.Errorf("make key: %w", err)
	}
	return id.String(), id.Recipient().String(), nil
}

// Once makes a key for one archive alone, so that the writer can read back what nobody's secret is at hand for.
func Once() (age.Identity, age.Recipient, error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, nil, fmt.Errorf("make key: %w", err)
	}
	return id, id.Recipient(), nil
}

// ParsePublic reads the public part.
func ParsePublic(text string) (age.Recipient, error) {
	r, err := age.ParseX25519Recipient(strings.TrimSpace(text))
	if err != nil {
		return nil, problem.Invalid("", "archive.key_form") // the cause could show a secret that was typed here
	}
	return r, nil
}

// ParseSecret reads a secret as people type it from paper: spaces, line ends and small letters are fine, and
// so are comment lines of an age key file.
func ParseSecret(text string) (age.Identity, error) {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
			b.WriteString(strings.Join(strings.Fields(line), ""))
		}
	}
	id, err := age.ParseX25519Identity(strings.ToUpper(b.String()))
	if err != nil {
		return nil, problem.Invalid("", "archive.key_form") // the cause could show part of the secret
	}
	return id, nil
}

// ByPassphrase gives both sides of a passphrase.
func ByPassphrase(text string) (age.Identity, age.Recipient, error) {
	r, err := age.NewScryptRecipient(text)
	if err != nil {
		return nil, nil, problem.Invalid("", "archive.passphrase_empty")
	}
	r.SetWorkFactor(workFactor)
	id, err := age.NewScryptIdentity(text)
	if err != nil {
		return nil, nil, problem.Invalid("", "archive.passphrase_empty")
	}
	id.SetMaxWorkFactor(maxWorkFactor)
	return id, r, nil
}
