// Package lake gives the command line what works on the lake of a data folder: taking log files in, asking, proving,
// handing out, and saying how long lines are kept. Everything lies below DIR/lake and is described in
// internal/logs/lake; this package adds
//
//	DIR/lake/keys.json       the name of the lake and the keys that sign its checkpoints, sealed with DIR/secret.key
//	DIR/lake/proof/          the tree of each source, see internal/logs/lake/proof
//	DIR/lake/imports         which files were taken in
//	DIR/lake/retention.json  how long lines are kept, with every change
//
// It needs no office and no database. One process writes at a time, a Lake; others that would write wait a moment and are
// refused then. Whoever only looks has a Reader, beside it. Clock and randomness come in as arguments. Errors are problems with a message key, or *query.Error.
package lake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	store "github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Folder is the name of the lake in the data folder.
const Folder = "lake"

// Config says where the lake is and what it may use.
type Config struct {
	Dir   string // the data folder
	Now   func() time.Time
	Rand  io.Reader // crypto/rand's reader outside tests
	Limit int64     // bytes that the lake may have on disk; 0: no limit
	// Wait is for how long to wait while another process has the lake; 0: not at all.
	Wait time.Duration
	// Note is told what is done before it is done, see Act; nil: nobody wants to know.
	Note func(ctx context.Context, a Act) error
	// Make allows to begin a lake where there is none.
	Make bool
	// Anew is why a lake is begun although lines of another one were signed in this data folder; "": no such lake is known.
	Anew string
}

// Lake is a lake that is open for writing. Acts may be called one at a time.
type Lake struct {
	*Reader

	store *store.Lake
}

//nolint:revive // names of internal/logs/lake, explained there
type (
	Alarm       = store.Alarm
	Hold        = store.Hold
	Record      = event.Record
	SourceStats = store.SourceStats
	Stats       = store.Stats
	Tombstone   = store.Tombstone
)

// Exists says whether a data folder has a lake.
func Exists(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, Folder))
	return err == nil && info.IsDir()
}

// Open opens the lake for writing. Problem keys: app.lake.none (not_found), app.lake.in_use, app.lake.unusable
// (unavailable).
func Open(ctx context.Context, c Config) (*Lake, error) {
	r, err := prepare(c)
	if err != nil {
		return nil, err
	}
	l := &Lake{Reader: r}
	for begun := c.Now(); ; {
		err := l.open()
		if err == nil {
			break
		}
		if !store.Is(err, store.Locked) {
			return nil, told(err, l.dir)
		}
		if c.Now().Sub(begun) >= c.Wait {
			return nil, problem.Unavailable("app.lake.in_use", "dir", l.dir).Because(err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return l, nil
}

func (l *Lake) open() error {
	s, err := store.Open(l.dir, store.Config{Clock: l.config.Now, Limits: l.limits(), Evidence: l.witness, Keep: l.keep.days})
	if err != nil {
		return err
	}
	l.store, l.shelf = s, s
	l.witness.records.Store(s)
	return nil
}

// Close gives the lake free.
func (l *Lake) Close() error {
	return errors.Join(l.store.Close(), l.witness.close())
}

// Settle seals what is in memory, signs it, and merges the days that are over. Files of hashes that are damaged are mended.
func (l *Lake) Settle(ctx context.Context) error {
	if l.Stats().HotRows > 0 { // without the key nothing can be sealed
		if _, err := l.witness.ready(ctx); err != nil {
			return err
		}
	}
	if err := l.store.Flush(ctx); err != nil {
		return told(err, l.dir)
	}
	if err := l.sound(ctx); err != nil {
		return err
	}
	return errors.Join(told(l.store.Tidy(ctx), l.dir), l.tellSigned(ctx))
}

// told turns a refusal of the lake into a problem, and leaves other errors as they are.
func told(err error, dir string) error {
	if refused, ok := errors.AsType[*proof.Error](err); ok && proof.Is(err, proof.Unvouched) || proof.Is(err, proof.Another) {
		return problem.Conflict("app.lake.wont_sign", "detail", refused.Err).Because(err)
	}
	refusal, ok := errors.AsType[*store.Error](err)
	if !ok || refusal.Reason == store.Busy && errors.Is(err, context.Canceled) {
		return err
	}
	key := "app.lake.reason." + string(refusal.Reason)
	detail := ""
	if refusal.Err != nil {
		detail = refusal.Err.Error()
	}
	switch refusal.Reason {
	case store.Locked:
		return problem.Unavailable("app.lake.in_use", "dir", dir).Because(err)
	case store.NoRoom:
		return problem.TooLarge(key, "detail", detail).Because(err)
	case store.BadSource, store.TooLarge:
		return problem.Invalid("", key, "detail", detail).Because(err)
	case store.Held, store.ClockJumped:
		return problem.Conflict(key, "detail", detail).Because(err)
	case store.Unknown:
		return problem.NotFound(key, "detail", detail).Because(err)
	case store.Unusable, store.Busy, store.NotWritten, store.Closed:
	}
	return problem.Unavailable("app.lake.unusable", "dir", dir).Because(err)
}

// writeWhole writes a file that is complete or as it was before, also after a stop of the machine.
func writeWhole(path string, data []byte) error {
	if err := disk.WriteFile(disk.OS{}, path, data); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}

// readSmall reads a file of the lake; nil when there is none.
func readSmall(path string) ([]byte, error) {
	data, err := os.ReadFile(path) //nolint:gosec // a file of the lake
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	return data, nil
}
