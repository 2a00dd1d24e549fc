package reference

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// correlation is a compiled correlation or extension.
type correlation struct {
	kind     string
	rules    []string // as named
	inputs   []*document
	groupBy  []string
	aliases  map[string]map[string]string // alias → rule → field
	timespan time.Duration
	generate bool

	fields     []string // counted or new
	limits     map[string]*big.Rat
	percentile *big.Rat

	learn, forget time.Duration // first_seen; forget 0 means never
	office        *office       // off_hours
	least         int           // regularity
	jitter        *big.Rat      // regularity, as a part of one
}

var operators = []string{"gt", "gte", "lt", "lte", "eq", "neq"}

// common reads what correlations and extensions share.
func (l *loader) common(d *document, section *node) (*correlation, error) {
	if !section.isMap() {
		return nil, errors.New("the section must be a map")
	}
	c := &correlation{aliases: map[string]map[string]string{}}
	var errs [3]error
	c.kind, errs[0] = section.word("type")
	c.rules, errs[1] = section.words("rules")
	c.groupBy, errs[2] = section.words("group-by")
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	if len(c.rules) == 0 {
		return nil, errors.New("there are no rules")
	}
	if _, err := duration(section, "timespan"); err != nil {
		return nil, err
	}
	for _, g := range []*node{section.member("generate"), d.body.member("generate")} {
		if g == nil {
			continue
		}
		if !g.boolean {
			return nil, errors.New("generate is true or false")
		}
		c.generate = c.generate || g.text == "true"
	}
	if aliases := section.member("aliases"); aliases != nil {
		if !aliases.isMap() {
			return nil, errors.New("aliases must be a map")
		}
		for alias, fields := range aliases.members {
			if !fields.isMap() {
				return nil, fmt.Errorf("the alias %s must be a map", alias)
			}
			c.aliases[alias] = map[string]string{}
			for rule := range fields.members {
				field, err := fields.word(rule)
				if err == nil && field == "" {
					err = errors.New("there is no field")
				}
				if err != nil {
					return nil, fmt.Errorf("the alias %s: %w", alias, err)
				}
				c.aliases[alias][rule] = field
			}
		}
	}
	return c, nil
}

var timespanForm = regexp.MustCompile(`^([0-9]+)([smhd])$`)

func parseTimespan(text string) (time.Duration, error) {
	parts := timespanForm.FindStringSubmatch(text)
	if parts == nil {
		return 0, fmt.Errorf("%q is no timespan", text)
	}
	count, err := strconv.Atoi(parts[1])
	if err != nil {
		return 0, err
	}
	unit := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[parts[2]]
	if longest := 200 * 365 * 24 * time.Hour; count >= int(longest/unit) {
		return 0, fmt.Errorf("%q is longer than 200 years", text)
	}
	return time.Duration(count) * unit, nil
}

func duration(section *node, key string) (time.Duration, error) {
	text, err := section.word(key)
	if err != nil || text == "" {
		return 0, err
	}
	return parseTimespan(text)
}

// requiredTimespan reads a timespan that must be there.
func requiredTimespan(section *node) (time.Duration, error) {
	span, err := duration(section, "timespan")
	if err == nil && span == 0 {
		err = errors.New("a timespan is needed")
	}
	return span, err
}

var sigmaTypes = []string{
	"event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg", "value_min", "value_max", "value_percentile",
}

func (l *loader) sigmaCorrelation(d *document) error {
	section := d.body.member("correlation")
	c, err := l.common(d, section)
	if err != nil {
		return err
	}
	for _, key := range section.keys {
		switch key {
		case "type", "rules", "group-by", "timespan", "aliases", "condition", "generate":
		default:
			return fmt.Errorf("a correlation has no %q", key)
		}
	}
	if !slices.Contains(sigmaTypes, c.kind) {
		return fmt.Errorf("unknown correlation type %q", c.kind)
	}
	if c.timespan, err = requiredTimespan(section); err != nil {
		return err
	}
	if err := c.readCondition(section.member("condition")); err != nil {
		return err
	}
	d.correlation = c
	return nil
}

func (c *correlation) temporal() bool { return c.kind == "temporal" || c.kind == "temporal_ordered" }

func (c *correlation) readCondition(condition *node) error {
	c.limits = map[string]*big.Rat{}
	if condition == nil || condition.null {
		if !c.temporal() {
			return errors.New("a condition is needed")
		}
		c.limits["gte"] = big.NewRat(int64(len(c.rules)), 1)
		return nil
	}
	if !condition.isMap() {
		return errors.New("the condition must be a map")
	}
	for _, key := range condition.keys {
		n := condition.members[key]
		switch {
		case key == "field":
		case n.number == nil:
			return fmt.Errorf("the condition's %s must be a number", key)
		case slices.Contains(operators, key):
			c.limits[key] = n.number
		case key == "percentile" && c.kind == "value_percentile" && n.number.Sign() > 0 && n.number.Cmp(big.NewRat(100, 1)) <= 0:
			c.percentile = n.number
		default:
			return fmt.Errorf("the condition's %s means nothing here", key)
		}
	}
	if len(c.limits) == 0 {
		return errors.New("the condition compares with nothing")
	}
	if c.percentile == nil {
		c.percentile = big.NewRat(50, 1)
	}
	var err error
	if c.fields, err = condition.words("field"); err != nil {
		return err
	}
	countsValues := c.kind != "event_count" && !c.temporal()
	if countsValues && len(c.fields) == 0 {
		return errors.New("the condition needs a field")
	}
	if countsValues && c.kind != "value_count" && len(c.fields) > 1 {
		return errors.New("the condition takes one field")
	}
	return nil
}

// met says whether a measure satisfies every comparison.
func (c *correlation) met(measure *big.Rat) bool {
	for operator, limit := range c.limits {
		if !compare(measure, operator, limit) {
			return false
		}
	}
	return true
}
