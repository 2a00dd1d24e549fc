package org

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations returns the tables of company, sites, departments and major changes.
func Migrations() sqlite.Migration { return sqlite.Migration{Feature: "org", FS: migrations} }

// unset is the profile before the set-up: what most companies would choose.
func unset() Company {
	return Company{FiscalStart: time.April, TargetLevel: "1", NotApplicable: Counts}
}

func findCompany(ctx context.Context, tx *sqlite.Tx) (Company, error) {
	var c Company
	var hosts, settings string
	var month int
	err := tx.QueryRowContext(ctx, `SELECT name, industry, size, fiscal_start, base_address, hosts, target_level,
		target_star, not_applicable, settings, version FROM org_company`).Scan(&c.Name, &c.Industry, &c.Size, &month,
		&c.BaseAddress, &hosts, &c.TargetLevel, &c.TargetStar, &c.NotApplicable, &settings, &c.Version)
	if errors.Is(err, sql.ErrNoRows) {
		return unset(), nil
	}
	if err != nil {
		return Company{}, fmt.Errorf("read company: %w", err)
	}
	c.FiscalStart, c.Hosts = time.Month(month), strings.Fields(hosts)
	if err := json.Unmarshal([]byte(settings), &c.Settings); err != nil {
		return Company{}, fmt.Errorf("read settings of company: %w", err)
	}
	return c, nil
}

// putCompany writes the profile over the version it was read with; false means somebody was faster.
func putCompany(ctx context.Context, tx *sqlite.Tx, c Company) (bool, error) {
	settings, err := json.Marshal(c.Settings)
	if err != nil {
		return false, fmt.Errorf("write settings of company: %w", err)
	}
	if c.Settings == nil {
		settings = []byte("{}")
	}
	res, err := tx.ExecContext(ctx, `INSERT INTO org_company (id, name, industry, size, fiscal_start, base_address, hosts,
			target_level, target_star, not_applicable, settings, version, updated_at)
		SELECT 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ? WHERE ? = 0 OR EXISTS (SELECT 1 FROM org_company)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, industry = excluded.industry, size = excluded.size,
			fiscal_start = excluded.fiscal_start, base_address = excluded.base_address, hosts = excluded.hosts,
			target_level = excluded.target_level, target_star = excluded.target_star, not_applicable = excluded.not_applicable,
			settings = excluded.settings, version = version + 1, updated_at = excluded.updated_at
		WHERE version = ?`,
		c.Name, c.Industry, c.Size, int(c.FiscalStart), c.BaseAddress, strings.Join(c.Hosts, "\n"), c.TargetLevel,
		c.TargetStar, c.NotApplicable, string(settings), sqlite.Millis(tx.Now), c.Version, c.Version)
	return changedOne(res, err, "save company")
}

