package reader_test

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/office/policy"
	"github.com/kizuki-security/kizuki/internal/office/policy/reader"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/peopletest"
)

type office struct {
	*peopletest.Office
	svc            *policy.Service
	author, chief  string
	keeper, decide context.Context //nolint:containedctx // who acts
}

func open(t *testing.T) *office {
	t.Helper()
	o := &office{Office: peopletest.Open(t, "2026-11-23", policy.Migrations())}
	o.svc = policy.New(o.DB, o.Facts, o.Files, o.Places, o.People, []string{"policy", "mail"})
	o.author, o.chief = o.Person(people.Person{FamilyName: "佐藤", GivenName: "花子", EmployeeNo: "001"}), o.Person(people.Person{FamilyName: "社長"})
	o.keeper = o.As(o.author, policy.PermRead, policy.PermEdit)
	o.decide = o.As(o.chief, policy.PermRead, policy.PermApprove)
	return o
}

func (o *office) browsers(who context.Context, t *testing.T) []*peopletest.Browser {
	t.Helper()
	rt, _ := o.Router(policy.Messages(), reader.Messages())
	topics := map[string]framework.Text{"policy": {JA: "方針", EN: "policy"}, "mail": {JA: "メール", EN: "mail"}}
	reader.NewWeb(o.DB, o.svc, o.People, rt.Shell(), topics).Routes(rt)
	return peopletest.Browsers(who, t, rt)
}

func (o *office) written() string {
	o.T.Helper()
	key, err := o.svc.Create(o.keeper, policy.Draft{Type: policy.TypeRegulation, Title: "メール利用規程", Topics: []string{"mail"}, Body: "第一版の本文。"})
	o.Must(err)
	return key
}

func (o *office) inForce() string {
	o.T.Helper()
	key := o.written()
	o.Must(o.svc.Approve(o.decide, key, policy.Approval{}))
	return key
}

func (o *office) next(key, body string) {
	o.T.Helper()
	doc, err := o.svc.Find(o.keeper, key)
	o.Must(err)
	o.Must(o.svc.SaveDraft(o.keeper, key, policy.Draft{Type: doc.Type, Title: doc.Title, Topics: doc.Topics, Body: body, ChangeNote: "見直し", Version: doc.Version}))
}

func (o *office) told(key string) (people []string) {
	o.T.Helper()
	doc, err := o.svc.Find(o.keeper, key)
	o.Must(err)
	for person := range doc.Notified(1) {
		people = append(people, person)
	}
	slices.Sort(people)
	return people
}

func TestReadingWithAnAccount(t *testing.T) {
	t.Parallel()
	o := open(t)
	who := o.As(o.author) // no permission at all: an account is enough
	for _, b := range o.browsers(who, t) {
		b.Get("/read", 200)
		b.Get("/read/nothing", 404)
	}
	key := o.inForce()
	draft := o.written()
	for _, b := range o.browsers(who, t) {
		page := b.Get("/read", 200)
		if !strings.Contains(page, key) || strings.Contains(page, draft) {
			t.Error("the list holds something else than what is in force")
		}
		b.Get("/read/"+draft, 404)
		if strings.Contains(b.Get("/read/"+key, 200), "<form") {
			t.Error("somebody is asked to confirm what nobody was told of")
		}
		b.Post("/read/"+key, nil, 409)
	}
	_, _, err := o.svc.Notify(o.keeper, key, policy.NewNotice{Way: policy.WayPage})
	o.Must(err)
	for _, b := range o.browsers(o.As(""), t) { // an account without a person
		if strings.Contains(b.Get("/read/"+key, 200), "<form") {
			t.Error("an account without a person is asked to confirm")
		}
		b.Post("/read/"+key, nil, 403)
	}
	for _, b := range o.browsers(who, t) {
		b.Get("/read/"+key, 200)
	}
	if to := o.browsers(who, t)[0].Post("/read/"+key, nil, 303); to != "/read" {
		t.Errorf("leads to %q", to)
	}
	if diff := cmp.Diff([]string{o.author}, o.told(key)); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	for _, b := range o.browsers(who, t) {
		if page := b.Get("/read/"+key, 200); strings.Contains(page, "<form") || !strings.Contains(page, "2026-11-23") {
			t.Error("who has read it is asked again")
		}
		b.Get("/read", 200)
	}
	for _, b := range o.browsers(t.Context(), t) {
		b.Post("/read/"+key, nil, 401)
	}
}

