package lake_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake"
)

// TestStats: what the lake says of itself while records come, are sealed, merged and deleted, and after a new start.
func TestStats(t *testing.T) {
	t.Parallel()
	dir, c := folder(t), newClock()
	config := small(c)
	config.Keep = func(source string) int { return map[string]int{"web": 1}[source] }
	l := open(t, dir, config)
	if s := l.Stats(); !cmp.Equal(s, lake.Stats{Budget: lake.Fine}) {
		t.Errorf("an empty lake: %+v", s)
	}
	at := c.Now()
	line := func(source, raw string, minute int) event.Record {
		return event.Record{Source: source, Time: at.Add(time.Duration(minute) * time.Minute), Format: event.Raw, Raw: []byte(raw)}
	}
	micros := func(minute int) int64 { return at.Add(time.Duration(minute) * time.Minute).UnixMicro() }
	appendAll(t, l, []event.Record{line("web", "first", 5), line("fw", "二", -7), line("web", "", 3)})
	s := l.Stats()
	if s.HotRows != 3 || s.SealedRows+s.Files+s.Blocks != 0 || s.Appended != 3 || s.DiskBytes == 0 || s.RawBytes != 0 || s.Waiting != 0 {
		t.Errorf("not sealed: %+v", s)
	}
	if diff := cmp.Diff([]lake.SourceStats{{Name: "fw", Rows: 1, Last: 1}, {Name: "web", Rows: 2, Last: 2}}, s.Sources); diff != "" {
		t.Errorf("not sealed:\n%s", diff)
	}
	flush(t, l)
	appendAll(t, l, []event.Record{line("web", "later", 60)})
	sources := []lake.SourceStats{
		{Name: "fw", Rows: 1, Bytes: 3, Last: 1, From: micros(-7), To: micros(-7)},
		{Name: "web", Rows: 3, Bytes: 5, Last: 3, From: micros(3), To: micros(5)},
	}
	s = l.Stats()
	if s.HotRows != 1 || s.SealedRows != 3 || s.Files != 1 || s.Blocks != 1 || s.RawBytes != 8 || s.Sealed != 1 || s.Unsealed != 0 {
		t.Errorf("some sealed: %+v", s)
	}
	if diff := cmp.Diff(sources, s.Sources); diff != "" {
		t.Errorf("some sealed:\n%s", diff)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, config)
	if s = l.Stats(); s.Replayed != 1 || s.Appended != 0 || s.TornBytes != 0 || s.CatalogueRebuilt {
		t.Errorf("opened again: %+v", s)
	}
	if diff := cmp.Diff(sources[0], s.Sources[0]); diff != "" || s.Sources[1].Rows != 3 || s.Sources[1].Last != 3 {
		t.Errorf("opened again: %+v\n%s", s.Sources, diff)
	}
	flush(t, l)
	c.add(48 * time.Hour)
	if err := l.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	sources[1].Bytes, sources[1].To = 10, micros(60)
	if s = l.Stats(); s.Files != 2 || s.Merged != 2 || s.SealedRows != 4 || s.HotRows != 0 || s.RawBytes != 13 || s.Deleted != 0 {
		t.Errorf("merged: %+v", s)
	}
	if diff := cmp.Diff(sources, s.Sources); diff != "" {
		t.Errorf("merged:\n%s", diff)
	}
	before := s.DiskBytes
	if _, err := l.Expire(t.Context(), lake.Deletion{Who: "sato", Why: "満了"}); err != nil {
		t.Fatal(err)
	}
	if s = l.Stats(); s.Files != 1 || s.Deleted != 1 || s.RawBytes != 3 || s.DiskBytes >= before || len(s.Alarms) > 0 {
		t.Errorf("deleted: %+v", s)
	}
	if diff := cmp.Diff(sources[:1], s.Sources); diff != "" {
		t.Errorf("deleted:\n%s", diff)
	}
}

// TestStatsBudget: what may be used of the disk, and how much of it is.
func TestStatsBudget(t *testing.T) {
	t.Parallel()
	dir, c := folder(t), newClock()
	config := small(c)
	l := open(t, dir, config)
	appendAll(t, l, records(94, 300, "fw"))
	flush(t, l)
	used := l.Stats().DiskBytes
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		limit int64
		want  lake.State
	}{{1, lake.Full}, {used, lake.Full}, {used + used/20, lake.Near}, {2 * used, lake.Fine}, {0, lake.Fine}} {
		limit, want := tt.limit, tt.want
		config.Limits.DiskBytes = limit
		l := open(t, dir, config)
		if got := l.Stats().Budget; got != want {
			t.Errorf("%d of %d bytes: %s, want %s", used, limit, got, want)
		}
		if _, err := l.Append(t.Context(), records(95, 1, "fw")); lake.Is(err, lake.NoRoom) != (want == lake.Full) {
			t.Errorf("%d of %d bytes: %v", used, limit, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
