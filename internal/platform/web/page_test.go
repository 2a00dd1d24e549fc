package web_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/platform/web/request"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func cookie(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: name, Value: value}) }
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change []func(*http.Request)
		want   string
	}{
		{"nothing said", nil, "ja"},
		{"Japanese browser", []func(*http.Request){header("Accept-Language", "ja,en-US;q=0.9")}, "ja"},
		{"reads some Japanese", []func(*http.Request){header("Accept-Language", "en-US,ja;q=0.5")}, "ja"},
		{"English browser", []func(*http.Request){header("Accept-Language", "en-GB,en;q=0.9")}, "en"},
		{"another language", []func(*http.Request){header("Accept-Language", "vi")}, "en"},
		{"the cookie wins", []func(*http.Request){header("Accept-Language", "en"), cookie("lang", "ja")}, "ja"},
		{"a made-up cookie", []func(*http.Request){cookie("lang", "../../etc")}, "ja"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			for _, path := range []string{"/page", "/nowhere", "/panic"} {
				rec := o.do("GET", path, nil, tc.change...)
				if want := `<html lang="` + tc.want + `">`; !strings.Contains(rec.Body.String(), want) {
					t.Errorf("%s is not %s: %.200s", path, want, rec.Body)
				}
			}
		})
	}
}

