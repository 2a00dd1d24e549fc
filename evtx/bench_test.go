//go:build unix

package evtx_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/evtx"
	"github.com/kizuki-security/kizuki/evtx/evtxtest"
)

// cpu gives the time that this process spent on all processors: others work on the machine as well.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// bench reads the log again and again. Only chunks in use count as bytes.
func bench(b *testing.B, log []byte, read func(*evtx.Record)) {
	b.Helper()
	for len(log) > evtxtest.ChunkSize && len(bytes.Trim(log[len(log)-evtxtest.ChunkSize:], "\x00")) == 0 {
		log = log[:len(log)-evtxtest.ChunkSize]
	}
	runtime.GC()
	b.ReportAllocs()
	before := cpu(b)
	records := 0
	for b.Loop() {
		out := readAll(b, bytes.NewReader(log), evtx.Options{}, read)
		if len(out.damage) > 0 || out.err != nil {
			b.Fatal(out.damage, out.err)
		}
		records += out.records
	}
	spent := (cpu(b) - before).Seconds()
	b.ReportMetric(float64(records)/spent, "records/cpu-s")
	b.ReportMetric(float64(len(log))*float64(b.N)/1e6/spent, "MB/cpu-s")
	b.ReportMetric(0, "ns/op")
}

func generated(b *testing.B) []byte {
	b.Helper()
	log, _ := dense(b, 64)
	return log
}

func sample(b *testing.B, name string) []byte {
	b.Helper()
	log, err := os.ReadFile(filepath.Join(testdata(b, "evtx-samples"), name))
	if err != nil {
		b.Fatal(err)
	}
	return log
}

func BenchmarkGenerated(b *testing.B) { bench(b, generated(b), nil) }

func BenchmarkSecurity(b *testing.B) { bench(b, sample(b, "smb-password-guessing-security.evtx"), nil) }

func BenchmarkApplication(b *testing.B) { bench(b, sample(b, "many-events-application.evtx"), nil) }

func BenchmarkPowerShell(b *testing.B) {
	bench(b, sample(b, "Powershell-Invoke-Obfuscation-many.evtx"), nil)
}

func BenchmarkJSON(b *testing.B) {
	var line []byte
	bench(b, generated(b), func(r *evtx.Record) {
		var err error
		if line, err = r.AppendJSON(line[:0]); err != nil {
			b.Fatal(err)
		}
	})
}
