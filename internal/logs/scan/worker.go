package scan

import (
	"errors"
	"time"

	"github.com/kizuki-security/kizuki/sigma"
	"github.com/kizuki-security/kizuki/sigma/jsonlines"
)

// result is what a worker made of a batch.
type result struct {
	batch    *batch
	hits     []*Hit
	counts   counts
	together []joined  // for correlations: events with hits
	newest   time.Time // of all events, for correlations
}

// joined is an event with all its rules, kept until correlations saw it.
type joined struct {
	event sigma.Event
	hits  []sigma.Hit
}

type worker struct {
	options *Options
	matcher *sigma.Matcher
	decoder *jsonlines.Decoder
	silent  func(*sigma.Rule) bool
	joins   bool // there are correlations
}

func (w *worker) run(b *batch) *result {
	res := &result{batch: b}
	res.counts.add(&b.counts)
	b.each(w.decoder, res, func(e *sigma.Event, record uint64) { w.event(res, e, record) })
	return res
}

// each gives the events of a batch, and counts them and what cannot be decoded.
func (b *batch) each(d *jsonlines.Decoder, res *result, visit func(*sigma.Event, uint64)) {
	for i := range b.events {
		e := &b.events[i]
		e.Fields = b.fields[e.from:e.to]
		res.counts.read++
		visit(&e.Event, e.record)
	}
	var e sigma.Event
	for _, o := range b.objects {
		e = sigma.Event{Fields: e.Fields[:0]}
		if err := d.Decode(b.text[o.from:o.to], &e); err != nil {
			reason := NotJSON
			if failed, ok := errors.AsType[*jsonlines.Error](err); ok && failed.Limit {
				reason = TooLarge
			}
			res.counts.refuse(reason, 1)
			continue
		}
		res.counts.read++
		visit(&e, o.record)
	}
}

// event matches one event; it is counted as read already.
func (w *worker) event(res *result, e *sigma.Event, record uint64) {
	if reason := w.options.outside(e.Time); reason != "" {
		res.counts.read--
		res.counts.refuse(reason, 1)
		return
	}
	res.counts.scanned++
	if _, ok := e.Lookup("Channel"); !ok && e.Source == (sigma.LogSource{}) {
		if e.Source = w.options.Source; e.Source == (sigma.LogSource{}) {
			res.counts.unsourced++
		}
	}
	if e.Time.After(res.newest) && (w.options.Latest.IsZero() || !e.Time.After(w.options.Latest)) {
		res.newest = e.Time
	}
	hits := w.matcher.Match(e)
	if len(hits) == 0 {
		return
	}
	var own []Field // one copy for all hits of the event
	for _, h := range hits {
		if Severity(h.Rule.Level) < w.options.MinLevel || w.silent(h.Rule) {
			continue
		}
		if own == nil {
			own = copied(e.Fields)
		}
		res.hits = append(res.hits, &Hit{Rule: h.Rule.Header, Time: e.Time, File: res.batch.file, Record: record, Fields: own, Why: h.Why()})
	}
	if w.joins {
		res.together = append(res.together, joined{kept(e), append([]sigma.Hit(nil), hits...)})
	}
}

func copied(from []sigma.Field) []Field {
	out := make([]Field, len(from))
	for i, f := range from {
		out[i] = Field{f.Name, string(f.Value), f.Kind}
	}
	return out
}

func kept(e *sigma.Event) sigma.Event {
	n := 0
	for i := range e.Fields {
		n += len(e.Fields[i].Value)
	}
	text, out := make([]byte, 0, n), *e
	out.Fields = make([]sigma.Field, len(e.Fields))
	for i, f := range e.Fields {
		at := len(text)
		text = append(text, f.Value...)
		f.Value = text[at:len(text):len(text)]
		out.Fields[i] = f
	}
	return out
}

// outside says why an event does not belong to the range of time asked for, or "".
func (o *Options) outside(at time.Time) Reason {
	switch {
	case o.From.IsZero() && o.To.IsZero():
		return ""
	case at.IsZero():
		return NoTime
	case !o.From.IsZero() && at.Before(o.From), !o.To.IsZero() && !at.Before(o.To):
		return OutsideTime
	}
	return ""
}
