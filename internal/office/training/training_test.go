package training_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/office/training"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/peopletest"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

var topicKeys = []string{"policy", "legal", "incident", "classification", "access", "mail", "web"}

type office struct {
	*peopletest.Office
	svc    *training.Service
	person string
	ctx    context.Context //nolint:containedctx // who acts
}

func open(t testing.TB) *office {
	t.Helper()
	o := &office{Office: peopletest.Open(t, "2026-11-23", training.Migrations())}
	o.svc = training.New(o.DB, o.Facts, o.Files, o.Places, o.People, topicKeys)
	o.person = o.Person(people.Person{FamilyName: "佐藤", GivenName: "花子", EmployeeNo: "001", Class: people.Dispatched, Email: "hanako@example.jp"})
	o.ctx = o.As(o.person, training.PermRead, training.PermEdit)
	return o
}

func (o *office) session(on string) training.Session {
	return training.Session{Title: "標的型メール訓練", On: o.Day(on), Topics: []string{"mail", "web"}, Method: "class", Content: "見分け方", Teacher: "情シスの山田"}
}

func (o *office) save(s training.Session) string {
	o.T.Helper()
	key, err := o.svc.Save(o.ctx, s)
	o.Must(err)
	return key
}

func (o *office) find(key string) *training.Session {
	o.T.Helper()
	s, err := o.svc.Find(o.ctx, key)
	o.Must(err)
	return s
}

func (o *office) attend(key string, persons ...string) int {
	o.T.Helper()
	n, err := o.svc.Attend(o.ctx, key, persons, training.WayHand, attach.Upload{})
	o.Must(err)
	return n
}

// facts writes present facts as "kind member topic on".
func (o *office) facts(kinds ...string) (out []string) {
	for _, f := range o.Current(kinds...) {
		out = append(out, strings.TrimSpace(f.Kind+" "+f.Member+" "+f.Attr("topic")+" "+f.On.String()))
	}
	slices.Sort(out)
	return out
}

func findings(err error) (out []string) {
	for _, e := range problem.All(err) {
		out = append(out, strings.TrimSpace(e.Field+" "+e.Key))
	}
	return out
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	o := open(t)
	key := o.save(o.session("2026-11-20"))
	acts := map[string]struct {
		needs actor.Permission
		act   func(context.Context) error
	}{
		"list": {training.PermRead, func(ctx context.Context) error { _, err := o.svc.List(ctx, training.Filter{}); return err }},
		"find": {training.PermRead, func(ctx context.Context) error { _, err := o.svc.Find(ctx, key); return err }},
		"save": {training.PermEdit, func(ctx context.Context) error { _, err := o.svc.Save(ctx, o.session("2026-11-20")); return err }},
		"attend": {training.PermEdit, func(ctx context.Context) error {
			_, err := o.svc.Attend(ctx, key, []string{o.person}, "hand", attach.Upload{})
			return err
		}},
		"unattend": {training.PermEdit, func(ctx context.Context) error { return o.svc.Unattend(ctx, key, o.person) }},
		"reflect": {training.PermEdit, func(ctx context.Context) error {
			return o.svc.Reflect(ctx, key, training.Reflection{Found: "x", NextTime: "y"})
		}},
		"roster": {training.PermEdit, func(ctx context.Context) error {
			_, err := o.svc.ReadRoster(ctx, "a.csv", []byte("氏名\n佐藤 花子\n"))
			return err
		}},
	}
	for name, a := range acts {
		other := training.PermEdit
		if a.needs == training.PermEdit {
			other = training.PermRead
		}
		if got := problem.CodeOf(a.act(o.As(o.person, other))); got != problem.CodeForbidden {
			t.Errorf("%s without %s: code %q", name, a.needs, got)
		}
		if got := problem.CodeOf(a.act(t.Context())); got != problem.CodeUnauthenticated {
			t.Errorf("%s by nobody: code %q", name, got)
		}
	}
}

