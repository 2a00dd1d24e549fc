package app_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// post sends a form.
func post(form url.Values) func(*http.Request) {
	return func(r *http.Request) {
		r.Body = io.NopCloser(strings.NewReader(form.Encode()))
		r.ContentLength = -1
	}
}

// logical is a hash over all rows of all tables, or of those whose names begin so.
func logical(t *testing.T, a *app.App, of ...string) string {
	t.Helper()
	h := sha256.New()
	err := a.DB.Read(t.Context(), func(tx *sqlite.Tx) error {
		names, err := column(tx, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`)
		for _, name := range names {
			if len(of) > 0 && !slices.ContainsFunc(of, func(begin string) bool { return strings.HasPrefix(name, begin) }) {
				continue
			}
			var rows []string
			if rows, err = column(tx, `SELECT json_array(`+columnsOf(t, tx, name)+`) FROM `+name+` ORDER BY 1`); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			fmt.Fprintln(h, name, rows)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func columnsOf(t *testing.T, tx *sqlite.Tx, table string) string {
	t.Helper()
	names, err := column(tx, `SELECT 'quote(' || name || ')' FROM pragma_table_info('`+table+`')`)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, ", ")
}

func column(tx *sqlite.Tx, query string) (out []string, err error) {
	rows, err := tx.QueryContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, rows.Err()
}

// TestLowDisk: below the floor every act is refused with what to do, every page reads and says so, people can
// still sign in, and it all comes back by itself.
func TestLowDisk(t *testing.T) {
	t.Parallel()
	var free atomic.Uint64
	free.Store(1 << 30)
	cfg := app.Config{Dir: demoFolder(t), Now: fixed(), Log: app.DiscardLog(), MinFree: 200 << 20, FreeSpace: func(string) (uint64, error) { return free.Load(), nil }}
	a, err := app.OpenDemo(t.Context(), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	h := a.Router().Handler()
	cookie := signIn(t, a, app.DemoLogin, app.DemoPassword)
	person := url.Values{"family_name": {"空き"}, "given_name": {"確認"}, "class": {"employee"}, "mail": {"unknown"}, "internet": {"unknown"}, "joined_on": {"2026-11-01"}, "joined": {"2026-11-01"}}

	free.Store(50 << 20)
	before := logical(t, a)
	w := ask(t, h, http.MethodPost, "/people/new", cookie, post(person))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "ディスクの空きが50MB") {
		t.Errorf("an act answers %d: %.600s", w.Code, parse(t, w.Body.Bytes()).text)
	}
	for _, page := range []string{"/today", "/gaps", "/people", "/policy", "/sheet/jama-japia@2.3", "/login"} {
		w := ask(t, h, http.MethodGet, page, cookie)
		if w.Code != http.StatusOK && w.Code != http.StatusSeeOther {
			t.Errorf("%s answers %d", page, w.Code)
		}
		if w.Code == http.StatusOK && !strings.Contains(w.Body.String(), "書き込みを止めています") {
			t.Errorf("%s does not say that nothing is written", page)
		}
	}
	if err := a.SetPassword(app.AsCommand(t.Context()), app.DemoLogin, "botan-no-hana-2028"); problem.CodeOf(err) != problem.CodeUnavailable {
		t.Errorf("a command says %v", err)
	}
	if got := logical(t, a); got != before {
		t.Error("something was written")
	}
	if w := ask(t, h, http.MethodGet, "/healthz", nil); w.Code != http.StatusServiceUnavailable || w.Body.String() != "low disk\n" {
		t.Errorf("healthz answers %d %q", w.Code, w.Body)
	}
	if w := ask(t, h, http.MethodPost, "/login", nil, post(url.Values{"login": {"shacho"}, "password": {app.DemoPassword}})); w.Code != http.StatusSeeOther {
		t.Errorf("sign-in answers %d", w.Code)
	}

	free.Store(1 << 30)
	if w := ask(t, h, http.MethodPost, "/people/new", cookie, post(person)); w.Code != http.StatusSeeOther {
		t.Errorf("with room again an act answers %d: %.600s", w.Code, parse(t, w.Body.Bytes()).text)
	}
	if w := ask(t, h, http.MethodGet, "/today", cookie); strings.Contains(w.Body.String(), "書き込みを止めています") {
		t.Error("the notice stays")
	}
	if w := ask(t, h, http.MethodGet, "/healthz", nil); w.Code != http.StatusOK {
		t.Errorf("healthz answers %d", w.Code)
	}
}

// TestStartWithoutRoom: an office on a nearly full disk opens for reading.
func TestStartWithoutRoom(t *testing.T) {
	t.Parallel()
	cfg := app.Config{Dir: demoFolder(t), Now: fixed(), Log: app.DiscardLog(), MinFree: 200 << 20, FreeSpace: func(string) (uint64, error) { return 1, nil }}
	a, err := app.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	if _, err := a.Gaps(app.AsCommand(t.Context()), "ja"); err != nil {
		t.Error(err)
	}
}
