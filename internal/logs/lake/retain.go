package lake

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/lake/catalogue"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// Tombstone stands for files that were deleted, for good.
type Tombstone struct {
	Source string          `json:"source"`
	IDs    []uint64        `json:"ids"`
	Names  []string        `json:"names"`
	SHA256 []string        `json:"sha256"`          // hex, as Names
	Notes  []string        `json:"notes,omitempty"` // what the evidence signed, as Names
	Ranges []segment.Range `json:"seqs"`            // records that went
	Rows   int             `json:"rows"`
	From   int64           `json:"from"` // time of the records, microseconds since 1970 UTC
	To     int64           `json:"to"`
	Why    string          `json:"why"`
	Who    string          `json:"who"`
	At     time.Time       `json:"at"`
}

// Deletion says what to delete.
type Deletion struct {
	Who, Why string
	// Sure is somebody's word that the clock is right although it is far beyond the newest record; see ClockJumped.
	Sure bool
}

// Expire deletes whole files whose time is over by Config.Keep and that no hold covers, and returns their tombstones.
// What is deleted stands on disk as a tombstone before the first file goes. Reason ClockJumped: nothing is deleted.
func (l *Lake) Expire(ctx context.Context, d Deletion) ([]Tombstone, error) {
	if l.config.Keep == nil {
		return nil, nil
	}
	l.tidying.Lock()
	defer l.tidying.Unlock()
	now := l.config.Clock()
	bySource, newest := l.expired(dayOf(now))
	if len(bySource) == 0 {
		return nil, nil
	}
	if limit := time.Duration(int64(dayOf(now)-newest)) * 24 * time.Hour; !d.Sure && limit > l.config.Limits.ClockJump {
		return nil, refuse(ClockJumped, fmt.Errorf("the newest record came on %s", dayName(newest)))
	}
	sources := make([]string, 0, len(bySource))
	for source := range bySource {
		sources = append(sources, source)
	}
	slices.Sort(sources)
	var tombs []Tombstone
	for _, source := range sources {
		if err := ctx.Err(); err != nil {
			return tombs, err
		}
		t, err := l.delete(ctx, source, bySource[source], d, now)
		if err != nil {
			return tombs, err
		}
		tombs = append(tombs, t)
	}
	return tombs, nil
}

// expired lists merged files whose time is over, by source, and the newest day on which records came.
func (l *Lake) expired(today int32) (bySource map[string][]*sealed, newest int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	bySource, newest = map[string][]*sealed{}, math.MinInt32
	for _, h := range append(slices.Clone(l.sealing), l.hot) {
		if h != nil && h.table.Rows() > 0 {
			newest = max(newest, h.day)
		}
	}
	for _, f := range l.files {
		newest = max(newest, f.Day)
		if len(f.Sources) != 1 || l.settling(f) {
			continue
		}
		source := f.Sources[0].Name
		days := l.config.Keep(source)
		if days > 0 && int64(f.Day)+int64(days) < int64(today) && !l.held(f) {
			bySource[source] = append(bySource[source], f)
		}
	}
	for _, files := range bySource {
		slices.SortFunc(files, func(a, b *sealed) int { return cmp.Compare(a.ID, b.ID) })
	}
	return bySource, newest
}

// delete writes the tombstone of files of one source and removes them.
func (l *Lake) delete(ctx context.Context, source string, files []*sealed, d Deletion, now time.Time) (Tombstone, error) {
	t := Tombstone{Source: source, Why: d.Why, Who: d.Who, At: now.UTC(), From: math.MaxInt64, To: math.MinInt64}
	for _, f := range files {
		t.IDs, t.Names, t.SHA256 = append(t.IDs, f.ID), append(t.Names, f.Name), append(t.SHA256, f.SHA256)
		t.Ranges, t.Rows = append(t.Ranges, f.Sources[0].Ranges...), t.Rows+f.Rows()
		for _, b := range f.Blocks {
			t.From, t.To = min(t.From, b.From), max(t.To, b.To)
		}
		if l.config.Evidence != nil {
			note, err := l.signDeletion(ctx, f, d, now)
			if err != nil {
				return t, err
			}
			t.Notes = append(t.Notes, string(note))
		}
	}
	data, err := json.Marshal(t)
	if err != nil {
		return t, err
	}
	if err := disk.WriteFile(l.fs, l.path("tombstones", fmt.Sprintf("%016d.json", t.IDs[0])), data); err != nil {
		return t, err
	}
	l.mu.Lock()
	l.tombs = append(l.tombs, t)
	gone := l.retireFiles(files)
	l.counts.deleted += uint64(len(files))
	l.mu.Unlock()
	entries := make([]catalogue.Entry, 0, len(files)+1)
	entries = append(entries, catalogue.Entry{Next: map[string]uint64{source: l.nextOf(source)}})
	for _, f := range files {
		entries = append(entries, catalogue.Entry{Drop: f.ID})
	}
	l.enter(entries...)
	for _, f := range gone {
		if err := l.removeFile(f); err != nil {
			l.alarm("remove", f.Name, err)
		}
	}
	return t, nil
}

