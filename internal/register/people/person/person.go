// Package person says what a person on the staff list is: fields and rules, how names are split, sorted and
// searched, which person a row of a file means, and which facts a person gives. It knows no SQL and no page;
// the package people above uses its types under their own names.
package person

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// The classes (区分) of people, as attribute class of the facts.
const (
	Officer    = "officer"    // 役員
	Employee   = "employee"   // 従業員: regular, part-time, whoever the company employs
	Dispatched = "dispatched" // 派遣
	External   = "external"   // 外部: contractors who work at the company
)

// The answers to "uses mail", "uses the internet". Unknown makes an uncertain member of a population.
const (
	Yes     = "yes"
	No      = "no"
	Unknown = "unknown"
)

// Classes lists the classes in the order shown. Labels: messages people.class.*.
func Classes() []string { return []string{Officer, Employee, Dispatched, External} }

// Uses lists the answers in the order shown. Labels: messages people.use.*.
func Uses() []string { return []string{Yes, No, Unknown} }

// Reasons lists why somebody is left out of the populations for a while. They are codes, not sentences,
// because facts are never erased. Labels: messages people.reason.*.
func Reasons() []string { return []string{"leave", "secondment", "long_absence", "no_work", "other"} }

// Person is one person on the staff list.
type Person struct {
	Key         string
	EmployeeNo  string // unique where not empty
	FamilyName  string
	GivenName   string
	FamilyKana  string // katakana
	GivenKana   string // katakana
	DisplayName string // how the person is called where family and given name do not fit; may be empty
	Class       string // one of Classes
	Mail        string // one of Uses: has a mailbox of their own or reads a shared one
	Internet    string // one of Uses
	Email       string // lower case; may be empty
	Department  string // key; may be empty
	Site        string // key; may be empty
	Joined      jdate.Day
	Left        jdate.Day // last day, which still counts; zero: stays
	Kiosk       bool      // works with a shared terminal only (共用端末のみ)
	Version     int64     // 0 for a new person
	Erased      jdate.Day // when what identifies the person was erased; zero: it stands here
}

// Name is how the person is shown.
func (p Person) Name() string {
	if p.DisplayName != "" {
		return p.DisplayName
	}
	return strings.TrimSpace(p.FamilyName + " " + p.GivenName)
}

// Kana is the reading, "" where nobody has entered one (ふりがな未登録).
func (p Person) Kana() string { return strings.TrimSpace(p.FamilyKana + " " + p.GivenKana) }

// ActiveOn says whether the person belongs to the company on a day. The last day counts; an unknown first
// day lies in the past.
func (p Person) ActiveOn(day jdate.Day) bool {
	return (p.Joined.IsZero() || !p.Joined.After(day)) && (p.Left.IsZero() || !p.Left.Before(day))
}

// Blanks lists the fields that leave verdicts or lists open: mail, internet, department, joined, kana.
func (p Person) Blanks() []string {
	var blank []string
	for _, f := range []struct {
		name string
		open bool
	}{
		{"mail", p.Mail == Unknown},
		{"internet", p.Internet == Unknown},
		{"department", p.Department == ""},
		{"joined", p.Joined.IsZero()},
		{"kana", p.Kana() == ""},
	} {
		if f.open {
			blank = append(blank, f.name)
		}
	}
	return blank
}

// Longest texts in characters.
const (
	maxName  = 80
	maxNo    = 40
	maxEmail = 254 // RFC 5321 §4.5.3.1.3 leaves 254 for the address
)

// The first and the last day that a staff list can name: before and after lie typing mistakes.
var (
	firstDay = jdate.On(1930, 1, 1)
	lastDay  = jdate.On(2100, 12, 31)
)

var emailShape = regexp.MustCompile(`^[a-z0-9.!#$%&'*+/=?^_{|}~-]+@[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$`)

// Tidy brings what was typed or read from a file into the stored form; an empty answer is Unknown.
func (p Person) Tidy() Person {
	p.EmployeeNo = jtext.Line(p.EmployeeNo)
	p.FamilyName, p.GivenName, p.DisplayName = jtext.Line(p.FamilyName), jtext.Line(p.GivenName), jtext.Line(p.DisplayName)
	p.FamilyKana, p.GivenKana = jtext.Katakana(p.FamilyKana), jtext.Katakana(p.GivenKana)
	p.Email = strings.ToLower(jtext.Line(p.Email))
	if p.Mail == "" {
		p.Mail = Unknown
	}
	if p.Internet == "" {
		p.Internet = Unknown
	}
	return p
}

// formulaStarts begin what a spreadsheet computes, in both widths: a number like =1+1 is a slip of the file that it
// came from, and would run in the next program that opens a list of ours.
const formulaStarts = "=+-@＝＋－＠"

