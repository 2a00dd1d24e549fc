package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

// About says whose personal values beside the log are meant.
type About struct {
	Objects []string // rows about these, e.g. "people/KEY"
	Names   []string // values in rows about anything but persons and accounts that hold one of these texts
	Values  []string // values there that are one of these texts
}

// Of these rows the values go; a row about another person or account is never one of them, because people share names.
const aboutWhere = ` FROM audit_personal AS p WHERE EXISTS (SELECT 1 FROM audit_log l WHERE l.id = p.row AND (
		l.object IN (SELECT value FROM json_each(?))
		OR substr(l.object, 1, 7) <> 'people/' AND substr(l.object, 1, 8) <> 'account/' AND (
			p.value IN (SELECT value FROM json_each(?))
			OR EXISTS (SELECT 1 FROM json_each(?) n WHERE instr(p.value, n.value) > 0))))`

func (a About) args() ([]any, error) {
	var out []any
	for _, list := range [][]string{a.Objects, a.Values, a.Names} {
		text, err := json.Marshal(append([]string{}, list...))
		if err != nil {
			return nil, fmt.Errorf("list of whom to look for: %w", err)
		}
		out = append(out, string(text))
	}
	return out, nil
}

// PersonalCount returns how many personal values stand beside the log about somebody, and since when.
func PersonalCount(ctx context.Context, tx *sqlite.Tx, a About) (n int, since time.Time, err error) {
	args, err := a.args()
	if err != nil {
		return 0, since, err
	}
	var first int64
	err = tx.QueryRowContext(ctx, `SELECT count(*), coalesce(min((SELECT at FROM audit_log l WHERE l.id = p.row)), 0)`+aboutWhere, args...).Scan(&n, &first)
	if err != nil {
		return 0, since, fmt.Errorf("count personal values: %w", err)
	}
	return n, sqlite.FromMillis(first), nil
}

// ErasePersonal forgets these values with their salts, for good, and returns how many. The rows keep their hashes: the
// chain holds, and without the salt nobody can try out whose name it was.
func ErasePersonal(ctx context.Context, tx *sqlite.Tx, a About) (int, error) {
	args, err := a.args()
	if err != nil {
		return 0, err
	}
	res, err := tx.ExecContext(ctx, `DELETE`+aboutWhere, args...)
	if err != nil {
		return 0, fmt.Errorf("erase personal values: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("count erased values: %w", err)
	}
	return int(n), nil
}

// ActedCount returns how many rows the actors wrote, and since when.
func ActedCount(ctx context.Context, tx *sqlite.Tx, actors []string) (n int, since time.Time, err error) {
	list, err := json.Marshal(actors)
	if err != nil {
		return 0, since, fmt.Errorf("list of who acted: %w", err)
	}
	var first int64
	err = tx.QueryRowContext(ctx, `SELECT count(*), coalesce(min(at), 0) FROM audit_log WHERE actor IN (SELECT value FROM json_each(?))`, string(list)).Scan(&n, &first)
	if err != nil {
		return 0, since, fmt.Errorf("count acts of a person: %w", err)
	}
	return n, sqlite.FromMillis(first), nil
}
