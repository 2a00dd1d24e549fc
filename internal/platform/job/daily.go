package job

import (
	"context"
	"time"

	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// Daily runs something once a day at a time of day in Tokyo. Who was closed at that time catches up on the
// same day. Do must itself know what it has done for the day: after a restart it is called again.
type Daily struct {
	Now func() time.Time
	// At gives the time of day as the duration since midnight; it is asked again before each day.
	At func(ctx context.Context) (time.Duration, error)
	// Do does the work of the day; what goes wrong is tried again after a while.
	Do func(ctx context.Context, day jdate.Day) error
}

// tryAgain is the wait after a Do or At that went wrong, and the longest sleep: clocks are set, times are changed.
const tryAgain = 10 * time.Minute

// Run goes on until ctx ends; failed is told what went wrong and may be nil.
func (d Daily) Run(ctx context.Context, failed func(error)) {
	var done jdate.Day
	for ctx.Err() == nil {
		wait := tryAgain
		now := d.Now()
		today := jdate.Of(now)
		at, err := d.At(ctx)
		if err == nil && today != done {
			if until := today.Start().Add(at).Sub(now); until > 0 {
				wait = min(wait, until)
			} else if err = d.Do(ctx, today); err == nil {
				done = today
			}
		}
		if err != nil && failed != nil && ctx.Err() == nil {
			failed(err)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}
