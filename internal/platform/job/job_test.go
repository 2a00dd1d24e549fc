package job_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/job"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite/sqlitetest"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// open returns a queue on the clock of the bubble.
func open(t *testing.T, file string, cfg job.Config) (*sqlite.DB, *job.Queue) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), file, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(t.Context(), []sqlite.Migration{job.Migrations()}); err != nil {
		t.Fatal(err)
	}
	return db, job.New(db, cfg)
}

func put(t *testing.T, db *sqlite.DB, q *job.Queue, kind string, payload any) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *sqlite.Tx) error { _, err := q.Put(t.Context(), tx, kind, payload); return err })
	if err != nil {
		t.Fatal(err)
	}
}

func jobs(t *testing.T, db *sqlite.DB) (out []job.Job) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *sqlite.Tx) (err error) { out, err = job.List(t.Context(), tx, "", ""); return err })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestBackOff: the waits double to the cap, and after three days the job is failed and still there.
func TestBackOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, q := open(t, filepath.Join(t.TempDir(), "k.db"), job.Config{})
		start := time.Now()
		var tries []string
		var outcomes []job.State
		q.Handle("x", job.Handler{
			Do: func(context.Context, job.Job) error {
				tries = append(tries, time.Since(start).Round(time.Minute).String())
				return errors.New("no route")
			},
			Ended: func(_ context.Context, _ *sqlite.Tx, _ job.Job, o job.Outcome) error {
				outcomes = append(outcomes, o.State)
				return nil
			},
		})
		put(t, db, q, "x", "payload")
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { q.Run(ctx); close(ended) }()
		time.Sleep(100 * time.Hour)
		stop()
		<-ended
		want := []string{
			"0s", "1m0s", "3m0s", "7m0s", "15m0s", "31m0s", "1h3m0s", "2h7m0s", "4h15m0s", "8h31m0s", "14h31m0s", "20h31m0s", "26h31m0s",
			"32h31m0s", "38h31m0s", "44h31m0s", "50h31m0s", "56h31m0s", "62h31m0s", "68h31m0s",
		}
		if diff := cmp.Diff(want, tries); diff != "" {
			t.Errorf("times of the attempts (-want +got):\n%s", diff)
		}
		all := jobs(t, db)
		if len(all) != 1 || all[0].State != job.Failed || all[0].Attempts != len(want) || all[0].Error != "no route" || all[0].Ended.IsZero() {
			t.Errorf("after giving up: %+v", all)
		}
		if last := outcomes[len(outcomes)-1]; len(outcomes) != len(want) || last != job.Failed {
			t.Errorf("%d outcomes told, the last one %q", len(outcomes), last)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		results  []error // of the attempts
		state    job.State
		attempts int
		after    time.Duration // of the last attempt
	}{
		"good":            {[]error{nil}, job.Done, 1, 0},
		"hopeless":        {[]error{job.Permanent(errors.New("no such address"))}, job.Failed, 1, 0},
		"good at last":    {[]error{errors.New("a"), errors.New("b"), nil}, job.Done, 3, 3 * time.Minute},
		"asked to wait":   {[]error{job.Later(errors.New("busy"), time.Hour), nil}, job.Done, 2, time.Hour},
		"wait is bounded": {[]error{job.Later(errors.New("busy"), 1000*time.Hour), nil}, job.Done, 2, 6 * time.Hour},
		"short wait":      {[]error{job.Later(errors.New("busy"), time.Second), nil}, job.Done, 2, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				db, q := open(t, filepath.Join(t.TempDir(), "k.db"), job.Config{})
				start := time.Now()
				var last time.Duration
				q.Handle("x", job.Handler{Do: func(_ context.Context, j job.Job) error {
					last = time.Since(start)
					return tc.results[j.Attempts-1]
				}})
				put(t, db, q, "x", nil)
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan struct{})
				go func() { q.Run(ctx); close(ended) }()
				time.Sleep(24 * time.Hour)
				stop()
				<-ended
				all := jobs(t, db)
				if all[0].State != tc.state || all[0].Attempts != tc.attempts || last != tc.after {
					t.Errorf("state %s after %d attempts, the last one at %s; want %s, %d, %s", all[0].State, all[0].Attempts, last, tc.state, tc.attempts, tc.after)
				}
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestSpread: with a source of chance no two jobs wait alike, and none longer or shorter than a fifth.
func TestSpread(t *testing.T) {
	t.Parallel()
	clock := sqlitetest.NewClock("2026-11-23")
	db := sqlitetest.Open(t, clock, job.Migrations())
	q := job.New(db, job.Config{Rand: rand.New(rand.NewPCG(1, 2))})
	q.Handle("x", job.Handler{Do: func(context.Context, job.Job) error { return errors.New("no") }})
	for range 20 {
		put(t, db, q, "x", nil)
	}
	if err := q.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := map[time.Duration]bool{}
	for _, j := range jobs(t, db) {
		wait := j.Next.Sub(clock.Now())
		if wait < 48*time.Second || wait > 72*time.Second {
			t.Errorf("waits %s", wait)
		}
		seen[wait] = true
	}
	if len(seen) < 15 {
		t.Errorf("only %d different waits of 20", len(seen))
	}
}

// TestNothingHappensWithoutTheAct: a job of a transaction that fails is never done; one of an act that is
// committed is done at once, although the worker was asleep.
func TestNothingHappensWithoutTheAct(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, q := open(t, filepath.Join(t.TempDir(), "k.db"), job.Config{})
		var did []string
		q.Handle("x", job.Handler{Do: func(_ context.Context, j job.Job) error { did = append(did, string(j.Payload)); return nil }})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { q.Run(ctx); close(ended) }()
		time.Sleep(time.Second)
		broken := errors.New("the act failed")
		err := db.Write(t.Context(), func(tx *sqlite.Tx) error {
			if _, err := q.Put(t.Context(), tx, "x", "lost"); err != nil {
				return err
			}
			return broken
		})
		if !errors.Is(err, broken) {
			t.Error(err)
		}
		put(t, db, q, "x", "kept")
		time.Sleep(time.Second)
		synctest.Wait()
		if diff := cmp.Diff([]string{`"kept"`}, did); diff != "" {
			t.Errorf("done (-want +got):\n%s", diff)
		}
		stop()
		<-ended
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestStop: a stop interrupts the job at hand, and the next start does it again.
func TestStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, q := open(t, filepath.Join(t.TempDir(), "k.db"), job.Config{})
		hang := true
		ends := 0
		q.Handle("x", job.Handler{
			Do: func(ctx context.Context, _ job.Job) error {
				if hang {
					<-ctx.Done()
				}
				return ctx.Err()
			},
			Ended: func(context.Context, *sqlite.Tx, job.Job, job.Outcome) error { ends++; return nil },
		})
		put(t, db, q, "x", nil)
		for range 2 {
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { q.Run(ctx); close(ended) }()
			time.Sleep(time.Second)
			stop()
			<-ended
			hang = false
		}
		if all := jobs(t, db); all[0].State != job.Done || all[0].Attempts != 2 || ends != 1 {
			t.Errorf("%+v, %d ends", all[0], ends)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestBadHandlers: an unknown kind and a panic fail or wait like other errors, and the others go on. An attempt that
// never comes back is cut off.
func TestBadHandlers(t *testing.T) {
	t.Parallel()
	clock := sqlitetest.NewClock("2026-11-23")
	db := sqlitetest.Open(t, clock, job.Migrations())
	q := job.New(db, job.Config{Limit: time.Millisecond})
	q.Handle("panics", job.Handler{Do: func(context.Context, job.Job) error { panic("oh") }})
	q.Handle("hangs", job.Handler{Do: func(ctx context.Context, _ job.Job) error { <-ctx.Done(); return ctx.Err() }})
	q.Handle("good", job.Handler{Do: func(context.Context, job.Job) error { return nil }})
	for _, kind := range []string{"nobody", "panics", "hangs", "good"} {
		put(t, db, q, kind, nil)
	}
	if err := q.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, j := range jobs(t, db) {
		got = append(got, fmt.Sprint(j.Kind, " ", j.State))
	}
	if diff := cmp.Diff([]string{"nobody failed", "panics queued", "hangs queued", "good done"}, got); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a second handler of a kind is taken")
			}
		}()
		q.Handle("good", job.Handler{Do: func(context.Context, job.Job) error { return nil }})
	}()
}

