package lake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	store "github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Change is one change of how long lines are kept.
type Change struct {
	Source string    `json:"source"` // "": all that have no rule of their own
	Days   int       `json:"days"`   // after the day on which a line came; 0: for ever; -1: the rule of all others again
	Why    string    `json:"why"`
	Who    string    `json:"who"`
	At     time.Time `json:"at"`
}

// retention is how long lines are kept: the sum of all changes, so that nobody shortens it unseen.
type retention struct {
	path string

	mu      sync.Mutex
	changes []Change
}

// mostDays is 100 years.
const mostDays = 36_600

func (r *retention) load() error {
	data, err := readSmall(r.path)
	if err != nil || data == nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var file struct {
		Changes []Change `json:"changes"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return problem.Unavailable("app.lake.retention_damaged", "file", r.path).Because(err)
	}
	r.changes = file.Changes
	return nil
}

// days are those of a source.
func (r *retention) days(source string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	own, all := -1, 0
	for _, c := range r.changes {
		switch c.Source {
		case source:
			own = c.Days
		case "":
			all = c.Days
		}
	}
	if own >= 0 {
		return own
	}
	return all
}

// Days says for how many days lines of a source are kept; 0: for ever. The source "" is every other one.
func (l *Reader) Days(source string) int {
	if source == "" {
		source = "\x00" // no source is called so
	}
	return l.keep.days(source)
}

// Changes are those of retention, oldest first.
func (l *Reader) Changes() []Change {
	l.keep.mu.Lock()
	defer l.keep.mu.Unlock()
	return slices.Clone(l.keep.changes)
}

// SetDays changes how long lines are kept. It deletes nothing. Problem keys: app.lake.days, app.lake.why_missing,
// app.lake.reason.bad_source (invalid).
func (l *Lake) SetDays(ctx context.Context, c Change) error {
	switch {
	case c.Days < -1 || c.Days > mostDays || c.Days == -1 && c.Source == "":
		return problem.Invalid("days", "app.lake.days", "most", mostDays)
	case strings.TrimSpace(c.Why) == "":
		return problem.Invalid("why", "app.lake.why_missing")
	case c.Source != "" && !event.ValidSource(c.Source):
		return problem.Invalid("source", "app.lake.reason.bad_source", "detail", c.Source)
	}
	c.At = l.config.Now().UTC()
	return l.noted(ctx, Act{Act: RetentionSet, Source: c.Source, Days: c.Days, Why: c.Why}, func() error { return l.keep.add(c) })
}

// add writes one more change.
func (r *retention) add(c Change) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	changes := append(slices.Clone(r.changes), c)
	data, err := json.MarshalIndent(map[string]any{"changes": changes}, "", "  ")
	if err != nil {
		return fmt.Errorf("write retention: %w", err)
	}
	if err := writeWhole(r.path, append(data, '\n')); err != nil {
		return err
	}
	r.changes = changes
	return nil
}

// Due is what the next deletion takes of a source.
type Due struct {
	Source string `json:"source"`
	Days   int    `json:"days"`
	Files  int    `json:"files"`
	Rows   int    `json:"records"`
	Held   int    `json:"held"` // files that stay because of a hold
}

// Due lists what is over its time. Lines that came in with others in one file, which is not merged yet, are not among
// them: they go once the file is merged.
func (l *Reader) Due() []Due {
	today := int32(l.config.Now().Unix() / 86400)
	by := map[string]*Due{}
	var out []*Due
	for _, f := range l.shelf.Files() {
		if len(f.Sources) != 1 {
			continue
		}
		source := f.Sources[0].Name
		days := l.keep.days(source)
		if days == 0 || int64(f.Day)+int64(days) >= int64(today) {
			continue
		}
		if by[source] == nil {
			by[source] = &Due{Source: source, Days: days}
			out = append(out, by[source])
		}
		if l.covered(&f) {
			by[source].Held++
			continue
		}
		by[source].Files++
		by[source].Rows += f.Rows()
	}
	list := make([]Due, len(out))
	for i, d := range out {
		list[i] = *d
	}
	slices.SortFunc(list, func(a, b Due) int { return strings.Compare(a.Source, b.Source) })
	return list
}

// covered says whether a hold covers lines of a file.
func (l *Reader) covered(f *store.File) bool {
	for _, h := range l.shelf.Holds() {
		if h.Source != "" && h.Source != f.Sources[0].Name {
			continue
		}
		if h.From == 0 && h.To == 0 || overlaps(f, h.From, h.To) {
			return true
		}
	}
	return false
}

// Expire deletes what is over its time, with signed tombstones. sure is the word of a person that the clock is right.
func (l *Lake) Expire(ctx context.Context, who, why string, sure bool) ([]Tombstone, error) {
	if strings.TrimSpace(why) == "" {
		return nil, problem.Invalid("why", "app.lake.why_missing")
	}
	var announced []Act
	for _, d := range l.Due() {
		if d.Files == 0 {
			continue
		}
		a := Act{Act: LinesDeleted, Source: d.Source, Days: d.Days, Why: why, Files: d.Files, Lines: uint64(d.Rows)}
		if err := l.Note(ctx, a); err != nil {
			return nil, errors.Join(err, l.undone(ctx, announced, nil))
		}
		announced = append(announced, a)
	}
	tombs, err := l.store.Expire(ctx, store.Deletion{Who: who, Why: why, Sure: sure})
	return tombs, errors.Join(told(err, l.dir), l.undone(ctx, announced, tombs), l.tellSigned(ctx))
}

// undone tells which deletions that were told did not come about, or not whole.
func (l *Lake) undone(ctx context.Context, announced []Act, tombs []Tombstone) error {
	var errs []error
	for _, a := range announced {
		gone := uint64(0) // many files have several tombstones
		for i := range tombs {
			if tombs[i].Source == a.Source {
				gone += uint64(tombs[i].Rows)
			}
		}
		if gone == a.Lines {
			continue
		}
		a.Undone = true
		errs = append(errs, l.Note(context.WithoutCancel(ctx), a))
	}
	return errors.Join(errs...)
}

// Tombstones lists what was deleted, oldest first.
func (l *Reader) Tombstones() []Tombstone { return l.shelf.Tombstones() }

// Holds lists what must not be deleted.
func (l *Reader) Holds() []Hold { return l.shelf.Holds() }

// NewHold is a hold that somebody asks for.
type NewHold struct {
	Name, Source, Why, Who string
	From, To               time.Time // of lines, From included and To not; both zero: all times
}

// HoldsUnread says that the list of holds cannot be read: nothing is deleted, and no hold can be put or lifted, until
// somebody puts the file right.
func (l *Reader) HoldsUnread() error {
	for _, a := range l.shelf.Stats().Alarms {
		if a.Reason == "holds" {
			return problem.Unavailable("app.lake.holds_damaged", "file", filepath.Join(l.dir, "holds.json")).Because(errors.New(a.Detail))
		}
	}
	return nil
}

// Hold forbids deleting. Problem keys: app.lake.hold_name, app.lake.hold_times, app.lake.why_missing (invalid),
// app.lake.hold_there (conflict), app.lake.holds_damaged (unavailable).
func (l *Lake) Hold(ctx context.Context, n NewHold) error {
	switch {
	case !event.ValidSource(n.Name):
		return problem.Invalid("name", "app.lake.hold_name", "name", n.Name)
	case strings.TrimSpace(n.Why) == "":
		return problem.Invalid("why", "app.lake.why_missing")
	case n.Source != "" && !event.ValidSource(n.Source):
		return problem.Invalid("source", "app.lake.reason.bad_source", "detail", n.Source)
	case !n.To.IsZero() && !n.From.Before(n.To):
		return problem.Invalid("to", "app.lake.hold_times")
	case slices.ContainsFunc(l.shelf.Holds(), func(h Hold) bool { return h.Name == n.Name }):
		return problem.Conflict("app.lake.hold_there", "name", n.Name)
	}
	if err := l.HoldsUnread(); err != nil {
		return err
	}
	h := Hold{Name: n.Name, Source: n.Source, Why: n.Why, Who: n.Who, At: l.config.Now().UTC()}
	if !n.From.IsZero() || !n.To.IsZero() {
		h.From, h.To = int64(math.MinInt64), int64(math.MaxInt64)
		if !n.From.IsZero() {
			h.From = n.From.UnixMicro()
		}
		if !n.To.IsZero() {
			h.To = n.To.UnixMicro() - 1
		}
	}
	act := Act{Act: HoldAdded, Name: n.Name, Source: n.Source, From: n.From, To: n.To, Why: n.Why}
	return l.noted(ctx, act, func() error { return told(l.store.Hold(h), l.dir) })
}

// Release lifts a hold. Problem keys: app.lake.reason.unknown (not_found), app.lake.holds_damaged (unavailable).
func (l *Lake) Release(ctx context.Context, name string) error {
	if err := l.HoldsUnread(); err != nil {
		return err
	}
	do := func() error { return told(l.store.Release(name), l.dir) }
	i := slices.IndexFunc(l.Holds(), func(h Hold) bool { return h.Name == name })
	if i < 0 {
		return do() // refused
	}
	return l.noted(ctx, Act{Act: HoldRemoved, Name: name, Source: l.Holds()[i].Source}, do)
}
