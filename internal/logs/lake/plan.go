package lake

import (
	"cmp"
	"slices"
)

// plan is what to merge next: files of one day of arrival, all segments, or all of one source. Files whose
// merge failed are left out.
func (l *Lake) plan(failed map[uint64]bool) []*sealed {
	today := dayOf(l.config.Clock())
	l.mu.Lock()
	defer l.mu.Unlock()
	type group struct {
		day    int32
		source string // empty: segments
	}
	groups := map[group][]*sealed{}
	for _, f := range l.files {
		if failed[f.ID] || !l.mergeable(f) {
			continue
		}
		g := group{day: f.Day}
		if f.Level > 0 {
			g.source = f.Sources[0].Name
		}
		groups[g] = append(groups[g], f)
	}
	open := map[int32]bool{today: true}
	for _, h := range append(slices.Clone(l.sealing), l.hot) {
		if h != nil {
			open[h.day] = true
		}
	}
	keys := make([]group, 0, len(groups))
	for g := range groups {
		keys = append(keys, g)
	}
	slices.SortFunc(keys, func(a, b group) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.source, b.source))
	})
	for _, g := range keys {
		files := groups[g]
		least := 2
		if g.source == "" {
			least = 1 // a lone segment too gets one file for each source, so that each can go when its time is over
		}
		if open[g.day] { // a busy day is merged in steps, so that its files stay few
			least = 2 * l.config.Limits.MergeFiles
		}
		if len(files) < least {
			continue
		}
		slices.SortFunc(files, func(a, b *sealed) int {
			return cmp.Or(cmp.Compare(a.Level, b.Level), cmp.Compare(a.ID, b.ID))
		})
		return files[:min(len(files), l.config.Limits.MergeFiles)]
	}
	return nil
}

// mergeable says whether a file may be merged: it can be read, it is not full, its log is gone and so are the files it
// replaced; otherwise a start would find them again. l.mu is held.
func (l *Lake) mergeable(f *sealed) bool {
	if f.dead || l.settling(f) || l.alarms["damaged "+f.Name] != "" || f.Level > 0 && f.Rows() >= l.config.Limits.MergeRows {
		return false
	}
	return l.config.Evidence == nil || f.noted
}

// settling says whether files that f stands for are still there. l.mu is held.
func (l *Lake) settling(f *sealed) bool {
	if l.lingering[f.ID] {
		return true
	}
	return slices.ContainsFunc(f.Replaces, func(id uint64) bool { return l.lingering[id] })
}
