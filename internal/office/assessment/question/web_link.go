package question

import (
	"net/http"
	"slices"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// LinkView is the first and the last page behind a link: who asks, why, how long; and the thanks.
type LinkView struct {
	Head
	Company, Asker, Owner string // Asker may be empty
	Minutes               int
	Until                 jdate.Day // last day on which it opens
	Start                 string
	Locked                string
	Rows                  []LinkRow
	Unknown               int
}

// LinkRow is one answer on the last page.
type LinkRow struct {
	Number string
	Title  framework.Text
	Answer verdict.Result
	Given  bool
	Path   string
}

// linkWalk opens the link. Behind it stand the items of its person and nothing else of the office.
func (h *Web) linkWalk(r *http.Request) (*walk, error) {
	walk := &walk{base: link.Path(Purpose, r.PathValue("token"))}
	err := h.svc.main.Read(r.Context(), func(tx *sqlite.Tx) error {
		asked, err := h.svc.Asked(r.Context(), tx, r.PathValue("token"))
		if err != nil {
			return err
		}
		walk.asked, walk.sheet = asked, asked.Sheet
		return nil
	})
	return walk, err
}

func (h *Web) linkPage(w http.ResponseWriter, r *http.Request) error {
	walk, err := h.linkWalk(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	if q.Get("at") == "" && q.Get("end") == "" && walk.sheet.first() != nil {
		view, err := h.linkView(r, walk)
		if err != nil {
			return err
		}
		return h.views.Render(w, r, "question_link", view)
	}
	return h.show(w, r, walk)
}

func (h *Web) linkEnd(w http.ResponseWriter, r *http.Request, walk *walk) error {
	view, err := h.linkView(r, walk)
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "question_thanks", view)
}

func (h *Web) linkView(r *http.Request, walk *walk) (*LinkView, error) {
	l := walk.asked.Link
	v := &LinkView{Head: head(r, walk, -1), Until: lastDay(l)}
	unasked, unknown := walk.sheet.Open()
	v.Minutes, v.Unknown = len(unasked)*minutesPerItem, len(unknown)
	if first := walk.sheet.first(); first != nil {
		v.Start = walk.at(first.Node.ID, "")
	}
	if locked := walk.sheet.Locked(); locked != nil {
		v.Locked = locked.Name
	}
	for _, it := range walk.sheet.Items {
		v.Rows = append(v.Rows, LinkRow{
			Number: it.Number(), Title: it.Node.Title, Answer: it.AnswerValue.Result(), Given: walk.sheet.Said(it), Path: walk.at(it.Node.ID, ""),
		})
	}
	err := h.svc.main.Read(r.Context(), func(tx *sqlite.Tx) error {
		company, err := h.svc.main.Company(r.Context(), tx)
		if err != nil {
			return err
		}
		names, err := h.svc.main.Names(r.Context(), tx)
		if err != nil {
			return err
		}
		v.Company, v.Owner = company.Name, names[l.Person]
		if h.asker != nil {
			v.Asker, err = h.asker(r.Context(), tx, l.CreatedBy)
		}
		return err
	})
	return v, err
}

// lastDay is the last whole day on which a link opens, so that nobody comes some hours too late.
func lastDay(l link.Link) jdate.Day { return jdate.Of(l.ExpiresAt) - 1 }

// linkAnswer keeps one answer and goes on. What the records say stands between only where it contradicts the answer.
func (h *Web) linkAnswer(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	walk, err := h.linkWalk(r)
	if err != nil {
		return err
	}
	item, in := readAnswer(form)
	if walk.sheet.place(item) < 0 {
		return problem.NotFound("question.not_yours")
	}
	if err = form.Err(); err == nil {
		err = h.svc.AnswerByLink(r.Context(), r.PathValue("token"), item, in)
	}
	if err != nil {
		return h.again(w, r, walk, item, form, err)
	}
	if walk, err = h.linkWalk(r); err != nil {
		return err
	}
	place := walk.sheet.place(item)
	if place < 0 { // somebody took the item away in this very moment
		web.Redirect(w, walk.at("", "end"))
		return nil
	}
	kept := in.Value == verdict.Met && in.Reason != "" // asked about already
	differs := slices.ContainsFunc(walk.sheet.Items[place].Clauses, func(c *assessment.Clause) bool { return c.State.Conflict })
	if differs && !kept {
		web.Redirect(w, walk.at(item, "said"))
		return nil
	}
	web.Redirect(w, walk.next(place))
	return nil
}
