package querytest

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// Naive answers a query by looking at every record. It sets what the search sets but the stats; Count is exact.
func Naive(records []event.Record, q query.Query, o query.Options) *query.Result {
	n := naive{o}
	var found []*event.Record
	for i := range records {
		if q.Where == nil || n.holds(&records[i], q.Where) {
			found = append(found, &records[i])
		}
	}
	result := &query.Result{Count: int64(len(found))}
	switch v := q.Verb.(type) {
	case query.Count:
	case query.Histogram:
		result.Groups = n.groups(found, v.By, v.Every, true, result)
		result.Values = 0
	case query.Top:
		result.Groups = n.top(n.groups(found, v.By, v.Per, false, result), v.N)
	case query.Distinct:
		result.Groups = n.groups(found, v.By, 0, false, result)
	case query.Newest:
		n.newest(found, v, result)
	default:
		n.newest(found, query.Newest{}, result)
	}
	return result
}

type naive struct{ query.Options }

func (n naive) holds(r *event.Record, t query.Term) bool {
	switch t := t.(type) {
	case query.All:
		return true
	case query.And:
		return !slices.ContainsFunc(t, func(sub query.Term) bool { return !n.holds(r, sub) })
	case query.Or:
		return slices.ContainsFunc(t, func(sub query.Term) bool { return n.holds(r, sub) })
	case query.Not:
		return !n.holds(r, t.Term)
	case query.Time:
		return Time(r) >= t.From && Time(r) < t.To
	case query.Word:
		return hasWord(folded(string(r.Raw), t.Cased), folded(t.Text, t.Cased), t.Prefix)
	case query.Substring:
		return strings.Contains(folded(string(r.Raw), t.Cased), folded(t.Text, t.Cased))
	case query.Regex:
		return matches(string(r.Raw), t.Pattern, t.Cased)
	}
	return n.fieldHolds(r, t)
}

func folded(s string, cased bool) string {
	if cased {
		return s
	}
	return query.Fold(s)
}

func matches(s, pattern string, cased bool) bool {
	if !cased {
		s = query.Fold(s)
	}
	return compiled(pattern, cased).MatchString(s)
}

var notASCII, wholeNumber = regexp.MustCompile(`[^\x00-\x7f]+`), regexp.MustCompile(`^-?[0-9]{1,18}$`)

// known keeps compiled patterns.
var known sync.Map

func compiled(pattern string, cased bool) *regexp.Regexp {
	key := fmt.Sprint(cased, pattern)
	if re, ok := known.Load(key); ok {
		return re.(*regexp.Regexp)
	}
	if !cased {
		pattern = "(?i)" + notASCII.ReplaceAllStringFunc(pattern, func(p string) string {
			return regexp.QuoteMeta(query.Fold(p))
		})
	}
	re := regexp.MustCompile(pattern)
	known.Store(key, re)
	return re
}

func (n naive) fieldHolds(r *event.Record, t query.Term) bool {
	switch t := t.(type) {
	case query.Equal:
		return n.any(r, t.Field, func(v string) bool { return folded(v, t.Cased) == folded(t.Value, t.Cased) })
	case query.In:
		return n.any(r, t.Field, func(v string) bool {
			return slices.ContainsFunc(t.Values, func(w string) bool { return folded(v, t.Cased) == folded(w, t.Cased) })
		})
	case query.Prefix:
		return n.any(r, t.Field, func(v string) bool {
			return strings.HasPrefix(folded(v, t.Cased), folded(t.Value, t.Cased))
		})
	case query.Contains:
		return n.any(r, t.Field, func(v string) bool {
			return strings.Contains(folded(v, t.Cased), folded(t.Value, t.Cased))
		})
	case query.Match:
		return n.any(r, t.Field, func(v string) bool { return matches(v, t.Pattern, t.Cased) })
	case query.Exists:
		return n.any(r, t.Field, func(v string) bool { return v != "" })
	case query.Number:
		return n.any(r, t.Field, func(v string) bool { return number(v, t) })
	case query.IP:
		return n.any(r, t.Field, func(v string) bool { return inNet(v, t.Nets) })
	}
	panic(fmt.Sprintf("term %T", t))
}

func number(v string, t query.Number) bool {
	if !wholeNumber.MatchString(v) {
		return false
	}
	var n int64
	for _, c := range strings.TrimPrefix(v, "-") {
		n = n*10 + int64(c-'0')
	}
	if v[0] == '-' {
		n = -n
	}
	return map[query.Op]bool{
		query.Less: n < t.Value, query.LessEqual: n <= t.Value, query.Greater: n > t.Value, query.GreaterEqual: n >= t.Value,
	}[t.Op]
}

func inNet(v string, nets []netip.Prefix) bool {
	ip, err := netip.ParseAddr(v)
	if err != nil {
		return false
	}
	for _, n := range nets {
		if n.Contains(ip.Unmap().WithZone("")) {
			return true
		}
	}
	return false
}

// any asks a field; the name ip asks two.
func (n naive) any(r *event.Record, name string, holds func(string) bool) bool {
	if name == query.AnyIP {
		return holds(r.SrcIP) || holds(r.DstIP)
	}
	return holds(n.value(r, name))
}

