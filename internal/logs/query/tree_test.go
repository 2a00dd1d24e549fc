package query_test

import (
	"errors"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

func TestNormalize(t *testing.T) {
	t.Parallel()
	a, b, c := query.Word{Text: "a"}, query.Word{Text: "b"}, query.Word{Text: "c"}
	for _, test := range []struct{ from, to query.Term }{
		{nil, query.All{}},
		{query.And{}, query.All{}},
		{query.Or{}, query.Nothing()},
		{query.AllOf(a, nil, query.AllOf(b, query.All{}), c), query.And{a, b, c}},
		{query.AnyOf(a, query.AnyOf(b, c)), query.Or{a, b, c}},
		{query.AllOf(a), a},
		{query.Except(query.Except(a)), a},
		{query.Except(query.AllOf()), query.Nothing()},
		{query.In{Field: "user", Values: []string{"x"}, Cased: true}, query.Equal{Field: "user", Value: "x", Cased: true}},
		{query.In{Field: "user"}, query.Nothing()},
		{query.Net("ip"), query.Nothing()},
		{query.Net("ip", netip.MustParsePrefix("::ffff:10.1.2.3/104")), query.IP{Field: "ip", Nets: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}},
		{query.Between(math.MinInt64, math.MaxInt64), query.All{}},
		{query.Between(5, 5), query.Nothing()},
		{query.Regex{Pattern: `a\/b\\/`}, query.Regex{Pattern: `a/b\\/`}},
	} {
		got := query.Normalize(test.from)
		if !reflect.DeepEqual(got, test.to) {
			t.Errorf("%#v became %#v, want %#v", test.from, got, test.to)
		}
		if again := query.Normalize(got); !reflect.DeepEqual(again, got) {
			t.Errorf("%#v became %#v the second time", got, again)
		}
	}
}

func TestCheckTrees(t *testing.T) {
	t.Parallel()
	deep := query.Term(query.Word{Text: "x"})
	for range 50 {
		deep = query.And{deep, query.Or{deep}}
		if len(query.String(deep)) > 1000 {
			break
		}
	}
	wide := query.In{Field: "user", Values: make([]string, 3000)}
	for want, q := range map[query.Reason]query.Query{
		query.EmptyText:   {Where: query.Substring{}},
		query.BadRegex:    {Where: query.Match{Field: "user", Pattern: "("}},
		query.BadIP:       {Where: query.IP{Field: "ip", Nets: []netip.Prefix{{}}}},
		query.BadNumber:   {Where: query.Number{Field: "n", Op: ">", Value: math.MaxInt64}},
		query.Unexpected:  {Where: query.Number{Field: "n", Op: "=", Value: 1}},
		query.BadField:    {Where: query.Not{Term: query.Exists{}}},
		query.BadTime:     {Where: query.Time{From: math.MinInt64 + 1, To: 0}},
		query.TooDeep:     {Where: nested(40)},
		query.BadDuration: {Verb: query.Histogram{Every: time.Nanosecond}},
		query.TooManyRows: {Verb: query.Top{By: "user"}},
		query.TooMany:     {Where: query.And{wide, query.Exists{Field: "x"}}},
	} {
		err := query.Check(q, query.Limits{})
		if e, ok := errors.AsType[*query.Error](err); !ok || e.Reason != want || e.At != -1 {
			t.Errorf("%s: %v", want, err)
		}
	}
	if err := query.Check(query.Query{Where: deep}, query.Limits{}); err != nil {
		t.Errorf("a tree within limits: %v", err)
	}
}

func nested(n int) query.Term {
	t := query.Term(query.Word{Text: "x"})
	for i := range n {
		if i%2 == 0 {
			t = query.And{t, query.Word{Text: "y"}}
		} else {
			t = query.Or{t, query.Word{Text: "y"}}
		}
	}
	return t
}

func TestIndexWords(t *testing.T) {
	t.Parallel()
	r := event.Record{
		Raw: []byte("Login 失敗"), Host: "ＷＥＢ1.Example", User: strings.Repeat("u", 100), SrcIP: "::ffff:10.1.2.3", DstIP: "fe80::1%eth0",
		EventID: "4625", App: "not indexed",
	}
	var got []string
	query.IndexWords(&r, func(w string) { got = append(got, w) })
	want := []string{"login", "失敗", "web1.example", strings.Repeat("u", 64), "::ffff:10.1.2.3", "10.1.2.3", "fe80::1%eth0", "fe80::1", "4625"}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the index holds %q, want %q", got, want)
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"USER": "user", "User": "User", "commandline": "CommandLine", "Src_IP": "src_ip", "IP": "ip", "other.Key": "other.Key",
	} {
		if got := query.Canonical(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}
