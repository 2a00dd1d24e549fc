package logsql

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/text"
)

// condition gives the field of a term and what stands behind its colon.
func condition(t query.Term) (string, func(field string) string, error) {
	var of string
	var s string
	var err error
	switch t := t.(type) {
	case query.Equal:
		of = t.Field
		s, err = equal(t, t.Value, t.Cased)
	case query.In:
		of = t.Field
		s, err = in(t)
	case query.Prefix:
		of = t.Field
		s, err = value(t, t.Value, t.Cased, `^(?:`, `)`, false)
	case query.Contains:
		of = t.Field
		s, err = value(t, t.Value, t.Cased, "", "", false)
	case query.Match:
		of = t.Field
		if s, err = pattern(t, t.Pattern, t.Cased); err == nil {
			s = expression(s)
		}
	case query.Exists:
		of, s = t.Field, "*"
	case query.Number:
		of = t.Field
		s, err = number(t)
	case query.IP:
		of = t.Field
		s, err = nets(t)
	default:
		return "", nil, &Error{Term, fmt.Sprintf("%T", t)}
	}
	return of, func(string) string { return s }, err
}

// spelling writes a text as an expression.
func spelling(t query.Term, s string, cased, last bool) (string, error) {
	if !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError) {
		return "", refuse(Bytes, t)
	}
	if cased {
		return regexp.QuoteMeta(s), nil
	}
	re, ok := text.Spellings(s, last)
	if !ok {
		return "", refuse(VoiceMark, t)
	}
	return re, nil
}

// expression writes what stands behind a field's colon; a field that is not there is empty.
func expression(re string) string {
	if matches(re, "") {
		return "(~" + strconv.Quote(re) + ` or "")`
	}
	return "~" + strconv.Quote(re)
}

func matches(re, s string) bool {
	compiled, err := regexp.Compile(re)
	return err == nil && compiled.MatchString(s)
}

func equal(t query.Term, v string, cased bool) (string, error) {
	if v == "" {
		return `""`, nil
	}
	if cased && utf8.ValidString(v) && !strings.ContainsRune(v, utf8.RuneError) {
		return "=" + strconv.Quote(v), nil
	}
	return value(t, v, cased, `^(?:`, `)$`, true)
}

func value(t query.Term, v string, cased bool, before, after string, last bool) (string, error) {
	re, err := spelling(t, v, cased, last)
	if err != nil {
		return "", err
	}
	return expression(before + re + after), nil
}

func in(t query.In) (string, error) {
	parts := make([]string, 0, len(t.Values))
	for _, v := range t.Values {
		re, err := spelling(t, v, t.Cased, true)
		if err != nil {
			return "", err
		}
		parts = append(parts, re)
	}
	return expression("^(?:" + strings.Join(parts, "|") + ")$"), nil
}

// number writes a comparison. The engine reads more as numbers than we do; these fields have nothing else.
func number(t query.Number) (string, error) {
	switch t.Field {
	case "src_port", "dst_port", "severity":
		return string(t.Op) + strconv.FormatInt(t.Value, 10), nil
	}
	return "", refuse(NativeNum, t)
}

func nets(t query.IP) (string, error) {
	switch t.Field {
	case "src_ip", "dst_ip", query.AnyIP:
	default:
		return "", refuse(NativeIP, t)
	}
	parts := make([]string, 0, len(t.Nets))
	for _, n := range t.Nets {
		switch {
		case n.Addr().Is4():
			parts = append(parts, fmt.Sprintf("ipv4_range(%q) or ~%q", n, "^::ffff:"+four(n)+"(?:%.*)?$"))
		case n.IsSingleIP():
			parts = append(parts, "~"+strconv.Quote("^"+regexp.QuoteMeta(n.Addr().String())+"(?:%.*)?$"))
		default:
			return "", refuse(IPv6Net, t)
		}
	}
	return "(" + strings.Join(parts, " or ") + ")", nil
}

// four writes the addresses of an IPv4 network as an expression.
func four(n netip.Prefix) string {
	parts := make([]string, 0, 4)
	bits := n.Bits()
	for _, octet := range n.Addr().AsSlice() {
		switch {
		case bits >= 8:
			parts = append(parts, strconv.Itoa(int(octet)))
		case bits <= 0:
			parts = append(parts, `[0-9]+`)
		default:
			var all []string
			for i := range 1 << (8 - bits) {
				all = append(all, strconv.Itoa(int(octet)+i))
			}
			parts = append(parts, "(?:"+strings.Join(all, "|")+")")
		}
		bits -= 8
	}
	return strings.Join(parts, `\.`)
}
