package language

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/logs/query"
)

func isIP(name string) bool { return name == query.AnyIP || name == "src_ip" || name == "dst_ip" }

// field reads the comparison of a field; the present token is its sign, or in.
func (p *parser) field(name token, cased bool) (query.Term, error) {
	field := name.text
	if name.kind == bare {
		if !query.PlainName(field) {
			return nil, &query.Error{
				Reason: query.BadField, At: name.at, End: name.end, Found: field, Hint: strconv.Quote(field),
			}
		}
		field = query.Canonical(field)
	} else if field == "" {
		return nil, &query.Error{Reason: query.BadField, At: name.at, End: name.end}
	}
	op := p.tok.kind
	if err := p.advance(); err != nil {
		return nil, err
	}
	switch op {
	case "=", "==", "!=":
		t, err := p.equal(field, op, cased)
		if op == "!=" && err == nil {
			t = query.Except(t)
		}
		return t, err
	case "~", "!~":
		v, err := p.text()
		var t query.Term = query.Contains{Field: field, Value: v.text, Cased: cased}
		if op == "!~" {
			t = query.Except(t)
		}
		return t, err
	case bare:
		return p.in(field, cased)
	default:
		n, err := p.number(field)
		return query.Number{Field: field, Op: query.Op(op), Value: n}, err
	}
}

// equal reads what stands behind =.
func (p *parser) equal(field string, op kind, cased bool) (query.Term, error) {
	v := p.tok
	switch {
	case v.kind == "*":
		t, err := p.star()
		if err == nil {
			t = query.Exists{Field: field}
		}
		return t, err
	case v.kind == bare && v.text[0] == '/':
		re, err := p.expression()
		return query.Match{Field: field, Pattern: re, Cased: cased}, err
	}
	v, err := p.text()
	if err != nil {
		return nil, err
	}
	prefix, err := p.trailingStar(v)
	switch {
	case err != nil:
		return nil, err
	case prefix:
		return query.Prefix{Field: field, Value: v.text, Cased: cased}, nil
	case isIP(field) && op != "==" && v.text != "":
		n, err := parseNet(v)
		return query.Net(field, n), err
	}
	return query.Equal{Field: field, Value: severity(field, v), Cased: cased}, nil
}

// severity gives the number of a severity's name; other values stay.
func severity(field string, v token) string {
	if field != "severity" || v.kind != bare {
		return v.text
	}
	switch i := slices.Index(query.Severities, strings.ToLower(v.text)); i {
	case -1:
		return v.text
	case 0:
		return "" // how columns hold it
	default:
		return strconv.Itoa(i)
	}
}

// in reads the list behind in: values, net(…) or text(…).
func (p *parser) in(field string, cased bool) (query.Term, error) {
	nets := isIP(field)
	if p.word("net", "text") {
		nets = p.word("net")
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	if p.tok.kind != "(" {
		return nil, p.fail(query.Unexpected, "(")
	}
	open := p.tok
	var values []string
	var networks []netip.Prefix
	for {
		if err := p.advance(); err != nil {
			return nil, err
		}
		v, err := p.text()
		if err != nil {
			return nil, err
		}
		if p.terms++; p.terms > p.limits.Terms {
			return nil, p.fail(query.TooMany, "")
		}
		if nets {
			n, err := parseNet(v)
			if err != nil {
				return nil, err
			}
			networks = append(networks, n)
		} else {
			values = append(values, severity(field, v))
		}
		if p.tok.kind == ")" {
			break
		}
		if p.tok.kind == end {
			return nil, &query.Error{Reason: query.UnclosedGroup, At: open.at, End: open.end, Found: "(", Hint: ")"}
		}
		if p.tok.kind != "," {
			return nil, p.fail(query.Unexpected, ",")
		}
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if nets {
		return query.Net(field, networks...), nil
	}
	return query.Normalize(query.In{Field: field, Values: values, Cased: cased}), nil
}

func parseNet(v token) (netip.Prefix, error) {
	if n, err := netip.ParsePrefix(v.text); err == nil {
		return n, nil
	}
	if ip, err := netip.ParseAddr(v.text); err == nil {
		return netip.PrefixFrom(ip.WithZone(""), ip.BitLen()), nil
	}
	return netip.Prefix{}, &query.Error{Reason: query.BadIP, At: v.at, End: v.end, Found: v.text, Hint: "10.0.0.0/8"}
}

func (p *parser) number(field string) (int64, error) {
	v, err := p.text()
	if err != nil {
		return 0, err
	}
	if field == "severity" {
		if i := slices.Index(query.Severities, strings.ToLower(v.text)); i >= 0 {
			return int64(i), nil
		}
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	if err != nil || len(strings.TrimLeft(v.text, "+-0")) > 18 {
		return 0, &query.Error{Reason: query.BadNumber, At: v.at, End: v.end, Found: v.text}
	}
	return n, nil
}
