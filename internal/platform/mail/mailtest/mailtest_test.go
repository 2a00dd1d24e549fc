package mailtest_test

import (
	"testing"

	"github.com/kizuki-security/kizuki/internal/platform/mail"
	"github.com/kizuki-security/kizuki/internal/platform/mail/mailtest"
)

// TestEndsAtOnce: a server that its test never spoke to ends too, even when it had no time to begin to listen.
func TestEndsAtOnce(t *testing.T) {
	t.Parallel()
	for range 50 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			mailtest.Start(t, mail.None)
		})
	}
}
