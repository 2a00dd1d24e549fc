package home_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/office/home"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/register/people/peopletest"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// source gives fixed duties.
type source struct {
	duties []due.Duty
	err    error
}

func (s source) Duties(context.Context, *sqlite.Tx, jdate.Day) ([]due.Duty, error) {
	return s.duties, s.err
}

func duty(key, person, needs string, on jdate.Day) due.Duty {
	return due.Duty{Key: key, Text: "x.duty", Args: problem.Args{"title": key}, Why: "x.why", Link: "/" + key, On: on, Person: person, Needs: needs}
}

func keys(duties []due.Duty) (out []string) {
	for _, d := range duties {
		out = append(out, d.Key)
	}
	return out
}

func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	o := peopletest.Open(t, "2026-11-23")
	svc := home.New(
		o.DB,
		source{duties: []due.Duty{duty("of-the-register", "", "x.edit", 0), duty("of-nobody", "", "", 0)}},
		source{duties: []due.Duty{duty("of-p1", "p1", "", 0), duty("of-p2-chased-by-keeper", "p2", "x.edit", 0)}},
	)
	tests := []struct {
		name string
		ctx  context.Context //nolint:containedctx // who asks
		want []string
	}{
		{"nobody", t.Context(), nil},
		{"who keeps the register", o.As("p9", "x.edit"), []string{"of-p2-chased-by-keeper", "of-the-register"}},
		{"the person", o.As("p1"), []string{"of-p1"}},
		{"another person", o.As("p3", "x.read"), nil},
		{"an account without a person", o.As(""), nil},
		{"the person by a link", actor.With(t.Context(), actor.Actor{Person: "p2", Via: "link"}), []string{"of-p2-chased-by-keeper"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, today, err := svc.Today(tc.ctx)
			if err != nil || today != o.Today() {
				t.Errorf("today %v, %v", today, err)
			}
			if diff := cmp.Diff(tc.want, keys(got)); diff != "" {
				t.Errorf("duties (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	o := peopletest.Open(t, "2026-11-23")
	svc := home.New(o.DB, source{duties: []due.Duty{
		duty("undated", "p1", "", 0), duty("later", "p1", "", o.Day("2027-01-01")), duty("b-same-day", "p1", "", o.Day("2026-11-24")),
		duty("overdue", "p1", "", o.Day("2026-11-01")), duty("a-same-day", "p1", "", o.Day("2026-11-24")),
	}})
	got, _, err := svc.Today(o.As("p1"))
	o.Must(err)
	if diff := cmp.Diff([]string{"overdue", "a-same-day", "b-same-day", "later", "undated"}, keys(got)); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestASourceThatFailsIsTold(t *testing.T) {
	t.Parallel()
	o := peopletest.Open(t, "2026-11-23")
	broken := errors.New("broken")
	if _, _, err := home.New(o.DB, source{err: broken}).Today(o.As("p1")); !errors.Is(err, broken) || !strings.Contains(err.Error(), "home_test.source") {
		t.Errorf("error %v", err)
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	o := peopletest.Open(t, "2026-11-23")
	texts := fstest.MapFS{
		"messages.ja.json": {Data: []byte(`{"x.duty": "「{title}」をする", "x.why": "{title}のため"}`)},
		"messages.en.json": {Data: []byte(`{"x.duty": "Do “{title}”", "x.why": "For {title}"}`)},
	}
	rt, _ := o.Router(home.Messages(), texts)
	home.NewWeb(home.New(o.DB, source{duties: []due.Duty{
		duty("<overdue>", "p1", "", o.Day("2026-11-20")), duty("today", "p1", "", o.Today()), duty("soon", "p1", "", o.Day("2026-12-07")),
		duty("later", "p1", "", o.Day("2026-12-08")), duty("undated", "p1", "", 0),
	}}), rt.Shell()).Routes(rt)
	want := map[string][]string{
		"ja": {"「&lt;overdue&gt;」をする", "期限を3日過ぎています", "今日まで", "あと14日（12/7 月）", "あと15日（12/8 火）", "期限なし", "（1件）", "（3件）"},
		"en": {"Do “&lt;overdue&gt;”", "Mon 7 Dec"},
	}
	for _, b := range peopletest.Browsers(o.As("p1"), t, rt) {
		page := b.Get("/today", 200)
		for _, part := range want[b.Locale] {
			if !strings.Contains(page, part) {
				t.Errorf("no %q on the page in %s", part, b.Locale)
			}
		}
	}
	for _, b := range peopletest.Browsers(o.As("p2"), t, rt) {
		if page := b.Get("/today", 200); !strings.Contains(page, `class="empty"`) {
			t.Error("somebody with nothing to do is not told so")
		}
	}
	for _, b := range peopletest.Browsers(t.Context(), t, rt) {
		b.Post("/today", nil, 405)
	}
}
