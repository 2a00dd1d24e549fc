package query

import (
	"math"
	"net/netip"
	"slices"
	"strings"
)

// Term is a condition on a log line. Terms are values: build them with the functions below or as literals, and do not
// change them afterwards. What is not said to be cased is compared in the folded form of both sides, see Fold.
//
// Terms are And, Or, Not, All, Word, Substring, Regex, Equal, In, Prefix, Contains, Match, Exists, Number, IP and Time.
type Term interface {
	// write appends the term in the language of package language.
	write(b *strings.Builder)
}

type (
	// All holds for every line.
	All struct{}
	// And holds where each of its terms does; without terms it is All.
	And []Term
	// Or holds where one of its terms does; without terms it holds nowhere.
	Or []Term
	// Not holds where its term does not; lines without the field it asks for are among them.
	Not struct{ Term Term }

	// Word holds where the raw line has Text as whole words: where Text begins or ends with a letter, digit or _, no
	// such character stands next to it in the line. Ideographs and kana have no such borders. With Prefix only the
	// beginning is looked at.
	Word struct {
		Text   string
		Prefix bool
		Cased  bool
	}
	// Substring holds where the raw line has Text anywhere.
	Substring struct {
		Text  string
		Cased bool
	}
	// Regex holds where the regular expression (RE2 syntax of package regexp) matches in the raw line. Unless cased it
	// runs with (?i) over the folded line, and its characters outside ASCII are folded too.
	Regex struct {
		Pattern string
		Cased   bool
	}

	// Equal holds where the value of Field is Value; "" is the value of lines without the field.
	Equal struct {
		Field, Value string
		Cased        bool
	}
	// In holds where the value of Field is one of Values.
	In struct {
		Field  string
		Values []string
		Cased  bool
	}
	// Prefix holds where the value of Field begins with Value.
	Prefix struct {
		Field, Value string
		Cased        bool
	}
	// Contains holds where the value of Field has Value anywhere.
	Contains struct {
		Field, Value string
		Cased        bool
	}
	// Match holds where the regular expression matches in the value of Field, as Regex says.
	Match struct {
		Field, Pattern string
		Cased          bool
	}
	// Exists holds where Field has a value other than "".
	Exists struct{ Field string }
	// Number holds where the value of Field is a whole decimal number of up to 18 digits that compares so.
	Number struct {
		Field string
		Op    Op
		Value int64
	}
	// IP holds where the value of Field is an address in one of Nets. IPv4 in IPv6 counts as IPv4; zones are ignored.
	IP struct {
		Field string
		Nets  []netip.Prefix
	}
	// Time holds where From ≤ time < To, in microseconds since 1970 UTC; math.MinInt64 and math.MaxInt64: no limit.
	Time struct{ From, To int64 }
)

// Op is a comparison of numbers.
type Op string

// Comparisons.
const (
	Less         Op = "<"
	LessEqual    Op = "<="
	Greater      Op = ">"
	GreaterEqual Op = ">="
)

// AnyIP is the name that stands for src_ip and dst_ip in terms: it holds where one of them does.
const AnyIP = "ip"

// Nothing holds for no line.
func Nothing() Term { return Not{All{}} }

// AllOf holds where each term does. Nil terms are left out.
func AllOf(terms ...Term) Term { return Normalize(And(terms)) }

// AnyOf holds where one of the terms does. Nil terms are left out.
func AnyOf(terms ...Term) Term { return Normalize(Or(terms)) }

// Except holds where the term does not.
func Except(t Term) Term { return Normalize(Not{t}) }

// Between holds from From up to but without To, in microseconds since 1970 UTC.
func Between(from, to int64) Term { return Normalize(Time{from, to}) }

// Net holds where the field is the address or lies in the network.
func Net(field string, nets ...netip.Prefix) Term { return Normalize(IP{field, nets}) }

// Normalize gives the term in the form in which the parser gives it: no lists in lists, no lists of one, no double
// Not, no All beside others, networks masked, and an open Time as All. The meaning stays.
func Normalize(t Term) Term {
	switch t := t.(type) {
	case nil:
		return All{}
	case And:
		return normalAnd(t)
	case Or:
		return normalOr(t)
	case Not:
		if inner, ok := Normalize(t.Term).(Not); ok {
			return inner.Term
		}
		return Not{Normalize(t.Term)}
	case In:
		if len(t.Values) == 1 {
			return Equal{t.Field, t.Values[0], t.Cased}
		}
		if len(t.Values) == 0 {
			return Nothing()
		}
	case IP:
		return normalIP(t)
	case Time:
		switch {
		case t.From == math.MinInt64 && t.To == math.MaxInt64:
			return All{}
		case t.From >= t.To:
			return Nothing()
		}
	case Regex:
		t.Pattern = plainSlashes(t.Pattern)
		return t
	case Match:
		t.Pattern = plainSlashes(t.Pattern)
		return t
	}
	return t
}

func normalAnd(terms And) Term {
	var flat And
	for _, t := range terms {
		if t == nil {
			continue
		}
		switch n := Normalize(t).(type) {
		case All:
		case And:
			flat = append(flat, n...)
		default:
			flat = append(flat, n)
		}
	}
	switch len(flat) {
	case 0:
		return All{}
	case 1:
		return flat[0]
	}
	return flat
}

func normalOr(terms Or) Term {
	var flat Or
	for _, t := range terms {
		if t == nil {
			continue
		}
		if n, ok := Normalize(t).(Or); ok {
			flat = append(flat, n...)
		} else {
			flat = append(flat, Normalize(t))
		}
	}
	switch len(flat) {
	case 0:
		return Nothing()
	case 1:
		return flat[0]
	}
	return flat
}

func normalIP(t IP) Term {
	if len(t.Nets) == 0 {
		return Nothing()
	}
	nets := slices.Clone(t.Nets)
	for i, n := range nets {
		nets[i] = plainNet(n)
	}
	return IP{t.Field, nets}
}

// plainNet masks a network and writes IPv4 in IPv6 as IPv4.
func plainNet(n netip.Prefix) netip.Prefix {
	ip, bits := n.Addr().WithZone(""), n.Bits()
	if ip.Is4In6() && bits >= 96 {
		ip, bits = ip.Unmap(), bits-96
	}
	return netip.PrefixFrom(ip, bits).Masked()
}

// plainSlashes writes the needless escape \/ of a pattern as /, since the language escapes slashes itself.
func plainSlashes(pattern string) string {
	if !strings.Contains(pattern, `\/`) {
		return pattern
	}
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		if pattern[i] == '\\' && i+1 < len(pattern) {
			if pattern[i+1] != '/' {
				b.WriteByte('\\')
			}
			i++
		}
		b.WriteByte(pattern[i])
	}
	return b.String()
}
