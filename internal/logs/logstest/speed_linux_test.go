package logstest_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/logstest/corpus"
	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/language"
	"github.com/kizuki-security/kizuki/internal/logs/query/search"
)

// speedEvents is the size of the corpus that queries are timed on.
const speedEvents = 2_000_000

var speedCorpus = corpus.Config{Events: speedEvents}

// question is a query in both languages. The text for VictoriaLogs is what somebody who knows it would write, not the
// translation of package logsql, which keeps to our folding of case and width.
type question struct {
	name     string
	ours     string
	victoria string
	answer   [2]int // groups or rows that both must give, and what those count together
}

var questions = []question{
	{
		"newest-100-of-15min", `time>=2026-11-22T23:45:00Z | newest 100`,
		`_time:[2026-11-22T23:45:00Z, 2026-11-30] | sort by (_time desc) limit 100`,
		[2]int{100, 0},
	},
	{"newest-100-of-host", `host=gw-01 | newest 100`, `host:="gw-01" | sort by (_time desc) limit 100`, [2]int{100, 0}},
	{"rare-word", `sekurlsa | newest 1000`, `sekurlsa`, [2]int{11, 0}},
	{"absent-word", `nowhere | newest 1000`, `nowhere`, [2]int{0, 0}},
	{"rare-word-japanese", `不審な持ち出し | newest 1000`, `"不審な持ち出し"`, [2]int{53, 0}},
	{"frequent-word", `failed | count`, `i(failed) | stats count() "count"`, [2]int{1, -1}},
	{"one-ip", `ip=203.0.113.77 | newest 1000`, `src_ip:="203.0.113.77" or dst_ip:="203.0.113.77"`, [2]int{37, 0}},
	{"substring", `~lsa::logonpass | newest 1000`, `~"(?i)lsa::logonpass"`, [2]int{11, 0}},
	{"substring-cased", `cased:~lsa::logonpass | newest 1000`, `~"lsa::logonpass"`, [2]int{11, 0}},
	{
		"failed-logins-top20-per-hour", `action=logon outcome=failure | top 20 by src_ip per 1h`,
		`action:=logon outcome:=failure src_ip:* | stats by (_time:1h, src_ip) count() "count" | sort by ("count" desc) limit 20 partition by (_time)`,
		[2]int{-1, -1},
	},
	{"histogram-severity-hour", `* | histogram 1h by severity`, `* | stats by (_time:1h, severity) count() "count"`, [2]int{-1, speedEvents}},
}

// speedBatches gives the corpus as it is taken in: what comes together has one time of receipt.
func speedBatches(give func(batch []event.Record)) {
	for batch := range corpus.Batches(speedCorpus, 4096) {
		for i := range batch {
			batch[i].Received = batch[len(batch)-1].Received
		}
		give(batch)
	}
}

// speedFolder is where the lakes are built: KIZUKI_BENCHDATA, where they are kept for the next run, or a folder that goes.
func speedFolder(b *testing.B) string {
	b.Helper()
	if dir := os.Getenv("KIZUKI_BENCHDATA"); dir != "" {
		return dir
	}
	return b.TempDir()
}

// made lets make fill a folder unless it was filled before.
func made(b *testing.B, dir string, fill func()) {
	b.Helper()
	whole := dir + ".whole"
	if _, err := os.Stat(whole); err == nil {
		return
	}
	if err := os.RemoveAll(dir); err != nil {
		b.Fatal(err)
	}
	fill()
	if err := os.WriteFile(whole, nil, 0o600); err != nil {
		b.Fatal(err)
	}
}

func openLake(b *testing.B, dir string, clock func() time.Time) *lake.Lake {
	b.Helper()
	l, err := lake.Open(dir, lake.Config{Clock: clock, Limits: lake.Limits{GroupWait: time.Millisecond}})
	if err != nil {
		b.Fatal(err)
	}
	return l
}

func monthEnd() time.Time { return time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC) }

