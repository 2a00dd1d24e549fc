package backup

import (
	"fmt"
	"slices"
	"time"

	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// Rule says how many backups are kept: the newest of each of the last Daily days, Weekly weeks and Monthly
// months in which one was made. A machine that was off for a month loses nothing by it.
type Rule struct{ Daily, Weekly, Monthly int }

// Spare lists the backups that the rule does not keep, oldest first. The newest is always kept.
func Spare(made []File, rule Rule) []File {
	newest := slices.Clone(made)
	slices.SortStableFunc(newest, func(a, b File) int { return b.MadeAt.Compare(a.MadeAt) })
	keep := map[int64]bool{}
	if len(newest) > 0 {
		keep[newest[0].ID] = true
	}
	for _, period := range []struct {
		n  int
		of func(jdate.Day) string
	}{{rule.Daily, jdate.Day.String}, {rule.Weekly, week}, {rule.Monthly, month}} {
		seen := map[string]bool{}
		for _, f := range newest {
			name := period.of(jdate.Of(f.MadeAt))
			if !seen[name] && len(seen) < period.n {
				seen[name] = true
				keep[f.ID] = true
			}
		}
	}
	var spare []File
	for _, f := range slices.Backward(newest) {
		if !keep[f.ID] {
			spare = append(spare, f)
		}
	}
	return spare
}

// week names the week of a day, Monday first. Source: ISO 8601.
func week(d jdate.Day) string {
	year, n := d.Time().ISOWeek()
	return fmt.Sprintf("%d-W%02d", year, n)
}

func month(d jdate.Day) string { return d.Time().Format("2006-01") }

// retryAfter is how long a failed try waits: a disk that was not plugged in may be an hour later.
const retryAfter = time.Hour

// Due says whether a backup is to be made now: the time of day has come since the last good one. lastTry is when
// the newest try began, good or not. An office that was off at night makes up for it when it is opened.
func Due(now, lastGood, lastTry time.Time, atMinute int) bool {
	at := jdate.Of(now).Start().Add(time.Duration(atMinute) * time.Minute)
	if at.After(now) {
		at = at.Add(-24 * time.Hour)
	}
	if !lastGood.Before(at) {
		return false
	}
	return lastTry.Before(at) || now.Sub(lastTry) >= retryAfter
}
