package scan

import (
	"errors"
	"io"

	"github.com/kizuki-security/kizuki/evtx"
	"github.com/kizuki-security/kizuki/sigma"
)

// batch is a piece of one file on its way to a worker. It owns its memory and is used again.
type batch struct {
	file    string
	text    []byte // JSON objects, or the values of events
	objects []object
	fields  []sigma.Field
	events  []event
	counts  counts
	notes   []string   // damages of an event log
	end     bool       // the last of its file
	failed  *FileError // with end: why the file was not read to its end
	out     chan *result
}

type object struct {
	from, to int // in batch.text
	record   uint64
}

type event struct {
	sigma.Event        // Fields is set by the worker
	from, to    int    // in batch.fields
	record      uint64 // EventRecordID
}

const (
	batchBytes  = 256 << 10
	batchEvents = 1024
	mostNotes   = 20 // damages told for a file; all are counted
)

// full says whether the batch should go before n more bytes are put in.
func (b *batch) full(n int) bool {
	some := len(b.objects) + len(b.events)
	return some > 0 && (len(b.text)+n > batchBytes || some >= batchEvents)
}

func (b *batch) reset() {
	if cap(b.text) > 2*batchBytes {
		b.text = nil // after a large object
	}
	*b = batch{text: b.text[:0], objects: b.objects[:0], fields: b.fields[:0], events: b.events[:0], out: b.out}
}

// producer reads one file after another into batches.
type producer struct {
	batch  *batch
	send   func(*batch) error // gives it away
	fresh  func() *batch
	object int // Limits.Object
	notes  int
}

// room makes sure that n bytes fit.
func (p *producer) room(n int) error {
	if !p.batch.full(n) {
		return nil
	}
	name := p.batch.file
	if err := p.send(p.batch); err != nil {
		return err
	}
	p.batch = p.fresh()
	p.batch.file = name
	return nil
}

// finish ends the file in work.
func (p *producer) finish(failed *FileError) error {
	p.batch.end, p.batch.failed = true, failed
	err := p.send(p.batch)
	p.batch = nil
	return err
}

// refused is a file of which nothing can be read.
func (p *producer) refused(name string, why *FileError) error {
	p.begin(name)
	return p.finish(why)
}

func (p *producer) begin(name string) {
	p.batch = p.fresh()
	p.batch.file, p.notes = name, 0
}

// read takes in the content of one file. The error ends the scan; that of the file goes with its last batch.
func (p *producer) read(c content) error {
	p.begin(c.name)
	var err error
	if c.shape == eventLog {
		err = p.eventLog(c.r)
	} else {
		s := splitter{limit: p.object, object: p.json, refuse: func(reason Reason) { p.batch.counts.refuse(reason, 1) }}
		err = s.split(c.r)
	}
	if stopped, ok := errors.AsType[*stop](err); ok {
		return errors.Join(p.finish(&FileError{Reason: Interrupted}), stopped)
	}
	if err != nil {
		return p.finish(fileError(Unreadable, err))
	}
	return p.finish(nil)
}

func (p *producer) json(text []byte, record uint64) error {
	if err := p.room(len(text)); err != nil {
		return &stop{err}
	}
	b := p.batch
	from := len(b.text)
	b.text = append(b.text, text...)
	b.objects = append(b.objects, object{from, len(b.text), record})
	return nil
}

func (p *producer) eventLog(r io.Reader) error {
	log := evtx.NewReader(r, evtx.Options{})
	for record, err := range log.Records() {
		if damage, ok := errors.AsType[*evtx.DamageError](err); ok {
			p.batch.counts.refuse(Lost, damage.Lost)
			if p.notes++; p.notes <= mostNotes {
				p.batch.notes = append(p.batch.notes, damage.Error())
			}
			continue
		}
		if errors.Is(err, evtx.ErrNotEventLog) {
			return &FileError{Unknown, err}
		}
		if err != nil {
			return err
		}
		if err := p.record(record); err != nil {
			return err
		}
	}
	return nil
}

// record copies a record out of its reader, which reuses it.
func (p *producer) record(r *evtx.Record) error {
	n := 0
	for i := range r.Fields {
		n += len(r.Fields[i].Value)
	}
	if err := p.room(n); err != nil {
		return &stop{err}
	}
	b := p.batch
	from := len(b.fields)
	for i := range r.Fields {
		f := &r.Fields[i]
		at := len(b.text)
		b.text = append(b.text, f.Value...)
		b.fields = append(b.fields, sigma.Field{Name: f.Name, Value: b.text[at:len(b.text):len(b.text)], Kind: kind(f.Kind)})
	}
	b.events = append(b.events, event{Event: sigma.Event{Time: r.Time, Source: sigma.LogSource{Product: "windows"}}, from: from, to: len(b.fields), record: r.ID})
	return nil
}

func kind(k evtx.Kind) sigma.Kind {
	switch k {
	case evtx.Number:
		return sigma.Number
	case evtx.Bool:
		return sigma.Bool
	case evtx.Null:
		return sigma.Null
	default:
		return sigma.Text
	}
}
