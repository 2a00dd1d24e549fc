package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	engine "modernc.org/sqlite"
)

// SQLite keeps no checksums: a bit that turns on the disk is read as if somebody had written it. So every row
// of every table has a seal, 64 bits of a SHA-256 over its values, in platform_seals. Triggers write the seals in
// the same statement as the row, so a rolled back statement takes its seal with it. An update renews a seal only
// when the row was whole before: damage cannot hide behind a later change of the same row.
//
// Seals find damage and hands that do not know them; they are no signature, since whoever can write the file
// can compute them. Against that stand the audit log and its checkpoints kept outside.
const sealTables = `
CREATE TABLE IF NOT EXISTS platform_sealed (tab INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE IF NOT EXISTS platform_seals (
	tab INTEGER NOT NULL, rid INTEGER NOT NULL, seal INTEGER NOT NULL, PRIMARY KEY (tab, rid)) STRICT, WITHOUT ROWID`

// resealing is the mark in platform_sealed that stands while migrations run without the triggers.
const resealing = "(resealing)"

// sealFunction is the SQL function of a seal. Its result is never 0, which marks a row known as broken.
const sealFunction = "kizuki_seal"

func init() { //nolint:gochecknoinits // the driver gives a function only to connections opened after it is registered
	engine.MustRegisterFunction(sealFunction, &engine.FunctionImpl{NArgs: -1, Deterministic: true, VolatileArgs: true, Scalar: seal})
}

func seal(_ *engine.FunctionContext, args []driver.Value) (driver.Value, error) {
	var room [512]byte
	buf := room[:0]
	for _, arg := range args {
		switch v := arg.(type) {
		case nil:
			buf = append(buf, 'n')
		case int64:
			buf = binary.BigEndian.AppendUint64(append(buf, 'i'), uint64(v))
		case float64:
			buf = binary.BigEndian.AppendUint64(append(buf, 'f'), math.Float64bits(v))
		case string:
			buf = append(binary.BigEndian.AppendUint64(append(buf, 't'), uint64(len(v))), v...)
		case []byte:
			buf = append(binary.BigEndian.AppendUint64(append(buf, 'b'), uint64(len(v))), v...)
		default:
			return nil, fmt.Errorf("seal: value of type %T", arg)
		}
	}
	sum := sha256.Sum256(buf)
	n := int64(binary.BigEndian.Uint64(sum[:]))
	if n == 0 {
		n = 1
	}
	return n, nil
}

// sealedTable is a table with what its triggers and queries need.
type sealedTable struct {
	name    string
	tab     int64
	columns []string
	key     []string // primary key
	rowid   bool     // the key is the row number itself
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func prefixed(prefix string, names []string) string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = prefix + quoted(name)
	}
	return strings.Join(out, ", ")
}

// rid is the expression of the number under which a row's seal stands.
func (t *sealedTable) rid(prefix string) string {
	switch {
	case t.rowid && len(t.key) == 1:
		return prefix + quoted(t.key[0])
	case len(t.key) == 0:
		return prefix + "rowid"
	}
	return sealFunction + "(" + prefixed(prefix, t.key) + ")"
}

func (t *sealedTable) seal(prefix string) string {
	return sealFunction + "(" + prefixed(prefix, t.columns) + ")"
}

// triggers gives the three triggers by name. They name columns, so they change with the table.
func (t *sealedTable) triggers() map[string]string {
	tab := strconv.FormatInt(t.tab, 10)
	guard := func(on, event, body string) (string, string) {
		name := "platform_seal_" + on + "_" + t.name
		return name, "CREATE TRIGGER " + quoted(name) + " AFTER " + event + " ON " + quoted(t.name) + " BEGIN " + body + "; END"
	}
	out := map[string]string{}
	name, text := guard("insert", "INSERT", "INSERT INTO platform_seals (tab, rid, seal) VALUES ("+tab+", "+t.rid("new.")+", "+t.seal("new.")+")")
	out[name] = text
	name, text = guard("update", "UPDATE", "UPDATE platform_seals SET rid = "+t.rid("new.")+", seal = "+t.seal("new.")+
		" WHERE tab = "+tab+" AND rid = "+t.rid("old.")+" AND seal = "+t.seal("old."))
	out[name] = text
	name, text = guard("delete", "DELETE", "DELETE FROM platform_seals WHERE tab = "+tab+" AND rid = "+t.rid("old."))
	out[name] = text
	return out
}

