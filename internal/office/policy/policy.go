// Package policy keeps 方針 (policies) and 規程 (regulations): versions, approval by a second person or on
// sealed paper, notice to people, the yearly review. The list of laws and demands that the regulations answer to
// and what readers see are the nouns beside: subfolders demand and reader, which import this package.
//
// It is the model slice: copy its shape for a new feature. policy.go holds types and rules,
// store*.go the SQL, service*.go one transaction per act, facts.go what the records prove, duties.go what
// must be done by when, web*.go the pages.
//
// It serves JAMA/JAPIA items 1–3 and SCS 1-3-1. It imports registers only; attachments, links
// and people come from there. It does not judge whether the content of a policy is good: a person does.
package policy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// What may be done with policies.
const (
	PermRead    actor.Permission = "policy.read"
	PermEdit    actor.Permission = "policy.edit"
	PermApprove actor.Permission = "policy.approve"
)

// Type tells a policy (方針) from a regulation (規程).
type Type string

// The two types of document.
const (
	TypePolicy     Type = "policy"
	TypeRegulation Type = "regulation"
)

// TopicPolicy is the one topic of every policy; regulations choose among the others.
const TopicPolicy = "policy"

// Way says how an approval or a notice came about.
type Way string

// Ways of approval (person, sealed) and of notice (the others).
const (
	WayPerson Way = "person" // approved on screen by a second person
	WaySealed Way = "sealed" // approved on paper with a seal; the scan is attached
	WayPage   Way = "page"   // can be read in Kizuki by everybody with an account
	WayLink   Way = "link"   // by a link that asks for 読みました
	WayQR     Way = "qr"     // the same link as a QR code on a poster
	WayRoster Way = "roster" // a printed roster, signed by hand; the scan is attached
	WayPosted Way = "posted" // 掲示: on a board, with place, date and photo
)

// NoticeWays lists the ways of notice in the order shown.
func NoticeWays() []Way { return []Way{WayPage, WayLink, WayQR, WayRoster, WayPosted} }

// ReviewDays is how long a review counts: 年1回以上 (JAMA/JAPIA guideline 2.3, No. 2).
const ReviewDays = 365

// Document is one policy or regulation over all its versions.
type Document struct {
	ID        int64
	Key       string
	Type      Type
	Title     string
	Topics    []string
	Owner     string // person key; may be empty
	RetiredOn jdate.Day
	Version   int // of the row, for two people editing at once

	Editions []Edition // newest first
	Notices  []Notice  // newest first
	Reviews  []Review  // newest first
}

// Edition is one version (版) of a document. The zero ApprovedOn is a draft.
type Edition struct {
	ID          int64
	Key         string
	Number      int
	Body        string
	ChangeNote  string
	Attachment  string
	Author      string // person key
	EffectiveOn jdate.Day
	ApprovedOn  jdate.Day
	Approver    string // person key
	Way         Way
	Sealed      string // attachment key of the sealed page
	Version     int
}

// Notice is one act of making an edition known.
type Notice struct {
	ID         int64
	Key        string
	Edition    int // number of the edition
	Way        Way
	On         jdate.Day
	Place      string // posted: where
	Site       string // posted: whose people pass by
	Note       string
	Attachment string
	People     map[string]jdate.Day // person key → day on which they got it
}

// Review is one look at whether the document still fits.
type Review struct {
	Key        string
	On         jdate.Day
	Result     string // "changed" or "unchanged"
	Considered string // which changes inside and outside were looked at
	By         string
}

// Draft is what a person enters for a new or the open edition.
type Draft struct {
	Type       Type
	Title      string
	Topics     []string
	Owner      string
	Body       string
	ChangeNote string
	Attachment string
	Version    int // of the document row that was shown; 0 for a new one
}

// Validate checks a draft against the topics of the catalogue; it reports every finding.
func (d *Draft) Validate(topics []string) error {
	var list problem.List
	if d.Type != TypePolicy && d.Type != TypeRegulation {
		list.Add(problem.Invalid("type", "policy.type.choose"))
	}
	if d.Title == "" {
		list.Add(problem.Invalid("title", "policy.title.required"))
	}
	if d.Type == TypePolicy {
		d.Topics = []string{TopicPolicy}
	} else {
		d.Topics = slices.DeleteFunc(d.Topics, func(t string) bool { return t == TopicPolicy })
		if len(d.Topics) == 0 {
			list.Add(problem.Invalid("topics", "policy.topics.choose"))
		}
	}
	for _, t := range d.Topics {
		if !slices.Contains(topics, t) {
			list.Add(problem.Invalid("topics", "policy.topics.unknown", "topic", t))
		}
	}
	d.Topics = slices.DeleteFunc(slices.Clone(topics), func(t string) bool { return !slices.Contains(d.Topics, t) })
	if d.Body == "" && d.Attachment == "" {
		list.Add(problem.Invalid("body", "policy.body.required"))
	}
	return list.Err()
}

// Draft returns the open draft, nil when there is none.
func (d *Document) Draft() *Edition {
	if len(d.Editions) > 0 && d.Editions[0].ApprovedOn.IsZero() {
		return &d.Editions[0]
	}
	return nil
}

// InForce returns the edition in force on a day, nil when there is none.
func (d *Document) InForce(on jdate.Day) *Edition {
	if !d.RetiredOn.IsZero() && !on.Before(d.RetiredOn) {
		return nil
	}
	for i := range d.Editions {
		e := &d.Editions[i]
		if !e.ApprovedOn.IsZero() && !e.EffectiveOn.After(on) {
			return e
		}
	}
	return nil
}

// ends gives the last day of each approved edition by its number: the day before a newer one takes effect, or
// before the document is retired; zero is no end.
func (d *Document) ends() map[int]jdate.Day {
	out := map[int]jdate.Day{}
	end := d.RetiredOn.Add(-1) // zero stays zero
	for _, e := range d.Editions {
		if e.ApprovedOn.IsZero() {
			continue
		}
		out[e.Number] = end
		if last := e.EffectiveOn - 1; end.IsZero() || last.Before(end) {
			end = last
		}
	}
	return out
}

// LastReview returns the day of the newest review; approving a later edition is one.
func (d *Document) LastReview() jdate.Day {
	var last jdate.Day
	for _, r := range d.Reviews {
		last = max(last, r.On)
	}
	for _, e := range d.Editions {
		if e.Number > 1 {
			last = max(last, e.ApprovedOn)
		}
	}
	return last
}

// ReviewDue returns the last day by which the document must be looked at again; zero without an edition in force.
func (d *Document) ReviewDue(on jdate.Day) jdate.Day {
	current := d.InForce(on)
	if current == nil {
		return 0
	}
	return max(d.LastReview(), current.ApprovedOn).Add(ReviewDays)
}

// Notified counts the people who got the edition with this number, each once, with their first day.
func (d *Document) Notified(number int) map[string]jdate.Day {
	got := map[string]jdate.Day{}
	for _, n := range d.Notices {
		if n.Edition != number {
			continue
		}
		for person, on := range n.People {
			if first, ok := got[person]; !ok || on.Before(first) {
				got[person] = on
			}
		}
	}
	return got
}

func (e Edition) label() string { return strconv.Itoa(e.Number) }

func record(key string) string { return "policy/" + key }

func splitList(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
