package question

import (
	"context"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/link"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed views/*.html
var viewFiles embed.FS

// Web serves the questions.
type Web struct {
	svc     *assessment.Service
	db      *sqlite.DB
	shell   *web.Shell
	views   *web.Views
	address func(context.Context) string
}

// NewWeb returns the pages. address gives the base address of the office without a slash at its end.
func NewWeb(svc *assessment.Service, db *sqlite.DB, shell *web.Shell, address func(context.Context) string) *Web {
	return &Web{svc: svc, db: db, shell: shell, views: shell.MustViews(viewFiles), address: address}
}

// Routes registers the pages.
func (h *Web) Routes(rt *web.Router) {
	rt.Handle("GET /sheet/{framework}/ask", web.Needs(assessment.PermAnswer), h.ask)
	rt.Handle("POST /sheet/{framework}/ask", web.Needs(assessment.PermAnswer), h.answer)
	rt.Handle("GET /sheet/owners", web.Needs(assessment.PermAnswer), h.owners)
	rt.Handle("POST /sheet/owners", web.Needs(assessment.PermAnswer), h.makeLink)
	rt.Handle("GET /sheet/paper", web.Needs(assessment.PermRead), h.paper)
	rt.Handle("GET /l/answer/{token}", web.ByLink, h.linkAsk)
	rt.Handle("POST /l/answer/{token}", web.ByLink, h.linkAnswer)
}

// View is one item that fills the screen.
type View struct {
	Form          *web.Form
	Action        string // the page itself: questions are asked and answered under one path
	Framework     string
	Item, Version string
	Number, Level string
	Title         framework.Text
	Objective     string
	Condition     string
	Clauses       []framework.Text
	CriterionWord framework.Text
	N, All, Left  int
	Before, After string // paths; After of the last card is the end
	Sheet         string // path of the check sheet; empty behind a link
	ItemPage      string
	Points        bool // the scheme has 2, 1 and 0
	Answered      bool
	Answer        verdict.Result
	Reason        string
	Chips         []Chip // what the records say, only after the answer
	Differs       bool
	Asking        string // value that still needs a reason; empty: none
	NeedsDay      bool
	Locked        string
	Done          bool
	None          bool // there is nothing to ask
	Owner         string
	ByLink        bool
	Who           string // for whom the link was made
	Until         string
}

// Chip is the verdict on one clause.
type Chip struct {
	State verdict.Result
	Name  framework.Text
}

// source is where the cards come from.
type source struct {
	path  string // of the page
	owner string
	link  *link.Link
	key   string // framework; empty: all targets
}

func (h *Web) cards(ctx context.Context, tx *sqlite.Tx, src source) ([]card, error) {
	if src.key == "" {
		return ownerCards(ctx, tx, h.svc, src.owner)
	}
	cards, _, err := sheetCards(ctx, tx, h.svc, src.key, src.owner)
	return cards, err
}

func (h *Web) sheetSource(r *http.Request) source {
	return source{path: "/sheet/" + r.PathValue("framework") + "/ask", key: r.PathValue("framework"), owner: r.URL.Query().Get("owner")}
}

func (h *Web) ask(w http.ResponseWriter, r *http.Request) error {
	view, err := h.view(r, h.sheetSource(r), web.NewForm(), r.URL.Query().Get("item"), "")
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "question", view)
}

func (h *Web) answer(w http.ResponseWriter, r *http.Request) error {
	src := h.sheetSource(r)
	way := assessment.WayAsk
	if src.owner != "" { // copied from the paper form of that owner
		way = assessment.WayPaper
	}
	return h.save(w, r, src, way)
}

// save keeps the answer and shows the same item again, now with what the records say.
func (h *Web) save(w http.ResponseWriter, r *http.Request, src source, way assessment.Way) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	key, id := form.Text("framework"), form.Text("item")
	in := assessment.NewAnswer{Node: id, Reason: form.Long("reason"), Expires: form.Day("expires"), Version: form.Int("version", 0, 1<<30)}
	value, known := values[form.Values.Get("value")]
	if !known {
		form.Add(problem.Invalid("value", "web.choose"))
	}
	in.Value = value
	if err = form.Err(); err == nil {
		if err = h.mayAsk(r.Context(), src, key, id); err == nil {
			err = h.svc.SaveAnswer(r.Context(), key, id, way, in)
		}
	}
	if err != nil {
		view, verr := h.view(r, src, form, id, key)
		if verr != nil {
			return verr
		}
		view.Asking, view.NeedsDay = form.Values.Get("value"), in.Value == verdict.Met
		return h.views.RenderForm(w, r, err, form, "question", view)
	}
	web.Redirect(w, src.at(key, id))
	return nil
}

