package dossier

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/personal"
)

// Place says what a table with free text is called and where its rows are shown.
type Place struct {
	Label string // message key
	Link  string // address; one that ends with "/" is followed by the key of the row
	Owner string // the column that points to the row of Table with that key; empty: the row has the key itself
	Table string
}

// Hit is free text that names the person.
type Hit struct {
	Label string // message key; empty for a table that nobody described
	Table string
	Link  string
	Count int
}

// structured are the tables whose columns are erased one by one: not free text.
var structured = []string{"people_persons", "account_accounts", "account_sessions", "audit_personal"}

// search looks through every text column of every table, also of tables that come later.
func (s *Service) search(ctx context.Context, tx *sqlite.Tx, who personal.Subject) ([]Hit, error) {
	if len(who.Names) == 0 {
		return nil, nil
	}
	names, err := json.Marshal(who.Names)
	if err != nil {
		return nil, fmt.Errorf("list names: %w", err)
	}
	tables, err := textColumns(ctx, tx)
	if err != nil {
		return nil, err
	}
	var hits []Hit
	for _, table := range sortedKeys(tables) {
		if slices.Contains(structured, table) {
			continue
		}
		found, err := s.searchTable(ctx, tx, table, tables[table], string(names))
		if err != nil {
			return nil, err
		}
		hits = append(hits, found...)
	}
	return hits, nil
}

// textColumns lists the columns of every table that hold text.
func textColumns(ctx context.Context, tx *sqlite.Tx) (map[string][]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c
		WHERE t.type = 'table' AND c.type = 'TEXT' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY t.name, c.cid`)
	if err != nil {
		return nil, fmt.Errorf("list text columns: %w", err)
	}
	defer rows.Close()
	out := map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return nil, fmt.Errorf("read text column: %w", err)
		}
		out[table] = append(out[table], column)
	}
	return out, rows.Err()
}

func (s *Service) searchTable(ctx context.Context, tx *sqlite.Tx, table string, columns []string, names string) ([]Hit, error) {
	p := s.cfg.Places[table]
	key, from := `''`, quoted(table)+` AS t`
	switch {
	case !strings.HasSuffix(p.Link, "/"):
	case p.Owner != "":
		key, from = `o.key`, from+` JOIN `+quoted(p.Table)+` AS o ON o.id = t.`+quoted(p.Owner)
	case slices.Contains(columns, "key"):
		key = `t.key`
	}
	texts := make([]string, len(columns))
	for i, c := range columns {
		texts[i] = `t.` + quoted(c)
	}
	// A line break between the columns, so that no name is read across two of them.
	rows, err := tx.QueryContext(ctx, `SELECT `+key+`, count(*) FROM `+from+
		` WHERE EXISTS (SELECT 1 FROM json_each(?) n WHERE instr(concat_ws(char(10), `+strings.Join(texts, `, `)+`), n.value) > 0) GROUP BY 1 ORDER BY 1`, names)
	if err != nil {
		return nil, fmt.Errorf("look for a name in %s: %w", table, err)
	}
	defer rows.Close()
	var out []Hit
	for rows.Next() {
		h := Hit{Label: p.Label, Table: table}
		var row string
		if err := rows.Scan(&row, &h.Count); err != nil {
			return nil, fmt.Errorf("read place of a name: %w", err)
		}
		h.Link = p.Link + row
		out = append(out, h)
	}
	return out, rows.Err()
}

// quoted is a name of a table or column in SQL.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
