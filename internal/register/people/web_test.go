package people_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/roster"
)

type viewer struct{ actor.Actor }

func (v viewer) SignedIn() bool      { return v.Via != "" }
func (v viewer) Holds(p string) bool { return v.May(actor.Permission(p)) }

// browser sends requests as the actor of the office.
type browser struct {
	t       *testing.T
	handler http.Handler
	locale  string
}

func (o *office) browser(locale string) *browser {
	o.t.Helper()
	texts, err := i18n.New(web.Messages(), sheet.Messages(), attach.Messages(), org.Messages(), people.Messages(), roster.Messages())
	if err != nil {
		o.t.Fatalf("messages: %v", err)
	}
	who := actor.From(o.ctx)
	rt := web.NewRouter(web.Config{
		Log: slog.New(slog.DiscardHandler), Messages: texts, Now: o.clock.Now,
		Authenticate: func(r *http.Request) (*http.Request, web.Viewer, error) {
			return r.WithContext(actor.With(r.Context(), who)), viewer{who}, nil
		},
	})
	org.NewWeb(o.places, rt.Shell()).Routes(rt)
	people.NewWeb(o.people, rt.Shell()).Routes(rt)
	roster.NewWeb(o.roster, rt.Shell()).Routes(rt)
	return &browser{o.t, rt.Handler(), locale}
}

func (b *browser) send(method, path, kind string, body []byte) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), method, "http://localhost"+path, bytes.NewReader(body))
	r.Header.Set("Accept-Language", b.locale)
	r.Header.Set("Accept", "text/html")
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	rec := httptest.NewRecorder()
	b.handler.ServeHTTP(rec, r)
	return rec
}

var (
	noMessage = regexp.MustCompile(`\[[a-z]+\.[a-zA-Z0-9_.-]+\]`)
	noParam   = regexp.MustCompile(`\{[a-z_]+(\?[^}]*)?\}`)
)

// page gets a page and checks what holds for all of them.
func (b *browser) page(path string, status int) string {
	b.t.Helper()
	rec := b.send(http.MethodGet, path, "", nil)
	b.check(path, rec, status)
	return rec.Body.String()
}

func (b *browser) check(path string, rec *httptest.ResponseRecorder, status int) {
	b.t.Helper()
	body := rec.Body.String()
	if rec.Code != status {
		b.t.Fatalf("%s %s: status %d, want %d\n%s", b.locale, path, rec.Code, status, body)
	}
	if n := strings.Count(body, "<h1"); n != 1 {
		b.t.Errorf("%s %s: %d h1", b.locale, path, n)
	}
	if m := noMessage.FindString(body); m != "" {
		b.t.Errorf("%s %s: no message %s", b.locale, path, m)
	}
	if m := noParam.FindString(body); m != "" {
		b.t.Errorf("%s %s: parameter not filled %s", b.locale, path, m)
	}
	if strings.Contains(body, "style=") || strings.Contains(body, "onclick") {
		b.t.Errorf("%s %s: inline style or script", b.locale, path)
	}
}

// post sends a form and wants a redirect.
func (b *browser) post(path string, form url.Values) string {
	b.t.Helper()
	rec := b.send(http.MethodPost, path, "application/x-www-form-urlencoded", []byte(form.Encode()))
	if rec.Code != http.StatusSeeOther {
		b.t.Fatalf("POST %s: status %d\n%s", path, rec.Code, rec.Body)
	}
	return rec.Header().Get("Location")
}

// refuse sends a form and wants the page again with the status and a text.
func (b *browser) refuse(path string, form url.Values, status int, want string) {
	b.t.Helper()
	rec := b.send(http.MethodPost, path, "application/x-www-form-urlencoded", []byte(form.Encode()))
	b.check(path, rec, status)
	if !strings.Contains(rec.Body.String(), want) {
		b.t.Errorf("POST %s: %q is not on the page\n%s", path, want, rec.Body)
	}
}

