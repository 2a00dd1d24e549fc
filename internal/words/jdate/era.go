package jdate

import (
	"slices"
	"time"
)

// Era is one 元号. Its year 1 (元年) is the calendar year in which it starts.
type Era struct {
	Name   string // 令和
	Letter string // R, as on forms
	Short  string // 令
	Start  Day    // first day
}

// eras in order of time; the next one is one line. Sources: 行政官布告 of 明治元年9月8日 (1868-10-23), 詔書 of
// 1912-07-30 and 1926-12-25, 元号を改める政令 昭和64年政令第1号 (from 1989-01-08) and 平成31年政令第143号 (from
// 2019-05-01), as listed by the Cabinet Office. Retrieved 2026-11-23.
var eras = []Era{
	{Name: "明治", Letter: "M", Short: "明", Start: On(1868, time.October, 23)},
	{Name: "大正", Letter: "T", Short: "大", Start: On(1912, time.July, 30)},
	{Name: "昭和", Letter: "S", Short: "昭", Start: On(1926, time.December, 25)},
	{Name: "平成", Letter: "H", Short: "平", Start: On(1989, time.January, 8)},
	{Name: "令和", Letter: "R", Short: "令", Start: On(2019, time.May, 1)},
}

// gregorian is the first day of the solar calendar in Japan (明治6年1月1日; 太政官布告 明治5年第337号). Dates before
// it are lunar and are not read or written as eras.
var gregorian = On(1873, time.January, 1)

// Eras lists the eras in order of time. The slice is the caller's own.
func Eras() []Era { return append([]Era(nil), eras...) }

// Era returns the era of d and its year in it; ok is false for the zero Day and days before 1873.
func (d Day) Era() (era Era, year int, ok bool) {
	if d == 0 || d < gregorian {
		return Era{}, 0, false
	}
	for _, e := range slices.Backward(eras) {
		if d >= e.Start {
			return e, d.Time().Year() - e.Start.Time().Year() + 1, true
		}
	}
	return Era{}, 0, false
}

func eraNamed(s string) (Era, bool) {
	for _, era := range eras {
		if s == era.Name || s == era.Short || s == era.Letter {
			return era, true
		}
	}
	return Era{}, false
}
