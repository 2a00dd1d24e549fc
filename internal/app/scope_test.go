package app_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/policy"
	"github.com/kizuki-security/kizuki/internal/office/training"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/people"
)

// plant is an office with two departments: 製造 (made) has three people, 営業 (sold) two; "scoped" is the account of
// somebody in 製造 who keeps registers and approves, for 製造 alone.
type plant struct {
	*testing.T
	a          *app.App
	h          http.Handler
	scoped     *http.Cookie
	keeper     *http.Cookie // of the whole company
	made, sold []string     // keys of the people
	departs    []string     // keys of the two departments
	document   string       // a regulation in force
	draft      string       // one with a draft only
	jama       string
}

func openPlant(t *testing.T) *plant {
	t.Helper()
	p := &plant{T: t, a: open(t)}
	setUp(t, p.a)
	ctx := app.AsCommand(t.Context())
	for _, name := range []string{"製造", "営業"} {
		key, err := p.a.Org.SaveDepartment(ctx, org.Department{Name: name})
		p.must(err)
		p.departs = append(p.departs, key)
	}
	add := func(department int, family string) string {
		key, err := p.a.People.Add(ctx, people.Person{
			FamilyName: family, GivenName: "太郎", EmployeeNo: family, Class: people.Employee, Mail: people.Yes, Internet: people.Yes, Joined: day("2020-04-01"), Department: p.departs[department],
		})
		p.must(err)
		return key
	}
	p.made = []string{add(0, "旋盤"), add(0, "溶接"), add(0, "検査")}
	p.sold = []string{add(1, "外回"), add(1, "受注")}
	_, err := p.a.Accounts.Create(ctx, account.NewAccount{Login: "scoped", Password: password, Profile: account.Profile{
		Name: "旋盤太郎", Person: p.made[0], Roles: []actor.Role{actor.Keeper, actor.Approver}, Scope: p.departs[:1],
	}})
	p.must(err)
	p.h = p.a.Router().Handler()
	p.scoped, p.keeper = signIn(t, p.a, "scoped", password), signIn(t, p.a, string(actor.Keeper), password)
	p.jama = p.a.Catalog.Latest("jama-japia").Key()

	d := policy.Draft{Type: policy.TypePolicy, Title: "情報セキュリティ方針", Body: "守ること。"}
	p.document, err = p.a.Policy.Create(ctx, d)
	p.must(err)
	p.must(p.a.Policy.ApproveSealed(ctx, p.document, policy.Approval{Approver: p.sold[0], On: day("2026-11-01")}, scan("印.pdf")))
	d.Title = "次の方針"
	p.draft, err = p.a.Policy.Create(ctx, d)
	p.must(err)
	return p
}

func scan(name string) attach.Upload {
	return attach.Upload{Name: name, Data: []byte("%PDF-1.7\n%%EOF\n")}
}

func (p *plant) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// status asks as the scoped account.
func (p *plant) get(path string) (int, string) {
	p.Helper()
	w := ask(p.T, p.h, http.MethodGet, path, p.scoped)
	return w.Code, w.Body.String()
}

// post sends a form, with a file in a field when its name is given as "field=name".
func (p *plant) post(path string, cookie *http.Cookie, form url.Values, file string) int {
	p.Helper()
	field, name, _ := strings.Cut(file, "=")
	return send(p.T, p.h, path, cookie, form, field, name, scan(name).Data).Code
}

// send posts a form as browsers do when there are files; without a name there is none.
func send(t *testing.T, h http.Handler, path string, cookie *http.Cookie, form url.Values, field, name string, data []byte) *httptest.ResponseRecorder {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for key, values := range form {
		for _, v := range values {
			must(m.WriteField(key, v))
		}
	}
	if name != "" {
		w, err := m.CreateFormFile(field, name)
		must(err)
		_, err = w.Write(data)
		must(err)
	}
	must(m.Close())
	return ask(t, h, http.MethodPost, path, cookie, func(r *http.Request) {
		r.Header.Set("Content-Type", m.FormDataContentType())
		r.Body, r.ContentLength = io.NopCloser(&body), int64(body.Len())
	})
}

