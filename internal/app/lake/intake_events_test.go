package lake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/kizuki-security/kizuki/evtx/evtxtest"
)

// TestImportEventsGoOn: a Windows event log whose records go to two sources, stopped again and again, comes in once and
// in order, plain or packed; what was not read yet when it was stopped is not said to be refused.
func TestImportEventsGoOn(t *testing.T) {
	t.Parallel()
	var log, packed bytes.Buffer
	records, err := evtxtest.Dense(&log, 110, november)
	z := gzip.NewWriter(&packed)
	if err == nil {
		_, err = z.Write(log.Bytes())
	}
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{} // the generator: every third is a logon
	for n := range records {
		source := "windows.microsoft-windows-sysmon-operational"
		if (n+1)%3 == 0 {
			source = "windows.security"
		}
		want[source] = append(want[source], fmt.Sprintf(`"EventRecordID":%d,`, n+1))
	}
	for name, path := range map[string]string{
		"evtx": file(t, "forwarded.evtx", log.Bytes()), "gzip": file(t, "forwarded.evtx.gz", packed.Bytes()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, stops := t.TempDir(), 0
			for done := false; !done; {
				l := open(t, dir, &clock{november})
				ctx, stop := context.WithCancel(t.Context())
				batches := 0
				files, err := take(ctx, t, l, ImportOptions{Progress: func(int64, int64) {
					if batches++; batches > 1 {
						stop()
					}
				}}, path)
				stop()
				if done = err == nil; !done && !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				for _, f := range files {
					if f.State == Interrupted {
						stops++
					}
					if len(f.Refused) > 0 || len(f.Lost) > 0 || f.Raw > 0 {
						t.Errorf("%+v", f)
					}
				}
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
			}
			got := lines(t, open(t, dir, &clock{november.Add(time.Hour)}))
			if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))) {
				t.Fatalf("sources %v", slices.Sorted(maps.Keys(got)))
			}
			for source, ids := range want {
				if !slices.EqualFunc(got[source], ids, strings.Contains) {
					t.Errorf("%s: %d records, want %d, or they are not in order", source, len(got[source]), len(ids))
				}
			}
			if stops < 2 {
				t.Errorf("stopped %d times only", stops)
			}
		})
	}
}
