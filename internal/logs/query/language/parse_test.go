package language_test

import (
	"errors"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/language"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func options() language.Options {
	return language.Options{Now: now, Zone: time.FixedZone("JST", 9*3600)}
}

func us(s string) int64 {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t.UnixMicro()
}

func TestParse(t *testing.T) {
	t.Parallel()
	net := netip.MustParsePrefix
	day := query.Time{From: us("2026-11-22T15:00:00Z"), To: us("2026-11-23T15:00:00Z")}
	for text, want := range map[string]query.Term{
		"":                         query.All{},
		" * ":                      query.All{},
		"error":                    query.Word{Text: "error"},
		"err*":                     query.Word{Text: "err", Prefix: true},
		`"access denied"*`:         query.Word{Text: "access denied", Prefix: true},
		"a b":                      query.And{query.Word{Text: "a"}, query.Word{Text: "b"}},
		"a　AND　b":                  query.And{query.Word{Text: "a"}, query.Word{Text: "b"}},
		"a or b c":                 query.Or{query.Word{Text: "a"}, query.And{query.Word{Text: "b"}, query.Word{Text: "c"}}},
		"(a or b) c":               query.And{query.Or{query.Word{Text: "a"}, query.Word{Text: "b"}}, query.Word{Text: "c"}},
		"（a or b） c":               query.And{query.Or{query.Word{Text: "a"}, query.Word{Text: "b"}}, query.Word{Text: "c"}},
		"not not a":                query.Word{Text: "a"},
		"!a":                       query.Not{Term: query.Word{Text: "a"}},
		"~katz":                    query.Substring{Text: "katz"},
		`cased:~"a\"\\\n\xff"`:     query.Substring{Text: "a\"\\\n\xff", Cased: true},
		`/a\/b\d/`:                 query.Regex{Pattern: `a/b\d`},
		"cased:/x/":                query.Regex{Pattern: "x", Cased: true},
		"cased:User=Bob":           query.Equal{Field: "User", Value: "Bob", Cased: true},
		"USER=Bob":                 query.Equal{Field: "user", Value: "Bob"},
		"commandline ~ x":          query.And{query.Word{Text: "commandline"}, query.Substring{Text: "x"}},
		"commandline~x":            query.Contains{Field: "CommandLine", Value: "x"},
		"x!~y":                     query.Not{Term: query.Contains{Field: "x", Value: "y"}},
		"user = bob":               query.Equal{Field: "user", Value: "bob"},
		"user＝bob":                 query.Equal{Field: "user", Value: "bob"},
		"user!=bob":                query.Not{Term: query.Equal{Field: "user", Value: "bob"}},
		`user=""`:                  query.Equal{Field: "user"},
		"user=bo*":                 query.Prefix{Field: "user", Value: "bo"},
		"user=*":                   query.Exists{Field: "user"},
		"user=/^b/":                query.Match{Field: "user", Pattern: "^b"},
		`Image=C:\Windows\cmd.exe`: query.Equal{Field: "Image", Value: `C:\Windows\cmd.exe`},
		"user in (a, \"b c\")":     query.In{Field: "user", Values: []string{"a", "b c"}},
		"user in (a)":              query.Equal{Field: "user", Value: "a"},
		"src_ip=10.0.0.1":          query.IP{Field: "src_ip", Nets: []netip.Prefix{net("10.0.0.1/32")}},
		"ip=10.1.2.3/8":            query.IP{Field: "ip", Nets: []netip.Prefix{net("10.0.0.0/8")}},
		"ip in (10.0.0.1, ::1)":    query.IP{Field: "ip", Nets: []netip.Prefix{net("10.0.0.1/32"), net("::1/128")}},
		"src_ip==10.0.0.1":         query.Equal{Field: "src_ip", Value: "10.0.0.1"},
		"src_ip=10.1.*":            query.Prefix{Field: "src_ip", Value: "10.1."},
		"X in net(10.0.0.0/8)":     query.IP{Field: "X", Nets: []netip.Prefix{net("10.0.0.0/8")}},
		"dst_port>=1024":           query.Number{Field: "dst_port", Op: ">=", Value: 1024},
		"severity > medium":        query.Number{Field: "severity", Op: ">", Value: 3},
		"severity=high":            query.Equal{Field: "severity", Value: "4"},
		"x<-5":                     query.Number{Field: "x", Op: "<", Value: -5},
		"time in 2026-11-23":       day,
		"time>=2026-11-23":         query.Time{From: day.From, To: math.MaxInt64},
		"time>2026-11-23":          query.Time{From: day.To, To: math.MaxInt64},
		"time<=2026-11-23":         query.Time{From: math.MinInt64, To: day.To},
		"time<2026-11-23T00:00":    query.Time{From: math.MinInt64, To: day.From},
		"time in 2026-11-23T00:00..2026-11-23T14:59:59.999999Z": day,
		"last 15m":    query.Time{From: now.Add(-15 * time.Minute).UnixMicro(), To: math.MaxInt64},
		`"time"=5`:    query.Equal{Field: "time", Value: "5"},
		`"a b"=5`:     query.Equal{Field: "a b", Value: "5"},
		"fe80::1":     query.Word{Text: "fe80::1"},
		"10.1.2.3":    query.Word{Text: "10.1.2.3"},
		"http://a.b/": query.Word{Text: "http://a.b/"},
	} {
		q, err := language.Parse(text, options())
		if err != nil || !reflect.DeepEqual(q.Where, want) {
			t.Errorf("Parse(%q) = %#v, %v, want %#v", text, q.Where, err, want)
			continue
		}
		again, err := language.Parse(query.String(q.Where), options())
		if err != nil || !reflect.DeepEqual(again.Where, want) {
			t.Errorf("%q became %q, which reads as %#v, %v", text, query.String(q.Where), again.Where, err)
		}
	}
}