// tablesToSeal lists the tables of the database without those that carry a proof of their own.
func tablesToSeal(ctx context.Context, tx *Tx, own []string) ([]*sealedTable, error) {
	names, err := texts(ctx, tx, `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	var out []*sealedTable
	for _, name := range names {
		if strings.HasPrefix(name, "sqlite_") || name == "platform_seals" || name == "platform_sealed" || slices.Contains(own, name) {
			continue
		}
		t, err := describe(ctx, tx, name)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func describe(ctx context.Context, tx *Tx, name string) (*sealedTable, error) {
	t := &sealedTable{name: name, tab: numberOf(name)}
	var noRowid bool
	err := tx.QueryRowContext(ctx, `SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?`, name).Scan(&noRowid)
	if err != nil {
		return nil, fmt.Errorf("describe table %s: %w", name, err)
	}
	rows, err := tx.QueryContext(ctx, `SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid`, name)
	if err != nil {
		return nil, fmt.Errorf("list columns of %s: %w", name, err)
	}
	defer rows.Close()
	for rows.Next() {
		var column, kind string
		var pk int
		if err := rows.Scan(&column, &kind, &pk); err != nil {
			return nil, fmt.Errorf("read column of %s: %w", name, err)
		}
		t.columns = append(t.columns, column)
		if pk > 0 {
			t.key = append(t.key, column)
			t.rowid = !noRowid && strings.EqualFold(kind, "INTEGER")
		}
	}
	t.rowid = t.rowid && len(t.key) == 1
	return t, rows.Err()
}

func texts(ctx context.Context, tx *Tx, query string, args ...any) ([]string, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, rows.Err()
}

// numberOf is the number of a table in platform_seals. It comes from the name, so that the triggers are the same
// in every database; two names with one number would be refused by platform_sealed.
func numberOf(name string) int64 {
	sum := sha256.Sum256([]byte(name))
	return int64(binary.BigEndian.Uint32(sum[:]))
}

// unseal takes the triggers away before migrations change tables. Rows that are broken by then are marked, so
// that sealing them again does not make them whole.
func unseal(ctx context.Context, tx *Tx, own []string) error {
	tables, err := tablesToSeal(ctx, tx, own)
	if err != nil {
		return err
	}
	for _, t := range tables {
		mark := `UPDATE platform_seals SET seal = 0 WHERE tab = ? AND rid IN (SELECT ` + t.rid("r.") + ` FROM ` + quoted(t.name) +
			` r JOIN platform_seals s ON s.tab = ? AND s.rid = ` + t.rid("r.") + ` WHERE s.seal <> ` + t.seal("r.") + `)`
		if _, err := tx.ExecContext(ctx, mark, t.tab, t.tab); err != nil {
			return fmt.Errorf("mark broken rows of %s: %w", t.name, err)
		}
	}
	names, err := texts(ctx, tx, `SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'platform\_seal\_%' ESCAPE '\'`)
	if err != nil {
		return fmt.Errorf("list triggers of seals: %w", err)
	}
	for _, name := range names {
		if _, err := tx.ExecContext(ctx, `DROP TRIGGER `+quoted(name)); err != nil {
			return fmt.Errorf("take trigger away: %w", err)
		}
	}
	if _, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO platform_sealed (tab, name) VALUES (0, ?)`, resealing); err != nil {
		return fmt.Errorf("mark resealing: %w", err)
	}
	return nil
}

// sealAll gives every table its triggers and every row its seal, after migrations.
func sealAll(ctx context.Context, tx *Tx, own []string) error {
	tables, err := tablesToSeal(ctx, tx, own)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if _, err := tx.ExecContext(ctx, `INSERT INTO platform_sealed (tab, name) VALUES (?, ?) ON CONFLICT (name) DO NOTHING`, t.tab, t.name); err != nil {
			return fmt.Errorf("note table %s: %w", t.name, err)
		}
		if err := t.sealRows(ctx, tx); err != nil {
			return err
		}
		for _, text := range t.triggers() {
			if _, err := tx.ExecContext(ctx, text); err != nil {
				return fmt.Errorf("guard table %s: %w", t.name, err)
			}
		}
	}
	const gone = `name NOT IN (SELECT name FROM pragma_table_list WHERE schema = 'main')`
	for _, text := range []string{
		`DELETE FROM platform_seals WHERE tab IN (SELECT tab FROM platform_sealed WHERE ` + gone + `)`,
		`DELETE FROM platform_sealed WHERE ` + gone, // the mark too
	} {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("forget seals of dropped tables: %w", err)
		}
	}
	return nil
}

func (t *sealedTable) sealRows(ctx context.Context, tx *Tx) error {
	from := ` FROM ` + quoted(t.name) + ` r`
	for _, text := range []string{
		`DELETE FROM platform_seals WHERE tab = ?1 AND seal <> 0`,
		`DELETE FROM platform_seals WHERE tab = ?1 AND rid NOT IN (SELECT ` + t.rid("r.") + from + `)`,
		`INSERT OR IGNORE INTO platform_seals (tab, rid, seal) SELECT ?1, ` + t.rid("r.") + `, ` + t.seal("r.") + from,
	} {
		if _, err := tx.ExecContext(ctx, text, t.tab); err != nil {
			return fmt.Errorf("seal rows of %s: %w", t.name, err)
		}
	}
	return nil
}