func changedOne(res sql.Result, err error, doing string) (bool, error) {
	if err != nil {
		return false, fmt.Errorf("%s: %w", doing, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("%s, count rows: %w", doing, err)
	}
	return n == 1, nil
}

func findSites(ctx context.Context, tx *sqlite.Tx) ([]Site, error) {
	rows, err := tx.QueryContext(ctx, `SELECT key, name, kana, ended_on, version FROM org_sites ORDER BY sort_key, id`)
	if err != nil {
		return nil, fmt.Errorf("list sites: %w", err)
	}
	defer rows.Close()
	var out []Site
	for rows.Next() {
		var s Site
		if err := rows.Scan(&s.Key, &s.Name, &s.Kana, &s.Ended, &s.Version); err != nil {
			return nil, fmt.Errorf("read site: %w", err)
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

func insertSite(ctx context.Context, tx *sqlite.Tx, s Site) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO org_sites (key, name, kana, sort_key, ended_on, version, updated_at)
		VALUES (?, ?, ?, ?, ?, 1, ?)`, s.Key, s.Name, s.Kana, sortKey(s.Kana, s.Name), s.Ended, sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("add site: %w", err)
	}
	return nil
}

func updateSite(ctx context.Context, tx *sqlite.Tx, s Site) (bool, error) {
	res, err := tx.ExecContext(ctx, `UPDATE org_sites SET name = ?, kana = ?, sort_key = ?, ended_on = ?, version = version + 1, updated_at = ?
		WHERE key = ? AND version = ?`, s.Name, s.Kana, sortKey(s.Kana, s.Name), s.Ended, sqlite.Millis(tx.Now), s.Key, s.Version)
	return changedOne(res, err, "save site")
}

const departmentColumns = `key, name, kana, site, owner, owner_since_on, owner_until_on, ended_on, version`

func findDepartments(ctx context.Context, tx *sqlite.Tx, where string, args ...any) ([]Department, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+departmentColumns+` FROM org_departments `+where+` ORDER BY sort_key, id`, args...)
	if err != nil {
		return nil, fmt.Errorf("list departments: %w", err)
	}
	defer rows.Close()
	var out []Department
	for rows.Next() {
		var d Department
		err := rows.Scan(&d.Key, &d.Name, &d.Kana, &d.Site, &d.Owner, &d.OwnerSince, &d.OwnerUntil, &d.Ended, &d.Version)
		if err != nil {
			return nil, fmt.Errorf("read department: %w", err)
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

func findDepartment(ctx context.Context, tx *sqlite.Tx, key string) (Department, error) {
	all, err := findDepartments(ctx, tx, `WHERE key = ?`, key)
	if err != nil {
		return Department{}, err
	}
	if len(all) == 0 {
		return Department{}, problem.NotFound("org.department.unknown")
	}
	return all[0], nil
}

func insertDepartment(ctx context.Context, tx *sqlite.Tx, d Department) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO org_departments (key, name, kana, sort_key, site, owner, owner_since_on, owner_until_on, ended_on, version, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?)`, d.Key, d.Name, d.Kana, sortKey(d.Kana, d.Name), d.Site, d.Owner, d.OwnerSince,
		d.OwnerUntil, d.Ended, sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("add department: %w", err)
	}
	return nil
}

func updateDepartment(ctx context.Context, tx *sqlite.Tx, d Department) (bool, error) {
	res, err := tx.ExecContext(ctx, `UPDATE org_departments SET name = ?, kana = ?, sort_key = ?, site = ?, owner = ?, owner_since_on = ?,
			owner_until_on = ?, ended_on = ?, version = version + 1, updated_at = ?
		WHERE key = ? AND version = ?`, d.Name, d.Kana, sortKey(d.Kana, d.Name), d.Site, d.Owner, d.OwnerSince, d.OwnerUntil, d.Ended,
		sqlite.Millis(tx.Now), d.Key, d.Version)
	return changedOne(res, err, "save department")
}

func deleteDepartment(ctx context.Context, tx *sqlite.Tx, key string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM org_departments WHERE key = ?`, key); err != nil {
		return fmt.Errorf("remove department: %w", err)
	}
	return nil
}

func deleteSite(ctx context.Context, tx *sqlite.Tx, key string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM org_sites WHERE key = ?`, key); err != nil {
		return fmt.Errorf("remove site: %w", err)
	}
	return nil
}

func findChanges(ctx context.Context, tx *sqlite.Tx) ([]MajorChange, error) {
	rows, err := tx.QueryContext(ctx, `SELECT key, on_on, what, note, version FROM org_changes ORDER BY on_on DESC, id DESC`)
	if err != nil {
		return nil, fmt.Errorf("list major changes: %w", err)
	}
	defer rows.Close()
	var out []MajorChange
	for rows.Next() {
		var c MajorChange
		if err := rows.Scan(&c.Key, &c.On, &c.What, &c.Note, &c.Version); err != nil {
			return nil, fmt.Errorf("read major change: %w", err)
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

func insertChange(ctx context.Context, tx *sqlite.Tx, c MajorChange) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO org_changes (key, on_on, what, note, version, updated_at) VALUES (?, ?, ?, ?, 1, ?)`,
		c.Key, c.On, c.What, c.Note, sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("add major change: %w", err)
	}
	return nil
}

func deleteChange(ctx context.Context, tx *sqlite.Tx, key string, version int64) (bool, error) {
	res, err := tx.ExecContext(ctx, `DELETE FROM org_changes WHERE key = ? AND version = ?`, key, version)
	return changedOne(res, err, "remove major change")
}

// sortKey orders by the reading where there is one.
func sortKey(kana, name string) []byte {
	if kana != "" {
		return slices.Concat(jtext.SortKey(kana), []byte{0}, jtext.SortKey(name))
	}
	return jtext.SortKey(name)
}

// today is the day of a transaction.
func today(tx *sqlite.Tx) jdate.Day { return jdate.Of(tx.Now) }
