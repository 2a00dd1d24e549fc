package sqlite_test

import (
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

// Not parallel: RepeatKeys is one switch for the whole process.
func TestRepeatKeys(t *testing.T) {
	at := time.UnixMilli(1_790_000_000_000)
	keys := func() (out [3]string) {
		for i := range out {
			out[i] = sqlite.NewKey(at)
		}
		return out
	}
	stop := sqlite.RepeatKeys()
	first := keys()
	stop()
	if free := keys(); free == first {
		t.Error("keys are still the same after stop")
	}
	stop = sqlite.RepeatKeys()
	defer stop()
	if again := keys(); again != first {
		t.Errorf("keys = %v, want those of the first time: %v", again, first)
	}
	if first[0] == first[1] || len(first[0]) != 26 {
		t.Errorf("keys %v are not keys", first)
	}
}
