package victoria

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
)

// Feed gives the records of a source behind a sequence number, ascending, at most max; none: there are no more yet.
type Feed interface {
	Records(ctx context.Context, source string, after uint64, limit int) ([]event.Record, error)
}

// SenderConfig is what a sender needs. Zero values stand for what is in brackets.
type SenderConfig struct {
	Client *Client
	Feed   Feed
	Marks  Marks
	Now    func() time.Time
	// Wait waits between two tries, or until ctx ends.
	Wait  func(ctx context.Context, d time.Duration) error
	Batch int // records of one request (5,000)
	Bytes int // raw bytes of one request (8 MiB); a larger single record goes alone
	Tries int // requests for one batch before it is given up for now (5)
	// Hold is how long rows must have been seen before they count as safe (15 s); the engine writes what it has in memory
	// to disk every 5 s by default.
	Hold time.Duration
}

// Sender sends the records of sources. It holds one batch in memory and is used by one goroutine.
type Sender struct {
	SenderConfig
	marks   map[string]Mark
	sources map[string]*sending
}

// sending is one source on its way.
type sending struct {
	sent uint64 // seen in the engine up to here
	// strange: there is no mark, and maybe there was one once: rows may be there until a batch has none.
	strange bool
	held    []held // seen and not safe yet, ascending
}

type held struct {
	first, last uint64
	from, to    time.Time // of the rows
	rows        int       // that were seen
	refused     uint64
	lastRefused uint64
	at          time.Time
}

// Progress is what one step did.
type Progress struct {
	Sent    int      // records that are in the engine now and were not known to be before
	Refused []uint64 // sequence numbers of records that the engine never showed, though it answered well
	Safe    uint64   // all up to here is safe
	Again   bool     // rows that were seen are gone: sending goes back to Safe
	Idle    bool     // there was nothing to send
}

// NewSender makes a sender that goes on behind the marks.
func NewSender(c SenderConfig) (*Sender, error) {
	for _, v := range []struct {
		value *int
		usual int
	}{{&c.Batch, 5000}, {&c.Bytes, 8 << 20}, {&c.Tries, 5}} {
		if *v.value == 0 {
			*v.value = v.usual
		}
	}
	if c.Hold == 0 {
		c.Hold = 15 * time.Second
	}
	marks, err := c.Marks.Load()
	if err != nil {
		return nil, err
	}
	return &Sender{SenderConfig: c, marks: marks, sources: map[string]*sending{}}, nil
}

// Marked is how far the sources were sent.
func (s *Sender) Marked() map[string]Mark { return maps.Clone(s.marks) }

// Step sends the next batch of a source. After an error it may be called again, at once or later: nothing is lost.
func (s *Sender) Step(ctx context.Context, source string) (Progress, error) {
	state := s.sources[source]
	if state == nil {
		mark, known := s.marks[source]
		state = &sending{sent: mark.Safe, strange: !known}
		s.sources[source] = state
	}
	p := Progress{}
	if err := s.settle(ctx, source, state, &p); err != nil {
		return p, err
	}
	p.Safe = s.marks[source].Safe
	batch, err := s.next(ctx, source, state)
	if err != nil {
		return p, err
	}
	if len(batch) == 0 {
		p.Idle = true
		return p, nil
	}
	from, to := span(batch)
	h := held{first: batch[0].Seq, last: batch[len(batch)-1].Seq, from: from, to: to}
	fit := slices.DeleteFunc(slices.Clone(batch), outside)
	missing, err := s.deliver(ctx, source, state, fit, h)
	if err != nil {
		return p, err
	}
	for i := range batch {
		same := func(r event.Record) bool { return r.Seq == batch[i].Seq }
		if outside(batch[i]) || slices.ContainsFunc(missing, same) {
			p.Refused = append(p.Refused, batch[i].Seq)
			h.lastRefused = batch[i].Seq
		}
	}
	h.rows, h.refused, h.at = len(batch)-len(p.Refused), uint64(len(p.Refused)), s.Now()
	p.Sent = h.rows
	state.sent = h.last
	state.held = append(state.held, h)
	return p, nil
}

// next takes the next batch from the feed.
func (s *Sender) next(ctx context.Context, source string, state *sending) ([]event.Record, error) {
	batch, err := s.Feed.Records(ctx, source, state.sent, s.Batch)
	if err != nil {
		return nil, fmt.Errorf("records of %s behind %d: %w", source, state.sent, err)
	}
	size, last := 0, state.sent
	for i := range batch {
		if batch[i].Seq <= last || batch[i].Source != source {
			return nil, &Error{Reason: Unordered, Err: fmt.Errorf("record %d of %s behind %d of %s", batch[i].Seq, batch[i].Source, last, source)}
		}
		if size += len(batch[i].Raw); size > s.Bytes && i > 0 {
			return batch[:i], nil
		}
		last = batch[i].Seq
	}
	return batch, nil
}

// The engine counts nanoseconds since 1970 in 64 bits; what lies outside it can neither keep nor be asked for.
var (
	earliest = time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)
)

