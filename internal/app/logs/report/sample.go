package report

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/app/logs"
	"github.com/kizuki-security/kizuki/sigma"
)

const (
	sampleFields = 60   // of an event
	sampleValue  = 2000 // bytes of a value
	sampleWhy    = 12   // reasons of a hit
	around       = 120  // bytes shown before and behind what was found
)

// sample is one hit that is shown, with others that say the same.
type sample struct {
	sign       [16]byte
	same       uint64 // hits like it, itself too
	at         time.Time
	file       string
	record     uint64
	together   bool
	count      float64
	why        []whyLine
	moreWhy    int
	fields     []fieldValue
	moreFields int
}

// whyLine is one reason: what a field held, and what of it was looked for.
type whyLine struct {
	field, op, pattern    string
	before, found, behind string
}

type fieldValue struct{ Name, Value string }

// sample keeps a hit, or counts it with one that found the same on the same computer.
func (r *Report) sample(sum *ruleSum, h *logs.Hit, host string) {
	sign := signature(h, host)
	for _, s := range sum.samples {
		if s.sign == sign {
			s.same++
			return
		}
	}
	if len(sum.samples) >= r.o.Samples || len(sum.samples) > 0 && r.bytes >= sampleBudget {
		return
	}
	s, size := newSample(h)
	s.sign, s.same = sign, 1
	r.bytes += size
	sum.samples = append(sum.samples, s)
}

// signature is the same for hits that rest on the same values of the same computer; a correlation is itself.
func signature(h *logs.Hit, host string) (sign [16]byte) {
	sum := sha256.New()
	put := func(text string) {
		var n [8]byte
		binary.LittleEndian.PutUint64(n[:], uint64(len(text)))
		sum.Write(n[:])
		sum.Write([]byte(text))
	}
	put(host)
	for i := range h.Why {
		w := &h.Why[i]
		put(w.Search)
		put(w.EventName)
		put(w.Op)
		put(w.Pattern)
		put(w.Value)
	}
	if h.Together || len(h.Why) == 0 {
		put(h.Time.String())
		for i := range h.Fields {
			put(h.Fields[i].Name)
			put(h.Fields[i].Value)
		}
	}
	copy(sign[:], sum.Sum(nil))
	return sign
}

func newSample(h *logs.Hit) (s *sample, size int) {
	s = &sample{at: h.Time, file: short(h.File, 4*nameBytes), record: h.Record, together: h.Together, count: h.Count}
	size = len(s.file)
	for i := range h.Why {
		if len(s.why) == sampleWhy {
			s.moreWhy = len(h.Why) - sampleWhy
			break
		}
		w := newWhy(h, &h.Why[i])
		size += len(w.field) + len(w.pattern) + len(w.before) + len(w.found) + len(w.behind)
		s.why = append(s.why, w)
	}
	for i := range h.Fields {
		if len(s.fields) == sampleFields {
			s.moreFields = len(h.Fields) - sampleFields
			break
		}
		f := fieldValue{short(h.Fields[i].Name, nameBytes), short(h.Fields[i].Value, sampleValue)}
		if h.Fields[i].Kind == sigma.Null {
			f.Value = "null"
		}
		size += len(f.Name) + len(f.Value)
		s.fields = append(s.fields, f)
	}
	return s, size
}

func newWhy(h *logs.Hit, r *sigma.Reason) whyLine {
	w := whyLine{field: short(r.EventName, nameBytes), op: r.Op, pattern: short(r.Pattern, 2*nameBytes)}
	if w.field == "" {
		w.field = short(r.Field, nameBytes)
	}
	at := place(h, r)
	if at < 0 {
		w.before = short(r.Value, 2*around)
		return w
	}
	start := boundary(r.Value, at)
	end := boundary(r.Value, min(len(r.Value), at+r.Length))
	from, to := boundary(r.Value, max(0, start-around)), boundary(r.Value, min(len(r.Value), end+around))
	w.before, w.behind = strings.Clone(r.Value[from:start]), strings.Clone(r.Value[end:to])
	w.found = short(r.Value[start:end], 4*around)
	if from > 0 {
		w.before = "…" + w.before
	}
	if to < len(r.Value) {
		w.behind += "…"
	}
	return w
}

// place is where in r.Value something was found, or -1. r.Value is a window into the value of the event.
func place(h *logs.Hit, r *sigma.Reason) int {
	if r.Offset < 0 || r.Length <= 0 {
		return -1
	}
	for i := range h.Fields {
		f := &h.Fields[i]
		if f.Name != r.EventName {
			continue
		}
		if from := strings.Index(f.Value, r.Value); from >= 0 {
			if at := r.Offset - from; at >= 0 && at+r.Length <= len(r.Value) {
				return at
			}
		}
	}
	return -1
}
