package querytest

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// Decode reads one flat JSON object as fields, in order; what is none has none.
func Decode(format event.Format, raw []byte) []event.Field {
	if format != event.JSON {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	var fields []event.Field
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil
		}
		value, err := d.Token()
		if err != nil {
			return nil
		}
		fields = append(fields, event.Field{Name: fmt.Sprint(name), Value: fmt.Sprint(value)})
	}
	return fields
}

var (
	sources = []string{"fgt-01", "win.dc1", "linux_a", "proxy"}
	hosts   = []string{"", "DC1", "dc1", "web01.example.jp", "ＷＥＢ０１", "経理PC-3", "fgt"}
	users   = []string{"", "root", "Administrator", "ADMINISTRATOR", "tanaka", "田中", "ﾀﾅｶ", "タナカ", "SYSTEM"}
	actions = []string{"", "accept", "deny", "login", "Logon"}
	outcome = []string{"", "success", "failure"}
	ips     = []string{
		"", "10.1.2.3", "10.1.2.33", "192.168.0.7", "203.0.113.9", "2001:db8::1", "::ffff:10.1.2.3", "fe80::1%eth0", "not-an-ip",
	}
	verbs = []string{
		"Failed password for", "Accepted publickey for", "ログオンに失敗しました", "ﾛｸﾞｵﾝに失敗しました", "ログオフ", "access denied",
		"ACCESS DENIED", "Ａｃｃｅｓｓ　Ｄｅｎｉｅｄ", "session opened_by", "mimikatz sekurlsa::logonpasswords", "東京都港区", "京",
		"Straße ÉCOLE", "bytes \xff\xfe\xe3\x81 end", "nul\x00byte", "ガス漏れ ｶﾞｽ漏れ", "ſession \u212Aey",
	}
	images = []string{`C:\Windows\System32\cmd.exe`, `C:\Users\田中\a.EXE`, `c:\windows\system32\CMD.EXE`, ""}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// Corpus makes n records over about a week and some far times, a third of them JSON with native keys.
func Corpus(r *rand.Rand, n int) []event.Record {
	start := time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	seqs := map[string]uint64{}
	records := make([]event.Record, 0, n)
	for i := range n {
		rec := event.Record{
			Source: pick(r, sources), Host: pick(r, hosts), User: pick(r, users), Action: pick(r, actions),
			Outcome: pick(r, outcome), SrcIP: pick(r, ips), DstIP: pick(r, ips), SrcPort: uint16(r.IntN(5) * 1000),
			DstPort: pick(r, []uint16{0, 22, 443, 3389}), Severity: uint8(r.IntN(7)), App: pick(r, []string{"", "sshd", "Security"}),
			EventID: pick(r, []string{"", "4624", "4625", "1102"}), Format: event.Raw,
		}
		seqs[rec.Source]++
		rec.Seq = seqs[rec.Source]
		// Few different times, so that equal ones are met; not in order.
		at := start.Add(time.Duration(i)*7*24*time.Hour/time.Duration(n) + time.Duration(r.IntN(3600))*time.Second).Truncate(20 * time.Second)
		rec.Time, rec.Received = at, at.Add(time.Second)
		switch r.IntN(50) {
		case 0:
			rec.Time = time.Time{}
		case 1:
			rec.Time = time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC)
		case 2:
			rec.Time = time.Date(2106, 2, 7, 6, 28, 15, 1000, time.UTC)
		}
		rec.Raw = fmt.Appendf(nil, "%s %s src=%s:%d %s%d", pick(r, verbs), pick(r, users), rec.SrcIP, rec.SrcPort, pick(r, verbs), r.IntN(40))
		switch r.IntN(9) {
		case 0, 1, 2:
			rec.Format, rec.Raw = event.JSON, jsonLine(r, &rec)
			rec.Fields = Decode(rec.Format, rec.Raw)
		case 3:
			rec.Raw = nil
		}
		records = append(records, rec)
	}
	return records
}

