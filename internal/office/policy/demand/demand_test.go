package demand_test

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/office/policy"
	"github.com/kizuki-security/kizuki/internal/office/policy/demand"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/peopletest"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

type office struct {
	*peopletest.Office
	docs   *policy.Service
	svc    *demand.Service
	person string
	ctx    context.Context //nolint:containedctx // who acts
}

func open(t *testing.T) *office {
	t.Helper()
	o := &office{Office: peopletest.Open(t, "2026-11-23", policy.Migrations())}
	o.docs = policy.New(o.DB, o.Facts, o.Files, o.Places, o.People, []string{"policy", "legal"})
	o.svc = demand.New(o.DB, o.Facts, o.People, o.docs)
	o.person = o.Person(people.Person{FamilyName: "佐藤"})
	o.ctx = o.As(o.person, policy.PermRead, policy.PermEdit)
	return o
}

func (o *office) save(d demand.Demand) string {
	o.T.Helper()
	key, err := o.svc.Save(o.ctx, d)
	o.Must(err)
	return key
}

func (o *office) document() string {
	o.T.Helper()
	key, err := o.docs.Create(o.ctx, policy.Draft{Type: policy.TypeRegulation, Title: "法令管理規程", Topics: []string{"legal"}, Body: "守る。"})
	o.Must(err)
	return key
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	o := open(t)
	key := o.save(demand.Demand{Type: demand.Law, Title: "個人情報保護法"})
	for name, act := range map[string]func(context.Context) error{
		"save": func(ctx context.Context) error {
			_, err := o.svc.Save(ctx, demand.Demand{Type: demand.Law, Title: "x"})
			return err
		},
		"check": func(ctx context.Context) error {
			return o.svc.AddCheck(ctx, demand.Check{Types: demand.Types(), Finding: "なし"})
		},
	} {
		if got := problem.CodeOf(act(o.As("", policy.PermRead, policy.PermApprove))); got != problem.CodeForbidden {
			t.Errorf("%s by a reader: code %q", name, got)
		}
	}
	for name, act := range map[string]func(context.Context) error{
		"list": func(ctx context.Context) error { _, _, err := o.svc.List(ctx); return err },
		"find": func(ctx context.Context) error { _, err := o.svc.Find(ctx, key); return err },
	} {
		if got := problem.CodeOf(act(o.As("", policy.PermEdit))); got != problem.CodeForbidden {
			t.Errorf("%s without reading: code %q", name, got)
		}
		if got := problem.CodeOf(act(t.Context())); got != problem.CodeUnauthenticated {
			t.Errorf("%s by nobody: code %q", name, got)
		}
	}
}

