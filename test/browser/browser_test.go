// Package browser walks through the office with a real Chromium: the first afternoon of a new user, every
// page in both languages and on a phone, the keyboard alone, and no JavaScript. A missing browser or a
// missing axe-core fails; scripts/setup installs both.
package browser

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

const (
	chromium = "/usr/bin/chromium" // Debian's
	patience = 30 * time.Second    // for one step of one page
	wide     = 1280
	phone    = 375
)

// started is the one browser that all tests share, with a context of its own for each of them.
var started struct {
	once sync.Once
	ctx  context.Context
	err  error
}

// templates notes which pages there are and which were shown, by "locale name", over all tests of this package.
var templates struct {
	mu            sync.Mutex
	parsed, shown map[string]bool
}

func watch(what, locale, name string) {
	templates.mu.Lock()
	defer templates.mu.Unlock()
	if templates.parsed == nil {
		templates.parsed, templates.shown = map[string]bool{}, map[string]bool{}
	}
	if what == "parsed" {
		templates.parsed[locale+" "+name] = true
	} else {
		templates.shown[locale+" "+name] = true
	}
}

// neverShown lists the templates that no test of this package showed in one of the languages.
func neverShown() (missing []string) {
	for name := range templates.parsed {
		if !templates.shown[name] {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	return missing
}

func TestMain(m *testing.M) {
	code := m.Run()
	if whole := flag.Lookup("test.run").Value.String() == ""; code == 0 && whole {
		if missing := neverShown(); len(missing) > 0 {
			fmt.Fprintf(os.Stderr, "no test of this package shows these templates, by language: %s\n", strings.Join(missing, ", "))
			code = 1
		}
	}
	if started.ctx != nil {
		if err := chromedp.Cancel(started.ctx); err != nil {
			fmt.Fprintln(os.Stderr, "stop chromium:", err)
		}
	}
	os.Exit(code)
}

func browser(t testing.TB) context.Context {
	t.Helper()
	started.once.Do(func() {
		if _, err := os.Stat(chromium); err != nil {
			started.err = fmt.Errorf("chromium is needed for this test (scripts/setup installs it): %w", err)
			return
		}
		flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(wide, 900),
			chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "ja"), chromedp.Flag("accept-lang", "ja"))
		alloc, _ := chromedp.NewExecAllocator(context.Background(), flags...) // it ends with TestMain
		started.ctx, _ = chromedp.NewContext(alloc)                           //nolint:fatcontext // one browser for all tests; it ends with TestMain
		started.err = chromedp.Do(started.ctx)
	})
	if started.err != nil {
		t.Fatal(started.err)
	}
	return started.ctx
}

// tab is one tab in a browser context of its own: cookies are not shared.
type tab struct {
	t     testing.TB
	ctx   context.Context
	base  string
	mu    sync.Mutex
	noise []string // errors that the browser wrote about the pages
}

// newTab opens a tab at a width, in Japanese; it closes with the test.
func newTab(t testing.TB, base string, width int64) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser(t), chromedp.WithNewBrowserContext())
	b := &tab{t: t, ctx: ctx, base: base}
	t.Cleanup(func() {
		if t.Failed() {
			b.shoot("failed-" + strings.ReplaceAll(t.Name(), "/", "-"))
		}
		cancel()
	})
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900)); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.Type == chromedp.ConsoleException || m.Type == "error" || m.Source == "security" {
				b.mu.Lock()
				b.noise = append(b.noise, fmt.Sprintf("%s %s (%s)", m.Type, m.Text, m.URL))
				b.mu.Unlock()
			}
		}
	}()
	return b
}

// complaints gives and forgets what the browser complained about.
func (b *tab) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.noise
	b.noise = nil
	return out
}

func (b *tab) must(doing string, err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("%s (at %s): %v", doing, b.at(), err)
	}
}

// do runs steps that stay on the page.
func (b *tab) do(doing string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	b.must(doing, chromedp.Do(ctx, steps...))
}

// leave runs steps that lead to another page, waits for it, and gives its status.
func (b *tab) leave(doing string, steps ...chromedp.Action[chromedp.Void]) int {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	res, err := chromedp.RunResponse(ctx, steps...)
	b.must(doing, err)
	return int(res.Status)
}

// open goes to an address of the office and wants it to answer well.
func (b *tab) open(path string) {
	b.t.Helper()
	if got := b.leave("open "+path, chromedp.Navigate(b.base+path)); got != 200 {
		b.t.Fatalf("open %s: status %d", path, got)
	}
}

// click presses what the selector finds first and waits for the next page.
func (b *tab) click(css string) int {
	b.t.Helper()
	return b.leave("click "+css, chromedp.Click(chromedp.CSS(css)))
}