func TestPagesInBothLanguages(t *testing.T) {
	t.Parallel()
	for _, locale := range i18n.Locales {
		t.Run(locale, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			b := o.browser(locale)
			for _, path := range []string{"/people", "/people/confirm", "/org", "/org/changes", "/people/new", "/org/departments/new", "/org/sites/new", "/settings/company"} {
				b.page(path, http.StatusOK)
			}
			site, err := o.places.SaveSite(o.ctx, org.Site{Name: "本社", Kana: "ほんしゃ"})
			if err != nil {
				t.Fatal(err)
			}
			sales, plant := o.department("営業部"), o.department("製造部")
			p := o.add(people.Person{EmployeeNo: "1", FamilyName: "佐藤", GivenName: "花子", Department: sales, Site: site, Joined: day(t, "2020-04-01"), Kiosk: true})
			o.add(people.Person{FamilyName: "鈴木", Joined: day(t, "2027-04-01")})
			o.add(people.Person{FamilyName: "高橋", Left: day(t, "2026-01-01")})
			p.Department = plant
			if err := o.people.Save(o.ctx, p, 0); err != nil {
				t.Fatal(err)
			}
			if err := o.people.Exclude(o.ctx, people.Exclusion{Person: p.Key, Reason: "other", Note: "研修", Until: day(t, "2026-12-31")}); err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{
				"/people", "/people?show=all&q=%E3%81%95", "/people?show=left", "/people?show=coming", "/people?show=excluded", "/people?class=officer&mail=unknown",
				"/people?department=none", "/people?select=all", "/people?kana=none&kiosk=yes&internet=no&site=" + site, "/people/" + p.Key, "/people/confirm",
				"/org", "/org?show=no_owner", "/org/departments/" + sales, "/org/sites/" + site,
			} {
				b.page(path, http.StatusOK)
			}
			b.page("/people/nobody", http.StatusNotFound)
			b.page("/org/departments/nowhere", http.StatusNotFound)
			b.page("/org/sites/nowhere", http.StatusNotFound)
			for _, e := range []string{"/people/export?show=all&", "/org/export?"} {
				for _, format := range []string{"xlsx", "csv", "cp932", "json"} {
					if rec := b.send(http.MethodGet, e+"format="+format, "", nil); rec.Code != http.StatusOK || rec.Body.Len() == 0 {
						t.Errorf("%s%s: status %d", e, format, rec.Code)
					}
				}
				b.page(e+"format=doc", http.StatusUnsupportedMediaType)
			}
		})
	}
}

func TestFormsOfPeople(t *testing.T) {
	t.Parallel()
	o := open(t)
	b := o.browser("ja")
	b.refuse("/people/new", url.Values{"class": {"employee"}, "mail": {"yes"}, "internet": {"no"}, "joined": {"いつか"}, "email": {"x"}}, http.StatusUnprocessableEntity, "日付として読めません")
	b.refuse("/people/new", url.Values{"class": {"employee"}, "mail": {"yes"}, "internet": {"no"}, "email": {"x"}}, http.StatusUnprocessableEntity, "名前を入力してください")
	to := b.post("/people/new", url.Values{"family_name": {"佐藤"}, "family_kana": {"さとう"}, "class": {"employee"}, "mail": {"yes"}, "internet": {"no"}, "joined": {"R2.4.1"}})
	key := strings.TrimPrefix(to, "/people/")
	p := o.person(key)
	if p.FamilyKana != "サトウ" || p.Joined != day(t, "2020-04-01") || p.Mail != people.Yes {
		t.Errorf("stored: %+v", p)
	}
	edit := url.Values{"family_name": {"佐藤"}, "class": {"employee"}, "mail": {"no"}, "internet": {"no"}, "version": {"1"}}
	b.post(to, edit)
	edit.Set("mail", "unknown")
	b.refuse(to, edit, http.StatusConflict, "ほかの人が保存しました") // two people save one row: both values are shown
	rec := b.send(http.MethodPost, to, "application/x-www-form-urlencoded", []byte(edit.Encode()))
	for _, want := range []string{"<td data-l=\"今回の入力\">未確認</td>", "<td data-l=\"保存されている値\">使わない</td>", `name="version" value="2"`} {
		if !strings.Contains(rec.Body.String(), want) {
			t.Errorf("the page of the conflict lacks %s\n%s", want, rec.Body)
		}
	}
	b.refuse(to+"/leave", url.Values{"version": {"2"}}, http.StatusUnprocessableEntity, "退職日を入力してください")
	b.refuse(to+"/leave", url.Values{"version": {"1"}, "left": {"2026-12-31"}}, http.StatusConflict, "ほかの人が先に変更")
	b.post(to+"/leave", url.Values{"version": {"2"}, "left": {"2026-12-31"}})
	b.post(to+"/leave", url.Values{"version": {"3"}, "back": {"yes"}})
	b.refuse(to+"/exclude", url.Values{"reason": {"leave"}}, http.StatusUnprocessableEntity, "いつまで外すか")
	b.post(to+"/exclude", url.Values{"reason": {"leave"}, "until": {"2026/12/1"}})
	m := regexp.MustCompile(`action="(/people/[^"]+/exclusions/[^"]+/end)"`).FindStringSubmatch(b.page(to, http.StatusOK))
	if m == nil {
		t.Fatal("no button ends the exclusion")
	}
	b.post(m[1], nil)
	b.page(to, http.StatusOK)
}

