package report

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Widths of a column of the chart over time, the finest first.
const (
	byHour = iota
	byDay
	byWeek
	byMonth
	byYear
)

const mostColumns = 60 // in one chart

var hoursOf = [...]int64{byHour: 1, byDay: 24, byWeek: 7 * 24}

// oldest is before any Windows log that is kept; a hit before it has a wrong clock.
var oldest = time.Date(1995, 1, 1, 0, 0, 0, 0, time.UTC)

// times counts hits by local hour, in a map that gets coarser when it would get too large.
type times struct {
	zone   *time.Location
	newest time.Time
	width  int
	counts map[int64]*levelCounts // number of the hour, day or week since Monday, 1969-12-29 of local time
	none   uint64                 // hits without a time
	wrong  uint64                 // hits with a time that cannot be
}

func newTimes(zone *time.Location, now time.Time) *times {
	return &times{zone: zone, newest: now.Add(48 * time.Hour), counts: map[int64]*levelCounts{}}
}

func (t *times) plausible(at time.Time) bool {
	return !at.IsZero() && !at.Before(oldest) && !at.After(t.newest)
}

// add says whether the time has a place.
func (t *times) add(at time.Time, level int) bool {
	switch {
	case at.IsZero():
		t.none++
		return false
	case !t.plausible(at):
		t.wrong++
		return false
	}
	key := t.hour(at) / hoursOf[t.width]
	c := t.counts[key]
	if c == nil {
		if len(t.counts) >= mostTimes && t.width < byWeek {
			t.coarsen()
			return t.add(at, level)
		}
		c = new(levelCounts)
		t.counts[key] = c
	}
	c[level]++
	return true
}

// epoch is a Monday, so that weeks begin with it; in hours it is before every plausible time.
const epoch = 3 * 24

// hour numbers the hours of the clock on the wall.
func (t *times) hour(at time.Time) int64 {
	_, offset := at.In(t.zone).Zone()
	return (at.Unix()+int64(offset))/3600 + epoch
}

func (t *times) coarsen() {
	factor := hoursOf[t.width+1] / hoursOf[t.width]
	t.width++
	old := t.counts
	t.counts = make(map[int64]*levelCounts, len(old)/2)
	for key, c := range old {
		merge(t.counts, key/factor, c)
	}
}

func merge(into map[int64]*levelCounts, key int64, c *levelCounts) {
	sum := into[key]
	if sum == nil {
		sum = new(levelCounts)
		into[key] = sum
	}
	for i, n := range c {
		sum[i] += n
	}
}

// column is one column of the chart: its first hour as the clock on the wall shows it.
type column struct {
	Start  time.Time // in UTC, but local by meaning
	Counts levelCounts
}

// columns gives the finest columns that the chart has room for, those without hits too.
func (t *times) columns() (width int, list []column) {
	if len(t.counts) == 0 {
		return byHour, nil
	}
	keys := slices.Sorted(maps.Keys(t.counts))
	at := func(key int64) time.Time { return wall(key * hoursOf[t.width]) }
	first, last := at(keys[0]), at(keys[len(keys)-1])
	width = t.width
	for width < byYear && steps(width, first, last) >= mostColumns {
		width++
	}
	sums := map[int64]*levelCounts{}
	for key, c := range t.counts {
		merge(sums, begin(width, at(key)).Unix(), c)
	}
	for start := begin(width, first); !start.After(last); start = next(width, start) {
		list = append(list, column{start, *cmp.Or(sums[start.Unix()], &levelCounts{})})
	}
	return width, list
}

func wall(hour int64) time.Time { return time.Unix((hour-epoch)*3600, 0).UTC() }

// steps counts how many columns follow the first.
func steps(width int, first, last time.Time) int {
	n := 0
	for start := next(width, begin(width, first)); !start.After(last) && n < mostColumns; start = next(width, start) {
		n++
	}
	return n
}

// begin is the start of the column in which a time lies.
func begin(width int, at time.Time) time.Time {
	switch width {
	case byHour:
		return at.Truncate(time.Hour)
	case byWeek:
		at = at.AddDate(0, 0, -(int(at.Weekday())+6)%7)
	case byMonth:
		at = at.AddDate(0, 0, 1-at.Day())
	case byYear:
		at = at.AddDate(0, 0, 1-at.YearDay())
	}
	return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
}

func next(width int, at time.Time) time.Time {
	switch width {
	case byHour:
		return at.Add(time.Hour)
	case byDay:
		return at.AddDate(0, 0, 1)
	case byWeek:
		return at.AddDate(0, 0, 7)
	case byMonth:
		return at.AddDate(0, 1, 0)
	default:
		return at.AddDate(1, 0, 0)
	}
}
