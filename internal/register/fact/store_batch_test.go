package fact_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/register/fact"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

var kinds = []string{"a.one", "a.two"}

// random makes facts of n records, some of them empty, some with a fact twice.
func random(rng *rand.Rand, n int) []fact.Batch {
	var out []fact.Batch
	for i := range n {
		b := fact.Batch{Record: "r/" + strconv.Itoa(i)}
		for range rng.IntN(3) {
			b.Facts = append(b.Facts, fact.Fact{
				Kind: kinds[rng.IntN(2)], Record: b.Record, Member: "person/" + strconv.Itoa(i), On: jdate.Day(20000 + rng.IntN(3)),
				Attrs: map[string]string{"x": strconv.Itoa(rng.IntN(2))},
			})
		}
		out = append(out, b)
	}
	return out
}

// What PutMany leaves behind is what one Put for each record leaves behind, row by row of the whole history.
func TestPutManyIsManyPuts(t *testing.T) {
	t.Parallel()
	for _, records := range []int{3, 60} { // below and above the size at which everything is read at once
		t.Run(strconv.Itoa(records), func(t *testing.T) {
			t.Parallel()
			clock := sqlitetest.NewClock("2026-11-23")
			one, many := sqlitetest.Open(t, clock, fact.Migrations()), sqlitetest.Open(t, clock, fact.Migrations())
			var touchedOne, touchedMany [][]string
			storeOne := fact.NewStore(func(_ context.Context, _ *sqlite.Tx, k []string) error {
				touchedOne = append(touchedOne, slices.Clone(k))
				return nil
			})
			storeMany := fact.NewStore(func(_ context.Context, _ *sqlite.Tx, k []string) error {
				touchedMany = append(touchedMany, slices.Clone(k))
				return nil
			})
			rng := rand.New(rand.NewPCG(1, uint64(records)))
			for range 5 {
				batches := random(rng, records)
				write(t, one, func(tx *sqlite.Tx) error {
					for _, b := range batches {
						if err := storeOne.Put(t.Context(), tx, b.Record, kinds, b.Facts); err != nil {
							return err
						}
					}
					return nil
				})
				write(t, many, func(tx *sqlite.Tx) error { return storeMany.PutMany(t.Context(), tx, kinds, batches) })
				if diff := cmp.Diff(current(t, one, storeOne), current(t, many, storeMany), cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("present facts (-put +many):\n%s", diff)
				}
			}
			if diff := cmp.Diff(touchedOne, touchedMany); diff != "" {
				t.Errorf("touched kinds (-put +many):\n%s", diff)
			}
		})
	}
}

func TestPutManyRefusesForeignFacts(t *testing.T) {
	t.Parallel()
	db := sqlitetest.Open(t, sqlitetest.NewClock("2026-11-23"), fact.Migrations())
	store := fact.NewStore(nil)
	err := db.Write(t.Context(), func(tx *sqlite.Tx) error {
		return store.PutMany(t.Context(), tx, kinds, []fact.Batch{{Record: "r/1", Facts: []fact.Fact{{Kind: "b.other", Record: "r/1"}}}})
	})
	if err == nil {
		t.Error("a fact of another kind was taken")
	}
}

func TestMembersBeyond(t *testing.T) {
	t.Parallel()
	db := sqlitetest.Open(t, sqlitetest.NewClock("2026-11-23"), fact.Migrations())
	store := fact.NewStore(nil)
	write(t, db, func(tx *sqlite.Tx) error {
		return store.PutMany(t.Context(), tx, kinds, []fact.Batch{
			{Record: "r/1", Facts: []fact.Fact{{Kind: "a.one", Record: "r/1", Member: "person/1"}, {Kind: "a.two", Record: "r/1", Member: "person/2"}}},
			{Record: "r/2", Facts: []fact.Fact{{Kind: "a.two", Record: "r/2", Member: "session/9"}}},
		})
	})
	err := db.Read(t.Context(), func(tx *sqlite.Tx) error {
		got, err := store.MembersBeyond(t.Context(), tx, "person/", []string{"a.one"})
		if diff := cmp.Diff(map[string]bool{"person/2": true}, got); diff != "" {
			t.Errorf("members (-want +got):\n%s", diff)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, db *sqlite.DB, fn func(tx *sqlite.Tx) error) {
	t.Helper()
	if err := db.Write(t.Context(), fn); err != nil {
		t.Fatalf("write: %v", err)
	}
}

func current(t *testing.T, db *sqlite.DB, store *fact.Store) (out []fact.Fact) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *sqlite.Tx) (err error) {
		out, err = store.Current(t.Context(), tx)
		return err
	})
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return out
}