// files lists the attachments of a record by name.
func (p *plant) files(record string) map[string]string {
	p.Helper()
	out := map[string]string{}
	p.must(p.a.DB.Read(p.Context(), func(tx *sqlite.Tx) error {
		all, err := p.a.Files.Of(p.Context(), tx, record)
		for _, f := range all {
			out[f.Name] = f.Path()
		}
		return err
	}))
	return out
}

// TestScopedAccountAndPolicies: an account limited to departments reads policies like everybody, decides nothing for
// the whole company, and hands a roster round to its own people.
func TestScopedAccountAndPolicies(t *testing.T) {
	t.Parallel()
	p := openPlant(t)
	for path, want := range map[string]int{
		"/policy": 200, "/policy/" + p.document: 200, "/policy/" + p.document + "/print": 200, "/policy/" + p.document + "/roster": 200, "/demands": 200, "/read": 200,
		"/policy/new": 403, "/policy/" + p.draft + "/draft": 403, "/demands/new": 403, "/requests/new": 403, "/rounds/new": 403,
	} {
		if got, _ := p.get(path); got != want {
			t.Errorf("GET %s: status %d, want %d", path, got, want)
		}
	}
	before := logical(t, p.a, "policy_", "audit_", "assessment_")
	for path, form := range map[string]url.Values{
		"/policy/new":                       {"type": {"policy"}, "title": {"x"}, "body": {"x"}},
		"/policy/" + p.draft + "/draft":     {"type": {"policy"}, "title": {"x"}, "body": {"x"}, "version": {"1"}},
		"/policy/" + p.draft + "/approve":   {},
		"/policy/" + p.draft + "/ask":       {"approver": {p.made[1]}},
		"/policy/" + p.document + "/notify": {"way": {"page"}},
		"/policy/" + p.document + "/review": {"on": {"2026-11-20"}, "considered": {"x"}, "result": {"unchanged"}},
		"/policy/" + p.document + "/retire": {},
		"/demands/new":                      {"type": {"law"}, "title": {"x"}, "gist": {"x"}},
		"/demands/check":                    {"types": {"law"}, "finding": {"x"}},
		"/requests/new":                     {"customer": {"x"}, "framework": {p.jama}, "received": {"2026-11-01"}},
	} {
		if got := p.post(path, p.scoped, form, ""); got != http.StatusForbidden {
			t.Errorf("POST %s: status %d, want 403", path, got)
		}
	}
	if got := p.post("/policy/"+p.draft+"/sealed", p.scoped, url.Values{"approver": {p.made[1]}, "approved_on": {"2026-11-20"}}, "sealed=a.pdf"); got != http.StatusForbidden {
		t.Errorf("a sealed approval: status %d, want 403", got)
	}
	if got := p.post("/policy/"+p.document+"/notify", p.scoped, url.Values{"way": {"roster"}, "people": {p.made[1], p.sold[0]}}, "scan=a.pdf"); got != http.StatusForbidden {
		t.Errorf("a roster with people of another department: status %d, want 403", got)
	}
	if logical(t, p.a, "policy_", "audit_", "assessment_") != before {
		t.Error("a refused act left something")
	}
	if got := p.post("/policy/"+p.document+"/notify", p.scoped, url.Values{"way": {"roster"}, "people": p.made[:2]}, "scan=署名製造.pdf"); got != http.StatusSeeOther {
		t.Errorf("a roster of the own department: status %d, want 303", got)
	}
	_, page := p.get("/policy/" + p.document)
	for text, want := range map[string]bool{"2／3名": true, "担当する部署の分だけ": true, "検査": true, "受注": false, "施行を終える": false, "署名製造.pdf": true} {
		if strings.Contains(page, text) != want {
			t.Errorf("page of the policy: %q is there: %t, want %t", text, !want, want)
		}
	}
	_, roster := p.get("/policy/" + p.document + "/roster")
	if strings.Contains(roster, "受注") || !strings.Contains(roster, "検査") {
		t.Error("the roster names other people than those of the department")
	}
}

