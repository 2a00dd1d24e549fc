package journal_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/audit/journal"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func open(t *testing.T) (ctx context.Context, db *sqlite.DB, svc *journal.Service) {
	t.Helper()
	ctx = actor.With(t.Context(), actor.House())
	db = sqlitetest.Open(t, sqlitetest.NewClock("2026-11-23"), audit.Migrations())
	texts, err := i18n.New(journal.Messages())
	if err != nil {
		t.Fatal(err)
	}
	svc = journal.New(db, texts, journal.Config{
		Names: func(context.Context, *sqlite.Tx) (func(string) string, error) {
			return func(by string) string {
				return map[string]string{"account/sato": "佐藤花子", "person/p1": "田中一郎"}[by]
			}, nil
		},
		Objects: func(context.Context, *sqlite.Tx) (func(string) journal.Object, error) {
			return func(object string) journal.Object {
				if object == "people/p1" {
					return journal.Object{Label: "田中一郎", Path: "/people/p1"}
				}
				return journal.Object{}
			}, nil
		},
	})
	who := actor.With(t.Context(), actor.New(actor.Actor{Account: "sato", Via: "session"}, nil))
	gone := actor.With(t.Context(), actor.New(actor.Actor{Person: "p9", Via: "link"}, nil))
	err = db.Write(ctx, func(tx *sqlite.Tx) error {
		for _, one := range []struct {
			ctx         context.Context
			act, object string
			after       audit.Image
		}{
			{who, "people.added", "people/p1", audit.Image{"family_name": audit.Personal("田中"), "kiosk": true, "class": "employee", "owner": "p1"}},
			{who, "policy.created", "policy/k1", audit.Image{"title": "基本方針", "topics": []string{"mail", "web"}, "note": ""}},
			{gone, "policy.acknowledged", "policy/k1", nil},
			{ctx, "future.act", "future/1", audit.Image{"title": "<script>\n山"}},
		} {
			if err := audit.Record(one.ctx, tx, one.act, one.object, one.after); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ctx, db, svc
}

func written(lines []journal.Line) string {
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "%d %s %s|%s|%s %s %s", l.ID, l.Who, l.How, l.Said, l.Kind, l.Label, l.Path)
		for _, f := range l.Fields {
			fmt.Fprintf(&b, "|%s=%s", f.Name, f.Value)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestLinesAreSentences(t *testing.T) {
	t.Parallel()
	ctx, db, svc := open(t)
	lines, n, err := svc.Lines(ctx, "ja", audit.Filter{})
	if err != nil || n != 4 {
		t.Fatal(n, err)
	}
	const want = `4 きづき（自動） |future.act| <script>
山 |題名=<script>
山
3 消去された人 専用リンクから|文書を読んだことを確認しました|文書  
2 佐藤花子 |文書を作りました|文書 基本方針 |テーマ=mail、web|題名=基本方針
1 佐藤花子 |名簿に人を加えました|人 田中一郎 /people/p1|共用端末だけを使う=はい|区分=employee|姓=田中|責任者=田中一郎
`
	if got := written(lines); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	err = db.Write(ctx, func(tx *sqlite.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM audit_personal`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	lines, n, err = svc.Lines(ctx, "en", audit.Filter{Act: "people.", Actor: "account/sato"})
	if err != nil || n != 1 || len(lines) != 1 {
		t.Fatal(n, err)
	}
	if got := written(lines); !strings.Contains(got, "Family name=Erased") || !strings.Contains(got, "Added a person to the staff list") {
		t.Errorf("after erasure: %s", got)
	}
	nobody := actor.With(t.Context(), actor.New(actor.Actor{Account: "x", Via: "session"}, nil))
	if _, _, err := svc.Lines(nobody, "ja", audit.Filter{}); problem.CodeOf(err) != problem.CodeForbidden {
		t.Errorf("without permission: %v", err)
	}
	if err := svc.Chain(nobody, &bytes.Buffer{}); problem.CodeOf(err) != problem.CodeForbidden {
		t.Errorf("chain without permission: %v", err)
	}
}

// TestChainIsCheckedWithoutKizuki does what docs/verify.md tells an auditor to do.
func TestChainIsCheckedWithoutKizuki(t *testing.T) {
	t.Parallel()
	ctx, _, svc := open(t)
	var buf bytes.Buffer
	if err := svc.Chain(ctx, &buf); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(buf.String(), "田中") {
		t.Error("a personal value is in the export")
	}
	prev, n := "", int64(0)
	for lines := bufio.NewScanner(&buf); lines.Scan(); {
		var r map[string]any
		dec := json.NewDecoder(strings.NewReader(lines.Text()))
		dec.UseNumber()
		if err := dec.Decode(&r); err != nil {
			t.Fatal(err)
		}
		n++
		h := sha256.New()
		for _, part := range []any{prev, r["at"], r["actor"], r["via"], r["request"], r["act"], r["object"], r["after"]} {
			text := fmt.Sprint(part)
			fmt.Fprintf(h, "%d:%s,", len(text), text)
		}
		if r["prev"] != prev || r["hash"] != hex.EncodeToString(h.Sum(nil)) || fmt.Sprint(r["id"]) != strconv.FormatInt(n, 10) {
			t.Fatalf("row %d does not fit: %v", n, r)
		}
		prev = r["hash"].(string)
	}
	if n != 4 {
		t.Errorf("%d rows", n)
	}
	doc, err := os.ReadFile("../../../../docs/verify.md")
	if err != nil || !strings.Contains(string(doc), "prev, at, actor, via, request, act, object, after") {
		t.Errorf("docs/verify.md tells another order (%v)", err)
	}
}
