package policy

import (
	"context"
	"slices"
	"strconv"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Purposes of the links this feature gives out.
const (
	LinkRead    = "policy"  // read an edition and say 読みました
	LinkApprove = "approve" // approve a draft, for one named person
)

// noticeLinkDays is how long a notice link works; a poster hangs for about a quarter.
const noticeLinkDays = 90

// NewNotice is what a person enters for a notice.
type NewNotice struct {
	Way    Way
	On     jdate.Day
	Place  string   // posted
	Site   string   // posted: key of the site whose people pass by; empty: all sites
	People []string // roster: who signed
	Note   string
	Scan   attach.Upload // roster: the signed page; posted: the photo
}

// Notify records a notice of the edition in force and returns its key and, for links and QR codes, the
// token of the link. A roster names who signed. A poster reaches the people of its site who are on the
// staff list that day: they are written down now, later moves change nothing.
func (s *Service) Notify(ctx context.Context, key string, n NewNotice) (notice, token string, err error) {
	may := actor.Actor.RequireWhole
	if n.Way == WayRoster { // a department hands round its own: reached looks at each
		may = actor.Actor.Require
	}
	if err := may(actor.From(ctx), PermEdit); err != nil {
		return "", "", err
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		doc, err := findDocument(ctx, tx, key)
		if err != nil {
			return err
		}
		today := jdate.Of(tx.Now)
		current := doc.InForce(today)
		if current == nil {
			return problem.Conflict("policy.notice.nothing_in_force")
		}
		if n.On.IsZero() {
			n.On = today
		}
		sites, err := s.org.Sites(ctx, tx)
		if err != nil {
			return err
		}
		if err := n.validate(today, current.ApprovedOn, sites); err != nil {
			return err
		}
		row := &Notice{Edition: current.Number, Way: n.Way, On: n.On, Place: n.Place, Site: n.Site, Note: n.Note}
		if row.People, err = s.reached(ctx, tx, n); err != nil {
			return err
		}
		if len(n.Scan.Data) > 0 {
			n.Scan.Record = record(key)
			kept, err := s.attach.Add(ctx, tx, n.Scan)
			if err != nil {
				return err
			}
			row.Attachment = kept.Key
		}
		if err := insertNotice(ctx, tx, doc.ID, current.ID, row); err != nil {
			return err
		}
		notice = row.Key
		if n.Way == WayLink || n.Way == WayQR {
			token, _, err = link.Create(ctx, tx, link.New{Purpose: LinkRead, Subject: "policy/" + key + "/" + row.Key, Days: noticeLinkDays})
			if err != nil {
				return err
			}
		}
		return s.after(ctx, tx, key, "policy.notified", audit.Image{
			"notice": row.Key, "edition": current.Number, "way": n.Way, "on": n.On, "place": n.Place, "people": len(row.People),
		})
	})
	return notice, token, err
}

func (n *NewNotice) validate(today, approved jdate.Day, sites []org.Site) error {
	var list problem.List
	switch {
	case n.On.After(today):
		list.Add(problem.Invalid("on", "policy.day.future"))
	case n.On.Before(approved):
		list.Add(problem.Invalid("on", "policy.notice.before_approval", "on", approved))
	}
	switch n.Way {
	case WayPage, WayLink, WayQR:
	case WayRoster:
		if len(n.People) == 0 {
			list.Add(problem.Invalid("people", "policy.notice.people.required"))
		}
		if len(n.Scan.Data) == 0 {
			list.Add(problem.Invalid("scan", "policy.notice.roster_scan.required"))
		}
	case WayPosted:
		if n.Place == "" {
			list.Add(problem.Invalid("place", "policy.notice.place.required"))
		}
		if n.Site != "" && !slices.ContainsFunc(sites, func(s org.Site) bool { return s.Key == n.Site }) {
			list.Add(problem.Invalid("site", "policy.notice.site.unknown"))
		}
		if len(n.Scan.Data) == 0 {
			list.Add(problem.Invalid("scan", "policy.notice.photo.required"))
		}
	default:
		list.Add(problem.Invalid("way", "policy.notice.way.choose"))
	}
	return list.Err()
}

