// Package metrics counts what an operator watches and writes it in the Prometheus text format 0.0.4.
//
// Labels are bounded: a series exists for each set of label values that was seen, and after maxSeries of one
// family the rest is added up under "other". No label holds a person, an address of a page with a key in it, or
// anything else that somebody typed. It imports nothing of ours.
//
// Source: https://prometheus.io/docs/instrumenting/exposition_formats/ (text-based format), retrieved 2026-11-26.
package metrics

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// ContentType is what the text is served as.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// maxSeries bounds the sets of label values of one family.
const maxSeries = 1000

// other stands for what is past maxSeries.
const other = "other"

// Registry holds families by name. It is safe for concurrent use; the zero value is ready.
type Registry struct {
	mu       sync.Mutex
	families map[string]family
	gather   []func(context.Context, func(Sample))
}

type family interface {
	write(w *bytes.Buffer)
}

// Sample is one value that is asked for when the text is written.
type Sample struct {
	Name, Help string
	Counter    bool     // it only grows
	Labels     []string // name, value, name, value …; values from a closed set
	Value      float64
}

// Gather has fn asked whenever the text is written; what it cannot tell it leaves out.
func (r *Registry) Gather(fn func(ctx context.Context, put func(Sample))) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gather = append(r.gather, fn)
}

func (r *Registry) add(name string, f family) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.families == nil {
		r.families = map[string]family{}
	}
	if r.families[name] != nil || !validName(name) {
		panic("metrics: name " + name + " is taken or none") // a mistake of ours, at start
	}
	r.families[name] = f
}

// head is what every family has.
type head struct {
	name, help, kind string
	labels           []string
}

func (h head) write(w *bytes.Buffer) {
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", h.name, escapeHelp(h.help), h.name, h.kind)
}

// series finds the series of a set of label values, and makes it while there is room.
func series[S any](all map[string]*S, values []string) *S {
	key := strings.Join(values, "\xff")
	if s := all[key]; s != nil {
		return s
	}
	if len(all) >= maxSeries {
		rest := make([]string, len(values))
		for i := range rest {
			rest[i] = other
		}
		key = strings.Join(rest, "\xff")
		if s := all[key]; s != nil {
			return s
		}
	}
	s := new(S)
	all[key] = s
	return s
}

// Counter counts events by label values.
type Counter struct {
	head
	mu  sync.Mutex
	all map[string]*float64
}

// NewCounter adds a family that only grows; its name ends in _total.
func (r *Registry) NewCounter(name, help string, labels ...string) *Counter {
	c := &Counter{head: head{name, help, "counter", labels}, all: map[string]*float64{}}
	if len(labels) == 0 { // known before its first event
		series(c.all, nil)
	}
	r.add(name, c)
	return c
}

// Add counts n more events with these label values, in the order of the labels.
func (c *Counter) Add(n float64, values ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*series(c.all, values) += n
}

func (c *Counter) write(w *bytes.Buffer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.head.write(w)
	for _, key := range slices.Sorted(maps.Keys(c.all)) {
		line(w, c.name, pairs(c.labels, key, "", ""), *c.all[key])
	}
}

// Histogram counts durations, or sizes, in buckets.
type Histogram struct {
	head
	bounds []float64
	mu     sync.Mutex
	all    map[string]*buckets
}

type buckets struct {
	counts []uint64
	sum    float64
	n      uint64
}

// NewHistogram adds a family; bounds are the upper ends of the buckets, rising, without infinity.
func (r *Registry) NewHistogram(name, help string, bounds []float64, labels ...string) *Histogram {
	h := &Histogram{head: head{name, help, "histogram", labels}, bounds: bounds, all: map[string]*buckets{}}
	if len(labels) == 0 {
		series(h.all, nil).counts = make([]uint64, len(bounds))
	}
	r.add(name, h)
	return h
}

// Observe notes one value.
func (h *Histogram) Observe(v float64, values ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := series(h.all, values)
	if b.counts == nil {
		b.counts = make([]uint64, len(h.bounds))
	}
	b.n++
	b.sum += v
	if i, _ := slices.BinarySearch(h.bounds, v); i < len(h.bounds) {
		b.counts[i]++
	}
}

func (h *Histogram) write(w *bytes.Buffer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.head.write(w)
	for _, key := range slices.Sorted(maps.Keys(h.all)) {
		b, sum := h.all[key], uint64(0)
		for i, bound := range h.bounds {
			sum += b.counts[i]
			line(w, h.name+"_bucket", pairs(h.labels, key, "le", number(bound)), float64(sum))
		}
		line(w, h.name+"_bucket", pairs(h.labels, key, "le", "+Inf"), float64(b.n))
		line(w, h.name+"_sum", pairs(h.labels, key, "", ""), b.sum)
		line(w, h.name+"_count", pairs(h.labels, key, "", ""), float64(b.n))
	}
}

// Write writes every family, sorted by name.
func (r *Registry) Write(ctx context.Context, out io.Writer) error {
	r.mu.Lock()
	families, gather := maps.Clone(r.families), slices.Clone(r.gather)
	r.mu.Unlock()
	asked := map[string][]Sample{}
	for _, fn := range gather {
		fn(ctx, func(s Sample) {
			if validName(s.Name) && families[s.Name] == nil && len(asked[s.Name]) < maxSeries {
				asked[s.Name] = append(asked[s.Name], s)
			}
		})
	}
	var buf bytes.Buffer
	names := slices.AppendSeq(slices.Collect(maps.Keys(families)), maps.Keys(asked))
	slices.Sort(names)
	for _, name := range names {
		if f := families[name]; f != nil {
			f.write(&buf)
			continue
		}
		writeSamples(&buf, name, asked[name])
	}
	_, err := out.Write(buf.Bytes())
	return err
}

func writeSamples(w *bytes.Buffer, name string, samples []Sample) {
	kind := "gauge"
	if samples[0].Counter {
		kind = "counter"
	}
	head{name: name, help: samples[0].Help, kind: kind}.write(w)
	seen := map[string]bool{}
	slices.SortStableFunc(samples, func(a, b Sample) int {
		return cmp.Compare(strings.Join(a.Labels, "\xff"), strings.Join(b.Labels, "\xff"))
	})
	for _, s := range samples {
		var labels, values []string
		for i := 0; i+1 < len(s.Labels); i += 2 {
			labels, values = append(labels, s.Labels[i]), append(values, s.Labels[i+1])
		}
		text := pairs(labels, strings.Join(values, "\xff"), "", "")
		if !seen[text] {
			seen[text] = true
			line(w, name, text, s.Value)
		}
	}
}

// pairs writes {a="x",b="y"}, with one more pair when more is not "".
func pairs(labels []string, key, more, value string) string {
	var parts []string
	if len(labels) > 0 {
		for i, v := range strings.Split(key, "\xff") {
			if i < len(labels) {
				parts = append(parts, labels[i]+`="`+escape(v)+`"`)
			}
		}
	}
	if more != "" {
		parts = append(parts, more+`="`+value+`"`)
	}
	if len(parts) == 0 {
		return ""
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func line(w *bytes.Buffer, name, labels string, v float64) {
	fmt.Fprintf(w, "%s%s %s\n", name, labels, number(v))
}

func number(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "+Inf"
	case math.IsInf(v, -1):
		return "-Inf"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

var (
	escaper     = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
	helpEscaper = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
)

func escape(text string) string     { return escaper.Replace(strings.ToValidUTF8(text, "\uFFFD")) }
func escapeHelp(text string) string { return helpEscaper.Replace(text) }

// validName says whether a family may be called so.
func validName(name string) bool {
	for i, c := range name {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == ':'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}
