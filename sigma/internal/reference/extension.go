package reference

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// office is when people work. Everything else is off hours.
type office struct {
	zone     *time.Location
	days     []time.Weekday
	hours    [][2]int // minutes of the day: from, to
	holidays []string // YYYY-MM-DD
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func (l *loader) extension(d *document) error {
	section := d.body.member("kizuki")
	c, err := l.common(d, section)
	if err != nil {
		return err
	}
	if _, err := section.words("field"); err != nil {
		return err
	}
	switch c.kind {
	case "first_seen":
		err = c.readFirstSeen(section)
	case "absence":
		c.timespan, err = requiredTimespan(section)
	case "off_hours":
		c.office, err = l.readOffice(section)
	case "regularity":
		err = c.readRegularity(section)
	default:
		err = fmt.Errorf("unknown extension type %q", c.kind)
	}
	d.correlation = c
	return err
}

func (c *correlation) readFirstSeen(section *node) error {
	var errs [3]error
	c.fields, errs[0] = section.words("field")
	c.learn, errs[1] = duration(section, "learn")
	c.forget, errs[2] = duration(section, "forget")
	if len(c.fields) == 0 {
		return errors.New("first_seen needs a field")
	}
	return errors.Join(errs[:]...)
}

func (c *correlation) readRegularity(section *node) error {
	var err error
	if c.timespan, err = requiredTimespan(section); err != nil {
		return err
	}
	least, jitter := section.member("events"), section.member("jitter")
	if least == nil || least.number == nil || !least.number.IsInt() ||
		least.number.Cmp(big.NewRat(3, 1)) < 0 || least.number.Cmp(big.NewRat(1_000_000, 1)) > 0 {
		return errors.New("events must be 3 to 1,000,000")
	}
	if jitter == nil || jitter.number == nil || jitter.number.Sign() < 0 || jitter.number.Cmp(big.NewRat(100, 1)) > 0 {
		return errors.New("jitter is a percentage")
	}
	c.least = int(least.number.Num().Int64())
	c.jitter = new(big.Rat).Quo(jitter.number, big.NewRat(100, 1))
	return nil
}

func (l *loader) readOffice(section *node) (*office, error) {
	o := &office{}
	zone, err := section.word("timezone")
	if err != nil {
		return nil, err
	}
	if o.zone, err = parseZone(zone); err != nil {
		return nil, err
	}
	days, err := section.words("days")
	if err != nil {
		return nil, err
	}
	if given := section.member("days"); given == nil || given.null {
		days = []string{"mon", "tue", "wed", "thu", "fri"}
	}
	for _, day := range days {
		at := slices.Index(weekdays, strings.ToLower(day))
		if at < 0 {
			return nil, fmt.Errorf("%q is no day: write mon … sun", day)
		}
		o.days = append(o.days, time.Weekday(at))
	}
	hours, err := section.words("hours")
	if err != nil {
		return nil, err
	}
	for _, text := range hours {
		span, err := parseHours(text)
		if err != nil {
			return nil, err
		}
		o.hours = append(o.hours, span)
	}
	if len(o.hours) == 0 {
		return nil, errors.New("off_hours needs hours")
	}
	return o, l.readHolidays(section, o)
}

func (l *loader) readHolidays(section *node, o *office) error {
	var err error
	if o.holidays, err = section.words("holidays"); err != nil {
		return err
	}
	name, err := section.word("calendar")
	if err != nil {
		return err
	}
	if name != "" {
		dates, ok := l.options.Calendars[name]
		if !ok {
			return fmt.Errorf("the calendar %q is not given here", name)
		}
		o.holidays = append(o.holidays, dates...)
	}
	for _, date := range o.holidays {
		if _, err := time.Parse(time.DateOnly, date); err != nil {
			return err
		}
	}
	return nil
}

func parseZone(name string) (*time.Location, error) {
	if name == "" || strings.EqualFold(name, "local") {
		return nil, errors.New("off_hours needs a timezone")
	}
	if zoneForm.MatchString(name) {
		at, err := time.Parse("-07:00", name)
		_, offset := at.Zone()
		return time.FixedZone(name, offset), err
	}
	return time.LoadLocation(name)
}

var zoneForm = regexp.MustCompile(`^[+-]([01][0-9]|2[0-3]):[0-5][0-9]$`)

var hoursForm = regexp.MustCompile(`^([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])$`)

func parseHours(text string) ([2]int, error) {
	parts := hoursForm.FindStringSubmatch(text)
	if parts == nil {
		return [2]int{}, fmt.Errorf("%q are no hours: write 08:30-17:30", text)
	}
	var numbers [4]int
	for i := range numbers {
		numbers[i], _ = strconv.Atoi(parts[i+1]) // digits, as the form says
	}
	span := [2]int{numbers[0]*60 + numbers[1], numbers[2]*60 + numbers[3]}
	if span[0] == span[1] || span[1] > 24*60 {
		return span, fmt.Errorf("%q are no hours", text)
	}
	return span, nil
}

// open says whether people work at a time.
func (o *office) open(at time.Time) bool {
	local := at.In(o.zone)
	if !slices.Contains(o.days, local.Weekday()) || slices.Contains(o.holidays, local.Format(time.DateOnly)) {
		return false
	}
	minute := local.Hour()*60 + local.Minute()
	return slices.ContainsFunc(o.hours, func(span [2]int) bool {
		if span[0] < span[1] {
			return minute >= span[0] && minute < span[1]
		}
		return minute >= span[0] || minute < span[1]
	})
}
