package event_test

import (
	"testing"

	"github.com/kizuki-security/kizuki/internal/logs/event"
)

func TestPlaceOf(t *testing.T) {
	t.Parallel()
	for place, name := range event.Promoted {
		if got := event.PlaceOf(name); got != place {
			t.Errorf("%s is at %d, not %d", name, got, place)
		}
		for _, other := range []string{name + "x", name[1:], "x" + name, name[:len(name)-1] + "\xff"} {
			if got := event.PlaceOf(other); got >= 0 && event.Promoted[got] != other {
				t.Errorf("%s is at %d, where %s is", other, got, event.Promoted[got])
			}
		}
	}
	for _, name := range []string{"", "image", "\x00", "気づき"} {
		if got := event.PlaceOf(name); got != -1 {
			t.Errorf("%q is at %d", name, got)
		}
	}
}
