package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Broken is one row, or one thing of the database, that is not as it was written.
type Broken struct {
	Table string // "" for the whole file
	Row   string // primary key of the row, "" when the table as a whole is broken
	Why   BrokenWhy
	Text  string // what SQLite says, where it says something
}

// BrokenWhy says in which way something is broken.
type BrokenWhy string

// The ways in which something can be broken.
const (
	BrokenRow     BrokenWhy = "row"     // the values are not those that were written
	BrokenMissing BrokenWhy = "missing" // the row is gone
	BrokenUnread  BrokenWhy = "unread"  // SQLite cannot read it
	BrokenGuard   BrokenWhy = "guard"   // the table, an index or a trigger is not as the program made it
	BrokenLink    BrokenWhy = "link"    // it points at a row that is not there
)

// CheckSeals compares every row with its seal and returns how many rows were read; found holds at most one
// entry a table. own names the tables that carry a proof of their own, as in Migrate.
func CheckSeals(ctx context.Context, tx *Tx, all []Migration) (n int, found []Broken, err error) {
	tables, err := tablesToSeal(ctx, tx, ownProof(all))
	if err != nil {
		return 0, nil, err
	}
	for _, t := range tables {
		if err := ctx.Err(); err != nil {
			return n, found, err
		}
		rows, broken, err := t.check(ctx, tx)
		n += rows
		switch {
		case err != nil && ctx.Err() != nil:
			return n, found, ctx.Err()
		case err != nil:
			found = append(found, Broken{Table: t.name, Why: BrokenUnread, Text: err.Error()})
		case broken != nil:
			found = append(found, *broken)
		}
	}
	return n, found, nil
}

func (t *sealedTable) check(ctx context.Context, tx *Tx) (int, *Broken, error) {
	var known bool
	if err := tx.QueryRowContext(ctx, `SELECT count(*) > 0 FROM platform_sealed WHERE tab = ? AND name = ?`, t.tab, t.name).Scan(&known); err != nil {
		return 0, nil, err
	}
	if !known {
		return 0, &Broken{Table: t.name, Why: BrokenGuard}, nil
	}
	n, row, err := t.firstBroken(ctx, tx)
	if err != nil {
		return n, nil, err
	}
	if row != "" {
		return n, &Broken{Table: t.name, Row: row, Why: BrokenRow}, nil
	}
	var seals int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM platform_seals WHERE tab = ?`, t.tab).Scan(&seals); err != nil {
		return n, nil, err
	}
	if seals == n {
		return n, nil, nil
	}
	gone := `SELECT rid FROM platform_seals WHERE tab = ? AND rid NOT IN (SELECT ` + t.rid("r.") + ` FROM ` + quoted(t.name) + ` r) LIMIT 1`
	ids, err := texts(ctx, tx, gone, t.tab)
	if err != nil {
		return n, nil, err
	}
	b := &Broken{Table: t.name, Why: BrokenMissing}
	if len(ids) > 0 && t.rowid {
		b.Row = ids[0]
	}
	return n, b, nil
}

// firstBroken reads every row beside its seal; it returns how many rows there are and the key of the first that
// differs.
func (t *sealedTable) firstBroken(ctx context.Context, tx *Tx) (n int, row string, err error) {
	key := `r.rowid`
	if len(t.key) > 0 {
		parts := make([]string, len(t.key))
		for i, name := range t.key {
			parts[i] = `coalesce(CAST(r.` + quoted(name) + ` AS TEXT), '')`
		}
		key = strings.Join(parts, ` || ' / ' || `)
	}
	// NOT INDEXED: the row itself must be read, not its copy in an index.
	rows, err := tx.QueryContext(ctx, `SELECT coalesce(s.seal = `+t.seal("r.")+`, 0), CAST(`+key+` AS TEXT) FROM `+quoted(t.name)+
		` r NOT INDEXED LEFT JOIN platform_seals s ON s.tab = ? AND s.rid = `+t.rid("r."), t.tab)
	if err != nil {
		return 0, "", err
	}
	defer rows.Close()
	for rows.Next() {
		var whole bool
		var at string
		if err := rows.Scan(&whole, &at); err != nil {
			return n, "", err
		}
		n++
		if !whole && row == "" {
			row = readable(at)
		}
	}
	return n, row, rows.Err()
}

// readable makes a key of a broken row fit for a message.
func readable(text string) string {
	const longest = 80
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == '\uFFFD' {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if r := []rune(text); len(r) > longest {
		text = string(r[:longest]) + "…"
	}
	if text == "" {
		return "?"
	}
	return text
}

// CheckLinks finds rows that point at rows that are not there, at most one a table.
func CheckLinks(ctx context.Context, tx *Tx) ([]Broken, error) {
	rows, err := tx.QueryContext(ctx, `SELECT "table", coalesce(rowid, 0), "parent" FROM pragma_foreign_key_check`)
	if err != nil {
		return nil, fmt.Errorf("check links: %w", err)
	}
	defer rows.Close()
	var found []Broken
	for rows.Next() {
		var table, row, parent string
		if err := rows.Scan(&table, &row, &parent); err != nil {
			return found, fmt.Errorf("read broken link: %w", err)
		}
		if !slices.ContainsFunc(found, func(b Broken) bool { return b.Table == table }) {
			found = append(found, Broken{Table: table, Row: row, Why: BrokenLink, Text: parent})
		}
	}
	return found, rows.Err()
}

// CheckSchema compares tables, indexes and triggers with those that the migrations make in a new database.
// fresh is such a database.
func CheckSchema(ctx context.Context, tx, fresh *Tx) (n int, found []Broken, err error) {
	have, err := schema(ctx, tx)
	if err != nil {
		return 0, nil, err
	}
	want, err := schema(ctx, fresh)
	if err != nil {
		return 0, nil, err
	}
	for _, o := range want {
		if !slices.Contains(have, o) {
			found = append(found, Broken{Table: o.table, Why: BrokenGuard, Text: o.kind + " " + o.name})
		}
	}
	for _, o := range have {
		if !slices.Contains(want, o) && !slices.ContainsFunc(found, func(b Broken) bool { return b.Text == o.kind+" "+o.name }) {
			found = append(found, Broken{Table: readable(o.table), Why: BrokenGuard, Text: readable(o.kind + " " + o.name)})
		}
	}
	return len(want), found, nil
}

type schemaObject struct{ kind, name, table, text string }

func schema(ctx context.Context, tx *Tx) ([]schemaObject, error) {
	rows, err := tx.QueryContext(ctx, `SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master
		WHERE name NOT LIKE 'sqlite\_stat%' ESCAPE '\' ORDER BY type, name`)
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	defer rows.Close()
	var out []schemaObject
	for rows.Next() {
		var o schemaObject
		if err := rows.Scan(&o.kind, &o.name, &o.table, &o.text); err != nil {
			return nil, fmt.Errorf("read object of schema: %w", err)
		}
		out = append(out, o)
	}
	return out, rows.Err()
}

// CheckPages asks SQLite to check the structure of the whole file; what it finds comes as its own sentences,
// at most limit.
func CheckPages(ctx context.Context, tx *Tx, limit int) ([]string, error) {
	found, err := texts(ctx, tx, fmt.Sprintf(`PRAGMA integrity_check(%d)`, limit))
	if err != nil {
		return found, fmt.Errorf("check pages: %w", err)
	}
	if len(found) == 1 && found[0] == "ok" {
		return nil, nil
	}
	for i := range found {
		found[i] = readable(found[i])
	}
	return found, nil
}
