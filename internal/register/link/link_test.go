package link_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"rsc.io/qr"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

type office struct {
	db    *sqlite.DB
	clock *sqlitetest.Clock
	ctx   context.Context
}

func open(t *testing.T) office {
	t.Helper()
	clock := sqlitetest.NewClock("2026-11-23")
	db := sqlitetest.Open(t, clock, audit.Migrations(), link.Migrations())
	return office{db, clock, actor.With(t.Context(), actor.Actor{Account: "sato", Via: "session"})}
}

func (o office) create(t *testing.T, n link.New) (string, link.Link) {
	t.Helper()
	var token string
	var l link.Link
	err := o.db.Write(o.ctx, func(tx *sqlite.Tx) (err error) {
		token, l, err = link.Create(o.ctx, tx, n)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return token, l
}

func (o office) write(fn func(tx *sqlite.Tx) error) error { return o.db.Write(o.ctx, fn) }

func (o office) resolve(token, purpose string) (l link.Link, err error) {
	err = o.db.Read(o.ctx, func(tx *sqlite.Tx) (err error) {
		l, err = link.Resolve(o.ctx, tx, token, purpose)
		return err
	})
	return l, err
}

// key is the message key of the problem, "" for none.
func key(err error) string {
	if all := problem.All(err); len(all) > 0 {
		return all[0].Key
	}
	return ""
}

func TestLinkOpensForItsPurposeUntilItEnds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		act     func(t *testing.T, o office, l link.Link)
		token   func(string) string
		purpose string
		want    string
	}{
		{"opens", nil, nil, "password", ""},
		{"opens in its last moment", func(_ *testing.T, o office, _ link.Link) { o.clock.Advance(24*time.Hour - time.Millisecond) }, nil, "password", ""},
		{"expired", func(_ *testing.T, o office, _ link.Link) { o.clock.Advance(24 * time.Hour) }, nil, "password", "link.expired"},
		{"another purpose", nil, nil, "lesson", "link.unknown"},
		{"another token", nil, func(s string) string { return s[:len(s)-2] + "AA" }, "password", "link.unknown"},
		{"no token", nil, func(string) string { return "" }, "password", "link.unknown"},
		{"revoked", func(t *testing.T, o office, l link.Link) {
			t.Helper()
			if err := o.write(func(tx *sqlite.Tx) error { return link.Revoke(o.ctx, tx, l.Key) }); err != nil {
				t.Fatal(err)
			}
		}, nil, "password", "link.revoked"},
		{"used", func(t *testing.T, o office, l link.Link) {
			t.Helper()
			if err := o.write(func(tx *sqlite.Tx) error { return link.Use(o.ctx, tx, l) }); err != nil {
				t.Fatal(err)
			}
		}, nil, "password", "link.used"},
	}
	m, err := i18n.New(web.Messages(), link.Messages())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			token, made := o.create(t, link.New{Purpose: "password", Subject: "account/A", Person: "P", Days: 1})
			if tt.act != nil {
				tt.act(t, o, made)
			}
			if tt.token != nil {
				token = tt.token(token)
			}
			got, err := o.resolve(token, tt.purpose)
			if key(err) != tt.want {
				t.Fatalf("error is %v, want %q", err, tt.want)
			}
			if tt.want == "" {
				if diff := cmp.Diff(made, got); diff != "" {
					t.Errorf("link (-made +resolved):\n%s", diff)
				}
				return
			}
			if problem.CodeOf(err) != problem.CodeUnauthenticated {
				t.Errorf("code is %s", problem.CodeOf(err))
			}
			for _, locale := range i18n.Locales {
				if said := m.Problem(locale, err); strings.ContainsAny(said, "[{") {
					t.Errorf("in %s it says %q", locale, said)
				}
			}
		})
	}
}

func TestUsedOnce(t *testing.T) {
	t.Parallel()
	o := open(t)
	token, _ := o.create(t, link.New{Purpose: "password", Subject: "account/A", Days: 1})
	l, err := o.resolve(token, "password") // both acts saw it open
	if err != nil {
		t.Fatal(err)
	}
	use := func(tx *sqlite.Tx) error { return link.Use(o.ctx, tx, l) }
	if err := o.write(use); err != nil {
		t.Fatal(err)
	}
	if err := o.write(use); key(err) != "link.used" {
		t.Errorf("the second act gives %v", err)
	}
}

