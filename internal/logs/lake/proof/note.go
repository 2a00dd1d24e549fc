package proof

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// Signer signs notes with an Ed25519 key that the caller keeps; note.NewSigner makes one.
type Signer = note.Signer

// Verifier checks signatures of one key; note.NewVerifier makes one.
type Verifier = note.Verifier

// Sign is the signed note of a checkpoint.
func (c *Checkpoint) Sign(signer Signer) (string, error) {
	text, err := c.Text()
	if err != nil {
		return "", err
	}
	return sign(text, signer)
}

// OpenCheckpoint reads a signed note. It must bear a signature of one of the keys. Reasons: Malformed, NotSigned, Forged.
func OpenCheckpoint(signed string, keys ...Verifier) (*Checkpoint, error) {
	text, err := open(signed, keys)
	if err != nil {
		return nil, err
	}
	return ParseCheckpoint(text)
}

func sign(text string, signer Signer) (string, error) {
	data, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return "", fmt.Errorf("sign note: %w", err)
	}
	return string(data), nil
}

func open(signed string, keys []Verifier) (string, error) {
	n, err := note.Open([]byte(signed), note.VerifierList(keys...))
	if _, ok := errors.AsType[*note.UnverifiedNoteError](err); ok {
		return "", &Error{Reason: NotSigned}
	}
	if forged, ok := errors.AsType[*note.InvalidSignatureError](err); ok {
		return "", &Error{Reason: Forged, Err: forged}
	}
	if err != nil {
		return "", &Error{Reason: Malformed, Err: err}
	}
	return n.Text, nil
}
