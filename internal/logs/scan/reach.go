package scan

import (
	"context"

	"github.com/kizuki-security/kizuki/sigma"
	"github.com/kizuki-security/kizuki/sigma/jsonlines"
)

// Reach gives the rules whose log source occurs in the files: those that can find anything with what is sent. It
// looks at channel and event id, not at the fields that a rule needs. File takes the report of each file and may be nil.
func Reach(ctx context.Context, files []File, rules *Rules, limits Limits, file func(*FileReport) error) (map[*sigma.Rule]bool, error) {
	reached, seen := map[*sigma.Rule]bool{}, map[string]bool{}
	m := rules.Set.NewMatcher()
	d := jsonlines.NewDecoder(jsonlines.Limits{})
	var key []byte
	look := func(e *sigma.Event) {
		key = key[:0]
		for _, name := range [...]string{"Channel", "EventID", "EventType"} {
			f, _ := e.Lookup(name)
			key = append(append(key, f.Value...), 0)
		}
		if seen[string(key)] {
			return
		}
		if len(seen) < maxSources {
			seen[string(key)] = true
		}
		for r := range m.Routed(e) {
			reached[r] = true
		}
	}
	o := Options{Limits: limits, File: file}
	_, err := run(ctx, files, &o, func() func(*batch) *result {
		return func(b *batch) *result {
			res := &result{batch: b}
			res.counts.add(&b.counts)
			b.each(d, res, func(e *sigma.Event, _ uint64) {
				res.counts.scanned++
				look(e)
			})
			return res
		}
	}, nil)
	return reached, err
}

const maxSources = 100_000 // kinds of events remembered; more only costs time
