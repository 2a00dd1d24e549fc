package outbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func readSettings(ctx context.Context, tx *sqlite.Tx) (Settings, error) {
	s := defaults
	var server string
	err := tx.QueryRowContext(ctx, `SELECT server, password, digest_at, weekdays, keep_days, version FROM outbox_settings`).
		Scan(&server, &s.sealed, &s.DigestAt, &s.Weekdays, &s.KeepDays, &s.Version)
	if errors.Is(err, sql.ErrNoRows) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read settings of messages: %w", err)
	}
	s.Password = s.sealed != ""
	if server != "" {
		if err := json.Unmarshal([]byte(server), &s.Server); err != nil {
			return s, fmt.Errorf("read mail server: %w", err)
		}
	}
	return s, nil
}

// putSettings stores s over its version; problem code conflict when somebody was faster.
func putSettings(ctx context.Context, tx *sqlite.Tx, s Settings) error {
	server, err := json.Marshal(s.Server)
	if err != nil {
		return fmt.Errorf("write mail server: %w", err)
	}
	res, err := tx.ExecContext(ctx, `INSERT INTO outbox_settings (id, server, password, digest_at, weekdays, keep_days, version) VALUES (1, ?1, ?2, ?3, ?4, ?5, 1)
		ON CONFLICT (id) DO UPDATE SET server = ?1, password = ?2, digest_at = ?3, weekdays = ?4, keep_days = ?5, version = version + 1 WHERE version = ?6`,
		string(server), s.sealed, s.DigestAt, s.Weekdays, s.KeepDays, s.Version)
	return changedOne(res, err, "store settings of messages")
}

func changedOne(res sql.Result, err error, doing string) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("%s: count: %w", doing, err)
	}
	if n == 0 {
		return problem.Conflict("outbox.changed_meanwhile")
	}
	return nil
}

func listChannels(ctx context.Context, tx *sqlite.Tx, key string) ([]Channel, error) {
	rows, err := tx.QueryContext(ctx, `SELECT key, name, kind, host, sealed, digest, disabled_at, good_at, bad_at, error, version FROM outbox_channels
		WHERE (? = '' OR key = ?) ORDER BY disabled_at > 0, id`, key, key)
	if err != nil {
		return nil, fmt.Errorf("list channels: %w", err)
	}
	defer rows.Close()
	var out []Channel
	for rows.Next() {
		var c Channel
		var failure string
		var disabled, good, bad int64
		if err := rows.Scan(&c.Key, &c.Name, &c.Kind, &c.Host, &c.sealed, &c.Digest, &disabled, &good, &bad, &failure, &c.Version); err != nil {
			return nil, fmt.Errorf("read channel: %w", err)
		}
		c.Disabled, c.Good, c.Bad = sqlite.FromMillis(disabled), sqlite.FromMillis(good), sqlite.FromMillis(bad)
		if c.Error, err = readMsg(failure); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

func channelByKey(ctx context.Context, tx *sqlite.Tx, key string) (Channel, error) {
	found, err := listChannels(ctx, tx, key)
	if err != nil {
		return Channel{}, err
	}
	if len(found) == 0 || key == "" {
		return Channel{}, problem.NotFound("outbox.channel_not_found")
	}
	return found[0], nil
}

func insertChannel(ctx context.Context, tx *sqlite.Tx, c Channel) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO outbox_channels (key, name, kind, host, sealed, digest, version) VALUES (?, ?, ?, ?, ?, ?, 1)`,
		c.Key, c.Name, c.Kind, c.Host, c.sealed, c.Digest)
	if err != nil {
		return fmt.Errorf("add channel: %w", err)
	}
	return nil
}

func updateChannel(ctx context.Context, tx *sqlite.Tx, c Channel) error {
	res, err := tx.ExecContext(ctx, `UPDATE outbox_channels SET name = ?, host = ?, sealed = ?, digest = ?, disabled_at = ?, version = version + 1
		WHERE key = ? AND version = ?`, c.Name, c.Host, c.sealed, c.Digest, sqlite.Millis(c.Disabled), c.Key, c.Version)
	return changedOne(res, err, "change channel")
}

// noteChannel keeps the last success or failure of a channel.
func noteChannel(ctx context.Context, tx *sqlite.Tx, key string, failure *i18n.Msg) error {
	text, err := storedMsg(failure)
	if err != nil {
		return err
	}
	set := `good_at = ?, error = ?`
	if failure != nil {
		set = `bad_at = ?, error = ?`
	}
	if _, err := tx.ExecContext(ctx, `UPDATE outbox_channels SET `+set+` WHERE key = ?`, sqlite.Millis(tx.Now), text, key); err != nil {
		return fmt.Errorf("note outcome of channel: %w", err)
	}
	return nil
}

func listWishes(ctx context.Context, tx *sqlite.Tx) (map[string]Wishes, error) {
	rows, err := tx.QueryContext(ctx, `SELECT account, digest, lang FROM outbox_wishes`)
	if err != nil {
		return nil, fmt.Errorf("list wishes: %w", err)
	}
	defer rows.Close()
	out := map[string]Wishes{}
	for rows.Next() {
		var key string
		var w Wishes
		if err := rows.Scan(&key, &w.Digest, &w.Lang); err != nil {
			return nil, fmt.Errorf("read wishes: %w", err)
		}
		out[key] = w
	}
	return out, rows.Err()
}

func putWishes(ctx context.Context, tx *sqlite.Tx, account string, w Wishes) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO outbox_wishes (account, digest, lang) VALUES (?1, ?2, ?3) ON CONFLICT (account) DO UPDATE SET digest = ?2, lang = ?3`,
		account, w.Digest, w.Lang)
	if err != nil {
		return fmt.Errorf("store wishes: %w", err)
	}
	return nil
}

// lastDigest gives the day of the newest digest of a recipient and the keys of its duties.
func lastDigest(ctx context.Context, tx *sqlite.Tx, recipient string) (day jdate.Day, duties []string, err error) {
	var text string
	err = tx.QueryRowContext(ctx, `SELECT day, duties FROM outbox_digests WHERE recipient = ? ORDER BY day DESC LIMIT 1`, recipient).Scan(&day, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, fmt.Errorf("find last digest: %w", err)
	}
	return day, strings.Fields(text), nil
}

// claimDigest takes the day for a recipient; false when it is taken.
func claimDigest(ctx context.Context, tx *sqlite.Tx, recipient string, day jdate.Day, message string, duties []string) (bool, error) {
	res, err := tx.ExecContext(ctx, `INSERT INTO outbox_digests (recipient, day, message, duties) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		recipient, day, message, strings.Join(duties, " "))
	if err != nil {
		return false, fmt.Errorf("note digest: %w", err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// sweepDigests forgets digests older than an instant.
func sweepDigests(ctx context.Context, tx *sqlite.Tx, before time.Time) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM outbox_digests WHERE day < ?`, jdate.Of(before)); err != nil {
		return fmt.Errorf("clear old digests: %w", err)
	}
	return nil
}