func TestLanguageSwitchNeverLeavesTheHouse(t *testing.T) {
	t.Parallel()
	o := open(t)
	tests := []struct{ path, want string }{
		{"/page?lang=en", "/page"},
		{"/page?q=%E3%81%82&lang=ja&topic=mail", "/page?q=%E3%81%82&topic=mail"},
		{"//evil.example/x?lang=en", "/evil.example/x"},
		{"///evil.example?lang=en", "/evil.example"},
		{`/\evil.example?lang=en`, "/%5Cevil.example"},
		{`/%5Cevil.example?lang=en`, "/%5Cevil.example"},
		{"/%2F/evil.example?lang=en", "/%2F/evil.example"},
		{"/%09/evil.example?lang=en", "/%09/evil.example"},
		{"/page%0D%0ASet-Cookie:x?lang=en", "/page%0D%0ASet-Cookie:x"},
	}
	for _, tc := range tests {
		rec := o.do("GET", "/", nil, func(r *http.Request) {
			u, err := url.ParseRequestURI(tc.path)
			if err != nil {
				t.Fatal(err)
			}
			r.URL = u
		})
		to := rec.Header().Get("Location")
		if rec.Code != 303 || to != tc.want {
			t.Errorf("%s: status %d to %q, want 303 to %q", tc.path, rec.Code, to, tc.want)
		}
		base, at := mustURL(t, "http://localhost:8600/"), mustURL(t, to)
		if got := base.ResolveReference(at); got.Host != base.Host || strings.HasPrefix(to, "//") {
			t.Errorf("%s leads to %s", tc.path, got)
		}
		var lang *http.Cookie
		for _, c := range rec.Result().Cookies() {
			if c.Name == "lang" {
				lang = c
			}
		}
		if lang == nil || !lang.HttpOnly || lang.Path != "/" {
			t.Errorf("%s: cookie %v", tc.path, lang)
		}
	}
	safe := open(t, func(c *web.Config) { c.Secure = true })
	c := safe.do("GET", "/page?lang=en", nil).Result().Cookies()
	if len(c) != 1 || c[0].Name != "__Host-lang" || !c[0].Secure || c[0].Path != "/" || c[0].Domain != "" {
		t.Errorf("over TLS the cookie is %v, want one that no other host can set", c)
	}
	for name, want := range map[string]string{"__Host-lang": `lang="en"`, "lang": `lang="ja"`} {
		if got := safe.do("GET", "/page", nil, cookie(name, "en")).Body.String(); !strings.Contains(got, want) {
			t.Errorf("over TLS with the cookie %s the page is not %s", name, want)
		}
	}
	for _, path := range []string{"/page?lang=fr", "/page?lang=", "/page?lang=en%0d"} {
		if rec := o.do("GET", path, nil); rec.Code != 200 {
			t.Errorf("%s: status %d, want the page as it is", path, rec.Code)
		}
	}
	if rec := o.do("POST", "/form?lang=en", strings.NewReader("title=x")); rec.Header().Get("Location") != "/page" {
		t.Errorf("a form is answered with %q", rec.Header().Get("Location"))
	}
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestLinkToTheOtherLanguage(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.rt.Handle("POST /refused", web.Public, func(http.ResponseWriter, *http.Request) error { return problem.Conflict("x.need") })
	tests := []struct {
		name, method, path string
		change             []func(*http.Request)
		want               string
	}{
		{"keeps the filter", "GET", "/page?topic=mail", nil, `href="/page?lang=en&amp;topic=mail"`},
		{"the other way", "GET", "/page", []func(*http.Request){cookie("lang", "en")}, `href="/page?lang=ja"`},
		{"a page that is not there", "GET", "http://localhost:8600//evil.example/x", nil, `href="/evil.example/x?lang=en"`},
		{"the answer to a form", "POST", "/refused", []func(*http.Request){header("Referer", "http://localhost:8600/page?topic=a")}, `href="/page?lang=en&amp;topic=a"`},
		{"a form from nowhere", "POST", "/refused", nil, `href="/?lang=en"`},
		{"a form from elsewhere", "POST", "/refused", []func(*http.Request){header("Referer", "http://evil.example//x")}, `href="/?lang=en"`},
	}
	for _, tc := range tests {
		rec := o.do(tc.method, tc.path, nil, tc.change...)
		if !strings.Contains(rec.Body.String(), tc.want) {
			t.Errorf("%s: no %s in %.1500s", tc.name, tc.want, rec.Body)
		}
	}
}

// flash gives the cookie that an act left.
func flash(t *testing.T, o *office, title string) *http.Cookie {
	t.Helper()
	rec := o.do("POST", "/form", strings.NewReader(url.Values{"title": {title}}.Encode()))
	for _, c := range rec.Result().Cookies() {
		if strings.HasSuffix(c.Name, "flash") {
			return c
		}
	}
	t.Fatal("the act left no flash")
	return nil
}

func TestFlash(t *testing.T) {
	t.Parallel()
	var asked []string
	o := open(t, func(c *web.Config) {
		c.Changes = func(_ *http.Request, request string) []web.Change {
			asked = append(asked, request)
			return nil
		}
	})
	c := flash(t, o, `<b>方針</b>`)
	if c.Name != "flash" || !c.HttpOnly || c.Secure || c.SameSite != http.SameSiteLaxMode {
		t.Errorf("cookie %v", c)
	}
	rec := o.do("GET", "/page", nil, cookie(c.Name, c.Value))
	if !strings.Contains(rec.Body.String(), "「&lt;b&gt;方針&lt;/b&gt;」を保存しました") {
		t.Errorf("the flash is missing or not escaped: %.2000s", rec.Body)
	}
	if len(asked) != 1 || len(asked[0]) != 26 {
		t.Errorf("changes were asked for %v, want the request of the act", asked)
	}
	taken := rec.Result().Cookies()
	if len(taken) != 1 || taken[0].MaxAge >= 0 {
		t.Errorf("the flash stays: %v", taken)
	}
	secure := open(t, func(c *web.Config) { c.Secure = true })
	if c := flash(t, secure, "x"); c.Name != "__Host-flash" || !c.Secure || c.Path != "/" || c.Domain != "" {
		t.Errorf("cookie over TLS %v", c)
	}
	if rec := secure.do("GET", "/page", nil, cookie("flash", c.Value)); strings.Contains(rec.Body.String(), "role=\"status\"><p>") {
		t.Error("over TLS a cookie without the prefix is taken")
	}
}

func TestLongTextsDoNotBreakTheFlash(t *testing.T) {
	t.Parallel()
	o := open(t)
	c := flash(t, o, strings.Repeat("あ", 200))
	if len(c.Value) > 3000 {
		t.Errorf("cookie of %d bytes", len(c.Value))
	}
	if rec := o.do("GET", "/page", nil, cookie(c.Name, c.Value)); rec.Code != 200 || !strings.Contains(rec.Body.String(), `class="flash"`) {
		t.Errorf("status %d", rec.Code)
	}
	o.rt.Handle("POST /long", web.Public, func(w http.ResponseWriter, r *http.Request) error {
		return o.rt.Shell().Done(w, r, "/page", "x.done", "title", strings.Repeat("x", 5000))
	})
	rec := o.do("POST", "/long", nil)
	if cs := rec.Result().Cookies(); rec.Code != 303 || len(cs) != 1 || len(cs[0].Value) > 100 {
		t.Errorf("status %d, cookies %v", rec.Code, cs)
	}
}

func TestForgedFlashIsHarmless(t *testing.T) {
	t.Parallel()
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	o := open(t)
	for name, value := range map[string]string{
		"not base64":         "%%%",
		"not JSON":           encode("hello"),
		"unknown key":        encode(`{"k":"<script>"}`),
		"key of a page":      encode(`{"k":"[x]"}`),
		"wrong types":        encode(`{"k":5,"a":"x"}`),
		"script as argument": encode(`{"k":"x.done","a":{"title":"<script>alert(1)</script>"}}`),
		"nested argument":    encode(`{"k":"x.done","a":{"title":{"a":["<script>"]}}}`),
		"missing argument":   encode(`{"k":"x.done"}`),
		"oversized":          encode(`{"k":"x.done","a":{"title":"` + strings.Repeat("<", 50_000) + `"}}`),
		"deep":               encode(strings.Repeat("[", 20_000)),
	} {
		rec := o.do("GET", "/page", nil, cookie("flash", value))
		if rec.Code != 200 || strings.Contains(rec.Body.String(), "<script>") {
			t.Errorf("%s: status %d, %.300s", name, rec.Code, rec.Body)
		}
	}
}

func TestStaticFiles(t *testing.T) {
	t.Parallel()
	o := open(t)
	page := o.do("GET", "/page", nil).Body.String()
	kinds := map[string]string{"tokens.css": "text/css; charset=utf-8", "kizuki.css": "text/css; charset=utf-8", "kizuki.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"}
	for name, kind := range kinds {
		_, rest, found := strings.Cut(page, `"/static/`)
		for found && !strings.HasPrefix(rest[strings.Index(rest, "/")+1:], name+`"`) {
			_, rest, found = strings.Cut(rest, `"/static/`)
		}
		if !found {
			t.Errorf("the page has no %s", name)
			continue
		}
		file, _, _ := strings.Cut(rest, `"`)
		address := "/static/" + file
		rec := o.do("GET", address, nil)
		if rec.Code != 200 || rec.Header().Get("Content-Type") != kind || rec.Body.Len() == 0 ||
			rec.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: status %d, headers %v", address, rec.Code, rec.Header())
		}
		for _, wrong := range []string{"/static/0000000000000000/" + name, "/static/x/" + name} {
			if rec := o.do("GET", wrong, nil); rec.Code != 404 || rec.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s: status %d, cached %q", wrong, rec.Code, rec.Header().Get("Cache-Control"))
			}
		}
	}
	for _, path := range []string{"/static/x/..%2f..%2frender.go", "/static/", "/static/x/"} {
		if rec := o.do("GET", path, nil); rec.Code != 404 {
			t.Errorf("%s: status %d", path, rec.Code)
		}
	}
}

