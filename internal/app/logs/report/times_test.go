package report

import (
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

func TestColumnsFitTheSpan(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	tests := []struct {
		name    string
		span    time.Duration
		width   int
		columns int
		first   string // of the local clock
	}{
		{"one moment", 0, byHour, 1, "2026-11-26 21:00"},
		{"two days", 2 * day, byHour, 49, "2026-11-24 21:00"},
		{"a month", 30 * day, byDay, 31, "2026-10-27 00:00"},
		{"a year", 365 * day, byWeek, 53, "2025-11-24 00:00"},
		{"three years", 3 * 365 * day, byMonth, 37, "2023-11-01 00:00"},
		{"thirty years", 30 * 365 * day, byYear, 31, "1996-01-01 00:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newTimes(jdate.Tokyo, now)
			c.add(now, 0)
			c.add(now.Add(-tt.span), 4)
			width, columns := c.columns()
			if width != tt.width || len(columns) != tt.columns || columns[0].Start.Format("2006-01-02 15:04") != tt.first {
				t.Errorf("width %d, %d columns from %s", width, len(columns), columns[0].Start)
			}
			if n := columns[0].Counts[4]; n != 1 {
				t.Errorf("the first column counts %d", n)
			}
			if n := columns[len(columns)-1].Counts[0]; n != 1 {
				t.Errorf("the last column counts %d", n)
			}
		})
	}
}

// The map gets coarser instead of larger, and no hit is lost.
func TestTimesGetCoarser(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	c := newTimes(time.UTC, now)
	hours := int(now.Sub(oldest).Hours())
	for i := range hours {
		c.add(now.Add(-time.Duration(i)*time.Hour), i%levels)
	}
	if len(c.counts) > mostTimes {
		t.Errorf("%d times are kept", len(c.counts))
	}
	width, columns := c.columns()
	sum := uint64(0)
	for _, col := range columns {
		sum += col.Counts.total()
	}
	if width != byYear || len(columns) > mostColumns || sum != uint64(hours) {
		t.Errorf("width %d, %d columns, %d of %d hits", width, len(columns), sum, hours)
	}
}