func TestDemandIsChecked(t *testing.T) {
	t.Parallel()
	o := open(t)
	doc := o.document()
	tests := []struct {
		name string
		d    demand.Demand
		want []string
	}{
		{"nothing", demand.Demand{}, []string{"type demand.type.choose", "title demand.title.required"}},
		{"made-up type", demand.Demand{Type: "rumour", Title: "x"}, []string{"type demand.type.choose"}},
		{"reflected on no day", demand.Demand{Type: demand.Law, Title: "x", Document: doc}, []string{"reflected_on demand.reflected_on.required"}},
		{"reflected tomorrow", demand.Demand{Type: demand.Law, Title: "x", Document: doc, ReflectedOn: o.Day("2026-11-24")}, []string{"reflected_on demand.day.future"}},
		{"listed tomorrow", demand.Demand{Type: demand.Law, Title: "x", ListedOn: o.Day("2026-11-24")}, []string{"listed_on demand.day.future"}},
		{"ends next year", demand.Demand{Type: demand.Law, Title: "x", EndedOn: o.Day("2027-04-01")}, nil},
	}
	for _, tc := range tests {
		_, err := o.svc.Save(o.ctx, tc.d)
		var got []string
		for _, e := range problem.All(err) {
			got = append(got, e.Field+" "+e.Key)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
	_, err := o.svc.Save(o.ctx, demand.Demand{Type: demand.Law, Title: "x", Document: "none", ReflectedOn: o.Today()})
	o.Refused(err, problem.CodeNotFound, "policy.not_found")
	_, err = o.svc.Save(o.ctx, demand.Demand{Key: "none", Type: demand.Law, Title: "x"})
	o.Refused(err, problem.CodeNotFound, "demand.not_found")
}

func TestLifeOfADemand(t *testing.T) {
	t.Parallel()
	o := open(t)
	key := o.save(demand.Demand{Type: demand.Customer, Title: "A社の要求", Issuer: "A社"})
	facts := func(kinds ...string) (out []string) {
		for _, f := range o.Current(kinds...) {
			out = append(out, strings.TrimSpace(f.Kind+" "+f.Member+" "+f.Attr("type")+" "+f.On.String()+" "+f.ValidUntil.String()))
		}
		return out
	}
	expect := func(when string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, facts("demand.listed", "demand.reflected")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
		o.SameAtNight(o.svc)
	}
	expect("listed", "demand.listed demand/"+key+" customer 2026-11-23")
	d, err := o.svc.Find(o.ctx, key)
	o.Must(err)
	d.Document, d.ReflectedOn = o.document(), o.Day("2026-11-20")
	first := *d
	o.save(first)
	expect("reflected", "demand.reflected demand/"+key+" customer 2026-11-20", "demand.listed demand/"+key+" customer 2026-11-23")
	_, err = o.svc.Save(o.ctx, first) // a second person with the version of before
	o.Refused(err, problem.CodeConflict, "demand.changed_meanwhile")
	d, err = o.svc.Find(o.ctx, key)
	o.Must(err)
	d.EndedOn = o.Day("2027-01-01")
	o.save(*d)
	expect("ended", "demand.reflected demand/"+key+" customer 2026-11-20 2026-12-31", "demand.listed demand/"+key+" customer 2026-11-23 2026-12-31")
	acts := slices.DeleteFunc(o.Acts(), func(a string) bool { return !strings.HasPrefix(a, "demand.") })
	if diff := cmp.Diff([]string{"demand.listed demand/" + key, "demand.changed demand/" + key, "demand.changed demand/" + key}, acts); diff != "" {
		t.Errorf("acts (-want +got):\n%s", diff)
	}
}

func TestChecks(t *testing.T) {
	t.Parallel()
	o := open(t)
	for name, tc := range map[string]struct {
		c    demand.Check
		want []string
	}{
		"nothing":      {demand.Check{}, []string{"demand.check.types.choose", "demand.check.finding.required"}},
		"made-up type": {demand.Check{Types: []demand.Type{demand.Law, "x,law"}, Finding: "なし"}, []string{"demand.check.types.choose"}},
		"tomorrow":     {demand.Check{Types: demand.Types(), Finding: "なし", On: o.Day("2026-11-24")}, []string{"demand.day.future"}},
	} {
		var got []string
		for _, e := range problem.All(o.svc.AddCheck(o.ctx, tc.c)) {
			got = append(got, e.Key)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	o.Must(o.svc.AddCheck(o.ctx, demand.Check{Types: []demand.Type{demand.Law, demand.Customer}, Finding: "改正なし"}))
	var got []string
	for _, f := range o.Current("demand.checked") {
		got = append(got, f.Attr("type")+" "+f.On.String()+f.Member)
	}
	if diff := cmp.Diff([]string{"law 2026-11-23", "customer 2026-11-23"}, got); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	o.SameAtNight(o.svc)
}

func TestDuties(t *testing.T) {
	t.Parallel()
	o := open(t)
	expect := func(when string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, o.Duties(o.svc)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	expect("empty list")
	o.save(demand.Demand{Type: demand.Law, Title: "個人情報保護法"})
	over := o.save(demand.Demand{Type: demand.Customer, Title: "A社の要求"})
	expect("never checked", "demand.check ")
	o.Must(o.svc.AddCheck(o.ctx, demand.Check{Types: []demand.Type{demand.Law}, Finding: "改正なし"}))
	expect("customers never checked", "demand.check ")
	o.Clock.SetDay("2026-12-01")
	o.Must(o.svc.AddCheck(o.ctx, demand.Check{Types: []demand.Type{demand.Customer}, Finding: "改正なし"}))
	expect("both checked")
	o.Clock.SetDay("2027-10-09")
	expect("45 days before the older of the two runs out", "demand.check 2027-11-23")
	o.Must(o.svc.AddCheck(o.ctx, demand.Check{Types: []demand.Type{demand.Law}, Finding: "改正なし"}))
	o.Clock.SetDay("2027-10-18")
	expect("45 days before the other runs out", "demand.check 2027-12-01")
	d, err := o.svc.Find(o.ctx, over)
	o.Must(err)
	d.EndedOn = o.Today()
	o.save(*d)
	expect("the other does not apply any more")
}

func TestPages(t *testing.T) {
	t.Parallel()
	o := open(t)
	browsers := func(who context.Context) []*peopletest.Browser {
		rt, _ := o.Router(policy.Messages(), demand.Messages())
		demand.NewWeb(o.svc, rt.Shell()).Routes(rt)
		return peopletest.Browsers(who, t, rt)
	}
	doc := o.document()
	for _, b := range browsers(o.ctx) {
		b.Get("/demands", 200)
		b.Get("/demands/new", 200)
		b.Post("/demands/new", url.Values{"version": {"0"}}, 422)
		b.Post("/demands/new", url.Values{"type": {"law"}, "title": {"個人情報保護法 <x>"}, "gist": {"一\n二"}, "document": {doc}, "reflected_on": {"R8.11.1"}, "version": {"0"}}, 303)
	}
	all, _, err := o.svc.List(o.ctx)
	o.Must(err)
	at := "/demands/" + all[0].Key
	for i, b := range browsers(o.ctx) {
		for _, format := range []string{"xlsx", "csv", "cp932", "json"} {
			b.Get("/demands/export?format="+format, 200)
		}
		if list := b.Get("/demands/export?format=json", 200); !strings.Contains(list, "個人情報保護法 <x>") || !strings.Contains(list, "法令管理規程") {
			t.Errorf("exported: %s", list)
		}
		if page := b.Get("/demands", 200); !strings.Contains(page, "個人情報保護法 &lt;x&gt;") || !strings.Contains(page, "法令管理規程") {
			t.Error("the list lacks the demand or its regulation")
		}
		if page := b.Get(at, 200); !strings.Contains(page, `value="2026-11-01"`) {
			t.Error("the form lacks the day of the reflection")
		}
		b.Post("/demands/check", url.Values{"types": {"law", "x"}, "finding": {"なし"}}, 422)
		b.Post("/demands/check", url.Values{"types": {"law"}}, 422)
		b.Post("/demands/check", url.Values{"types": {"law"}, "finding": {"改正なし"}}, 303)
		b.Post(at, url.Values{"type": {"law"}, "title": {"新しい題"}, "version": {"9"}}, 409)
		b.Post(at, url.Values{"type": {"law"}, "title": {"題"}, "ended_on": {"2026-11-01"}, "version": {[]string{"1", "2"}[i]}}, 303)
		b.Get("/demands/nothing", 404)
	}
	o.Clock.SetDay("2028-01-01")
	for _, b := range browsers(o.As("", policy.PermRead)) {
		if page := b.Get("/demands", 200); strings.Contains(page, "<form") {
			t.Error("a reader is offered a form")
		}
		if page := b.Get(at, 200); strings.Contains(page, "<button") {
			t.Error("a reader is offered to save")
		}
		b.Get("/demands/new", 403)
		b.Post("/demands/check", nil, 403)
	}
}
