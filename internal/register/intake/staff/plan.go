package staff

import (
	"context"
	"maps"
	"strconv"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/person"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// step is how many rows pass between two reports of progress.
const step = 500

// planned is what Apply needs beyond what is shown. Departments and sites stand as keys, or as "new:" and
// the search key of a name that does not exist yet.
type planned struct {
	add, change, missing []people.Person
	old                  map[string]people.Person // of change, by key
	departments, sites   []string                 // new names, in the order of the file
}

// newPlace marks a department or site that does not exist yet.
const newPlace = "new:"

// planner holds what one Plan works with.
type planner struct {
	in      intake.Input
	plan    *intake.Plan
	data    *planned
	matcher *person.Matcher
	places  org.Places
	names   map[string]string // of departments and sites by key or newPlace
	said    map[string][]int  // what identifies a row → the lines that say it
	matched map[string]taken  // person key → the row that means the person
	erased  map[span]bool

	mentioned map[string]bool  // person keys that refused rows may mean
	twice     map[string][]int // person key → lines of further rows that mean the person
}

// Plan compares the rows with the staff list. It concerns the whole company, so an actor with a scope of
// departments is refused with code forbidden.
func (imp *Importer) Plan(ctx context.Context, tx *sqlite.Tx, in intake.Input) (*intake.Plan, error) {
	if err := actor.From(ctx).RequireScope(""); err != nil {
		return nil, err
	}
	if !in.Has("name") && !in.Has("family_name") {
		return nil, problem.Invalid("", "staff.no_name_column")
	}
	all, err := imp.people.List(ctx, tx, people.Filter{})
	if err != nil {
		return nil, err
	}
	today := jdate.Of(tx.Now)
	pl := &planner{
		in: in, plan: &intake.Plan{Total: len(in.Rows)}, data: &planned{old: map[string]people.Person{}},
		matcher: people.NewMatcher(all, today), said: map[string][]int{}, matched: map[string]taken{}, mentioned: map[string]bool{}, twice: map[string][]int{},
		erased: erasedSpans(all),
	}
	if err := pl.loadPlaces(ctx, tx, imp.org); err != nil {
		return nil, err
	}
	pl.identify(in.Rows)
	pl.identify(in.Unusable)
	for i, row := range in.Rows {
		if i%step == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			in.Progress(i, len(in.Rows))
		}
		pl.row(row)
	}
	in.Progress(len(in.Rows), len(in.Rows))
	for _, row := range in.Unusable {
		d, _ := readRow(in, row)
		pl.present(d)
	}
	pl.giveUpTwice()
	pl.missing(all, today)
	pl.ask()
	pl.plan.Data = pl.data
	return pl.plan, nil
}

func (pl *planner) loadPlaces(ctx context.Context, tx *sqlite.Tx, places *org.Service) error {
	var err error
	if pl.places, err = places.Places(ctx, tx); err != nil {
		return err
	}
	if pl.names, err = places.DepartmentNames(ctx, tx); err != nil {
		return err
	}
	sites, err := places.SiteNames(ctx, tx)
	maps.Copy(pl.names, sites)
	return err
}

func (pl *planner) refuse(r *intake.Refusal) { pl.plan.Refused = append(pl.plan.Refused, *r) }

// row sorts one row into added, changed, same or refused.
func (pl *planner) row(row intake.Row) {
	d, refused := readRow(pl.in, row)
	if refused == nil {
		refused = pl.duplicate(row, d)
	}
	if refused != nil {
		pl.refuse(refused)
		pl.present(d)
		return
	}
	found := pl.matcher.Match(d.rosterRow())
	switch {
	case len(found.Candidates) > 0:
		pl.present(d)
		pl.refuse(refuse(d.line, "people.field.name", d.p.Name(), "staff.reason.several", "name", d.p.Name(), "n", len(found.Candidates)))
	case found.Person == nil:
		pl.add(d)
	default:
		pl.change(d, *found.Person)
	}
}

// present notes whom a refused row may mean: they are in the file, though it says nothing that can be used.
func (pl *planner) present(d draft) {
	found := pl.matcher.Match(d.rosterRow())
	if found.Person != nil {
		found.Candidates = append(found.Candidates, *found.Person)
	}
	for _, p := range found.Candidates {
		pl.mentioned[p.Key] = true
	}
}

