package policy

import (
	"context"
	"maps"
	"slices"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// documentKinds are the kinds that a document gives; catalog/kinds.yaml says what each means.
var documentKinds = []string{
	"policy.in_force", "policy.approved", "policy.reviewed", "policy.notice", "policy.notified", "policy.available",
}

// Kinds lists what this feature gives.
func (s *Service) Kinds() []string { return slices.Clone(documentKinds) }

// EachRecord derives all facts from the records again.
func (s *Service) EachRecord(ctx context.Context, tx *sqlite.Tx, yield func(string, []fact.Fact) error) error {
	docs, err := findDocuments(ctx, tx, "")
	if err != nil {
		return err
	}
	for _, d := range docs {
		if err := yield(record(d.Key), documentFacts(d)); err != nil {
			return err
		}
	}
	return nil
}

// documentFacts gives one row per topic for everything that happened to a document. Editions that were
// replaced stay as rows with an end, because reviews and notices are judged against each of them.
func documentFacts(d *Document) []fact.Fact {
	var out []fact.Fact
	for _, topic := range d.Topics {
		base := fact.Fact{Record: record(d.Key), Member: "document/" + d.Key, Link: "/policy/" + d.Key}
		add := func(kind, member string, on, until jdate.Day, attrs map[string]string) {
			f := base
			f.Kind, f.On, f.ValidUntil = kind, on, until
			if member != "" {
				f.Member = member
			}
			f.Attrs = map[string]string{"type": string(d.Type), "topic": topic}
			maps.Copy(f.Attrs, attrs)
			out = append(out, f)
		}
		editionFacts(d, add)
		for _, r := range d.Reviews {
			add("policy.reviewed", "", r.On, 0, map[string]string{"result": r.Result})
		}
		noticeFacts(d, add)
	}
	return out
}

type adder func(kind, member string, on, until jdate.Day, attrs map[string]string)

func editionFacts(d *Document, add adder) {
	ends := d.ends()
	for _, e := range d.Editions {
		if e.ApprovedOn.IsZero() {
			continue
		}
		version := map[string]string{"version": e.label()}
		add("policy.in_force", "", e.EffectiveOn, ends[e.Number], version)
		add("policy.approved", "", e.ApprovedOn, 0, map[string]string{
			"version": e.label(), "author": e.Author, "approver": e.Approver, "way": string(e.Way),
		})
		if e.Number > 1 { // a new edition is the outcome of a review
			add("policy.reviewed", "", e.ApprovedOn, 0, map[string]string{"result": "changed"})
		}
	}
}

// noticeFacts tells who got the newest edition, and who the one before: that one is in force until the
// newest takes effect, and counts until then.
func noticeFacts(d *Document, add adder) {
	told := map[int]bool{}
	for _, e := range d.Editions {
		if !e.ApprovedOn.IsZero() && d.RetiredOn.IsZero() && len(told) < 2 {
			told[e.Number] = true
		}
	}
	ends := d.ends()
	for _, n := range d.Notices {
		version := map[string]string{"version": Edition{Number: n.Edition}.label(), "way": string(n.Way)}
		add("policy.notice", "", n.On, 0, version)
		if !told[n.Edition] {
			continue
		}
		switch n.Way {
		case WayPage, WayLink, WayQR:
			add("policy.available", "", n.On, ends[n.Edition], map[string]string{"where": "page"})
		case WayPosted:
			add("policy.available", "", n.On, ends[n.Edition], map[string]string{"where": "posted"})
		default: // a roster shows it once; an approval is no notice
		}
		for _, person := range slices.Sorted(maps.Keys(n.People)) {
			add("policy.notified", "person/"+person, n.People[person], ends[n.Edition], map[string]string{"way": string(n.Way)})
		}
	}
}
