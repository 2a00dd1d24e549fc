package policy_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/office/policy"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/peopletest"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

var topicKeys = []string{"policy", "legal", "mail", "access"}

// office is an office with policies: somebody who writes them, and somebody who approves them.
type office struct {
	*peopletest.Office
	svc            *policy.Service
	author, chief  string          // person keys
	keeper, decide context.Context //nolint:containedctx // who acts
}

func open(t *testing.T) *office {
	t.Helper()
	o := &office{Office: peopletest.Open(t, "2026-11-23", policy.Migrations())}
	o.svc = policy.New(o.DB, o.Facts, o.Files, o.Places, o.People, topicKeys)
	o.author, o.chief = o.Person(people.Person{FamilyName: "佐藤", GivenName: "花子", EmployeeNo: "001"}), o.Person(people.Person{FamilyName: "社長", Class: people.Officer})
	o.keeper = o.As(o.author, policy.PermRead, policy.PermEdit)
	o.decide = o.As(o.chief, policy.PermRead, policy.PermApprove)
	return o
}

func draft(title string) policy.Draft {
	return policy.Draft{Type: policy.TypeRegulation, Title: title, Topics: []string{"mail", "access"}, Body: "守ること。"}
}

// written makes a document with a draft.
func (o *office) written(title string) string {
	o.T.Helper()
	key, err := o.svc.Create(o.keeper, draft(title))
	o.Must(err)
	return key
}

// inForce makes a document whose first edition holds from today.
func (o *office) inForce(title string) string {
	o.T.Helper()
	key := o.written(title)
	o.Must(o.svc.Approve(o.decide, key, policy.Approval{}))
	return key
}

func (o *office) find(key string) *policy.Document {
	o.T.Helper()
	doc, err := o.svc.Find(o.keeper, key)
	o.Must(err)
	return doc
}

// next opens the next edition of a document as the author.
func (o *office) next(key, body string) {
	o.T.Helper()
	d := draft("改正")
	d.Body, d.Version = body, o.find(key).Version
	o.Must(o.svc.SaveDraft(o.keeper, key, d))
}

func (o *office) notify(key string, n policy.NewNotice) {
	o.T.Helper()
	_, _, err := o.svc.Notify(o.keeper, key, n)
	o.Must(err)
}

// rows writes facts as "member on until attrs" for the given attributes.
func rows(facts []fact.Fact, attrs ...string) (out []string) {
	for _, f := range facts {
		text := []string{f.Member, f.On.String(), f.ValidUntil.String()}
		for _, a := range attrs {
			text = append(text, f.Attr(a))
		}
		out = append(out, strings.TrimRight(strings.Join(text, " "), " "))
	}
	slices.Sort(out)
	return out
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	o := open(t)
	key := o.inForce("メール利用規程")
	acts := map[string]struct {
		needs actor.Permission
		act   func(ctx context.Context) error
	}{
		"list":    {policy.PermRead, func(ctx context.Context) error { _, err := o.svc.List(ctx); return err }},
		"find":    {policy.PermRead, func(ctx context.Context) error { _, err := o.svc.Find(ctx, key); return err }},
		"create":  {policy.PermEdit, func(ctx context.Context) error { _, err := o.svc.Create(ctx, draft("x")); return err }},
		"draft":   {policy.PermEdit, func(ctx context.Context) error { return o.svc.SaveDraft(ctx, key, draft("x")) }},
		"approve": {policy.PermApprove, func(ctx context.Context) error { return o.svc.Approve(ctx, key, policy.Approval{}) }},
		"sealed": {policy.PermEdit, func(ctx context.Context) error {
			return o.svc.ApproveSealed(ctx, key, policy.Approval{}, peopletest.Scan())
		}},
		"ask": {policy.PermEdit, func(ctx context.Context) error { _, err := o.svc.AskApproval(ctx, key, o.chief); return err }},
		"notify": {policy.PermEdit, func(ctx context.Context) error {
			_, _, err := o.svc.Notify(ctx, key, policy.NewNotice{Way: policy.WayPage})
			return err
		}},
		"review": {policy.PermEdit, func(ctx context.Context) error { return o.svc.AddReview(ctx, key, policy.Review{}) }},
		"retire": {policy.PermEdit, func(ctx context.Context) error { return o.svc.Retire(ctx, key) }},
	}
	all := []actor.Permission{policy.PermRead, policy.PermEdit, policy.PermApprove}
	before := o.Acts()
	for name, a := range acts {
		if got := problem.CodeOf(a.act(t.Context())); got != problem.CodeUnauthenticated {
			t.Errorf("%s by nobody: code %q", name, got)
		}
		others := slices.DeleteFunc(slices.Clone(all), func(p actor.Permission) bool { return p == a.needs })
		if got := problem.CodeOf(a.act(o.As(o.chief, others...))); got != problem.CodeForbidden {
			t.Errorf("%s with every permission but %s: code %q", name, a.needs, got)
		}
	}
	if diff := cmp.Diff(before, o.Acts()); diff != "" {
		t.Errorf("refused acts left something behind (-before +after):\n%s", diff)
	}
}

