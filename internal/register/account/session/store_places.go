package session

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

// keepPlaces is how long a network or browser counts as known without being used.
const keepPlaces = 180 * 24 * time.Hour

// visit notes where an account signs in from, and says whether network or browser are new to it. Nothing is
// new to an account that signs in for the first time.
func visit(ctx context.Context, tx *sqlite.Tx, account int64, c Client) (fresh bool, err error) {
	var known int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM account_places WHERE account = ?`, account).Scan(&known); err != nil {
		return false, fmt.Errorf("count places: %w", err)
	}
	for kind, value := range map[string]string{"network": network(c.Address), "browser": c.Device().String()} {
		var seen int
		err := tx.QueryRowContext(ctx, `SELECT count(*) FROM account_places WHERE account = ? AND kind = ? AND value = ?`, account, kind, value).Scan(&seen)
		if err != nil {
			return false, fmt.Errorf("look a place up: %w", err)
		}
		fresh = fresh || seen == 0
		_, err = tx.ExecContext(ctx, `INSERT INTO account_places (account, kind, value, seen_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (account, kind, value) DO UPDATE SET seen_at = excluded.seen_at`, account, kind, value, sqlite.Millis(tx.Now))
		if err != nil {
			return false, fmt.Errorf("note a place: %w", err)
		}
	}
	return fresh && known > 0, nil
}

// Unseen lists the sign-ins from new places that nobody has answered for, open or ended, but for the one with
// key except: who has just come in does not answer for themselves.
func Unseen(ctx context.Context, tx *sqlite.Tx, account int64, except string) ([]Session, error) {
	return list(ctx, tx, `account = ? AND unseen = 1 AND key <> ?`, account, except)
}

// Answer notes that the person knows of these sign-ins, but for the one with key except.
func Answer(ctx context.Context, tx *sqlite.Tx, account int64, except string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE account_sessions SET unseen = 0 WHERE account = ? AND key <> ?`, account, except); err != nil {
		return fmt.Errorf("answer for sign-ins: %w", err)
	}
	return nil
}

// network is what one place has in common: an IPv4 /24, an IPv6 /48.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	ip = ip.Unmap().WithZone("")
	bits := 48
	if ip.Is4() {
		bits = 24
	}
	prefix, err := ip.Prefix(bits)
	if err != nil {
		return address
	}
	return prefix.String()
}

// Device is what a person recognises of a browser: "Edge" on "Windows". Both may be empty.
type Device struct{ Browser, System string }

// String is how a device is told from others.
func (d Device) String() string { return d.Browser + "/" + d.System }

// Shown is what the list shows, "" for a program that names neither.
func (d Device) Shown() string { return strings.Trim(d.String(), "/") }

// marks in the order in which they decide: most browsers call themselves by the names of others too.
var (
	browserMarks = [][2]string{
		{"Edg", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"Chromium/", "Chrome"},
		{"Safari/", "Safari"},
	}
	systemMarks = [][2]string{
		{"Windows", "Windows"},
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"Android", "Android"},
		{"CrOS", "ChromeOS"},
		{"Mac OS X", "Mac"},
		{"Macintosh", "Mac"},
		{"Linux", "Linux"},
	}
)

// Device reads what the browser says it is. It is a hint for the person, never proof of anything.
func (c Client) Device() Device {
	find := func(marks [][2]string) string {
		for _, m := range marks {
			if strings.Contains(c.Agent, m[0]) {
				return m[1]
			}
		}
		return ""
	}
	return Device{find(browserMarks), find(systemMarks)}
}
