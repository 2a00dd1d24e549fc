//go:build linux

package logstest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/logsql"
	"github.com/kizuki-security/kizuki/internal/logs/victoria"
	"github.com/kizuki-security/kizuki/internal/logs/victoria/victoriatest"
)

// peer is VictoriaLogs with the same events.
type peer struct {
	node   *victoriatest.Node
	client *victoria.Client
}

// startNode starts the engine on a folder.
func startNode(b *testing.B, dir string) *peer {
	b.Helper()
	node := victoriatest.Single(b, "-storageDataPath="+dir, "-memory.allowedBytes=2GB", "-search.maxQueryDuration=300s")
	client, err := victoria.NewClient(victoria.Config{Insert: node.URL})
	if err != nil {
		b.Fatal(err)
	}
	return &peer{node, client}
}

// startPeer starts one node, and fills it unless it was filled before.
func startPeer(b *testing.B, folder string) *peer {
	b.Helper()
	dir := filepath.Join(folder, "victoria")
	made(b, dir, func() {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			b.Fatal(err)
		}
		p := startNode(b, dir)
		seqs := map[string]uint64{}
		speedBatches(func(batch []event.Record) {
			p.insert(b, batch, seqs)
		})
		if err := p.client.Flush(context.Background()); err != nil {
			b.Fatal(err)
		}
		p.settle(b, speedEvents)
		p.node.Stop(b)
	})
	p := startNode(b, dir)
	p.settle(b, speedEvents)
	return p
}

// insert sends a batch whose records are numbered as the lake does.
func (p *peer) insert(b *testing.B, batch []event.Record, seqs map[string]uint64) {
	b.Helper()
	for i := range batch {
		seqs[batch[i].Source]++
		batch[i].Seq = seqs[batch[i].Source]
	}
	if err := p.client.Insert(context.Background(), batch); err != nil {
		b.Fatal(err)
	}
}

// settle waits until the engine has that many events and has put its parts together, so that it is timed at its best.
func (p *peer) settle(b *testing.B, events int) {
	b.Helper()
	before := ""
	for same := 0; same < 3; {
		if got := p.answer(b, `* | stats count() "count"`); got[1] != events {
			b.Fatalf("VictoriaLogs has %d of %d events", got[1], events)
		}
		now := p.get(b, "/metrics", "vl_active_merges")
		if now == before {
			same++
		} else {
			before, same = now, 0
		}
		time.Sleep(300 * time.Millisecond)
	}
}

// get gives the lines of a page that begin with a text.
func (p *peer) get(b *testing.B, path, begins string) string {
	b.Helper()
	body := p.body(b, path)
	var out []byte
	for line := range bytes.Lines(body) {
		if bytes.HasPrefix(line, []byte(begins)) {
			out = append(out, line...)
		}
	}
	return string(out)
}

func (p *peer) body(b *testing.B, path string) []byte {
	b.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, p.node.URL+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || response.Body.Close() != nil || response.StatusCode != http.StatusOK {
		b.Fatalf("%s: %d %v %.300s", path, response.StatusCode, err, body)
	}
	return body
}

// ask runs a query as any client would, and reads the answer without looking at it.
func (p *peer) ask(b *testing.B, logsQL string) (rows int) {
	b.Helper()
	body := p.body(b, "/select/logsql/query?timeout=300s&query="+url.QueryEscape(logsQL))
	return bytes.Count(body, []byte("\n"))
}

// answer gives the rows, and what their counts are together.
func (p *peer) answer(b *testing.B, logsQL string) (answer [2]int) {
	b.Helper()
	err := p.client.Query(context.Background(), logsQL, func(row victoria.Row) error {
		answer[0]++
		if row["count"] == "" {
			return nil
		}
		n, err := strconv.Atoi(row["count"])
		answer[1] += n
		return err
	})
	if err != nil {
		b.Fatalf("%s: %v", logsQL, err)
	}
	return answer
}

// BenchmarkBesideVictoriaLogs asks a lake of merged days and VictoriaLogs the same, one after the other; both must give as
// many rows or groups and count the same. The metrics are those of BenchmarkLakeQueries for the lake; victoria-… are of the
// query in LogsQL as somebody who knows it would write it, over HTTP on loopback.
func BenchmarkBesideVictoriaLogs(b *testing.B) {
	folder := speedFolder(b)
	_, merged := speedLakes(b, folder)
	p := startPeer(b, folder)
	for _, question := range questions {
		b.Run(question.name, func(b *testing.B) {
			answer := timeLake(b, merged, question)
			p.time(b, question.victoria, answer)
		})
	}
}

// BenchmarkTranslatedForVictoriaLogs asks VictoriaLogs what package logsql makes of the queries. It keeps to our folding of
// case and width, with expressions for which the engine's index is no use: words take tens of seconds.
func BenchmarkTranslatedForVictoriaLogs(b *testing.B) {
	folder := speedFolder(b)
	_, merged := speedLakes(b, folder)
	p := startPeer(b, folder)
	for _, question := range questions {
		b.Run(question.name, func(b *testing.B) {
			answer := timeLake(b, merged, question)
			q := parsed(b, question.ours)
			text, err := logsql.Query(q, 0)
			if err != nil {
				b.Fatal(err)
			}
			if top, ok := q.Verb.(query.Top); ok { // the caller cuts it, as Client.Answer does
				text += fmt.Sprintf(` | sort by ("count" desc) limit %d partition by (_time)`, top.N)
			}
			p.time(b, text, answer)
		})
	}
}

// time runs a query of LogsQL as often as the benchmark ran the lake's, and wants the same answer.
func (p *peer) time(b *testing.B, logsQL string, want [2]int) {
	b.Helper()
	if got := p.answer(b, logsQL); got != want {
		b.Fatalf("%s: %v, the lake %v", logsQL, got, want)
	}
	var took times
	for range b.N {
		began := time.Now()
		p.ask(b, logsQL)
		took = append(took, time.Since(began))
	}
	took.report(b, "victoria-")
}