// fill writes into the field of a name: text, choice, tick or file.
func (b *tab) fill(name, value string) {
	b.t.Helper()
	sel := chromedp.CSS(`[name="` + name + `"]`)
	switch kind := eval[string](b, `(() => { const e = document.querySelector('[name="`+name+`"]'); return e ? e.tagName + " " + e.type : "none" })()`); kind {
	case "INPUT file":
		b.do("choose a file", chromedp.SetUploadFiles(sel, []string{value}))
	case "INPUT radio", "INPUT checkbox":
		b.do("tick "+name, chromedp.Click(chromedp.CSS(`[name="`+name+`"][value="`+value+`"]`)))
	case "SELECT select-one":
		b.do("choose "+name, chromedp.SetValue(sel, value))
		if got := eval[string](b, `document.querySelector('[name="`+name+`"]').value`); got != value {
			b.t.Fatalf("%s has no choice %q (at %s)", name, value, b.at())
		}
	case "none":
		b.t.Fatalf("no field %q at %s", name, b.at())
	default:
		if eval[string](b, `document.querySelector('[name="`+name+`"]').value`) != "" {
			b.do("clear "+name, chromedp.Clear(sel))
		}
		b.do("write "+name, chromedp.SendKeys(sel, value))
	}
}

// eval gives the value of an expression in the page.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	b.must("evaluate "+short(expression), err)
	return v
}

func short(text string) string {
	const most = 300
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// wait waits until an expression is true.
func (b *tab) wait(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Poll[bool](expression))
	b.must("wait for "+expression, err)
}

// at is the path of the page.
func (b *tab) at() string {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	at, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		return "?"
	}
	return strings.TrimPrefix(at, b.base)
}

// text is what a person reads in what the selector finds first.
func (b *tab) text(css string) string {
	b.t.Helper()
	return eval[string](b, "(document.querySelector(`"+css+"`) || {innerText: ''}).innerText")
}

// reads wants a text on the page.
func (b *tab) reads(css, want string) {
	b.t.Helper()
	if got := b.text(css); !strings.Contains(got, want) {
		b.t.Fatalf("%s at %s says %q, want %q in it", css, b.at(), short(got), want)
	}
}

// number gives the first number in what the selector finds.
func (b *tab) number(css string) int {
	b.t.Helper()
	found := regexp.MustCompile(`\d[\d,]*`).FindString(b.text(css))
	n, err := strconv.Atoi(strings.ReplaceAll(found, ",", ""))
	if err != nil {
		b.t.Fatalf("no number in %s at %s: %q", css, b.at(), b.text(css))
	}
	return n
}

// shoot saves a picture of the whole page into KIZUKI_SCREENSHOTS, or nowhere that lasts.
func (b *tab) shoot(name string) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Logf("no picture of %s: %v", name, err)
		return
	}
	dir := os.Getenv("KIZUKI_SCREENSHOTS")
	if dir == "" {
		dir = b.t.TempDir()
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600); err != nil {
		b.t.Errorf("keep picture %s: %v", name, err)
	}
}

// withoutScripts switches JavaScript off for the pages to come.
func (b *tab) withoutScripts() {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.must("switch JavaScript off", err)
}

// signIn signs in at the sign-in page.
func (b *tab) signIn(login, password string) {
	b.t.Helper()
	b.open("/login")
	b.fill("login", login)
	b.fill("password", password)
	if got := b.click("main button.first"); got != 200 || b.at() == "/login" {
		b.t.Fatalf("sign in as %s: status %d at %s", login, got, b.at())
	}
}

// fixed is a clock that stands at 10:00 in Tokyo on the day of the tests and runs on from there.
func fixed() func() time.Time {
	began := time.Now() // tests measure the real time that passes
	base := jdate.On(2026, time.November, 23).Start().Add(10 * time.Hour)
	return func() time.Time { return base.Add(time.Since(began)) }
}

// serve answers with an office on an address of its own until the test ends.
func serve(t testing.TB, a *app.App) (address string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background()) // it must outlive the cleanup of the tabs
	s, err := a.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		stop()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.Address()
}

// emptyOffice serves an empty folder and gives the one-time link of its set-up.
func emptyOffice(t testing.TB) (a *app.App, address, link string) {
	t.Helper()
	a, err := app.Open(t.Context(), app.Config{Dir: t.TempDir(), Now: fixed(), Log: app.DiscardLog(), Watch: watch})
	if err != nil {
		t.Fatal(err)
	}
	address = serve(t, a)
	if link, err = a.SetupLink(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a, address, strings.TrimPrefix(link, address)
}

// sampleOffice serves the sample company.
func sampleOffice(t testing.TB) (a *app.App, address string) {
	t.Helper()
	a, err := app.OpenDemo(t.Context(), app.Config{Dir: t.TempDir(), Now: fixed(), Log: app.DiscardLog(), Demo: true, Watch: watch}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a, serve(t, a)
}
