package people

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations returns the tables of the staff list.
func Migrations() sqlite.Migration { return sqlite.Migration{Feature: "people", FS: migrations} }

// Filter selects people. Zero values select everybody, also those who left.
type Filter struct {
	ActiveOn   jdate.Day // belong to the company on that day
	LeftBefore jdate.Day // left before that day
	JoinAfter  jdate.Day // join after that day
	Class      string
	Department string    // key, or "none" for people without
	Site       string    // key
	Query      string    // part of name, reading, number or address
	Mail       string    // one of Uses
	Internet   string    // one of Uses
	Kiosk      string    // Yes or No
	NoKana     bool      // only those without a reading
	ExcludedOn jdate.Day // only those excluded on that day
	Scope      []string  // keys of departments; empty: all (see actor.Actor.Scope)
}

const personColumns = `key, employee_no, family_name, given_name, family_kana, given_kana, display_name, class, mail, internet, email,
	department, site, joined_on, left_on, kiosk, version, erased_on`

// where builds the condition; every value is a parameter.
func (f Filter) where() (string, []any) {
	var parts []string
	var args []any
	add := func(part string, values ...any) {
		parts = append(parts, part)
		args = append(args, values...)
	}
	if !f.ActiveOn.IsZero() {
		add(`joined_on <= ? AND (left_on = '' OR left_on >= ?)`, f.ActiveOn, f.ActiveOn)
	}
	if !f.LeftBefore.IsZero() {
		add(`left_on <> '' AND left_on < ?`, f.LeftBefore)
	}
	if !f.JoinAfter.IsZero() {
		add(`joined_on > ?`, f.JoinAfter)
	}
	for _, c := range []struct{ column, value string }{{"class", f.Class}, {"site", f.Site}, {"mail", f.Mail}, {"internet", f.Internet}} {
		if c.value != "" {
			add(c.column+` = ?`, c.value)
		}
	}
	switch f.Department {
	case "":
	case "none":
		add(`department = ''`)
	default:
		add(`department = ?`, f.Department)
	}
	if f.Kiosk != "" {
		add(`kiosk = ?`, f.Kiosk == Yes)
	}
	if f.NoKana {
		add(`family_kana || given_kana = ''`)
	}
	if !f.ExcludedOn.IsZero() {
		add(`key IN (SELECT person FROM people_exclusions WHERE from_on <= ? AND until_on >= ?)`, f.ExcludedOn, f.ExcludedOn)
	}
	if q := jtext.SearchKey(f.Query); q != "" {
		add(`instr(search_key, ?) > 0`, q)
	}
	if len(f.Scope) > 0 {
		scope := make([]any, len(f.Scope))
		for i, d := range f.Scope {
			scope[i] = d
		}
		add(`department IN (?`+strings.Repeat(`, ?`, len(scope)-1)+`)`, scope...)
	}
	if len(parts) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(parts, " AND "), args
}

func findPersons(ctx context.Context, tx *sqlite.Tx, f Filter) ([]Person, error) {
	where, args := f.where()
	return queryPersons(ctx, tx, where+` ORDER BY sort_key, id`, args...)
}

func queryPersons(ctx context.Context, tx *sqlite.Tx, tail string, args ...any) ([]Person, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+personColumns+` FROM people_persons`+tail, args...)
	if err != nil {
		return nil, fmt.Errorf("list people: %w", err)
	}
	defer rows.Close()
	var out []Person
	for rows.Next() {
		var p Person
		err := rows.Scan(&p.Key, &p.EmployeeNo, &p.FamilyName, &p.GivenName, &p.FamilyKana, &p.GivenKana, &p.DisplayName, &p.Class,
			&p.Mail, &p.Internet, &p.Email, &p.Department, &p.Site, &p.Joined, &p.Left, &p.Kiosk, &p.Version, &p.Erased)
		if err != nil {
			return nil, fmt.Errorf("read person: %w", err)
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

func findPerson(ctx context.Context, tx *sqlite.Tx, key string) (Person, error) {
	list, err := queryPersons(ctx, tx, ` WHERE key = ?`, key)
	if err != nil {
		return Person{}, err
	}
	if len(list) == 0 {
		return Person{}, problem.NotFound("people.unknown")
	}
	return list[0], nil
}

// numberTaken returns who has the number, "" when it is free for the person.
func numberTaken(ctx context.Context, tx *sqlite.Tx, no, except string) (string, error) {
	var key string
	err := tx.QueryRowContext(ctx, `SELECT key FROM people_persons WHERE employee_no = ? AND employee_no <> '' AND key <> ?`, no, except).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look up employee number: %w", err)
	}
	return key, nil
}

const insertPerson = `INSERT INTO people_persons (key, employee_no, family_name, given_name, family_kana, given_kana, display_name, class, mail,
		internet, email, department, site, joined_on, left_on, kiosk, sort_key, search_key, version, created_at, updated_at, left_at)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?)`

const updatePerson = `UPDATE people_persons SET employee_no = ?, family_name = ?, given_name = ?, family_kana = ?, given_kana = ?,
		display_name = ?, class = ?, mail = ?, internet = ?, email = ?, department = ?, site = ?, joined_on = ?, left_on = ?, kiosk = ?,
		sort_key = ?, search_key = ?, version = version + 1, updated_at = ?,
		left_at = CASE WHEN left_on = ? THEN left_at ELSE ? END
	WHERE key = ? AND version = ?`

// fields lists what is written of a person, in the order of the statements.
func fields(p Person) []any {
	return []any{
		p.EmployeeNo, p.FamilyName, p.GivenName, p.FamilyKana, p.GivenKana, p.DisplayName, p.Class, p.Mail, p.Internet, p.Email,
		p.Department, p.Site, p.Joined, p.Left, p.Kiosk, p.SortKey(), p.SearchKey(),
	}
}

func leftAt(tx *sqlite.Tx, p Person) int64 {
	if p.Left.IsZero() {
		return 0
	}
	return sqlite.Millis(tx.Now)
}

func addPerson(ctx context.Context, tx *sqlite.Tx, p Person) error {
	insert, err := tx.Prepared(ctx, insertPerson) //nolint:sqlclosecheck // closes with the transaction
	if err != nil {
		return err
	}
	now := sqlite.Millis(tx.Now)
	args := append([]any{p.Key}, fields(p)...)
	if _, err := insert.ExecContext(ctx, append(args, now, now, leftAt(tx, p))...); err != nil {
		return fmt.Errorf("add person: %w", err)
	}
	return nil
}

// savePerson writes over the version the person was read with; false means somebody was faster.
func savePerson(ctx context.Context, tx *sqlite.Tx, p Person) (bool, error) {
	update, err := tx.Prepared(ctx, updatePerson) //nolint:sqlclosecheck // closes with the transaction
	if err != nil {
		return false, err
	}
	res, err := update.ExecContext(ctx, append(fields(p), sqlite.Millis(tx.Now), p.Left, leftAt(tx, p), p.Key, p.Version)...)
	if err != nil {
		return false, fmt.Errorf("save person: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("save person, count rows: %w", err)
	}
	return n == 1, nil
}

func deletePerson(ctx context.Context, tx *sqlite.Tx, key string) error {
	for _, text := range []string{
		`DELETE FROM people_moves WHERE person = ?`,
		`DELETE FROM people_exclusions WHERE person = ?`,
		`DELETE FROM people_persons WHERE key = ?`,
	} {
		if _, err := tx.ExecContext(ctx, text, key); err != nil {
			return fmt.Errorf("remove person: %w", err)
		}
	}
	return nil
}
