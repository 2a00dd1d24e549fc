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

func someSidecar() []byte {
	tab := table.New()
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	tab.Add(&event.Record{Source: "fw", Seq: 1, Time: at, Received: at, Raw: []byte("deny 10.0.0.1 部品"), Host: "pc-1", SrcIP: "10.0.0.1"})
	var block table.Block
	var b skip.Builder
	b.Add(tab.View().Into(&block, []int32{0}))
	return b.Bytes(1000, 77)
}

// A sidecar may hold anything, with sums that fit: it is refused, or it answers, and a page that is not as written never
// denies a word.
func FuzzOpen(f *testing.F) {
	good := someSidecar()
	f.Add(good, false, "deny")
	f.Add(good, true, "absent")
	f.Add(good[:30], false, "")
	f.Fuzz(func(t *testing.T, data []byte, mend bool, word string) {
		const head = 36 + 4 + 8
		if mend && len(data) >= head {
			binary.LittleEndian.PutUint64(data[head-8:], xxhash.Sum64(data[:head-8]))
		}
		x, err := skip.Open(bytes.NewReader(data), 1000, 77, 1)
		if err != nil {
			if x != nil || !errors.Is(err, skip.ErrUnfit) {
				t.Errorf("%v %v", x, err)
			}
			return
		}
		if may, err := x.MayHave(0, []string{word, "部品"}); err != nil && !may {
			t.Error("a sidecar that cannot tell denies a word")
		}
	})
}
