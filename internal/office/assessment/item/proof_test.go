package item_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/office/assessment/assessmenttest"
	"github.com/kizuki-security/kizuki/internal/office/assessment/item"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// An answer keeps showing the records that stood beside it, whatever the records say later.
func TestHistoryShowsTheRecordsOfThatTime(t *testing.T) {
	t.Parallel()
	o, s := open(t)
	o.MailTraining(t, 3, "2026-06-10")
	it := o.Board(t, jama).Item("28")
	s.Post(t, page, form(it, 0, "", ""), http.StatusSeeOther)
	then := o.Board(t, jama).Item("28").Clauses[0].Answer

	o.MailTraining(t, 3, "2026-09-01") // the record is corrected: its facts are replaced
	history := func() string {
		body := s.Page(t, page, "ja", http.StatusOK)
		_, history, found := strings.Cut(body, "このときの記録")
		if !found {
			t.Fatal("the history does not open the frozen records")
		}
		return history
	}
	if body := history(); !strings.Contains(body, "2026-06-10") || strings.Contains(body, "2026-09-01") {
		t.Errorf("the history shows the records of today: %.600s", body)
	}
	now := o.Board(t, jama).Item("28").Clauses[0].Answer
	if len(then.Facts) == 0 || now.FactsHash != then.FactsHash {
		t.Errorf("the seal changed with the records: %v %q, then %q", then.Facts, now.FactsHash, then.FactsHash)
	}
}

// A 証跡ファイル that runs out is a duty, is marked on the page once it has, and a newer one ends both.
func TestAttachmentsRunOut(t *testing.T) {
	t.Parallel()
	o, s, files := openWithFiles(t)
	add := func(name string, from, to, expires jdate.Day) {
		t.Helper()
		up := attach.Upload{Name: name, Data: []byte("教育の写真の代わり\n"), From: from, To: to, Expires: expires}
		if err := o.Svc.Attach(assessmenttest.Keeper(t), files, jama, "28", up); err != nil {
			t.Fatal(err)
		}
	}
	duties := func() (list []due.Duty) {
		t.Helper()
		ctx := assessmenttest.House(t)
		err := o.DB.Read(ctx, func(tx *sqlite.Tx) (err error) {
			list, err = item.NewDuties(o.Svc, files).Duties(ctx, tx, jdate.Of(tx.Now))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	add("far.txt", 0, 0, jdate.On(2027, 3, 31))
	if got := duties(); len(got) != 0 {
		t.Errorf("asked too early: %+v", got)
	}
	add("soon.txt", jdate.On(2025, 4, 1), jdate.On(2026, 3, 31), jdate.On(2026, 12, 10))
	if got := duties(); len(got) != 1 || got[0].Link != page || got[0].On != jdate.On(2026, 12, 10) {
		t.Errorf("duties: %+v", got)
	}
	o.Clock.SetDay("2026-12-11")
	for locale, want := range map[string][]string{
		"ja": {"2025-04-01〜2026-03-31 の記録", "2026-12-10 まで有効", "有効期限が過ぎています"},
		"en": {"records of 2025-04-01 to 2026-03-31", "counts until 2026-12-10", "Its time is over"},
	} {
		body := s.Page(t, page, locale, http.StatusOK)
		for _, text := range want {
			if !strings.Contains(body, text) {
				t.Errorf("%s: the page lacks %q", locale, text)
			}
		}
	}
	add("newer.txt", 0, 0, jdate.On(2027, 12, 10))
	if got := duties(); len(got) != 0 {
		t.Errorf("asked although a newer file stands there: %+v", got)
	}
}

func TestAttachmentWithATurnedPeriod(t *testing.T) {
	t.Parallel()
	_, s := open(t)
	body := s.Post(t, page+"/attach", url.Values{"file_from": {"2026-05-01"}, "file_to": {"2026-04-01"}}, http.StatusUnprocessableEntity)
	if !strings.Contains(body, `name="file_to"`) || !strings.Contains(body, "aria-invalid") {
		t.Errorf("the turned period is not named at its field")
	}
}
