package sheet

import (
	"net/http"
	"slices"
	"time"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	tables "github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// ExportView is the page that writes our own sheet.
type ExportView struct {
	Form            *web.Form
	Key, Title      string
	Items, Answered int
	Open            []Unanswered
	Asked           bool     // a format was chosen, and something is left to ask
	Lost            []string // characters that Shift_JIS cannot write, each once
	Formats         []web.Option
	Requests        []web.Option
	MayImport       bool
}

// FillView asks for a workbook to fill.
type FillView struct {
	Form       *web.Form
	Key, Title string
	Open       []Unanswered
	Requests   []web.Option
	History    []UsedRow
}

// UsedRow is a sheet that came in or was filled before.
type UsedRow struct {
	File   string
	Way    string // message key
	Items  int
	At     time.Time
	SentTo string
	SentOn jdate.Day
}

// CheckView shows what would be written into a workbook.
type CheckView struct {
	Form *web.Form
	Key  string
	File string // key of the waiting workbook
	Plan *FillPlan
}

func (h *Web) exportView(r *http.Request, p *Prepared, form *web.Form) (*ExportView, error) {
	view := &ExportView{
		Form: form, Key: p.Document.Framework, Title: p.Document.Title, Items: len(p.Document.Items),
		Answered: len(p.Document.Items) - p.Document.Unanswered, Open: p.Unanswered, MayImport: actor.From(r.Context()).MayWhole(assessment.PermManage),
	}
	for _, lost := range p.Lost {
		if !slices.Contains(view.Lost, lost.Text) {
			view.Lost = append(view.Lost, lost.Text)
		}
	}
	for _, format := range []struct{ value, key string }{
		{string(tables.XLSX), "checksheet.export.xlsx"},
		{string(tables.CSV), "checksheet.export.csv"},
		{"csv-cp932", "checksheet.export.csv_cp932"},
		{string(tables.JSON), "checksheet.export.json"},
	} {
		view.Formats = append(view.Formats, web.Option{Value: format.value, Label: h.shell.T(r, format.key, nil)})
	}
	err := h.svc.office.Read(r.Context(), func(tx *sqlite.Tx) (err error) {
		view.Requests, err = h.requestOptions(r, tx, p.Document.Framework)
		return err
	})
	return view, err
}

// requestOptions offers what customers ask for, nothing when nobody asks.
func (h *Web) requestOptions(r *http.Request, tx *sqlite.Tx, framework string) ([]web.Option, error) {
	list, err := h.svc.openRequests(r.Context(), tx, framework)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	out := []web.Option{{Value: "", Label: h.shell.T(r, "checksheet.export.all", nil)}}
	for _, one := range list {
		out = append(out, web.Option{Value: one.Key, Label: one.Customer})
	}
	return out, nil
}

func (h *Web) fillView(r *http.Request, form *web.Form) (*FillView, error) {
	f, err := h.svc.framework(r.PathValue("framework"))
	if err != nil {
		return nil, err
	}
	view := &FillView{Form: form, Key: f.Key()}
	locale := web.Locale(r.Context())
	err = h.svc.office.Read(r.Context(), func(tx *sqlite.Tx) error {
		b, err := h.svc.office.Board(r.Context(), tx, f.Key())
		if err != nil {
			return err
		}
		view.Title, view.Open = b.Title.In(locale)+" "+b.Version, unansweredOf(b.Items, locale)
		used, err := findUsed(r.Context(), tx, f.Key())
		if err != nil {
			return err
		}
		for _, u := range used {
			view.History = append(view.History, UsedRow{u.File, "checksheet.fill.way." + u.Way, u.Items, u.At, u.SentTo, u.SentOn})
		}
		view.Requests, err = h.requestOptions(r, tx, f.Key())
		return err
	})
	return view, err
}
