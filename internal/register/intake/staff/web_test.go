package staff_test

import (
	"bytes"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/register/intake/staff"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/people"
)

type viewer struct{ actor.Actor }

func (v viewer) SignedIn() bool      { return v.Via != "" }
func (v viewer) Holds(p string) bool { return v.May(actor.Permission(p)) }

type browser struct {
	t       *testing.T
	handler http.Handler
	locale  string
}

func (o *office) browser(t *testing.T, locale string) *browser {
	t.Helper()
	texts, err := i18n.New(web.Messages(), sheet.Messages(), org.Messages(), people.Messages(), intake.Messages(), staff.Messages())
	if err != nil {
		t.Fatalf("messages: %v", err)
	}
	o.intake = intake.New(o.db, t.TempDir(), texts, staff.New(o.people, o.places))
	o.ctx = actor.With(t.Context(), actor.New(actor.Actor{Account: "a1", Via: "session"},
		[]actor.Permission{people.PermRead, people.PermEdit, org.PermRead, org.PermEdit, intake.PermImport}))
	who := actor.From(o.ctx)
	rt := web.NewRouter(web.Config{
		Log: slog.New(slog.DiscardHandler), Messages: texts, Now: o.clock.Now,
		Authenticate: func(r *http.Request) (*http.Request, web.Viewer, error) {
			return r.WithContext(actor.With(r.Context(), who)), viewer{who}, nil
		},
	})
	people.NewWeb(o.people, rt.Shell()).Routes(rt)
	intake.NewWeb(o.intake, rt.Shell()).Routes(rt)
	return &browser{t, rt.Handler(), locale}
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

func (b *browser) check(path string, rec *httptest.ResponseRecorder, status int) string {
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
	return body
}

func (b *browser) page(path string, status int) string {
	b.t.Helper()
	return b.check(path, b.send(http.MethodGet, path, "", nil), status)
}

func (b *browser) post(path string, form url.Values) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.send(http.MethodPost, path, "application/x-www-form-urlencoded", []byte(form.Encode()))
}

// upload puts files in and returns the answer.
func (b *browser) upload(files map[string]string, fields ...string) *httptest.ResponseRecorder {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, data := range files {
		part, err := form.CreateFormFile("file", name)
		if err != nil {
			b.t.Fatal(err)
		}
		if _, err := part.Write([]byte(data)); err != nil {
			b.t.Fatal(err)
		}
	}
	for i := 0; i+1 < len(fields); i += 2 {
		if err := form.WriteField(fields[i], fields[i+1]); err != nil {
			b.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		b.t.Fatal(err)
	}
	return b.send(http.MethodPost, "/import/people", form.FormDataContentType(), body.Bytes())
}

// put uploads one file and returns the address of its check.
func (b *browser) put(name, data string) string {
	b.t.Helper()
	rec := b.upload(map[string]string{name: data})
	if rec.Code != http.StatusSeeOther {
		b.t.Fatalf("upload: status %d\n%s", rec.Code, rec.Body)
	}
	return rec.Header().Get("Location")
}

// field returns the value of a hidden field.
func (b *browser) field(body, name string) string {
	b.t.Helper()
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(body)
	if m == nil {
		b.t.Fatalf("no field %s on the page\n%s", name, body)
	}
	return m[1]
}

func TestWizardInBothLanguages(t *testing.T) {
	t.Parallel()
	for _, locale := range i18n.Locales {
		t.Run(locale, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			b := o.browser(t, locale)
			b.page("/import", http.StatusOK)
			b.page("/import/people", http.StatusOK)
			b.page("/import/nothing", http.StatusNotFound)
			b.check("upload", b.upload(nil), http.StatusUnprocessableEntity)
			check := b.put("名簿.csv", roster+"0009,壊れた 行,,宇宙人,,,,,\n")
			body := b.page(check, http.StatusOK)
			if !strings.Contains(body, "佐藤 花子") || !strings.Contains(body, "宇宙人") {
				t.Errorf("the check does not show rows and refusals\n%s", body)
			}
			for _, file := range []string{"/refused?format=csv", "/refused?format=cp932", "/differences?format=xlsx", "/differences?format=json"} {
				if rec := b.send(http.MethodGet, check+file, "", nil); rec.Code != http.StatusOK || rec.Body.Len() == 0 {
					t.Errorf("%s: status %d", file, rec.Code)
				}
			}
			if len(o.list()) != 0 {
				t.Fatal("people appeared before the consent")
			}
			b.check("apply an old preview", b.post(check+"/apply", url.Values{"mark": {"x"}}), http.StatusConflict)
			rec := b.post(check+"/apply", url.Values{"mark": {b.field(body, "mark")}, "ask_places": {"create"}})
			if rec.Code != http.StatusSeeOther || len(o.list()) != 4 {
				t.Fatalf("apply: status %d, people %v", rec.Code, o.list())
			}
			b.page(check, http.StatusOK)
			next := b.put("次.csv", "社員番号,氏名,部署\n0001,佐藤 花子,監査室\n")
			if body := b.page(next, http.StatusOK); !strings.Contains(body, `name="ask_missing"`) {
				t.Errorf("the check does not ask about people who are missing\n%s", body)
			}
			if rec := b.post(check+"/undo", nil); rec.Code != http.StatusSeeOther || len(o.list()) != 0 {
				t.Errorf("undo: status %d, people %v", rec.Code, o.list())
			}
			b.page(check, http.StatusOK)
			b.check("undo twice", b.post(check+"/undo", nil), http.StatusConflict)
			b.page("/import/people", http.StatusOK)
			o.clock.SetDay("2027-03-01")
			if _, err := o.intake.Sweep(o.ctx); err != nil {
				t.Fatal(err)
			}
			b.page(next, http.StatusOK) // it waited too long
		})
	}
}