// mayAsk says whether the item is one of the cards: a link answers for nothing else.
func (h *Web) mayAsk(ctx context.Context, src source, key, id string) error {
	return h.svc.Read(ctx, func(tx *sqlite.Tx) error {
		cards, err := h.cards(ctx, tx, src)
		if err == nil && place(cards, key, id) < 0 {
			return problem.NotFound("assessment.item.not_found")
		}
		return err
	})
}

// at is the path of one card.
func (src source) at(key, id string) string {
	q := url.Values{"item": {id}}
	if src.key == "" {
		q.Set("f", key)
	}
	if src.key != "" && src.owner != "" {
		q.Set("owner", src.owner)
	}
	return src.path + "?" + q.Encode()
}

func (h *Web) view(r *http.Request, src source, form *web.Form, item, key string) (*View, error) {
	ctx := r.Context()
	v := &View{Form: form, Action: src.path, Owner: src.owner, ByLink: src.link != nil}
	if src.key != "" {
		v.Sheet = "/sheet/" + src.key
		if src.owner != "" {
			v.Action += "?owner=" + url.QueryEscape(src.owner)
		}
	}
	if key == "" {
		key = r.URL.Query().Get("f")
	}
	err := h.svc.Read(ctx, func(tx *sqlite.Tx) error {
		cards, err := h.cards(ctx, tx, src)
		if err != nil {
			return err
		}
		if src.link != nil {
			names, err := h.svc.Names(ctx, tx)
			if err != nil {
				return err
			}
			v.Who, v.Until = names[src.link.Person], src.link.ExpiresAt.In(jdate.Tokyo).Format("2006-01-02")
		}
		v.All, v.None = len(cards), len(cards) == 0
		for _, c := range cards {
			if !c.answered() {
				v.Left++
			}
		}
		i := place(cards, key, item)
		if i < 0 && item != "" {
			return problem.NotFound("assessment.item.not_found")
		}
		if v.Done = i < 0; !v.Done {
			v.fill(cards, i, src, web.Locale(ctx))
		}
		return nil
	})
	return v, err
}

func (v *View) fill(cards []card, i int, src source, locale string) {
	b, it := cards[i].board, cards[i].item
	n := it.Node
	v.Framework, v.Item, v.Version, v.N = b.Key(), n.ID, strconv.Itoa(it.Version), i+1
	v.Number, v.Level, v.Title, v.Condition = it.Number(), b.LevelName(n.Level, locale), n.Title, n.Text.In(locale)
	v.CriterionWord, v.Points = b.Words.Criterion, b.Scoring.PerItem > 0
	if label := it.Label(); label != nil {
		v.Objective = label.Text.In(locale)
	}
	if o := it.Official; o != nil && o.Condition != "" {
		v.Condition = o.Condition
	}
	if o := it.Official; o != nil && o.Objective != "" {
		v.Objective = o.Objective
	}
	for _, c := range it.Clauses {
		v.Clauses = append(v.Clauses, c.Text)
	}
	if i > 0 {
		v.Before = src.at(cards[i-1].board.Key(), cards[i-1].item.Node.ID)
	}
	v.After = src.path
	if i+1 < len(cards) {
		v.After = src.at(cards[i+1].board.Key(), cards[i+1].item.Node.ID)
	} else if src.key != "" && src.owner != "" {
		v.After += "?owner=" + url.QueryEscape(src.owner)
	}
	if b.Round.Locked() && !b.Round.To.Before(b.Today) {
		v.Locked = b.Round.Name
	}
	if src.link == nil {
		v.ItemPage = it.Path()
	}
	if it.Answer == nil {
		return
	}
	v.Answered, v.Answer, v.Reason = true, it.Answer.Value, it.Answer.Reason
	for _, c := range it.Clauses {
		if c.Rule != nil {
			v.Chips = append(v.Chips, Chip{c.Verdict.Result, c.Short})
		}
		v.Differs = v.Differs || c.State.Conflict
	}
}

// OwnersView lists who can be asked.
type OwnersView struct {
	Form    *web.Form
	Rows    []OwnerRow
	Options []web.Option
	Made    bool
	Address string
	QR      template.HTML
	Who     string
	Until   string
}

// OwnerRow is one owner.
type OwnerRow struct {
	Key, Name   string
	Items, Left int
}

func (h *Web) owners(w http.ResponseWriter, r *http.Request) error {
	view, err := h.ownersView(r, web.NewForm())
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "owners", view)
}