func TestFrameNav(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.frame = func(*http.Request) (*web.Frame, error) {
		return &web.Frame{
			Company: `A & B "株"`, Person: "<i>", Banners: []web.Banner{{Key: "x.done", Args: problem.Args{"title": "注意"}, Link: "/page"}},
			Nav: []web.NavItem{{Key: "web.menu", Href: "javascript:alert(1)", Count: "6件", Current: true}, {Key: "web.more", Href: "/more", Wide: true}},
		}, nil
	}
	body := o.do("GET", "/page", nil).Body.String()
	for _, want := range []string{"A &amp; B &#34;株&#34;", "&lt;i&gt;", "「注意」を保存しました", `aria-current="page"`, "6件", "2026-11-23 12:00"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s on the page", want)
		}
	}
	if strings.Contains(body, "javascript:") {
		t.Error("an address that runs a script stands on the page")
	}
}

func TestViewsPanicAtStartWhenTheyAreWrong(t *testing.T) {
	t.Parallel()
	o := open(t)
	for name, text := range map[string]string{"does not parse": "{{define", "unknown function": `{{define "main"}}{{shout "x"}}{{end}}`} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: taken", name)
				}
			}()
			o.rt.Shell().MustViews(fstest.MapFS{"views/x.html": {Data: []byte(text)}})
		}()
	}
	views := o.rt.Shell().MustViews(fstest.MapFS{"views/_part.html": {Data: []byte(`{{define "part"}}<p id="p">{{.}}</p>{{end}}`)}, "views/x.html": {Data: []byte(
		`{{define "title"}}x{{end}}{{define "main"}}{{template "part" .}}{{end}}`)}})
	if got := views.Names(); len(got) != 1 || got[0] != "x" {
		t.Errorf("pages %v", got)
	}
	o.rt.Handle("GET /part", web.Public, func(w http.ResponseWriter, r *http.Request) error {
		if web.IsFragment(r) {
			return views.Fragment(w, r, "x", "part", "ここ")
		}
		return views.Render(w, r, "x", "ここ")
	})
	part := o.do("GET", "/part", nil, header("X-Fragment", "p"))
	if part.Body.String() != `<p id="p">ここ</p>` || part.Header().Get("Vary") != "X-Fragment" {
		t.Errorf("fragment %q, headers %v", part.Body, part.Header())
	}
	if whole := o.do("GET", "/part", nil); !strings.Contains(whole.Body.String(), part.Body.String()) || !strings.Contains(whole.Body.String(), "<html") {
		t.Errorf("the page does not hold its part: %.300s", whole.Body)
	}
	o.rt.Handle("GET /nopart", web.Public, func(w http.ResponseWriter, r *http.Request) error { return views.Fragment(w, r, "y", "part", nil) })
	if rec := o.do("GET", "/nopart", nil); rec.Code != 500 {
		t.Errorf("a fragment of no page: status %d", rec.Code)
	}
}

