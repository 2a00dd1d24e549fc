package training

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

const sessionColumns = `id, key, title, on_day, topics, method, content, teacher, departments, version`

// Filter selects sessions; zero values select everything.
type Filter struct {
	From, To jdate.Day
	Topic    string
}

// findSessions returns sessions with attendance and reflections, newest first.
func findSessions(ctx context.Context, tx *sqlite.Tx, f Filter) ([]*Session, error) {
	to := f.To.String()
	if to == "" {
		to = "9999"
	}
	rows, err := tx.QueryContext(ctx, `SELECT `+sessionColumns+` FROM training_sessions
		WHERE on_day >= ? AND on_day <= ? AND (? = '' OR instr(',' || topics || ',', ',' || ? || ',') > 0)
		ORDER BY on_day DESC, id DESC`, f.From, to, f.Topic, f.Topic)
	if err != nil {
		return nil, fmt.Errorf("query sessions: %w", err)
	}
	defer rows.Close()
	var out []*Session
	byID := map[int64]*Session{}
	for rows.Next() {
		s, err := scanSession(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
		byID[s.ID] = s
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	if err := fillAttendance(ctx, tx, byID, 0); err != nil {
		return nil, err
	}
	return out, fillReflections(ctx, tx, byID, 0)
}

// findSession returns one session; problem code not_found.
func findSession(ctx context.Context, tx *sqlite.Tx, key string) (*Session, error) {
	s, err := scanSession(tx.QueryRowContext(ctx, `SELECT `+sessionColumns+` FROM training_sessions WHERE key = ?`, key))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, problem.NotFound("training.not_found")
	}
	if err != nil {
		return nil, err
	}
	byID := map[int64]*Session{s.ID: s}
	if err := fillAttendance(ctx, tx, byID, s.ID); err != nil {
		return nil, err
	}
	return s, fillReflections(ctx, tx, byID, s.ID)
}

func scanSession(row interface{ Scan(...any) error }) (*Session, error) {
	var s Session
	var topics, departments string
	if err := row.Scan(&s.ID, &s.Key, &s.Title, &s.On, &topics, &s.Method, &s.Content, &s.Teacher, &departments, &s.Version); err != nil {
		return nil, fmt.Errorf("read session: %w", err)
	}
	s.Topics, s.Departments = splitList(topics), splitList(departments)
	return &s, nil
}

func fillAttendance(ctx context.Context, tx *sqlite.Tx, byID map[int64]*Session, only int64) error {
	rows, err := tx.QueryContext(ctx, `SELECT session, person, class, on_day, way FROM training_attendance
		WHERE ? = 0 OR session = ? ORDER BY session, person`, only, only)
	if err != nil {
		return fmt.Errorf("query attendance: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var session int64
		var a Attendance
		if err := rows.Scan(&session, &a.Person, &a.Class, &a.On, &a.Way); err != nil {
			return fmt.Errorf("read attendance: %w", err)
		}
		if s := byID[session]; s != nil {
			s.Attendance = append(s.Attendance, a)
		}
	}
	return rows.Err()
}

func fillReflections(ctx context.Context, tx *sqlite.Tx, byID map[int64]*Session, only int64) error {
	rows, err := tx.QueryContext(ctx, `SELECT session, key, on_day, found, next_time, by_person FROM training_reflections
		WHERE ? = 0 OR session = ? ORDER BY session, on_day DESC, id DESC`, only, only)
	if err != nil {
		return fmt.Errorf("query reflections: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var session int64
		var r Reflection
		if err := rows.Scan(&session, &r.Key, &r.On, &r.Found, &r.NextTime, &r.By); err != nil {
			return fmt.Errorf("read reflection: %w", err)
		}
		if s := byID[session]; s != nil {
			s.Reflections = append(s.Reflections, r)
		}
	}
	return rows.Err()
}

func insertSession(ctx context.Context, tx *sqlite.Tx, s *Session) error {
	s.Key = tx.NewKey()
	res, err := tx.ExecContext(ctx, `INSERT INTO training_sessions (key, title, on_day, topics, method, content, teacher, departments, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, s.Key, s.Title, s.On, strings.Join(s.Topics, ","), s.Method, s.Content, s.Teacher,
		strings.Join(s.Departments, ","), sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("insert session: %w", err)
	}
	s.ID, err = res.LastInsertId()
	return err
}

func updateSession(ctx context.Context, tx *sqlite.Tx, s *Session) error {
	res, err := tx.ExecContext(ctx, `UPDATE training_sessions SET title = ?, on_day = ?, topics = ?, method = ?, content = ?, teacher = ?,
		version = version + 1 WHERE key = ? AND version = ?`,
		s.Title, s.On, strings.Join(s.Topics, ","), s.Method, s.Content, s.Teacher, s.Key, s.Version)
	if err != nil {
		return fmt.Errorf("update session: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("count changed sessions: %w", err)
	}
	if n == 0 {
		return problem.Conflict("training.changed_meanwhile")
	}
	return nil
}

// insertAttendance notes who took part; a second time changes nothing and counts as not added.
func insertAttendance(ctx context.Context, tx *sqlite.Tx, session int64, a Attendance) (added bool, err error) {
	res, err := tx.ExecContext(ctx, `INSERT INTO training_attendance (session, person, class, on_day, way) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		session, a.Person, a.Class, a.On, a.Way)
	if err != nil {
		return false, fmt.Errorf("insert attendance: %w", err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

func moveAttendance(ctx context.Context, tx *sqlite.Tx, session int64, from, to jdate.Day) error {
	_, err := tx.ExecContext(ctx, `UPDATE training_attendance SET on_day = ? WHERE session = ? AND on_day = ?`, to, session, from)
	if err != nil {
		return fmt.Errorf("move attendance: %w", err)
	}
	return nil
}

func deleteAttendance(ctx context.Context, tx *sqlite.Tx, session int64, person string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM training_attendance WHERE session = ? AND person = ?`, session, person); err != nil {
		return fmt.Errorf("delete attendance: %w", err)
	}
	return nil
}

func insertReflection(ctx context.Context, tx *sqlite.Tx, session int64, r *Reflection) error {
	r.Key = tx.NewKey()
	_, err := tx.ExecContext(ctx, `INSERT INTO training_reflections (key, session, on_day, found, next_time, by_person, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?)`, r.Key, session, r.On, r.Found, r.NextTime, r.By, sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("insert reflection: %w", err)
	}
	return nil
}
