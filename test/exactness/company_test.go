// Package exactness_test shows, with the real catalogue and the real givers of facts, that one changed record
// turns the verdicts of exactly those clauses that it should turn, and of no others.
package exactness_test

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/catalog"
	"github.com/kizuki-security/kizuki/internal/office/policy"
	"github.com/kizuki-security/kizuki/internal/office/policy/demand"
	"github.com/kizuki-security/kizuki/internal/office/training"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/peopletest"
	"github.com/kizuki-security/kizuki/internal/register/people/roster"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
)

var catalogue = sync.OnceValues(func() (*framework.Catalog, error) { return framework.Load(catalog.FS) })

func load(t *testing.T) *framework.Catalog {
	t.Helper()
	c, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// company is an office in which everything that records can prove is in order.
type company struct {
	*peopletest.Office
	catalog  *framework.Catalog
	policy   *policy.Service
	demand   *demand.Service
	training *training.Service

	author, chief, worker, dispatched, away string            // person keys
	rules                                   map[string]string // topic → document
	sessions                                map[string]string // topic → session
	demands                                 map[demand.Type]string
	keeper, decide                          context.Context //nolint:containedctx // who acts
}

// lessons are the topics on which the catalogue asks for training that this version can record.
var lessons = []string{"mail", "web", "classification", "incident", "legal", "secrecy", "awareness", "executive_role", "workplace"}

// open builds the company as of 2026-11-23: the rules are of June, the lessons of July.
func open(t *testing.T) *company {
	t.Helper()
	c := &company{
		Office: peopletest.Open(t, "2026-06-01", policy.Migrations(), training.Migrations()), catalog: load(t),
		rules: map[string]string{}, sessions: map[string]string{}, demands: map[demand.Type]string{},
	}
	c.build()
	topics := c.catalog.Table.TopicKeys()
	c.staff()
	c.writeRules(topics)
	c.Clock.SetDay("2026-07-01")
	for _, topic := range lessons {
		c.sessions[topic] = c.teach(topic, c.everybody()...)
	}
	c.Clock.SetDay("2026-11-20")
	c.confirm()
	c.Clock.SetDay("2026-11-23")
	c.night()
	return c
}

// copy gives a test its own company.
func (c *company) copy(t *testing.T) *company {
	t.Helper()
	own := *c
	own.Office = c.Copy(t)
	own.build()
	return &own
}

func (c *company) build() {
	topics := c.catalog.Table.TopicKeys()
	c.policy = policy.New(c.DB, c.Facts, c.Files, c.Places, c.People, topics)
	c.demand = demand.New(c.DB, c.Facts, c.People, c.policy)
	c.training = training.New(c.DB, c.Facts, c.Files, c.Places, c.People, topics)
}

func (c *company) staff() {
	uses := func(name, class string) people.Person {
		return people.Person{FamilyName: name, Class: class, Mail: people.Yes, Internet: people.Yes}
	}
	c.author, c.chief = c.Person(uses("佐藤", people.Employee)), c.Person(uses("社長", people.Officer))
	c.dispatched = c.Person(uses("派遣", people.Dispatched))
	c.worker = c.Person(people.Person{FamilyName: "工場"}) // uses neither mail nor the internet
	c.away = c.Person(uses("休職", people.Employee))
	c.keeper = c.As(c.author, org.PermEdit, people.PermRead, people.PermEdit, policy.PermRead, policy.PermEdit, training.PermRead, training.PermEdit)
	c.decide = c.As(c.chief, people.PermRead, people.PermConfirm, policy.PermRead, policy.PermApprove)
	c.Must(c.People.Exclude(c.keeper, people.Exclusion{Person: c.away, Reason: "leave", From: c.Day("2026-06-01"), Until: c.Day("2026-12-31")}))
	_, err := c.Places.SaveDepartment(c.keeper, org.Department{Name: "総務部", Owner: c.chief})
	c.Must(err)
	c.Must(c.Places.AddMajorChange(c.keeper, org.MajorChange{On: c.Today(), What: "system", Note: "基幹システムの更新"}))
}

// writeRules writes one document a topic, approved by the chief, known to everybody, and the list of demands.
func (c *company) writeRules(topics []string) {
	for _, topic := range topics {
		c.rules[topic] = c.rule(topic)
		c.tell(c.rules[topic])
	}
	for _, kind := range demand.Types() {
		key, err := c.demand.Save(c.keeper, demand.Demand{Type: kind, Title: string(kind), Document: c.rules["legal"], ReflectedOn: c.Today()})
		c.Must(err)
		c.demands[kind] = key
	}
	c.Must(c.demand.AddCheck(c.keeper, demand.Check{Types: demand.Types(), Finding: "改正なし"}))
}

// rule makes a document on a topic that was approved and reviewed today.
func (c *company) rule(topic string) string {
	c.T.Helper()
	d := policy.Draft{Type: policy.TypeRegulation, Title: topic, Topics: []string{topic}, Body: "守ること。"}
	if topic == policy.TopicPolicy {
		d.Type = policy.TypePolicy
	}
	key, err := c.policy.Create(c.keeper, d)
	c.Must(err)
	c.Must(c.policy.Approve(c.decide, key, policy.Approval{}))
	c.review(key)
	return key
}

func (c *company) review(document string) {
	c.T.Helper()
	c.Must(c.policy.AddReview(c.keeper, document, policy.Review{On: c.Today(), Result: "unchanged", Considered: "変更なし"}))
}

// tell puts a document where it can always be read and has everybody sign for it.
func (c *company) tell(document string) {
	c.T.Helper()
	c.notify(document, policy.NewNotice{Way: policy.WayPage})
	c.notify(document, policy.NewNotice{Way: policy.WayRoster, People: c.everybody(), Scan: peopletest.Scan()})
}

func (c *company) notify(document string, n policy.NewNotice) {
	c.T.Helper()
	_, _, err := c.policy.Notify(c.keeper, document, n)
	c.Must(err)
}

// teach holds a complete lesson today.
func (c *company) teach(topic string, persons ...string) string {
	c.T.Helper()
	key, err := c.training.Save(c.keeper, training.Session{Title: topic, On: c.Today(), Topics: []string{topic}, Method: "class", Content: "内容"})
	c.Must(err)
	_, err = c.training.Attend(c.keeper, key, persons, training.WayHand, attach.Upload{})
	c.Must(err)
	c.Must(c.training.Reflect(c.keeper, key, training.Reflection{Found: "気づき", NextTime: "次回"}))
	return key
}

// everybody lists who is there and not excluded.
func (c *company) everybody() []string { return []string{c.author, c.chief, c.dispatched, c.worker} }

func (c *company) confirm() {
	c.T.Helper()
	var r roster.Roster
	c.Read(func(_ context.Context, tx *sqlite.Tx) (err error) {
		r, err = c.Roster.Roster(c.decide, tx)
		return err
	})
	c.Must(c.Roster.Confirm(c.decide, r.Mark, "", nil))
}

// night reads every source again, so that no verdict is open for want of a reading.
func (c *company) night() {
	c.T.Helper()
	ctx := actor.With(c.T.Context(), actor.House())
	for _, src := range []fact.Source{c.Places, c.People, c.Roster, c.policy, c.demand, c.training} {
		c.Must(c.DB.Write(ctx, func(tx *sqlite.Tx) error { return c.Facts.Sync(ctx, tx, src) }))
	}
}

// world is what the verdicts look at today.
func (c *company) world() *verdict.World {
	c.T.Helper()
	w := &verdict.World{Now: c.Clock.Now(), Today: c.Today(), FiscalStart: time.April, Table: c.catalog.Table, Facts: map[string][]fact.Fact{}}
	c.Read(func(ctx context.Context, tx *sqlite.Tx) error {
		facts, err := c.Facts.Current(ctx, tx)
		if err != nil {
			return err
		}
		for _, f := range facts {
			w.Facts[f.Kind] = append(w.Facts[f.Kind], f)
		}
		w.Readings, err = c.Facts.Readings(ctx, tx)
		return err
	})
	return w
}

// live lists the clauses that the facts of this version can decide, by a short name: the item, the kind and
// the place among those of that kind.
func live(t *testing.T) map[string]*framework.Clause {
	t.Helper()
	c := load(t)
	out := map[string]*framework.Clause{}
	for _, id := range []string{"jama-japia", "scs"} {
		for _, item := range c.Latest(id).Items() {
			nth := map[string]int{}
			for _, clause := range item.Clauses {
				nth[clause.Kind]++
				if clause.Rule != nil && !slices.ContainsFunc(clause.Kinds(c.Table), func(k string) bool { return !c.Table.Kinds[k].Live() }) {
					out[item.ID+" "+clause.Kind+" "+strconv.Itoa(nth[clause.Kind])] = clause
				}
			}
		}
	}
	return out
}

// verdicts judges every live clause today.
func (c *company) verdicts(t *testing.T) map[string]verdict.Result {
	t.Helper()
	w := c.world()
	out := map[string]verdict.Result{}
	for name, clause := range live(t) {
		out[name] = verdict.Evaluate(w, clause).Result
	}
	return out
}

// turned lists what changed from one judgement to the other, as "No. 28 target 1: met → unmet".
func turned(before, after map[string]verdict.Result) (out []string) {
	word := func(r verdict.Result) string {
		if r == verdict.Unknown {
			return "unknown"
		}
		return string(r)
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if before[name] != after[name] {
			out = append(out, name+": "+word(before[name])+" → "+word(after[name]))
		}
	}
	return out
}