// reached lists who a notice reaches by itself; links collect people one by one.
func (s *Service) reached(ctx context.Context, tx *sqlite.Tx, n NewNotice) (map[string]jdate.Day, error) {
	got := map[string]jdate.Day{}
	switch n.Way {
	case WayRoster:
		for _, p := range n.People {
			person, err := s.people.ByKey(ctx, tx, p)
			if err == nil {
				err = actor.From(ctx).RequireScope(person.Department)
			}
			if err != nil {
				return nil, err
			}
			got[p] = n.On
		}
	case WayPosted:
		there, err := s.people.List(ctx, tx, people.Filter{ActiveOn: n.On, Site: n.Site})
		if err != nil {
			return nil, err
		}
		for _, p := range there {
			got[p.Key] = n.On
		}
	default: // pages and links collect people one by one
	}
	return got, nil
}

// Acknowledge records 読みました of a person for a notice of a document, from a link page or a signed-in reader.
func (s *Service) Acknowledge(ctx context.Context, tx *sqlite.Tx, key, notice, person string) error {
	doc, err := findDocument(ctx, tx, key)
	if err != nil {
		return err
	}
	if _, err := s.people.ByKey(ctx, tx, person); err != nil {
		return err
	}
	for _, n := range doc.Notices {
		if n.Key != notice {
			continue
		}
		if err := insertNotified(ctx, tx, n.ID, person, jdate.Of(tx.Now)); err != nil {
			return err
		}
		return s.after(ctx, tx, key, "policy.acknowledged", audit.Image{"notice": notice, "person": person})
	}
	return problem.NotFound("policy.notice.not_found")
}

// Read records that a signed-in person has read the edition in force, under the newest page notice.
func (s *Service) Read(ctx context.Context, key string) error {
	who := actor.From(ctx)
	if who.Person == "" {
		return problem.Forbidden("policy.read.needs_person")
	}
	return s.db.Write(ctx, func(tx *sqlite.Tx) error {
		doc, err := findDocument(ctx, tx, key)
		if err != nil {
			return err
		}
		current := doc.InForce(jdate.Of(tx.Now))
		for _, n := range doc.Notices {
			if current != nil && n.Edition == current.Number && n.Way == WayPage {
				return s.Acknowledge(ctx, tx, key, n.Key, who.Person)
			}
		}
		return problem.Conflict("policy.read.no_notice")
	})
}

// AskApproval gives a link by which one named person approves the draft; nobody asks the author.
func (s *Service) AskApproval(ctx context.Context, key, person string) (token string, err error) {
	if err := actor.From(ctx).RequireWhole(PermEdit); err != nil {
		return "", err
	}
	err = s.db.Write(ctx, func(tx *sqlite.Tx) error {
		doc, err := findDocument(ctx, tx, key)
		if err != nil {
			return err
		}
		draft := doc.Draft()
		switch {
		case draft == nil:
			return problem.Conflict("policy.approve.no_draft")
		case person == "":
			return problem.Invalid("approver", "policy.approver.choose")
		case draft.Author == person:
			return problem.Invalid("approver", "policy.approve.own_draft")
		}
		if err := s.checkApprover(ctx, tx, person); err != nil {
			return err
		}
		// The row version is part of the subject: a draft changed after asking is not what was shown.
		subject := "policy/" + key + "/" + draft.Key + "/" + strconv.Itoa(draft.Version)
		token, _, err = link.Create(ctx, tx, link.New{Purpose: LinkApprove, Subject: subject, Person: person, Days: 14})
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, "policy.approval_asked", record(key), audit.Image{"edition": draft.Number, "approver": person})
	})
	return token, err
}
