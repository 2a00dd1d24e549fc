// Package jdate holds calendar days as Japanese offices use them: days without a zone, fiscal years
// (年度), eras (和暦), and the many ways in which people write a date.
//
// It imports nothing of ours and never reads the clock.
package jdate

import (
	"database/sql/driver"
	"fmt"
	"time"
)

// Day is a calendar day without zone, counted from 1970-01-01 (Day 0). The zero value means "no day":
// the one day lost to it is 1970-01-01, which no office record of ours needs.
type Day int32

// Tokyo is the zone in which instants become days. Japan has had no summer time since 1952.
var Tokyo = time.FixedZone("JST", 9*60*60)

// On returns the day of year, month and day of month; values outside the calendar roll over as in time.Date.
func On(year int, month time.Month, day int) Day {
	return Day(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// Of returns the day of the instant t in Tokyo.
func Of(t time.Time) Day {
	y, m, d := t.In(Tokyo).Date()
	return On(y, m, d)
}

// ISO reads "2026-11-23" and nothing else; the empty string is the zero Day.
func ISO(s string) (Day, error) {
	if s == "" {
		return 0, nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, fmt.Errorf("read day %q: %w", s, err)
	}
	return On(t.Date()), nil
}

// Time returns the start of the day in UTC; use it for weekday and formatting only.
func (d Day) Time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// Start returns the instant at which the day begins in Tokyo.
func (d Day) Start() time.Time { return d.Time().Add(-9 * time.Hour) }

// IsZero says whether d is "no day".
func (d Day) IsZero() bool { return d == 0 }

// Add returns the day n days later (earlier for negative n). The zero Day stays zero.
func (d Day) Add(n int) Day {
	if d == 0 {
		return 0
	}
	return d + Day(n)
}

// Sub returns the number of days from e to d.
func (d Day) Sub(e Day) int { return int(d - e) }

// Before says whether d lies before e.
func (d Day) Before(e Day) bool { return d < e }

// After says whether d lies after e.
func (d Day) After(e Day) bool { return d > e }

// String gives "2026-11-23", or "" for the zero Day.
func (d Day) String() string {
	if d == 0 {
		return ""
	}
	return d.Time().Format(time.DateOnly)
}

// FiscalYear returns the year in which the fiscal year (年度) that holds d began, for a year that starts in month start.
func (d Day) FiscalYear(start time.Month) int {
	y, m, _ := d.Time().Date()
	if m < start {
		return y - 1
	}
	return y
}

// FiscalStart returns the first day of the fiscal year that holds d.
func (d Day) FiscalStart(start time.Month) Day { return On(d.FiscalYear(start), start, 1) }

// FiscalEnd returns the last day of the fiscal year that holds d.
func (d Day) FiscalEnd(start time.Month) Day { return On(d.FiscalYear(start)+1, start, 1) - 1 }

// MarshalText writes String.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what ISO reads.
func (d *Day) UnmarshalText(b []byte) error {
	v, err := ISO(string(b))
	if err != nil {
		return err
	}
	*d = v
	return nil
}

// Value stores the day as text, "" for no day (sqlite columns *_on are TEXT NOT NULL DEFAULT ”).
func (d Day) Value() (driver.Value, error) { return d.String(), nil }

// Scan reads what Value stored; NULL is the zero Day.
func (d *Day) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*d = 0
		return nil
	case string:
		return d.UnmarshalText([]byte(v))
	case []byte:
		return d.UnmarshalText(v)
	default:
		return fmt.Errorf("scan day from %T", src)
	}
}
