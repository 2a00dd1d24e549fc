package sigma

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/sigma/internal/rulefile"
)

// extension reads a correlation that Sigma does not have.
func (p *parser) extension(h Header, m rulefile.Mapping) *Correlation {
	body, ok := p.read.Mapping(m.Values["kizuki"], "kizuki")
	if !ok {
		return nil
	}
	c := p.common(h, m, body)
	if c == nil {
		return nil
	}
	e := &Extension{}
	c.Extension = e
	if c.ValueOf, ok = p.read.Texts(body.Values["field"], "field"); !ok {
		return nil
	}
	switch c.Type {
	case FirstSeen:
		var ok1, ok2 bool
		e.Learn, ok1 = p.duration(body, "learn")
		e.Forget, ok2 = p.duration(body, "forget")
		if ok1 && ok2 && len(c.ValueOf) == 0 {
			p.refuse(body.Node, "shape", "first_seen needs a field")
			return nil
		}
		ok = ok1 && ok2
	case Absence:
		ok = c.Timespan > 0
		if !ok {
			p.refuse(body.Node, "shape", "absence needs a timespan")
		}
	case OffHours:
		ok = p.offHours(e, body)
	case Regularity:
		ok = p.regularity(c, body)
	default:
		p.refuse(body.Node, "shape", "type %q is not known under kizuki", c.Type)
		return nil
	}
	if !ok {
		return nil
	}
	return c
}

func (p *parser) regularity(c *Correlation, body rulefile.Mapping) bool {
	events, ok1 := rulefile.Number(body.Values["events"])
	jitter, ok2 := rulefile.Number(body.Values["jitter"])
	if c.Timespan == 0 || !ok1 || events < 3 || events > 1e6 || events != math.Trunc(events) || !ok2 || jitter < 0 || jitter > 100 {
		p.refuse(body.Node, "shape", "regularity needs a timespan, events (3 to 1,000,000) and jitter (0 to 100)")
		return false
	}
	c.Extension.Events, c.Extension.Jitter = int(events), jitter
	return true
}

func (p *parser) offHours(e *Extension, body rulefile.Mapping) bool {
	var ok1, ok2 bool
	e.TimeZone, ok1 = p.read.Word(body.Values["timezone"], "timezone")
	e.Calendar, ok2 = p.read.Word(body.Values["calendar"], "calendar")
	if !ok1 || !ok2 {
		return false
	}
	if e.TimeZone == "" {
		p.refuse(body.Node, "shape", "off_hours needs a timezone")
		return false
	}
	return p.hours(e, body) && p.days(e, body)
}

func (p *parser) hours(e *Extension, body rulefile.Mapping) bool {
	n := body.Values["hours"]
	texts, ok := p.read.Texts(n, "hours")
	if !ok {
		return false
	}
	for _, s := range texts {
		h, ok := parseHours(s)
		if !ok {
			p.refuse(n, "value", "hours %q are not written like 08:30-17:30", s)
			return false
		}
		e.Hours = append(e.Hours, h)
	}
	if len(e.Hours) == 0 {
		p.refuse(body.Node, "shape", "off_hours needs hours")
		return false
	}
	return true
}

// days reads which days are worked on: Monday to Friday where the document says nothing, but no holidays.
func (p *parser) days(e *Extension, body rulefile.Mapping) bool {
	n := body.Values["days"]
	texts, ok := p.read.Texts(n, "days")
	if !ok {
		return false
	}
	if n == nil || n.ShortTag() == "!!null" {
		texts = []string{"mon", "tue", "wed", "thu", "fri"}
	}
	for _, s := range texts {
		at := slices.Index([]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}, strings.ToLower(s))
		if at < 0 {
			p.refuse(n, "value", "day %q is not one of mon, tue, wed, thu, fri, sat, sun", s)
			return false
		}
		e.Days = append(e.Days, time.Weekday(at))
	}
	if e.Holidays, ok = p.read.Texts(body.Values["holidays"], "holidays"); !ok {
		return false
	}
	for _, s := range e.Holidays {
		if _, err := time.Parse(time.DateOnly, s); err != nil {
			p.refuse(body.Values["holidays"], "value", "holiday %q is not written like 2026-01-01", s)
			return false
		}
	}
	return true
}

// hoursForm has two digits each; a day ends at 24:00 but does not begin there.
var hoursForm = regexp.MustCompile(`^(?:[01][0-9]|2[0-3]):[0-5][0-9]-(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`)

func parseHours(s string) (Hours, bool) {
	if !hoursForm.MatchString(s) {
		return Hours{}, false
	}
	clock := func(at int) int {
		digit := func(i int) int { return int(s[at+i] - '0') }
		return (digit(0)*10+digit(1))*60 + digit(3)*10 + digit(4)
	}
	h := Hours{From: clock(0), To: clock(len("08:30-"))}
	return h, h.From != h.To
}
