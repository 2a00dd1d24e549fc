package factor

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// Recovery codes: ten, of 80 bits each, stored under the key of the data folder. The letters leave out
// what is read for another (l, 1, o, 0); the length has nothing in common with six digits.
const (
	codes           = 10
	recoveryLetters = 16
	group           = 4
	alphabet        = "abcdefghijkmnpqrstuvwxyz23456789"
)

// newCodes draws recovery codes, as they are compared.
func newCodes(rand io.Reader) ([]string, error) {
	out := make([]string, codes)
	raw := make([]byte, recoveryLetters)
	for i := range out {
		if _, err := io.ReadFull(rand, raw); err != nil {
			return nil, fmt.Errorf("draw recovery codes: %w", err)
		}
		var b strings.Builder
		for _, r := range raw {
			b.WriteByte(alphabet[int(r)%len(alphabet)]) // 32 letters: every one as likely
		}
		out[i] = b.String()
	}
	return out, nil
}

// shown is a recovery code as it stands on paper.
func shown(code string) string {
	var parts []string
	for ; len(code) > group; code = code[group:] {
		parts = append(parts, code[:group])
	}
	return strings.Join(append(parts, code), "-")
}

// markOf binds the mark to the account: the same code of another account is another mark.
func markOf(box Box, o Owner, code string) (string, error) {
	mark, err := box.Mac(code, "account.recovery/"+o.Key)
	if err != nil {
		return "", fmt.Errorf("mark a recovery code: %w", err)
	}
	return mark, nil
}

// plainHash is how codes of before the mark are stored.
func plainHash(o Owner, code string) string {
	sum := sha256.Sum256([]byte("account.recovery/" + o.Key + "/" + code))
	return hex.EncodeToString(sum[:])
}
