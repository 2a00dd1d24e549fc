package app_test

import (
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/people"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

func TestDemoHasTheStaffOfOnePlant(t *testing.T) {
	t.Parallel()
	started := time.Now() //nolint:forbidigo // tests measure the real time that passes
	a := openDemo(t)
	took := time.Since(started)
	t.Logf("built in %s", took)
	if took > 10*time.Second {
		t.Errorf("built in %s", took)
	}
	err := a.DB.Read(t.Context(), func(tx *sqlite.Tx) error {
		list, err := a.People.List(t.Context(), tx, people.Filter{ActiveOn: jdate.Of(tx.Now)})
		if len(list) != 120 {
			t.Errorf("%d active people", len(list))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
