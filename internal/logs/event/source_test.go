package event_test

import (
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/logs/event"
)

func TestValidSource(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"fw": true, "windows.security": true, "0-a_b.c": true, strings.Repeat("a", 64): true, "console": true, "com10": true, "com": true,
		"nul-1": true, "fw.nul": true,
		"": false, "Fw": false, "a b": false, ".a": false, "a.": false, "-a": false, strings.Repeat("a", 65): false, "気": false,
		"con": false, "nul": false, "aux": false, "prn": false, "com1": false, "lpt9": false, "com0": false, "nul.log": false, "con.a.b": false,
	} {
		if got := event.ValidSource(name); got != want {
			t.Errorf("%q: %t", name, got)
		}
	}
}
