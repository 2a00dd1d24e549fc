package scan_test

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/evtx/evtxtest"
	"github.com/kizuki-security/kizuki/internal/logs/scan"
)

// BenchmarkHits scans an event log of which every third record is found, and writes each hit as a line.
func BenchmarkHits(b *testing.B) {
	var log bytes.Buffer
	n, err := evtxtest.Dense(&log, 160, time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC))
	if err != nil {
		b.Fatal(err)
	}
	files, _ := scan.Find([]string{write(b, filepath.Join(b.TempDir(), "a.evtx"), log.Bytes())}, nil)
	rules := load(b, `title: Logon
id: 11111111-2222-4333-8444-555555555555
logsource: {product: windows, service: security}
detection: {s: {EventID: 4624}, condition: s}
`)
	b.ReportAllocs()
	hits := 0
	var line []byte
	for b.Loop() {
		_, err := scan.Scan(b.Context(), files, rules, scan.Options{Hit: func(h *scan.Hit) error {
			hits++
			line = h.AppendJSON(line[:0])
			return nil
		}})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(hits)/b.Elapsed().Seconds(), "hits/s")
}
