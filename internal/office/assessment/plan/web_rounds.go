package plan

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/framework"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// RoundsView lists the rounds of each framework.
type RoundsView struct {
	Groups    []RoundGroup
	MayManage bool
	Any       bool
}

// RoundGroup is one framework with its rounds, newest first.
type RoundGroup struct {
	Key, Name string
	Rounds    []RoundRow
	MayOpen   bool // no round is open
}

// RoundRow is one round.
type RoundRow struct {
	Key, Name       string
	Year            string
	From, To        jdate.Day
	Open, Imported  bool
	LockedOn        jdate.Day
	Over            bool // it is open although its last day has passed
	Answered, Items int
	Met, Part       int
	Unmet, Unknown  int
	NA              int
}

// RoundView is one round with what its items are worth.
type RoundView struct {
	Round       RoundRow
	Framework   string
	Sheet       string // page
	Points      bool
	Rows        []ResultRow
	Earned, All int // points as the sheet carries them
	MayManage   bool
	Export      string
	Version     string
	Unanswered  int // items; only counted while it is open, like the next two
	Conflicts   int // clauses
	Proposed    int // clauses
	Form        *web.Form
}

// ResultRow is one item of a round.
type ResultRow struct {
	Number, Path, Level string
	Title               framework.Text
	State               verdict.Result
	Value, Answer       i18n.Msg
}

// NewRoundView is the form of a new round.
type NewRoundView struct {
	Form       *web.Form
	Frameworks []web.Option
	Open       *RoundRow // must be locked first; nil: none
}

func row(round *assessment.Round, t tally, today jdate.Day) RoundRow {
	v := RoundRow{
		Key: round.Key, Name: round.Name, Year: strconv.Itoa(round.FiscalYear), From: round.From, To: round.To,
		Open: !round.Locked(), Imported: round.Imported, Answered: t.answered, Items: t.items,
		Met: t.met, Part: t.part, Unmet: t.unmet, Unknown: t.unknown, NA: t.na,
	}
	if v.Open {
		v.Over = round.To.Before(today)
	} else {
		v.LockedOn = jdate.Of(round.LockedAt)
	}
	return v
}

func (h *Web) rounds(w http.ResponseWriter, r *http.Request) error {
	view := RoundsView{MayManage: mayManage(r)}
	err := h.svc.Read(r.Context(), func(tx *sqlite.Tx) error {
		rounds, err := h.svc.Rounds(r.Context(), tx, "")
		if err != nil {
			return err
		}
		view.Any = len(rounds) > 0
		view.Groups, err = h.groups(r, tx, rounds)
		return err
	})
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "plan_rounds", view)
}

// groups gives the targets first, then every framework that has rounds.
func (h *Web) groups(r *http.Request, tx *sqlite.Tx, rounds []*assessment.Round) ([]RoundGroup, error) {
	targets, err := h.svc.Targets(r.Context(), tx)
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, t := range targets {
		keys = append(keys, t.Board.Key())
	}
	for _, round := range rounds {
		if !slices.Contains(keys, round.Framework) {
			keys = append(keys, round.Framework)
		}
	}
	var out []RoundGroup
	for _, key := range keys {
		g := RoundGroup{Key: key, Name: h.frameworkName(r, key), MayOpen: h.svc.Catalog().Key(key) != nil && mayManage(r)}
		for _, round := range rounds {
			if round.Framework != key {
				continue
			}
			results, err := resultsOf(r.Context(), tx, h.svc, round)
			if err != nil {
				return nil, err
			}
			g.MayOpen = g.MayOpen && round.Locked()
			g.Rounds = append(g.Rounds, row(round, count(results), jdate.Of(tx.Now)))
		}
		out = append(out, g)
	}
	return out, nil
}

// frameworkName is the short name with its version, the key of a framework that the catalogue no longer has.
func (h *Web) frameworkName(r *http.Request, key string) string {
	if f := h.svc.Catalog().Key(key); f != nil {
		return f.Short.In(web.Locale(r.Context())) + " " + f.Version
	}
	return key
}