func (pl *planner) add(d draft) {
	p := d.p
	if !p.Left.IsZero() && pl.erased[span{p.Joined, p.Left}] {
		pl.refuse(refuse(d.line, "people.field.left", p.Left.String(), "staff.reason.erased"))
		return
	}
	if p.Class == "" {
		p.Class = pl.in.Option(optionClass)
		if p.Class == "refuse" {
			pl.refuse(refuse(d.line, "people.field.class", "", "staff.reason.class_blank"))
			return
		}
	}
	p.Department, p.Site = pl.department(d.department), pl.site(d.site)
	pl.data.add = append(pl.data.add, p)
	pl.plan.Adds = append(pl.plan.Adds, intake.Entry{Line: d.line, Name: p.Name(), Fields: pl.differences(people.Person{}, p)})
}

func (pl *planner) change(d draft, old people.Person) {
	if first, twice := pl.matched[old.Key]; twice {
		pl.refuse(refuse(d.line, "people.field.name", d.p.Name(), "staff.reason.twice_name", "name", old.Name(), "lines", strconv.Itoa(first.d.line)))
		pl.twice[old.Key] = append(pl.twice[old.Key], d.line)
		return
	}
	p := pl.merge(d, old)
	if found := p.Check(); len(found) > 0 {
		pl.refuse(&intake.Refusal{Line: d.line, Column: "people.field." + found[0].Field, Reason: i18n.Msg{Key: found[0].Key, Args: found[0].Args}})
		pl.mentioned[old.Key] = true
		return
	}
	fields := pl.differences(old, p)
	pl.matched[old.Key] = taken{d, len(fields) > 0}
	if len(fields) == 0 {
		pl.plan.Same++
		return
	}
	pl.data.change = append(pl.data.change, p)
	pl.data.old[old.Key] = old
	pl.plan.Changes = append(pl.plan.Changes, intake.Entry{Line: d.line, Name: old.Name(), Link: "/people/" + old.Key, Fields: fields})
}

// merge lays what the row says over what the register knows.
func (pl *planner) merge(d draft, old people.Person) people.Person {
	p := old
	clearing := pl.in.Option(optionBlank) == "clear"
	takes := func(columns ...string) bool {
		for _, c := range columns {
			if d.says[c] || clearing && pl.in.Has(c) {
				return true
			}
		}
		return false
	}
	if d.says["employee_no"] && person.NumberKey(d.p.EmployeeNo) != person.NumberKey(old.EmployeeNo) && old.EmployeeNo == "" {
		p.EmployeeNo = d.p.EmployeeNo // a known number stays: the file may have lost its zeros
	}
	if !sameSplit(old.FamilyName, old.GivenName, d.p.FamilyName, d.p.GivenName) {
		p.FamilyName, p.GivenName = d.p.FamilyName, d.p.GivenName
	}
	if takes("kana", "family_kana") && !sameSplit(old.FamilyKana, old.GivenKana, d.p.FamilyKana, d.p.GivenKana) {
		p.FamilyKana, p.GivenKana = d.p.FamilyKana, d.p.GivenKana
	}
	if d.says["class"] {
		p.Class = d.p.Class
	}
	if takes("department") {
		p.Department = pl.department(d.department)
	}
	if takes("site") {
		p.Site = pl.site(d.site)
	}
	for _, f := range []struct {
		column string
		copy   func()
	}{
		{"display_name", func() { p.DisplayName = d.p.DisplayName }},
		{"email", func() { p.Email = d.p.Email }},
		{"mail", func() { p.Mail = d.p.Mail }},
		{"internet", func() { p.Internet = d.p.Internet }},
		{"joined", func() { p.Joined = d.p.Joined }},
		{"left", func() { p.Left = d.p.Left }},
		{"kiosk", func() { p.Kiosk = d.p.Kiosk }},
	} {
		if takes(f.column) {
			f.copy()
		}
	}
	return p
}

// sameSplit says that the file knows no more of a name than the register: 佐藤花子 in one cell is 佐藤 花子.
func sameSplit(family, given, newFamily, newGiven string) bool {
	if jtext.SearchKey(family+given) != jtext.SearchKey(newFamily+newGiven) {
		return false
	}
	return newGiven == "" || family == newFamily && given == newGiven
}