func TestSessionIsChecked(t *testing.T) {
	t.Parallel()
	o := open(t)
	tests := []struct {
		name   string
		change func(*training.Session)
		want   []string
	}{
		{"good", func(*training.Session) {}, nil},
		{"nothing", func(s *training.Session) { *s = training.Session{} }, []string{"title training.title.required", "on training.on.required", "topics training.topics.choose", "method training.method.choose"}},
		{"tomorrow", func(s *training.Session) { s.On = o.Day("2026-11-24") }, []string{"on training.on.future"}},
		{"made-up topic", func(s *training.Session) { s.Topics = []string{"mail", "golf"} }, []string{"topics training.topics.unknown"}},
		{"made-up method", func(s *training.Session) { s.Method = "telepathy" }, []string{"method training.method.choose"}},
	}
	for _, tc := range tests {
		s := o.session("2026-11-20")
		tc.change(&s)
		_, err := o.svc.Save(o.ctx, s)
		if diff := cmp.Diff(tc.want, findings(err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
	s := o.session("2026-11-20")
	s.Topics = []string{"web", "mail", "web"}
	if got := o.find(o.save(s)).Topics; !slices.Equal(got, []string{"mail", "web"}) {
		t.Errorf("topics %v, want each once in the order of the catalogue", got)
	}
}

func TestFactsOfASession(t *testing.T) {
	t.Parallel()
	o := open(t)
	key := o.save(o.session("2026-11-20"))
	at, person := "session/"+key, "person/"+o.person
	held := []string{"training.session " + at + " mail 2026-11-20", "training.session " + at + " web 2026-11-20"}
	expect := func(when string, want ...string) {
		t.Helper()
		slices.Sort(want)
		if diff := cmp.Diff(want, o.facts()[slices.IndexFunc(o.facts(), func(f string) bool { return strings.HasPrefix(f, "training.") }):]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
		o.SameAtNight(o.svc)
	}
	expect("held", held...)
	if n := o.attend(key, o.person); n != 1 {
		t.Errorf("%d new, want 1", n)
	}
	if n := o.attend(key, o.person); n != 0 {
		t.Errorf("%d new the second time, want 0", n)
	}
	done := append(slices.Clone(held), "training.completed "+person+" mail 2026-11-20", "training.completed "+person+" web 2026-11-20",
		"training.recorded "+at+" mail 2026-11-20", "training.recorded "+at+" web 2026-11-20")
	expect("attended", done...)
	if got := o.Current("training.completed")[0].Attr("class"); got != people.Dispatched {
		t.Errorf("class %q, want that of the day", got)
	}
	o.Must(o.svc.Reflect(o.ctx, key, training.Reflection{Found: "2名が押した", NextTime: "実例を見せる"}))
	expect("reflected", append(slices.Clone(done), "training.reflection "+at+" mail 2026-11-23", "training.reflection "+at+" web 2026-11-23")...)
	s := o.find(key)
	s.Content = ""
	o.save(*s)
	if got := o.facts("training.recorded"); got != nil {
		t.Errorf("a record without content counts as complete: %v", got)
	}
	o.Must(o.svc.Unattend(o.ctx, key, o.person))
	if got := o.facts("training.completed"); got != nil {
		t.Errorf("taken back, and still there: %v", got)
	}
	o.Refused(o.svc.Unattend(o.ctx, key, o.person), problem.CodeConflict, "training.not_attended")
	o.SameAtNight(o.svc)
}

func TestACorrectedDayMovesWhoTookPart(t *testing.T) {
	t.Parallel()
	o := open(t)
	key := o.save(o.session("2026-11-20"))
	o.attend(key, o.person)
	o.Must(o.svc.Reflect(o.ctx, key, training.Reflection{On: o.Day("2026-11-21"), Found: "x", NextTime: "y"}))
	s := o.find(key)
	s.On = o.Day("2026-11-22")
	_, err := o.svc.Save(o.ctx, *s)
	o.Refused(err, problem.CodeInvalid, "training.on.after_reflection")
	s.On = o.Day("2025-11-20") // a year wrong
	o.save(*s)
	for _, f := range o.Current("training.completed", "training.session", "training.recorded") {
		if f.On != s.On {
			t.Errorf("%s still stands at %v", f.Kind, f.On)
		}
	}
	o.SameAtNight(o.svc)
}

func TestTwoPeopleEditOneSession(t *testing.T) {
	t.Parallel()
	o := open(t)
	key := o.save(o.session("2026-11-20"))
	mine, theirs := *o.find(key), *o.find(key)
	mine.Title, theirs.Title = "私の題", "ほかの題"
	o.save(mine)
	_, err := o.svc.Save(o.ctx, theirs)
	o.Refused(err, problem.CodeConflict, "training.changed_meanwhile")
	if got := o.find(key).Title; got != "私の題" {
		t.Errorf("title %q", got)
	}
	theirs.Key = "nothing"
	_, err = o.svc.Save(o.ctx, theirs)
	o.Refused(err, problem.CodeNotFound, "training.not_found")
}

func TestAttendanceIsChecked(t *testing.T) {
	t.Parallel()
	o := open(t)
	key := o.save(o.session("2026-11-20"))
	attend := func(key string, persons []string, way string, scan attach.Upload) error {
		_, err := o.svc.Attend(o.ctx, key, persons, way, scan)
		return err
	}
	if diff := cmp.Diff([]string{"people training.people.choose", "scan training.scan.required"}, findings(attend(key, nil, training.WaySheet, attach.Upload{}))); diff != "" {
		t.Errorf("empty sheet (-want +got):\n%s", diff)
	}
	if got := problem.CodeOf(attend(key, []string{o.person, "nobody"}, training.WayHand, attach.Upload{})); got != problem.CodeNotFound {
		t.Errorf("somebody who is nobody: code %q", got)
	}
	o.Refused(attend("nothing", []string{o.person}, training.WayHand, attach.Upload{}), problem.CodeNotFound, "training.not_found")
	if got := o.find(key).Attendance; got != nil {
		t.Errorf("refused acts left %v", got)
	}
	o.Must(attend(key, []string{o.person}, training.WaySheet, peopletest.Scan()))
	o.Read(func(ctx context.Context, tx *sqlite.Tx) error {
		files, err := o.Files.Of(ctx, tx, "training/"+key)
		if len(files) != 1 {
			t.Errorf("files %v", files)
		}
		return err
	})
}

func TestReflectionIsChecked(t *testing.T) {
	t.Parallel()
	o := open(t)
	key := o.save(o.session("2026-11-20"))
	for name, tc := range map[string]struct {
		r    training.Reflection
		want []string
	}{
		"nothing":            {training.Reflection{}, []string{"found training.reflection.found.required", "next_time training.reflection.next.required"}},
		"before the session": {training.Reflection{On: o.Day("2026-11-19"), Found: "x", NextTime: "y"}, []string{"on training.reflection.too_early"}},
		"tomorrow":           {training.Reflection{On: o.Day("2026-11-24"), Found: "x", NextTime: "y"}, []string{"on training.on.future"}},
		"the same day":       {training.Reflection{On: o.Day("2026-11-20"), Found: "x", NextTime: "y"}, nil},
	} {
		if diff := cmp.Diff(tc.want, findings(o.svc.Reflect(o.ctx, key, tc.r))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got := o.find(key).Reflections; len(got) != 1 || got[0].By != o.person {
		t.Errorf("reflections %v", got)
	}
}

func TestTeacherIsAName(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.save(o.session("2026-11-20"))
	o.Read(func(ctx context.Context, tx *sqlite.Tx) error {
		rows, err := audit.List(ctx, tx, audit.Filter{Object: "training/"})
		if len(rows) != 1 || strings.Contains(rows[0].After, "山田") {
			t.Errorf("the name of the teacher stands in the log for good: %v", rows)
		}
		return err
	})
}

func TestFilter(t *testing.T) {
	t.Parallel()
	o := open(t)
	var keys []string
	for _, on := range []string{"2025-04-01", "2026-04-01", "2026-11-20"} {
		s := o.session(on)
		if on == "2026-04-01" {
			s.Topics = []string{"web"}
		}
		keys = append(keys, o.save(s))
	}
	for name, tc := range map[string]struct {
		f    training.Filter
		want []string
	}{
		"all, newest first": {training.Filter{}, []string{keys[2], keys[1], keys[0]}},
		"from, that day in": {training.Filter{From: o.Day("2026-04-01")}, []string{keys[2], keys[1]}},
		"to, that day in":   {training.Filter{To: o.Day("2026-04-01")}, []string{keys[1], keys[0]}},
		"topic":             {training.Filter{Topic: "mail"}, []string{keys[2], keys[0]}},
		"part of a topic":   {training.Filter{Topic: "we"}, nil},
		"signs of LIKE":     {training.Filter{Topic: "%"}, nil},
	} {
		found, err := o.svc.List(o.ctx, tc.f)
		o.Must(err)
		var got []string
		for _, s := range found {
			got = append(got, s.Key)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestDuties(t *testing.T) {
	t.Parallel()
	o := open(t)
	expect := func(when string, want ...string) {
		t.Helper()
		got := o.Duties(o.svc)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	expect("in the middle of the fiscal year nothing is pressing")
	s := o.session("2026-11-20")
	s.Content = ""
	key := o.save(s)
	expect("held", "training.complete/"+key+" 2026-12-20", "training.reflect/"+key+" 2026-12-20")
	o.attend(key, o.person)
	o.Must(o.svc.Reflect(o.ctx, key, training.Reflection{Found: "x", NextTime: "y"}))
	expect("attended, without content", "training.complete/"+key+" 2026-12-20")
	open := *o.find(key)
	open.Content = "見分け方"
	o.save(open)
	expect("complete")
	o.Clock.SetDay("2027-02-01")
	expect("the end of the year comes near", "training.yearly/classification 2027-03-31", "training.yearly/incident 2027-03-31", "training.yearly/legal 2027-03-31")
	o.Clock.SetDay("2027-09-22")
	for _, d := range o.Duties(o.svc) {
		if strings.HasPrefix(d, "training.yearly/mail") && d != "training.yearly/mail 2027-11-20" {
			t.Errorf("duty %s, want 365 days after the last", d)
		}
	}
}

func TestFactsNameNobody(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.attend(o.save(o.session("2026-11-20")), o.person)
	var src fact.Source = o.svc
	o.Read(func(ctx context.Context, tx *sqlite.Tx) error {
		return src.EachRecord(ctx, tx, func(_ string, facts []fact.Fact) error {
			for _, f := range facts {
				if !slices.Contains(src.Kinds(), f.Kind) {
					t.Errorf("kind %s is not announced", f.Kind)
				}
				for _, v := range f.Attrs {
					if strings.ContainsAny(v, "佐藤花子山田") {
						t.Errorf("a name stands in a fact: %v", f.Attrs)
					}
				}
			}
			return nil
		})
	})
}