func TestRequestContext(t *testing.T) {
	t.Parallel()
	if id, locale := request.ID(t.Context()), request.Locale(t.Context()); id != "" || locale != "ja" {
		t.Errorf("outside a request: id %q, locale %q", id, locale)
	}
	ctx := request.WithLocale(request.WithID(t.Context(), "x"), "en")
	if id, locale := request.ID(ctx), request.Locale(ctx); id != "x" || locale != "en" {
		t.Errorf("id %q, locale %q", id, locale)
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	o := open(t)
	name := "髙橋"
	o.rt.Handle("GET /export", web.Public, func(w http.ResponseWriter, r *http.Request) error {
		text := r.URL.Query().Get("text")
		return web.Export(w, r, "list", sheet.Out{Title: "一覧", Columns: []sheet.OutColumn{{Title: "氏名"}}, Rows: [][]any{{name}, {text}}})
	})
	tests := []struct {
		query, kind, file string
		status            int
	}{
		{"format=xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "list.xlsx", 200},
		{"format=csv", "text/csv; charset=utf-8", "list.csv", 200},
		{"format=cp932", "text/csv; charset=shift_jis", "list.csv", 200},
		{"format=json", "application/json", "list.json", 200},
		{"format=cp932&text=%F0%A9%B8%BD", "", "", 415},
		{"format=pdf", "", "", 415},
		{"", "", "", 415},
	}
	for _, tc := range tests {
		rec := o.do("GET", "/export?"+tc.query, nil)
		if rec.Code != tc.status {
			t.Errorf("%s: status %d, want %d; %.2000s", tc.query, rec.Code, tc.status, rec.Body)
			continue
		}
		if tc.status != 200 {
			if strings.Contains(rec.Header().Get("Content-Disposition"), "list") {
				t.Errorf("%s: the refusal is sent as a file", tc.query)
			}
			continue
		}
		h := rec.Header()
		if h.Get("Content-Type") != tc.kind || h.Get("Content-Disposition") != `attachment; filename="`+tc.file+`"` || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", tc.query, h)
		}
	}
}
