package lake

import (
	"context"
	"slices"

	"github.com/kizuki-security/kizuki/internal/logs/lake/catalogue"
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// Since is a store of only those blocks that may hold records behind the marks, the newest sequence number of each
// source that is known already: who follows a lake does not read all of it again and again. Older records stand in
// these blocks, too. The marks must not change while it is used.
func Since(store query.Store, marks map[string]uint64) query.Store { return since{store, marks} }

type since struct {
	query.Store

	marks map[string]uint64
}

// Blocks leaves out what is known to be old.
func (s since) Blocks(ctx context.Context, from, to int64, sources []string) (query.Blocks, error) {
	blocks, err := s.Store.Blocks(ctx, from, to, sources)
	if k, ok := blocks.(*look); ok && err == nil {
		k.refs = slices.DeleteFunc(k.refs, func(i item) bool {
			f := i.gone
			if i.file != nil {
				f = i.file.File
			}
			return f != nil && !s.newer(f, i.stat.Source)
		})
	}
	return blocks, err
}

// newer says whether a file has records behind the marks; of one source, where it is named.
func (s since) newer(f *catalogue.File, source string) bool {
	for i := range f.Sources {
		one := &f.Sources[i]
		if source != "" && source != one.Name {
			continue
		}
		for _, r := range one.Ranges {
			if r.Last > s.marks[one.Name] {
				return true
			}
		}
	}
	return false
}