func TestDraftIsChecked(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*policy.Draft)
		want   []string // field key
	}{
		{"good", func(*policy.Draft) {}, nil},
		{"a policy needs no topic", func(d *policy.Draft) { d.Type, d.Topics = policy.TypePolicy, nil }, nil},
		{"kept as a file", func(d *policy.Draft) { d.Body, d.Attachment = "", "key" }, nil},
		{"nothing at all", func(d *policy.Draft) { *d = policy.Draft{} }, []string{"type policy.type.choose", "title policy.title.required", "topics policy.topics.choose", "body policy.body.required"}},
		{"made-up type", func(d *policy.Draft) { d.Type = "law" }, []string{"type policy.type.choose"}},
		{"made-up topic", func(d *policy.Draft) { d.Topics = []string{"mail", "x,y"} }, []string{"topics policy.topics.unknown"}},
		{"the topic of policies", func(d *policy.Draft) { d.Topics = []string{"policy"} }, []string{"topics policy.topics.choose"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := draft("規程")
			tc.change(&d)
			var got []string
			for _, e := range problem.All(d.Validate(topicKeys)) {
				got = append(got, e.Field+" "+e.Key)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
	d := draft("規程")
	d.Topics = []string{"access", "mail", "access", "policy"}
	if err := d.Validate(topicKeys); err != nil || !slices.Equal(d.Topics, []string{"mail", "access"}) {
		t.Errorf("topics %v (%v), want each once in the order of the catalogue", d.Topics, err)
	}
	o := open(t)
	d.Owner = "somebody"
	_, err := o.svc.Create(o.keeper, d)
	if problem.CodeOf(err) != problem.CodeNotFound {
		t.Errorf("an owner who is nobody: %v", err)
	}
}

func TestApproval(t *testing.T) {
	t.Parallel()
	o := open(t)
	key := o.written("メール利用規程")
	both := o.As(o.author, policy.PermRead, policy.PermEdit, policy.PermApprove)
	o.Refused(o.svc.Approve(both, key, policy.Approval{}), problem.CodeForbidden, "policy.approve.own_draft")
	o.Refused(o.svc.Approve(o.As("", policy.PermApprove), key, policy.Approval{}), problem.CodeForbidden, "policy.approve.needs_person")
	o.Refused(o.svc.Approve(o.decide, key, policy.Approval{EffectiveOn: o.Day("2026-11-22")}), problem.CodeInvalid, "policy.effective.before_approval")
	o.Refused(o.svc.Approve(o.decide, "nothing", policy.Approval{}), problem.CodeNotFound, "policy.not_found")
	if len(o.Current("policy.in_force", "policy.approved")) != 0 {
		t.Error("a refused approval left facts")
	}
	o.Must(o.svc.Approve(o.decide, key, policy.Approval{EffectiveOn: o.Day("2026-12-01"), Seen: 1}))
	o.Refused(o.svc.Approve(o.decide, key, policy.Approval{}), problem.CodeConflict, "policy.approve.no_draft")
	doc := o.find(key)
	if doc.InForce(o.Today()) != nil || doc.InForce(o.Day("2026-12-01")) == nil {
		t.Error("the edition does not hold from the day on which it takes effect")
	}
	want := []string{"document/" + key + " 2026-11-23  " + o.author + " " + o.chief + " person access", "document/" + key + " 2026-11-23  " + o.author + " " + o.chief + " person mail"}
	if diff := cmp.Diff(want, rows(o.Current("policy.approved"), "author", "approver", "way", "topic")); diff != "" {
		t.Errorf("approvals (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"document/" + key + " 2026-12-01  1", "document/" + key + " 2026-12-01  1"}, rows(o.Current("policy.in_force"), "version")); diff != "" {
		t.Errorf("in force (-want +got):\n%s", diff)
	}
	o.SameAtNight(o.svc)
}

func TestAnAccountThatGotItsPersonLaterStaysTheAuthor(t *testing.T) {
	t.Parallel()
	o := open(t)
	who := actor.Actor{Account: "shared", Via: "session"}
	key, err := o.svc.Create(actor.With(t.Context(), actor.New(who, []actor.Permission{policy.PermEdit})), draft("規程"))
	o.Must(err)
	who.Person = o.chief
	err = o.svc.Approve(actor.With(t.Context(), actor.New(who, []actor.Permission{policy.PermApprove})), key, policy.Approval{})
	o.Refused(err, problem.CodeForbidden, "policy.approve.own_draft")
}

func TestADraftChangedWhileTheApproverReads(t *testing.T) {
	t.Parallel()
	o := open(t)
	key := o.written("メール利用規程")
	seen := o.find(key).Draft().Version
	o.next(key, "こっそり変えた。")
	o.Refused(o.svc.Approve(o.decide, key, policy.Approval{Seen: seen}), problem.CodeConflict, "policy.approve.changed_since")
	sealed := policy.Approval{Approver: o.chief, On: o.Today(), Seen: seen}
	o.Refused(o.svc.ApproveSealed(o.keeper, key, sealed, peopletest.Scan()), problem.CodeConflict, "policy.approve.changed_since")
	o.Must(o.svc.Approve(o.decide, key, policy.Approval{Seen: seen + 1}))
}

func TestTwoPeopleEditOneDraft(t *testing.T) {
	t.Parallel()
	o := open(t)
	key := o.written("メール利用規程")
	mine, theirs := draft("私の題"), draft("ほかの題")
	mine.Version, theirs.Version = o.find(key).Version, o.find(key).Version
	o.Must(o.svc.SaveDraft(o.keeper, key, mine))
	o.Refused(o.svc.SaveDraft(o.keeper, key, theirs), problem.CodeConflict, "policy.changed_meanwhile")
	if got := o.find(key).Title; got != "私の題" {
		t.Errorf("title %q, want that of the first", got)
	}
	again := draft("承認後の題")
	again.Version = o.find(key).Version
	o.Must(o.svc.Approve(o.decide, key, policy.Approval{}))
	o.Refused(o.svc.SaveDraft(o.keeper, key, again), problem.CodeConflict, "policy.changed_meanwhile")
	if o.find(key).Draft() != nil {
		t.Error("a form that was open during the approval opened the next edition")
	}
}

func TestSealedPaper(t *testing.T) {
	t.Parallel()
	o := open(t)
	key := o.written("情報管理規程")
	tests := []struct {
		name string
		a    policy.Approval
		scan attach.Upload
		want []string
	}{
		{"nothing", policy.Approval{}, attach.Upload{}, []string{"policy.approver.choose", "policy.approved_on.required", "policy.scan.required"}},
		{"tomorrow", policy.Approval{Approver: o.chief, On: o.Day("2026-11-24")}, peopletest.Scan(), []string{"policy.day.future"}},
		{"a program as scan", policy.Approval{Approver: o.chief, On: o.Today()}, attach.Upload{Name: "a.pdf", Data: []byte("MZ\x90")}, []string{"attach.refused_other"}},
		{"in force before it was sealed", policy.Approval{Approver: o.chief, On: o.Today(), EffectiveOn: o.Day("2020-01-01")}, peopletest.Scan(), []string{"policy.effective.before_approval"}},
	}
	for _, tc := range tests {
		var got []string
		for _, e := range problem.All(o.svc.ApproveSealed(o.keeper, key, tc.a, tc.scan)) {
			got = append(got, e.Key)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: findings (-want +got):\n%s", tc.name, diff)
		}
	}
	if got := problem.CodeOf(o.svc.ApproveSealed(o.keeper, key, policy.Approval{Approver: "x", On: o.Today()}, peopletest.Scan())); got != problem.CodeNotFound {
		t.Errorf("sealed by nobody on the list: code %q", got)
	}
	o.Must(o.svc.ApproveSealed(o.keeper, key, policy.Approval{Approver: o.chief, On: o.Day("2026-10-01")}, peopletest.Scan()))
	e := o.find(key).Editions[0]
	if e.Way != policy.WaySealed || e.ApprovedOn != o.Day("2026-10-01") || e.EffectiveOn != e.ApprovedOn || e.Sealed == "" {
		t.Errorf("edition %+v", e)
	}
	o.Read(func(ctx context.Context, tx *sqlite.Tx) error {
		files, err := o.Files.Of(ctx, tx, "policy/"+key)
		if len(files) != 1 || files[0].Key != e.Sealed {
			t.Errorf("files %v", files)
		}
		return err
	})
	own := o.written("自分で押した規程")
	o.Must(o.svc.ApproveSealed(o.keeper, own, policy.Approval{Approver: o.author, On: o.Today()}, peopletest.Scan()))
	facts := o.Current("policy.approved")
	last := facts[len(facts)-1]
	if last.Attr("author") != o.author || last.Attr("approver") != o.author {
		t.Errorf("a page sealed by its author says %v", last.Attrs)
	}
	o.SameAtNight(o.svc)
}

func TestApprovalLinkIsBoundToWhatWasShown(t *testing.T) {
	t.Parallel()
	o := open(t)
	key := o.written("メール利用規程")
	gone := o.Person(people.Person{FamilyName: "退職者", Joined: o.Day("2020-04-01"), Left: o.Day("2026-11-22")})
	_, err := o.svc.AskApproval(o.keeper, key, o.author)
	o.Refused(err, problem.CodeInvalid, "policy.approve.own_draft")
	_, err = o.svc.AskApproval(o.keeper, key, "")
	o.Refused(err, problem.CodeInvalid, "policy.approver.choose")
	_, err = o.svc.AskApproval(o.keeper, key, gone)
	o.Refused(err, problem.CodeInvalid, "policy.approver.not_active")
	done := o.inForce("施行中")
	_, err = o.svc.AskApproval(o.keeper, done, o.chief)
	o.Refused(err, problem.CodeConflict, "policy.approve.no_draft")
	token, err := o.svc.AskApproval(o.keeper, key, o.chief)
	if err != nil || len(token) < 20 {
		t.Errorf("token %q, %v", token, err)
	}
	err = o.DB.Write(t.Context(), func(tx *sqlite.Tx) error { return o.svc.ApproveByLink(t.Context(), tx, key, gone) })
	o.Refused(err, problem.CodeInvalid, "policy.approver.not_active")
}

func TestEditionsFollowEachOther(t *testing.T) {
	t.Parallel()
	o := open(t)
	key := o.inForce("メール利用規程")
	reader := o.Person(people.Person{FamilyName: "読者"})
	o.notify(key, policy.NewNotice{Way: policy.WayPosted, Place: "食堂", Scan: peopletest.Scan()})
	told := func() []string {
		return rows(slices.DeleteFunc(o.Current("policy.notified"), func(f fact.Fact) bool {
			return f.Member != "person/"+reader || f.Attr("topic") != "mail"
		}))
	}
	if diff := cmp.Diff([]string{"person/" + reader + " 2026-11-23"}, told()); diff != "" {
		t.Errorf("told of the first edition (-want +got):\n%s", diff)
	}
	o.next(key, "第二版")
	o.Clock.SetDay("2026-11-25")
	o.Must(o.svc.Approve(o.decide, key, policy.Approval{EffectiveOn: o.Day("2026-12-10")}))
	doc := o.find(key)
	if first := doc.InForce(o.Day("2026-12-09")); first == nil || first.Number != 1 {
		t.Error("the first edition does not hold until the second takes effect")
	}
	if second := doc.InForce(o.Day("2026-12-10")); second == nil || second.Number != 2 {
		t.Error("the second edition does not take effect")
	}
	mail := func(kind string, attrs ...string) []string {
		return rows(slices.DeleteFunc(o.Current(kind), func(f fact.Fact) bool { return f.Attr("topic") != "mail" }), attrs...)
	}
	want := []string{"document/" + key + " 2026-11-23 2026-12-09 1", "document/" + key + " 2026-12-10  2"}
	if diff := cmp.Diff(want, mail("policy.in_force", "version")); diff != "" {
		t.Errorf("in force (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"person/" + reader + " 2026-11-23 2026-12-09"}, told()); diff != "" {
		t.Errorf("who was told counts until the second takes effect (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"document/" + key + " 2026-11-25  changed"}, mail("policy.reviewed", "result")); diff != "" {
		t.Errorf("a new edition is the outcome of a review (-want +got):\n%s", diff)
	}
	o.Clock.SetDay("2026-12-11")
	o.notify(key, policy.NewNotice{Way: policy.WayRoster, People: []string{reader}, Scan: peopletest.Scan()})
	o.next(key, "第三版")
	o.Must(o.svc.Approve(o.decide, key, policy.Approval{}))
	if diff := cmp.Diff([]string{"person/" + reader + " 2026-12-11 2026-12-10"}, told()); diff != "" {
		t.Errorf("who was told of editions before the last two is not told any more (-want +got):\n%s", diff)
	}
	o.SameAtNight(o.svc)
}

func TestReviews(t *testing.T) {
	t.Parallel()
	o := open(t)
	key, waiting := o.inForce("メール利用規程"), o.written("下書きだけ")
	good := policy.Review{On: o.Day("2026-11-20"), Result: "unchanged", Considered: "法改正なし。"}
	tests := []struct {
		name   string
		change func(*policy.Review)
		key    string
	}{
		{"no day", func(r *policy.Review) { r.On = 0 }, "policy.review.on.required"},
		{"tomorrow", func(r *policy.Review) { r.On = o.Day("2026-11-24") }, "policy.day.future"},
		{"nothing looked at", func(r *policy.Review) { r.Considered = "" }, "policy.review.considered.required"},
		{"made-up result", func(r *policy.Review) { r.Result = "fine" }, "policy.review.result.choose"},
	}
	for _, tc := range tests {
		r := good
		tc.change(&r)
		o.Refused(o.svc.AddReview(o.keeper, key, r), problem.CodeInvalid, tc.key)
	}
	o.Refused(o.svc.AddReview(o.keeper, waiting, good), problem.CodeConflict, "policy.notice.nothing_in_force")
	o.Must(o.svc.AddReview(o.keeper, key, good))
	got := rows(o.Current("policy.reviewed"), "topic", "result")
	if diff := cmp.Diff([]string{"document/" + key + " 2026-11-20  access unchanged", "document/" + key + " 2026-11-20  mail unchanged"}, got); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	if doc := o.find(key); doc.Reviews[0].By != o.author || doc.ReviewDue(o.Today()) != o.Day("2027-11-23") {
		t.Errorf("review %+v, due %v", doc.Reviews[0], doc.ReviewDue(o.Today()))
	}
	o.SameAtNight(o.svc)
}

func TestRetire(t *testing.T) {
	t.Parallel()
	o := open(t)
	key := o.inForce("古い規程")
	o.notify(key, policy.NewNotice{Way: policy.WayPosted, Place: "食堂", Scan: peopletest.Scan()})
	o.Clock.SetDay("2026-12-01")
	o.next(key, "開いたままの下書き")
	o.Must(o.svc.Retire(o.keeper, key))
	o.Clock.SetDay("2026-12-05")
	o.Refused(o.svc.Retire(o.keeper, key), problem.CodeConflict, "policy.retired_already")
	d := draft("x")
	d.Version = o.find(key).Version
	o.Refused(o.svc.SaveDraft(o.keeper, key, d), problem.CodeConflict, "policy.retired_already")
	o.Refused(o.svc.Approve(o.decide, key, policy.Approval{}), problem.CodeConflict, "policy.retired_already")
	_, _, err := o.svc.Notify(o.keeper, key, policy.NewNotice{Way: policy.WayPage})
	o.Refused(err, problem.CodeConflict, "policy.notice.nothing_in_force")
	if doc := o.find(key); doc.RetiredOn != o.Day("2026-12-01") || doc.InForce(o.Today()) != nil || doc.InForce(o.Day("2026-11-30")) == nil {
		t.Errorf("retired on %v", doc.RetiredOn)
	}
	if got := o.Current("policy.notified", "policy.available"); len(got) != 0 {
		t.Errorf("nobody needs to know a retired rule: %v", got)
	}
	want := []string{"document/" + key + " 2026-11-23 2026-11-30", "document/" + key + " 2026-11-23 2026-11-30"}
	if diff := cmp.Diff(want, rows(o.Current("policy.in_force"))); diff != "" {
		t.Errorf("in force (-want +got):\n%s", diff)
	}
	if got := o.Duties(o.svc); got != nil {
		t.Errorf("duties %v", got)
	}
	o.SameAtNight(o.svc)
}

func TestDuties(t *testing.T) {
	t.Parallel()
	o := open(t)
	key := o.written("メール利用規程")
	expect := func(when string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, o.Duties(o.svc)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	expect("draft", "policy.approve/"+key+" ")
	o.Must(o.svc.Approve(o.decide, key, policy.Approval{}))
	expect("in force", "policy.notify/"+key+" 2026-11-23")
	o.notify(key, policy.NewNotice{Way: policy.WayPage})
	expect("told")
	o.Clock.SetDay("2027-10-08")
	expect("46 days before the review")
	o.Clock.SetDay("2027-10-09")
	expect("45 days before the review", "policy.review/"+key+" 2027-11-23")
	o.next(key, "第二版")
	expect("next edition", "policy.approve/"+key+" ", "policy.review/"+key+" 2027-11-23")
}

func TestEveryActIsRecorded(t *testing.T) {
	t.Parallel()
	o := open(t)
	key := o.written("規程")
	o.next(key, "直した。")
	_, err := o.svc.AskApproval(o.keeper, key, o.chief)
	o.Must(err)
	o.Must(o.svc.Approve(o.decide, key, policy.Approval{}))
	o.notify(key, policy.NewNotice{Way: policy.WayPage})
	o.Must(o.svc.Read(o.decide, key))
	o.Must(o.svc.AddReview(o.keeper, key, policy.Review{On: o.Today(), Result: "unchanged", Considered: "なし"}))
	o.Must(o.svc.Retire(o.keeper, key))
	acts := slices.DeleteFunc(o.Acts(), func(a string) bool { return !strings.HasPrefix(a, "policy.") })
	var want []string
	for _, act := range []string{"created", "drafted", "approval_asked", "approved", "notified", "acknowledged", "reviewed", "retired"} {
		want = append(want, "policy."+act+" policy/"+key)
	}
	if diff := cmp.Diff(want, acts); diff != "" {
		t.Errorf("acts (-want +got):\n%s", diff)
	}
}
