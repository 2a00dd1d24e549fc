package sqlite_test

import (
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

func TestRepeatKeys(t *testing.T) {
	t.Parallel()
	open := func() *sqlite.DB {
		db, err := sqlite.Open(t.Context(), t.TempDir()+"/x.db", func() time.Time { return time.UnixMilli(1_790_000_000_000) })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	db, other := open(), open()
	keys := func() (out [3]string) {
		if err := db.Write(t.Context(), func(tx *sqlite.Tx) error {
			out[0], out[1] = tx.NewKey(), tx.NewKey()
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		out[2] = db.NewKey()
		return out
	}
	stop := db.RepeatKeys()
	defer other.RepeatKeys()() // one office built beside another changes nothing in the first
	first := keys()
	stop()
	if free := keys(); free == first {
		t.Error("keys are still the same after stop")
	}
	stop = db.RepeatKeys()
	defer stop()
	if again := keys(); again != first {
		t.Errorf("keys = %v, want those of the first time: %v", again, first)
	}
	if first[0] == first[1] || len(first[0]) != 26 {
		t.Errorf("keys %v are not keys", first)
	}
}
