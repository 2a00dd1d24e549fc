package backup

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// at is two o'clock in Tokyo on a day.
func at(t testing.TB, day string) time.Time {
	t.Helper()
	d, err := jdate.ISO(day)
	if err != nil {
		t.Fatal(err)
	}
	return d.Start().Add(2 * time.Hour)
}

func TestSpare(t *testing.T) {
	t.Parallel()
	every := func(from string, n int) (days []string) {
		d, err := jdate.ISO(from)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			days = append(days, d.Add(i).String())
		}
		return days
	}
	tests := map[string]struct {
		made []string
		rule Rule
		keep []string
	}{
		"nothing":                {nil, Rule{7, 5, 12}, nil},
		"fewer than the rule":    {every("2026-11-20", 3), Rule{7, 5, 12}, every("2026-11-20", 3)},
		"a fortnight, days only": {every("2026-11-10", 14), Rule{7, 0, 0}, every("2026-11-17", 7)},
		"the newest always":      {every("2026-11-10", 14), Rule{0, 0, 0}, []string{"2026-11-23"}},
		"days and weeks: Sundays, as the newest of a week that begins on Monday": {
			every("2026-11-01", 26), Rule{2, 3, 0}, []string{"2026-11-15", "2026-11-22", "2026-11-25", "2026-11-26"},
		},
		"months over the turn of the year": {
			[]string{"2026-10-31", "2026-11-30", "2026-12-30", "2026-12-31", "2027-01-01"}, Rule{1, 0, 3}, []string{"2026-11-30", "2026-12-31", "2027-01-01"},
		},
		"the week that two years share": {
			[]string{"2026-12-29", "2027-01-02", "2027-01-04"}, Rule{0, 2, 0}, []string{"2027-01-02", "2027-01-04"},
		},
		"off for a month: periods without a backup do not count": {
			[]string{"2026-08-03", "2026-08-04", "2026-11-20", "2026-11-21"}, Rule{3, 0, 0}, []string{"2026-08-04", "2026-11-20", "2026-11-21"},
		},
		"twice a day: the later": {[]string{"2026-11-20", "2026-11-20"}, Rule{7, 0, 0}, []string{"2026-11-20"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var made []File
			for i, day := range tc.made {
				made = append(made, File{ID: int64(i + 1), MadeAt: at(t, day).Add(time.Duration(i) * time.Second)})
			}
			spare := map[int64]bool{}
			for _, f := range Spare(made, tc.rule) {
				spare[f.ID] = true
			}
			var keep []string
			for _, f := range made {
				if !spare[f.ID] {
					keep = append(keep, jdate.Of(f.MadeAt).String())
				}
			}
			if diff := cmp.Diff(tc.keep, keep); diff != "" {
				t.Errorf("kept (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSpareKeepsTheWholeRule: a year of days leaves at most as many as the rule names, oldest removed first.
func TestSpareKeepsTheWholeRule(t *testing.T) {
	t.Parallel()
	rule := Rule{7, 5, 12}
	var kept []File
	begin := at(t, "2025-01-01")
	for i := range 700 { // one night after the other, as it happens
		kept = append(kept, File{ID: int64(i + 1), MadeAt: begin.AddDate(0, 0, i)})
		spare := map[int64]bool{}
		for _, f := range Spare(kept, rule) {
			spare[f.ID] = true
		}
		var next []File
		for _, f := range kept {
			if !spare[f.ID] {
				next = append(next, f)
			}
		}
		kept = next
	}
	if n := len(kept); n > rule.Daily+rule.Weekly+rule.Monthly || n < 12 {
		t.Errorf("%d are kept", n)
	}
	if oldest := kept[0].MadeAt; begin.AddDate(0, 0, 699).Sub(oldest) < 300*24*time.Hour {
		t.Errorf("the oldest is of %v: the months are not kept", oldest)
	}
}

func TestDue(t *testing.T) {
	t.Parallel()
	never := time.Time{}
	now := func(clock string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", clock, jdate.Tokyo)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	tests := []struct {
		name           string
		now, good, try time.Time
		want           bool
	}{
		{"never made", now("2026-11-26 00:10"), never, never, true},
		{"before the time, made last night", now("2026-11-26 01:59"), now("2026-11-25 02:01"), now("2026-11-25 02:01"), false},
		{"at the time", now("2026-11-26 02:00"), now("2026-11-25 02:01"), now("2026-11-25 02:01"), true},
		{"made tonight", now("2026-11-26 02:10"), now("2026-11-26 02:01"), now("2026-11-26 02:01"), false},
		{"off at night, on in the morning", now("2026-11-26 08:30"), now("2026-11-25 08:31"), now("2026-11-25 08:31"), true},
		{"made by hand in the evening", now("2026-11-26 08:30"), now("2026-11-26 02:01"), now("2026-11-26 02:01"), false},
		{"failed ten minutes ago", now("2026-11-26 02:11"), now("2026-11-25 02:01"), now("2026-11-26 02:01"), false},
		{"failed an hour ago", now("2026-11-26 03:01"), now("2026-11-25 02:01"), now("2026-11-26 02:01"), true},
		{"before two: yesterday's time counts", now("2026-11-26 01:00"), now("2026-11-24 02:01"), now("2026-11-24 02:01"), true},
		{"a clock that was ahead", now("2026-11-26 02:10"), now("2027-01-01 02:01"), now("2027-01-01 02:01"), false},
	}
	for _, tc := range tests {
		if got := Due(tc.now, tc.good, tc.try, 120); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

func TestMinuteOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"2:00": 120, "02:05": 125, "23:59": 1439, "0:00": 0, "２：００": -1, "2：30": 150, "24:00": -1, "1:60": -1, "-1:00": -1, "2": -1, "": -1, "a:b": -1} {
		if got := minuteOf(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
