package jdate

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// Reasons why Parse refuses a text; test with errors.Is.
var (
	// ErrFormat says that the text is no date in any form we read.
	ErrFormat = errors.New("not a date")
	// ErrAmbiguous says that year, month and day cannot be told apart (11/23/2026, 26/11/23).
	ErrAmbiguous = errors.New("order of year, month and day is unclear")
	// ErrIncomplete says that the year or the day is missing (11/23, 2026年11月).
	ErrIncomplete = errors.New("year or day is missing")
	// ErrNoSuchDay says that the calendar has no such day (2026-02-30), or that it lies before 1873; 1970-01-01
	// falls here too, see Day.
	ErrNoSuchDay = errors.New("no such day")
	// ErrBeforeEra says that the day lies before the era's first day (平成元年1月7日).
	ErrBeforeEra = errors.New("the era had not begun")
	// ErrWeekday says that the weekday written beside the date is another one.
	ErrWeekday = errors.New("the weekday does not fit")
)

// maxLength is the longest text in bytes that Parse looks at; every form we read is far shorter.
const maxLength = 100

const (
	eraPart  = `(明治|大正|昭和|平成|令和|[明大昭平令MTSHR])\.?(元|[0-9]{1,3})`
	datePart = `(?:/([0-9]{1,2})/([0-9]{1,2})|-([0-9]{1,2})-([0-9]{1,2})|\.([0-9]{1,2})\.([0-9]{1,2})|年([0-9]{1,2})月([0-9]{1,2})日)$`
)

var (
	timeTail    = regexp.MustCompile(`(?:T| +)[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?$`)
	weekdayTail = regexp.MustCompile(`(?:\(([日月火水木金土])(?:曜日?)?\)|([日月火水木金土])曜日?)$`)
	western     = regexp.MustCompile(`^([0-9]{4})` + datePart)
	eight       = regexp.MustCompile(`^([0-9]{4})([0-9]{2})([0-9]{2})$`)
	japanese    = regexp.MustCompile(`^` + eraPart + datePart)
	eraSix      = regexp.MustCompile(`^([MTSHR])([0-9]{2})([0-9]{2})([0-9]{2})$`)
	english     = regexp.MustCompile(`^(?:(SUN|MON|TUE|WED|THU|FRI|SAT)[A-Z]*,?)?([0-9]{1,2})(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[A-Z]*,?([0-9]{4})$`)
	unordered   = regexp.MustCompile(`^[0-9]{1,2}[/.\-][0-9]{1,2}[/.\-](?:[0-9]{4}|[0-9]{2})$|^[0-9]{6}$`)
	partial     = regexp.MustCompile(`^(?:[0-9]{1,2}[/.\-月][0-9]{1,2}日?|[0-9]{4}[/.\-年][0-9]{1,2}月?|[0-9]{4}年?|` + eraPart + `(?:年|[/.\-])?(?:[0-9]{1,2}月?)?)$`)
)

const monthNames = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"

// Parse reads a day as people in Japanese offices write it: 2026/11/23, 2026-11-23, 2026.11.23, 20261123,
// 2026年11月23日, 令和8年11月23日, 令8.11.23, R8.11.23, R081123, 令和元年5月1日, ㋿8年11月23日, 23 Nov 2026; full-width
// characters, blanks between the parts, a weekday （月） and a time of day behind (which is dropped) are fine.
// Blank text is the zero Day without error.
//
// It refuses rather than guesses, with one of the errors above. A day after an era's end is read (平成35年 stands
// on papers printed before 2019), one before its first day is not. Serial numbers of workbooks are the business of
// package sheet.
func Parse(s string) (Day, error) {
	if len(s) > maxLength {
		return 0, fmt.Errorf("read day of %d bytes: %w", len(s), ErrFormat)
	}
	plain := plainText(s)
	if plain == "" {
		return 0, nil
	}
	d, err := parse(plain)
	if err != nil {
		return 0, fmt.Errorf("parse day %q: %w", s, err)
	}
	return d, nil
}

// plainText brings s to half width, upper case and one kind of hyphen.
func plainText(s string) string {
	s = strings.ToUpper(norm.NFKC.String(strings.ToValidUTF8(s, "?")))
	s = strings.Map(func(r rune) rune {
		switch r {
		case 'ー', '‐', '‑', '‒', '–', '—', '―', '−':
			return '-'
		case '\u3000', '\t', '\n', '\r':
			return ' '
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

func parse(s string) (Day, error) {
	s = strings.TrimSpace(timeTail.ReplaceAllString(s, ""))
	s = strings.ReplaceAll(s, " ", "")
	weekday := time.Weekday(-1)
	if m := weekdayTail.FindStringSubmatch(s); m != nil {
		s = strings.TrimSuffix(s, m[0])
		weekday = weekdayOf(m[1] + m[2])
	}
	d, err := parseBare(s, &weekday)
	if err != nil {
		return 0, err
	}
	if weekday >= 0 && d.Time().Weekday() != weekday {
		return 0, ErrWeekday
	}
	return d, nil
}

func weekdayOf(s string) time.Weekday {
	for i, name := range weekdays {
		if s == name {
			return time.Weekday(i)
		}
	}
	return -1
}

// parseBare reads a date without weekday; an English one may bring its own.
func parseBare(s string, weekday *time.Weekday) (Day, error) {
	if m := western.FindStringSubmatch(s); m != nil {
		month, day := pair(m[2:])
		return day3(number(m[1]), month, day)
	}
	if m := eight.FindStringSubmatch(s); m != nil {
		return day3(number(m[1]), number(m[2]), number(m[3]))
	}
	if m := japanese.FindStringSubmatch(s); m != nil {
		month, day := pair(m[3:])
		return eraDay(m[1], m[2], month, day)
	}
	if m := eraSix.FindStringSubmatch(s); m != nil {
		return eraDay(m[1], m[2], number(m[3]), number(m[4]))
	}
	if m := english.FindStringSubmatch(s); m != nil {
		if m[1] != "" {
			*weekday = time.Weekday(strings.Index("SUNMONTUEWEDTHUFRISAT", m[1]) / 3)
		}
		return day3(number(m[4]), strings.Index(monthNames, m[3])/3+1, number(m[2]))
	}
	switch {
	case unordered.MatchString(s):
		return 0, ErrAmbiguous
	case partial.MatchString(s):
		return 0, ErrIncomplete
	}
	return 0, ErrFormat
}

// pair returns the one month and day that matched among the alternatives.
func pair(groups []string) (month, day int) {
	for i := 0; i+1 < len(groups); i += 2 {
		if groups[i] != "" {
			return number(groups[i]), number(groups[i+1])
		}
	}
	return 0, 0
}

func eraDay(name, year string, month, day int) (Day, error) {
	era, ok := eraNamed(name)
	if !ok {
		return 0, ErrFormat
	}
	n := 1
	if year != "元" {
		n = number(year)
	}
	if n < 1 {
		return 0, ErrNoSuchDay
	}
	d, err := day3(era.Start.Time().Year()+n-1, month, day)
	if err != nil {
		return 0, err
	}
	if d < era.Start {
		return 0, ErrBeforeEra
	}
	return d, nil
}

func day3(year, month, day int) (Day, error) {
	d := On(year, time.Month(month), day)
	y, m, dd := d.Time().Date()
	if y != year || int(m) != month || dd != day || d == 0 || d < gregorian {
		return 0, ErrNoSuchDay
	}
	return d, nil
}

// number reads digits that a pattern has already checked.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}