// speedLakes builds a lake of segments, and one of the same with its days merged.
func speedLakes(b *testing.B, folder string) (segments, merged string) {
	b.Helper()
	segments, merged = filepath.Join(folder, "segments"), filepath.Join(folder, "merged")
	made(b, segments, func() {
		var now atomic.Int64
		l := openLake(b, segments, func() time.Time { return time.UnixMicro(now.Load()).UTC() })
		speedBatches(func(batch []event.Record) {
			now.Store(batch[0].Received.UnixMicro())
			if _, err := l.Append(context.Background(), batch); err != nil {
				b.Fatal(err)
			}
		})
		if err := l.Flush(context.Background()); err != nil {
			b.Fatal(err)
		}
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	})
	made(b, merged, func() {
		if err := os.CopyFS(merged, os.DirFS(segments)); err != nil {
			b.Fatal(err)
		}
		l := openLake(b, merged, monthEnd)
		if err := l.Tidy(context.Background()); err != nil {
			b.Fatal(err)
		}
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	})
	return segments, merged
}

// forget takes the files of a folder out of the memory of the system.
func forget(b *testing.B, dir string) {
	b.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
	})
	if err != nil {
		b.Fatal(err)
	}
}

// times are those of one query, run again and again.
type times []time.Duration

func (t times) report(b *testing.B, what string) {
	b.Helper()
	if len(t) == 0 {
		return
	}
	slices.Sort(t)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(t[0]), what+"best-ms")
	b.ReportMetric(ms(t[len(t)/2]), what+"median-ms")
}

func processTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func parsed(b *testing.B, text string) query.Query {
	b.Helper()
	q, err := language.Parse(text, language.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return q
}

// answerOf is what question.answer says: rows or groups, and what these count.
func answerOf(b *testing.B, q query.Query, r *query.Result, err error) [2]int {
	b.Helper()
	if err != nil || r.Partial() {
		b.Fatal(err, r)
	}
	switch q.Verb.(type) {
	case query.Count:
		return [2]int{1, int(r.Count)}
	case query.Newest:
		return [2]int{len(r.Records), 0}
	}
	sum := int64(0)
	for _, g := range r.Groups {
		sum += g.Count
	}
	return [2]int{len(r.Groups), int(sum)}
}

// BenchmarkLakeQueries times warm queries over a lake of segments and a merged one. The metrics best-ms and median-ms are
// of the runs of one benchmark, cold-ms is the first query of a lake just opened whose files the system had forgotten.
// Run it with -benchtime 5x or more, and with KIZUKI_BENCHDATA to build the lakes once only.
func BenchmarkLakeQueries(b *testing.B) {
	segments, merged := speedLakes(b, speedFolder(b))
	for _, dir := range []string{segments, merged} {
		for _, question := range questions {
			b.Run(fmt.Sprint(filepath.Base(dir), "/", question.name), func(b *testing.B) {
				timeLake(b, dir, question)
			})
		}
	}
}

// timeLake gives the answer, for the peer to give the same.
func timeLake(b *testing.B, dir string, question question) [2]int {
	b.Helper()
	q := parsed(b, question.ours)
	forget(b, dir)
	l := openLake(b, dir, monthEnd)
	defer func() { _ = l.Close() }()
	ask := func() (*query.Result, error) { return search.Run(context.Background(), l, q, query.Options{}) }
	began := time.Now()
	first, err := ask()
	cold := time.Since(began)
	answer := answerOf(b, q, first, err)
	for i, want := range question.answer {
		if want > 0 && answer[i] != want {
			b.Fatalf("%s: %v, want %v", question.ours, answer, question.answer)
		}
	}
	if _, err := ask(); err != nil { // the second one warms what the first one did not
		b.Fatal(err)
	}
	var took times
	used := processTime(b)
	for b.Loop() {
		began := time.Now()
		r, err := ask()
		took = append(took, time.Since(began))
		if again := answerOf(b, q, r, err); again != answer {
			b.Fatalf("%s: %v, then %v", question.ours, answer, again)
		}
	}
	b.ReportMetric(float64((processTime(b)-used).Microseconds())/1000/float64(len(took)), "cpu-ms")
	took.report(b, "")
	b.ReportMetric(float64(cold.Microseconds())/1000, "cold-ms")
	b.ReportMetric(float64(answer[0]), "answers")
	if strings.HasPrefix(question.name, "substring") {
		b.ReportMetric(took[0].Seconds()/float64(rawBytes(l))*1e9, "s/GB")
	}
	return answer
}

// rawBytes is the length of all lines of a lake.
func rawBytes(l *lake.Lake) int64 {
	var n int64
	blocks, err := l.Blocks(context.Background(), -1<<63, 1<<63-1, nil)
	if err != nil {
		return -1
	}
	for i := range blocks.Len() {
		n += blocks.Stat(i).Bytes
	}
	_ = blocks.Close()
	return n
}