func TestReadingByLink(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.Person(people.Person{FamilyName: "鈴木", GivenName: "一郎"})
	o.Person(people.Person{FamilyName: "鈴木", GivenName: "一郎"})
	key := o.inForce()
	_, token, err := o.svc.Notify(o.keeper, key, policy.NewNotice{Way: policy.WayQR})
	o.Must(err)
	at := "/l/policy/" + token
	for _, b := range o.browsers(t.Context(), t) {
		if page := b.Get(at, 200); !strings.Contains(page, "第一版の本文。") || strings.Contains(page, "佐藤") {
			t.Error("the page shows something else than the edition")
		}
		b.Post(at, nil, 422)
		b.Post(at, url.Values{"number": {"999"}}, 422)
		b.Post(at, url.Values{"name": {"鈴木 一郎"}}, 422) // two of that name
		b.Get("/l/policy/madeup", 401)
		b.Get("/l/approve/"+token, 401)
		b.Post("/l/policy/madeup", url.Values{"number": {"001"}}, 401)
	}
	if got := o.told(key); got != nil {
		t.Errorf("told %v", got)
	}
	for _, b := range o.browsers(t.Context(), t) { // twice by the same person
		b.Post(at, url.Values{"number": {"００１"}}, 200)
	}
	if diff := cmp.Diff([]string{o.author}, o.told(key)); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if last := o.Acts()[len(o.Acts())-1]; last != "policy.acknowledged policy/"+key {
		t.Errorf("last act %q", last)
	}
	o.SameAtNight(o.svc)
	o.next(key, "第二版の本文。")
	o.Must(o.svc.Approve(o.decide, key, policy.Approval{}))
	for _, b := range o.browsers(t.Context(), t) {
		if page := b.Get(at, 409); strings.Contains(page, "第一版の本文。") {
			t.Error("an old poster shows an edition that no longer holds")
		}
		b.Post(at, url.Values{"number": {"001"}}, 409)
	}
	o.Clock.SetDay("2027-03-01")
	for _, b := range o.browsers(t.Context(), t) {
		b.Get(at, 401)
	}
}

func TestApprovingByLink(t *testing.T) {
	t.Parallel()
	o := open(t)
	key := o.written()
	old, err := o.svc.AskApproval(o.keeper, key, o.chief)
	o.Must(err)
	for _, b := range o.browsers(t.Context(), t) {
		if page := b.Get("/l/approve/"+old, 200); !strings.Contains(page, "第一版の本文。") || !strings.Contains(page, "社長") || !strings.Contains(page, "佐藤 花子") {
			t.Error("the page lacks the draft, its author or who is asked")
		}
	}
	o.next(key, "こっそり変えた。")
	for _, b := range o.browsers(t.Context(), t) {
		if page := b.Get("/l/approve/"+old, 409); strings.Contains(page, "こっそり") {
			t.Error("the link shows a draft that was not asked about")
		}
		b.Post("/l/approve/"+old, nil, 409)
	}
	if got := o.Current("policy.approved"); len(got) != 0 {
		t.Fatalf("approved: %v", got)
	}
	token, err := o.svc.AskApproval(o.keeper, key, o.chief)
	o.Must(err)
	all := o.browsers(t.Context(), t)
	for _, b := range all {
		b.Get("/l/approve/"+token, 200)
	}
	all[0].Post("/l/approve/"+token, nil, 200)
	all[0].Post("/l/approve/"+token, nil, 401) // works once
	facts := o.Current("policy.approved")
	if len(facts) != 1 || facts[0].Attr("approver") != o.chief || facts[0].Attr("author") != o.author || facts[0].Attr("way") != "person" {
		t.Errorf("facts %v", facts)
	}
	o.next(key, "第二版の本文。")
	again, err := o.svc.AskApproval(o.keeper, key, o.chief)
	o.Must(err)
	o.Must(o.svc.Approve(o.decide, key, policy.Approval{}))
	all[1].Post("/l/approve/"+again, nil, 409)
	o.SameAtNight(o.svc)
}
