package logsql_test

import (
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/language"
	"github.com/kizuki-security/kizuki/internal/logs/query/logsql"
	"github.com/kizuki-security/kizuki/internal/logs/query/querytest"
)

func TestFilter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                             `*`,
		"cased:~x.y":                   `_msg:~"x\\.y"`,
		"cased:/x.y$/":                 `_msg:~"(?:x.y$)"`,
		"~1":                           `_msg:~"[1１]"`,
		"cased:user=Bob":               `"user":="Bob"`,
		`user=""`:                      `"user":""`,
		"user=*":                       `"user":*`,
		"not user=*":                   `!("user":*)`,
		"cased:user=Bob* or host=*":    `("user":~"^(?:Bob)" or "host":*)`,
		"dst_port>=1024 severity<high": `("dst_port":>=1024 "severity":<4)`,
		"time in 2026-11-23":           `_time:[2026-11-23T00:00:00.000000Z, 2026-11-24T00:00:00.000000Z)`,
		"time>=1601-01-01":             `_time:[1677-09-21T01:12:43.145224Z, 2262-04-11T22:47:16.854775Z)`,
		"src_ip=10.1.0.0/16":           `"src_ip":(ipv4_range("10.1.0.0/16") or ~"^::ffff:10\\.1\\.[0-9]+\\.[0-9]+(?:%.*)?$")`,
		"dst_ip=2001:db8::1":           `"dst_ip":(~"^2001:db8::1(?:%.*)?$")`,
		"cased:user in (a, b)":         `"user":~"^(?:a|b)$"`,
		"cased:~- cased:Image~x":       `((_msg:~"-" !raw_b64:=":") "Image":~"x")`,
		"cased:/^$/":                   `(_msg:~"(?:^$)" or raw_b64:=":")`,
		`cased:"weird key"~x`:          `"weird key":~"x"`,
		"/^[0-9]+x?.*1/":               `_msg:~"(?:\\A(?:(?:[0０]|[1１]|[2２]|[3３]|[4４]|[5５]|[6６]|[7７]|[8８]|[9９]))+(?:(?:[xXＸｘ]))?.*(?:[1１]))"`,
		"cased:src_ip in text(a, bc)":  `"src_ip":~"^(?:a|bc)$"`,
		"ip=* ":                        `("src_ip":* or "dst_ip":*)`,
	} {
		q, err := language.Parse(text, language.Options{})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got, err := logsql.Filter(q.Where); err != nil || got != want {
			t.Errorf("%s became\n%s, %v, want\n%s", text, got, err, want)
		}
	}
}

func TestVerbs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"*":                        `* | sort by (_time desc, source, seq desc) limit 100`,
		"* | newest 5":             `* | sort by (_time desc, source, seq desc) limit 5`,
		"* | count":                `* | stats count() "count"`,
		"* | histogram 1h":         `* | stats by (_time:3600000000000ns offset 32400000000000ns) count() "count"`,
		"* | top 3 by user per 1m": `* "user":* | stats by (_time:60000000000ns offset 32400000000000ns, "user") count() "count" | rename "user" as "value"`,
		"* | distinct CommandLine": `* "CommandLine":* | stats by ("CommandLine") count() "count" | rename "CommandLine" as "value"`,
	} {
		q, err := language.Parse(text, language.Options{})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got, err := logsql.Query(q, 9*time.Hour); err != nil || got != want {
			t.Errorf("%s became\n%s, %v, want\n%s", text, got, err, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]logsql.Reason{
		"~\"\u3099x\"":         logsql.VoiceMark,
		`~"\xff"`:              logsql.Bytes,
		`cased:~"\xff"`:        logsql.Bytes,
		"/a.c/":                logsql.Regex,
		`/\bx/`:                logsql.Regex,
		"/[^x]/":               logsql.Regex,
		"/カ.*x/":               logsql.Regex,
		"/(?i)x/":              logsql.Regex,
		"n>5":                  logsql.NativeNum,
		"X in net(10.0.0.0/8)": logsql.NativeIP,
		"src_ip=2001:db8::/32": logsql.IPv6Net,
		"not (a or time_us=1)": logsql.Key,
		"_msg=x":               logsql.Key,
		"* | distinct raw_b64": logsql.Key,
	} {
		q, err := language.Parse(text, language.Options{})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got, err := logsql.Query(q, 0); !logsql.Is(err, want) {
			t.Errorf("%s became %s, %v, want %s", text, got, err, want)
		}
	}
}

// What stands in the expressions decides over raw lines as we do: the part of the translation that can be run here.
func TestExpressionsFindTheSameLines(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 5))
	records := querytest.Corpus(r, 200)
	g := querytest.Generator{Rand: r, Records: records}
	translated, found := 0, 0
	for range 600 {
		term := g.Term(0)
		switch term.(type) {
		case query.Word, query.Substring, query.Regex:
		default:
			continue
		}
		s, err := logsql.Filter(term)
		if err != nil {
			continue
		}
		translated++
		quoted, ok := strings.CutPrefix(s, "_msg:~")
		if !ok {
			continue
		}
		re := regexp.MustCompile(unquote(t, quoted))
		for i := range records {
			raw := strings.ToValidUTF8(string(records[i].Raw), "\uFFFD")
			want := querytest.Naive(records[i:i+1], query.Query{Where: term, Verb: query.Count{}}, query.Options{}).Count == 1
			if want != re.MatchString(raw) {
				t.Fatalf("%s became %s: in %q %t, want %t", query.String(term), s, raw, !want, want)
			}
			if want {
				found++
			}
		}
	}
	if translated < 120 || found < 1000 {
		t.Errorf("%d terms were translated and found %d lines", translated, found)
	}
}

func unquote(t *testing.T, s string) string {
	t.Helper()
	u, err := strconv.Unquote(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return u
}
