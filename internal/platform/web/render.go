package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/web/request"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed views/*.html
var ownViews embed.FS

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this package.
func Messages() fs.FS { return messages }

// Frame is what surrounds a page. app fills it for each request.
type Frame struct {
	Locale   string
	Path     string // of this request
	Other    string // address of this page in the other language
	Company  string
	Period   string // "2026年度"
	Person   string // who is signed in, as shown; empty for nobody
	Today    jdate.Day
	Nav      []NavItem
	Banners  []Banner
	Flash    *Flash // what the act before this page did
	Bare     bool   // no menu: sign-in, set-up, link pages
	PrintNow string // time of printing, for the foot of printed pages
	Foot     string // a sentence more for that foot; empty: none
}

// NavItem is one entry of the menu, by what a person does.
type NavItem struct {
	Key     string // message key of the label
	Href    string
	Count   string // "6件", empty for none
	Current bool
	Wide    bool // only behind もっと見る on a phone
}

// Banner is one standing notice above the page (demo data, roles in one hand, clock).
type Banner struct {
	Key  string
	Args problem.Args
	Link string
}

// Msg is the sentence of the notice.
func (b Banner) Msg() i18n.Msg { return i18n.Msg{Key: b.Key, Args: b.Args} }

// page is what templates get: the frame and the feature's own view.
type page struct {
	Frame *Frame
	V     any
}

// Shell renders pages. It is safe for concurrent use.
type Shell struct {
	cfg    Config
	static *static
	views  *Views
}

func newShell(cfg Config) *Shell {
	s := &Shell{cfg: cfg, static: newStatic()}
	s.views = s.MustViews(ownViews)
	return s
}

// T returns a text in the language of the request.
func (s *Shell) T(r *http.Request, key string, args problem.Args) string {
	return s.cfg.Messages.T(request.Locale(r.Context()), key, args)
}

// Texts gives the message catalogue, for features that build sentences from data.
func (s *Shell) Texts() *i18n.Messages { return s.cfg.Messages }

// Views are the pages of one feature, parsed once per language.
type Views struct {
	shell *Shell
	sets  map[string]map[string]*template.Template // locale → page → set
}

// MustViews parses views/*.html of a feature. A page file defines "title" and "main"; files with a
// leading underscore define fragments for the pages beside them. A mistake panics: it is ours, at start.
func (s *Shell) MustViews(src fs.FS) *Views {
	v := &Views{shell: s, sets: map[string]map[string]*template.Template{}}
	files, err := fs.Glob(src, "views/*.html")
	if err != nil {
		panic(fmt.Sprintf("web: list views: %v", err))
	}
	for _, locale := range i18n.Locales {
		base := template.Must(template.New("layout").Funcs(s.funcs(locale)).ParseFS(ownViews, "views/_*.html"))
		for _, f := range files {
			if strings.HasPrefix(path.Base(f), "_") && src != fs.FS(ownViews) {
				template.Must(base.ParseFS(src, f))
			}
		}
		v.sets[locale] = map[string]*template.Template{}
		for _, f := range files {
			name := strings.TrimSuffix(path.Base(f), ".html")
			if strings.HasPrefix(name, "_") {
				continue
			}
			v.sets[locale][name] = template.Must(template.Must(base.Clone()).ParseFS(src, f))
			s.watch("parsed", locale, name)
		}
	}
	return v
}

// Names lists the pages, for the test that executes every template.
func (v *Views) Names() []string {
	var names []string
	for name := range v.sets["ja"] {
		names = append(names, name)
	}
	return names
}

// Render writes a page with status 200.
func (v *Views) Render(w http.ResponseWriter, r *http.Request, name string, view any) error {
	return v.render(w, r, http.StatusOK, name, view)
}

// RenderForm shows a form again with what is wrong: problems about fields stand at the fields, the
// others above. An err that no person can mend is returned, and so becomes an error page.
func (v *Views) RenderForm(w http.ResponseWriter, r *http.Request, err error, form *Form, name string, view any) error {
	code := problem.CodeOf(err)
	if code == problem.CodeInternal || code == problem.CodeForbidden || code == problem.CodeUnauthenticated {
		return err
	}
	trailOf(r.Context()).answered(err)
	form.addProblems(v.shell.cfg.Messages, request.Locale(r.Context()), err)
	return v.render(w, r, statusFor(code), name, view)
}

// Fragment writes one named template of a page: what data-swap and data-live put in place.
func (v *Views) Fragment(w http.ResponseWriter, r *http.Request, name, fragment string, view any) error {
	set := v.sets[request.Locale(r.Context())][name]
	if set == nil {
		return fmt.Errorf("no view %q", name)
	}
	var buf bytes.Buffer
	if err := set.ExecuteTemplate(&buf, fragment, view); err != nil {
		return fmt.Errorf("render fragment %s of %s: %w", fragment, name, err)
	}
	w.Header().Set("Vary", "X-Fragment")
	return write(w, http.StatusOK, &buf)
}