func TestRevokeAll(t *testing.T) {
	t.Parallel()
	o := open(t)
	first, _ := o.create(t, link.New{Purpose: "password", Subject: "account/A", Days: 1})
	second, _ := o.create(t, link.New{Purpose: "password", Subject: "account/A", Days: 1})
	other, _ := o.create(t, link.New{Purpose: "lesson", Subject: "account/A", Days: 1})
	stranger, _ := o.create(t, link.New{Purpose: "password", Subject: "account/B", Days: 1})
	if err := o.write(func(tx *sqlite.Tx) error { return link.RevokeAll(o.ctx, tx, "password", "account/A") }); err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{first, second} {
		if _, err := o.resolve(token, "password"); key(err) != "link.revoked" {
			t.Errorf("revoked link gives %v", err)
		}
	}
	if _, err := o.resolve(other, "lesson"); err != nil {
		t.Errorf("link of another purpose: %v", err)
	}
	if _, err := o.resolve(stranger, "password"); err != nil {
		t.Errorf("link about another subject: %v", err)
	}
	err := o.db.Read(o.ctx, func(tx *sqlite.Tx) error {
		of, err := link.Of(o.ctx, tx, "account/A")
		if len(of) != 3 || of[0].Purpose != "lesson" {
			t.Errorf("links of A are %v, want 3, newest first", of)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.write(func(tx *sqlite.Tx) error { return link.Revoke(o.ctx, tx, "nothing") }); problem.CodeOf(err) != problem.CodeNotFound {
		t.Errorf("unknown key gives %v", err)
	}
}

func TestMistakesOfOurs(t *testing.T) {
	t.Parallel()
	o := open(t)
	for name, n := range map[string]link.New{
		"no purpose": {Subject: "a/A", Days: 1},
		"no subject": {Purpose: "p", Days: 1},
		"no end":     {Purpose: "p", Subject: "a/A"},
		"for years":  {Purpose: "p", Subject: "a/A", Days: link.MaxDays + 1},
	} {
		err := o.write(func(tx *sqlite.Tx) error { _, _, err := link.Create(o.ctx, tx, n); return err })
		if problem.CodeOf(err) != problem.CodeInternal {
			t.Errorf("%s gives %v", name, err)
		}
	}
}

func TestTokenIsNowhereOnDisk(t *testing.T) {
	t.Parallel()
	o := open(t)
	seen := map[string]bool{}
	for range 20 {
		token, _ := o.create(t, link.New{Purpose: "password", Subject: "account/A", Days: 1})
		if len(token) != 43 || seen[token] {
			t.Fatalf("token %q: want 256 new bits", token)
		}
		seen[token] = true
	}
	for _, path := range []string{o.db.Path(), o.db.Path() + "-wal"} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for token := range seen {
			if bytes.Contains(data, []byte(token)) {
				t.Errorf("%s holds a token", path)
			}
		}
	}
}

func TestActor(t *testing.T) {
	t.Parallel()
	who := link.Link{Person: "P"}.Actor("lesson.attend")
	if who.ID() != "person/P" || !who.May("lesson.attend") || who.May("lesson.edit") {
		t.Errorf("actor is %+v", who)
	}
}

var step = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-\d+z`)

func TestQR(t *testing.T) {
	t.Parallel()
	url := "https://kizuki.example.co.jp" + link.Path("password", strings.Repeat("A", 43))
	svg, err := link.QR(url)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(svg), "style") {
		t.Error("the content security policy forbids style attributes")
	}
	dec := xml.NewDecoder(strings.NewReader(string(svg)))
	for {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	// The drawn modules are those of the code, inside a border of four.
	code, err := qr.Encode(url, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	drawn := map[string]bool{}
	for _, m := range step.FindAllStringSubmatch(string(svg), -1) {
		x, _ := strconv.Atoi(m[1])
		n, _ := strconv.Atoi(m[3])
		for i := range n {
			drawn[fmt.Sprint(x+i, " ", m[2])] = true
		}
	}
	for y := -4; y < code.Size+4; y++ {
		for x := -4; x < code.Size+4; x++ {
			if got, want := drawn[fmt.Sprint(x+4, " ", y+4)], code.Black(x, y); got != want {
				t.Fatalf("module %d,%d is %t, want %t", x, y, got, want)
			}
		}
	}
}