// TestScopedAccountAndTrainings: company-wide records stand, people are shown and noted for the own departments only.
func TestScopedAccountAndTrainings(t *testing.T) {
	t.Parallel()
	p := openPlant(t)
	ctx := app.AsCommand(t.Context())
	whole, err := p.a.Training.Save(ctx, training.Session{Title: "全社教育", On: day("2026-11-10"), Topics: []string{"mail"}, Method: "class", Content: "標的型メール"})
	p.must(err)
	_, err = p.a.Training.Attend(ctx, whole, []string{p.made[1], p.sold[0], p.sold[1]}, training.WayHand, attach.Upload{})
	p.must(err)

	for path, want := range map[string]int{"/training": 200, "/training/" + whole: 200, "/training/" + whole + "/sheet": 200, "/training/" + whole + "/edit": 403, "/training/new": 200, "/training/missing?topic=mail": 200} {
		got, page := p.get(path)
		if got != want {
			t.Errorf("GET %s: status %d, want %d", path, got, want)
		}
		for _, name := range []string{"受注", "外回"} {
			if strings.Contains(page, name) {
				t.Errorf("GET %s names %s of another department", path, name)
			}
		}
	}
	_, page := p.get("/training/" + whole)
	for text, want := range map[string]bool{"1名": true, "3名": false, "溶接": true, "担当する部署の分だけ": true, "/edit": false, "/reflect": false} {
		if strings.Contains(page, text) != want {
			t.Errorf("page of the training: %q is there: %t, want %t", text, !want, want)
		}
	}
	if _, list := p.get("/training"); !strings.Contains(list, "1／3名") || !strings.Contains(list, "担当する部署の分だけ") {
		t.Error("the list does not count 1 of the 3 people of the department")
	}
	if _, csv := p.get("/training/export?format=csv"); !strings.Contains(csv, `,"1"`+"\r\n") {
		t.Errorf("the export does not count the one person of the department: %q", csv)
	}

	at := "/training/" + whole
	for path, tt := range map[string]struct {
		form url.Values
		want int
	}{
		at + "/edit":     {url.Values{"title": {"x"}, "on": {"2026-11-10"}, "topics": {"mail"}, "method": {"class"}, "version": {"1"}}, 403},
		at + "/reflect":  {url.Values{"found": {"x"}, "next_time": {"x"}}, 403},
		at + "/attend":   {url.Values{"way": {"hand"}, "people": {p.made[2], p.sold[0]}}, 403},
		at + "/unattend": {url.Values{"person": {p.sold[0]}}, 409},
	} {
		if got := p.post(path, p.scoped, tt.form, ""); got != tt.want {
			t.Errorf("POST %s: status %d, want %d", path, got, tt.want)
		}
	}
	if got := p.post(at+"/attend", p.scoped, url.Values{"way": {"hand"}, "people": p.made[2:]}, ""); got != 303 {
		t.Errorf("note somebody of the own department: status %d, want 303", got)
	}

	own := p.post("/training/new", p.scoped, url.Values{"title": {"朝礼での話"}, "on": {"2026-11-12"}, "topics": {"mail"}, "method": {"class"}, "content": {"x"}}, "")
	sessions, err := p.a.Training.List(ctx, training.Filter{})
	p.must(err)
	i := slices.IndexFunc(sessions, func(s *training.Session) bool { return s.Title == "朝礼での話" })
	if own != 303 || i < 0 || !slices.Equal(sessions[i].Departments, p.departs[:1]) {
		t.Fatalf("a training of the own department: status %d, among %d sessions at %d", own, len(sessions), i)
	}
	if got := p.post("/training/"+sessions[i].Key+"/reflect", p.scoped, url.Values{"found": {"x"}, "next_time": {"y"}}, ""); got != 303 {
		t.Errorf("reflect on it: status %d, want 303", got)
	}
	whose := sessions[slices.IndexFunc(sessions, func(s *training.Session) bool { return s.Key == whole })]
	if len(whose.Attendance) != 4 || whose.Hidden != 0 {
		t.Errorf("the whole company sees %d who took part, want 4", len(whose.Attendance))
	}
}