// IsFragment says whether the page's script asks for a part only.
func IsFragment(r *http.Request) bool { return r.Header.Get("X-Fragment") != "" }

func (v *Views) render(w http.ResponseWriter, r *http.Request, status int, name string, view any) error {
	locale := request.Locale(r.Context())
	set := v.sets[locale][name]
	if set == nil {
		return fmt.Errorf("no view %q", name)
	}
	frame, err := v.shell.frame(r)
	if err != nil {
		return fmt.Errorf("frame page %s: %w", name, err)
	}
	frame.Flash = v.shell.takeFlash(w, r)
	var buf bytes.Buffer
	if err := set.ExecuteTemplate(&buf, "layout", page{frame, view}); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	v.shell.watch("shown", locale, name)
	return write(w, status, &buf)
}

func (s *Shell) watch(what, locale, name string) {
	if s.cfg.Watch != nil {
		s.cfg.Watch(what, locale, name)
	}
}

func write(w http.ResponseWriter, status int, buf *bytes.Buffer) error {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(buf.Bytes())
	return nil
}

func (s *Shell) frame(r *http.Request) (*Frame, error) {
	frame := &Frame{Bare: true}
	if s.cfg.Frame != nil && r.Context().Value(bareKey{}) == nil {
		var err error
		if frame, err = s.cfg.Frame(r); err != nil {
			return nil, err
		}
	}
	frame.Locale = request.Locale(r.Context())
	frame.Path = r.URL.EscapedPath()
	frame.Other = otherLanguage(r, frame.Locale)
	frame.PrintNow = s.cfg.Now().In(jdate.Tokyo).Format("2006-01-02 15:04")
	return frame, nil
}

// otherLanguage keeps the whole address of the page, filters and all, and changes the language. What answers
// a form has no address of its own: there it is the page that holds the form.
func otherLanguage(r *http.Request, locale string) string {
	other := "en"
	if locale == "en" {
		other = "ja"
	}
	at := r.URL
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		at = &url.URL{Path: "/"}
		if from, err := url.Parse(r.Referer()); err == nil && from.Host == r.Host {
			at = from
		}
	}
	q := at.Query()
	q.Set("lang", other)
	return ownPath(at) + "?" + q.Encode()
}

// funcs are all the functions templates have; everything else is computed in Go before.
func (s *Shell) funcs(locale string) template.FuncMap {
	m := s.cfg.Messages
	return template.FuncMap{
		// t "key" "name" value …: a text with parameters.
		"t": func(key string, pairs ...any) (string, error) {
			args, err := pairArgs(pairs)
			return m.T(locale, key, args), err
		},
		// msg writes a message built in Go.
		"msg": func(msg i18n.Msg) string { return m.T(locale, msg.Key, msg.Args) },
		// text chooses the language of a catalogue text.
		"text": func(t any) string { return chooseText(locale, t) },
		"day":  func(d jdate.Day) string { return d.String() },
		"at": func(t time.Time) string {
			if t.IsZero() {
				return ""
			}
			return t.In(jdate.Tokyo).Format("2006-01-02 15:04")
		},
		"num":    func(n any) string { return m.Format(locale, n) },
		"static": s.static.path,
		"field":  fieldView,
		// mark writes a verdict as shape and word: met part unmet na, anything else is unknown.
		"mark":  func(result any) template.HTML { return markHTML(m, locale, fmt.Sprint(result), false) },
		"shape": func(result any) template.HTML { return markHTML(m, locale, fmt.Sprint(result), true) },
	}
}

func pairArgs(pairs []any) (problem.Args, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("odd number of message parameters: %v", pairs)
	}
	args := problem.Args{}
	for i := 0; i < len(pairs); i += 2 {
		args[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return args, nil
}

func chooseText(locale string, t any) string {
	if t, ok := t.(interface{ In(locale string) string }); ok {
		return t.In(locale)
	}
	return fmt.Sprint(t)
}

// markHTML writes one shape and one word, or the shape alone with the word for screen readers.
func markHTML(m *i18n.Messages, locale, result string, shapeOnly bool) template.HTML {
	switch result {
	case "met", "part", "unmet", "na":
	default:
		result = "unknown"
	}
	word := template.HTMLEscapeString(m.T(locale, "web.verdict."+result, nil))
	if shapeOnly {
		return template.HTML(`<span class="v ` + result + `"><span class="sr">` + word + `</span></span>`) //nolint:gosec // only constants and an escaped text
	}
	return template.HTML(`<span class="v ` + result + `">` + word + `</span>`) //nolint:gosec // only constants and an escaped text
}
