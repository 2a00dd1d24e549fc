// Package job is a small persistent queue: what an act wants done later is written in the act's own
// transaction, so that it happens if and only if the act did.
//
// One worker runs the jobs, each at least once: a job that was running when the machine lost power runs
// again. Handlers must therefore bear being called twice for the same job. A job that goes wrong is tried
// again after a while that doubles, until it has been tried for GiveUp; then it is failed, and stays
// visible. It owns the words job, kind and attempt, imports sqlite only, and knows no office word: kinds and
// their handlers come from app.
package job

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations returns the table of the queue.
func Migrations() sqlite.Migration { return sqlite.Migration{Feature: "job", FS: migrations} }

// State is where a job stands.
type State string

// The states: queued → running → done, or queued again, or failed for good.
const (
	Queued  State = "queued"
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed"
)

// Job is one thing to do.
type Job struct {
	Key      string
	Kind     string
	Payload  json.RawMessage
	State    State
	Attempts int       // begun so far, this one included
	Next     time.Time // not before
	Created  time.Time
	Ended    time.Time // zero: still open
	Error    string    // machine text of the last attempt that went wrong; never holds a secret or a name
}

// Outcome is how an attempt ended.
type Outcome struct {
	State State
	Err   error     // of the attempt; nil when it went well
	Next  time.Time // of the next attempt, while State is Queued
}

// Handler does the jobs of one kind.
type Handler struct {
	// Do does it, outside any transaction. Wrap the error with Permanent when trying again is useless.
	Do func(ctx context.Context, j Job) error
	// Ended notes the outcome in the transaction that ends the attempt; may be nil.
	Ended func(ctx context.Context, tx *sqlite.Tx, j Job, o Outcome) error
}

// Config bounds the attempts. Zero values mean the defaults.
type Config struct {
	First  time.Duration // before the second attempt; 1 minute
	Cap    time.Duration // longest wait between two attempts; 6 hours
	GiveUp time.Duration // after the job was made; 3 days
	Limit  time.Duration // of one attempt; 2 minutes
	Rand   *rand.Rand    // spreads attempts, so that many do not come at once; nil: no spreading
	Log    *slog.Logger  // nil: none
}

// spread is how far an attempt may lie before or after its computed time, in per mille of the wait.
const spread = 200

// Queue holds the kinds and wakes the worker. It is safe for concurrent use.
type Queue struct {
	db       *sqlite.DB
	cfg      Config
	handlers map[string]Handler
	wake     chan struct{}
	mu       sync.Mutex // of cfg.Rand
}

// New returns the queue over the table of db.
func New(db *sqlite.DB, cfg Config) *Queue {
	def := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	def(&cfg.First, time.Minute)
	def(&cfg.Cap, 6*time.Hour)
	def(&cfg.GiveUp, 72*time.Hour)
	def(&cfg.Limit, 2*time.Minute)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Queue{db: db, cfg: cfg, handlers: map[string]Handler{}, wake: make(chan struct{}, 1)}
}

// Handle says who does the jobs of a kind. Call it before Run; a kind twice is a programmer's mistake.
func (q *Queue) Handle(kind string, h Handler) {
	if _, twice := q.handlers[kind]; twice || h.Do == nil {
		panic("job: kind " + kind + " has two handlers, or none")
	}
	q.handlers[kind] = h
}

// Put queues a job in the transaction of the act that wants it and returns its key. The worker sees it
// after the commit, never before.
func (q *Queue) Put(ctx context.Context, tx *sqlite.Tx, kind string, payload any) (key string, err error) {
	text, err := json.Marshal(payload)
	if err != nil {
		return "", fmt.Errorf("write payload of job: %w", err)
	}
	key = tx.NewKey()
	if err := insert(ctx, tx, Job{Key: key, Kind: kind, Payload: text, Next: tx.Now}); err != nil {
		return "", err
	}
	tx.BeforeCommit(func(context.Context, *sqlite.Tx) error {
		q.Wake() // its own transaction waits for this one to end: the queue has one writer
		return nil
	})
	return key, nil
}

// Hurry makes the open jobs of a kind due now: what they waited for has been mended.
func (q *Queue) Hurry(ctx context.Context, tx *sqlite.Tx, kind string) error {
	if err := hurry(ctx, tx, kind); err != nil {
		return err
	}
	tx.BeforeCommit(func(context.Context, *sqlite.Tx) error { q.Wake(); return nil })
	return nil
}

// Wake lets a sleeping worker look at once.
func (q *Queue) Wake() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// permanent marks an error that no further attempt can mend.
type permanent struct{ err error }

func (p permanent) Error() string { return p.err.Error() }
func (p permanent) Unwrap() error { return p.err }

// Permanent says that trying again is useless: the job is failed at once. nil stays nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

// later asks for a wait.
type later struct {
	err  error
	wait time.Duration
}

func (l later) Error() string { return l.err.Error() }
func (l later) Unwrap() error { return l.err }

// Later is err with the wait that the other side asked for (Retry-After); a shorter one than the queue's own counts not.
func Later(err error, wait time.Duration) error {
	if err == nil {
		return nil
	}
	return later{err, wait}
}

// outcome decides what follows an attempt that ended at now.
func (q *Queue) outcome(j Job, err error, now time.Time) Outcome {
	if err == nil {
		return Outcome{State: Done}
	}
	if _, hopeless := errors.AsType[permanent](err); hopeless {
		return Outcome{State: Failed, Err: err}
	}
	wait := q.backoff(j.Attempts)
	if l, ok := errors.AsType[later](err); ok {
		wait = max(wait, min(l.wait, q.cfg.Cap))
	}
	next := now.Add(wait).Truncate(time.Millisecond)
	if next.Sub(j.Created) > q.cfg.GiveUp {
		return Outcome{State: Failed, Err: err}
	}
	return Outcome{State: Queued, Err: err, Next: next}
}

// backoff is the wait after so many attempts: First, doubling to Cap, moved a little by chance.
func (q *Queue) backoff(attempts int) time.Duration {
	wait := float64(q.cfg.First) * math.Pow(2, float64(max(0, min(attempts-1, 40))))
	wait = min(wait, float64(q.cfg.Cap))
	if q.cfg.Rand != nil {
		q.mu.Lock()
		wait *= 1 + spread*(2*q.cfg.Rand.Float64()-1)/1000
		q.mu.Unlock()
	}
	return time.Duration(wait)
}
