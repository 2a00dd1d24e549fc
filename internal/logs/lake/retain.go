package lake

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
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
// What is deleted stands on disk as a tombstone before the first file goes. Where the disk is full, there is a tombstone
// for each file, so that one makes room for the next. What cannot be deleted is told in the error and stops nothing else:
// beside an error the tombstones of what was deleted come, too. Reasons: ClockJumped (nothing is deleted), NoRoom (not
// even the first tombstone could be written).
func (l *Lake) Expire(ctx context.Context, d Deletion) ([]Tombstone, error) {
	if l.config.Keep == nil {
		return nil, nil
	}
	ctx, done, err := l.tend(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	now := l.config.Clock()
	bySource, newest := l.expired(dayOf(now))
	if len(bySource) == 0 {
		return nil, nil
	}
	if limit := time.Duration(int64(dayOf(now)-newest)) * 24 * time.Hour; !d.Sure && limit > l.config.Limits.ClockJump {
		return nil, refuse(ClockJumped, fmt.Errorf("the newest record came on %s", dayName(newest)))
	}
	errs := []error{l.GiveReserve()}
	defer l.takeReserve()
	var tombs []Tombstone
	for _, source := range slices.Sorted(maps.Keys(bySource)) {
		if ctx.Err() != nil {
			break
		}
		some, err := l.delete(ctx, bySource[source], d, now)
		tombs = append(tombs, some...)
		if disk.Full(err) {
			some, err = l.deleteEach(ctx, bySource[source], d, now)
			tombs = append(tombs, some...)
		}
		errs = append(errs, err)
	}
	err = errors.Join(append(errs, ctx.Err())...)
	if disk.Full(err) {
		err = refuse(NoRoom, err)
	}
	return tombs, err
}

// deleteEach removes what is left of files one by one: the first makes room for the next.
func (l *Lake) deleteEach(ctx context.Context, files []*sealed, d Deletion, now time.Time) (tombs []Tombstone, err error) {
	for _, f := range files {
		l.mu.Lock()
		left := l.files[f.ID] == f
		l.mu.Unlock()
		if !left {
			continue
		}
		some, err := l.delete(ctx, []*sealed{f}, d, now)
		tombs = append(tombs, some...)
		if err != nil {
			return tombs, err
		}
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

// A tombstone is for no more files, and no more bytes of what was signed for them: it is read at every start.
const (
	mostBuried = 200
	mostSigned = 4 << 20
)

// delete removes files of one source, with as many tombstones as it takes. One that cannot be signed for stays, and the
// others go.
func (l *Lake) delete(ctx context.Context, files []*sealed, d Deletion, now time.Time) (tombs []Tombstone, err error) {
	var errs []error
	t := Tombstone{Source: files[0].Sources[0].Name, Why: d.Why, Who: d.Who, At: now.UTC(), From: math.MaxInt64, To: math.MinInt64}
	fresh, signed := t, 0
	var going []*sealed
	end := func() {
		if len(going) == 0 {
			return
		}
		if err := l.entomb(&t, going); err != nil {
			errs = append(errs, err)
		} else {
			tombs = append(tombs, t)
		}
		t, going, signed = fresh, nil, 0
	}
	for _, f := range files {
		if ctx.Err() != nil {
			break
		}
		note, err := l.lastWord(ctx, f, &t, d, now)
		if err != nil {
			l.alarm("evidence", f.Name, err)
			errs = append(errs, fmt.Errorf("%s: %w", f.Name, err))
			continue
		}
		l.clear("evidence", f.Name)
		signed += note
		if going = append(going, f); len(going) == mostBuried || signed >= mostSigned {
			end()
		}
	}
	end()
	return tombs, errors.Join(append(errs, ctx.Err())...)
}

// lastWord adds a file to a tombstone, with what the evidence signs for it, and gives the bytes of that.
func (l *Lake) lastWord(ctx context.Context, f *sealed, t *Tombstone, d Deletion, now time.Time) (signed int, err error) {
	sum, err := l.sureSum(f)
	if err != nil {
		return 0, err
	}
	if l.config.Evidence != nil {
		note, err := l.signDeletion(ctx, f, d, now)
		if err != nil {
			return 0, err
		}
		signed = len(note)
		t.Notes = append(t.Notes, string(note))
	}
	t.IDs, t.Names, t.SHA256 = append(t.IDs, f.ID), append(t.Names, f.Name), append(t.SHA256, sum)
	t.Ranges, t.Rows = append(t.Ranges, f.Sources[0].Ranges...), t.Rows+f.Rows()
	for _, b := range f.Blocks {
		t.From, t.To = min(t.From, b.From), max(t.To, b.To)
	}
	return signed, nil
}

// entomb writes a tombstone and removes its files.
func (l *Lake) entomb(t *Tombstone, files []*sealed) error {
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if len(data) > largestNote {
		return fmt.Errorf("tombstone of %s: %w", t.Names[0], disk.ErrTooLarge)
	}
	if err := disk.WriteFile(l.fs, l.path("tombstones", fmt.Sprintf("%016d.json", t.IDs[0])), data); err != nil {
		return err
	}
	l.mu.Lock()
	l.tombs = append(l.tombs, *t)
	gone := l.retireFiles(files)
	l.counts.deleted += uint64(len(files))
	l.mu.Unlock()
	entries := make([]catalogue.Entry, 0, len(files)+1)
	entries = append(entries, catalogue.Entry{Next: map[string]uint64{t.Source: l.nextOf(t.Source)}})
	for _, f := range files {
		entries = append(entries, catalogue.Entry{Drop: f.ID})
	}
	l.enter(entries...)
	for _, f := range gone {
		if err := l.removeFile(f); err != nil {
			l.alarm("remove", f.Name, err)
		}
	}
	return nil
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
		if errors.Is(err, disk.ErrTooLarge) { // of an earlier version; what it names has gone, or is there and can be read
			l.alarms["tombstone "+e.Name()] = err.Error()
			continue
		}
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
	_, done, err := l.tend(l.ctx)
	if err != nil {
		return err
	}
	defer done()
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
