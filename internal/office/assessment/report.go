package assessment

import (
	"context"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// GapsSchema names the shape of GapsReport. A field that means something else, or is gone, gets a new number.
const GapsSchema = "kizuki.gaps/1"

// GapsReport is what the company has not done yet, for programs: the JSON export of the page, and what
// "kizuki demo --json", "kizuki assess --json" and "kizuki export gaps" print. Lists are in the order of the
// frameworks and never null; results are "met", "part", "unmet", "na" and "unknown".
type GapsReport struct {
	Schema    string         `json:"schema"` // GapsSchema
	AsOf      jdate.Day      `json:"as_of"`
	Company   string         `json:"company"`
	Language  string         `json:"language"` // of all texts: "ja" or "en"
	Targets   []GapsTarget   `json:"targets"`
	Open      GapsOpen       `json:"open"`
	Conflicts int            `json:"conflicts"` // clauses where answer and records contradict each other
	NextSteps []GapsStep     `json:"next_steps"`
	Gaps      []Gap          `json:"gaps"`
	Unknown   []UnknownLevel `json:"unknown_levels"`
	OneHand   string         `json:"roles_in_one_hand"` // who holds several roles at once, in a sentence; "" for nobody
}

// GapsTarget is one framework up to the level aimed at, counted in items.
type GapsTarget struct {
	Framework string `json:"framework"` // "jama-japia@2.3"
	Title     string `json:"title"`
	Level     string `json:"level"` // id of the highest level aimed at
	LevelName string `json:"level_name"`
	Items     int    `json:"items"`
	Met       int    `json:"met"`
	Part      int    `json:"part"`
	Unmet     int    `json:"unmet"`
	Unknown   int    `json:"unknown"`
	NA        int    `json:"na"`
	Open      int    `json:"open_clauses"`
	Points    *int   `json:"points"`     // null when the scheme gives none
	Possible  *int   `json:"points_max"` // the most that can be reached

	Levels []GapsLevel `json:"levels"` // every level of the framework, from the lowest
}

// GapsOpen counts open clauses over all targets.
type GapsOpen struct {
	Clauses    int  `json:"clauses"`
	Unmet      int  `json:"unmet"`
	Unknown    int  `json:"unknown"`
	SinceMonth *int `json:"since_last_month"` // change since the end of last month; null: nothing to compare with
}

// GapsStep is one of the next five.
type GapsStep struct {
	Remedy  string   `json:"remedy"`
	Title   string   `json:"title"`
	Why     string   `json:"why"`
	Link    string   `json:"link"`
	Minutes int      `json:"minutes"`
	Closes  int      `json:"closes"` // clauses that it turns to met
	Items   []string `json:"items"`  // "jama-japia@2.3/28"
}

// Gap is one open clause.
type Gap struct {
	Framework string    `json:"framework"`
	Item      string    `json:"item"`
	Title     string    `json:"title"`
	Level     string    `json:"level"`
	Label     string    `json:"label"`
	Clause    string    `json:"clause"` // id; a changed wording has a new one
	Kind      string    `json:"kind"`   // rule target frequency timing
	Mark      string    `json:"mark"`   // auto assist human
	Text      string    `json:"text"`
	State     string    `json:"state"`
	Verdict   string    `json:"verdict"` // what the records say
	Answer    string    `json:"answer"`  // what a person said; "" nobody yet
	Why       []string  `json:"why"`
	Missing   int       `json:"missing"` // members or records that are missing
	Owner     string    `json:"owner"`   // key of the person; names stay inside
	Due       jdate.Day `json:"due"`     // of the action, else the planned date of the item; "" none
	Link      string    `json:"link"`
}

// UnknownLevel counts the items of a framework whose level nobody knows until the official workbook is imported.
type UnknownLevel struct {
	Framework string `json:"framework"`
	Items     int    `json:"items"`
	Open      int    `json:"open_items"` // neither met nor 該当なし
}

// GapsReport writes the gaps of all targets in a language. Problem code forbidden.
func (s *Service) GapsReport(ctx context.Context, locale string) (*GapsReport, error) {
	var report *GapsReport
	err := s.Read(ctx, func(tx *sqlite.Tx) error {
		o, err := s.Overview(ctx, tx)
		if err != nil {
			return err
		}
		report, err = s.Report(ctx, tx, o, locale)
		return err
	})
	return report, err
}

// Report writes an overview as a report.
func (s *Service) Report(ctx context.Context, tx *sqlite.Tx, o *Overview, locale string) (*GapsReport, error) {
	oneHand, err := s.OneHand(ctx, tx, locale)
	if err != nil {
		return nil, err
	}
	r := &GapsReport{
		OneHand: oneHand, Schema: GapsSchema, AsOf: o.Today, Company: o.Company.Name, Language: locale, Conflicts: o.Conflicts,
		Open:    GapsOpen{o.Open.OpenClauses, o.Open.UnmetClauses, o.Open.UnknownClauses, o.SinceMonth},
		Targets: []GapsTarget{}, NextSteps: []GapsStep{}, Gaps: []Gap{}, Unknown: []UnknownLevel{},
	}
	for i, t := range o.Targets {
		r.Targets = append(r.Targets, targetReport(o, t, o.Counts[i], locale))
		if u := unknownLevels(t.Board); u.Items > 0 {
			r.Unknown = append(r.Unknown, u)
		}
	}
	for _, st := range o.Steps {
		r.NextSteps = append(r.NextSteps, stepReport(st, locale))
	}
	for _, t := range o.Targets {
		for _, it := range t.Items() {
			for _, c := range it.Clauses {
				if c.Open() {
					r.Gaps = append(r.Gaps, s.gap(o, t.Board, it, c, locale))
				}
			}
		}
	}
	return r, nil
}

func targetReport(o *Overview, t Target, c Counts, locale string) GapsTarget {
	out := GapsTarget{
		Framework: t.Board.Key(), Title: t.Board.Title.In(locale), Level: t.Level, LevelName: t.Board.LevelName(t.Level, locale),
		Items: c.Items, Met: c.Met, Part: c.Part, Unmet: c.Unmet, Unknown: c.Unknown, NA: c.NA, Open: c.OpenClauses,
		Levels: levelsOf(t.Board, locale),
	}
	if t.Board.Scoring.PerItem > 0 {
		p := t.Points()
		out.Points, out.Possible = &p.Earned, &p.Possible
		if o.Company.CountNA {
			out.Points, out.Possible = &p.EarnedWithNA, &p.PossibleWithNA
		}
	}
	return out
}

// LevelName is the name of a level, "" when it is unknown.
func (o *Outline) LevelName(id, locale string) string {
	i := o.LevelIndex(id)
	if i < 0 {
		return ""
	}
	return o.Levels[i].Name.In(locale)
}

func stepReport(st verdict.Step, locale string) GapsStep {
	out := GapsStep{
		Remedy: st.Remedy, Title: st.Title.In(locale), Why: st.Why.In(locale), Link: st.Link, Minutes: st.Minutes,
		Closes: len(st.Clauses), Items: []string{},
	}
	for _, c := range st.Clauses {
		id := c.Item.Framework.Key() + "/" + c.Item.ID
		if len(out.Items) == 0 || out.Items[len(out.Items)-1] != id {
			out.Items = append(out.Items, id)
		}
	}
	return out
}

func (s *Service) gap(o *Overview, b *Board, it *Item, c *Clause, locale string) Gap {
	g := Gap{
		Framework: b.Key(), Item: it.Node.ID, Title: it.Node.Title.In(locale), Level: it.Node.Level, Clause: c.ID, Kind: c.Kind, Mark: c.Mark,
		Text: c.Text.In(locale), State: c.State.Result.Stored(), Verdict: c.Verdict.Result.Stored(), Why: s.Why(c, locale),
		Missing: max(len(c.Verdict.Misses), c.Verdict.Members-c.Verdict.Done), Owner: it.Meta.Owner, Due: it.Meta.PlannedOn,
		Link: "/sheet/" + b.Key() + "/" + it.Node.ID,
	}
	if c.Effective.Given {
		g.Answer = c.Effective.Value.Stored()
	}
	if label := it.Label(); label != nil {
		g.Label = label.Title.In(locale)
	}
	if a := o.ActionFor(c); a != nil {
		g.Due = a.Due
		if a.Owner != "" {
			g.Owner = a.Owner
		}
	}
	return g
}

// Why gives the sentences that say why a clause is not met, the most important first; never nil.
func (s *Service) Why(c *Clause, locale string) []string {
	out := make([]string, 0, len(c.Verdict.Reasons)+1)
	for _, r := range c.Verdict.Reasons {
		out = append(out, r.Text(s.catalog.Table, locale))
	}
	key := ""
	switch {
	case c.State.WaitsConfirm:
		key = "assessment.why.waits"
	case c.Effective.Given && c.Effective.Value == verdict.Unmet:
		key = "assessment.why.answered_unmet"
	case c.Effective.Given && c.Effective.Value == verdict.Unknown && c.Verdict.Result == verdict.Unknown:
		key = "assessment.why.answered_unknown"
	case len(c.Verdict.Reasons) == 0 && c.Open():
		key = "assessment.why.unanswered"
	case c.Effective.Given && c.Effective.Value == verdict.Met && c.Open():
		key = "assessment.why.expired"
	}
	if key != "" {
		out = append(out, s.texts.T(locale, key, nil))
	}
	return out
}

// Only narrows the report to one framework, by key or by id.
func (r *GapsReport) Only(framework string) *GapsReport {
	out := *r
	fits := func(key string) bool {
		id, _, _ := strings.Cut(key, "@")
		return key == framework || id == framework
	}
	out.Targets = slices.DeleteFunc(slices.Clone(r.Targets), func(t GapsTarget) bool { return !fits(t.Framework) })
	out.Gaps = slices.DeleteFunc(slices.Clone(r.Gaps), func(g Gap) bool { return !fits(g.Framework) })
	out.Unknown = slices.DeleteFunc(slices.Clone(r.Unknown), func(u UnknownLevel) bool { return !fits(u.Framework) })
	out.Open = GapsOpen{Clauses: len(out.Gaps)}
	for _, g := range out.Gaps {
		if g.State == "unmet" {
			out.Open.Unmet++
		}
	}
	out.Open.Unknown = out.Open.Clauses - out.Open.Unmet
	return &out
}
