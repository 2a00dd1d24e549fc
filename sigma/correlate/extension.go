package correlate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // Windows has no database of time zones that Go reads

	"github.com/kizuki-security/kizuki/sigma"
)

// silent fires for groups that have been silent for exactly the timespan now.
func (e *Engine) silent(n *node, at int64) {
	for {
		deadline, waits := n.deadline()
		if !waits || deadline > at || deadline >= e.limit {
			return
		}
		id := n.oldest
		shown := n.slab[id].shown
		e.fire(n, shown, at, n.c.Timespan.Seconds())
		e.recall(n, id, shown)
		n.remove(id)
	}
}

// keep copies an input, so that a silence after it can tell what was last seen.
func (e *Engine) keep(n *node, in *input, at int64) {
	if n.kept == nil {
		n.kept = map[int32]lastInputs{}
	}
	l := n.kept[in.group]
	if l.at != at {
		l = lastInputs{at: at}
	}
	if len(l.list) >= e.options.MaxWindow {
		e.stats.Dropped++
		return
	}
	k := kept{over: in.over}
	if in.record >= 0 {
		r := &e.records[in.record]
		k.record = record{bytes: slices.Clone(r.bytes), fields: slices.Clone(r.fields), origin: r.origin}
	}
	l.list = append(l.list, k)
	n.kept[in.group] = l
}

// recall gives the last inputs before a silence to the correlations that name the absence.
func (e *Engine) recall(n *node, id int32, shown string) {
	for _, k := range n.kept[id].list {
		in := input{record: -1, over: k.over}
		if k.record.fields != nil {
			in.record = e.revive(k.record)
		}
		e.emit(n, &in, shown)
	}
}

// revive makes a record of an earlier event for this moment: one, however many silences tell of it.
func (e *Engine) revive(old record) int32 {
	for _, id := range e.batch {
		if e.records[id].origin == old.origin {
			return id
		}
	}
	id := e.record()
	r := &e.records[id]
	r.bytes, r.fields, r.origin = old.bytes, old.fields, old.origin
	e.batch = append(e.batch, id) // freed when the moment is settled
	return id
}

// calendar knows working time.
type calendar struct {
	zone     *time.Location
	hours    []sigma.Hours
	days     [7]bool
	holidays map[string]bool
}

func checkCalendar(c *sigma.Correlation, calendars map[string][]string) error {
	x := c.Extension
	if c.Type != sigma.OffHours {
		return nil
	}
	if _, err := location(x.TimeZone); err != nil {
		return fmt.Errorf("time zone %q is not known", x.TimeZone)
	}
	if x.Calendar == "" {
		return nil
	}
	dates, ok := calendars[x.Calendar]
	if !ok {
		return fmt.Errorf("calendar %q is not given", x.Calendar)
	}
	for _, d := range dates {
		if _, err := time.Parse(time.DateOnly, d); err != nil {
			return fmt.Errorf("calendar %q: %q is no date like 2026-01-01", x.Calendar, d)
		}
	}
	return nil
}

func newCalendar(x *sigma.Extension, calendars map[string][]string) *calendar {
	zone, _ := location(x.TimeZone) // checked before
	c := &calendar{zone: zone, hours: x.Hours, holidays: map[string]bool{}}
	for _, d := range x.Days {
		c.days[d] = true
	}
	for _, list := range [][]string{x.Holidays, calendars[x.Calendar]} {
		for _, d := range list {
			c.holidays[d] = true
		}
	}
	return c
}

// location reads an IANA name, or an offset like +09:00.
func location(name string) (*time.Location, error) {
	if len(name) == 6 && (name[0] == '+' || name[0] == '-') && name[3] == ':' {
		hours, err1 := strconv.Atoi(name[1:3])
		minutes, err2 := strconv.Atoi(name[4:6])
		if err1 != nil || err2 != nil || hours > 23 || minutes > 59 || strings.ContainsAny(name[1:], "+-") {
			return nil, fmt.Errorf("offset %q", name)
		}
		offset := hours*3600 + minutes*60
		if name[0] == '-' {
			offset = -offset
		}
		return time.FixedZone(name, offset), nil
	}
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("time zone %q", name)
	}
	return time.LoadLocation(name)
}

// off says whether a moment is outside working time.
func (c *calendar) off(at int64) bool {
	t := moment(at).In(c.zone)
	if !c.days[t.Weekday()] || c.holidays[t.Format(time.DateOnly)] {
		return true
	}
	minute := t.Hour()*60 + t.Minute()
	for _, h := range c.hours {
		if h.From < h.To && minute >= h.From && minute < h.To || h.From > h.To && (minute >= h.From || minute < h.To) {
			return false
		}
	}
	return true
}
