package correlate

import "github.com/kizuki-security/kizuki/sigma"

// record is what correlations need of an event that waits for the watermark.
type record struct {
	edges  []edge
	bytes  []byte
	fields []span // by number of the name; below zero: absent
	taken  []taken
	origin uint64 // which event it was, of all
}

// taken says that an event is counted in a group already.
type taken struct {
	node  *node
	group int32
}

func (r *record) takenBy(n *node, group int32) bool {
	for _, t := range r.taken {
		if t.node == n && t.group == group {
			return true
		}
	}
	r.taken = append(r.taken, taken{n, group})
	return false
}

type span struct{ from, to int32 }

// remember copies what correlations read of an event. Of several fields of a name the first counts; a null is absent.
func (e *Engine) remember(at int64, event *sigma.Event, hits []sigma.Hit) {
	id := int32(-1)
	for _, h := range hits {
		to := e.consumers[h.Rule]
		if len(to) == 0 {
			continue
		}
		if id < 0 {
			id = e.record()
		}
		e.records[id].edges = append(e.records[id].edges, to...)
	}
	if id < 0 {
		return
	}
	r := &e.records[id]
	e.events++
	r.origin = e.events
	r.bytes = r.bytes[:0]
	if r.fields == nil {
		r.fields = make([]span, len(e.wanted))
	}
	for i := range r.fields {
		r.fields[i] = span{-2, -2}
	}
	for i := range event.Fields {
		f := &event.Fields[i]
		n := e.cache.Number(f.Name)
		if n < 0 || r.fields[n].from != -2 {
			continue
		}
		if f.Kind == sigma.Null {
			r.fields[n].from = -1
			continue
		}
		from := int32(len(r.bytes))
		r.bytes = append(r.bytes, f.Value...)
		r.fields[n] = span{from, int32(len(r.bytes))}
	}
	e.pending.push(item{at, id})
}

const keepBytes = 1 << 16

func (e *Engine) record() int32 {
	if n := len(e.free); n > 0 {
		id := e.free[n-1]
		e.free = e.free[:n-1]
		r := &e.records[id]
		r.edges, r.taken = r.edges[:0], r.taken[:0]
		if cap(r.bytes) > keepBytes {
			r.bytes = nil
		}
		return id
	}
	e.records = append(e.records, record{})
	return int32(len(e.records) - 1)
}

func (r *record) value(number int32) ([]byte, bool) {
	s := r.fields[number]
	if s.from < 0 {
		return nil, false
	}
	return r.bytes[s.from:s.to], true
}

// queue gives the earliest event first: a heap.
type queue struct{ items []item }

type item struct {
	at int64
	id int32
}

func (q *queue) len() int { return len(q.items) }

func (q *queue) push(x item) {
	q.items = append(q.items, x)
	i := len(q.items) - 1
	for i > 0 {
		up := (i - 1) / 2
		if q.items[up].at <= x.at {
			break
		}
		q.items[i] = q.items[up]
		i = up
	}
	q.items[i] = x
}

func (q *queue) pop() int32 {
	top := q.items[0].id
	n := len(q.items) - 1
	x := q.items[n]
	q.items = q.items[:n]
	if n == 0 {
		return top
	}
	i := 0
	for {
		down := 2*i + 1
		if down >= n {
			break
		}
		if down+1 < n && q.items[down+1].at < q.items[down].at {
			down++
		}
		if q.items[down].at >= x.at {
			break
		}
		q.items[i] = q.items[down]
		i = down
	}
	q.items[i] = x
	return top
}