func jsonLine(r *rand.Rand, rec *event.Record) []byte {
	var b strings.Builder
	field := func(name, value string) {
		quoted, err := json.Marshal(value)
		if err != nil {
			panic(err)
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", name, quoted)
	}
	field("Image", pick(r, images))
	field("CommandLine", "cmd /c "+strings.ToValidUTF8(pick(r, verbs), "?"))
	if r.IntN(2) == 0 {
		field("LogonType", strconv.Itoa(r.IntN(12)))
		field("extra.key", pick(r, users))
	}
	field("n", strconv.Itoa(r.IntN(300)-100))
	if r.IntN(4) == 0 {
		field("extra.key", "second "+rec.User)
		field("message", strings.ToValidUTF8(pick(r, verbs), "?"))
	}
	if r.IntN(20) == 0 {
		return []byte("{" + b.String()) // cut short
	}
	return []byte("{" + b.String() + "}")
}

// Generator makes queries at random that look for what is in its records.
type Generator struct {
	Rand    *rand.Rand
	Records []event.Record
}

// Query makes a query.
func (g *Generator) Query() query.Query { return query.Query{Where: g.Term(3), Verb: g.Verb()} }

// Verb makes a verb, or nil.
func (g *Generator) Verb() query.Verb {
	r := g.Rand
	every := pick(r, []time.Duration{time.Minute, time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 90 * time.Second})
	switch r.IntN(9) {
	case 0:
		return query.Count{}
	case 1:
		return query.Histogram{Every: every}
	case 2:
		return query.Histogram{Every: every, By: g.field()}
	case 3:
		return query.Top{N: 1 + r.IntN(5), By: g.field()}
	case 4:
		return query.Top{N: 1 + r.IntN(5), By: g.field(), Per: every}
	case 5:
		return query.Distinct{By: g.field()}
	case 6:
		return query.Newest{N: 1 + r.IntN(30), Fields: []string{"time", "seq", g.field(), "raw", "ip", "received"}}
	case 7:
		return query.Newest{N: 1 + r.IntN(300)}
	}
	return nil
}

func (g *Generator) field() string {
	return pick(g.Rand, []string{
		"source", "host", "user", "app", "action", "outcome", "src_ip", "dst_ip", "src_port", "dst_port", "severity", "event_id",
		"Image", "CommandLine", "LogonType", "extra.key", "n", "message", "missing key", "format",
	})
}

// Term makes a condition with lists in lists up to the depth.
func (g *Generator) Term(depth int) query.Term {
	r := g.Rand
	if depth > 0 {
		switch r.IntN(7) {
		case 0, 1:
			return query.And{g.Term(depth - 1), g.Term(depth - 1)}
		case 2:
			return query.Or{g.Term(depth - 1), g.Term(depth - 1), g.Term(depth - 1)}
		case 3:
			return query.Not{Term: g.Term(depth - 1)}
		}
	}
	cased := r.IntN(4) == 0
	rec := &g.Records[r.IntN(len(g.Records))]
	switch r.IntN(14) {
	case 0:
		return g.time(rec)
	case 1, 2:
		return query.Word{Text: g.word(string(rec.Raw)), Prefix: r.IntN(3) == 0, Cased: cased}
	case 3, 4:
		return query.Substring{Text: g.slice(string(rec.Raw)), Cased: cased}
	case 5:
		return query.Regex{Pattern: g.pattern(string(rec.Raw)), Cased: cased}
	case 6:
		return query.IP{Field: pick(r, []string{"src_ip", "dst_ip", "ip", "user"}), Nets: g.nets()}
	case 7:
		ops := []query.Op{query.Less, query.LessEqual, query.Greater, query.GreaterEqual}
		return query.Number{Field: pick(r, []string{"dst_port", "severity", "n", "LogonType", "event_id"}), Op: pick(r, ops), Value: int64(r.IntN(200) - 20)}
	case 8:
		return query.All{}
	}
	return g.fieldTerm(rec, cased)
}

func (g *Generator) fieldTerm(rec *event.Record, cased bool) query.Term {
	r := g.Rand
	name := g.field()
	if r.IntN(6) == 0 {
		name = query.AnyIP
	}
	value := query.ColumnText(rec, name)
	if r.IntN(3) == 0 {
		value = mutate(r, value)
	}
	switch r.IntN(6) {
	case 0:
		return query.Exists{Field: name}
	case 1:
		return query.In{Field: name, Values: []string{value, pick(r, users), pick(r, ips)}, Cased: cased}
	case 2:
		return query.Prefix{Field: name, Value: g.slice(value), Cased: cased}
	case 3:
		return query.Contains{Field: name, Value: g.slice(value), Cased: cased}
	case 4:
		return query.Match{Field: name, Pattern: g.pattern(value), Cased: cased}
	}
	return query.Equal{Field: name, Value: value, Cased: cased}
}

func (g *Generator) time(rec *event.Record) query.Term {
	r := g.Rand
	t := query.Time{From: Time(rec), To: Time(rec) + int64(r.IntN(3*24*3600))*1_000_000}
	switch r.IntN(4) {
	case 0:
		t.From = math.MinInt64
	case 1:
		t.To = math.MaxInt64
	}
	return t
}

func (g *Generator) nets() []netip.Prefix {
	return [][]netip.Prefix{
		{netip.MustParsePrefix("10.1.2.3/32")},
		{netip.MustParsePrefix("10.1.2.0/24")},
		{netip.MustParsePrefix("2001:db8::/32")},
		{netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("192.168.0.0/16")},
		{netip.MustParsePrefix("fe80::1/128")},
	}[g.Rand.IntN(5)]
}

// slice takes a piece of a text, sometimes in another spelling.
func (g *Generator) slice(s string) string {
	r := g.Rand
	if s == "" {
		return pick(r, []string{"x", "ア", "京", "10."})
	}
	from := r.IntN(len(s))
	to := min(from+1+r.IntN(12), len(s))
	if r.IntN(8) > 0 { // mostly whole characters
		for from > 0 && !utf8.RuneStart(s[from]) {
			from--
		}
		for to < len(s) && !utf8.RuneStart(s[to]) {
			to++
		}
	}
	s = s[from:to]
	if r.IntN(3) == 0 {
		s = mutate(r, s)
	}
	return s
}

// word takes whole words of a text.
func (g *Generator) word(s string) string {
	words := strings.FieldsFunc(s, func(c rune) bool { return strings.ContainsRune(" \x00=", c) })
	if len(words) == 0 {
		return "none"
	}
	from := g.Rand.IntN(len(words))
	w := strings.Join(words[from:min(from+1+g.Rand.IntN(2), len(words))], " ")
	if g.Rand.IntN(3) == 0 {
		w = mutate(g.Rand, w)
	}
	if g.Rand.IntN(6) == 0 {
		w = g.slice(w)
	}
	return w
}

// mutate spells a text in another case or width.
func mutate(r *rand.Rand, s string) string {
	switch r.IntN(3) {
	case 0:
		return strings.ToUpper(s)
	case 1:
		return query.Fold(s)
	}
	return strings.Map(func(c rune) rune {
		if c > ' ' && c < 0x7F {
			return c + 0xFEE0
		}
		return c
	}, s)
}

func (g *Generator) pattern(s string) string {
	piece := regexp.QuoteMeta(strings.ToValidUTF8(g.slice(s), "?"))
	switch g.Rand.IntN(5) {
	case 0:
		return "^" + piece
	case 1:
		return piece + ".*" + regexp.QuoteMeta(strings.ToValidUTF8(g.slice(s), "?"))
	case 2:
		return "(?:" + piece + `|\d{3,})$`
	case 3:
		return `[a-zア-ン]+` + piece
	}
	return piece
}