// TestClockSetBack: a job that waits by a clock that was years ahead is not lost when the clock is set right.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	clock := sqlitetest.NewClock("2031-01-01")
	db := sqlitetest.Open(t, clock, job.Migrations())
	q := job.New(db, job.Config{})
	n := 0
	q.Handle("x", job.Handler{Do: func(context.Context, job.Job) error {
		if n++; n == 1 {
			return errors.New("no")
		}
		return nil
	}})
	put(t, db, q, "x", nil)
	for _, day := range []string{"2031-01-01", "2026-11-23"} {
		clock.SetDay(day)
		if err := q.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if all := jobs(t, db); all[0].State != job.Done {
		t.Errorf("%+v", all[0])
	}
}

// TestHurryAndSweep: what waits can be made due, and what was done long ago goes; what failed stays.
func TestHurryAndSweep(t *testing.T) {
	t.Parallel()
	clock := sqlitetest.NewClock("2026-11-23")
	db := sqlitetest.Open(t, clock, job.Migrations())
	q := job.New(db, job.Config{})
	mended := false
	q.Handle("x", job.Handler{Do: func(context.Context, job.Job) error {
		if mended {
			return nil
		}
		return errors.New("no server")
	}})
	q.Handle("bad", job.Handler{Do: func(context.Context, job.Job) error { return job.Permanent(errors.New("no")) }})
	put(t, db, q, "x", nil)
	put(t, db, q, "bad", nil)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(q.RunDue(t.Context()))
	mended = true
	must(db.Write(t.Context(), func(tx *sqlite.Tx) error { return q.Hurry(t.Context(), tx, "x") }))
	must(q.RunDue(t.Context()))
	clock.Advance(time.Hour)
	must(db.Write(t.Context(), func(tx *sqlite.Tx) error { return job.Sweep(t.Context(), tx, tx.Now) }))
	if all := jobs(t, db); len(all) != 1 || all[0].Kind != "bad" {
		t.Errorf("left: %+v", all)
	}
}