func TestFillWithoutScript(t *testing.T) {
	t.Parallel()
	o := open(t)
	b := o.browser("ja")
	for i := range 3 {
		o.add(people.Person{FamilyName: fmt.Sprint("試験", i)})
	}
	rows := regexp.MustCompile(`name="row" id="[^"]+" value="([^"]+)" checked`).FindAllStringSubmatch(b.page("/people?mail=unknown&select=all", http.StatusOK), -1)
	if len(rows) != 3 {
		t.Fatalf("%d rows are ticked, want 3", len(rows))
	}
	form := url.Values{"fill_mail": {"yes"}, "mail": {"unknown"}}
	b.refuse("/people/fill", form, http.StatusUnprocessableEntity, "入力する人を選んでください")
	for _, r := range rows {
		form.Add("row", r[1])
	}
	if to := b.post("/people/fill", form); to != "/people?mail=unknown" {
		t.Errorf("goes to %s, want the same filter", to)
	}
	b.refuse("/people/fill", form, http.StatusConflict, "ほかの人が先に変更")
	o.read(func(tx *sqlite.Tx) error {
		list, err := o.people.List(o.ctx, tx, people.Filter{Mail: people.Yes, Internet: people.Unknown})
		if len(list) != 3 {
			t.Errorf("%d people use mail, want 3", len(list))
		}
		return err
	})
}

func TestConfirmPage(t *testing.T) {
	t.Parallel()
	o := open(t)
	b := o.browser("ja")
	o.add(people.Person{FamilyName: "佐藤"})
	mark := regexp.MustCompile(`name="mark" value="([^"]+)"`).FindStringSubmatch(b.page("/people/confirm", http.StatusOK))
	if mark == nil {
		t.Fatal("no mark on the page")
	}
	send := func(mark string) *httptest.ResponseRecorder {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		part, err := form.CreateFormFile("paper", "署名.pdf")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte("%PDF-1.7\n%%EOF\n")); err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"mark": mark, "note": "各部署に確認"} {
			if err := form.WriteField(name, value); err != nil {
				t.Fatal(err)
			}
		}
		if err := form.Close(); err != nil {
			t.Fatal(err)
		}
		return b.send(http.MethodPost, "/people/confirm", form.FormDataContentType(), body.Bytes())
	}
	b.check("/people/confirm", send("1.2.3"), http.StatusConflict)
	if rec := send(mark[1]); rec.Code != http.StatusSeeOther {
		t.Fatalf("confirm: status %d\n%s", rec.Code, rec.Body)
	}
	if body := b.page("/people/confirm", http.StatusOK); !strings.Contains(body, "/attachments/") || !strings.Contains(body, "各部署に確認") {
		t.Errorf("the page does not show the confirmation\n%s", body)
	}
}

