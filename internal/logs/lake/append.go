package lake

import (
	"context"
	"fmt"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
)

// batch is what one Append waits for.
type batch struct {
	records []event.Record
	size    int64
	taken   int // by the committer; it may take a batch in pieces
	acked   int
	err     error
	done    chan struct{}
}

// Append puts records into the lake and returns when the disk has them; acked says how many of them, counted from the
// first, are there for good, also beside an error. It gives each of those its Seq, and Received where it is zero. The
// caller may use the records again afterwards. Native keys without a column are not kept: they are read from Raw.
//
// When more waits than Limits.QueueBytes, or Limits.Unsealed segments wait for their seal, Append waits until ctx is
// done and then says Busy. Other reasons: BadSource and TooLarge (nothing is written), NoRoom and NotWritten (the same
// call may be made again with what is left), Closed.
func (l *Lake) Append(ctx context.Context, records []event.Record) (acked int, err error) {
	b := &batch{records: records, done: make(chan struct{})}
	if b.size, err = l.accept(records); err != nil || len(records) == 0 {
		return 0, err
	}
	if err := l.enqueue(ctx, b); err != nil {
		return 0, err
	}
	select {
	case <-b.done:
	case <-ctx.Done():
		if l.withdraw(b) {
			return 0, refuse(Busy, context.Cause(ctx))
		}
		<-b.done // the committer has it: a sync is soon over
	}
	return b.acked, b.err
}

// accept looks at records before they are queued.
func (l *Lake) accept(records []event.Record) (size int64, err error) {
	now := l.config.Clock().UTC().Truncate(time.Microsecond)
	for i := range records {
		r := &records[i]
		if !event.ValidSource(r.Source) {
			return 0, refuse(BadSource, fmt.Errorf("%q", r.Source))
		}
		n := sizeOf(r)
		if n > l.config.Limits.RecordBytes {
			return 0, refuse(TooLarge, fmt.Errorf("%d bytes", n))
		}
		size += int64(n)
		if r.Received.IsZero() {
			r.Received = now
		}
	}
	return size, nil
}

// sizeOf is about the memory of a record.
func sizeOf(r *event.Record) int {
	n := len(r.Raw) + len(r.Host) + len(r.User) + len(r.App) + len(r.Action) + len(r.Outcome) + len(r.SrcIP) +
		len(r.DstIP) + len(r.EventID) + 64
	for i := range r.Fields {
		n += len(r.Fields[i].Name) + len(r.Fields[i].Value)
	}
	return n
}

// enqueue waits for room in the queue.
func (l *Lake) enqueue(ctx context.Context, b *batch) error {
	for {
		l.mu.Lock()
		switch {
		case l.closed:
			l.mu.Unlock()
			return refuse(Closed, nil)
		case l.overBudget():
			l.mu.Unlock()
			return refuse(NoRoom, fmt.Errorf("%d bytes are the limit", l.config.Limits.DiskBytes))
		case l.queued == 0 || l.queued+b.size <= l.config.Limits.QueueBytes:
			l.queue = append(l.queue, b)
			l.queued += b.size
			l.mu.Unlock()
			poke(l.wake)
			return nil
		}
		room := l.room
		l.counts.waits++
		l.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return refuse(Busy, context.Cause(ctx))
		}
	}
}

// withdraw takes a batch back that the committer has not begun.
func (l *Lake) withdraw(b *batch) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, q := range l.queue {
		if q == b && b.taken == 0 {
			l.queue = append(l.queue[:i:i], l.queue[i+1:]...)
			l.shorten(b.size)
			return true
		}
	}
	return false
}

// shorten tells those who wait that the queue has room. l.mu is held.
func (l *Lake) shorten(size int64) {
	l.queued -= size
	if !l.closed {
		close(l.room)
		l.room = make(chan struct{})
	}
}

// poke wakes a goroutine; a second poke before it woke is one.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// commitLoop writes what is queued, until the lake is closed and the queue empty.
func (l *Lake) commitLoop() {
	var last time.Time
	for {
		select {
		case <-l.wake:
		case <-l.ctx.Done():
		}
		l.retireIdle(false)
		for l.waiting() {
			l.groupWait(last)
			last = time.Now() //nolint:forbidigo // measures a pause; no record sees it
			before := l.flushAsked()
			went := l.commit()
			l.retireIdle(before && went)
			if !went {
				break
			}
		}
		if l.ctx.Err() != nil {
			l.refuseQueue()
			return
		}
	}
}

func (l *Lake) flushAsked() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.asked
}

func (l *Lake) waiting() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) > 0
}

// groupWait lets more records come before the next sync, unless many wait already, somebody wants them sealed, or the
// last sync is long ago.
func (l *Lake) groupWait(last time.Time) {
	left := l.config.Limits.GroupWait - time.Since(last)
	for left > 0 && l.ctx.Err() == nil {
		l.mu.Lock()
		enough := l.asked || l.queued >= int64(l.config.Limits.GroupBytes)
		l.mu.Unlock()
		if enough {
			return
		}
		select {
		case <-l.wake:
		case <-time.After(left):
		case <-l.ctx.Done():
		}
		left = l.config.Limits.GroupWait - time.Since(last)
	}
}

// refuseQueue ends those who still wait when the lake is closed.
func (l *Lake) refuseQueue() {
	l.mu.Lock()
	queue := l.queue
	l.queue, l.queued = nil, 0
	l.mu.Unlock()
	for _, b := range queue {
		b.err = refuse(Closed, nil)
		close(b.done)
	}
}

// reasonOf says what an error of the disk means.
func reasonOf(err error) Reason {
	if disk.Full(err) {
		return NoRoom
	}
	return NotWritten
}
