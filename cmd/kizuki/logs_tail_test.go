package main

import (
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/app/lake"
)

// TestFollowIsBounded: lines that come in while somebody follows are held by number and by bytes.
func TestFollowIsBounded(t *testing.T) {
	t.Parallel()
	raw := make([]byte, 4<<20)
	most, wrote, last := 0, 0, time.Time{}
	b := &batch{write: func(lines []lake.Record) error {
		bytes := 0
		for i := range lines {
			bytes += len(lines[i].Raw)
			if lines[i].Time.Before(last) {
				t.Errorf("line %d is out of order", i)
			}
			last = lines[i].Time
		}
		most, wrote, last = max(most, bytes), wrote+len(lines), time.Time{}
		return nil
	}}
	at := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	for i := range 30 {
		if err := b.add(&lake.Record{Raw: raw, Time: at.Add(-time.Duration(i) * time.Second)}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 * followLines {
		if err := b.add(&lake.Record{Time: at}); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.lines) >= followLines {
		t.Errorf("%d lines wait", len(b.lines))
	}
	if err := b.end(); err != nil || most > followBytes+len(raw) || wrote != 30+2*followLines {
		t.Errorf("%d bytes at once, %d lines, %v", most, wrote, err)
	}
}
