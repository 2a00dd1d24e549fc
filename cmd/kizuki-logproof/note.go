package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// publicKey is a key of a C2SP signed note: "name+hash+base64", where the bytes are 1 (Ed25519) and the key, and the hash
// is the beginning of SHA-256 over name, line feed and those bytes.
type publicKey struct {
	name string
	hash [4]byte
	key  ed25519.PublicKey
}

func parseKey(text string) (k publicKey, ok bool) {
	parts := strings.SplitN(strings.TrimSpace(text), "+", 3)
	if len(parts) != 3 || parts[0] == "" {
		return k, false
	}
	data, err := base64.StdEncoding.Strict().DecodeString(parts[2])
	if err != nil || len(data) != 1+ed25519.PublicKeySize || data[0] != 1 {
		return k, false
	}
	sum := sha256.Sum256([]byte(parts[0] + "\n" + string(data)))
	copy(k.hash[:], sum[:])
	k.name, k.key = parts[0], data[1:]
	return k, parts[1] == hex.EncodeToString(k.hash[:])
}

// open gives the text of a signed note that bears a good signature of the key; why names what is wrong.
func (k publicKey) open(note string) (text, why string) {
	if !utf8.ValidString(note) || strings.ContainsFunc(note, func(r rune) bool { return r < ' ' && r != '\n' }) {
		return "", "note"
	}
	at := strings.LastIndex(note, "\n\n")
	if at < 0 || !strings.HasSuffix(note, "\n") {
		return "", "note"
	}
	text = note[:at+1]
	good := false
	for line := range strings.Lines(note[at+2:]) {
		rest, isSignature := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "— ")
		name, encoded, hasBoth := strings.Cut(rest, " ")
		sig, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if !isSignature || !hasBoth || err != nil || len(sig) < 5 {
			return "", "note"
		}
		if name != k.name || !bytes.Equal(sig[:4], k.hash[:]) {
			continue // somebody else signed too
		}
		if !ed25519.Verify(k.key, []byte(text), sig[4:]) {
			return "", "forged"
		}
		good = true
	}
	if !good {
		return "", "other_key"
	}
	return text, ""
}

// bigEndian appends n in 8 bytes.
func bigEndian(b []byte, n uint64) []byte { return binary.BigEndian.AppendUint64(b, n) }
