package throttle_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/register/account/throttle"
)

var noon = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)

func TestWaitDoubles(t *testing.T) {
	t.Parallel()
	var th throttle.Throttle
	now := noon
	for i, want := range []time.Duration{0, 0, 0, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second} {
		if want > 0 {
			if got := th.Begin(now, "sato", "10.0.0.1"); got != want {
				t.Errorf("try %d waits %v, want %v", i, got, want)
			}
			now = now.Add(want)
		}
		if got := th.Begin(now, "sato", "10.0.0.1"); got != 0 {
			t.Errorf("try %d after the wait still waits %v", i, got)
		}
	}
}

func TestNobodyElseWaits(t *testing.T) {
	t.Parallel()
	var th throttle.Throttle
	for range 10_000 {
		th.Begin(noon, "sato", "10.0.0.1")
	}
	tests := []struct {
		name, login, address string
		waits                bool
	}{
		{"the guesser", "sato", "10.0.0.1", true},
		{"the guesser by another spelling", "sato", "::ffff:10.0.0.1", true},
		{"the owner elsewhere", "sato", "10.0.0.2", false},
		{"another account at the guesser's machine", "suzuki", "10.0.0.1", false},
	}
	for _, tt := range tests {
		if got := th.Begin(noon, tt.login, tt.address); (got > 0) != tt.waits {
			t.Errorf("%s waits %v", tt.name, got)
		}
	}
}

func TestBudgetOfAnAddress(t *testing.T) {
	t.Parallel()
	var th throttle.Throttle
	tried := 0
	for i := range 1000 {
		if th.Begin(noon, fmt.Sprint("user", i), fmt.Sprintf("2001:db8::%x", i)) == 0 {
			tried++
		}
	}
	if tried != throttle.Budget {
		t.Errorf("one /64 tried %d passwords, want %d", tried, throttle.Budget)
	}
	if got := th.Begin(noon, "sato", "2001:db8:0:1::1"); got != 0 {
		t.Errorf("the next /64 waits %v", got)
	}
	if got := th.Begin(noon.Add(throttle.Window), "sato", "2001:db8::1"); got != 0 {
		t.Errorf("after the window it waits %v", got)
	}
}

func TestSuccessForgives(t *testing.T) {
	t.Parallel()
	var th throttle.Throttle
	for i := range 3 * throttle.Budget { // right passwords never use up the budget
		if got := th.Begin(noon, "sato", "10.0.0.1"); got != 0 {
			t.Fatalf("try %d waits %v", i, got)
		}
		th.Succeed("sato", "10.0.0.1")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	var th throttle.Throttle
	for i := range 10_000 {
		if got := th.Begin(noon, "sato", fmt.Sprintf("10.1.%d.%d", i/256, i%256)); got != 0 {
			t.Fatalf("address %d waits %v at its first try", i, got)
		}
	}
	if pairs, addresses := th.Entries(); pairs > 4096 || addresses > 4096 {
		t.Errorf("%d pairs and %d addresses are kept", pairs, addresses)
	}
}

func TestClockSetBack(t *testing.T) {
	t.Parallel()
	var th throttle.Throttle
	for i := range throttle.Budget { // the address has spent its budget, and sato must wait
		th.Begin(noon, fmt.Sprint("user", i), "10.0.0.1")
		th.Begin(noon, "sato", "10.0.0.1")
	}
	year := noon.AddDate(-1, 0, 0)
	if got := th.Begin(year, "sato", "10.0.0.1"); got > 15*time.Minute {
		t.Errorf("after the clock was set back a year, sato waits %v", got)
	}
	if got := th.Begin(year.Add(throttle.Window), "sato", "10.0.0.1"); got > 0 {
		t.Errorf("and a quarter of an hour later still %v", got)
	}
}
