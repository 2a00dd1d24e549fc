// Package training keeps 教育の記録: when which topic was taught by which method, who attended, what was
// found afterwards and what changes next time.
//
// It serves JAMA/JAPIA items 9, 28–30, 36, 38 and 40 and SCS 4-2-1 and 4-2-2. Courses, quizzes and drills come with a
// later part; this one takes in what offices already have: a date, a list of names, a signed sheet.
// It imports registers only.
package training

import (
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/people/within"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// What may be done with training records.
const (
	PermRead actor.Permission = "training.read"
	PermEdit actor.Permission = "training.edit"
)

// Methods lists how training is given, in the order shown: 資料, eラーニング, 集合教育, 映像, 掲示, 訓練.
func Methods() []string {
	return []string{"class", "handout", "elearning", "video", "poster", "drill"}
}

// Common lists the topics that the guideline asks for (JAMA/JAPIA guideline 2.3, No. 9, 28, 29, 30, 38); the form shows them first.
func Common() []string { return []string{"mail", "web", "classification", "incident", "legal"} }

// Session is one training that was held.
type Session struct {
	ID      int64
	Key     string
	Title   string
	On      jdate.Day
	Topics  []string
	Method  string
	Content string // what was taught
	Teacher string
	Version int
	// Departments are the keys of those whose training it was; none: the whole company's.
	Departments []string

	Attendance  []Attendance // by person key
	Reflections []Reflection // newest first
	Hidden      int          // people who took part and of whom the reader may not know; Attendance lacks them
}

// Attendance is one person who took part.
type Attendance struct {
	Person string // person key
	Class  string // as on that day
	On     jdate.Day
	Way    string // file, sheet or hand
}

// Reflection is 振り返り: what was found, and what changes next time.
type Reflection struct {
	Key      string
	On       jdate.Day
	Found    string
	NextTime string
	By       string
}

// Validate checks a session against the topics of the catalogue and today; it reports every finding.
func (s *Session) Validate(topics []string, today jdate.Day) error {
	var list problem.List
	if s.Title == "" {
		list.Add(problem.Invalid("title", "training.title.required"))
	}
	switch {
	case s.On.IsZero():
		list.Add(problem.Invalid("on", "training.on.required"))
	case s.On.After(today):
		list.Add(problem.Invalid("on", "training.on.future"))
	}
	if len(s.Topics) == 0 {
		list.Add(problem.Invalid("topics", "training.topics.choose"))
	}
	for _, t := range s.Topics {
		if !slices.Contains(topics, t) {
			list.Add(problem.Invalid("topics", "training.topics.unknown", "topic", t))
		}
	}
	s.Topics = slices.DeleteFunc(slices.Clone(topics), func(t string) bool { return !slices.Contains(s.Topics, t) })
	if !slices.Contains(Methods(), s.Method) {
		list.Add(problem.Invalid("method", "training.method.choose"))
	}
	return list.Err()
}

// Recorded says whether the record has everything that a training record needs: content, method, date
// and attendance (JAMA/JAPIA guideline 2.3, No. 36; SCS 4-2-1-4).
func (s *Session) Recorded() bool {
	return s.Content != "" && s.Method != "" && !s.On.IsZero() && len(s.Attendance)+s.Hidden > 0
}

// Keeps says whether who may change the session itself: with the permission, and for an account limited to departments
// only when it was the training of those. Who took part may be noted on any session, for people of one's departments.
func (s *Session) Keeps(who actor.Actor) bool {
	own := len(s.Departments) > 0 && !slices.ContainsFunc(s.Departments, func(d string) bool { return !who.Covers(d) })
	return who.May(PermEdit) && (who.Covers("") || own)
}

// hide leaves out whom the reader may not know of.
func (s *Session) hide(known within.Set) {
	all := len(s.Attendance)
	s.Attendance = slices.DeleteFunc(s.Attendance, func(a Attendance) bool { return !known.Has(a.Person) })
	s.Hidden = all - len(s.Attendance)
}

// Attended says whether the person took part.
func (s *Session) Attended(person string) bool {
	return slices.ContainsFunc(s.Attendance, func(a Attendance) bool { return a.Person == person })
}

func record(key string) string { return "training/" + key }

func splitList(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