// Check returns everything that must be changed, at the fields of the form.
func (p Person) Check() problem.List {
	var found problem.List
	if p.Name() == "" {
		found.Add(problem.Invalid("family_name", "people.name_needed"))
	}
	for field, text := range map[string]string{"family_name": p.FamilyName, "given_name": p.GivenName, "display_name": p.DisplayName} {
		found.Add(tooLong(field, text, maxName))
	}
	for field, text := range map[string]string{"family_kana": p.FamilyKana, "given_kana": p.GivenKana} {
		found.Add(tooLong(field, text, maxName))
		if strings.IndexFunc(text, notKana) >= 0 {
			found.Add(problem.Invalid(field, "people.kana_wrong", "text", text))
		}
	}
	found.Add(tooLong("employee_no", p.EmployeeNo, maxNo))
	if p.EmployeeNo != "" && strings.ContainsRune(formulaStarts, []rune(p.EmployeeNo)[0]) {
		found.Add(problem.Invalid("employee_no", "people.number_formula", "text", jtext.Truncate(p.EmployeeNo, maxNo)))
	}
	if !slices.Contains(Classes(), p.Class) {
		found.Add(problem.Invalid("class", "people.class_needed"))
	}
	if !slices.Contains(Uses(), p.Mail) {
		found.Add(problem.Invalid("mail", "web.choose"))
	}
	if !slices.Contains(Uses(), p.Internet) {
		found.Add(problem.Invalid("internet", "web.choose"))
	}
	if p.Email != "" && (len(p.Email) > maxEmail || !emailShape.MatchString(p.Email)) {
		found.Add(problem.Invalid("email", "people.email_wrong", "text", jtext.Truncate(p.Email, 60)))
	}
	found.Add(p.checkDays())
	slices.SortStableFunc(found, func(a, b *problem.Error) int { return strings.Compare(a.Field, b.Field) })
	return found
}

func (p Person) checkDays() *problem.Error {
	switch {
	case !p.Joined.IsZero() && (p.Joined.Before(firstDay) || p.Joined.After(lastDay)):
		return problem.Invalid("joined", "people.day_wrong", "day", p.Joined)
	case !p.Left.IsZero() && (p.Left.Before(firstDay) || p.Left.After(lastDay)):
		return problem.Invalid("left", "people.day_wrong", "day", p.Left)
	case !p.Left.IsZero() && p.Left.Before(p.Joined):
		return problem.Invalid("left", "people.left_before_joined", "joined", p.Joined)
	default:
		return nil
	}
}

func tooLong(field, text string, limit int) *problem.Error {
	if n := utf8.RuneCountInString(text); n > limit {
		return problem.Invalid(field, "web.too_long", "limit", limit, "n", n)
	}
	return nil
}

// notKana accepts katakana, Latin letters (foreign names) and the signs between names.
func notKana(r rune) bool {
	return !unicode.Is(unicode.Katakana, r) && !unicode.Is(unicode.Latin, r) && !strings.ContainsRune("ー・= '.-", r)
}

// SplitName splits a name written in one cell at its first space: 佐藤 花子. Without a space all of it is
// the family name, because where a name ends is never guessed.
func SplitName(full string) (family, given string) {
	family, given, _ = strings.Cut(jtext.Line(full), " ")
	return family, strings.TrimSpace(given)
}

// SortKey orders by reading; people without one stand at the end in the order of their characters.
func (p Person) SortKey() []byte {
	if k := p.Kana(); k != "" {
		// Two keys, not one: the reading decides with all its levels before the name is looked at.
		return slices.Concat(jtext.SortKey(k), []byte{0}, jtext.SortKey(p.Name()))
	}
	return jtext.SortKey(p.Name())
}

// SearchKey is what a search looks into: number, name, reading and address.
func (p Person) SearchKey() string {
	parts := []string{p.EmployeeNo, p.FamilyName + p.GivenName, p.FamilyKana + p.GivenKana, p.DisplayName, p.Email}
	for i, part := range parts {
		parts[i] = jtext.SearchKey(part)
	}
	return strings.Join(parts, "|")
}

// Move is one 異動 between departments.
type Move struct {
	Key, Person string
	On          jdate.Day
	From, To    string // keys of departments; may be empty
}

// Exclusion leaves a person out of the populations for a while (休職 …), with reason and expiry.
type Exclusion struct {
	Key, Person string
	Reason      string // one of Reasons
	Note        string
	From, Until jdate.Day // both days included
}

// maxExclusion is how long an exclusion may run before somebody must look again, in days.
const maxExclusion = 366

// Check returns everything that must be changed, at the fields of the form.
func (e Exclusion) Check() error {
	var found problem.List
	if !slices.Contains(Reasons(), e.Reason) {
		found.Add(problem.Invalid("reason", "people.exclusion.reason_needed"))
	}
	if e.Reason == "other" && e.Note == "" {
		found.Add(problem.Invalid("note", "people.exclusion.note_needed"))
	}
	switch {
	case e.Until.IsZero():
		found.Add(problem.Invalid("until", "people.exclusion.until_needed"))
	case e.Until.Before(e.From):
		found.Add(problem.Invalid("until", "people.exclusion.until_before", "from", e.From))
	case e.Until.Sub(e.From) > maxExclusion:
		found.Add(problem.Invalid("until", "people.exclusion.until_far", "days", maxExclusion))
	}
	return found.Err()
}
