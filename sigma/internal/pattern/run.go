package pattern

import (
	"bytes"
	"net/netip"
)

// Holds runs a test of kind OpText, OpRegex, OpCIDR, OpCompare or OpTime on one value that is there and not null.
// form must be the value in the form that a.Form says; folded is the folded value.
func (a *Atom) Holds(form, folded []byte) bool {
	switch a.Op {
	case OpText:
		return a.Text.Match(form)
	case OpRegex:
		return a.possible(folded) && a.Regex.Match(form)
	case OpCIDR:
		return a.inNet(form)
	case OpCompare:
		n, ok := ParseNumber(form)
		return ok && a.Cmp.Holds(n, a.Number)
	case OpTime:
		n, ok := a.Part.of(form)
		return ok && a.Cmp.Holds(Number{whole: int64(n), real: float64(n), exact: true}, a.Number)
	case OpRef, OpNull, OpExists:
	}
	return false
}

func (a *Atom) possible(folded []byte) bool {
	if len(a.Needs) == 0 {
		return true
	}
	for _, s := range a.Needs {
		if bytes.Contains(folded, s) {
			return true
		}
	}
	return false
}

const longestAddr = 80

func (a *Atom) inNet(v []byte) bool {
	if len(v) > longestAddr || len(v) < 2 {
		return false
	}
	if a.Net.Addr().Is4() {
		// Most values are plain IPv4: no text is made of them.
		if addr, ok := ipv4(v); ok {
			return a.Net.Contains(addr)
		}
	}
	addr, err := netip.ParseAddr(string(v))
	return err == nil && a.Net.Contains(addr.WithZone("").Unmap())
}

func ipv4(v []byte) (netip.Addr, bool) {
	var b [4]byte
	part, n, seen := 0, 0, 0
	for _, c := range v {
		switch {
		case c >= '0' && c <= '9':
			if seen > 0 && n == 0 { // a leading zero is no decimal address
				return netip.Addr{}, false
			}
			n = n*10 + int(c-'0')
			if seen++; n > 255 {
				return netip.Addr{}, false
			}
		case c == '.' && seen > 0 && part < 3:
			b[part] = byte(n)
			part, n, seen = part+1, 0, 0
		default:
			return netip.Addr{}, false
		}
	}
	if part != 3 || seen == 0 {
		return netip.Addr{}, false
	}
	b[3] = byte(n)
	return netip.AddrFrom4(b), true
}

// Ref compares the values of two fields, both in the form that a.Form says.
func (a *Atom) Ref(v, other []byte) bool {
	switch a.Shape {
	case Equals:
		return bytes.Equal(v, other)
	case Contains:
		return bytes.Contains(v, other)
	case StartsWith:
		return bytes.HasPrefix(v, other)
	case EndsWith:
		return bytes.HasSuffix(v, other)
	case AnyText, Glob:
	}
	return false
}
