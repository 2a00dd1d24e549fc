package staff

import (
	"errors"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/register/intake"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/register/people/person"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// draft is one row as read: the person it describes, and which fields it says anything about.
type draft struct {
	line       int
	p          people.Person   // Department and Site are empty: their names stand beside
	department string          // name as written
	site       string          // name as written
	says       map[string]bool // columns with a value in this row
}

// rosterRow is what the draft is matched by.
func (d draft) rosterRow() people.RosterRow {
	name := d.p.FamilyName + d.p.GivenName
	if name == "" {
		name = d.p.DisplayName
	}
	return people.RosterRow{EmployeeNo: d.p.EmployeeNo, Name: name, Kana: d.p.FamilyKana + d.p.GivenKana, Email: d.p.Email}
}

// readRow reads the cells of a row, or says why they cannot be used.
func readRow(in intake.Input, row intake.Row) (draft, *intake.Refusal) {
	d := draft{line: row.Line, says: map[string]bool{}}
	text := func(column string) string {
		s := jtext.Line(row.Text(column))
		if s != "" {
			d.says[column] = true
		}
		return s
	}
	d.p.EmployeeNo = jtext.Line(jtext.Number(text("employee_no")))
	d.p.FamilyName, d.p.GivenName = names(text("name"), text("family_name"), text("given_name"))
	d.p.FamilyKana, d.p.GivenKana = names(text("kana"), text("family_kana"), text("given_kana"))
	d.p.DisplayName, d.p.Email = text("display_name"), text("email")
	d.department, d.site = text("department"), text("site")
	if refused := d.readChoices(in, text); refused != nil {
		return d, refused
	}
	for _, day := range []struct {
		column, title string
		to            *jdate.Day
	}{{"joined", "people.field.joined", &d.p.Joined}, {"left", "people.field.left", &d.p.Left}} {
		s := text(day.column)
		var err error
		if *day.to, err = jdate.Parse(s); err != nil {
			return d, refuse(row.Line, day.title, s, dayReason(err), "text", jtext.Truncate(s, 40))
		}
	}
	d.p = d.p.Tidy()
	return d, d.check()
}

// names prefers a name in two cells over one in a single cell.
func names(full, family, given string) (string, string) {
	if family != "" {
		return family, given
	}
	return person.SplitName(full)
}

// readChoices reads the cells with a closed set of answers.
func (d *draft) readChoices(in intake.Input, text func(string) string) *intake.Refusal {
	if s := text("class"); s != "" {
		class, ok := readClass(s)
		if !ok {
			return refuse(d.line, "people.field.class", s, "staff.reason.class", "text", jtext.Truncate(s, 40))
		}
		d.p.Class = class
	}
	for _, use := range []struct {
		column, title string
		to            *string
	}{{"mail", "people.field.mail", &d.p.Mail}, {"internet", "people.field.internet", &d.p.Internet}} {
		s := text(use.column)
		answer, ok := readUse(s)
		switch {
		case ok:
			*use.to = answer
		case use.column == "mail" && strings.Contains(s, "@"): // a column メール that holds addresses
			*use.to = people.Yes
			if d.p.Email == "" {
				d.p.Email, d.says["email"] = s, true
			}
		default:
			return refuse(d.line, use.title, s, "staff.reason.use", "text", jtext.Truncate(s, 40))
		}
	}
	if !d.says["mail"] && d.p.Email != "" && in.Option(optionMail) == "address" {
		d.p.Mail, d.says["mail"] = people.Yes, true
	}
	if s := text("kiosk"); s != "" {
		answer, ok := readUse(s)
		if !ok {
			return refuse(d.line, "people.field.kiosk", s, "staff.reason.use", "text", jtext.Truncate(s, 40))
		}
		d.p.Kiosk = answer == people.Yes
		d.says["kiosk"] = answer != people.Unknown
	}
	return nil
}

// check finds what the form of a single person would refuse too; the class may still be open.
func (d *draft) check() *intake.Refusal {
	p := d.p
	if p.Class == "" {
		p.Class = people.Employee
	}
	found := p.Check()
	if len(found) == 0 {
		return nil
	}
	first := found[0]
	if first.Key == "people.name_needed" {
		return refuse(d.line, "people.field.name", "", "staff.reason.no_name")
	}
	return &intake.Refusal{Line: d.line, Column: "people.field." + first.Field, Reason: i18n.Msg{Key: first.Key, Args: first.Args}}
}

func refuse(line int, column, value, key string, pairs ...any) *intake.Refusal {
	p := problem.Invalid("", key, pairs...)
	return &intake.Refusal{Line: line, Column: column, Value: jtext.Truncate(value, 60), Reason: i18n.Msg{Key: p.Key, Args: p.Args}}
}

func dayReason(err error) string {
	switch {
	case errors.Is(err, jdate.ErrIncomplete):
		return "staff.reason.day_incomplete"
	case errors.Is(err, jdate.ErrAmbiguous):
		return "staff.reason.day_ambiguous"
	default:
		return "staff.reason.day"
	}
}