func (pl *planner) department(name string) string {
	return place(name, pl.places.Departments, pl.names, &pl.data.departments)
}

func (pl *planner) site(name string) string {
	return place(name, pl.places.Sites, pl.names, &pl.data.sites)
}

// place returns the key of a name, noting names that do not exist yet.
func place(name string, known, names map[string]string, fresh *[]string) string {
	search := jtext.SearchKey(name)
	if search == "" {
		return ""
	}
	if key, ok := known[search]; ok {
		return key
	}
	key := newPlace + search
	known[search], names[key] = key, name
	*fresh = append(*fresh, name)
	return key
}

// differences lists the fields in which two people differ, in the order of the form.
func (pl *planner) differences(old, p people.Person) []intake.Field {
	var out []intake.Field
	add := func(name string, a, b any) {
		if a != b {
			out = append(out, intake.Field{Label: "people.field." + name, Old: a, New: b})
		}
	}
	message := func(group, value string) any {
		if value == "" {
			return ""
		}
		return "people." + group + "." + value
	}
	add("employee_no", old.EmployeeNo, p.EmployeeNo)
	add("name", joined(old.FamilyName, old.GivenName), joined(p.FamilyName, p.GivenName))
	add("kana", old.Kana(), p.Kana())
	add("display_name", old.DisplayName, p.DisplayName)
	add("class", message("class", old.Class), message("class", p.Class))
	add("department", pl.names[old.Department], pl.names[p.Department])
	add("site", pl.names[old.Site], pl.names[p.Site])
	add("email", old.Email, p.Email)
	add("mail", message("use", old.Mail), message("use", p.Mail))
	add("internet", message("use", old.Internet), message("use", p.Internet))
	add("joined", old.Joined, p.Joined)
	add("left", old.Left, p.Left)
	if old.Kiosk != p.Kiosk {
		add("kiosk", yesNo(old.Kiosk), yesNo(p.Kiosk))
	}
	for i, f := range out {
		switch f.Label {
		case "people.field.class", "people.field.mail", "people.field.internet", "people.field.kiosk":
			out[i].Old, out[i].New = asMessage(f.Old), asMessage(f.New)
		}
	}
	return out
}

func joined(family, given string) string {
	if given == "" {
		return family
	}
	return family + " " + given
}

func yesNo(b bool) any {
	if b {
		return "people.yes"
	}
	return "people.no"
}

func asMessage(v any) any {
	if key, ok := v.(string); ok && key != "" {
		return i18n.Msg{Key: key}
	}
	return v
}

// missing lists the active people whom no row means.
func (pl *planner) missing(all []people.Person, today jdate.Day) {
	for _, p := range all {
		if _, ok := pl.matched[p.Key]; ok || pl.mentioned[p.Key] || !p.ActiveOn(today) || !p.Left.IsZero() {
			continue
		}
		pl.data.missing = append(pl.data.missing, p)
		pl.plan.Missing = append(pl.plan.Missing, intake.Entry{Name: p.Name(), Link: "/people/" + p.Key})
	}
}

// The asks of this importer and their answers.
const (
	askMissing = "missing"
	askPlaces  = "places"
)

func (pl *planner) ask() {
	if n := len(pl.data.departments) + len(pl.data.sites); n > 0 {
		pl.plan.Asks = append(pl.plan.Asks, intake.Ask{
			Name: askPlaces, Text: i18n.Msg{Key: "staff.ask.places", Args: problem.Args{"n": n}},
			Names:   append(append([]string{}, pl.data.departments...), pl.data.sites...),
			Choices: []intake.Choice{{Value: "create", Label: "staff.ask.places_create"}, {Value: "blank", Label: "staff.ask.places_blank"}},
		})
	}
	if len(pl.data.missing) > 0 {
		ask := intake.Ask{
			Name: askMissing, Text: i18n.Msg{Key: "staff.ask.missing", Args: problem.Args{"n": len(pl.data.missing)}},
			Choices: []intake.Choice{{Value: "keep", Label: "staff.ask.missing_keep"}, {Value: "left", Label: "staff.ask.missing_left"}},
		}
		for _, p := range pl.data.missing {
			ask.Names = append(ask.Names, p.Name())
		}
		pl.plan.Asks = append(pl.plan.Asks, ask)
	}
}