func TestReadingCanBeCorrected(t *testing.T) {
	t.Parallel()
	o := open(t)
	b := o.browser(t, "ja")
	check := b.put("名簿.csv", "名簿\n番号,だれ\n1,佐藤\n")
	body := b.page(check, http.StatusUnprocessableEntity)
	if !strings.Contains(body, "氏名の列が見つかりません") {
		t.Errorf("the page does not say what is missing\n%s", body)
	}
	form := func(body string) url.Values {
		v := url.Values{}
		for _, name := range []string{"version", "seen_sheet", "seen_header", "matched"} {
			v.Set(name, b.field(body, name))
		}
		return v
	}
	step := form(body)
	step.Set("header", "2")
	if rec := b.post(check, step); rec.Code != http.StatusSeeOther {
		t.Fatalf("choose the header: status %d\n%s", rec.Code, rec.Body)
	}
	body = b.page(check, http.StatusUnprocessableEntity)
	step = form(body)
	step.Set("header", "2")
	step.Set("at_1", "employee_no")
	step.Set("at_2", "name")
	step.Set("option_class", "external")
	if rec := b.post(check, step); rec.Code != http.StatusSeeOther {
		t.Fatalf("match columns: status %d\n%s", rec.Code, rec.Body)
	}
	body = b.page(check, http.StatusOK)
	b.post(check+"/apply", url.Values{"mark": {b.field(body, "mark")}})
	if diff := cmp.Diff([]string{"1 佐藤 external unknown"}, o.list()); diff != "" {
		t.Errorf("people (-want +got):\n%s", diff)
	}
	b.check("an old page", b.post(check, step), http.StatusConflict)
}

func TestGarbledFileCanBeReadAgain(t *testing.T) {
	t.Parallel()
	o := open(t)
	b := o.browser(t, "ja")
	check := b.put("名簿.csv", "社員番号,氏名\n1,\x81 \xff\n")
	body := b.page(check, http.StatusUnprocessableEntity)
	if !strings.Contains(body, "2 行目") || !strings.Contains(body, `name="encoding"`) {
		t.Errorf("the page names no line or offers no encoding\n%s", body)
	}
	broken := b.put("写真.csv", "\x89PNG\r\n\x1a\n")
	if body := b.page(broken, http.StatusUnsupportedMediaType); strings.Contains(body, `name="encoding"`) {
		t.Errorf("an encoding helps no picture\n%s", body)
	}
}

func TestSeveralFilesAtOnce(t *testing.T) {
	t.Parallel()
	o := open(t)
	b := o.browser(t, "ja")
	rec := b.upload(map[string]string{"a.csv": "氏名\n佐藤\n", "b.csv": "氏名\n鈴木\n"})
	if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/import/people" {
		t.Fatalf("upload: status %d to %s", rec.Code, rec.Header().Get("Location"))
	}
	if body := b.page("/import/people", http.StatusOK); !strings.Contains(body, "a.csv") || !strings.Contains(body, "b.csv") {
		t.Errorf("the files are not listed\n%s", body)
	}
}

// What the office writes it reads: the template, and the list as exported, in both languages and all formats.
func TestOwnFilesAreRead(t *testing.T) {
	t.Parallel()
	for _, locale := range i18n.Locales {
		t.Run(locale, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			b := o.browser(t, locale)
			template := b.send(http.MethodGet, "/import/people/template", "", nil).Body.String()
			p := o.preview(o.put(template, intake.Setting{}))
			if p.Problem != nil || len(p.Plan.Adds) != 1 || len(p.Layout.Header.Unmatched) != 0 {
				t.Errorf("template: %v, %+v, unmatched %+v", p.Problem, p.Plan, p.Layout.Header.Unmatched)
			}
			o.apply(o.put(roster, intake.Setting{}), nil)
			if _, err := o.people.Add(o.ctx, people.Person{DisplayName: "Nguyen Van A", FamilyName: "Nguyen Van", GivenName: "A B", Class: people.Dispatched, Kiosk: true}); err != nil {
				t.Fatal(err)
			}
			for _, format := range []string{"xlsx", "csv", "cp932"} {
				file := b.send(http.MethodGet, "/people/export?show=all&format="+format, "", nil).Body.String()
				for _, blank := range []string{"keep", "clear"} {
					p := o.preview(o.put(file, intake.Setting{Options: map[string]string{"blank": blank}}))
					if p.Problem != nil || !p.Plan.Nothing() || p.Plan.Same != 5 || len(p.Plan.Refused) != 0 {
						t.Errorf("%s, %s: %v, %+v", format, blank, p.Problem, p.Plan)
					}
				}
			}
		})
	}
}
