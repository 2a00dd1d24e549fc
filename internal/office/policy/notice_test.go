package policy_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/office/policy"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/peopletest"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func TestNoticeIsChecked(t *testing.T) {
	t.Parallel()
	o := open(t)
	key := o.inForce("メール利用規程")
	o.Clock.SetDay("2026-11-30")
	somebody := []string{o.chief}
	tests := []struct {
		name string
		n    policy.NewNotice
		want []string
	}{
		{"no way", policy.NewNotice{}, []string{"way policy.notice.way.choose"}},
		{"a way of approval", policy.NewNotice{Way: policy.WaySealed}, []string{"way policy.notice.way.choose"}},
		{"tomorrow", policy.NewNotice{Way: policy.WayPage, On: o.Day("2026-12-01")}, []string{"on policy.day.future"}},
		{"before the approval", policy.NewNotice{Way: policy.WayPage, On: o.Day("2026-11-22")}, []string{"on policy.notice.before_approval"}},
		{"roster without anything", policy.NewNotice{Way: policy.WayRoster}, []string{"people policy.notice.people.required", "scan policy.notice.roster_scan.required"}},
		{"roster without scan", policy.NewNotice{Way: policy.WayRoster, People: somebody}, []string{"scan policy.notice.roster_scan.required"}},
		{"poster without anything", policy.NewNotice{Way: policy.WayPosted}, []string{"place policy.notice.place.required", "scan policy.notice.photo.required"}},
		{"poster at no site", policy.NewNotice{Way: policy.WayPosted, Place: "食堂", Site: "x", Scan: peopletest.Scan()}, []string{"site policy.notice.site.unknown"}},
		{"scan that is a program", policy.NewNotice{Way: policy.WayRoster, People: somebody, Scan: attach.Upload{Name: "a.pdf", Data: []byte("MZ\x90")}}, []string{" attach.refused_other"}},
	}
	for _, tc := range tests {
		_, _, err := o.svc.Notify(o.keeper, key, tc.n)
		var got []string
		for _, e := range problem.All(err) {
			if e.Key == "attach.refused_other" {
				e.Field = ""
			}
			got = append(got, e.Field+" "+e.Key)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
	_, _, err := o.svc.Notify(o.keeper, key, policy.NewNotice{Way: policy.WayRoster, People: []string{o.chief, "nobody"}, Scan: peopletest.Scan()})
	if problem.CodeOf(err) != problem.CodeNotFound {
		t.Errorf("a roster with nobody: %v", err)
	}
	_, _, err = o.svc.Notify(o.keeper, o.written("下書き"), policy.NewNotice{Way: policy.WayPage})
	o.Refused(err, problem.CodeConflict, "policy.notice.nothing_in_force")
	if got := o.Current("policy.notice", "policy.notified", "policy.available"); len(got) != 0 {
		t.Errorf("refused notices left facts: %v", got)
	}
}

func TestWaysOfNotice(t *testing.T) {
	t.Parallel()
	tests := []struct {
		way       policy.Way
		token     bool
		available string
		told      int // people by the notice itself
	}{
		{policy.WayPage, false, "page", 0},
		{policy.WayLink, true, "page", 0},
		{policy.WayQR, true, "page", 0},
		{policy.WayRoster, false, "", 1},
		{policy.WayPosted, false, "posted", 2},
	}
	for _, tc := range tests {
		t.Run(string(tc.way), func(t *testing.T) {
			t.Parallel()
			o := open(t)
			key := o.inForce("メール利用規程")
			_, token, err := o.svc.Notify(o.keeper, key, policy.NewNotice{Way: tc.way, Place: "食堂", People: []string{o.chief}, Scan: peopletest.Scan()})
			o.Must(err)
			if (token != "") != tc.token {
				t.Errorf("token %q", token)
			}
			var where []string
			for _, f := range o.Current("policy.available") {
				where = append(where, f.Attr("where"))
			}
			var want []string
			if tc.available != "" {
				want = []string{tc.available, tc.available} // one for each topic
			}
			if diff := cmp.Diff(want, where); diff != "" {
				t.Errorf("where it can be read (-want +got):\n%s", diff)
			}
			if got := len(o.Current("policy.notified")); got != 2*tc.told {
				t.Errorf("%d facts of people told, want %d", got, 2*tc.told)
			}
			if got := len(o.Current("policy.notice")); got != 2 {
				t.Errorf("%d facts of the notice, want one for each topic", got)
			}
			o.SameAtNight(o.svc)
		})
	}
}

func TestPosterReachesWhoWasThere(t *testing.T) {
	t.Parallel()
	o := open(t)
	works, head := o.Site("工場"), o.Site("本社")
	there := o.Person(people.Person{FamilyName: "いる", Site: works})
	later := o.Person(people.Person{FamilyName: "あとから", Site: works, Joined: o.Day("2026-11-24")})
	o.Person(people.Person{FamilyName: "やめた", Site: works, Left: o.Day("2026-11-22")})
	moves := o.Person(people.Person{FamilyName: "本社の人", Site: head})
	key := o.inForce("メール利用規程")
	o.notify(key, policy.NewNotice{Way: policy.WayPosted, Place: "食堂", Site: works, Scan: peopletest.Scan()})
	told := func() (keys []string) {
		for person := range o.find(key).Notified(1) {
			keys = append(keys, person)
		}
		slices.Sort(keys)
		return keys
	}
	if diff := cmp.Diff([]string{there}, told()); diff != "" {
		t.Errorf("reached (-want +got):\n%s", diff)
	}
	o.Clock.SetDay("2026-12-01")
	house := actor.With(t.Context(), actor.House())
	var p people.Person
	o.Read(func(ctx context.Context, tx *sqlite.Tx) (err error) {
		p, err = o.People.ByKey(ctx, tx, moves)
		return err
	})
	p.Site = works
	o.Must(o.People.Save(house, p, o.Today()))
	if diff := cmp.Diff([]string{there}, told()); diff != "" {
		t.Errorf("who came after the notice counts as told (-want +got):\n%s", diff)
	}
	o.SameAtNight(o.svc)
	o.notify(key, policy.NewNotice{Way: policy.WayPosted, Place: "食堂", Site: works, Scan: peopletest.Scan()})
	want := []string{later, moves, there}
	slices.Sort(want)
	if diff := cmp.Diff(want, told()); diff != "" {
		t.Errorf("reached by the second poster (-want +got):\n%s", diff)
	}
}

func TestReadingOnScreen(t *testing.T) {
	t.Parallel()
	o := open(t)
	key := o.inForce("メール利用規程")
	reader := o.As(o.author)
	o.Refused(o.svc.Read(reader, key), problem.CodeConflict, "policy.read.no_notice")
	o.notify(key, policy.NewNotice{Way: policy.WayPage})
	o.Refused(o.svc.Read(o.As(""), key), problem.CodeForbidden, "policy.read.needs_person")
	o.Must(o.svc.Read(reader, key))
	o.Clock.SetDay("2026-12-01")
	o.Must(o.svc.Read(reader, key)) // again changes nothing
	if diff := cmp.Diff(map[string]jdate.Day{o.author: o.Day("2026-11-23")}, o.find(key).Notified(1)); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	o.next(key, "第二版")
	o.Must(o.svc.Approve(o.decide, key, policy.Approval{}))
	o.Refused(o.svc.Read(reader, key), problem.CodeConflict, "policy.read.no_notice")
	o.SameAtNight(o.svc)
}
