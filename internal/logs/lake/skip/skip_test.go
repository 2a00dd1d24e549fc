package skip_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/skip"
	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
	"github.com/kizuki-security/kizuki/internal/logs/logstest/corpus"
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// blocksOf puts records into blocks.
func blocksOf(records []event.Record) (blocks []*table.Block) {
	t := table.New()
	for i := range records {
		t.Add(&records[i])
	}
	view := t.View()
	for _, rows := range view.Cut(view.Order(0, view.Rows())) {
		blocks = append(blocks, view.Block(rows))
	}
	return blocks
}

// A word that a line has is never denied, however long it is and wherever it stands; words that no line has mostly are.
func TestEveryWord(t *testing.T) {
	t.Parallel()
	var records []event.Record
	for r := range corpus.Records(corpus.Config{Events: 20_000}) {
		records = append(records, r)
	}
	rng := rand.New(rand.NewPCG(20261127, 3))
	letters := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"[rng.IntN(63)]
		}
		return string(b)
	}
	for n := 1; n <= 80; n++ {
		for _, before := range []string{"", ".", strings.Repeat(" ", 63-min(n, 60)), strings.Repeat("-", 61), "日本 "} {
			raw := before + letters(n) + "|" + letters(rng.IntN(20)) + "." + letters(rng.IntN(80))
			records = append(records, event.Record{Source: "z", Seq: uint64(len(records)), Raw: []byte(raw)})
		}
	}
	for _, n := range []int{64 << 10, 64<<10 + 1, 100_000} { // a line is cut in another way when it is long
		raw := strings.Repeat("Long_words, ", n)[:n-8] + "lastWORD"
		records = append(records, event.Record{Source: "z", Seq: uint64(len(records)), Raw: []byte(raw)})
	}
	blocks := blocksOf(records)
	var b skip.Builder
	for _, block := range blocks {
		b.Add(block)
	}
	index, err := skip.Open(bytes.NewReader(b.Bytes(1, 2)), 1, 2, len(blocks))
	if err != nil {
		t.Fatal(err)
	}
	words, absent, taken := 0, 0, 0
	for i, block := range blocks {
		asked := map[string]bool{}
		for row := range block.Rows() {
			r := block.Record(row)
			query.IndexWords(&r, func(word string) {
				words++
				if asked[word] {
					return
				}
				asked[strings.Clone(word)] = true
				if may, err := index.MayHave(i, []string{word}); !may || err != nil {
					t.Errorf("block %d, line %q: %q is denied, %v", i, r.Raw, word, err)
				}
			})
		}
		for n := range 5000 {
			may, err := index.MayHave(i, []string{fmt.Sprintf("absent%dx%d", i, n)})
			if err != nil {
				t.Fatal(err)
			}
			if absent++; may {
				taken++
			}
		}
	}
	if words < 500_000 || taken > absent/100 {
		t.Errorf("%d words; %d of %d absent ones are taken for present", words, taken, absent)
	}
	t.Logf("%d words; %d of %d absent ones are taken for present", words, taken, absent)
}

// BenchmarkAdd makes the filters of a segment of 65,536 lines.
func BenchmarkAdd(b *testing.B) {
	var records []event.Record
	for r := range corpus.Records(corpus.Config{Events: 65_536}) {
		records = append(records, r)
	}
	blocks := blocksOf(records)
	for b.Loop() {
		var s skip.Builder
		for _, block := range blocks {
			s.Add(block)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(records)), "ns/line")
}
