package job

import (
	"context"
	"fmt"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

// lookAgain is the longest sleep of the worker: a clock that was set is noticed within it.
const lookAgain = time.Minute

// Run does the jobs until ctx ends. The job at hand is then stopped and counts as interrupted: the next Run
// does it again. One Run at a time.
func (q *Queue) Run(ctx context.Context) {
	whole := false // whether no job of ours can be left running
	for ctx.Err() == nil {
		worked, wait, err := false, lookAgain, error(nil)
		if !whole {
			err = q.resume(ctx)
		}
		if whole = err == nil; whole {
			worked, wait, err = q.step(ctx)
		}
		if err != nil && ctx.Err() == nil {
			q.cfg.Log.ErrorContext(ctx, "queue of jobs stands still", "error", err)
			worked, wait, whole = false, lookAgain, false // a full disk: what could not be settled is taken up again
		}
		if !worked {
			q.sleep(ctx, wait)
		}
	}
}

// RunDue does every job that is due now and returns: for commands that end, and for tests.
func (q *Queue) RunDue(ctx context.Context) error {
	if err := q.resume(ctx); err != nil {
		return err
	}
	for {
		worked, _, err := q.step(ctx)
		if err != nil || !worked {
			return err
		}
	}
}

func (q *Queue) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-q.wake:
	case <-timer.C:
	}
}

// resume takes up what was running when the process ended: at once the first time, later when it happened
// before, so that a job which kills the process does not keep it from ever coming up.
func (q *Queue) resume(ctx context.Context) error {
	return q.db.Write(ctx, func(tx *sqlite.Tx) error {
		jobs, err := interrupted(ctx, tx)
		if err != nil {
			return err
		}
		for _, j := range jobs {
			at := tx.Now
			if j.Attempts > 1 {
				at = at.Add(q.backoff(j.Attempts - 1))
			}
			if err := requeue(ctx, tx, j.Key, at); err != nil {
				return err
			}
		}
		return nil
	})
}

// step does one job that is due. wait is how long nothing is, when there is none.
func (q *Queue) step(ctx context.Context) (worked bool, wait time.Duration, err error) {
	var j *Job
	wait = lookAgain
	err = q.db.Write(ctx, func(tx *sqlite.Tx) error {
		if err := tooFar(ctx, tx, 2*q.cfg.Cap); err != nil {
			return err
		}
		found, at, err := next(ctx, tx)
		if err != nil || found == nil {
			if !at.IsZero() {
				wait = min(wait, at.Sub(tx.Now))
			}
			return err
		}
		j = found
		j.Attempts++
		return begin(ctx, tx, j.Key)
	})
	if err != nil || j == nil {
		return false, wait, err
	}
	done := q.try(ctx, *j)
	if ctx.Err() != nil {
		return false, 0, ctx.Err() // stays running: resume takes it up
	}
	return true, 0, q.settle(ctx, *j, done)
}

// try makes one attempt. A panic is an error like others: one bad job must not stop the queue.
func (q *Queue) try(ctx context.Context, j Job) (err error) {
	h, ok := q.handlers[j.Kind]
	if !ok {
		return Permanent(fmt.Errorf("nobody handles jobs of kind %s", j.Kind))
	}
	ctx, cancel := context.WithTimeout(ctx, q.cfg.Limit)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("job panicked: %v", p)
		}
	}()
	return h.Do(ctx, j)
}

// settle writes down how the attempt ended. If that fails, the job runs again after the next start.
func (q *Queue) settle(ctx context.Context, j Job, failure error) error {
	return q.db.Write(ctx, func(tx *sqlite.Tx) error {
		o := q.outcome(j, failure, tx.Now)
		if err := end(ctx, tx, j.Key, o); err != nil {
			return err
		}
		if h := q.handlers[j.Kind]; h.Ended != nil {
			return h.Ended(ctx, tx, j, o)
		}
		return nil
	})
}
