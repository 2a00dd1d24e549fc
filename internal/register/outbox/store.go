package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/mail"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func insertMessage(ctx context.Context, tx *sqlite.Tx, key, by string, m Message) error {
	args, err := encodeArgs(m.Args)
	if err != nil {
		return err
	}
	lines, err := encodeLines(m.Line)
	if err != nil {
		return err
	}
	var file []byte
	var name string
	if m.File != nil {
		file, name = m.File.Data, m.File.Name
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO outbox_messages
		(key, account, person, address, channel, text, args, lines, link, file_name, file, state, next_at, created_at, created_by)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?)`,
		key, m.Account, m.Person, m.Address, m.Channel, m.Text, string(args), lines, m.Link, name, file, sqlite.Millis(tx.Now), sqlite.Millis(tx.Now), by)
	if err != nil {
		return fmt.Errorf("put message into the outbox: %w", err)
	}
	return nil
}

// Filter chooses messages. The zero value is all of them.
type Filter struct {
	Key   string
	State State
	// Open leaves only failures that nobody has looked at.
	Open  bool
	Limit int // 0: all
}

func findMessages(ctx context.Context, tx *sqlite.Tx, f Filter) ([]Entry, error) {
	limit := -1
	if f.Limit > 0 {
		limit = f.Limit
	}
	rows, err := tx.QueryContext(ctx, `SELECT id, key, account, person, address, channel, text, args, lines, link, file_name, state, attempts, error,
			next_at, created_at, created_by, ended_at, seen_at, erased_at
		FROM outbox_messages WHERE (? = '' OR key = ?) AND (? = '' OR state = ?) AND (? = 0 OR state = 'failed' AND seen_at = 0) ORDER BY id DESC LIMIT ?`,
		f.Key, f.Key, f.State, f.State, f.Open, limit)
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	defer rows.Close()
	var out []Entry
	for rows.Next() {
		e, err := scanEntry(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

func scanEntry(rows *sql.Rows) (e Entry, err error) {
	var args, lines, failure, file string
	var next, created, ended, seen, erased int64
	err = rows.Scan(&e.ID, &e.Key, &e.Account, &e.Person, &e.Address, &e.Channel, &e.Text, &args, &lines, &e.Link, &file, &e.State, &e.Attempts, &failure,
		&next, &created, &e.By, &ended, &seen, &erased)
	if err != nil {
		return e, fmt.Errorf("read message: %w", err)
	}
	if file != "" {
		e.File = &mail.Attachment{Name: file}
	}
	e.Next, e.Created, e.Ended = sqlite.FromMillis(next), sqlite.FromMillis(created), sqlite.FromMillis(ended)
	e.Seen, e.Erased = sqlite.FromMillis(seen), sqlite.FromMillis(erased)
	var errs [3]error
	e.Args, errs[0] = decodeArgs([]byte(args))
	e.Line, errs[1] = decodeLines(lines)
	e.Error, errs[2] = readMsg(failure)
	return e, errors.Join(errs[:]...)
}

// messageByKey returns one message with its file; problem code not_found.
func messageByKey(ctx context.Context, tx *sqlite.Tx, key string) (Entry, error) {
	found, err := findMessages(ctx, tx, Filter{Key: key})
	if err != nil {
		return Entry{}, err
	}
	if len(found) == 0 || key == "" {
		return Entry{}, problem.NotFound("outbox.not_found")
	}
	e := found[0]
	if e.File != nil {
		if err := tx.QueryRowContext(ctx, `SELECT file FROM outbox_messages WHERE id = ?`, e.ID).Scan(&e.File.Data); err != nil {
			return Entry{}, fmt.Errorf("read file of message: %w", err)
		}
	}
	return e, nil
}

// putOutcome notes how an attempt ended; next is zero unless another one follows.
func putOutcome(ctx context.Context, tx *sqlite.Tx, key string, state State, attempts int, failure *i18n.Msg, next time.Time) error {
	text, err := storedMsg(failure)
	if err != nil {
		return err
	}
	ended := sqlite.Millis(tx.Now)
	if state == Queued {
		ended = 0
	}
	_, err = tx.ExecContext(ctx, `UPDATE outbox_messages SET state = ?, attempts = ?, error = ?, next_at = ?, ended_at = ?, seen_at = 0 WHERE key = ?`,
		state, attempts, text, sqlite.Millis(next), ended, key)
	if err != nil {
		return fmt.Errorf("note outcome of message: %w", err)
	}
	return nil
}

func markSeen(ctx context.Context, tx *sqlite.Tx, key string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE outbox_messages SET seen_at = ? WHERE key = ?`, sqlite.Millis(tx.Now), key); err != nil {
		return fmt.Errorf("mark failure as seen: %w", err)
	}
	return nil
}

// erase empties what identifies people in messages that ended before an instant.
func erase(ctx context.Context, tx *sqlite.Tx, before time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE outbox_messages SET person = '', address = '', args = '{}', lines = '[]', link = '', file_name = '', file = NULL,
		error = '', erased_at = ? WHERE ended_at > 0 AND ended_at < ? AND erased_at = 0`, sqlite.Millis(tx.Now), sqlite.Millis(before))
	if err != nil {
		return fmt.Errorf("erase old messages: %w", err)
	}
	return nil
}

// count gives how many messages stand in each state; failures that somebody has looked at do not count.
func count(ctx context.Context, tx *sqlite.Tx) (waiting, retried, failed int, err error) {
	err = tx.QueryRowContext(ctx, `SELECT count(*) FILTER (WHERE state = 'queued'), count(*) FILTER (WHERE state = 'queued' AND attempts > 0),
		count(*) FILTER (WHERE state = 'failed' AND seen_at = 0) FROM outbox_messages WHERE state <> 'sent'`).Scan(&waiting, &retried, &failed)
	if err != nil {
		err = fmt.Errorf("count messages: %w", err)
	}
	return waiting, retried, failed, err
}
