package lake

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	store "github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Reader looks into the lake, also while another process writes it. It takes no lock and writes nothing. Queries may be
// asked by many goroutines, everything else one at a time.
type Reader struct {
	config  Config
	dir     string
	shelf   shelf
	witness *witness
	keep    *retention
}

// shelf is what can be read of a lake: by the process that writes it, or beside it.
type shelf interface {
	query.Store

	CheckEach(ctx context.Context, each func(*store.Checked)) error
	Files() []store.File
	Hashes(ctx context.Context, source string, each func(seq uint64, hash proof.Hash) error) (map[string]error, error)
	HashesNear(source string) func(seq uint64) (proof.Hash, error)
	Holds() []Hold
	Last(source string) uint64
	Record(source string, seq uint64) (event.Record, error)
	Stats() Stats
	Tombstones() []Tombstone
}

// OpenReader opens the lake for looking. Problem keys: app.lake.none (not_found), app.lake.unusable (unavailable).
func OpenReader(c Config) (*Reader, error) {
	c.Make = false
	r, err := prepare(c)
	if err != nil {
		return nil, err
	}
	s, err := store.OpenReader(r.dir, store.Config{Clock: c.Now, Limits: r.limits()})
	if err != nil {
		return nil, told(err, r.dir)
	}
	r.shelf = s
	return r, nil
}

// prepare reads what stands beside the lines.
func prepare(c Config) (*Reader, error) {
	dir := filepath.Join(c.Dir, Folder)
	if !c.Make && !Exists(c.Dir) {
		return nil, problem.NotFound("app.lake.none", "dir", c.Dir)
	}
	if c.Make {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, problem.Unavailable("app.lake.unusable", "dir", dir).Because(err)
		}
	}
	r := &Reader{config: c, dir: dir, keep: &retention{path: filepath.Join(dir, "retention.json")}, witness: &witness{config: c, dir: dir}}
	return r, r.keep.load()
}

func (l *Reader) limits() store.Limits { return store.Limits{DiskBytes: l.config.Limit} }

// Refresh looks at what other processes did since. A lake that is open for writing knows.
func (l *Reader) Refresh() error {
	r, ok := l.shelf.(*store.Reader)
	if !ok {
		return nil
	}
	return errors.Join(told(r.Refresh(), l.dir), l.keep.load())
}

// Close ends the look.
func (l *Reader) Close() error {
	if r, ok := l.shelf.(*store.Reader); ok {
		return r.Close()
	}
	return nil
}

// Stats tells how the lake is.
func (l *Reader) Stats() Stats { return l.withUnsigned(l.shelf.Stats()) }

// Keys are the verifier keys of the lake, the present one last; none before the first line is sealed.
func (l *Reader) Keys() ([]string, error) { return l.witness.verifierKeys() }

// newest has the newest sequence number of each source, of those too whose lines were all deleted.
func (l *Reader) newest() map[string]uint64 {
	m := map[string]uint64{}
	for _, t := range l.shelf.Tombstones() {
		m[t.Source] = l.shelf.Last(t.Source)
	}
	for _, s := range l.shelf.Stats().Sources {
		m[s.Name] = s.Last
	}
	return m
}