func (h *Web) ownersView(r *http.Request, form *web.Form) (*OwnersView, error) {
	ctx := r.Context()
	view := &OwnersView{Form: form}
	err := h.svc.Read(ctx, func(tx *sqlite.Tx) error {
		names, err := h.svc.Names(ctx, tx)
		if err != nil {
			return err
		}
		targets, err := h.svc.Targets(ctx, tx)
		if err != nil {
			return err
		}
		rows := map[string]*OwnerRow{}
		for _, t := range targets {
			for _, it := range t.Items() {
				if it.Meta.Owner == "" {
					continue
				}
				row := rows[it.Meta.Owner]
				if row == nil {
					row = &OwnerRow{Key: it.Meta.Owner, Name: names[it.Meta.Owner]}
					rows[it.Meta.Owner] = row
				}
				row.Items++
				if !(card{t.Board, it}).answered() {
					row.Left++
				}
			}
		}
		for _, row := range rows {
			view.Rows = append(view.Rows, *row)
		}
		slices.SortFunc(view.Rows, func(a, b OwnerRow) int { return strings.Compare(a.Name+a.Key, b.Name+b.Key) })
		return nil
	})
	return view, err
}

// makeLink makes a link and shows it this once; it is not stored in a form that could be shown again.
func (h *Web) makeLink(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	owner := form.Text("owner")
	token, l, err := ask(r.Context(), h.db, owner)
	view, verr := h.ownersView(r, form)
	if verr != nil {
		return verr
	}
	if err != nil {
		return h.views.RenderForm(w, r, err, form, "owners", view)
	}
	view.Made, view.Address = true, h.address(r.Context())+link.Path(Purpose, token)
	view.Until = l.ExpiresAt.In(jdate.Tokyo).Format("2006-01-02")
	if view.QR, err = link.QR(view.Address); err != nil {
		return err
	}
	for _, row := range view.Rows {
		if row.Key == owner {
			view.Who = row.Name
		}
	}
	return h.views.Render(w, r, "owners", view)
}

// PaperView is the form to print.
type PaperView struct {
	Who   string
	Day   jdate.Day
	Items []PaperItem
	Copy  string // page on which the answers are copied back
}

// PaperItem is one item on paper.
type PaperItem struct {
	Number, Level string
	Title         framework.Text
	Condition     string
	Clauses       []framework.Text
}

func (h *Web) paper(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	owner := r.URL.Query().Get("owner")
	var view PaperView
	err := h.svc.Read(ctx, func(tx *sqlite.Tx) error {
		names, err := h.svc.Names(ctx, tx)
		if err != nil {
			return err
		}
		cards, err := ownerCards(ctx, tx, h.svc, owner)
		if err != nil {
			return err
		}
		view.Who, view.Day = names[owner], jdate.Of(tx.Now)
		for _, c := range cards {
			p := PaperItem{
				Number: c.item.Number(), Level: c.board.LevelName(c.item.Node.Level, web.Locale(ctx)),
				Title: c.item.Node.Title, Condition: c.item.Node.Text.In(web.Locale(ctx)),
			}
			for _, cl := range c.item.Clauses {
				p.Clauses = append(p.Clauses, cl.Text)
			}
			view.Items = append(view.Items, p)
			if view.Copy == "" {
				view.Copy = "/sheet/" + c.board.Key() + "/ask?owner=" + url.QueryEscape(owner)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "paper", view)
}

// behind resolves the link and gives a request whose actor is the person it was made for.
func (h *Web) behind(r *http.Request) (*http.Request, source, error) {
	ctx := r.Context()
	token := r.PathValue("token")
	var l link.Link
	err := h.db.Read(ctx, func(tx *sqlite.Tx) error {
		var err error
		l, err = link.Resolve(ctx, tx, token, Purpose)
		return err
	})
	if err != nil {
		return nil, source{}, err
	}
	r = r.WithContext(actor.With(ctx, l.Actor(assessment.PermRead, assessment.PermAnswer)))
	return r, source{path: link.Path(Purpose, token), owner: l.Person, link: &l}, nil
}

func (h *Web) linkAsk(w http.ResponseWriter, r *http.Request) error {
	r, src, err := h.behind(r)
	if err != nil {
		return err
	}
	view, err := h.view(r, src, web.NewForm(), r.URL.Query().Get("item"), "")
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "question", view)
}

func (h *Web) linkAnswer(w http.ResponseWriter, r *http.Request) error {
	r, src, err := h.behind(r)
	if err != nil {
		return err
	}
	return h.save(w, r, src, assessment.WayLink)
}
