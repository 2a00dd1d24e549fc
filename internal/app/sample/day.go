package sample

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// fiscalStart is the month in which the year of the sample company begins.
const fiscalStart = time.April

// calendar turns the days of company.yaml into days: the history lies relative to the day of the demo.
type calendar struct{ today jdate.Day }

// when is a day as company.yaml writes it: "-8m" and "-45d" count from today, "y0+20d" from the first day of
// this fiscal year, "y-1+60d" from that of last year, and "y0~30%" is that part of the way from there to today.
type when string

var whenShape = regexp.MustCompile(`^(?:y(0|-[1-9][0-9]?)(?:\+([0-9]+)d|~([0-9]+)%)?|([+-][0-9]+)([md])|e-([1-9]))$`)

// day gives the day of w; "" is the zero day.
func (c calendar) day(w when) (jdate.Day, error) {
	if w == "" {
		return 0, nil
	}
	part := whenShape.FindStringSubmatch(string(w))
	if part == nil {
		return 0, fmt.Errorf("read day %q: unknown form", w)
	}
	number := func(i int) int { n, _ := strconv.Atoi(part[i]); return n } // digits only, by the shape
	switch part[5] {
	case "d":
		return c.today.Add(number(4)), nil
	case "m":
		return c.months(number(4)), nil
	}
	if part[6] != "" {
		return c.monthEnd(number(6)), nil
	}
	start := c.yearStart(number(1))
	if part[3] != "" {
		return start.Add(c.today.Sub(start) * number(3) / 100), nil
	}
	return start.Add(number(2)), nil
}

// past is day for what has happened: never after today.
func (c calendar) past(w when) (jdate.Day, error) {
	d, err := c.day(w)
	return min(d, c.today), err
}

func (c calendar) yearStart(n int) jdate.Day {
	return jdate.On(c.today.FiscalYear(fiscalStart)+n, fiscalStart, 1)
}

// months gives the same day some months away, the last day of a shorter month.
func (c calendar) months(n int) jdate.Day {
	year, month, day := c.today.Time().Date()
	last := jdate.On(year, month+time.Month(n)+1, 0)
	return min(jdate.On(year, month+time.Month(n), 1).Add(day-1), last)
}

// monthEnd is the last day of the month n months before that of today.
func (c calendar) monthEnd(n int) jdate.Day {
	year, month, _ := c.today.Time().Date()
	return jdate.On(year, month-time.Month(n)+1, 0)
}
