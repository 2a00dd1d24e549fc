package factor

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Of tells what an account has beside its password.
func Of(ctx context.Context, tx *sqlite.Tx, account int64) (State, error) {
	var s State
	var since int64
	err := tx.QueryRowContext(ctx, `SELECT
		coalesce((SELECT created_at FROM account_totp WHERE account = ?1 AND confirmed = 1), 0),
		(SELECT count(*) FROM account_passkeys WHERE account = ?1),
		(SELECT count(*) FROM account_recovery WHERE account = ?1 AND used_at = 0)`, account).Scan(&since, &s.Passkeys, &s.Codes)
	if err != nil {
		return State{}, fmt.Errorf("read factors: %w", err)
	}
	s.AppSince = sqlite.FromMillis(since)
	return s, nil
}

// setupLife is how long a seed may wait for its first code.
const setupLife = 30 * time.Minute

// Offer draws a seed and keeps it until its first code confirms it; an earlier offer is forgotten.
func Offer(ctx context.Context, tx *sqlite.Tx, box Box, rand io.Reader, o Owner) error {
	seed, err := NewSeed(rand)
	if err != nil {
		return err
	}
	sealed, err := box.Seal(seed, o.context())
	if err != nil {
		return fmt.Errorf("seal the seed: %w", err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO account_totp (account, confirmed, secret, created_at) VALUES (?, 0, ?, ?)
		ON CONFLICT (account, confirmed) DO UPDATE SET secret = excluded.secret, created_at = excluded.created_at, last_step = 0`,
		o.ID, sealed, sqlite.Millis(tx.Now))
	if err != nil {
		return fmt.Errorf("offer a seed: %w", err)
	}
	return nil
}

// Offered gives the seed that waits for its first code; problem code not_found.
func Offered(ctx context.Context, tx *sqlite.Tx, box Box, o Owner) ([]byte, error) {
	seed, _, made, err := seedOf(ctx, tx, box, o, 0)
	if err == nil && !setupOpen(made, tx.Now) {
		err = problem.NotFound("signin.app.none_offered")
	}
	return seed, err
}

func setupOpen(made, now time.Time) bool {
	age := now.Sub(made)
	return age > -setupLife && age < setupLife // a clock set back far ends it too
}

func seedOf(ctx context.Context, tx *sqlite.Tx, box Box, o Owner, confirmed int) (seed []byte, last int64, made time.Time, err error) {
	var sealed string
	var created int64
	err = tx.QueryRowContext(ctx, `SELECT secret, last_step, created_at FROM account_totp WHERE account = ? AND confirmed = ?`, o.ID, confirmed).
		Scan(&sealed, &last, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, 0, time.Time{}, problem.NotFound("signin.app.none_offered")
	}
	if err != nil {
		return nil, 0, time.Time{}, fmt.Errorf("read the seed: %w", err)
	}
	if seed, err = box.Open(sealed, o.context()); err != nil {
		return nil, 0, time.Time{}, problem.Unavailable("signin.app.unreadable").Because(err)
	}
	return seed, last, sqlite.FromMillis(created), nil
}

// Confirm makes the offered seed count, in place of an earlier one, when the code is right.
func Confirm(ctx context.Context, tx *sqlite.Tx, box Box, o Owner, code string) (ok bool, err error) {
	seed, err := Offered(ctx, tx, box, o)
	if err != nil {
		return false, err
	}
	step, ok := match(seed, code, tx.Now, 0)
	if !ok {
		return false, nil
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM account_totp WHERE account = ? AND confirmed = 1`, o.ID); err != nil {
		return false, fmt.Errorf("replace the seed: %w", err)
	}
	_, err = tx.ExecContext(ctx, `UPDATE account_totp SET confirmed = 1, created_at = ?, last_step = ? WHERE account = ? AND confirmed = 0`,
		sqlite.Millis(tx.Now), step, o.ID)
	if err != nil {
		return false, fmt.Errorf("confirm the seed: %w", err)
	}
	return true, nil
}

// UseApp says whether the code of the authenticator app is right and new, and uses its time step up.
func UseApp(ctx context.Context, tx *sqlite.Tx, box Box, o Owner, code string) (ok bool, err error) {
	seed, last, _, err := seedOf(ctx, tx, box, o, 1)
	if problem.CodeOf(err) == problem.CodeNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	step, ok := match(seed, code, tx.Now, last)
	if !ok {
		return false, nil
	}
	if _, err := tx.ExecContext(ctx, `UPDATE account_totp SET last_step = ? WHERE account = ? AND confirmed = 1`, step, o.ID); err != nil {
		return false, fmt.Errorf("note the code: %w", err)
	}
	return true, nil
}

// RemoveApp forgets the authenticator app of an account, offered or counting.
func RemoveApp(ctx context.Context, tx *sqlite.Tx, account int64) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM account_totp WHERE account = ?`, account); err != nil {
		return fmt.Errorf("remove the seed: %w", err)
	}
	return nil
}

// RenewCodes gives ten new recovery codes as they are written on paper, this once; the old ones no longer open.
func RenewCodes(ctx context.Context, tx *sqlite.Tx, box Box, rand io.Reader, o Owner) ([]string, error) {
	fresh, err := newCodes(rand)
	if err != nil {
		return nil, err
	}
	if err := RemoveCodes(ctx, tx, o.ID); err != nil {
		return nil, err
	}
	for i, code := range fresh {
		mark, err := markOf(box, o, code)
		if err != nil {
			return nil, err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO account_recovery (account, hash, keyed) VALUES (?, ?, 1)`, o.ID, mark); err != nil {
			return nil, fmt.Errorf("store a recovery code: %w", err)
		}
		fresh[i] = shown(code)
	}
	return fresh, nil
}

// RemoveCodes forgets the recovery codes of an account.
func RemoveCodes(ctx context.Context, tx *sqlite.Tx, account int64) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM account_recovery WHERE account = ?`, account); err != nil {
		return fmt.Errorf("remove recovery codes: %w", err)
	}
	return nil
}

// UseRecovery says whether a recovery code opens, and uses it up.
func UseRecovery(ctx context.Context, tx *sqlite.Tx, box Box, o Owner, code string) (ok bool, err error) {
	mark, err := markOf(box, o, code)
	if err != nil {
		return false, err
	}
	res, err := tx.ExecContext(ctx, `UPDATE account_recovery SET used_at = ? WHERE account = ? AND used_at = 0 AND (keyed = 1 AND hash = ? OR keyed = 0 AND hash = ?)`,
		max(1, sqlite.Millis(tx.Now)), o.ID, mark, plainHash(o, code))
	if err != nil {
		return false, fmt.Errorf("use a recovery code: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("count used recovery codes: %w", err)
	}
	return n == 1, nil
}
