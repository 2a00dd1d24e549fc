package policy

import (
	"context"
	"fmt"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

func fillNotices(ctx context.Context, tx *sqlite.Tx, byID map[int64]*Document) error {
	people, err := notifiedPeople(ctx, tx)
	if err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, `SELECT n.document, n.id, n.key, v.number, n.way, n.on_day, n.place, n.site, n.note, n.attachment
		FROM policy_notices n JOIN policy_versions v ON v.id = n.edition ORDER BY n.document, n.on_day DESC, n.id DESC`)
	if err != nil {
		return fmt.Errorf("query notices: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var doc int64
		var n Notice
		if err := rows.Scan(&doc, &n.ID, &n.Key, &n.Edition, &n.Way, &n.On, &n.Place, &n.Site, &n.Note, &n.Attachment); err != nil {
			return fmt.Errorf("read notice: %w", err)
		}
		n.People = people[n.ID]
		if d := byID[doc]; d != nil {
			d.Notices = append(d.Notices, n)
		}
	}
	return rows.Err()
}

func notifiedPeople(ctx context.Context, tx *sqlite.Tx) (map[int64]map[string]jdate.Day, error) {
	rows, err := tx.QueryContext(ctx, `SELECT notice, person, on_day FROM policy_notified`)
	if err != nil {
		return nil, fmt.Errorf("query notified people: %w", err)
	}
	defer rows.Close()
	out := map[int64]map[string]jdate.Day{}
	for rows.Next() {
		var notice int64
		var person string
		var on jdate.Day
		if err := rows.Scan(&notice, &person, &on); err != nil {
			return nil, fmt.Errorf("read notified person: %w", err)
		}
		if out[notice] == nil {
			out[notice] = map[string]jdate.Day{}
		}
		out[notice][person] = on
	}
	return out, rows.Err()
}

func insertNotice(ctx context.Context, tx *sqlite.Tx, doc, edition int64, n *Notice) error {
	n.Key = tx.NewKey()
	res, err := tx.ExecContext(ctx, `INSERT INTO policy_notices (key, document, edition, way, on_day, place, site, note, attachment, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, n.Key, doc, edition, n.Way, n.On, n.Place, n.Site, n.Note, n.Attachment, sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("insert notice: %w", err)
	}
	if n.ID, err = res.LastInsertId(); err != nil {
		return fmt.Errorf("number notice: %w", err)
	}
	for person, on := range n.People {
		if err := insertNotified(ctx, tx, n.ID, person, on); err != nil {
			return err
		}
	}
	return nil
}

// insertNotified notes that a person got a notice; a second time changes nothing.
func insertNotified(ctx context.Context, tx *sqlite.Tx, notice int64, person string, on jdate.Day) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO policy_notified (notice, person, on_day) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, notice, person, on)
	if err != nil {
		return fmt.Errorf("insert notified person: %w", err)
	}
	return nil
}
