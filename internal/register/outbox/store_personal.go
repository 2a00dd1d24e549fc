package outbox

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/personal"
)

// sentTo is one message to a person: which text, when.
type sentTo struct {
	key, text string
	at        time.Time
}

// messagesTo lists the messages to a person that are not erased, oldest first.
func messagesTo(ctx context.Context, tx *sqlite.Tx, who personal.Subject) ([]sentTo, error) {
	rows, err := tx.QueryContext(ctx, `SELECT key, text, created_at, person, account, address FROM outbox_messages WHERE erased_at = 0 ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("query messages to a person: %w", err)
	}
	defer rows.Close()
	var out []sentTo
	for rows.Next() {
		var m sentTo
		var at int64
		var person, account, address string
		if err := rows.Scan(&m.key, &m.text, &at, &person, &account, &address); err != nil {
			return nil, fmt.Errorf("read message to a person: %w", err)
		}
		if person == who.Person || account != "" && slices.Contains(who.Accounts, account) || address != "" && slices.Contains(who.Values, address) {
			m.at = sqlite.FromMillis(at)
			out = append(out, m)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list messages to a person: %w", err)
	}
	return out, nil
}

func eraseTo(ctx context.Context, tx *sqlite.Tx, who personal.Subject) (int, error) {
	found, err := messagesTo(ctx, tx, who)
	if err != nil {
		return 0, err
	}
	for _, m := range found {
		_, err := tx.ExecContext(ctx, `UPDATE outbox_messages SET person = '', address = '', args = '{}', lines = '[]', link = '', file_name = '', file = NULL,
			error = '', state = CASE state WHEN 'queued' THEN 'failed' ELSE state END, seen_at = max(seen_at, ?1), ended_at = max(ended_at, ?1), erased_at = ?1
			WHERE key = ?2`, sqlite.Millis(tx.Now), m.key)
		if err != nil {
			return 0, fmt.Errorf("erase message to a person: %w", err)
		}
	}
	for _, account := range who.Accounts {
		if _, err := tx.ExecContext(ctx, `DELETE FROM outbox_wishes WHERE account = ?`, account); err != nil {
			return 0, fmt.Errorf("erase wishes about mail: %w", err)
		}
	}
	return len(found), nil
}
