package lake

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/lake/skip"
)

// Tidy does what can wait: it seals a segment of a day that is over, makes sidecars and notes that are missing, and
// merges. It deletes nothing; see Expire.
func (l *Lake) Tidy(ctx context.Context) error {
	ctx, done, err := l.tend(ctx)
	if err != nil {
		return err
	}
	defer done()
	poke(l.wake)
	l.removeAgain()
	l.proveMissing(ctx)
	errs := []error{l.mendSidecars(ctx)}
	failed := map[uint64]bool{} // one file that cannot be merged does not keep other days from it
	for ctx.Err() == nil {
		if err := l.catchUp(); err != nil {
			l.alarm("catalogue", "", err)
			return errors.Join(append(errs, err)...)
		}
		inputs := l.plan(failed)
		if len(inputs) == 0 {
			break
		}
		if err := l.merge(ctx, inputs); err != nil {
			l.alarm("merge", inputs[0].Name, err)
			errs = append(errs, err)
			if disk.Full(err) {
				break
			}
			for _, f := range inputs {
				failed[f.ID] = true
			}
			continue
		}
		l.clear("merge", inputs[0].Name)
	}
	return errors.Join(append(errs, ctx.Err())...)
}

// tend begins something that puts the folder in order: one at a time, and none beyond Close, which waits for it. The
// context ends with the lake; done must be called.
func (l *Lake) tend(ctx context.Context) (within context.Context, done func(), err error) {
	l.tidying.Lock()
	l.mu.Lock()
	closed := l.closed
	l.mu.Unlock()
	if closed {
		l.tidying.Unlock()
		return ctx, nil, refuse(Closed, nil)
	}
	within, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(l.ctx, cancel)
	return within, func() {
		stop()
		cancel()
		l.tidying.Unlock()
	}, nil
}

// removeAgain removes what could not be removed before.
func (l *Lake) removeAgain() {
	l.mu.Lock()
	files := slices.Collect(maps.Values(l.unremoved))
	l.mu.Unlock()
	for _, f := range files {
		if err := l.removeFile(f); err != nil {
			l.alarm("remove", f.Name, err)
		}
	}
}

// live lists the live files, oldest first.
func (l *Lake) live(want func(*sealed) bool) []*sealed {
	l.mu.Lock()
	defer l.mu.Unlock()
	var files []*sealed
	for _, f := range l.files {
		if want(f) {
			files = append(files, f)
		}
	}
	slices.SortFunc(files, func(a, b *sealed) int { return cmp.Compare(a.ID, b.ID) })
	return files
}

// proveMissing asks for the notes that are missing, oldest first.
func (l *Lake) proveMissing(ctx context.Context) {
	if l.config.Evidence == nil {
		return
	}
	l.proving.Lock()
	defer l.proving.Unlock()
	for _, f := range l.live(func(f *sealed) bool { return !f.noted }) {
		if ctx.Err() != nil {
			return
		}
		l.proveOne(ctx, f, true)
	}
}

// mendSidecars makes sidecars anew that are missing or do not fit.
func (l *Lake) mendSidecars(ctx context.Context) error {
	var errs []error
	for _, f := range l.live(func(f *sealed) bool { return l.alarms["sidecar "+f.Name] != "" }) {
		if ctx.Err() != nil {
			break
		}
		if err := l.mendSidecar(f); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (l *Lake) mendSidecar(f *sealed) error {
	o, err := l.cache.open(l.fs, f)
	if err != nil {
		return l.noteDamage(f, err)
	}
	var b skip.Builder
	for i := range f.Blocks {
		block, err := o.reader.Block(i)
		if err != nil {
			return errors.Join(l.noteDamage(f, err), l.cache.release(o))
		}
		b.Add(block)
	}
	if err := l.cache.release(o); err != nil {
		return err
	}
	// Who has the file open keeps the old sidecar until it is closed.
	err = errors.Join(l.cache.forget(f.ID), disk.WriteFile(l.fs, f.skipPath(), b.Bytes(f.Size, f.Footer)))
	if err == nil {
		l.clear("sidecar", f.Name)
	}
	return err
}
