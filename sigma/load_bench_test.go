package sigma_test

import (
	"path/filepath"
	"testing"

	"github.com/kizuki-security/kizuki/sigma"
)

// BenchmarkLoad reads, parses and compiles all rules; the files are in the memory of the system.
func BenchmarkLoad(b *testing.B) {
	dir := filepath.Join(testdata(b), "sigma-rules")
	start := cpuTime(b).Seconds()
	n := 0
	for b.Loop() {
		documents, _ := parseAll(b, ruleFiles(b, dir))
		rules, _ := sigma.Compile(documents, sigma.Options{})
		n += len(rules.Rules())
	}
	b.ReportMetric((cpuTime(b).Seconds()-start)/float64(b.N), "cpu-s/load")
	b.ReportMetric(float64(n)/float64(b.N), "rules")
}
