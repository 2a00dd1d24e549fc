package factor_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/secret"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/account/factor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// The test vectors of RFC 6238, appendix B (SHA-1), shortened to six digits.
func TestCodesOfTheStandard(t *testing.T) {
	t.Parallel()
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := factor.CodeAt([]byte("12345678901234567890"), factor.StepOf(time.Unix(at, 0))); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

func TestURI(t *testing.T) {
	t.Parallel()
	seed := []byte("12345678901234567890")
	u, err := url.Parse(factor.URI(seed, "Kizuki", "sato+1@midori.example"))
	if err != nil {
		t.Fatal(err)
	}
	plain := base32.StdEncoding.EncodeToString(seed)
	if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Kizuki:sato+1@midori.example" || u.Query().Get("secret") != plain || u.Query().Get("issuer") != "Kizuki" {
		t.Errorf("the address is %s", u)
	}
	if got := strings.ReplaceAll(factor.Text(seed), " ", ""); got != plain {
		t.Errorf("the text is %s, want %s", got, plain)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]struct {
		kind factor.Kind
		code string
	}{
		"123456": {factor.App, "123456"}, " 123 456 ": {factor.App, "123456"}, "１２３４５６": {factor.App, "123456"}, "123-456": {factor.App, "123456"},
		"abcd-efgh-ijkm-npqr": {factor.Recovery, "abcdefghijkmnpqr"}, "ABCD EFGH IJKM NPQR": {factor.Recovery, "abcdefghijkmnpqr"},
		"ａｂｃｄーｅｆｇｈーｉｊｋｍーｎｐｑｒ": {factor.Recovery, "abcdefghijkmnpqr"},
		"": {}, "12345": {}, "1234567": {}, "12345a": {}, "abcd-efgh-ijkm-npq1": {}, "٣٤٥٦٧٨": {}, strings.Repeat("1", 300): {},
	} {
		if kind, code := factor.Read(typed); kind != want.kind || code != want.code {
			t.Errorf("%q: %v %q, want %v %q", typed, kind, code, want.kind, want.code)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{"123456", "１２３ ４５６", "abcd-efgh-ijkm-npqr", "\xff\xfe", "ーーーー"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		kind, code := factor.Read(typed)
		if kind == factor.Neither {
			return
		}
		if again, same := factor.Read(code); again != kind || same != code {
			t.Errorf("%q reads as %v %q, and that as %v %q", typed, kind, code, again, same)
		}
	})
}

// book is a database with one account.
type book struct {
	clock *sqlitetest.Clock
	db    *sqlite.DB
	box   *secret.Box
	owner factor.Owner
}

func open(t *testing.T) *book {
	t.Helper()
	b := &book{clock: sqlitetest.NewClock("2026-11-23"), owner: factor.Owner{ID: 1, Key: "KEY"}}
	b.db = sqlitetest.Open(t, b.clock, audit.Migrations(), link.Migrations(), account.Migrations())
	var err error
	if b.box, err = secret.Open(t.TempDir(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	b.write(t, func(ctx context.Context, tx *sqlite.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO account_accounts (id, key, login, name, created_at, version) VALUES (1, 'KEY', 'sato', '佐藤', 1, 1)`)
		return err
	})
	return b
}

func (b *book) write(t *testing.T, act func(context.Context, *sqlite.Tx) error) {
	t.Helper()
	if err := b.db.Write(t.Context(), func(tx *sqlite.Tx) error { return act(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

// enrol sets an app up and gives its seed.
func (b *book) enrol(t *testing.T) (seed []byte) {
	t.Helper()
	b.write(t, func(ctx context.Context, tx *sqlite.Tx) (err error) {
		if err := factor.Offer(ctx, tx, b.box, rand.Reader, b.owner); err != nil {
			return err
		}
		if seed, err = factor.Offered(ctx, tx, b.box, b.owner); err != nil {
			return err
		}
		ok, err := factor.Confirm(ctx, tx, b.box, b.owner, factor.CodeAt(seed, factor.StepOf(tx.Now)))
		if err == nil && !ok {
			t.Error("the first code is wrong")
		}
		return err
	})
	return seed
}

func (b *book) use(t *testing.T, code string) (ok bool) {
	t.Helper()
	b.write(t, func(ctx context.Context, tx *sqlite.Tx) (err error) {
		ok, err = factor.UseApp(ctx, tx, b.box, b.owner, code)
		return err
	})
	return ok
}

func TestEachCodeOnce(t *testing.T) {
	t.Parallel()
	b := open(t)
	seed := b.enrol(t)
	now := func() int64 { return factor.StepOf(b.clock.Now()) }
	if b.use(t, factor.CodeAt(seed, now())) {
		t.Error("the code of the set-up opened once more")
	}
	b.clock.Advance(time.Minute)
	if !b.use(t, factor.CodeAt(seed, now()+1)) { // the phone's clock is ahead
		t.Error("a code one step ahead is refused")
	}
	for step := now() - 1; step <= now()+1; step++ {
		if b.use(t, factor.CodeAt(seed, step)) {
			t.Errorf("step %d passed after step %d", step, now()+1)
		}
	}
	b.clock.Advance(90 * time.Second)
	if !b.use(t, factor.CodeAt(seed, now()-1)) { // the phone's clock is behind
		t.Error("a code one step behind is refused")
	}
	for off, want := range map[int64]bool{-2: false, 2: false} {
		if got := b.use(t, factor.CodeAt(seed, now()+off)); got != want {
			t.Errorf("%d steps off: %v, want %v", off, got, want)
		}
	}
	// A clock set back lets no used code pass again, nor an older one.
	used := now()
	if !b.use(t, factor.CodeAt(seed, used)) {
		t.Fatal("the code of now is refused")
	}
	b.clock.Advance(-10 * time.Minute)
	for step := used - 22; step <= used; step++ {
		if b.use(t, factor.CodeAt(seed, step)) {
			t.Errorf("with the clock set back, step %d passed after step %d", step, used)
		}
	}
}

func TestSeedIsSealed(t *testing.T) {
	t.Parallel()
	b := open(t)
	seed := b.enrol(t)
	var stored string
	b.write(t, func(ctx context.Context, tx *sqlite.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT secret FROM account_totp`).Scan(&stored)
	})
	if strings.Contains(stored, string(seed)) || strings.Contains(stored, base32.StdEncoding.EncodeToString(seed)) || !strings.HasPrefix(stored, "v1:") {
		t.Errorf("the seed is stored as %q", stored)
	}
	other, err := secret.Open(t.TempDir(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	err = b.db.Write(t.Context(), func(tx *sqlite.Tx) error {
		_, err := factor.UseApp(t.Context(), tx, other, b.owner, "123456")
		return err
	})
	if problem.CodeOf(err) != problem.CodeUnavailable {
		t.Errorf("with another key: %v", err)
	}
}

func TestRecoveryCodes(t *testing.T) {
	t.Parallel()
	b := open(t)
	var first, second []string
	renew := func() (codes []string) {
		b.write(t, func(ctx context.Context, tx *sqlite.Tx) (err error) {
			codes, err = factor.RenewCodes(ctx, tx, b.box, rand.Reader, b.owner)
			return err
		})
		return codes
	}
	use := func(typed string) (ok bool) {
		kind, code := factor.Read(typed)
		if kind != factor.Recovery {
			t.Fatalf("%q is no recovery code", typed)
		}
		b.write(t, func(ctx context.Context, tx *sqlite.Tx) (err error) {
			ok, err = factor.UseRecovery(ctx, tx, b.box, b.owner, code)
			return err
		})
		return ok
	}
	first = renew()
	if len(first) != 10 {
		t.Fatalf("%d codes", len(first))
	}
	if !use(first[3]) || use(first[3]) || !use(strings.ToUpper(first[4])) {
		t.Error("a code opens once, in any case")
	}
	second = renew()
	if use(first[5]) || !use(second[0]) {
		t.Error("new codes take the place of the old ones")
	}
	b.write(t, func(ctx context.Context, tx *sqlite.Tx) error {
		have, err := factor.Of(ctx, tx, b.owner.ID)
		if have.Codes != 9 || have.Any() {
			t.Errorf("left: %+v", have)
		}
		return err
	})
}

// TestStoredCodesCannotBeSearched: what is stored of a code is made with the key of the data folder; codes of before
// that, stored as a plain hash, still open once.
func TestStoredCodesCannotBeSearched(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.write(t, func(ctx context.Context, tx *sqlite.Tx) error {
		codes, err := factor.RenewCodes(ctx, tx, b.box, rand.Reader, b.owner)
		if err != nil {
			return err
		}
		_, code := factor.Read(codes[0])
		plain := sha256.Sum256([]byte("account.recovery/KEY/" + code))
		bare := sha256.Sum256([]byte(code))
		for _, sum := range [][32]byte{plain, bare} {
			var n int
			if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM account_recovery WHERE hash = ?`, hex.EncodeToString(sum[:])).Scan(&n); err != nil || n != 0 {
				t.Errorf("%d stored codes can be found without the key (%v)", n, err)
			}
		}
		other, err := secret.Open(t.TempDir(), rand.Reader)
		if err != nil {
			return err
		}
		if ok, err := factor.UseRecovery(ctx, tx, other, b.owner, code); ok || err != nil {
			t.Errorf("with another key: %t, %v", ok, err)
		}
		old := sha256.Sum256([]byte("account.recovery/KEY/abcdefghijkmnpqr"))
		if _, err := tx.ExecContext(ctx, `INSERT INTO account_recovery (account, hash) VALUES (1, ?)`, hex.EncodeToString(old[:])); err != nil {
			return err
		}
		for _, want := range []bool{true, false} {
			if ok, err := factor.UseRecovery(ctx, tx, b.box, b.owner, "abcdefghijkmnpqr"); ok != want || err != nil {
				t.Errorf("a code of before: %t, %v, want %t", ok, err, want)
			}
		}
		// A mark of today is no hash of before: a row counts in the way it is stored alone.
		if _, err := tx.ExecContext(ctx, `UPDATE account_recovery SET keyed = 0`); err != nil {
			return err
		}
		if ok, err := factor.UseRecovery(ctx, tx, b.box, b.owner, code); ok || err != nil {
			t.Errorf("a mark taken for a plain hash: %t, %v", ok, err)
		}
		return nil
	})
}

func TestWaitingEnds(t *testing.T) {
	t.Parallel()
	b := open(t)
	wait := func() (token string) {
		b.write(t, func(ctx context.Context, tx *sqlite.Tx) (err error) {
			token, err = factor.Wait(ctx, tx, b.owner.ID)
			return err
		})
		return token
	}
	state := func(token string) (err error) {
		_ = b.db.Read(t.Context(), func(tx *sqlite.Tx) error {
			_, err = factor.WaitingBy(t.Context(), tx, token)
			return nil
		})
		return err
	}
	token := wait()
	b.clock.Advance(factor.WaitLife - time.Second)
	if err := state(token); err != nil {
		t.Errorf("just before the end: %v", err)
	}
	b.clock.Advance(time.Second)
	if problem.CodeOf(state(token)) != problem.CodeUnauthenticated {
		t.Error("it waits for ever")
	}
	token = wait()
	b.clock.Advance(-time.Hour)
	if problem.CodeOf(state(token)) != problem.CodeUnauthenticated {
		t.Error("with the clock set back it waits longer")
	}
	if problem.CodeOf(state("made up")) != problem.CodeUnauthenticated {
		t.Error("a made-up token waits")
	}
}
