package reference

import (
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// fieldref compares with another field of the same event.
func (c chain) fieldref(v *node) (test, error) {
	other := chain{field: fieldName(v.text)}
	if !v.quoted || other.field == "" {
		return nil, errors.New("fieldref wants the name of a field")
	}
	return func(r record) bool {
		for _, theirs := range other.values(r) {
			p := literalPattern(theirs.text).anchored(c.anchor)
			for _, ours := range c.values(r) {
				if p.matches(ours, c.cased) {
					return true
				}
			}
		}
		return false
	}, nil
}

// textTest compiles a regular expression or a network.
func (c chain) textTest(text string) (test, error) {
	if c.kind == "cidr" {
		network, err := parseNetwork(text)
		if err != nil {
			return nil, fmt.Errorf("%q is no network: %w", text, err)
		}
		return c.on(func(v value) bool {
			address, err := netip.ParseAddr(v.text)
			return err == nil && network.Contains(address.Unmap().WithZone(""))
		}), nil
	}
	if c.flags != "" {
		text = "(?" + c.flags + ")" + text
	}
	expression, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	return c.on(func(v value) bool { return expression.MatchString(v.text) }), nil
}

func parseNetwork(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		address, err := netip.ParseAddr(text)
		if err != nil {
			return netip.Prefix{}, err
		}
		address = address.Unmap().WithZone("")
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return network, err
	}
	if network.Addr().Is4In6() && network.Bits() >= 96 {
		network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-96)
	}
	return network.Masked(), nil
}

// numeric compares a field, or a part of the date it holds, with a number.
func (c chain) numeric(v *node) (test, error) {
	if v.number == nil {
		return nil, fmt.Errorf("%s%s wants a number, not %q", c.compare, c.part, v.raw)
	}
	return c.on(func(field value) bool {
		number, ok := decimal(field.text)
		if c.part != "" {
			number, ok = datePart(field.text, c.part)
		}
		return ok && compare(number, c.compare, v.number)
	}), nil
}

// compare says whether a number stands to a limit as the operator says; no operator means equal.
func compare(number *big.Rat, operator string, limit *big.Rat) bool {
	order := number.Cmp(limit)
	switch operator {
	case "lt":
		return order < 0
	case "lte":
		return order <= 0
	case "gt":
		return order > 0
	case "gte":
		return order >= 0
	case "neq":
		return order != 0
	default:
		return order == 0
	}
}

var dateForms = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05",
	"2006-01-02T15:04Z07:00", "2006-01-02 15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04",
}

// datePart reads one part of a date as it is written, whatever its time zone.
func datePart(text, part string) (*big.Rat, bool) {
	at, err := time.Parse(time.DateOnly, text)
	if err == nil && (part == "minute" || part == "hour") {
		return nil, false
	}
	for _, form := range dateForms {
		if err != nil {
			at, err = time.Parse(form, text)
		}
	}
	if err != nil {
		return nil, false
	}
	_, week := at.ISOWeek()
	number := map[string]int{
		"minute": at.Minute(), "hour": at.Hour(), "day": at.Day(), "week": week, "month": int(at.Month()), "year": at.Year(),
	}[part]
	return big.NewRat(int64(number), 1), true
}

// piece is a part of a value with placeholders: text, or the name of one.
type piece struct {
	text        string
	placeholder bool
}

// pieces cuts a value at its placeholders. A percent sign behind a backslash is only itself.
func pieces(text string) []piece {
	var found []piece
	plain := ""
	for i := 0; i < len(text); i++ {
		rest := text[i:]
		switch {
		case strings.HasPrefix(rest, `\%`):
			plain += "%"
			i++
		case strings.HasPrefix(rest, `\\`):
			plain += `\\`
			i++
		case rest[0] == '%' && placeholderForm.MatchString(rest):
			name := placeholderForm.FindStringSubmatch(rest)[1]
			found = append(found, piece{text: plain}, piece{name, true})
			plain = ""
			i += len(name) + 1
		default:
			plain += rest[:1]
		}
	}
	return append(found, piece{text: plain})
}

var placeholderForm = regexp.MustCompile(`^%([^%\s]+)%`)

// choices gives, for each piece of a value, the texts it may be.
func (l *loader) choices(text string) ([][]string, error) {
	var out [][]string
	for _, p := range pieces(text) {
		if !p.placeholder {
			out = append(out, []string{p.text})
			continue
		}
		values := l.options.Placeholders[p.text]
		if len(values) == 0 {
			return nil, fmt.Errorf("the placeholder %%%s%% has no values here", p.text)
		}
		out = append(out, values)
	}
	return out, nil
}

func (l *loader) expand(text string) ([]pattern, error) {
	all, err := l.choices(text)
	if err != nil {
		return nil, err
	}
	found := []pattern{nil}
	for _, choice := range all {
		var longer []pattern
		for _, p := range found {
			for _, text := range choice {
				longer = append(longer, append(slices.Clip(p), parsePattern(text)...))
			}
		}
		found = longer
	}
	return found, nil
}

func (l *loader) expandText(c chain, v *node) ([]string, error) {
	if !c.expand {
		return []string{v.raw}, nil
	}
	all, err := l.choices(v.raw)
	if err != nil {
		return nil, err
	}
	found := []string{""}
	for _, choice := range all {
		var longer []string
		for _, start := range found {
			for _, text := range choice {
				longer = append(longer, start+text)
			}
		}
		found = longer
	}
	return found, nil
}
