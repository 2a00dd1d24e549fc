package request

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// ListView is the list of requests.
type ListView struct {
	Rows    []Row
	Chips   []Chip
	MayKeep bool
	All     int
	Export  string
}

// Chip narrows the list down.
type Chip struct {
	Key, Path string
	Current   bool
}

// Row is one request in a list or on its page.
type Row struct {
	Key, Customer, Framework string
	Asked                    i18n.Msg
	Deadline                 jdate.Day
	When                     i18n.Msg
	Overdue                  bool
	Closed                   jdate.Day
	Items, Answered, Done    int
	Open                     int
	Mean, Target             string // "1.84"; empty: none
	Reached                  bool
	Form                     string
}

// EditView is the form. Now is the request as somebody else left it meanwhile; nil: nobody did.
type EditView struct {
	Form       *web.Form
	Key        string
	Frameworks []web.Option
	Levels     []web.Option
	Now        *ShowView
}

// ShowView is one request.
type ShowView struct {
	Form          *web.Form
	Row           Row
	Request       *Request
	Numbers       string
	Left          []LeftItem
	UnknownLevels int
	Ask, Sheet    string // pages
	MayKeep       bool
	HasFiles      bool
	Version       string
}

// LeftItem is an item that is not done yet.
type LeftItem struct {
	Number, Path string
	Title        framework.Text
	State        verdict.Result
	Answer       i18n.Msg
}

func mean(hundredths int) string {
	if hundredths < 0 {
		return ""
	}
	return fmt.Sprintf("%d.%02d", hundredths/100, hundredths%100)
}

func (h *Web) listView(r *http.Request) (ListView, error) {
	view := ListView{MayKeep: mayKeep(r)}
	which := r.URL.Query().Get("state")
	for _, state := range []string{"", "open", "closed"} {
		path := "/requests"
		if state != "" {
			path += "?state=" + state
		}
		view.Chips = append(view.Chips, Chip{Key: "request.filter." + firstOf(state, "all"), Path: path, Current: state == which})
	}
	view.Export = "/requests/export?" + url.Values{"state": {which}}.Encode() + "&"
	err := h.svc.main.Read(r.Context(), func(tx *sqlite.Tx) error {
		list, err := h.svc.List(r.Context(), tx)
		if err != nil {
			return err
		}
		view.All = len(list)
		for _, req := range list {
			if which == "open" && !req.Open() || which == "closed" && req.Open() {
				continue
			}
			row, _, _, err := h.row(r, tx, req)
			if err != nil {
				return err
			}
			view.Rows = append(view.Rows, row)
		}
		return nil
	})
	return view, err
}

func firstOf(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func (h *Web) row(r *http.Request, tx *sqlite.Tx, req *Request) (Row, *assessment.Board, Progress, error) {
	b, err := h.svc.main.Board(r.Context(), tx, req.Framework)
	if err != nil {
		return Row{}, nil, Progress{}, err
	}
	company, err := h.svc.main.Company(r.Context(), tx)
	if err != nil {
		return Row{}, nil, Progress{}, err
	}
	locale, today := web.Locale(r.Context()), jdate.Of(tx.Now)
	p := req.ProgressOf(b, company.CountNA)
	row := Row{
		Key: req.Key, Customer: req.Customer, Framework: b.Short.In(locale) + " " + b.Version, Deadline: req.Deadline, Closed: req.Closed,
		When: assessment.When(req.Deadline, today, locale), Overdue: req.Overdue(today), Form: req.Form,
		Items: p.Items, Answered: p.Answered, Done: p.Done, Open: p.Open, Mean: mean(p.Mean), Reached: p.Reached,
	}
	if req.Mean > 0 {
		row.Target = mean(req.Mean)
	}
	switch {
	case len(req.Items) > 0:
		row.Asked = i18n.Msg{Key: "request.asked_items", Args: problem.Args{"n": len(req.Items)}}
	case req.Level != "":
		row.Asked = i18n.Msg{Key: "request.asked_level", Args: problem.Args{"level": b.LevelName(req.Level, locale)}}
	default:
		row.Asked = i18n.Msg{Key: "request.asked_all"}
	}
	return row, b, p, nil
}

func (h *Web) showView(r *http.Request, form *web.Form) (ShowView, error) {
	view := ShowView{Form: form, MayKeep: mayKeep(r), HasFiles: h.svc.files != nil}
	err := h.svc.main.Read(r.Context(), func(tx *sqlite.Tx) error {
		req, err := h.svc.ByKey(r.Context(), tx, r.PathValue("key"))
		if err != nil {
			return err
		}
		row, b, p, err := h.row(r, tx, req)
		if err != nil {
			return err
		}
		view.Row, view.Request, view.Version = row, req, strconv.Itoa(req.Version)
		view.Numbers, view.UnknownLevels = req.Numbers(b), p.UnknownLevels
		view.Sheet = "/sheet/" + b.Key()
		view.Ask = view.Sheet + "/ask?" + url.Values{"items": {b.SelectionText(nodes(req.Asked(b)))}}.Encode()
		for _, it := range p.Left {
			view.Left = append(view.Left, LeftItem{it.Number(), it.Path(), it.Node.Title, it.State, answerMsg(it, b.Scoring.PerItem > 0)})
		}
		return nil
	})
	return view, err
}

// answerMsg says what the sheet would carry for an item that is not done.
func answerMsg(it *assessment.Item, points bool) i18n.Msg {
	switch {
	case it.AnswerValue == verdict.Unanswered:
		return i18n.Msg{Key: "request.answer_none"}
	case points:
		return i18n.Msg{Key: "request.answer_points", Args: problem.Args{"n": int(it.AnswerValue)}}
	case it.AnswerValue == verdict.ValuePart:
		return i18n.Msg{Key: "web.verdict.part"}
	default:
		return i18n.Msg{Key: "web.verdict.unmet"}
	}
}

// export writes the list as it is filtered.
func (h *Web) export(w http.ResponseWriter, r *http.Request) error {
	view, err := h.listView(r)
	if err != nil {
		return err
	}
	t := func(key string) string { return h.shell.T(r, key, nil) }
	out := sheet.Out{Title: t("request.title"), Day: h.svc.main.Today()}
	for _, col := range []struct {
		key  string
		kind sheet.Kind
	}{
		{"request.customer", sheet.Text},
		{"request.framework", sheet.Text},
		{"request.what_asked", sheet.Text},
		{"request.deadline", sheet.Date},
		{"request.items_asked", sheet.Number},
		{"request.answered", sheet.Number},
		{"request.done", sheet.Number},
		{"request.mean", sheet.Text},
		{"request.mean_target", sheet.Text},
		{"request.form", sheet.Text},
		{"request.closed", sheet.Date},
	} {
		out.Columns = append(out.Columns, sheet.OutColumn{Title: t(col.key), Kind: col.kind})
	}
	for _, row := range view.Rows {
		out.Rows = append(out.Rows, []any{
			row.Customer, row.Framework, h.shell.T(r, row.Asked.Key, row.Asked.Args), row.Deadline, row.Items, row.Answered, row.Done,
			row.Mean, row.Target, row.Form, row.Closed,
		})
	}
	return web.Export(w, r, "kizuki-requests-"+h.svc.main.Today().String(), out)
}
