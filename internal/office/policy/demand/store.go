package demand

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func findDemands(ctx context.Context, tx *sqlite.Tx, key string) ([]Demand, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, key, type, title, issuer, gist, document, listed_on, reflected_on, ended_on, version
		FROM policy_demands WHERE ? = '' OR key = ? ORDER BY type DESC, title, id`, key, key)
	if err != nil {
		return nil, fmt.Errorf("query demands: %w", err)
	}
	defer rows.Close()
	var out []Demand
	for rows.Next() {
		var d Demand
		if err := rows.Scan(&d.ID, &d.Key, &d.Type, &d.Title, &d.Issuer, &d.Gist, &d.Document, &d.ListedOn, &d.ReflectedOn, &d.EndedOn, &d.Version); err != nil {
			return nil, fmt.Errorf("read demand: %w", err)
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

func findDemand(ctx context.Context, tx *sqlite.Tx, key string) (*Demand, error) {
	all, err := findDemands(ctx, tx, key)
	if err != nil {
		return nil, err
	}
	if key == "" || len(all) == 0 {
		return nil, problem.NotFound("demand.not_found")
	}
	return &all[0], nil
}

func insertDemand(ctx context.Context, tx *sqlite.Tx, d *Demand) error {
	d.Key = tx.NewKey()
	_, err := tx.ExecContext(ctx, `INSERT INTO policy_demands (key, type, title, issuer, gist, document, listed_on, reflected_on, ended_on)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, d.Key, d.Type, d.Title, d.Issuer, d.Gist, d.Document, d.ListedOn, d.ReflectedOn, d.EndedOn)
	if err != nil {
		return fmt.Errorf("insert demand: %w", err)
	}
	return nil
}

func updateDemand(ctx context.Context, tx *sqlite.Tx, d *Demand) error {
	res, err := tx.ExecContext(ctx, `UPDATE policy_demands SET type = ?, title = ?, issuer = ?, gist = ?, document = ?, reflected_on = ?, ended_on = ?,
		version = version + 1 WHERE key = ? AND version = ?`, d.Type, d.Title, d.Issuer, d.Gist, d.Document, d.ReflectedOn, d.EndedOn, d.Key, d.Version)
	if err != nil {
		return fmt.Errorf("update demand: %w", err)
	}
	return changedOne(res, "demand.changed_meanwhile")
}

func findChecks(ctx context.Context, tx *sqlite.Tx) ([]Check, error) {
	rows, err := tx.QueryContext(ctx, `SELECT key, types, on_day, finding, by_person FROM policy_checks ORDER BY on_day DESC, id DESC`)
	if err != nil {
		return nil, fmt.Errorf("query checks: %w", err)
	}
	defer rows.Close()
	var out []Check
	for rows.Next() {
		var c Check
		var types string
		if err := rows.Scan(&c.Key, &types, &c.On, &c.Finding, &c.By); err != nil {
			return nil, fmt.Errorf("read check: %w", err)
		}
		for _, t := range splitList(types) {
			c.Types = append(c.Types, Type(t))
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

func insertCheck(ctx context.Context, tx *sqlite.Tx, c *Check) error {
	c.Key = tx.NewKey()
	types := make([]string, len(c.Types))
	for i, t := range c.Types {
		types[i] = string(t)
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO policy_checks (key, types, on_day, finding, by_person, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
		c.Key, strings.Join(types, ","), c.On, c.Finding, c.By, sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("insert check: %w", err)
	}
	return nil
}

func changedOne(res sql.Result, key string) error {
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("count changed demands: %w", err)
	}
	if n == 0 {
		return problem.Conflict(key)
	}
	return nil
}