// nextOf is the sequence number that a source gets next.
func (l *Lake) nextOf(source string) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(l.next[source], 1)
}

// Last is the newest sequence number of a source, 0 when it has none.
func (l *Lake) Last(source string) uint64 { return l.nextOf(source) - 1 }

// Tombstones lists what was deleted, oldest first.
func (l *Lake) Tombstones() []Tombstone {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.tombs)
}

// readTombs reads the tombstones, and names what is none.
func (l *Lake) readTombs() (unfinished []string, err error) {
	entries, err := l.fs.ReadDir(l.path("tombstones"))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name := l.path("tombstones", e.Name())
		if !strings.HasSuffix(name, ".json") {
			unfinished = append(unfinished, name)
			continue
		}
		data, err := disk.ReadFile(l.fs, name, largestNote)
		if err != nil {
			return nil, err
		}
		var t Tombstone
		if err := json.Unmarshal(data, &t); err != nil {
			l.alarms["tombstone "+e.Name()] = err.Error()
			continue
		}
		l.tombs = append(l.tombs, t)
	}
	slices.SortStableFunc(l.tombs, func(a, b Tombstone) int { return a.At.Compare(b.At) })
	return unfinished, nil
}

// Hold forbids deleting.
type Hold struct {
	Name   string    `json:"name"`
	Source string    `json:"source,omitempty"` // empty: all
	From   int64     `json:"from,omitempty"`   // time of records, microseconds since 1970 UTC; both 0: all times
	To     int64     `json:"to,omitempty"`
	Why    string    `json:"why"`
	Who    string    `json:"who"`
	At     time.Time `json:"at"`
}

// held says whether a hold covers records of a file. l.mu is held.
func (l *Lake) held(f *sealed) bool {
	for i := range l.holds {
		h := &l.holds[i]
		if h.Source != "" && h.Source != f.Sources[0].Name {
			continue
		}
		for _, b := range f.Blocks {
			if h.From == 0 && h.To == 0 || b.To >= h.From && b.From <= h.To {
				return true
			}
		}
	}
	return false
}

// Hold puts a hold; one of the same name is replaced. It waits for a deletion that is going on.
func (l *Lake) Hold(h Hold) error {
	return l.changeHolds(func(holds []Hold) ([]Hold, error) {
		holds = slices.DeleteFunc(holds, func(o Hold) bool { return o.Name == h.Name })
		return append(holds, h), nil
	})
}

// Release lifts a hold. Reason Unknown: there is none of that name.
func (l *Lake) Release(name string) error {
	return l.changeHolds(func(holds []Hold) ([]Hold, error) {
		i := slices.IndexFunc(holds, func(o Hold) bool { return o.Name == name })
		if i < 0 {
			return nil, refuse(Unknown, errors.New(name))
		}
		return slices.Delete(holds, i, i+1), nil
	})
}

func (l *Lake) changeHolds(change func([]Hold) ([]Hold, error)) error {
	l.tidying.Lock()
	defer l.tidying.Unlock()
	l.mu.Lock()
	unread := l.alarms["holds "]
	l.mu.Unlock()
	if unread != "" { // what is in it would be gone
		return refuse(Unusable, fmt.Errorf("%s: %s", l.path("holds.json"), unread))
	}
	holds, err := change(l.Holds())
	if err != nil {
		return err
	}
	data, err := json.Marshal(holds)
	if err != nil {
		return err
	}
	if err := disk.WriteFile(l.fs, l.path("holds.json"), data); err != nil {
		return refuse(reasonOf(err), err)
	}
	l.mu.Lock()
	l.holds = holds
	l.mu.Unlock()
	return nil
}

// Holds lists the holds.
func (l *Lake) Holds() []Hold {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.holds)
}

// readHolds reads the holds. Ones that cannot be read hold everything: nothing is deleted until somebody looks.
func (l *Lake) readHolds() error {
	data, err := disk.ReadFile(l.fs, l.path("holds.json"), largestNote)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &l.holds); err != nil {
		l.alarms["holds "] = err.Error()
		l.holds = []Hold{{Name: "unreadable", Why: err.Error()}}
	}
	return nil
}

var _ query.Store = (*Lake)(nil)