func (h *Web) newRound(w http.ResponseWriter, r *http.Request) error {
	if err := actor.From(r.Context()).RequireWhole(assessment.PermManage); err != nil {
		return err
	}
	form := web.NewForm()
	var view NewRoundView
	err := h.svc.Read(r.Context(), func(tx *sqlite.Tx) error {
		key := r.URL.Query().Get("framework")
		targets, err := h.svc.Targets(r.Context(), tx)
		if err != nil {
			return err
		}
		if key == "" && len(targets) > 0 {
			key = targets[0].Board.Key()
		}
		view, err = h.newRoundView(r, tx, form, key)
		if err != nil || h.svc.Catalog().Key(key) == nil {
			return err
		}
		company, err := h.svc.Company(r.Context(), tx)
		if err != nil {
			return err
		}
		rounds, err := h.svc.Rounds(r.Context(), tx, key)
		if err != nil {
			return err
		}
		next := suggest(h.svc, key, company, rounds, jdate.Of(tx.Now))
		for name, value := range map[string]string{
			"framework": key, "year": strconv.Itoa(next.FiscalYear), "name": next.Name, "from": next.From.String(), "to": next.To.String(),
		} {
			form.Values.Set(name, value)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "plan_round_new", view)
}

func (h *Web) newRoundView(r *http.Request, tx *sqlite.Tx, form *web.Form, key string) (NewRoundView, error) {
	view := NewRoundView{Form: form, Frameworks: h.frameworks(web.Locale(r.Context()))}
	rounds, err := h.svc.Rounds(r.Context(), tx, key)
	if err != nil || key == "" {
		return view, err
	}
	for _, round := range rounds {
		if !round.Locked() {
			open := row(round, tally{}, jdate.Of(tx.Now))
			view.Open = &open
		}
	}
	return view, nil
}

func (h *Web) openRound(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	in := assessment.NewRound{
		Framework: form.Text("framework"), FiscalYear: form.Int("year", 2000, 2200), Name: form.Text("name"),
		From: form.Day("from"), To: form.Day("to"),
	}
	if err = form.Err(); err == nil && in.FiscalYear == 0 {
		err = problem.Invalid("year", "plan.year_needed")
	}
	if err == nil {
		var round *assessment.Round
		if round, err = h.svc.OpenRound(r.Context(), in); err == nil {
			return h.shell.Done(w, r, "/rounds/"+round.Key, "plan.round_opened", "name", round.Name)
		}
	}
	var view NewRoundView
	rerr := h.svc.Read(r.Context(), func(tx *sqlite.Tx) (err error) {
		view, err = h.newRoundView(r, tx, form, in.Framework)
		return err
	})
	if rerr != nil {
		return rerr
	}
	return h.views.RenderForm(w, r, err, form, "plan_round_new", view)
}

func (h *Web) round(w http.ResponseWriter, r *http.Request) error {
	view, err := h.roundView(r)
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "plan_round", view)
}

func (h *Web) roundView(r *http.Request) (RoundView, error) {
	view := RoundView{MayManage: mayManage(r), Form: web.NewForm()}
	err := h.svc.Read(r.Context(), func(tx *sqlite.Tx) error {
		rounds, err := h.svc.Rounds(r.Context(), tx, "")
		if err != nil {
			return err
		}
		i := slices.IndexFunc(rounds, func(x *assessment.Round) bool { return x.Key == r.PathValue("key") })
		if i < 0 {
			return problem.NotFound("assessment.round.not_found")
		}
		round := rounds[i]
		results, err := resultsOf(r.Context(), tx, h.svc, round)
		if err != nil {
			return err
		}
		view.Round, view.Version = row(round, count(results), jdate.Of(tx.Now)), strconv.Itoa(round.Version)
		view.Framework, view.Sheet, view.Export = h.frameworkName(r, round.Framework), "/sheet/"+round.Framework, "/rounds/"+round.Key+"/export?"
		h.addResults(r, &view, round, results)
		return h.addOpen(r, tx, &view, round)
	})
	return view, err
}

func (h *Web) addResults(r *http.Request, view *RoundView, round *assessment.Round, results []result) {
	locale := web.Locale(r.Context())
	f := h.svc.Catalog().Key(round.Framework)
	view.Points = f != nil && f.Scoring.PerItem > 0
	for _, res := range results {
		line := ResultRow{Number: res.item, State: res.state, Value: valueMsg(res.value, view.Points), Answer: valueMsg(res.answer, view.Points)}
		if it := res.board; it != nil {
			line.Number, line.Path, line.Title = it.Number(), it.Path(), it.Node.Title
			if i := f.LevelIndex(it.Node.Level); i >= 0 {
				line.Level = f.Levels[i].Name.In(locale)
			}
		}
		if view.Points && res.answer != int(verdict.NotApplicable) {
			view.All += f.Scoring.PerItem
			view.Earned += max(res.answer, 0) * f.Scoring.PerItem / int(verdict.ValueMet)
		}
		view.Rows = append(view.Rows, line)
	}
}

// addOpen counts what to look at before an open round is locked.
func (h *Web) addOpen(r *http.Request, tx *sqlite.Tx, view *RoundView, round *assessment.Round) error {
	if round.Locked() {
		return nil
	}
	b, err := h.svc.Board(r.Context(), tx, round.Framework)
	if problem.CodeOf(err) == problem.CodeNotFound {
		return nil // the catalogue no longer has it
	}
	if err != nil {
		return err
	}
	view.Unanswered, view.Conflicts = b.Unanswered(), len(b.Contradictions())
	for _, it := range b.Items {
		view.Proposed += len(it.Proposed())
	}
	return nil
}

func (h *Web) lockPage(w http.ResponseWriter, r *http.Request) error {
	if err := actor.From(r.Context()).RequireWhole(assessment.PermManage); err != nil {
		return err
	}
	view, err := h.roundView(r)
	if err != nil {
		return err
	}
	if !view.Round.Open {
		return problem.Conflict("assessment.round.locked", "round", view.Round.Name)
	}
	return h.views.Render(w, r, "plan_round_lock", view)
}

func (h *Web) lock(w http.ResponseWriter, r *http.Request) error {
	form, version, err := readVersion(r)
	if err != nil {
		return err
	}
	key := r.PathValue("key")
	if !form.Bool("sure") {
		err = problem.Invalid("sure", "plan.lock_sure_needed")
	} else {
		err = h.svc.LockRound(r.Context(), key, version)
	}
	if problem.CodeOf(err) == problem.CodeInvalid {
		view, verr := h.roundView(r)
		if verr != nil {
			return verr
		}
		view.Form = form
		return h.views.RenderForm(w, r, err, form, "plan_round_lock", view)
	}
	if err != nil {
		return err
	}
	return h.shell.Done(w, r, "/rounds/"+key, "plan.locked_done")
}

func (h *Web) exportRound(w http.ResponseWriter, r *http.Request) error {
	view, err := h.roundView(r)
	if err != nil {
		return err
	}
	locale := web.Locale(r.Context())
	t := func(key string) string { return h.shell.T(r, key, nil) }
	out := sheet.Out{Title: view.Round.Name, Day: h.svc.Today()}
	for _, key := range []string{"plan.item", "plan.level", "plan.title", "plan.state", "plan.value", "plan.answer"} {
		out.Columns = append(out.Columns, sheet.OutColumn{Title: t(key)})
	}
	for _, line := range view.Rows {
		state := string(line.State)
		if line.State == verdict.Unknown {
			state = "unknown"
		}
		out.Rows = append(out.Rows, []any{
			line.Number, line.Level, line.Title.In(locale), t("web.verdict." + state),
			h.shell.T(r, line.Value.Key, line.Value.Args), h.shell.T(r, line.Answer.Key, line.Answer.Args),
		})
	}
	return web.Export(w, r, "kizuki-round-"+view.Round.Year, out)
}
