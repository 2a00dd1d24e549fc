package fact_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// journal notes what the touched hook was told.
type journal struct{ told [][]string }

func (j *journal) hook(_ context.Context, _ *sqlite.Tx, kinds []string) error {
	j.told = append(j.told, slices.Clone(kinds))
	return nil
}

func (j *journal) take() [][]string {
	told := j.told
	j.told = nil
	return told
}

func one(kind, record, member, topic string) fact.Fact {
	return fact.Fact{Kind: kind, Record: record, Member: member, On: jdate.On(2026, time.June, 1), Attrs: map[string]string{"topic": topic}, Link: "/" + record}
}

func history(t *testing.T, db *sqlite.DB) (n int) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *sqlite.Tx) error {
		return tx.QueryRowContext(t.Context(), "SELECT count(*) FROM facts").Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

var content = cmpopts.IgnoreFields(fact.Fact{}, "ID", "RecordedAt", "Hash")

func TestPutIsTheCompletePresentSet(t *testing.T) {
	t.Parallel()
	var told journal
	clock := sqlitetest.NewClock("2026-11-23")
	db, store := sqlitetest.Open(t, clock, fact.Migrations()), fact.NewStore(told.hook)
	a, b, other := one("a.one", "r/1", "person/1", "mail"), one("a.one", "r/1", "person/2", "mail"), one("b.one", "r/1", "person/1", "mail")
	changed := a
	changed.Attrs = map[string]string{"topic": "web"}
	steps := []struct {
		name    string
		kinds   []string
		facts   []fact.Fact
		want    []fact.Fact // present afterwards
		history int         // rows ever written
		told    [][]string
	}{
		{"first", []string{"a.one", "a.two"}, []fact.Fact{a, b}, []fact.Fact{a, b}, 2, [][]string{{"a.one", "a.two"}}},
		{"the same again", []string{"a.one", "a.two"}, []fact.Fact{b, a}, []fact.Fact{a, b}, 2, nil},
		{"the same twice", []string{"a.one", "a.two"}, []fact.Fact{a, a, b}, []fact.Fact{a, b}, 2, nil},
		{"another kind of the record", []string{"b.one"}, []fact.Fact{other}, []fact.Fact{a, b, other}, 3, [][]string{{"b.one"}}},
		{"content changes", []string{"a.one", "a.two"}, []fact.Fact{changed, b}, []fact.Fact{b, other, changed}, 5, [][]string{{"a.one"}}},
		{"one is gone", []string{"a.one", "a.two"}, []fact.Fact{changed}, []fact.Fact{other, changed}, 6, [][]string{{"a.one"}}},
		{"it comes back", []string{"a.one", "a.two"}, []fact.Fact{changed, b}, []fact.Fact{other, changed, b}, 7, [][]string{{"a.one"}}},
		{"nothing left", []string{"a.one", "a.two"}, nil, []fact.Fact{other}, 9, [][]string{{"a.one"}}},
	}
	for _, s := range steps { // one after the other: each builds on the one before
		write(t, db, func(tx *sqlite.Tx) error { return store.Put(t.Context(), tx, "r/1", s.kinds, s.facts) })
		if diff := cmp.Diff(s.want, current(t, db, store), content, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: present facts (-want +got):\n%s", s.name, diff)
		}
		if got := history(t, db); got != s.history {
			t.Errorf("%s: %d rows in all, want %d", s.name, got, s.history)
		}
		if diff := cmp.Diff(s.told, told.take()); diff != "" {
			t.Errorf("%s: touched (-want +got):\n%s", s.name, diff)
		}
		clock.Advance(time.Minute)
	}
}

func TestTouchedOncePerTransaction(t *testing.T) {
	t.Parallel()
	var told journal
	db, store := sqlitetest.Open(t, sqlitetest.NewClock("2026-11-23"), fact.Migrations()), fact.NewStore(nil)
	store.OnTouched(told.hook)
	write(t, db, func(tx *sqlite.Tx) error {
		return errors.Join(
			store.Put(t.Context(), tx, "r/2", []string{"b.one"}, []fact.Fact{one("b.one", "r/2", "", "x")}),
			store.Put(t.Context(), tx, "r/1", []string{"a.one"}, []fact.Fact{one("a.one", "r/1", "", "x")}),
			store.Put(t.Context(), tx, "r/1", []string{"a.one"}, []fact.Fact{one("a.one", "r/1", "", "y")}),
		)
	})
	if diff := cmp.Diff([][]string{{"a.one", "b.one"}}, told.take()); diff != "" {
		t.Errorf("touched (-want +got):\n%s", diff)
	}
}

func TestTouchedBelongsToTheAct(t *testing.T) {
	t.Parallel()
	broken := errors.New("judge failed")
	db := sqlitetest.Open(t, sqlitetest.NewClock("2026-11-23"), fact.Migrations())
	store := fact.NewStore(func(context.Context, *sqlite.Tx, []string) error { return broken })
	err := db.Write(t.Context(), func(tx *sqlite.Tx) error {
		return store.Put(t.Context(), tx, "r/1", []string{"a.one"}, []fact.Fact{one("a.one", "r/1", "", "x")})
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want that of the hook", err)
	}
	if got := current(t, db, store); got != nil {
		t.Errorf("facts %v stayed without their verdicts", got)
	}
}

func TestPutRefusesForeignFacts(t *testing.T) {
	t.Parallel()
	db, store := sqlitetest.Open(t, sqlitetest.NewClock("2026-11-23"), fact.Migrations()), fact.NewStore(nil)
	for name, f := range map[string]fact.Fact{"another record": one("a.one", "r/2", "", ""), "another kind": one("a.two", "r/1", "", "")} {
		err := db.Write(t.Context(), func(tx *sqlite.Tx) error { return store.Put(t.Context(), tx, "r/1", []string{"a.one"}, []fact.Fact{f}) })
		if err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestFactsCannotBeChangedOrRemoved(t *testing.T) {
	t.Parallel()
	db, store := sqlitetest.Open(t, sqlitetest.NewClock("2026-11-23"), fact.Migrations()), fact.NewStore(nil)
	write(t, db, func(tx *sqlite.Tx) error {
		return store.Put(t.Context(), tx, "r/1", []string{"a.one"}, []fact.Fact{one("a.one", "r/1", "", "x")})
	})
	for _, text := range []string{"UPDATE facts SET on_day = '2026-11-23'", "DELETE FROM facts", "REPLACE INTO facts SELECT * FROM facts"} {
		err := db.Write(t.Context(), func(tx *sqlite.Tx) error {
			_, err := tx.ExecContext(t.Context(), text)
			return err
		})
		if err == nil {
			t.Errorf("%s went through", text)
		}
	}
}

func TestFrozenRowsStayReadable(t *testing.T) {
	t.Parallel()
	db, store := sqlitetest.Open(t, sqlitetest.NewClock("2026-11-23"), fact.Migrations()), fact.NewStore(nil)
	put := func(facts ...fact.Fact) {
		t.Helper()
		write(t, db, func(tx *sqlite.Tx) error { return store.Put(t.Context(), tx, "r/1", []string{"a.one"}, facts) })
	}
	put(one("a.one", "r/1", "person/1", "mail"))
	frozen := current(t, db, store)[0]
	put()
	err := db.Read(t.Context(), func(tx *sqlite.Tx) error {
		rows, err := store.ByID(t.Context(), tx, []int64{frozen.ID, 999})
		if diff := cmp.Diff([]fact.Fact{frozen}, rows); diff != "" {
			t.Errorf("frozen row (-want +got):\n%s", diff)
		}
		none, err2 := store.ByID(t.Context(), tx, nil)
		if none != nil {
			t.Errorf("no ids gave %v", none)
		}
		return errors.Join(err, err2)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCurrentByKind(t *testing.T) {
	t.Parallel()
	db, store := sqlitetest.Open(t, sqlitetest.NewClock("2026-11-23"), fact.Migrations()), fact.NewStore(nil)
	late := one("a.one", "r/1", "person/1", "late")
	late.On = jdate.On(2026, time.July, 1)
	early := one("a.one", "r/2", "person/2", "two\nlines=odd")
	write(t, db, func(tx *sqlite.Tx) error {
		return errors.Join(
			store.Put(t.Context(), tx, "r/1", []string{"a.one", "a.two"}, []fact.Fact{late, one("a.two", "r/1", "", "")}),
			store.Put(t.Context(), tx, "r/2", []string{"a.one"}, []fact.Fact{early}),
		)
	})
	err := db.Read(t.Context(), func(tx *sqlite.Tx) error {
		got, err := store.Current(t.Context(), tx, "a.one")
		if err != nil {
			return err
		}
		if len(got) != 2 || got[0].Member != "person/2" || got[1].Member != "person/1" {
			t.Errorf("order by day: %v", got)
		}
		if topic := got[0].Attr("topic"); topic != "two lines=odd" {
			t.Errorf("attribute %q", topic)
		}
		if !got[0].RecordedAt.Equal(tx.Now) || len(got[0].Hash) != 32 {
			t.Errorf("recorded %v, hash %q", got[0].RecordedAt, got[0].Hash)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	write(t, db, func(tx *sqlite.Tx) error {
		return store.Put(t.Context(), tx, "r/2", []string{"a.one"}, []fact.Fact{early})
	})
	if got := history(t, db); got != 3 {
		t.Errorf("%d rows in all, want 3: a text of two lines is the same when it comes again", got)
	}
}

func TestReadings(t *testing.T) {
	t.Parallel()
	var told journal
	clock := sqlitetest.NewClock("2026-11-23")
	db, store := sqlitetest.Open(t, clock, fact.Migrations()), fact.NewStore(told.hook)
	kinds := []string{"a.one"}
	put := func() {
		write(t, db, func(tx *sqlite.Tx) error { return store.Put(t.Context(), tx, "r/1", kinds, nil) })
	}
	fail := func() {
		write(t, db, func(tx *sqlite.Tx) error { return store.Fail(t.Context(), tx, kinds, errors.New("no such table")) })
	}
	start := clock.Now()
	steps := []struct {
		name  string
		after time.Duration
		act   func()
		want  fact.Reading // as durations after start: see below
		told  [][]string
	}{
		{"never read before", 0, put, fact.Reading{At: start}, [][]string{{"a.one"}}},
		{"soon again", time.Hour, put, fact.Reading{At: start.Add(time.Hour)}, nil},
		{"after a long silence", 50 * time.Hour, put, fact.Reading{At: start.Add(50 * time.Hour)}, [][]string{{"a.one"}}},
		{"failed", 51 * time.Hour, fail, fact.Reading{At: start.Add(50 * time.Hour), Fail: start.Add(51 * time.Hour), Note: "no such table"}, [][]string{{"a.one"}}},
		{"good again", 52 * time.Hour, put, fact.Reading{At: start.Add(52 * time.Hour)}, [][]string{{"a.one"}}},
	}
	for _, s := range steps {
		clock.Advance(s.after - clock.Now().Sub(start))
		s.act()
		err := db.Read(t.Context(), func(tx *sqlite.Tx) error {
			got, err := store.Readings(t.Context(), tx)
			if diff := cmp.Diff(map[string]fact.Reading{"a.one": s.want}, got); diff != "" {
				t.Errorf("%s: readings (-want +got):\n%s", s.name, diff)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s.told, told.take()); diff != "" {
			t.Errorf("%s: touched (-want +got):\n%s", s.name, diff)
		}
	}
}

// source yields what it is told to.
type source struct {
	records []fact.Batch
	err     error
}

func (source) Kinds() []string { return []string{"a.one", "a.two"} }

func (s source) EachRecord(_ context.Context, _ *sqlite.Tx, yield func(string, []fact.Fact) error) error {
	for _, b := range s.records {
		if err := yield(b.Record, b.Facts); err != nil {
			return err
		}
	}
	return s.err
}

func TestSync(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk")
	old := []fact.Batch{
		{Record: "r/1", Facts: []fact.Fact{one("a.one", "r/1", "person/1", "mail")}},
		{Record: "r/2", Facts: []fact.Fact{one("a.two", "r/2", "person/2", "mail")}},
	}
	outside := one("b.one", "r/2", "person/2", "mail")
	added := fact.Batch{Record: "r/3", Facts: []fact.Fact{one("a.one", "r/3", "person/3", "web")}}
	tests := []struct {
		name string
		src  source
		want []fact.Fact
		fail bool
	}{
		{"unchanged", source{records: old}, []fact.Fact{old[0].Facts[0], old[1].Facts[0], outside}, false},
		{"a record vanished", source{records: old[:1]}, []fact.Fact{old[0].Facts[0], outside}, false},
		{"a record came", source{records: append(slices.Clone(old), added)}, []fact.Fact{old[0].Facts[0], old[1].Facts[0], outside, added.Facts[0]}, false},
		{"everything vanished", source{}, []fact.Fact{outside}, false},
		{"a record gives nothing any more", source{records: []fact.Batch{old[0], {Record: "r/2"}}}, []fact.Fact{old[0].Facts[0], outside}, false},
		{"the source failed halfway", source{records: old[:1], err: broken}, []fact.Fact{old[0].Facts[0], old[1].Facts[0], outside}, true},
		{"a record came twice", source{records: append(slices.Clone(old), old[0])}, []fact.Fact{old[0].Facts[0], old[1].Facts[0], outside}, true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			db, store := sqlitetest.Open(t, sqlitetest.NewClock("2026-11-23"), fact.Migrations()), fact.NewStore(nil)
			write(t, db, func(tx *sqlite.Tx) error {
				return errors.Join(
					store.PutMany(t.Context(), tx, source{}.Kinds(), old),
					store.Put(t.Context(), tx, "r/2", []string{"b.one"}, []fact.Fact{outside}),
				)
			})
			err := db.Write(t.Context(), func(tx *sqlite.Tx) error { return store.Sync(t.Context(), tx, tc.src) })
			if (err != nil) != tc.fail {
				t.Errorf("sync: %v", err)
			}
			if diff := cmp.Diff(tc.want, current(t, db, store), content); diff != "" {
				t.Errorf("present facts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPutManyTakesTheLastOfARecord(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 30} { // below and above the size at which everything is read at once
		db, store := sqlitetest.Open(t, sqlitetest.NewClock("2026-11-23"), fact.Migrations()), fact.NewStore(nil)
		var batches []fact.Batch
		for _, topic := range []string{"old", "new"} {
			for i := range n {
				record := "r/" + string(rune('a'+i))
				batches = append(batches, fact.Batch{Record: record, Facts: []fact.Fact{one("a.one", record, "person/1", topic)}})
			}
		}
		write(t, db, func(tx *sqlite.Tx) error { return store.PutMany(t.Context(), tx, []string{"a.one"}, batches) })
		got := current(t, db, store)
		if len(got) != n {
			t.Fatalf("%d present facts, want %d", len(got), n)
		}
		for _, f := range got {
			if f.Attr("topic") != "new" {
				t.Errorf("%s: topic %q, want the last that was given", f.Record, f.Attr("topic"))
			}
		}
	}
}