func TestParseVerbs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]query.Verb{
		"a":                                     nil,
		"a | newest":                            query.Newest{},
		"| newest 5":                            query.Newest{N: 5},
		"* | newest 5 | fields time, host, raw": query.Newest{N: 5, Fields: []string{"time", "host", "raw"}},
		"* | fields USER, \"a b\"":              query.Newest{Fields: []string{"user", "a b"}},
		"* | count":                             query.Count{},
		"* ｜ histogram 1h":                      query.Histogram{Every: time.Hour},
		"* | histogram 90s by severity":         query.Histogram{Every: 90 * time.Second, By: "severity"},
		"* | top 20 by src_ip per 1h":           query.Top{N: 20, By: "src_ip", Per: time.Hour},
		"* | distinct commandline":              query.Distinct{By: "CommandLine"},
	} {
		q, err := language.Parse(text, options())
		if err != nil || !reflect.DeepEqual(q.Verb, want) {
			t.Errorf("Parse(%q) = %#v, %v, want %#v", text, q.Verb, err, want)
			continue
		}
		again, err := language.Parse(q.String(), options())
		if err != nil || !reflect.DeepEqual(again, q) {
			t.Errorf("%q became %q, which reads as %#v, %v", text, q.String(), again, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]query.Error{
		`a "b`:                          {Reason: query.UnclosedQuote, At: 2, Hint: `"`},
		`"a\q"`:                         {Reason: query.BadEscape, At: 2, Hint: `\\`},
		"a /b":                          {Reason: query.UnclosedRegex, At: 2, Hint: "/"},
		"/etc/passwd":                   {Reason: query.RegexFollowed, At: 0, Hint: `"/etc/…"`},
		"(a or":                         {Reason: query.UnexpectedEnd, At: 5},
		"(a":                            {Reason: query.UnclosedGroup, At: 0, Hint: ")"},
		"a)":                            {Reason: query.Unexpected, At: 1, Hint: "("},
		"user:bob":                      {Reason: query.ColonField, At: 0, Hint: "user=bob"},
		"-foo":                          {Reason: query.MinusWord, At: 0, Hint: "not foo"},
		"*katz":                         {Reason: query.StarPlace, At: 0, Hint: "~katz"},
		"mimi*katz":                     {Reason: query.StarPlace, At: 4, Hint: "/mimi.*…/"},
		"a and":                         {Reason: query.UnexpectedEnd, At: 5},
		"or a":                          {Reason: query.ReservedWord, At: 0, Hint: `"or"`},
		`""`:                            {Reason: query.EmptyText, At: 0},
		"a\xff":                         {Reason: query.NotUTF8, At: 1},
		"/(/":                           {Reason: query.BadRegex, At: 0},
		"/(a{1000}){1000}/":             {Reason: query.BadRegex, At: 0},
		"src_ip=bob":                    {Reason: query.BadIP, At: 7, Hint: "10.0.0.0/8"},
		"dst_port>high":                 {Reason: query.BadNumber, At: 9},
		"time>=yesterday":               {Reason: query.BadTime, At: 6, Hint: "2026-11-23T10:00"},
		"time in 2026-11-24..2026-1-23": {Reason: query.BadTime, At: 20, Hint: "2026-11-23T10:00"},
		"last week":                     {Reason: query.BadDuration, At: 5, Hint: "15m"},
		"user in bob":                   {Reason: query.Unexpected, At: 8, Hint: "("},
		"user in (a b)":                 {Reason: query.Unexpected, At: 11, Hint: ","},
		"user in (a":                    {Reason: query.UnclosedGroup, At: 8, Hint: ")"},
		"a | sort":                      {Reason: query.UnknownVerb, At: 4, Hint: "newest 100"},
		"a | histgram 1h":               {Reason: query.UnknownVerb, At: 4, Hint: "histogram 1h by severity"},
		"a | newest 99999":              {Reason: query.TooManyRows, At: 11, Hint: "10000"},
		"a | top 5 by ip":               {Reason: query.BadField, At: 13, Hint: "src_ip"},
		"a | count | count":             {Reason: query.Unexpected, At: 12},
		strings.Repeat("(", 100) + "a":  {Reason: query.TooDeep, At: 33},
		strings.Repeat("a ", 9000):      {Reason: query.TooLong, At: 16384},
		strings.Repeat("a ", 5000):      {Reason: query.TooMany, At: 4000},
		`ü user=*x`:                     {Reason: query.StarPlace, At: 8, Hint: "~x"},
	} {
		_, err := language.Parse(text, options())
		got, ok := errors.AsType[*query.Error](err)
		if !ok || got.Reason != want.Reason || got.At != want.At || got.Hint != want.Hint {
			t.Errorf("Parse(%.40q): %+v, want %s at %d, hint %q", text, err, want.Reason, want.At, want.Hint)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`a or "b c"* not (~x cased:user=Bob) | top 5 by "x y" per 3m`, "ip in (10.0.0.0/8, ::1) time in 2026-11-23",
		"X in net(::ffff:1.2.3.4/100) or src_ip in text(a)", `/a\/b/ severity>=high | fields time,"q"`,
		`severity="high" user=""*`, "last 2h （Ａ｜Ｂ）", "cased:cased:a", "a!~b|count",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := language.Parse(s, options())
		if err != nil {
			e, ok := errors.AsType[*query.Error](err)
			if !ok || e.Reason == "" || e.At > e.End || e.End > len(s) {
				t.Fatalf("Parse(%q): %#v", s, err)
			}
			return
		}
		again, err := language.Parse(q.String(), options())
		if e, ok := errors.AsType[*query.Error](err); ok && e.Reason == query.TooLong {
			return
		}
		if err != nil || !reflect.DeepEqual(again, q) {
			t.Fatalf("%q became %q, which reads as %#v, %v, not %#v", s, q.String(), again, err, q)
		}
	})
}
