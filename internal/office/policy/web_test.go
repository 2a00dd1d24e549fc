package policy_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/office/policy"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/peopletest"
)

var topicNames = map[string]framework.Text{
	"policy": {JA: "方針", EN: "policy"}, "legal": {JA: "法令", EN: "law"}, "mail": {JA: "メール", EN: "mail"}, "access": {JA: "アクセス権", EN: "access"},
}

// browsers gives the pages of policy to somebody, in each language.
func (o *office) browsers(who context.Context, t *testing.T) []*peopletest.Browser {
	t.Helper()
	rt, _ := o.Router(policy.Messages())
	policy.NewWeb(o.svc, rt.Shell(), topicNames, func(context.Context) string { return "https://kizuki.example" }).Routes(rt)
	return peopletest.Browsers(who, t, rt)
}

func has(t *testing.T, page string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(page, part) {
			t.Errorf("no %q on the page", part)
		}
	}
}

func TestPagesOfADocument(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.Person(people.Person{FamilyName: `<b>"読者"`, Department: o.Department("製造部")})
	o.Site("工場")
	empty := o.browsers(o.keeper, t)
	for _, b := range empty {
		has(t, b.Get("/policy", 200), `href="/policy/new?type=policy"`)
		has(t, b.Get("/policy/new?type=policy&topic=mail", 200), `value="policy" checked`)
	}
	b := empty[0]
	form := url.Values{"type": {"regulation"}, "title": {"ﾒｰﾙ利用規程"}, "topics": {"mail"}, "body": {"一、守ること。\r\n二、<script>"}, "owner": {o.author}, "version": {"0"}}
	at := b.Post("/policy/new", form, 303)
	key := strings.TrimPrefix(at, "/policy/")
	for _, b := range o.browsers(o.keeper, t) {
		has(t, b.Get("/policy", 200), at)
		for _, format := range []string{"xlsx", "csv", "cp932", "json"} {
			b.Get("/policy/export?format="+format, 200)
		}
		page := b.Get(at, 200)
		has(t, page, "メール利用規程", "&lt;script&gt;", at+"/sealed", at+"/ask", at+"/draft")
		if strings.Contains(page, at+"/approve") {
			t.Error("the author is offered to approve the own draft")
		}
		has(t, b.Get(at+"/draft", 200), "メール利用規程", `name="version" value="1"`)
		has(t, b.Get(at+"/print", 200), "data-print")
		b.Post(at+"/approve", nil, 403)
	}
	for _, b := range o.browsers(o.decide, t) {
		has(t, b.Get(at, 200), at+"/approve", `name="seen" value="1"`)
		b.Get("/policy/new", 403)
		b.Post(at+"/approve", url.Values{"seen": {"7"}}, 409)
		b.Post(at+"/approve", url.Values{"effective_on": {"2020-01-01"}}, 422)
		b.Post(at+"/approve", url.Values{"effective_on": {"someday"}}, 422)
	}
	o.browsers(o.decide, t)[0].Post(at+"/approve", url.Values{"seen": {"1"}}, 303)
	has(t, o.browsers(o.keeper, t)[0].Get(at, 200), "&lt;b&gt;&#34;読者&#34;")
	for _, b := range o.browsers(o.keeper, t) {
		page := b.Get(at, 200)
		has(t, page, at+"/notify", at+"/review", at+"/retire")
		has(t, b.Get(at+"/roster", 200), "製造部", "&lt;b&gt;&#34;読者&#34;", `enctype="multipart/form-data"`)
		b.Upload(at+"/notify", url.Values{"way": {"page"}, "on": {"2026-12-24"}}, "", "", nil, 422)
		b.Upload(at+"/notify", url.Values{"way": {"roster"}, "people": {o.chief}}, "", "", nil, 422)
		b.Upload(at+"/notify", url.Values{"way": {"roster"}}, "scan", "a.exe", []byte("MZ"), 422)
		link := b.Upload(at+"/notify", url.Values{"way": {"link"}}, "", "", nil, 200)
		has(t, link, "https://kizuki.example/l/policy/", "<svg")
		b.Upload(at+"/notify", url.Values{"way": {"posted"}, "place": {"食堂"}}, "scan", "photo.pdf", []byte(peopletest.PDF), 303)
		b.Post(at+"/review", url.Values{"result": {"unchanged"}, "on": {"2026-11-23"}}, 422)
		b.Post(at+"/review", url.Values{"result": {"unchanged"}, "on": {"2026-11-23"}, "considered": {"法改正なし"}}, 303)
	}
	o.next(key, "第二版")
	for _, b := range o.browsers(o.keeper, t) {
		has(t, b.Get(at, 200), "第二版", "食堂", "法改正なし")
		has(t, b.Post(at+"/ask", url.Values{"approver": {o.chief}}, 200), "https://kizuki.example/l/approve/")
		b.Post(at+"/ask", nil, 422)
		stale := url.Values{"type": {"regulation"}, "title": {"私の題"}, "topics": {"mail"}, "body": {"本文"}, "version": {"1"}}
		has(t, b.Post(at+"/draft", stale, 409), "私の題") // what was entered is still there
		b.Post(at+"/draft", url.Values{"type": {"regulation"}, "version": {"1"}}, 422)
		b.Upload(at+"/sealed", url.Values{"approver": {o.chief}}, "", "", nil, 422)
	}
	b = o.browsers(o.keeper, t)[0]
	b.Upload(at+"/sealed", url.Values{"approver": {o.chief}, "approved_on": {"2026-11-23"}}, "sealed", "印.pdf", []byte(peopletest.PDF), 303)
	for _, b := range o.browsers(o.keeper, t) {
		has(t, b.Get(at, 200), "/attachments/", "印.pdf")
	}
	b.Post(at+"/retire", nil, 303)
	b.Post(at+"/retire", nil, 409)
	for _, b := range o.browsers(o.keeper, t) {
		b.Get(at, 200)
		b.Get(at+"/roster", 409)
		b.Get("/policy/nothing", 404)
		b.Get("/policy", 200)
	}
}

func TestPagesForWhoOnlyReads(t *testing.T) {
	t.Parallel()
	o := open(t)
	key := o.inForce("メール利用規程")
	for _, b := range o.browsers(o.As("", policy.PermRead), t) {
		for _, path := range []string{"/policy", "/policy/" + key, "/policy/" + key + "/print"} {
			page := b.Get(path, 200)
			for _, act := range []string{"/notify", "/retire", "/policy/new", "/approve"} {
				if strings.Contains(page, act) {
					t.Errorf("%s offers %s", path, act)
				}
			}
		}
		b.Get("/policy/"+key+"/draft", 403)
		b.Post("/policy/"+key+"/retire", nil, 403)
	}
	for _, b := range o.browsers(o.As(""), t) {
		b.Get("/policy", 403)
	}
}