func TestScopedKeeperSeesOwnDepartment(t *testing.T) {
	t.Parallel()
	o := open(t)
	sales := o.department("営業部")
	mine, other := o.add(people.Person{FamilyName: "佐藤", Department: sales}), o.add(people.Person{FamilyName: "鈴木"})
	o.ctx = as(t, []string{sales}, people.PermRead, people.PermEdit, people.PermConfirm, org.PermRead)
	b := o.browser("ja")
	if body := b.page("/people", http.StatusOK); !strings.Contains(body, "佐藤") || strings.Contains(body, "鈴木") {
		t.Errorf("the list shows the wrong people\n%s", body)
	}
	b.page("/people/"+mine.Key, http.StatusOK)
	b.page("/people/"+other.Key, http.StatusForbidden)
	b.page("/people/confirm", http.StatusForbidden)
}

func TestFormsOfOrg(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.ctx = as(t, nil, people.PermRead, people.PermEdit, org.PermRead, org.PermEdit, org.PermCompany)
	b := o.browser("ja")
	p := o.add(people.Person{FamilyName: "佐藤"})
	company := url.Values{
		"name": {"架空精機"}, "industry": {"metal"}, "size": {"51-100"}, "fiscal_start": {"4"}, "base_address": {"http://kizuki.local:8080/"},
		"hosts": {"Plant.local\nplant.local\n10.0.0.5"}, "target_level": {"2"}, "target_star": {"3"}, "not_applicable": {"leaves"}, "version": {"0"},
	}
	company.Set("base_address", "kizuki")
	b.refuse("/settings/company", company, http.StatusUnprocessableEntity, "アドレスとして使えません")
	company.Set("base_address", "http://kizuki.local:8080/")
	b.post("/settings/company", company)
	b.refuse("/settings/company", company, http.StatusConflict, "ほかの人が先に変更")
	o.read(func(tx *sqlite.Tx) error {
		c, err := o.places.Company(o.ctx, tx)
		if got := strings.Join(c.AllowedHosts(), " "); got != "plant.local 10.0.0.5 kizuki.local" || c.TargetStar != "3" || c.BaseAddress != "http://kizuki.local:8080" {
			t.Errorf("company %+v, hosts %s", c, got)
		}
		return err
	})
	b.post("/org/departments/new", url.Values{"name": {"営業部"}, "owner": {p.Key}})
	b.refuse("/org/departments/new", url.Values{"name": {"営業 部"}}, http.StatusUnprocessableEntity, "すでにあります")
	m := regexp.MustCompile(`href="(/org/departments/[0-9a-z]{26})"`).FindStringSubmatch(b.page("/org", http.StatusOK))
	if m == nil {
		t.Fatal("the department is not listed")
	}
	b.post(m[1], url.Values{"name": {"営業本部"}, "version": {"1"}})
	b.refuse(m[1], url.Values{"name": {"営業一部"}, "version": {"1"}}, http.StatusConflict, "営業本部")
	b.refuse("/org/changes", url.Values{"on": {"2026-12-24"}, "what": {"system"}}, http.StatusUnprocessableEntity, "まだ来ていない日")
	b.post("/org/changes", url.Values{"on": {"2026-11-01"}, "what": {"system"}, "note": {"基幹システムの入れ替え"}})
	rm := regexp.MustCompile(`action="(/org/changes/[^"]+/remove)"`).FindStringSubmatch(b.page("/org/changes", http.StatusOK))
	if rm == nil {
		t.Fatal("the change is not listed")
	}
	b.post(rm[1], url.Values{"version": {"1"}})
	if facts := o.current("what", "org.major_change"); len(facts) != 0 {
		t.Errorf("facts after removal: %v", facts)
	}
}