// outside says whether the engine has no such time; it refuses a whole request with one.
func outside(r event.Record) bool {
	at := timeOf(&r)
	return at.Before(earliest) || at.After(latest)
}

// span is from the first to the last time of records, as far as the engine has such times.
func span(records []event.Record) (from, to time.Time) {
	from, to = latest, earliest
	for i := range records {
		at := timeOf(&records[i])
		if outside(records[i]) {
			continue
		}
		if at.Before(from) {
			from = at
		}
		if at.After(to) {
			to = at
		}
	}
	if from.After(to) {
		return earliest, earliest
	}
	return from, to
}

// deliver sends records until the engine shows them; those that it does not show after all tries are given back.
func (s *Sender) deliver(ctx context.Context, source string, state *sending, batch []event.Record, h held) ([]event.Record, error) {
	missing := batch
	doubt := state.strange || h.first <= s.marks[source].Tried
	var last error
	for try := range s.Tries + 1 {
		if try > 1 || last != nil {
			if err := s.Wait(ctx, pause(try)); err != nil {
				return nil, err
			}
		}
		if doubt {
			var err error
			if missing, err = s.absent(ctx, source, batch, h); err != nil && !Is(err, Unavailable) {
				return nil, err
			}
			if last = err; err != nil {
				continue
			}
			if try == 0 && len(missing) == len(batch) {
				state.strange = false
			}
		}
		if len(missing) == 0 || try == s.Tries {
			return missing, nil
		}
		if err := s.tried(source, h.last); err != nil {
			return nil, err
		}
		doubt = true // from here on the rows may be there
		if last = s.Client.Insert(ctx, missing); last != nil && !Is(last, Unavailable) {
			return nil, last
		}
	}
	return nil, last
}

// tried notes that records up to last are about to be sent: whoever goes on after us must look for them first.
func (s *Sender) tried(source string, last uint64) error {
	m := s.marks[source]
	if last <= m.Tried {
		return nil
	}
	m.Tried = last
	return s.save(source, m)
}

func (s *Sender) save(source string, m Mark) error {
	next := maps.Clone(s.marks)
	next[source] = m
	if err := s.Marks.Save(next); err != nil {
		return err
	}
	s.marks = next
	return nil
}

// pause is a quarter of a second, doubled for each try, up to a minute.
func pause(try int) time.Duration { return min(time.Second/8<<min(try, 20), time.Minute) }

// absent gives the records that the engine does not show.
func (s *Sender) absent(ctx context.Context, source string, batch []event.Record, h held) (missing []event.Record, err error) {
	looks := []time.Duration{0}
	if err := s.Client.Flush(ctx); Is(err, Refused) {
		looks = []time.Duration{showing, 2 * showing}
	} else if err != nil {
		return nil, err
	}
	for _, wait := range looks {
		if wait > 0 {
			if err := s.Wait(ctx, wait); err != nil {
				return nil, err
			}
		}
		there, err := s.Client.present(ctx, source, h.first, h.last, h.from, h.to)
		if err != nil {
			return nil, err
		}
		if missing = lacking(batch, there); len(missing) == 0 {
			break
		}
	}
	return missing, nil
}

// showing is in what time an engine shows rows that does not let us flush; where some are not there then, it gets twice
// as long once more, for what is sent again is there twice.
const showing = 2 * time.Second

// lacking gives the records that are not there.
func lacking(batch []event.Record, there map[uint64]bool) []event.Record {
	var missing []event.Record
	for i := range batch {
		if !there[batch[i].Seq] {
			missing = append(missing, batch[i])
		}
	}
	return missing
}

// settle looks once more at rows that were seen a while ago, and moves the mark behind them; rows that are gone make the
// source go back to its mark.
func (s *Sender) settle(ctx context.Context, source string, state *sending, p *Progress) error {
	for len(state.held) > 0 && s.Now().Sub(state.held[0].at) >= s.Hold {
		h := state.held[0]
		there, err := s.Client.present(ctx, source, h.first, h.last, h.from, h.to)
		if err != nil {
			return err
		}
		if len(there) < h.rows {
			state.sent, state.held = s.marks[source].Safe, nil
			p.Again = true
			return nil
		}
		m := s.marks[source]
		m.Safe, m.Refused = h.last, m.Refused+h.refused
		m.LastRefused = max(m.LastRefused, h.lastRefused)
		if err := s.save(source, m); err != nil {
			return err
		}
		state.held = state.held[1:]
	}
	return nil
}

// Settle waits until what was sent is safe, sending again what is gone; it is for the end of a run.
func (s *Sender) Settle(ctx context.Context, source string) error {
	for {
		p, err := s.Step(ctx, source)
		if err != nil {
			return err
		}
		if state := s.sources[source]; p.Idle && len(state.held) > 0 {
			if err := s.Wait(ctx, max(s.Hold-s.Now().Sub(state.held[0].at), time.Millisecond)); err != nil {
				return err
			}
		} else if p.Idle {
			return nil
		}
	}
}
