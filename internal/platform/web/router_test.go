package web_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// person is who asks in these tests: nobody, or somebody with permissions.
type person struct {
	in     bool
	grants string
}

func (p person) ID() string          { return "account/key-of-" + p.grants }
func (p person) SignedIn() bool      { return p.in }
func (p person) Holds(x string) bool { return strings.Contains(p.grants, x) }

// office is a router with the routes of the tests.
type office struct {
	t       *testing.T
	rt      *web.Router
	log     bytes.Buffer
	asks    person
	authErr error
	frame   func(r *http.Request) (*web.Frame, error)
}

func open(t *testing.T, change ...func(*web.Config)) *office {
	t.Helper()
	texts, err := i18n.New(web.Messages(), sheet.Messages(), fstest.MapFS{
		"messages.ja.json": {Data: []byte(`{"x.done": "「{title}」を保存しました", "x.field": "欄", "x.need": "入力してください"}`)},
		"messages.en.json": {Data: []byte(`{"x.done": "Saved “{title}”", "x.field": "Field", "x.need": "Please enter it"}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	o := &office{t: t, asks: person{in: true, grants: "x.read"}}
	o.frame = func(*http.Request) (*web.Frame, error) {
		return &web.Frame{Company: "秘密の会社", Person: "山田", Nav: []web.NavItem{{Key: "web.menu", Href: "/today"}}}, nil
	}
	cfg := web.Config{
		Log: slog.New(slog.NewTextHandler(&o.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Messages: texts,
		Now:          func() time.Time { return time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC) },
		Authenticate: func(r *http.Request) (*http.Request, web.Viewer, error) { return r, o.asks, o.authErr },
		Frame:        func(r *http.Request) (*web.Frame, error) { return o.frame(r) },
		Hosts:        func() []string { return []string{"kizuki.example", "192.0.2.7:8600"} },
		MaxBody:      2000,
	}
	for _, fn := range change {
		fn(&cfg)
	}
	o.rt = web.NewRouter(cfg)
	views := o.rt.Shell().MustViews(fstest.MapFS{"views/page.html": {Data: []byte(
		`{{define "title"}}T{{end}}{{define "main"}}<h1>{{.}}</h1>{{end}}`)}, "views/broken.html": {Data: []byte(
		`{{define "title"}}T{{end}}{{define "main"}}<h1>halfway</h1>{{.Nothing.Here}}{{end}}`)}})
	show := func(name string) web.Handler {
		return func(w http.ResponseWriter, r *http.Request) error { return views.Render(w, r, name, "本文") }
	}
	o.rt.Handle("GET /page", web.Public, show("page"))
	o.rt.Handle("GET /page/{key}/more", web.SignedIn, show("page"))
	o.rt.Handle("GET /needs", web.Needs("x.read"), show("page"))
	o.rt.Handle("GET /needs-more", web.Needs("x.edit"), show("page"))
	o.rt.Handle("GET /broken", web.Public, show("broken"))
	o.rt.Handle("GET /none", web.Public, show("unheardview"))
	o.rt.Handle("GET /panic", web.Public, func(http.ResponseWriter, *http.Request) error { panic("password is hunter2") })
	o.rt.Handle("GET /error", web.Public, func(http.ResponseWriter, *http.Request) error {
		return fmt.Errorf("open /secret/path: %w", os.ErrPermission)
	})
	o.rt.Handle("GET /problem", web.Public, func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Disposition", "attachment")
		return &problem.Error{Code: problem.Code(r.URL.Query().Get("code")), Key: "x.need"}
	})
	o.rt.Handle("POST /form", web.Public, o.form)
	o.rt.HandleUpload("POST /upload", web.Public, 6<<20, o.upload)
	return o
}

func (o *office) form(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	return o.rt.Shell().Done(w, r, "/page", "x.done", "title", form.Text("title"))
}

func (o *office) upload(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	file, err := form.File("file")
	if err != nil || file == nil {
		return errors.Join(err, problem.Invalid("file", "x.need"))
	}
	_, err = fmt.Fprintf(w, "%s %d", file.Name, len(file.Data))
	return err
}

// do sends one request; change may alter it before.
func (o *office) do(method, target string, body io.Reader, change ...func(*http.Request)) *httptest.ResponseRecorder {
	o.t.Helper()
	r := httptest.NewRequestWithContext(o.t.Context(), method, target, body)
	r.Host = "localhost:8600"
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, fn := range change {
		fn(r)
	}
	rec := httptest.NewRecorder()
	o.rt.Handler().ServeHTTP(rec, r)
	return rec
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func host(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }

func TestHeadersOfEveryAnswer(t *testing.T) {
	t.Parallel()
	o := open(t)
	answers := map[string]*httptest.ResponseRecorder{
		"page":         o.do("GET", "/page", nil),
		"not found":    o.do("GET", "/nowhere", nil),
		"wrong method": o.do("PUT", "/page", nil),
		"panic":        o.do("GET", "/panic", nil),
		"error":        o.do("GET", "/error", nil),
		"broken view":  o.do("GET", "/broken", nil),
		"foreign host": o.do("GET", "/page", nil, host("evil.example")),
		"other site":   o.do("POST", "/form", nil, header("Sec-Fetch-Site", "cross-site")),
		"too large":    o.do("POST", "/form", strings.NewReader(strings.Repeat("a", 3000))),
		"redirect":     o.do("POST", "/form", strings.NewReader("title=x")),
		"language":     o.do("GET", "/page?lang=en", nil),
		"forbidden":    o.do("GET", "/needs-more", nil),
		"fragment":     o.do("GET", "/error", nil, header("X-Fragment", "x")),
		"upload":       o.do("POST", "/upload", nil),
	}
	for name, rec := range answers {
		h := rec.Header()
		csp := h.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s: policy %q lacks %s", name, csp, part)
			}
		}
		if strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", name, csp)
		}
		for key, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store", "Strict-Transport-Security": "",
		} {
			if got := h.Get(key); got != want {
				t.Errorf("%s: %s is %q, want %q", name, key, got, want)
			}
		}
	}
	secure := open(t, func(c *web.Config) { c.Secure = true })
	if got := secure.do("GET", "/page", nil).Header().Get("Strict-Transport-Security"); got == "" {
		t.Error("no Strict-Transport-Security over TLS")
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		host string
		want int
	}{
		{"localhost", 200},
		{"localhost:8600", 200},
		{"LOCALHOST:1", 200},
		{"127.0.0.1:8600", 200},
		{"[::1]:8600", 200},
		{"[::1]", 200},
		{"kizuki.example", 200},
		{"Kizuki.Example:443", 200},
		{"192.0.2.7:8600", 200},
		{"192.0.2.7:9999", 421},
		{"evil.example", 421},
		{"evil.example:8600", 421},
		{"localhost.evil.example", 421},
		{"kizuki.example.evil.example", 421},
		{"127.0.0.1.evil.example", 421},
		{"", 421},
		{"0.0.0.0", 421},
		{"kizuki.example@evil.example", 421},
	}
	o := open(t)
	for _, tc := range tests {
		rec := o.do("GET", "/page", nil, host(tc.host))
		if rec.Code != tc.want {
			t.Errorf("host %q: status %d, want %d", tc.host, rec.Code, tc.want)
		}
		if tc.want == 421 && strings.Contains(rec.Body.String(), "秘密の会社") {
			t.Errorf("host %q: the refusal names the company", tc.host)
		}
	}
	if rec := o.do("GET", "/page?lang=en", nil, host("evil.example")); rec.Code != 421 || len(rec.Result().Cookies()) != 0 {
		t.Errorf("language switch at a foreign host: status %d", rec.Code)
	}
	if rec := o.do("GET", "/page", nil, host("evil.example"), header("Accept-Language", "en-GB")); !strings.Contains(rec.Body.String(), `lang="en"`) {
		t.Error("the refusal is not in the language of the reader")
	}
}

func TestPostsFromElsewhere(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change []func(*http.Request)
		want   int
	}{
		{"own page", []func(*http.Request){header("Sec-Fetch-Site", "same-origin")}, 303},
		{"typed by the person", []func(*http.Request){header("Sec-Fetch-Site", "none")}, 303},
		{"another site", []func(*http.Request){header("Sec-Fetch-Site", "cross-site")}, 403},
		{"a neighbour under the same domain", []func(*http.Request){header("Sec-Fetch-Site", "same-site")}, 403},
		{"old browser, own origin", []func(*http.Request){header("Origin", "http://localhost:8600")}, 303},
		{"old browser, other origin", []func(*http.Request){header("Origin", "https://evil.example")}, 403},
		{"old browser, other port", []func(*http.Request){header("Origin", "http://localhost:1")}, 403},
		{"old browser, hidden origin", []func(*http.Request){header("Origin", "null")}, 403},
		{"a program", nil, 303},
	}
	o := open(t)
	for _, tc := range tests {
		rec := o.do("POST", "/form", strings.NewReader("title=x"), tc.change...)
		if rec.Code != tc.want {
			t.Errorf("%s: status %d, want %d", tc.name, rec.Code, tc.want)
		}
	}
}

func TestStatusByProblem(t *testing.T) {
	t.Parallel()
	o := open(t)
	for code, want := range map[string]int{
		"invalid": 422, "not_found": 404, "conflict": 409, "forbidden": 403, "unauthenticated": 401, "too_large": 413, "unsupported": 415,
		"unavailable": 503, "internal": 500, "": 500, "unheard_of": 500,
	} {
		rec := o.do("GET", "/problem?code="+code, nil)
		if rec.Code != want || !strings.Contains(rec.Body.String(), "入力してください") {
			t.Errorf("code %q: status %d, want %d; body %.200s", code, rec.Code, want, rec.Body)
		}
		if rec.Header().Get("Content-Disposition") != "" {
			t.Errorf("code %q: the error page is sent as a file to keep", code)
		}
	}
}

func TestUnknownRoutesAndMethods(t *testing.T) {
	t.Parallel()
	o := open(t)
	tests := []struct {
		method, path string
		want         int
		allow        string
	}{
		{"GET", "/", 404, ""},
		{"GET", "/nowhere", 404, ""},
		{"POST", "/nowhere", 404, ""},
		{"GET", "/page/", 404, ""},
		{"GET", "/../page/x", 404, ""},
		{"GET", "/form", 405, "POST"},
		{"POST", "/page", 405, "GET, HEAD"},
		{"DELETE", "/page", 405, "GET, HEAD"},
		{"TRACE", "/page", 405, "GET, HEAD"},
		{"HEAD", "/page", 200, ""},
	}
	for _, tc := range tests {
		rec := o.do(tc.method, tc.path, nil)
		if rec.Code != tc.want || rec.Header().Get("Allow") != tc.allow {
			t.Errorf("%s %s: status %d Allow %q, want %d %q", tc.method, tc.path, rec.Code, rec.Header().Get("Allow"), tc.want, tc.allow)
		}
	}
}

func TestFailuresTellNothing(t *testing.T) {
	t.Parallel()
	o := open(t)
	for path, secret := range map[string]string{"/panic": "hunter2", "/error": "secret", "/broken": "Nothing", "/none": "unheardview"} {
		rec := o.do("GET", path, nil)
		body := rec.Body.String()
		if rec.Code != 500 || !strings.Contains(body, "処理できませんでした") || !strings.Contains(body, "</html>") {
			t.Errorf("%s: status %d, body %.300s", path, rec.Code, body)
		}
		for _, bad := range []string{secret, "goroutine", "halfway", "template"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s: the page tells %q", path, bad)
			}
		}
		if !strings.Contains(o.log.String(), secret) {
			t.Errorf("%s: the log does not tell %q", path, secret)
		}
	}
}

func TestAFrameThatFailsOrPanics(t *testing.T) {
	t.Parallel()
	frames := map[string]func(*http.Request) (*web.Frame, error){
		"fails":  func(*http.Request) (*web.Frame, error) { return nil, errors.New("disk hunter2") },
		"panics": func(*http.Request) (*web.Frame, error) { panic("disk hunter2") },
	}
	for name, frame := range frames {
		o := open(t)
		o.frame = frame
		for _, path := range []string{"/page", "/error", "/nowhere"} {
			rec := o.do("GET", path, nil)
			if rec.Code < 400 || rec.Body.Len() == 0 || strings.Contains(rec.Body.String(), "hunter2") {
				t.Errorf("frame %s, %s: status %d, body %.200s", name, path, rec.Code, rec.Body)
			}
		}
	}
}

func TestAbortedHandlersStayAborted(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.rt.Handle("GET /abort", web.Public, func(http.ResponseWriter, *http.Request) error { panic(http.ErrAbortHandler) })
	defer func() {
		if v := recover(); v != http.ErrAbortHandler { //nolint:errorlint // a panic value, not an error chain
			t.Errorf("recovered %v", v)
		}
	}()
	o.do("GET", "/abort", nil)
}

func TestAccess(t *testing.T) {
	t.Parallel()
	html, program := header("Accept", "text/html,*/*"), header("Accept", "application/json")
	tests := []struct {
		name, path string
		asks       person
		accept     func(*http.Request)
		want       int
	}{
		{"public for nobody", "/page", person{}, html, 200},
		{"signed in for nobody", "/page/x/more", person{}, html, 303},
		{"signed in for a program that is nobody", "/page/x/more", person{}, program, 401},
		{"signed in", "/page/x/more", person{in: true}, html, 200},
		{"permission for nobody", "/needs", person{grants: "x.read"}, html, 303},
		{"permission held", "/needs", person{in: true, grants: "x.read"}, html, 200},
		{"permission not held", "/needs-more", person{in: true, grants: "x.read"}, html, 403},
		{"permission that no account holds", "/needs", person{in: true}, program, 403},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			o.asks = tc.asks
			rec := o.do("GET", tc.path, nil, tc.accept)
			if rec.Code != tc.want || tc.want == 303 && rec.Header().Get("Location") != "/login" {
				t.Errorf("status %d to %q, want %d", rec.Code, rec.Header().Get("Location"), tc.want)
			}
		})
	}
	o := open(t)
	o.authErr = problem.Unavailable("x.need")
	if rec := o.do("GET", "/page", nil); rec.Code != 503 {
		t.Errorf("sessions that cannot be read: status %d, want 503", rec.Code)
	}
}

func TestBodyLimits(t *testing.T) {
	t.Parallel()
	multi := func(size int) (io.Reader, func(*http.Request)) {
		var b bytes.Buffer
		m := multipart.NewWriter(&b)
		part, err := m.CreateFormFile("file", `C:\fakepath\名簿.xlsx`)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		return &b, header("Content-Type", m.FormDataContentType())
	}
	o := open(t)
	small, kind := multi(5 << 20)
	if rec := o.do("POST", "/upload", small, kind); rec.Code != 200 || rec.Body.String() != fmt.Sprintf("名簿.xlsx %d", 5<<20) {
		t.Errorf("upload within its limit: status %d, %.100s", rec.Code, rec.Body)
	}
	large, kind := multi(7 << 20)
	if rec := o.do("POST", "/upload", large, kind); rec.Code != 413 || !strings.Contains(rec.Body.String(), "6MB") {
		t.Errorf("upload above its limit: status %d, %.2000s", rec.Code, rec.Body)
	}
	wrong, kind := multi(3000)
	if rec := o.do("POST", "/form", wrong, kind); rec.Code != 413 {
		t.Errorf("a file sent to a form: status %d, want 413", rec.Code)
	}
	if rec := o.do("POST", "/form", strings.NewReader("title="+strings.Repeat("a", 2000))); rec.Code != 413 {
		t.Errorf("form above the limit: status %d, want 413", rec.Code)
	}
	if rec := o.do("POST", "/upload", strings.NewReader("no parts"), header("Content-Type", "multipart/form-data; boundary=x")); rec.Code != 422 {
		t.Errorf("broken multipart: status %d, want 422", rec.Code)
	}
	if rec := o.do("POST", "/form", strings.NewReader("title=%zz")); rec.Code != 422 {
		t.Errorf("broken form: status %d, want 422", rec.Code)
	}
}

func TestUploadsLeaveNoFilesBehind(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir)
	o := open(t)
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	part, err := m.CreateFormFile("file", "a.bin")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write(make([]byte, 5<<20)); err != nil { // more than stays in memory
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if rec := o.do("POST", "/upload", &b, header("Content-Type", m.FormDataContentType())); rec.Code != 200 {
		t.Fatalf("status %d", rec.Code)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("%d files of uploads stay in the folder for temporary files (%v)", len(left), err)
	}
}

func TestGzip(t *testing.T) {
	t.Parallel()
	o := open(t)
	rec := o.do("GET", "/page", nil, header("Accept-Encoding", "br, gzip"))
	if rec.Header().Get("Content-Encoding") != "gzip" || rec.Header().Get("Vary") != "Accept-Encoding" {
		t.Fatalf("headers %v", rec.Header())
	}
	z, err := gzip.NewReader(rec.Body)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(z)
	if err != nil || !strings.Contains(string(body), "<h1>本文</h1>") || !strings.HasSuffix(string(body), "</html>") {
		t.Errorf("unpacked: %v %.300s", err, body)
	}
	for name, rec := range map[string]*httptest.ResponseRecorder{
		"browser without it": o.do("GET", "/page", nil),
		"error page":         o.do("GET", "/error", nil, header("Accept-Encoding", "gzip")),
		"redirect":           o.do("POST", "/form", strings.NewReader("title=x"), header("Accept-Encoding", "gzip")),
	} {
		if got := rec.Header().Get("Content-Encoding"); got != "" {
			t.Errorf("%s: encoding %q", name, got)
		}
	}
	if rec := o.do("GET", "/error", nil); !strings.Contains(rec.Body.String(), "</html>") {
		t.Error("the error page is cut off")
	}
}

func TestLogHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.do("GET", "/page/tok3n-of-a-link/more?q=tok3n", nil)
	o.do("GET", "/nowhere/tok3n", nil)
	if text := o.log.String(); strings.Contains(text, "tok3n") {
		t.Errorf("the log holds a token:\n%s", text)
	}
}

func TestRoutesAreListed(t *testing.T) {
	t.Parallel()
	o := open(t)
	last := ""
	found := map[string]web.Route{}
	for _, r := range o.rt.Routes() {
		if r.Pattern < last {
			t.Errorf("%q after %q", r.Pattern, last)
		}
		last = r.Pattern
		found[r.Pattern] = r
	}
	if r := found["POST /upload"]; r.Upload != 6<<20 || r.Access.String() != "public" {
		t.Errorf("upload route %+v", r)
	}
	if got := found["GET /needs"].Access.String(); got != "x.read" {
		t.Errorf("access %q", got)
	}
}
