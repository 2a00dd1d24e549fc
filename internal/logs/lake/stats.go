package lake

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/logs/lake/catalogue"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
)

// What a check finds although the file itself can be read.
var (
	errSum       = fmt.Errorf("%w: SHA-256", segment.ErrDamaged)
	errDescribed = fmt.Errorf("%w: the catalogue describes another", segment.ErrDamaged)
	errDenies    = fmt.Errorf("%w: its sidecar is whole and was made of something else", segment.ErrDamaged)
)

// counts are what happened since the lake was opened.
type counts struct {
	appended, sealed, merged, deleted uint64
	replayed, tornBytes, damagedFrames,
	catalogueRebuilt uint64
	waits, stalls uint64
}

// State of the disk budget.
type State string

// States.
const (
	Fine State = "fine"
	Near State = "near" // more than nine tenths of Limits.DiskBytes are used
	Full State = "full" // Append is refused
)

// Alarm is something that somebody should look at.
type Alarm struct {
	Reason string // stable code: append, seal, merge, wal, log, catalogue, damaged, missing, sidecar, evidence, remove, …
	Place  string // name of a file; may be empty
	Detail string
}

// SourceStats is what the lake holds of a source.
type SourceStats struct {
	Name     string
	Rows     uint64
	Bytes    int64 // of sealed messages
	Last     uint64
	From, To int64 // microseconds since 1970 UTC; both 0: not known before they are sealed
}

// span widens the range of time; both 0 is none.
func (t *SourceStats) span(from, to int64) {
	switch {
	case from == 0 && to == 0:
	case t.From == 0 && t.To == 0:
		t.From, t.To = from, to
	default:
		t.From, t.To = min(t.From, from), max(t.To, to)
	}
}

// Stats is the lake at one moment.
type Stats struct {
	Files      int
	Blocks     int
	SealedRows int
	HotRows    int
	DiskBytes  int64 // sealed files with what stands beside them, and logs
	RawBytes   int64 // of sealed messages
	Budget     State
	Waiting    int64 // bytes of records that wait for the disk
	Unsealed   int   // full segments that wait for their seal
	Sources    []SourceStats
	Alarms     []Alarm

	Appended, Sealed, Merged, Deleted  uint64 // since the lake was opened: records, then files
	Replayed, TornBytes, DamagedFrames uint64 // of logs at the start
	CatalogueRebuilt                   bool
	Waits, Stalls                      uint64 // appends that found the queue full; commits that waited for a seal
}

// File is a sealed file, as others may read it.
type File struct {
	*catalogue.File

	Path string // its name on this machine
}

// Files lists the sealed files, oldest first. What they say must not be changed.
func (l *Lake) Files() []File {
	files := l.live(func(*sealed) bool { return true })
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []File
	for _, f := range files {
		entry := *f.File // its sum may be learnt later
		out = append(out, File{&entry, f.path})
	}
	return out
}

// Stats tells how the lake is.
func (l *Lake) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &l.counts
	s := Stats{
		Files: len(l.files), DiskBytes: l.used(), Budget: l.budget(), Waiting: l.queued, Unsealed: len(l.sealing),
		Appended: c.appended, Sealed: c.sealed, Merged: c.merged, Deleted: c.deleted, Replayed: c.replayed,
		TornBytes: c.tornBytes, DamagedFrames: c.damagedFrames, CatalogueRebuilt: c.catalogueRebuilt > 0,
		Waits: c.waits, Stalls: c.stalls,
	}
	by := map[string]*SourceStats{}
	of := func(name string) *SourceStats {
		if by[name] == nil {
			by[name] = &SourceStats{Name: name, Last: max(l.next[name], 1) - 1}
		}
		return by[name]
	}
	for _, f := range l.files {
		s.Blocks += len(f.Blocks)
		for i := range f.Sources {
			t := of(f.Sources[i].Name)
			t.Rows += uint64(f.Sources[i].Rows)
			t.Bytes += f.Sources[i].Bytes
			s.SealedRows += f.Sources[i].Rows
			s.RawBytes += f.Sources[i].Bytes
			t.span(f.Sources[i].From, f.Sources[i].To)
		}
		for i := range f.Blocks { // files of an early version tell the times of merged sources only
			if b := &f.Blocks[i]; b.Source != "" {
				of(b.Source).span(b.From, b.To)
			}
		}
	}
	for _, h := range append(slices.Clone(l.sealing), l.hot) {
		if h == nil {
			continue
		}
		s.HotRows += h.table.Rows()
		for name, n := range h.table.View().CountSources() {
			of(name).Rows += uint64(n)
		}
	}
	for _, t := range by {
		s.Sources = append(s.Sources, *t)
	}
	slices.SortFunc(s.Sources, func(a, b SourceStats) int { return strings.Compare(a.Name, b.Name) })
	for key, detail := range l.alarms {
		reason, place, _ := strings.Cut(key, " ")
		s.Alarms = append(s.Alarms, Alarm{reason, place, detail})
	}
	slices.SortFunc(s.Alarms, func(a, b Alarm) int { return strings.Compare(a.Reason+" "+a.Place, b.Reason+" "+b.Place) })
	return s
}

// used is the size of everything in the folder that grows. l.mu is held.
func (l *Lake) used() int64 {
	n := l.bytes
	for _, h := range append(slices.Clone(l.sealing), l.hot) {
		if h != nil {
			n += h.logged
		}
	}
	return n
}

// budget says how the disk budget stands. l.mu is held.
func (l *Lake) budget() State {
	limit := l.config.Limits.DiskBytes
	switch used := l.used(); {
	case limit <= 0 || used < limit/10*9:
		return Fine
	case used < limit:
		return Near
	}
	return Full
}

// overBudget says whether nothing more may be appended. l.mu is held.
func (l *Lake) overBudget() bool { return l.budget() == Full }
