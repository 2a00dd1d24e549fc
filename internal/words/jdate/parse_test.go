package jdate_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

func TestParse(t *testing.T) {
	t.Parallel()
	day := jdate.On(2026, time.November, 23)
	tests := map[string]struct {
		in   string
		want jdate.Day
		err  error
	}{
		"slashes":                  {in: "2026/11/23", want: day},
		"hyphens":                  {in: "2026-11-23", want: day},
		"dots":                     {in: "2026.11.23", want: day},
		"eight digits":             {in: "20261123", want: day},
		"one digit month and day":  {in: "2026/4/1", want: jdate.On(2026, time.April, 1)},
		"kanji":                    {in: "2026年11月23日", want: day},
		"kanji with blanks":        {in: "2026年 4月 1日", want: jdate.On(2026, time.April, 1)},
		"full width":               {in: "２０２６／１１／２３", want: day},
		"long vowel mark as dash":  {in: "２０２６ー１１ー２３", want: day},
		"era letter":               {in: "R8.11.23", want: day},
		"era letter, lower case":   {in: "r8.11.23", want: day},
		"era letter, full width":   {in: "Ｒ８．１１．２３", want: day},
		"era letter, six digits":   {in: "R081123", want: day},
		"era kanji":                {in: "令和8年11月23日", want: day},
		"era kanji full width":     {in: "令和８年１１月２３日", want: day},
		"era one kanji":            {in: "令8.11.23", want: day},
		"era ligature":             {in: "㋿8年11月23日", want: day},
		"first year":               {in: "令和元年5月1日", want: jdate.On(2019, time.May, 1)},
		"first year as 1":          {in: "R1.5.1", want: jdate.On(2019, time.May, 1)},
		"last day of 平成":           {in: "平成31年4月30日", want: jdate.On(2019, time.April, 30)},
		"last day of 昭和":           {in: "昭和64年1月7日", want: jdate.On(1989, time.January, 7)},
		"first day of 大正":          {in: "㍽元年7月30日", want: jdate.On(1912, time.July, 30)},
		"era past its end":         {in: "平成35年3月31日", want: jdate.On(2023, time.March, 31)},
		"weekday":                  {in: "2026年11月23日（月）", want: day},
		"weekday in full":          {in: "2026年11月23日 月曜日", want: day},
		"time behind":              {in: "2026/11/23 0:00:00", want: day},
		"time behind with T":       {in: "2026-11-23T17:30", want: day},
		"english":                  {in: "Mon 23 Nov 2026", want: day},
		"english in full":          {in: "Monday, 23 November 2026", want: day},
		"leap day":                 {in: "2024/2/29", want: jdate.On(2024, time.February, 29)},
		"blank":                    {in: " 　", want: 0},
		"american order":           {in: "11/23/2026", err: jdate.ErrAmbiguous},
		"two-digit year":           {in: "26/11/23", err: jdate.ErrAmbiguous},
		"six digits":               {in: "261123", err: jdate.ErrAmbiguous},
		"no year":                  {in: "11/23", err: jdate.ErrIncomplete},
		"no day":                   {in: "2026年11月", err: jdate.ErrIncomplete},
		"era year only":            {in: "令和8年度", err: jdate.ErrFormat},
		"era month":                {in: "令和8年11月", err: jdate.ErrIncomplete},
		"no leap day":              {in: "2026/2/29", err: jdate.ErrNoSuchDay},
		"month 13":                 {in: "20261323", err: jdate.ErrNoSuchDay},
		"the day lost to zero":     {in: "1970-01-01", err: jdate.ErrNoSuchDay},
		"lunar calendar":           {in: "明治5年1月1日", err: jdate.ErrNoSuchDay},
		"era year 0":               {in: "R0.5.1", err: jdate.ErrNoSuchDay},
		"day before 令和":            {in: "令和元年4月30日", err: jdate.ErrBeforeEra},
		"wrong weekday":            {in: "2026年11月23日（火）", err: jdate.ErrWeekday},
		"wrong english weekday":    {in: "Tue 23 Nov 2026", err: jdate.ErrWeekday},
		"mixed separators":         {in: "2026/11-23", err: jdate.ErrFormat},
		"words":                    {in: "来週の月曜", err: jdate.ErrFormat},
		"serial number of a sheet": {in: "46349", err: jdate.ErrFormat},
		"instant with zone":        {in: "2026-11-23T17:30:00Z", err: jdate.ErrFormat},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := jdate.Parse(test.in)
			if !errors.Is(err, test.err) {
				t.Fatalf("Parse(%q) error = %v, want %v", test.in, err, test.err)
			}
			if got != test.want {
				t.Errorf("Parse(%q) = %s, want %s", test.in, got, test.want)
			}
		})
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	type forms struct{ LongJa, LongEn, ShortJa, ShortEn, Wareki string }
	tests := map[string]struct {
		day  jdate.Day
		want forms
	}{
		"today": {jdate.On(2026, time.November, 23), forms{
			"2026年11月23日（月）", "Mon 23 Nov 2026", "11/23（月）", "Mon 23 Nov", "令和8年11月23日",
		}},
		"first year": {jdate.On(2019, time.May, 1), forms{
			"2019年5月1日（水）", "Wed 1 May 2019", "5/1（水）", "Wed 1 May", "令和元年5月1日",
		}},
		"day before": {jdate.On(2019, time.April, 30), forms{
			"2019年4月30日（火）", "Tue 30 Apr 2019", "4/30（火）", "Tue 30 Apr", "平成31年4月30日",
		}},
		"before the solar calendar": {jdate.On(1872, time.December, 31), forms{
			"1872年12月31日（火）", "Tue 31 Dec 1872", "12/31（火）", "Tue 31 Dec", "1872年12月31日",
		}},
		"no day": {0, forms{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := test.day
			got := forms{d.Long("ja"), d.Long("en"), d.Short("ja"), d.Short("en"), d.Wareki()}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUntil(t *testing.T) {
	t.Parallel()
	today := jdate.On(2026, time.November, 23)
	for name, test := range map[string]struct {
		day  jdate.Day
		want int
	}{
		"today": {today, 0}, "next week": {today.Add(7), 7}, "over": {today.Add(-3), -3}, "none": {0, 0},
	} {
		if got := test.day.Until(today); got != test.want {
			t.Errorf("%s: Until = %d, want %d", name, got, test.want)
		}
	}
}

// Every form that the package writes is read back as the same day.
func TestWrittenFormsAreRead(t *testing.T) {
	t.Parallel()
	for d := jdate.On(1873, time.January, 1); d.Before(jdate.On(2060, time.January, 1)); d += 13 {
		if d.IsZero() {
			continue
		}
		for _, s := range []string{d.String(), d.Long("ja"), d.Long("en"), d.Wareki()} {
			if got, err := jdate.Parse(s); err != nil || got != d {
				t.Fatalf("Parse(%q) = %s, %v; want %s", s, got, err, d)
			}
		}
	}
}

func TestErasAreInOrder(t *testing.T) {
	t.Parallel()
	list := jdate.Eras()
	for i := 1; i < len(list); i++ {
		if !list[i-1].Start.Before(list[i].Start) {
			t.Errorf("%s starts before %s", list[i].Name, list[i-1].Name)
		}
		era, year, ok := list[i].Start.Era()
		if !ok || era.Name != list[i].Name || year != 1 {
			t.Errorf("first day of %s is %s year %d", list[i].Name, era.Name, year)
		}
	}
}

// FuzzParse asserts that whatever is read is a day that its own ISO form names again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"2026/11/23", "2026-11-23", "2026.11.23", "20261123", "R8.11.23", "令和8年11月23日", "令和元年5月1日", "㋿8年11月23日",
		"２０２６年１１月２３日（月）", "11/23/2026", "H31.4.30", "Mon 23 Nov 2026", "S64.1.7", "", "R081123", "2026/11/23 17:30",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := jdate.Parse(s)
		if err != nil {
			if d != 0 {
				t.Fatalf("Parse(%q) = %s beside an error", s, d)
			}
			return
		}
		again, err := jdate.Parse(d.String())
		if err != nil || again != d {
			t.Fatalf("Parse(%q) = %s, which reads as %s, %v", s, d, again, err)
		}
		if w, err := jdate.Parse(d.Wareki()); d.Time().Year() < 3000 && (err != nil || w != d) {
			t.Fatalf("%s in wareki %q reads as %s, %v", d, d.Wareki(), w, err)
		}
	})
}
