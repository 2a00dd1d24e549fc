package app_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/people"
)

// clickers is how many people are signed in; each reads 1 to 3 s before the next click.
const clickers = 100

// reads is what they look at; one click in twenty answers an item instead.
var reads = []string{
	"/today", "/gaps", "/sheet/jama-japia@2.3", "/sheet/jama-japia@2.3/28", "/sheet/jama-japia@2.3/49", "/people", "/policy", "/training", "/actions", "/conflicts", "/org",
}

// BenchmarkManyPeople has 100 people click through the sample company over real HTTP on loopback, each on a
// session of their own. Every iteration is one click; -benchtime 6000x takes two minutes. Reported are the 50th,
// 95th and 99th percentile of one click, those of the answers among them, that of /healthz as the floor of this
// machine at the same time, and the memory of the process, which holds the clickers too.
func BenchmarkManyPeople(b *testing.B) {
	a := openDemo(b)
	s, err := a.Listen(b.Context(), "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	crowd := make([]*clicker, clickers)
	for i := range crowd {
		crowd[i] = newClicker(b, a, s.Address(), i)
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	floor := &clicker{base: s.Address(), http: http.Client{}}
	resting, rest := context.WithCancel(ctx)
	var all, extra sync.WaitGroup
	extra.Go(func() {
		for resting.Err() == nil {
			floor.get(ctx, "/healthz")
			pause(resting, 100*time.Millisecond)
		}
	})
	b.ResetTimer()
	for _, p := range crowd {
		all.Go(func() {
			pause(ctx, time.Duration(p.rng.IntN(3000))*time.Millisecond) // they do not click in step
			for left.Add(-1) >= 0 {
				p.click(ctx)
				pause(ctx, time.Duration(1000+p.rng.IntN(2000))*time.Millisecond)
			}
		})
	}
	all.Wait()
	b.StopTimer()
	rest()
	extra.Wait()
	report(b, crowd, floor)
	stop()
	if err := <-ended; err != nil {
		b.Error(err)
	}
}

func report(b *testing.B, crowd []*clicker, floor *clicker) {
	b.Helper()
	var took, writes []time.Duration
	errs := 0
	for _, p := range crowd {
		took, writes, errs = append(took, p.took...), append(writes, p.writes...), errs+len(p.failed)
		for _, f := range p.failed {
			b.Log(f)
		}
	}
	percentile := func(name string, of []time.Duration, n int) {
		if len(of) > 0 {
			slices.Sort(of)
			b.ReportMetric(float64(of[min(len(of)-1, len(of)*n/100)].Microseconds())/1000, name)
		}
	}
	percentile("p50-ms", took, 50)
	percentile("p95-ms", took, 95)
	percentile("p99-ms", took, 99)
	percentile("write-p95-ms", writes, 95)
	percentile("healthz-p95-ms", floor.took, 95)
	b.ReportMetric(float64(errs), "errors")
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	b.ReportMetric(float64(mem.HeapInuse)/1e6, "heap-MB")
	b.ReportMetric(residentMB(b, os.Getpid()), "resident-MB")
	if errs > 0 {
		b.Errorf("%d clicks failed", errs)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// clicker is one person with a browser.
type clicker struct {
	base, item string
	cookie     *http.Cookie
	http       http.Client
	rng        *rand.Rand
	took       []time.Duration
	writes     []time.Duration
	failed     []string
}

func newClicker(b *testing.B, a *app.App, base string, i int) *clicker {
	b.Helper()
	login := fmt.Sprintf("clicker%d", i)
	ctx := app.AsCommand(b.Context())
	key, err := a.People.Add(ctx, people.Person{
		FamilyName: "負荷", GivenName: strconv.Itoa(i), Class: people.Employee, Mail: people.Unknown, Internet: people.Unknown, Joined: day("2026-11-01"),
	})
	if err != nil {
		b.Fatal(err)
	}
	_, err = a.Accounts.Create(ctx, account.NewAccount{
		Login: login, Password: password, Profile: account.Profile{Name: login, Person: key, Roles: []actor.Role{actor.Keeper}},
	})
	if err != nil {
		b.Fatal(err)
	}
	return &clicker{
		base: base, item: "/sheet/jama-japia@2.3/" + strconv.Itoa(i+1), cookie: signIn(b, a, login, password),
		rng: rand.New(rand.NewPCG(1, uint64(i))),
		http: http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: 2},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func (c *clicker) click(ctx context.Context) {
	if c.rng.IntN(20) == 0 {
		c.answer(ctx)
		return
	}
	c.get(ctx, reads[c.rng.IntN(len(reads))])
}

// get looks at a page and notes how long it took, until its last byte.
func (c *clicker) get(ctx context.Context, path string) []byte {
	return c.ask(ctx, http.MethodGet, path, nil, http.StatusOK)
}

// answer looks at an item of one's own and answers its first question.
func (c *clicker) answer(ctx context.Context) {
	form := formOf(c.get(ctx, c.item))
	if len(form["field"]) == 0 {
		c.failed = append(c.failed, c.item+" has no form")
		return
	}
	field, value := form["field"][0], "unmet"
	if form.Get("value-"+field) == value {
		value = "unknown"
	}
	form.Set("value-"+field, value)
	before := len(c.took)
	c.ask(ctx, http.MethodPost, c.item, form, http.StatusSeeOther)
	c.writes = append(c.writes, c.took[before:]...)
}

func (c *clicker) ask(ctx context.Context, method, path string, form url.Values, want int) []byte {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		c.failed = append(c.failed, err.Error())
		return nil
	}
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if c.cookie != nil {
		r.AddCookie(c.cookie)
	}
	began := time.Now()
	res, err := c.http.Do(r)
	if err != nil {
		c.failed = append(c.failed, err.Error())
		return nil
	}
	body, err := io.ReadAll(res.Body)
	c.took = append(c.took, time.Since(began))
	_ = res.Body.Close()
	if err != nil || res.StatusCode != want {
		c.failed = append(c.failed, fmt.Sprintf("%s %s: status %d, %v", method, path, res.StatusCode, err))
	}
	return body
}

// formOf reads the form of an item as a browser would send it.
func formOf(page []byte) url.Values {
	form := url.Values{}
	root, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		return form
	}
	for n := range root.Descendants() {
		attr := map[string]string{}
		for _, at := range n.Attr {
			attr[at.Key] = at.Val
		}
		_, checked := attr["checked"]
		if n.Data != "input" || attr["name"] == "" || attr["type"] == "file" || !checked && (attr["type"] == "radio" || attr["type"] == "checkbox") {
			continue
		}
		form.Add(attr["name"], attr["value"])
	}
	return form
}
