package policy

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/within"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// snapshot is what every page needs beside the documents.
type snapshot struct {
	today  jdate.Day
	names  map[string]string // person key → name
	staff  []people.Person   // active today, in reading order; of the departments of who asks
	within within.Set        // of whom who asks may know
}

// ListView is the list of policies and regulations.
type ListView struct {
	Rows            []Row
	MayEdit, Scoped bool // Scoped: people outside the departments of who asks are not counted
}

// Row is one document in the list.
type Row struct {
	Key, Title, Type, Topics, Owner string
	Edition                         string // label of the edition in force, "" for none
	State                           string // message key of the state
	ReviewDue                       jdate.Day
	Overdue                         bool
	Notified, Staff                 int
}

// DraftView is the form for a draft.
type DraftView struct {
	Form   *web.Form
	Key    string // "" for a new document
	Types  []web.Option
	Owners []web.Option
	Topics []TopicChoice
}

// TopicChoice is one checkbox of the topics.
type TopicChoice struct {
	Key, Name string
	Checked   bool
}

// ShowView is one document with what can be done now.
type ShowView struct {
	Form                                 *web.Form
	Doc                                  *Document
	Row                                  Row
	Current, Draft                       *EditionView
	Editions                             []EditionView
	Notices                              []NoticeView
	Reviews                              []ReviewView
	Missing                              []string // names of people without notice of the edition in force
	Approvers                            []web.Option
	Sites                                []web.Option
	Ways                                 []web.Option
	Results                              []web.Option
	Files                                []attach.Attachment
	MayEdit, MayApprove, OwnDraft, Alone bool
	MayRoster, Scoped                    bool
	Today                                jdate.Day
}

// EditionView is one edition with names.
type EditionView struct {
	Edition
	AuthorName, ApproverName string
	SelfApproved             bool
}

// NoticeView is one notice with its count.
type NoticeView struct {
	Notice
	WayKey string
	Reach  int
}

// ReviewView is one review with the name of who did it.
type ReviewView struct {
	Review
	ByName string
}

// LinkView shows a link once, as text and QR code.
type LinkView struct {
	Key, Purpose, Title, URL string
	QR                       any // SVG of link.QR
}

func (h *Web) topicNames(r *http.Request, topics []string) string {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = h.topics[t].In(web.Locale(r.Context()))
	}
	return strings.Join(names, "・")
}

func (h *Web) row(r *http.Request, d *Document, now snapshot) Row {
	row := Row{
		Key: d.Key, Title: d.Title, Type: "policy.type." + string(d.Type), Topics: h.topicNames(r, d.Topics),
		Owner: now.names[d.Owner], Staff: len(now.staff), ReviewDue: d.ReviewDue(now.today),
	}
	row.Overdue = !row.ReviewDue.IsZero() && row.ReviewDue.Before(now.today)
	current := d.InForce(now.today)
	switch {
	case !d.RetiredOn.IsZero():
		row.State = "policy.state.retired"
	case current != nil && d.Draft() != nil:
		row.State = "policy.state.redraft"
	case current != nil:
		row.State = "policy.state.in_force"
	case d.Draft() != nil:
		row.State = "policy.state.draft"
	default:
		row.State = "policy.state.waiting"
	}
	if current != nil {
		row.Edition = current.label()
		got := d.Notified(current.Number)
		for _, p := range now.staff {
			if _, ok := got[p.Key]; ok {
				row.Notified++
			}
		}
	}
	return row
}

func (h *Web) showView(r *http.Request, d *Document, now snapshot) (ShowView, error) {
	who := actor.From(r.Context())
	v := ShowView{Doc: d, Row: h.row(r, d, now), MayEdit: who.MayWhole(PermEdit), MayApprove: who.MayWhole(PermApprove), Today: now.today}
	v.Scoped, v.MayRoster = !who.Covers(""), who.May(PermEdit)
	v.Approvers, v.Results, v.Ways = h.peopleOptions(r, now), h.options(r, "policy.result.", "unchanged", "changed"), h.wayOptions(r)
	for _, e := range d.Editions {
		ev := EditionView{Edition: e, AuthorName: h.name(now, e.Author), ApproverName: h.name(now, e.Approver)}
		ev.SelfApproved = !e.ApprovedOn.IsZero() && e.Approver == e.Author
		v.Editions = append(v.Editions, ev)
		switch current := d.InForce(now.today); {
		case e.ApprovedOn.IsZero():
			v.Draft = &ev
			v.OwnDraft = e.Author == Author(r.Context())
		case current != nil && current.ID == e.ID:
			v.Current = &ev
		}
	}
	for _, n := range d.Notices {
		v.Notices = append(v.Notices, NoticeView{n, "policy.way." + string(n.Way), now.within.Count(maps.Keys(n.People))})
	}
	for _, rev := range d.Reviews {
		v.Reviews = append(v.Reviews, ReviewView{rev, h.name(now, rev.By)})
	}
	if v.Current != nil {
		got := d.Notified(v.Current.Number)
		for _, p := range now.staff {
			if _, ok := got[p.Key]; !ok {
				v.Missing = append(v.Missing, now.names[p.Key])
			}
		}
	}
	ctx := r.Context()
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		if v.Files, err = h.svc.attach.Seen(ctx, tx, record(d.Key)); err != nil {
			return err
		}
		v.Sites, err = h.siteOptions(r, tx)
		return err
	})
	for i, n := range v.Notices { // no link to what may not be read
		if !slices.ContainsFunc(v.Files, func(f attach.Attachment) bool { return f.Key == n.Attachment }) {
			v.Notices[i].Attachment = ""
		}
	}
	return v, err
}

// name shows a person, or what stands there when the account belongs to nobody on the staff list.
func (h *Web) name(now snapshot, key string) string { return cmp.Or(now.names[key], key) }

func (h *Web) peopleOptions(r *http.Request, now snapshot) []web.Option {
	out := []web.Option{{Value: "", Label: h.shell.T(r, "policy.choose_person", nil)}}
	for _, p := range now.staff {
		out = append(out, web.Option{Value: p.Key, Label: now.names[p.Key]})
	}
	return out
}

func (h *Web) options(r *http.Request, prefix string, values ...string) []web.Option {
	var out []web.Option
	for _, v := range values {
		out = append(out, web.Option{Value: v, Label: h.shell.T(r, prefix+v, nil)})
	}
	return out
}

func (h *Web) typeOptions(r *http.Request) []web.Option {
	return h.options(r, "policy.type.", string(TypePolicy), string(TypeRegulation))
}

func (h *Web) wayOptions(r *http.Request) []web.Option {
	return h.options(r, "policy.way.", string(WayPage), string(WayLink), string(WayPosted))
}

func (h *Web) siteOptions(r *http.Request, tx *sqlite.Tx) ([]web.Option, error) {
	sites, err := h.svc.org.Sites(r.Context(), tx)
	if err != nil {
		return nil, err
	}
	out := []web.Option{{Value: "", Label: h.shell.T(r, "policy.all_sites", nil)}}
	for _, s := range sites {
		out = append(out, web.Option{Value: s.Key, Label: s.Name})
	}
	return out, nil
}

func (h *Web) topicChoices(r *http.Request, form *web.Form) []TopicChoice {
	var out []TopicChoice
	for _, key := range h.svc.topics {
		if key == TopicPolicy {
			continue
		}
		out = append(out, TopicChoice{key, h.topics[key].In(web.Locale(r.Context())), slices.Contains(form.Values["topics"], key)})
	}
	return out
}
