package question

import (
	"html/template"
	"net/http"
	"net/url"
	"strconv"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// PaperView is the form to print: A4, boxes to tick.
type PaperView struct {
	Framework, Owner, Round string
	Company                 string
	Today                   jdate.Day
	Items                   []Content
	Back, Entry             string // pages
	QR                      template.HTML
}

// EntryView is the page on which a paper form is copied in.
type EntryView struct {
	Form                   *web.Form
	Framework, Owner       string
	Action, Back, OwnerKey string
	Rows                   []EntryRow
	Locked                 string
	HasFiles               bool
}

// EntryRow is one item of the paper form.
type EntryRow struct {
	Field                 string // number of the row
	Item, Version, Was    string
	Number, Title         string
	Value, Reason         string
	Expires               string
	NameValue, NameReason string
	NameExpires           string
	More                  bool // reason and last day are shown open
	Choices               []web.Option
}

// paperSheet gives the items of one owner, or all that are asked.
func (h *Web) paperSheet(r *http.Request, owner string) (sheet *Sheet, name string, company assessment.Company, err error) {
	ctx := r.Context()
	err = h.svc.main.Read(ctx, func(tx *sqlite.Tx) error {
		if sheet, err = h.svc.Sheet(ctx, tx, r.PathValue("framework"), ""); err != nil {
			return err
		}
		names, err := h.svc.main.Names(ctx, tx)
		if err != nil {
			return err
		}
		if owner != "" {
			if names[owner] == "" {
				return problem.NotFound("question.owner_unknown")
			}
			sheet, name = sheet.heldBy(owner), names[owner]
		}
		company, err = h.svc.main.Company(ctx, tx)
		return err
	})
	return sheet, name, company, err
}

func (h *Web) paper(w http.ResponseWriter, r *http.Request) error {
	owner := r.URL.Query().Get("owner")
	sheet, name, company, err := h.paperSheet(r, owner)
	if err != nil {
		return err
	}
	b, locale := sheet.Board, web.Locale(r.Context())
	view := PaperView{
		Framework: b.Short.In(locale) + " " + b.Version, Owner: name, Company: company.Name, Today: b.Today, Back: "/sheet/" + b.Key() + "/owners",
		Entry: "/sheet/" + b.Key() + "/paper/entry?" + url.Values{"owner": {owner}}.Encode(),
	}
	if b.Round != nil && !b.Round.Locked() {
		view.Round = b.Round.Name
	}
	for _, it := range sheet.Items {
		view.Items = append(view.Items, content(b, it, locale))
	}
	if view.QR, err = link.QR(h.address(r.Context()) + view.Entry); err != nil {
		return err
	}
	return h.views.Render(w, r, "question_paper", view)
}

func (h *Web) entry(w http.ResponseWriter, r *http.Request) error {
	view, err := h.entryView(r, web.NewForm(), r.URL.Query().Get("owner"))
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "question_entry", view)
}

func (h *Web) entryView(r *http.Request, form *web.Form, owner string) (*EntryView, error) {
	sheet, name, _, err := h.paperSheet(r, owner)
	if err != nil {
		return nil, err
	}
	b, locale := sheet.Board, web.Locale(r.Context())
	view := &EntryView{
		Form: form, Framework: b.Short.In(locale) + " " + b.Version, Owner: name, OwnerKey: owner, HasFiles: h.svc.files != nil,
		Action: "/sheet/" + b.Key() + "/paper/entry", Back: "/sheet/" + b.Key() + "/owners",
	}
	if locked := sheet.Locked(); locked != nil {
		view.Locked = locked.Name
	}
	for i, it := range sheet.Items {
		row := h.entryRow(r, strconv.Itoa(i), it, sheet.Said(it))
		if _, posted := form.Values["item-"+row.Field]; posted { // shown again with what was entered
			row.Value, row.Reason, row.Expires = form.Values.Get(row.NameValue), form.Values.Get(row.NameReason), form.Values.Get(row.NameExpires)
		}
		row.More = row.Reason != "" || row.Value == "na" || form.Values.Get(row.NameExpires) != ""
		view.Rows = append(view.Rows, row)
	}
	return view, nil
}

func (h *Web) entryRow(r *http.Request, field string, it *assessment.Item, said bool) EntryRow {
	row := EntryRow{
		Field: field, Item: it.Node.ID, Version: versionText(it.Version), Number: it.Number(), Title: it.Node.Title.In(web.Locale(r.Context())),
		NameValue: "value-" + field, NameReason: "reason-" + field, NameExpires: "expires-" + field,
	}
	if said && it.Answer != nil {
		row.Value, row.Reason, row.Expires = string(it.Answer.Value), it.Answer.Reason, it.Answer.Expires.String()
		if it.Answer.Value == verdict.Unknown {
			row.Value = "unknown"
		}
	}
	row.Was = row.Value + "|" + row.Reason + "|" + row.Expires
	for _, value := range []string{"met", "part", "unmet", "unknown", "na"} {
		row.Choices = append(row.Choices, web.Option{Value: value, Label: h.shell.T(r, "question.short."+value, nil)})
	}
	return row
}

// enter copies every row in that differs from what stands.
func (h *Web) enter(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	owner := form.Text("owner")
	in, err := readPaper(form)
	if err != nil {
		return err
	}
	file, err := form.File("scan")
	if err != nil {
		return err
	}
	var scan *attach.Upload
	if file != nil {
		scan = &attach.Upload{Name: file.Name, Data: file.Data, Note: h.shell.T(r, "question.scan_note", nil)}
	}
	if err = form.Err(); err == nil {
		if err = h.svc.PutPaper(r.Context(), r.PathValue("framework"), in, scan); err == nil {
			return h.shell.Done(w, r, "/sheet/"+r.PathValue("framework")+"/owners", "question.entered", "n", len(in))
		}
	}
	view, verr := h.entryView(r, form, owner)
	if verr != nil {
		return verr
	}
	return h.views.RenderForm(w, r, err, form, "question_entry", view)
}

// maxRows bounds a paper form: more than any framework has.
const maxRows = 1000

func readPaper(form *web.Form) ([]PaperAnswer, error) {
	var out []PaperAnswer
	for _, field := range form.List("field") {
		if n, err := strconv.Atoi(field); err != nil || n < 0 || n > maxRows {
			return nil, problem.Invalid("", "web.form_broken")
		}
		text := form.Values.Get("value-" + field)
		a := PaperAnswer{Item: form.Text("item-" + field), NewAnswer: assessment.NewAnswer{
			Reason: form.Long("reason-" + field), Expires: form.Day("expires-" + field), Version: form.Int("version-"+field, 0, 1<<30), Field: "-" + field,
		}}
		if text == "" || text+"|"+a.Reason+"|"+a.Expires.String() == form.Values.Get("was-"+field) {
			continue
		}
		value, known := answers[text]
		if !known {
			return nil, problem.Invalid("", "web.form_broken")
		}
		a.Value = value
		out = append(out, a)
	}
	return out, nil
}
