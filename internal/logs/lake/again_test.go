package lake_test

import (
	"context"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake"
)

// Who looks at rows in memory keeps them as they were, though they are sealed meanwhile and the memory of sealed segments
// is used again.
func TestHeldRowsStay(t *testing.T) {
	l := open(t, folder(t), small(newClock()))
	first := records(1, 150, "fw", "web")
	appendAll(t, l, first)
	look, err := l.Blocks(context.Background(), -1<<62, 1<<62, nil)
	if err != nil {
		t.Fatal(err)
	}
	flush(t, l)
	second := records(2, 150, "fw", "web")
	appendAll(t, l, second)
	held, err := l.Record("fw", second[0].Seq)
	if second[0].Source != "fw" || err != nil {
		t.Fatal(second[0].Source, err)
	}
	for seed := range uint64(5) {
		flush(t, l)
		appendAll(t, l, records(3+seed, 150, "fw", "web", "db"))
	}
	if !equal(&held, &second[0]) {
		t.Errorf("a record that was held became %q, it was %q", held.Raw, second[0].Raw)
	}
	var got []event.Record
	for i := range look.Len() {
		recs, err := readBlock(look, i)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, recs...)
	}
	if err := look.Close(); err != nil {
		t.Fatal(err)
	}
	same(t, "rows that were held", want(got), want(first))
}

// A disk that stays full keeps nobody waiting for ever: what was appended is safe, and is sealed when there is room.
func TestFlushGivesUp(t *testing.T) {
	fsys := newFaults()
	config := small(newClock())
	config.FS = fsys
	l := open(t, folder(t), config)
	recs := records(1, 150, "fw", "web")
	appendAll(t, l, recs)
	fsys.set(func(op, name string) error {
		if op == "write" && strings.Contains(name, "/sealed/") {
			return errFull
		}
		return nil
	})
	if err := l.Flush(t.Context()); !lake.Is(err, lake.NoRoom) {
		t.Errorf("%v", err)
	}
	same(t, "while nothing can be sealed", all(t, l), want(recs))
	fsys.set(nil)
	flush(t, l)
	same(t, "afterwards", all(t, l), want(recs))
}
