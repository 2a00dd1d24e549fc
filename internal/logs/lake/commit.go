package lake

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/wal"
)

// part is what the committer took of a batch.
type part struct {
	b       *batch
	records []event.Record
	last    bool // nothing of the batch is left
}

// commit writes one group. It says false when it could not and what waits must wait: segments are still to be sealed.
func (l *Lake) commit() bool {
	h, err := l.current()
	if err != nil {
		l.fail(l.take(1), err)
		return true
	}
	if h == nil {
		return false
	}
	parts := l.take(l.config.Limits.SegmentRows - h.table.Rows())
	if len(parts) == 0 {
		return true
	}
	next := l.number(parts)
	groups := make([][]event.Record, len(parts))
	for i, p := range parts {
		groups[i] = p.records
	}
	if err := h.wal.Write(groups...); err != nil {
		l.fail(parts, err)
		if errors.Is(err, wal.ErrFailed) {
			l.mu.Lock()
			h.spoilt = true
			l.mu.Unlock()
			l.retire(h)
		}
		return true
	}
	l.clear("append", "")
	l.mu.Lock()
	maps.Copy(l.next, next)
	for _, p := range parts {
		for i := range p.records {
			h.table.Add(&p.records[i])
		}
		l.counts.appended += uint64(len(p.records))
	}
	h.logged = h.wal.Size()
	full := h.table.Rows() >= l.config.Limits.SegmentRows || h.table.Held() >= l.config.Limits.SegmentBytes ||
		h.logged >= wal.FullBytes // a text that all records share is held once, and logged with each
	l.mu.Unlock()
	if full {
		l.retire(h)
	}
	for _, p := range parts {
		p.b.acked += len(p.records)
		if p.last {
			close(p.b.done)
		}
	}
	return true
}

// number gives the records of a group their sequence numbers; they count when the log has them.
func (l *Lake) number(parts []part) (next map[string]uint64) {
	next = map[string]uint64{}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range parts {
		for i := range p.records {
			r := &p.records[i]
			n, ok := next[r.Source]
			if !ok {
				n = max(l.next[r.Source], 1)
			}
			r.Seq = n
			next[r.Source] = n + 1
		}
	}
	return next
}

// take gets up to rows records of the queue, and about GroupBytes times four.
func (l *Lake) take(rows int) []part {
	l.mu.Lock()
	defer l.mu.Unlock()
	var parts []part
	size, freed := int64(0), int64(0)
	most := 4 * int64(l.config.Limits.GroupBytes)
	for len(l.queue) > 0 && rows > 0 && size < most {
		b := l.queue[0]
		n, to := 0, b.taken
		for to < len(b.records) && n < rows && size < most {
			size += int64(sizeOf(&b.records[to]))
			to++
			n++
		}
		p := part{b: b, records: b.records[b.taken:to], last: to == len(b.records)}
		b.taken = to
		rows -= n
		parts = append(parts, p)
		if !p.last {
			break
		}
		freed += b.size
		l.queue[0] = nil
		l.queue = l.queue[1:]
	}
	if freed > 0 {
		l.shorten(freed)
	}
	return parts
}

// fail ends the batches of a group that could not be written.
func (l *Lake) fail(parts []part, err error) {
	l.alarm("append", "", err)
	l.mu.Lock()
	for _, p := range parts {
		p.b.err = refuse(reasonOf(err), err)
		for i := range p.records {
			p.records[i].Seq = 0
		}
		if !p.last { // what is left of it stands first in the queue
			l.queue = l.queue[1:]
			l.shorten(p.b.size)
		}
	}
	l.mu.Unlock()
	for _, p := range parts {
		close(p.b.done)
	}
}

// current is the segment to write to, of the day that it is; nil when too many wait for their seal.
func (l *Lake) current() (*hot, error) {
	today := dayOf(l.config.Clock())
	l.mu.Lock()
	h := l.hot
	l.mu.Unlock()
	if h != nil && h.day == today {
		return h, nil
	}
	if h != nil {
		l.retire(h)
	}
	l.mu.Lock()
	// Behind what counts, a spoilt log may hold records whose numbers are given again: nothing follows until it is gone.
	spoilt := slices.ContainsFunc(l.sealing, func(h *hot) bool { return h.spoilt })
	if spoilt || len(l.sealing) >= l.config.Limits.Unsealed && l.ctx.Err() == nil {
		l.counts.stalls++
		l.mu.Unlock()
		return nil, nil //nolint:nilnil // no segment and no error: the caller waits
	}
	id := l.nextID
	l.nextID++
	l.mu.Unlock()
	var mark wal.Mark
	_, _ = rand.Read(mark[:]) // never fails
	w, err := wal.Create(l.fs, l.path("wal"), l.path("wal", walName(id)), id, today, mark)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	h = l.newHot(id, today, w)
	l.hot = h
	l.mu.Unlock()
	return h, nil
}

// retireIdle hands over the present segment when its day is over or somebody asked for it. Whoever asks wants what
// waited then, too: while records wait, it stays until a group was written after the asking.
func (l *Lake) retireIdle(written bool) {
	l.mu.Lock()
	h, asked := l.hot, l.asked && (written || len(l.queue) == 0)
	l.mu.Unlock()
	if h != nil && (asked || h.day != dayOf(l.config.Clock())) {
		l.retire(h)
	}
	if asked {
		l.mu.Lock()
		l.asked = false
		l.tellIdle()
		l.mu.Unlock()
	}
}

// patience is how many times sealing may fail before Flush gives up; it is tried on meanwhile, and after that.
const patience = 5

// Flush has the present segment sealed and waits until nothing is unsealed, or ctx is done. Reasons: Closed; NoRoom and
// NotWritten when sealing fails again and again. What was appended is safe then, and is sealed when that can be done.
func (l *Lake) Flush(ctx context.Context) error {
	l.mu.Lock()
	l.asked = true
	most := l.sealFailures + patience
	l.mu.Unlock()
	poke(l.wake)
	for {
		l.mu.Lock()
		idle, done, closed := l.idle, !l.asked && len(l.sealing) == 0 && !l.busy, l.closed
		failing, failure := l.sealFailures >= most, l.sealFailure
		l.mu.Unlock()
		switch {
		case done:
			return nil
		case closed:
			return refuse(Closed, nil)
		case failing:
			return refuse(reasonOf(failure), failure)
		}
		select {
		case <-idle:
		case <-l.ctx.Done():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// tellIdle wakes those who wait in Flush. l.mu is held.
func (l *Lake) tellIdle() {
	close(l.idle)
	l.idle = make(chan struct{})
}

// retire hands a segment over to be sealed. An empty one goes with its log; where the log is spoilt, that is as
// important as a seal and is tried until it is done.
func (l *Lake) retire(h *hot) {
	l.mu.Lock()
	l.hot = nil
	empty := h.table.Rows() == 0 && !h.spoilt
	if !empty {
		l.sealing = append(l.sealing, h)
	}
	l.mu.Unlock()
	if empty {
		if err := errors.Join(h.wal.Close(), l.fs.Remove(l.path("wal", walName(h.id)))); err != nil {
			l.alarm("wal", walName(h.id), err)
		}
		return
	}
	poke(l.seal)
}
