package jdate

import (
	"fmt"
	"strconv"
)

var weekdays = [...]string{"日", "月", "火", "水", "木", "金", "土"}

// Long writes d for prose: 「2026年11月23日（月）」 for the locale "ja", "Mon 23 Nov 2026" for every other. The zero
// Day is "".
func (d Day) Long(locale string) string {
	if d == 0 {
		return ""
	}
	t := d.Time()
	if locale != "ja" {
		return t.Format("Mon 2 Jan 2006")
	}
	return fmt.Sprintf("%d年%d月%d日（%s）", t.Year(), t.Month(), t.Day(), weekdays[t.Weekday()])
}

// Short writes d where the year is clear: 「11/23（月）」 for the locale "ja", "Mon 23 Nov" for every other. The zero
// Day is "".
func (d Day) Short(locale string) string {
	if d == 0 {
		return ""
	}
	t := d.Time()
	if locale != "ja" {
		return t.Format("Mon 2 Jan")
	}
	return fmt.Sprintf("%d/%d（%s）", t.Month(), t.Day(), weekdays[t.Weekday()])
}

// Wareki writes d for printed forms: 「令和8年11月23日」, the first year as 元年; before 1873 the western year stands.
// The zero Day is "".
func (d Day) Wareki() string {
	if d == 0 {
		return ""
	}
	t := d.Time()
	era, n, ok := d.Era()
	year := era.Name + strconv.Itoa(n)
	switch {
	case !ok:
		year = strconv.Itoa(t.Year())
	case n == 1:
		year = era.Name + "元"
	}
	return fmt.Sprintf("%s年%d月%d日", year, t.Month(), t.Day())
}

// Until returns the days from today to d: 0 today, negative when d has passed. It is 0 when either is the zero
// Day; check IsZero first.
func (d Day) Until(today Day) int {
	if d == 0 || today == 0 {
		return 0
	}
	return d.Sub(today)
}
