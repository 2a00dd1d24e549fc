package skip_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/skip"
	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
)

// words are in both blocks, and only in the first.
var words = [][]string{{"部品", "10.0.0.1", "pc-1"}, {"deny"}}

func someSidecar() []byte {
	tab := table.New()
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for i, raw := range []string{"deny 10.0.0.1 部品", "allow 部品"} {
		tab.Add(&event.Record{Source: "fw", Seq: uint64(i + 1), Time: at, Received: at, Raw: []byte(raw), Host: "pc-1", SrcIP: "10.0.0.1"})
	}
	var block table.Block
	var b skip.Builder
	for i := range int32(2) {
		b.Add(tab.View().Into(&block, []int32{i}))
	}
	return b.Bytes(1000, 77)
}

// A sidecar may hold anything, with sums that fit: it is refused, or it answers, always the same, and a page that is not
// as written never denies a word. Where the sum of its head was not mended, it never denies a word that is there.
func FuzzOpen(f *testing.F) {
	good := someSidecar()
	f.Add(good, false, "deny")
	f.Add(good, true, "absent")
	f.Add(good[:30], false, "")
	const head = 36 + 2*4 + 4 + 8 // words of two blocks, length of their bucket
	for _, lie := range []struct {
		at    int
		bytes string
	}{
		{36, "\xff\xff\xff\xff\x02"}, // more words than a section has, and so more buckets
		{44, "\xff\xff\xff\xff"},     // a bucket behind the end
	} {
		data := bytes.Clone(good)
		copy(data[lie.at:], lie.bytes)
		f.Add(data, true, "far")
	}
	f.Fuzz(func(t *testing.T, data []byte, mend bool, word string) {
		if mend && len(data) >= head {
			data = bytes.Clone(data) // the fuzzer goes on with its own, and must not find a sum that fits in it
			binary.LittleEndian.PutUint64(data[head-8:], xxhash.Sum64(data[:head-8]))
		}
		x, err := skip.Open(bytes.NewReader(data), 1000, 77, 2)
		if err != nil {
			if x != nil || !errors.Is(err, skip.ErrUnfit) {
				t.Errorf("%v %v", x, err)
			}
			return
		}
		for block := range 2 {
			may, err := x.MayHave(block, []string{word, "部品"})
			if err != nil && (!may || !errors.Is(err, skip.ErrUnfit)) {
				t.Errorf("a sidecar that cannot tell says %t, %v", may, err)
			}
			if again, e := x.MayHave(block, []string{word, "部品"}); again != may || (e == nil) != (err == nil) {
				t.Errorf("it says %t, then %t", may, again)
			}
			for first, list := range words {
				for _, w := range list {
					if may, _ := x.MayHave(block, []string{w}); !may && !mend && (first == 0 || block == 0) {
						t.Errorf("block %d: %q is denied", block, w)
					}
				}
			}
		}
	})
}
