package search_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/querytest"
	"github.com/kizuki-security/kizuki/internal/logs/query/search"
)

// benchRows is a sixteenth of 4 million: figures are told for each million rows and each GB.
const benchRows = 1 << 18

// benchStore is a week of a firewall and a domain controller in blocks of 8,192 rows.
var benchStore = sync.OnceValues(func() (*querytest.Memory, int64) {
	r := rand.New(rand.NewPCG(20261123, 7))
	start := time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	var bytes int64
	records := make([]event.Record, 0, benchRows)
	for i := range benchRows {
		at := start.Add(time.Duration(i) * 7 * 24 * time.Hour / benchRows)
		rec := firewallLine(r, at)
		if i%3 == 0 {
			rec = windowsLine(r, at)
		}
		if i%50_000 == 7 {
			rec.Raw = append(rec.Raw, " sekurlsa::logonpasswords"...)
			rec.SrcIP = "198.51.100.77"
		}
		rec.Seq = uint64(i + 1)
		bytes += int64(len(rec.Raw))
		records = append(records, rec)
	}
	return querytest.NewMemory(records, 65_536, 8192), bytes
})

func firewallLine(r *rand.Rand, at time.Time) event.Record {
	src, dst := fmt.Sprintf("10.%d.%d.%d", r.IntN(4), r.IntN(30), r.IntN(250)), fmt.Sprintf("203.0.%d.%d", r.IntN(200), r.IntN(250))
	action := []string{"accept", "accept", "accept", "deny"}[r.IntN(4)]
	raw := fmt.Appendf(nil, `date=%s time=%s devname="FGT-PLANT-01" devid="FGT60FTK2009" eventtime=%d tz="+0900" logid="0000000013" `+
		`type="traffic" subtype="forward" level="notice" vd="root" srcip=%s srcport=%d srcintf="internal" dstip=%s dstport=443 dstintf="wan1" `+
		`policyid=%d sessionid=%d proto=6 action="%s" service="HTTPS" duration=%d sentbyte=%d rcvdbyte=%d app="Microsoft.Portal"`,
		at.Format("2006-01-02"), at.Format("15:04:05"), at.UnixNano(), src, 1024+r.IntN(60000), dst, r.IntN(40), r.IntN(1<<30), action,
		r.IntN(900), r.IntN(1<<20), r.IntN(1<<22))
	return event.Record{
		Source: "fgt", Time: at, Received: at, Format: event.Raw, Raw: raw, Host: "FGT-PLANT-01", Action: action, SrcIP: src, DstIP: dst,
		SrcPort: 443, DstPort: 443, Severity: 1,
	}
}

func windowsLine(r *rand.Rand, at time.Time) event.Record {
	user := fmt.Sprintf("user%03d", r.IntN(300))
	outcome := []string{"success", "success", "failure"}[r.IntN(3)]
	src := fmt.Sprintf("10.9.%d.%d", r.IntN(30), r.IntN(250))
	raw := fmt.Appendf(nil, `{"TimeCreated":"%s","EventID":4625,"Computer":"DC01.plant.example","Channel":"Security","TargetUserName":"%s",`+
		`"IpAddress":"%s","LogonType":"3","Message":"アカウントがログオンに失敗しました。","SubjectLogonId":"0x%x"}`, at.Format(time.RFC3339Nano), user, src, r.IntN(1<<30))
	return event.Record{
		Source: "win", Time: at, Received: at, Format: event.JSON, Raw: raw, Host: "DC01", User: user, Outcome: outcome, Action: "logon", SrcIP: src,
		Severity: uint8(1 + r.IntN(4)), EventID: "4625",
		Fields: []event.Field{{Name: "TargetUserName", Value: user}, {Name: "LogonType", Value: "3"}},
	}
}

func BenchmarkQueries(b *testing.B) {
	store, bytes := benchStore()
	last := time.Date(2026, 11, 22, 23, 45, 0, 0, time.UTC).UnixMicro()
	const forever = 1<<63 - 1
	for _, bench := range []struct {
		name string
		q    query.Query
	}{
		{"newest-15min", query.Query{Where: query.Time{From: last, To: forever}}},
		{"newest-host", query.Query{Where: query.Equal{Field: "host", Value: "dc01"}}},
		{"rare-word", query.Query{Where: query.Word{Text: "sekurlsa"}}},
		{"absent-word", query.Query{Where: query.Word{Text: "absent"}}},
		{"frequent-word", query.Query{Where: query.Word{Text: "deny"}, Verb: query.Count{}}},
		{"substring", query.Query{Where: query.Substring{Text: "lsa::logonpass"}}},
		{"substring-cased", query.Query{Where: query.Substring{Text: "lsa::logonpass", Cased: true}}},
		{"substring-japanese", query.Query{Where: query.Substring{Text: "ログオンに成功"}}},
		{"regex", query.Query{Where: query.Regex{Pattern: `lsa::\w+pass`}}},
		{"ip", query.Query{Where: query.IP{Field: "ip", Nets: []netip.Prefix{netip.MustParsePrefix("198.51.100.77/32")}}}},
		{"network", query.Query{Where: query.IP{Field: "ip", Nets: []netip.Prefix{netip.MustParsePrefix("198.51.0.0/16")}}}},
		{"top20-per-hour", query.Query{Where: query.Equal{Field: "outcome", Value: "failure"}, Verb: query.Top{N: 20, By: "src_ip", Per: time.Hour}}},
		{"histogram", query.Query{Verb: query.Histogram{Every: time.Hour, By: "severity"}}},
		{"histogram-alone", query.Query{Verb: query.Histogram{Every: time.Hour}}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			before := cpuTime(b)
			for b.Loop() {
				if _, err := search.Run(b.Context(), store, bench.q, query.Options{}); err != nil {
					b.Fatal(err)
				}
			}
			// Two cores share it; others may use the machine, so that the clock says little.
			perOp := float64((cpuTime(b) - before).Nanoseconds()) / float64(b.N) / 2
			b.ReportMetric(perOp*2e6/benchRows/1e6, "cpu/2-ms/2Mrows")
			b.ReportMetric(perOp/float64(bytes), "cpu/2-s/GB")
		})
	}
}