func (n naive) value(r *event.Record, name string) string {
	number := func(v any) string {
		if s := fmt.Sprint(v); s != "0" {
			return s
		}
		return ""
	}
	common := map[string]string{
		"source": r.Source, "format": string(r.Format), "host": r.Host, "user": r.User, "app": r.App, "action": r.Action,
		"outcome": r.Outcome, "src_ip": r.SrcIP, "dst_ip": r.DstIP, "src_port": number(r.SrcPort),
		"dst_port": number(r.DstPort), "severity": number(r.Severity), "event_id": r.EventID,
	}
	if v, ok := common[name]; ok {
		return v
	}
	fields := r.Fields
	if !slices.Contains(event.Promoted, name) {
		fields = nil
		if n.Decode != nil && r.Format != event.Raw {
			fields = n.Decode(r.Format, r.Raw)
		}
	}
	for _, f := range fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// hasWord goes over characters; bytes that are no UTF-8 are characters of their own.
func hasWord(line, word string, prefix bool) bool {
	letterAt := func(s string, last bool) bool {
		r, n := utf8.DecodeRuneInString(s)
		if last {
			r, n = utf8.DecodeLastRuneInString(s)
		}
		if n == 0 || r == utf8.RuneError && n == 1 {
			return false
		}
		r, _ = utf8.DecodeRuneInString(query.Fold(string(r)))
		if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) || r == 'ー' {
			return false
		}
		return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
	}
	for i := 0; i+len(word) <= len(line); i++ {
		if !strings.HasPrefix(line[i:], word) {
			continue
		}
		before, after := line[:i], line[i+len(word):]
		if letterAt(word, false) && letterAt(before, true) || !prefix && letterAt(word, true) && letterAt(after, false) {
			continue
		}
		return true
	}
	return false
}

// groups counts by bucket and value, in the order of both.
func (n naive) groups(found []*event.Record, by string, every time.Duration, empty bool, r *query.Result) []query.Group {
	counts := map[query.Group]int64{}
	values := map[string]bool{}
	for _, rec := range found {
		var k query.Group
		if by != "" {
			k.Value = n.value(rec, by)
		}
		if k.Value == "" && !empty {
			r.Without++
			continue
		}
		if every > 0 {
			width, shift := every.Microseconds(), n.Offset.Microseconds()
			whole := (Time(rec) + shift) / width
			for whole*width > Time(rec)+shift {
				whole--
			}
			k.Start = whole*width - shift
		}
		counts[k]++
		values[k.Value] = true
	}
	list := make([]query.Group, 0, len(counts))
	for k, c := range counts {
		k.Count = c
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b query.Group) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), strings.Compare(a.Value, b.Value))
	})
	r.Values = len(values)
	return list
}

func (naive) top(list []query.Group, n int) []query.Group {
	perBucket := map[int64][]query.Group{}
	for _, g := range list {
		perBucket[g.Start] = append(perBucket[g.Start], g)
	}
	top := []query.Group{}
	for _, g := range list {
		bucket := perBucket[g.Start]
		if bucket == nil {
			continue
		}
		perBucket[g.Start] = nil
		slices.SortFunc(bucket, func(a, b query.Group) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Value, b.Value))
		})
		top = append(top, bucket[:min(n, len(bucket))]...)
	}
	return top
}

func (n naive) newest(found []*event.Record, v query.Newest, result *query.Result) {
	slices.SortFunc(found, func(a, b *event.Record) int {
		return cmp.Or(cmp.Compare(Time(b), Time(a)), strings.Compare(a.Source, b.Source), cmp.Compare(b.Seq, a.Seq))
	})
	most := v.N
	if most == 0 {
		most = 100
	}
	found = found[:min(most, len(found))]
	if v.Fields != nil {
		result.Table = &query.Table{Columns: v.Fields, Rows: [][]string{}}
		for _, r := range found {
			var row []string
			for _, name := range v.Fields {
				row = append(row, n.cell(r, name))
			}
			result.Table.Rows = append(result.Table.Rows, row)
		}
		return
	}
	for _, r := range found {
		rec := *r
		rec.Time, rec.Received = time.UnixMicro(Time(r)).UTC(), r.Received.UTC()
		if rec.Fields = nil; n.Keys && n.Decode != nil && r.Format != event.Raw {
			rec.Fields = n.Decode(r.Format, r.Raw)
		}
		result.Records = append(result.Records, rec)
	}
}

func (n naive) cell(r *event.Record, name string) string {
	const layout = "2006-01-02T15:04:05.000000Z"
	switch name {
	case "time":
		return time.UnixMicro(Time(r)).UTC().Format(layout)
	case "received":
		return r.Received.UTC().Format(layout)
	case "seq":
		return strconv.FormatUint(r.Seq, 10)
	case "raw":
		return string(r.Raw)
	case "ip":
		return strings.TrimSpace(r.SrcIP + " " + r.DstIP)
	}
	return n.value(r, name)
}
