package question

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// OwnersView says who holds which items and how they are asked.
type OwnersView struct {
	Form      *web.Form
	Key       string
	Framework string
	Tabs      []Tab
	Rows      []OwnerRow
	Free      []FreeRow
	All, Held int
	Persons   []web.Option
	Days      []web.Option
	Made      *MadeLink
}

// Tab is one framework to choose.
type Tab struct {
	Name, Path string
	Current    bool
}

// OwnerRow is one person with items.
type OwnerRow struct {
	Key, Name         string
	Numbers           string // 「1-5, 28」
	Items, Answered   int
	LinkUntil         jdate.Day // zero: no link opens
	Paper, Entry, Ask string
}

// FreeRow are items that nobody holds.
type FreeRow struct {
	Usual   framework.Text
	Numbers string
	Items   int
	Choose  string // this page with the numbers in the form
}

// MadeLink is a link that was just made; it is shown this once.
type MadeLink struct {
	Name, URL string
	QR        template.HTML
	Until     jdate.Day
}

func (h *Web) owners(w http.ResponseWriter, r *http.Request) error {
	view, err := h.ownersView(r, web.NewForm("items", r.URL.Query().Get("items")))
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "question_owners", view)
}

func (h *Web) ownersView(r *http.Request, form *web.Form) (*OwnersView, error) {
	ctx, key, locale := r.Context(), r.PathValue("framework"), web.Locale(r.Context())
	view := &OwnersView{Form: form, Key: key}
	for _, d := range linkDays {
		view.Days = append(view.Days, web.Option{Value: strconv.Itoa(d), Label: h.shell.T(r, "question.days", problem.Args{"n": d})})
	}
	err := h.svc.main.Read(ctx, func(tx *sqlite.Tx) error {
		sheet, held, free, err := h.svc.Owners(ctx, tx, key)
		if err != nil {
			return err
		}
		names, err := h.svc.main.Names(ctx, tx)
		if err != nil {
			return err
		}
		targets, err := h.svc.main.Targets(ctx, tx)
		if err != nil {
			return err
		}
		view.Framework, view.All = sheet.Board.Short.In(locale)+" "+sheet.Board.Version, len(sheet.Items)
		for _, t := range targets {
			view.Tabs = append(view.Tabs, Tab{t.Board.Short.In(locale) + " " + t.Board.Version, "/sheet/" + t.Board.Key() + "/owners", t.Board.Key() == key})
		}
		view.Persons = personOptions(names, h.shell.T(r, "question.choose_person", nil))
		for _, one := range held {
			view.Held += len(one.Sheet.Items)
			view.Rows = append(view.Rows, ownerRow(key, one, names))
		}
		for _, f := range free {
			numbers := numbersOf(sheet.Board, f.Items)
			view.Free = append(view.Free, FreeRow{f.Usual, numbers, len(f.Items), "/sheet/" + key + "/owners?" + url.Values{"items": {numbers}}.Encode() + "#assign"})
		}
		return nil
	})
	return view, err
}

func ownerRow(key string, one Holding, names map[string]string) OwnerRow {
	numbers := numbersOf(one.Sheet.Board, one.Sheet.Items)
	row := OwnerRow{
		Key: one.Owner, Name: names[one.Owner], Items: len(one.Sheet.Items), Answered: one.Sheet.Answered(), Numbers: numbers,
		Paper: "/sheet/" + key + "/paper?" + url.Values{"owner": {one.Owner}}.Encode(),
		Entry: "/sheet/" + key + "/paper/entry?" + url.Values{"owner": {one.Owner}}.Encode(),
		Ask:   "/sheet/" + key + "/ask?" + url.Values{"items": {numbers}}.Encode(),
	}
	if one.Link != nil {
		row.LinkUntil = lastDay(*one.Link)
	}
	return row
}

func numbersOf(b *assessment.Board, items []*assessment.Item) string {
	nodes := make([]*framework.Node, len(items))
	for i, it := range items {
		nodes[i] = it.Node
	}
	return b.SelectionText(nodes)
}

func personOptions(names map[string]string, first string) []web.Option {
	out := []web.Option{{Value: "", Label: first}}
	for key, name := range names {
		out = append(out, web.Option{Value: key, Label: name})
	}
	slices.SortFunc(out[1:], func(a, b web.Option) int { return strings.Compare(a.Label+a.Value, b.Label+b.Value) })
	return out
}

func (h *Web) assign(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	owner := form.Need("owner", "question.owner_needed")
	items := form.Text("items")
	if err = form.Err(); err == nil {
		var n int
		if n, err = h.svc.Assign(r.Context(), r.PathValue("framework"), items, owner); err == nil {
			return h.shell.Done(w, r, "/sheet/"+r.PathValue("framework")+"/owners", "question.assigned", "n", n)
		}
	}
	view, verr := h.ownersView(r, form)
	if verr != nil {
		return verr
	}
	return h.views.RenderForm(w, r, err, form, "question_owners", view)
}

// makeLink shows the link on the answer to the form itself: its token is known only now.
func (h *Web) makeLink(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	days := form.Int("days", 1, 60)
	if err := form.Err(); err != nil {
		return err
	}
	token, l, err := h.svc.MakeLink(r.Context(), r.PathValue("framework"), r.PathValue("person"), days)
	if err != nil {
		return err
	}
	view, err := h.ownersView(r, web.NewForm())
	if err != nil {
		return err
	}
	made := &MadeLink{URL: h.address(r.Context()) + link.Path(Purpose, token), Until: lastDay(l)}
	for _, row := range view.Rows {
		if row.Key == l.Person {
			made.Name = row.Name
		}
	}
	if made.QR, err = link.QR(made.URL); err != nil {
		return err
	}
	view.Made = made
	return h.views.Render(w, r, "question_owners", view)
}

func (h *Web) closeLinks(w http.ResponseWriter, r *http.Request) error {
	if err := h.svc.CloseLinks(r.Context(), r.PathValue("framework"), r.PathValue("person")); err != nil {
		return err
	}
	return h.shell.Done(w, r, "/sheet/"+r.PathValue("framework")+"/owners", "question.link_closed")
}
