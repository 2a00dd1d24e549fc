package lake

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/logs/lake/catalogue"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
	"github.com/kizuki-security/kizuki/internal/logs/lake/wal"
)

// lost says with nil that no file has any of the numbers of a source, and that none will: they went with a damaged log. id
// is the segment behind them. Numbers are given in the order of segments, so what an older one still holds in memory is
// not lost; nor is what stands in a file that is not there or cannot be read today, or what was deleted.
func (l *Lake) lost(id uint64, source string, part segment.Range) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	has := func(sources []segment.Source) bool {
		return slices.ContainsFunc(sources, func(s segment.Source) bool {
			return s.Name == source && overlap(s.Ranges, part) > 0
		})
	}
	for _, h := range append(slices.Clone(l.sealing), l.hot) {
		if h != nil && (h.id < id || h.has(source, part)) {
			return notLost(source, part, walName(h.id))
		}
	}
	for _, f := range l.files {
		if has(f.Sources) {
			return notLost(source, part, f.Name)
		}
	}
	for _, f := range l.missing {
		if has(f.Sources) {
			return notLost(source, part, f.Name)
		}
	}
	for i := range l.tombs {
		if l.tombs[i].Source == source && overlap(l.tombs[i].Ranges, part) > 0 {
			return notLost(source, part, "a tombstone")
		}
	}
	return l.unknownFile(source, part)
}

// tellAside gives an alarm for each log that was set aside: acknowledged records were lost with it. It ends when somebody
// who looked at the log takes it out of the folder.
func (l *Lake) tellAside() error {
	entries, err := l.fs.ReadDir(l.path("wal"))
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".wal"+wal.Damaged) {
			l.alarms["log "+e.Name()] = "the log was not as it was written; what was whole is sealed, and the log is kept here"
		}
	}
	return err
}

// has says whether a segment in memory has any of the numbers. Lake.mu is held.
func (h *hot) has(source string, part segment.Range) bool {
	v := h.table.View() // nobody keeps it
	for row, seq := range v.Seqs {
		if part.First <= seq && seq <= part.Last && v.Source(row) == source {
			return true
		}
	}
	return false
}

// unknownFile is an error where a file of which nobody knows what it holds cannot be read. l.mu is held.
func (l *Lake) unknownFile(source string, part segment.Range) error {
	named := map[string]bool{}
	each := func(f *catalogue.File) { named["damaged "+f.Name] = true }
	for _, f := range l.files {
		each(f.File)
	}
	for _, f := range l.missing {
		each(f)
	}
	for key := range l.alarms {
		if strings.HasPrefix(key, "damaged ") && !named[key] {
			return notLost(source, part, strings.TrimPrefix(key, "damaged "))
		}
	}
	return nil
}

var errElsewhere = errors.New("not lost")

func notLost(source string, part segment.Range, place string) error {
	return fmt.Errorf("records %d to %d of %s: %w, see %s", part.First, part.Last, source, errElsewhere, place)
}
