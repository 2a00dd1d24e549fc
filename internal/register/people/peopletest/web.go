package peopletest

import (
	"bytes"
	"context"
	"io/fs"
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
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/people"
)

type viewer struct{ actor.Actor }

func (v viewer) SignedIn() bool      { return v.Via == "session" }
func (v viewer) Holds(p string) bool { return v.May(actor.Permission(p)) }

// Router returns a router with the texts of the registers and of more.
func (o *Office) Router(more ...fs.FS) (rt *web.Router, texts *i18n.Messages) {
	o.T.Helper()
	own := []fs.FS{web.Messages(), sheet.Messages(), attach.Messages(), link.Messages(), org.Messages(), people.Messages()}
	texts, err := i18n.New(append(own, more...)...)
	o.Must(err)
	return web.NewRouter(web.Config{
		Log: slog.New(slog.DiscardHandler), Messages: texts, Now: o.Clock.Now,
		Authenticate: func(r *http.Request) (*http.Request, web.Viewer, error) {
			return r, viewer{actor.From(r.Context())}, nil
		},
	}), texts
}

// Browser asks the routes of a router as one person in one language.
type Browser struct {
	T       testing.TB
	Handler http.Handler
	Who     context.Context //nolint:containedctx // who asks
	Locale  string
}

// Browsers returns one browser for each language.
func Browsers(who context.Context, t testing.TB, rt *web.Router) []*Browser {
	t.Helper()
	var all []*Browser
	for _, locale := range i18n.Locales {
		all = append(all, &Browser{t, rt.Handler(), who, locale})
	}
	return all
}

// Get gets a page and checks what holds for every page.
func (b *Browser) Get(path string, status int) string {
	b.T.Helper()
	return b.send(http.MethodGet, path, "", nil, status).Body.String()
}

// Post sends a form and returns where it leads, or the page that it answers with.
func (b *Browser) Post(path string, form url.Values, status int) string {
	b.T.Helper()
	return told(b.send(http.MethodPost, path, "application/x-www-form-urlencoded", []byte(form.Encode()), status))
}

// Upload sends a form with one file under field and returns what Post does.
func (b *Browser) Upload(path string, form url.Values, field, name string, data []byte, status int) string {
	b.T.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for key, values := range form {
		for _, v := range values {
			if err := m.WriteField(key, v); err != nil {
				b.T.Fatal(err)
			}
		}
	}
	if field != "" {
		part, err := m.CreateFormFile(field, name)
		if err != nil {
			b.T.Fatal(err)
		}
		if _, err := part.Write(data); err != nil {
			b.T.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		b.T.Fatal(err)
	}
	return told(b.send(http.MethodPost, path, m.FormDataContentType(), body.Bytes(), status))
}

func told(rec *httptest.ResponseRecorder) string {
	if to := rec.Header().Get("Location"); to != "" {
		return to
	}
	return rec.Body.String()
}

func (b *Browser) send(method, path, kind string, body []byte, status int) *httptest.ResponseRecorder {
	b.T.Helper()
	r := httptest.NewRequestWithContext(b.Who, method, "http://localhost"+path, bytes.NewReader(body))
	r.Header.Set("Accept-Language", b.Locale)
	r.Header.Set("Accept", "text/html")
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	rec := httptest.NewRecorder()
	b.Handler.ServeHTTP(rec, r)
	if rec.Code != status {
		b.T.Fatalf("%s %s in %s: status %d, want %d\n%.3000s", method, path, b.Locale, rec.Code, status, rec.Body)
	}
	if strings.HasPrefix(rec.Header().Get("Content-Type"), "text/html") {
		b.check(method+" "+path, rec.Body.String())
	}
	return rec
}

var (
	noText   = regexp.MustCompile(`\[[a-z]+\.[a-zA-Z0-9_.-]+\]`)
	noParam  = regexp.MustCompile(`\{[a-z_]+(\?[^}]*)?\}`)
	label    = regexp.MustCompile(`<label for="([^"]+)"`)
	input    = regexp.MustCompile(`<(?:input|select|textarea)\b[^>]*>`)
	id       = regexp.MustCompile(`\bid="([^"]+)"`)
	unnamed  = regexp.MustCompile(`type="hidden"|aria-label=`)
	rawValue = regexp.MustCompile(`%!|<no value>|ZgotmplZ|&lt;nil&gt;`)
)

// check looks for what no page may have: texts or parameters that are missing, ids that come twice, fields
// without a label, more or less than one heading of the first level.
func (b *Browser) check(name, page string) {
	b.T.Helper()
	for what, found := range map[string][]string{
		"missing texts": noText.FindAllString(page, -1), "open parameters": noParam.FindAllString(page, -1), "raw values": rawValue.FindAllString(page, -1),
	} {
		if found != nil {
			b.T.Errorf("%s in %s: %s %v", name, b.Locale, what, found)
		}
	}
	if n := strings.Count(page, "<h1"); n != 1 {
		b.T.Errorf("%s: %d headings of the first level", name, n)
	}
	labelled := map[string]bool{}
	for _, m := range label.FindAllStringSubmatch(page, -1) {
		labelled[m[1]] = true
	}
	ids := map[string]bool{}
	for _, m := range id.FindAllStringSubmatch(page, -1) {
		if ids[m[1]] {
			b.T.Errorf("%s: id %s comes twice", name, m[1])
		}
		ids[m[1]] = true
	}
	for _, field := range input.FindAllString(page, -1) {
		if unnamed.MatchString(field) {
			continue
		}
		if m := id.FindStringSubmatch(field); m == nil || !labelled[m[1]] {
			b.T.Errorf("%s: no label for %s", name, field)
		}
	}
	for at := range labelled {
		if !ids[at] {
			b.T.Errorf("%s: a label points at %s, which is not there", name, at)
		}
	}
	if !strings.Contains(page, `<html lang="`+b.Locale+`"`) {
		b.T.Errorf("%s is not in %s", name, b.Locale)
	}
}
