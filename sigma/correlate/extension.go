package correlate

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // Windows has no database of time zones that Go reads

	"github.com/kizuki-security/kizuki/sigma"
)

// firstSeen fires once for each group-by group in which something new came at this moment.
func (e *Engine) firstSeen(n *node, at int64) {
	if n.began == none || at-n.began < int64(n.c.Extension.Learn) {
		return
	}
	var fired []string
	for i := range n.inbox {
		in := &n.inbox[i]
		if in.group < 0 || !in.fresh {
			continue
		}
		g := &n.slab[in.group]
		e.emit(n, in, g.shown)
		if key := n.groupOnly(g.key); !slices.Contains(fired, key) {
			fired = append(fired, key)
		}
	}
	slices.Sort(fired)
	for _, key := range fired {
		for _, id := range n.touched {
			if g := &n.slab[id]; n.groupOnly(g.key) == key {
				e.fire(n, g.shown, at, 1)
				break
			}
		}
	}
}

// groupOnly cuts the value off the key of a first_seen.
func (n *node) groupOnly(key string) string {
	end := 0
	for range n.c.GroupBy {
		size, k := binary.Uvarint([]byte(key[end:]))
		end += k + int(size)
	}
	return key[:end]
}

// silent fires for groups that have been silent for exactly the timespan now.
func (e *Engine) silent(n *node, at int64) {
	for {
		deadline, waits := n.deadline()
		if !waits || deadline > at {
			return
		}
		id := n.oldest
		shown := n.slab[id].shown
		e.fire(n, shown, at, float64(n.span)/float64(time.Second))
		e.emit(n, &input{record: -1}, shown)
		n.remove(id)
	}
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
	t := time.Unix(0, at).In(c.zone)
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
