// Package checkpoint signs the state of the audit log, so that a copy kept outside the machine proves later that
// nobody shortened or rewrote the log.
//
// A checkpoint (チェックポイント) is a signed note in the form of C2SP signed-note and tlog-checkpoint: origin, number of rows,
// root, and extension lines, signed with Ed25519. The log is a chain and no tree: the root is the hash of the
// newest of those rows, which covers all rows before it; the extension line "kizuki-chain/1" says so. Whoever holds a
// checkpoint and the log checks it by walking the chain.
//
// The package imports actor and audit, and knows no account and no mail: what it needs of them it is given in Config.
// It does not sign a log that is broken already.
//
// Source: C2SP signed-note and tlog-checkpoint (c2sp.org), read 2026-11-26.
package checkpoint

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// MaxBytes is the largest note that is read; ours have some 400 bytes.
const MaxBytes = 16 << 10

// chainLine is the extension line that tells our root from that of a Merkle tree.
const chainLine = "kizuki-chain/1"

const timeForm = "2006-01-02T15:04:05.000Z"

// Checkpoint is the state of the log at one moment.
type Checkpoint struct {
	Origin string // names the log: "kizuki-audit/KEY"
	Size   int64  // number of rows
	Root   string // hash of the newest row, lower-case hexadecimal
	At     time.Time
}

// Text is what is signed.
func (c Checkpoint) Text() (string, error) {
	root, err := hex.DecodeString(c.Root)
	if err != nil || len(root) != 32 {
		return "", fmt.Errorf("write checkpoint: %.70q is no hash", c.Root)
	}
	return fmt.Sprintf("%s\n%d\n%s\n%s\ntime %s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(root), chainLine,
		c.At.UTC().Format(timeForm)), nil
}

// parse reads what Text wrote; other extension lines are passed over.
func parse(text string) (Checkpoint, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 4 || !slices.Contains(lines[3:], chainLine) {
		return Checkpoint{}, errForm
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 1 || strconv.FormatInt(size, 10) != lines[1] {
		return Checkpoint{}, errForm
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != 32 || lines[0] == "" {
		return Checkpoint{}, errForm
	}
	c := Checkpoint{Origin: lines[0], Size: size, Root: hex.EncodeToString(root)}
	for _, line := range lines[3:] {
		if at, ok := strings.CutPrefix(line, "time "); ok {
			if c.At, err = time.Parse(timeForm, at); err != nil {
				return Checkpoint{}, errForm
			}
		}
	}
	return c, nil
}

var errForm = problem.Invalid("", "checkpoint.not_one")

// Open reads a signed note and checks it with keys. signed lists the keys whose signature is on it, as they were
// given. Problem keys: checkpoint.not_one (no checkpoint at all), checkpoint.unknown_key (signed by other keys
// only), checkpoint.forged (a signature by one of the keys that does not fit).
func Open(data []byte, keys []string) (c Checkpoint, signed []string, err error) {
	if len(data) > MaxBytes || !utf8.Valid(data) {
		return c, nil, errForm
	}
	text := strings.ReplaceAll(strings.TrimPrefix(string(data), "\uFEFF"), "\r\n", "\n") // as a mail program or an editor may leave it
	verifiers := make([]note.Verifier, 0, len(keys))
	for _, key := range keys {
		v, err := note.NewVerifier(strings.TrimSpace(key))
		if err != nil {
			return c, nil, problem.Invalid("", "checkpoint.bad_key", "key", short(key))
		}
		verifiers = append(verifiers, v)
	}
	n, err := note.Open([]byte(text), note.VerifierList(verifiers...))
	if unverified, ok := errors.AsType[*note.UnverifiedNoteError](err); ok {
		if c, err = parse(unverified.Note.Text); err != nil {
			return c, nil, err
		}
		return c, nil, problem.Conflict("checkpoint.unknown_key", "size", c.Size)
	}
	if _, ok := errors.AsType[*note.InvalidSignatureError](err); ok {
		return c, nil, problem.Conflict("checkpoint.forged", "size", firstNumber(text))
	}
	if err != nil {
		return c, nil, errForm
	}
	if c, err = parse(n.Text); err != nil {
		return c, nil, err
	}
	for i, v := range verifiers {
		if slices.ContainsFunc(n.Sigs, func(s note.Signature) bool { return s.Name == v.Name() && s.Hash == v.KeyHash() }) {
			signed = append(signed, keys[i])
		}
	}
	return c, signed, nil
}

// firstNumber is the size that a forged note claims.
func firstNumber(text string) int64 {
	_, rest, _ := strings.Cut(text, "\n")
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.ParseInt(line, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// short is a key fit for a message.
func short(text string) string {
	const longest = 60
	if r := []rune(strings.ToValidUTF8(text, "?")); len(r) > longest {
		return string(r[:longest]) + "…"
	}
	return strings.ToValidUTF8(text, "?")
}

// sign writes the note with the signature of every private key.
func sign(c Checkpoint, privates ...string) (string, error) {
	text, err := c.Text()
	if err != nil {
		return "", err
	}
	signers := make([]note.Signer, len(privates))
	for i, private := range privates {
		if signers[i], err = note.NewSigner(private); err != nil {
			return "", fmt.Errorf("read signing key: %w", err)
		}
	}
	data, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		return "", fmt.Errorf("sign checkpoint: %w", err)
	}
	return string(data), nil
}