// TestKill kills a process in the middle of its jobs, again and again: every job is done at least once.
func TestKill(t *testing.T) {
	t.Parallel()
	const jobsPut = 12
	dir := t.TempDir()
	file, did := filepath.Join(dir, "k.db"), filepath.Join(dir, "did")
	if os.Getenv("KIZUKI_JOB_DIR") != "" {
		return // the process runs TestKillChild only
	}
	db, q := open(t, file, job.Config{})
	for n := range jobsPut {
		put(t, db, q, "note", n)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	kills := 0
	for range 3 * jobsPut {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKillChild$")
		cmd.Env = append(os.Environ(), "KIZUKI_JOB_DIR="+dir)
		if err := cmd.Run(); err == nil {
			break // it found nothing more to do
		}
		kills++
	}
	text, err := os.ReadFile(did)
	if err != nil {
		t.Fatal(err)
	}
	times := map[string]int{}
	for line := range strings.Lines(string(text)) {
		times[strings.TrimSpace(line)]++
	}
	for n := range jobsPut {
		if times[strconv.Itoa(n)] == 0 {
			t.Errorf("job %d was never done", n)
		}
	}
	db, _ = open(t, file, job.Config{})
	for _, j := range jobs(t, db) {
		if j.State != job.Done && j.State != job.Queued { // one that was killed after its work waits to be done again
			t.Errorf("job %s is %s", j.Payload, j.State)
		}
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if kills < jobsPut/2 {
		t.Errorf("the process was killed %d times only", kills)
	}
}

// TestKillChild is the process that TestKill starts: it kills itself after every second job, between the deed
// and its being written down.
func TestKillChild(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("KIZUKI_JOB_DIR")
	if dir == "" {
		return // only as the process that TestKill starts
	}
	db, q := open(t, filepath.Join(dir, "k.db"), job.Config{First: time.Millisecond})
	did, err := os.OpenFile(filepath.Join(dir, "did"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	q.Handle("note", job.Handler{Do: func(_ context.Context, j job.Job) error {
		if _, err := fmt.Fprintf(did, "%s\n", j.Payload); err != nil {
			return err
		}
		if n++; n == 2 {
			self, err := os.FindProcess(os.Getpid())
			if err != nil {
				return err
			}
			return errors.Join(self.Kill(), errors.New("killed")) // SIGKILL: nothing is tidied up
		}
		return nil
	}})
	if err := q.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := jobs(t, db); len(left) > 0 && left[len(left)-1].State != job.Done {
		os.Exit(3)
	}
	if err := errors.Join(did.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestDaily: once a day at its time, again the same day after what went wrong, and after a restart it catches up.
func TestDaily(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var did []string
		wrong := 0
		run := func(d time.Duration) {
			ctx, stop := context.WithTimeout(t.Context(), d)
			defer stop()
			job.Daily{
				Now: time.Now,
				At:  func(context.Context) (time.Duration, error) { return 8 * time.Hour, nil },
				Do: func(_ context.Context, day jdate.Day) error {
					if day == jdate.On(2000, 1, 2) && wrong < 2 {
						return errors.New("no")
					}
					did = append(did, day.String()+time.Now().In(jdate.Tokyo).Format(" 15:04"))
					return nil
				},
			}.Run(ctx, func(error) { wrong++ })
		}
		// The bubble begins at 2000-01-01 00:00 UTC, 9:00 in Tokyo.
		run(50 * time.Hour)
		run(time.Hour)
		want := []string{"2000-01-01 09:00", "2000-01-02 08:20", "2000-01-03 08:00", "2000-01-03 11:00"}
		if diff := cmp.Diff(want, did); diff != "" || wrong != 2 {
			t.Errorf("%d wrong; done (-want +got):\n%s", wrong, diff)
		}
	})
}
