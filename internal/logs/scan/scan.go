package scan

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kizuki-security/kizuki/sigma"
	"github.com/kizuki-security/kizuki/sigma/correlate"
	"github.com/kizuki-security/kizuki/sigma/jsonlines"
)

const (
	allTimes   = 200 * 365 * 24 * time.Hour // files come in no order of time: wait for all
	maxPending = 100_000                    // events with hits that wait for the end
)

// Options of a scan. The zero value scans everything.
type Options struct {
	MinLevel int       // as Severity counts: hits of rules below it are not given
	From, To time.Time // events from From on and before To; zero is open
	Workers  int       // goroutines that match; 0 is one for each core
	Latest   time.Time // correlations leave out events from after it, those of a wrong clock; zero is no bound

	// Source is what the person knows of events that have no Windows channel: those of a firewall, say.
	Source sigma.LogSource
	Limits Limits

	// Hit takes the hits in the order of files and records, then those of correlations. File takes the report of each
	// file after its hits. Progress is told now and then; bytes are those of files on disk. All three are called from
	// one goroutine and may be nil; an error of Hit or File ends the scan and comes back.
	Hit      func(*Hit) error
	File     func(*FileReport) error
	Progress func(Progress)
}

// Progress is how far a scan is.
type Progress struct {
	File              string // in work
	Bytes, TotalBytes int64
	Events, Hits      uint64
}

// Scan runs rules over files. When the context ends it stops after what is in work, gives what was found so far, and
// the error is that of the context; the Total is right in each case. Memory is bounded whatever the size of files:
// some megabytes for each worker, and what correlations hold.
func Scan(ctx context.Context, files []File, rules *Rules, o Options) (*Total, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	engine, _ := rules.engine(o.Latest) // its problems were told when the rules were loaded
	return run(ctx, files, &o, func() func(*batch) *result {
		w := &worker{&o, rules.Set.NewMatcher(), jsonlines.NewDecoder(jsonlines.Limits{}), engine.Silences, len(rules.Correlations) > 0}
		return w.run
	}, engine)
}

// run is the pipeline: one reader, workers (one when none are asked for), and the caller's goroutine that collects.
// engine is nil when nothing is to be joined.
func run(ctx context.Context, files []File, o *Options, work func() func(*batch) *result, engine *correlate.Engine) (*Total, error) {
	workers := max(1, o.Workers)
	o.Limits = o.Limits.orDefault()
	s := &scan{options: o, engine: engine, total: &Total{Refused: map[Reason]uint64{}, RefusedFiles: map[Reason]uint64{}}}
	for _, f := range files {
		s.bytes += f.Size
	}
	s.order, s.work = make(chan *batch, 4*workers), make(chan *batch, 4*workers)
	s.free = make(chan *batch, 8*workers)
	reading, stopReading := context.WithCancel(ctx)
	defer stopReading()
	var running sync.WaitGroup
	for range workers {
		do := work()
		running.Go(func() {
			for b := range s.work {
				b.out <- do(b)
			}
		})
	}
	running.Go(func() { s.produce(reading, files) })
	err := s.collect(stopReading)
	running.Wait()
	if err == nil && engine != nil {
		err = s.conclude()
	}
	if err == nil {
		err = ctx.Err()
	}
	return s.total, err
}

type scan struct {
	options *Options
	engine  *correlate.Engine
	total   *Total
	bytes   int64
	read    atomic.Int64
	newest  time.Time // of all events that correlations were told of

	order, work chan *batch // the same batches: as they were read, and for whoever has time
	free        chan *batch
	notTried    int // set before order is closed
}

// produce reads files one after another, so that hits have an order and a huge file keeps all workers busy.
func (s *scan) produce(ctx context.Context, files []File) {
	defer close(s.order)
	defer close(s.work)
	p := &producer{send: s.send, fresh: s.fresh, object: s.options.Limits.Object}
	for i, f := range files {
		var err error
		switch {
		case ctx.Err() != nil:
			err = ctx.Err()
		case f.Error != nil:
			err = p.refused(f.Path, f.Error)
		default:
			o := &opener{
				ctx: ctx, limits: s.options.Limits, input: &s.read, visit: p.read,
				refused: func(name string, why *FileError) { _ = p.refused(name, why) }, // send never fails
			}
			err = o.open(f.Path)
			if err != nil && o.told {
				i++ // it has its own report
			}
		}
		if err != nil {
			s.notTried = len(files) - i
			return
		}
	}
}

// send never blocks for ever: the collector empties order until it is closed.
func (s *scan) send(b *batch) error {
	s.order <- b
	s.work <- b
	return nil
}

func (s *scan) fresh() *batch {
	select {
	case b := <-s.free:
		return b
	default:
		return &batch{out: make(chan *result, 1)}
	}
}

// collect takes results in the order of reading. After an error of the receiver it only empties the channel.
func (s *scan) collect(stopReading func()) error {
	var failed error
	sum := &counts{}
	var notes []string
	for b := range s.order {
		res := <-b.out
		if failed == nil {
			failed = s.take(res, sum)
			notes = append(notes, b.notes...)
			if b.end && failed == nil {
				failed = s.finish(b, sum, notes)
				sum, notes = &counts{}, nil
			}
			if failed != nil {
				stopReading()
			}
		}
		b.reset()
		select {
		case s.free <- b:
		default:
		}
	}
	s.total.NotTried = s.notTried
	return failed
}

func (s *scan) take(res *result, sum *counts) error {
	res.counts.hits += uint64(len(res.hits))
	sum.add(&res.counts)
	for _, h := range res.hits {
		if s.options.Hit == nil {
			break
		}
		if err := s.options.Hit(h); err != nil {
			return err
		}
	}
	for i := range res.together {
		if err := s.alerts(s.engine.Add(&res.together[i].event, res.together[i].hits)); err != nil {
			return err
		}
	}
	if s.engine != nil && res.newest.After(s.newest) { // older ones move nothing, and would count as late
		s.newest = res.newest
		if err := s.alerts(s.engine.Add(&sigma.Event{Time: res.newest}, nil)); err != nil {
			return err
		}
	}
	if s.options.Progress != nil {
		s.options.Progress(Progress{res.batch.file, s.read.Load(), s.bytes, s.total.Read + sum.read, s.total.Hits + sum.hits})
	}
	return nil
}

func (s *scan) finish(b *batch, sum *counts, notes []string) error {
	report := &FileReport{Name: b.file, Notes: notes, Error: b.failed}
	report.counted(sum)
	s.total.add(report)
	if s.options.File == nil {
		return nil
	}
	return s.options.File(report)
}

// alerts gives correlations that came true.
func (s *scan) alerts(alerts []correlate.Alert) error {
	for _, a := range alerts {
		if Severity(a.Correlation.Level) < s.options.MinLevel {
			continue
		}
		h := &Hit{Rule: a.Correlation.Header, Time: a.Time, Count: a.Count, Together: true}
		for _, v := range a.Group {
			h.Fields = append(h.Fields, Field{Name: v.Name, Value: v.Value})
		}
		s.total.Hits++
		if s.options.Hit == nil {
			continue
		}
		if err := s.options.Hit(h); err != nil {
			return err
		}
	}
	return nil
}

// conclude settles what correlations still wait for.
func (s *scan) conclude() error {
	err := s.alerts(s.engine.Close())
	st := s.engine.Stats()
	t := s.total
	t.Untimed, t.Evicted, t.Dropped, t.Hurried, t.Late, t.Future = st.Untimed, st.Evicted, st.Dropped, st.Hurried, st.Late, st.Future
	return err
}