// TestScopedAccountAndFiles reads each kind of attachment as somebody limited to 製造.
func TestScopedAccountAndFiles(t *testing.T) {
	t.Parallel()
	p := openPlant(t)
	ctx := app.AsCommand(t.Context())
	_, _, err := p.a.Policy.Notify(ctx, p.document, policy.NewNotice{Way: policy.WayRoster, People: p.sold, Scan: scan("名簿営業.pdf")})
	p.must(err)
	_, _, err = p.a.Policy.Notify(ctx, p.document, policy.NewNotice{Way: policy.WayPosted, Place: "食堂", Scan: scan("掲示.pdf")})
	p.must(err)
	taught := map[string]string{}
	for name, persons := range map[string][]string{"製造だけ.pdf": p.made[:2], "営業も.pdf": {p.made[0], p.sold[0]}} {
		key, err := p.a.Training.Save(ctx, training.Session{Title: name, On: day("2026-11-10"), Topics: []string{"mail"}, Method: "class", Content: "x"})
		p.must(err)
		_, err = p.a.Training.Attend(ctx, key, persons, training.WaySheet, scan(name))
		p.must(err)
		taught[name] = "training/" + key
	}
	items := map[string]string{"28": p.made[1], "29": p.sold[0], "30": ""}
	for item, owner := range items {
		p.must(p.a.Assess.Attach(ctx, p.a.Files, p.jama, item, scan("証跡"+item+".pdf")))
		if owner != "" {
			p.must(p.a.Assess.SaveItemMeta(ctx, p.jama, item, assessment.ItemMeta{Owner: owner}))
		}
	}
	p.must(p.a.DB.Write(ctx, func(tx *sqlite.Tx) error {
		for _, record := range []string{"assessment/request/K", "people/roster/K", "somewhere/K"} {
			up := scan("他.pdf")
			up.Record = record
			if _, err := p.a.Files.Add(ctx, tx, up); err != nil {
				return err
			}
		}
		return nil
	}))
	for _, tt := range []struct {
		record, name string
		want         int
	}{
		{"policy/" + p.document, "印.pdf", 200},
		{"policy/" + p.document, "掲示.pdf", 200},
		{"policy/" + p.document, "名簿営業.pdf", 403},
		{taught["製造だけ.pdf"], "製造だけ.pdf", 200},
		{taught["営業も.pdf"], "営業も.pdf", 403},
		{assessment.RecordOf(p.jama, "28"), "証跡28.pdf", 200},
		{assessment.RecordOf(p.jama, "29"), "証跡29.pdf", 403},
		{assessment.RecordOf(p.jama, "30"), "証跡30.pdf", 403},
		{"assessment/request/K", "他.pdf", 403},
		{"people/roster/K", "他.pdf", 403},
		{"somewhere/K", "他.pdf", 403},
	} {
		path := p.files(tt.record)[tt.name]
		if got, _ := p.get(path); got != tt.want {
			t.Errorf("%s of %s: status %d, want %d", tt.name, tt.record, got, tt.want)
		}
		if got := ask(t, p.h, http.MethodGet, path, p.keeper).Code; got != http.StatusOK {
			t.Errorf("%s of %s for the whole company: status %d, want 200", tt.name, tt.record, got)
		}
	}
	for path, names := range map[string][2]string{
		"/policy/" + p.document:    {"掲示.pdf", "名簿営業.pdf"},
		"/" + taught["営業も.pdf"]:    {"営業も", "/attachments/"},
		"/sheet/" + p.jama + "/28": {"証跡28.pdf", "証跡29.pdf"},
		"/sheet/" + p.jama + "/29": {"29", "証跡29.pdf"},
	} {
		code, page := p.get(path)
		if code != 200 || !strings.Contains(page, names[0]) || strings.Contains(page, names[1]) {
			t.Errorf("GET %s: status %d, %s there %t, %s there %t", path, code, names[0], strings.Contains(page, names[0]), names[1], strings.Contains(page, names[1]))
		}
	}
	for item, want := range map[string]int{"28": 303, "29": 403, "30": 403} {
		if got := p.post(fmt.Sprintf("/sheet/%s/%s/attach", p.jama, item), p.scoped, url.Values{}, "file=新.pdf"); got != want {
			t.Errorf("attach to item %s: status %d, want %d", item, got, want)
		}
	}
}
