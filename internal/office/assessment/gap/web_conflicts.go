package gap

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// ConflictsView is 回答と記録の食い違い.
type ConflictsView struct {
	Form      *web.Form
	Rows      []ConflictRow
	MayAnswer bool
}

// ConflictRow is one contradiction with its three ways out.
type ConflictRow struct {
	Framework, Item   string // keys
	Clause, Version   string
	Number, Path      string
	Title, Text       framework.Text
	Answer            verdict.Result
	Reason            string
	Expires           jdate.Day
	Held              bool // it stands with reason and last day
	Verdict           verdict.Result
	Why               string
	Cure              assessment.Cure
	HasCure           bool
	NeedsDay          bool // to keep it takes a last day
	Wrong             bool // the form below was sent for this row
	NewReason, NewDay string
}

func (h *Web) conflicts(w http.ResponseWriter, r *http.Request) error {
	view, err := h.conflictsView(r, web.NewForm())
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "conflicts", view)
}

func (h *Web) conflictsView(r *http.Request, form *web.Form) (*ConflictsView, error) {
	view := &ConflictsView{Form: form, MayAnswer: actor.From(r.Context()).May(assessment.PermAnswer)}
	ctx := r.Context()
	locale := web.Locale(ctx)
	err := h.svc.Read(ctx, func(tx *sqlite.Tx) error {
		targets, err := h.svc.Targets(ctx, tx)
		if err != nil {
			return err
		}
		for _, t := range targets {
			for _, d := range t.Board.Contradictions() {
				if !t.Within(d.Item) {
					continue
				}
				row := h.conflictRow(d, locale)
				if form.Values.Get("clause") == d.Clause.ID {
					row.Wrong, row.NewReason, row.NewDay = true, form.Values.Get("reason"), form.Values.Get("expires")
				}
				view.Rows = append(view.Rows, row)
			}
		}
		return nil
	})
	return view, err
}

func (h *Web) conflictRow(d assessment.Contradiction, locale string) ConflictRow {
	c := d.Clause
	row := ConflictRow{
		Framework: d.Board.Key(), Item: d.Item.Node.ID, Clause: c.ID, Version: strconv.Itoa(c.Version), Number: d.Item.Number(), Path: d.Item.Path(),
		Title: d.Item.Node.Title, Text: c.Text, Answer: c.Effective.Value, Reason: c.Effective.Reason, Expires: c.Effective.Expires,
		Held: c.State.Held, Verdict: c.Verdict.Result, NeedsDay: c.Effective.Value == verdict.Met,
	}
	if why := h.svc.Why(c, locale); len(why) > 0 {
		row.Why = why[0]
	}
	row.Cure, row.HasCure = h.svc.Cure(c)
	return row
}

// settle takes one of the ways out: answer as the records say, or keep the answer with a reason until a day. The
// third, a new record, is made on the page of its feature.
func (h *Web) settle(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	way := form.Choice("way", "follow", "keep")
	key, id, clause := form.Text("framework"), form.Text("item"), form.Text("clause")
	in := assessment.NewAnswer{Node: clause, Version: form.Int("version", 0, 1<<30), Reason: form.Long("reason"), Expires: form.Day("expires")}
	if err = form.Err(); err == nil {
		if err = h.decide(r, key, id, way, &in); err == nil {
			err = h.svc.SaveAnswer(r.Context(), key, id, assessment.WayPage, in)
		}
	}
	if err == nil {
		return h.shell.Done(w, r, "/conflicts", "gap.settled_"+way)
	}
	view, verr := h.conflictsView(r, form)
	if verr != nil {
		return verr
	}
	return h.views.RenderForm(w, r, err, form, "conflicts", view)
}

// decide fills in the value: that of the records, or the one that stands.
func (h *Web) decide(r *http.Request, key, id, way string, in *assessment.NewAnswer) error {
	ctx := r.Context()
	return h.svc.Read(ctx, func(tx *sqlite.Tx) error {
		_, it, err := h.svc.Item(ctx, tx, key, id)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(it.Clauses, func(c *assessment.Clause) bool { return c.ID == in.Node })
		if i < 0 {
			return problem.NotFound("assessment.clause.not_found")
		}
		c := it.Clauses[i]
		in.Value = c.Effective.Value
		if way == "keep" {
			if in.Reason == "" {
				return problem.Invalid("reason", "assessment.answer.against_reason_any")
			}
			return nil
		}
		in.Value, in.Reason, in.Expires = c.Verdict.Result, "", 0
		if in.Value == verdict.NA { // nobody was concerned: the answer 達成 leaves it to the records
			in.Value = verdict.Met
		}
		return nil
	})
}
