package training

import (
	"net/http"
	"slices"

	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// ListView is the list of training records with the coverage of this fiscal year.
type ListView struct {
	Rows     []Row
	Coverage []CoverageRow
	Topic    string
	Year     string // a number would get a comma
	MayEdit  bool
	Scoped   bool // only people of the reader's departments are counted
}

// Row is one session in a list.
type Row struct {
	Key, Title, Topics, MethodKey string
	On                            jdate.Day
	Attended                      int
	Recorded, Reflected           bool
}

// CoverageRow is one topic with how many of those concerned were taught it this year.
type CoverageRow struct {
	Topic, Name        string
	Done, All, Missing int
	Current            bool
}

// MissingView lists who was not taught a topic this year, and the sessions they can be added to.
type MissingView struct {
	Topic, Name string
	Done, All   int
	Groups      []Group
	Sessions    []Row
	MayEdit     bool
	Scoped      bool
}

// Group is one department.
type Group struct {
	Department string
	People     []PersonRow
}

// PersonRow is one person with a checkbox.
type PersonRow struct {
	Key, Name, Number string
	Checked           bool
}

// EditView is the form for a session.
type EditView struct {
	Form    *web.Form
	Key     string
	Methods []web.Option
	Topics  []TopicChoice
}

// TopicChoice is one checkbox; More hides it behind a summary.
type TopicChoice struct {
	Key, Name     string
	Checked, More bool
}

// ShowView is one session with what can be done now.
type ShowView struct {
	Form        *web.Form
	Session     *Session
	Row         Row
	Attended    []AttendeeView
	Reflections []ReflectionView
	Groups      []Group
	Open        int
	Files       []attach.Attachment
	Roster      *RosterView
	MayEdit     bool // note who took part
	MayKeep     bool // change the session itself
	Scoped      bool
	Today       jdate.Day
}

// AttendeeView is one attendance with the name.
type AttendeeView struct {
	Attendance
	Name, WayKey string
}

// ReflectionView is one reflection with the name of who wrote it.
type ReflectionView struct {
	Reflection
	ByName string
}

// RosterView is what a roster file means, before anything is noted.
type RosterView struct {
	File    string
	Found   []RosterPerson
	Refused []RosterRefusal
	Twice   int // rows that named somebody again
}

// RosterPerson is a row that means one person.
type RosterPerson struct {
	Key, Name string
	Line      int
}

// RosterRefusal is a row that means nobody, or several.
type RosterRefusal struct {
	Line      int
	Text      string
	ReasonKey string
}

// SheetView is the sheet to print and sign.
type SheetView struct {
	Session *Session
	Row     Row
	Groups  []Group
}

func (h *Web) topic(r *http.Request, key string) string {
	return h.topics[key].In(web.Locale(r.Context()))
}

func (h *Web) row(r *http.Request, s *Session) Row {
	row := Row{
		Key: s.Key, Title: s.Title, On: s.On, MethodKey: "training.method." + s.Method, Attended: len(s.Attendance),
		Recorded: s.Recorded(), Reflected: len(s.Reflections) > 0,
	}
	for i, t := range s.Topics {
		if i > 0 {
			row.Topics += "・"
		}
		row.Topics += h.topic(r, t)
	}
	return row
}

// groupByDepartment keeps the reading order inside each department.
func groupByDepartment(list []people.Person, now snapshot, checked func(people.Person) bool) []Group {
	var groups []Group
	for _, p := range list {
		name := now.departments[p.Department]
		i := slices.IndexFunc(groups, func(g Group) bool { return g.Department == name })
		if i < 0 {
			groups = append(groups, Group{Department: name})
			i = len(groups) - 1
		}
		groups[i].People = append(groups[i].People, PersonRow{p.Key, now.names[p.Key], p.EmployeeNo, checked(p)})
	}
	return groups
}

// export writes the list of sessions as a file.
func (h *Web) export(w http.ResponseWriter, r *http.Request) error {
	sessions, err := h.svc.List(r.Context(), Filter{Topic: r.URL.Query().Get("topic")})
	if err != nil {
		return err
	}
	out := sheet.Out{Title: h.shell.T(r, "training.list.title", nil)}
	for _, key := range []string{"on", "title", "topics", "method", "content", "attended"} {
		out.Columns = append(out.Columns, sheet.OutColumn{Title: h.shell.T(r, "training.col."+key, nil)})
	}
	for _, s := range sessions {
		row := h.row(r, s)
		out.Rows = append(out.Rows, []any{s.On, s.Title, row.Topics, h.shell.T(r, row.MethodKey, nil), s.Content, len(s.Attendance)})
	}
	return web.Export(w, r, "training", out)
}
