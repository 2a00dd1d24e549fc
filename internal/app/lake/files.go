package lake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	store "github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// overlaps says whether a file may hold lines of a range of time, both ends included.
func overlaps(f *store.File, from, to int64) bool {
	return slices.ContainsFunc(f.Blocks, func(b segment.Block) bool { return b.To >= from && b.From <= to })
}

// Copied is a sealed file that was copied.
type Copied struct {
	File    string   `json:"file"` // below the target
	Size    int64    `json:"size"`
	SHA256  string   `json:"sha256"`
	Records int      `json:"records"`
	Sources []string `json:"sources"`
}

// CopySealed copies the sealed Parquet files that hold lines of a range of time, and of a source where one is named,
// to a folder, whole: they may hold other lines too. Signed notes go along. Files that are merged meanwhile are replaced
// by those they were merged into, so that no line is there twice. each is told what stays, at the end.
func (l *Reader) CopySealed(ctx context.Context, from, to time.Time, source, target string, each func(Copied) error) error {
	first, last := int64(math.MinInt64), int64(math.MaxInt64)
	if !from.IsZero() {
		first = from.UnixMicro()
	}
	if !to.IsZero() {
		last = to.UnixMicro() - 1
	}
	c := &copying{shelf: l.shelf, target: target, done: map[string]Copied{}, want: func(f *store.File) bool {
		return overlaps(f, first, last) && (source == "" || slices.ContainsFunc(f.Sources, func(s segment.Source) bool { return s.Name == source }))
	}}
	for try := 1; ; try++ {
		err := c.run(ctx)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || try == mostTries {
			return err
		}
		if err := l.Refresh(); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.done)) {
		if err := each(c.done[name]); err != nil {
			return err
		}
	}
	return nil
}

// mostTries is how often work on sealed files begins again when some of them are merged meanwhile.
const mostTries = 20

// copying is one copy of sealed files.
type copying struct {
	shelf  shelf
	target string
	want   func(*store.File) bool
	done   map[string]Copied
}

// run copies what is wanted and not done, and takes copies back that others now stand for. fs.ErrNotExist: one went.
func (c *copying) run(ctx context.Context) error {
	wanted := map[string]bool{}
	for _, f := range c.shelf.Files() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !c.want(&f) {
			continue
		}
		wanted[f.Name] = true
		if _, ok := c.done[f.Name]; ok {
			continue
		}
		one := Copied{File: f.Name, Size: f.Size, Records: f.Rows()}
		for i := range f.Sources {
			one.Sources = append(one.Sources, f.Sources[i].Name)
		}
		if err := one.copy(ctx, f.Path, c.target); err != nil {
			return err
		}
		c.done[f.Name] = one
	}
	for name := range c.done {
		if wanted[name] {
			continue
		}
		path := filepath.Join(c.target, filepath.FromSlash(name))
		if err := errors.Join(removeThere(path), removeThere(noteOf(path))); err != nil {
			return fmt.Errorf("remove the copy of %s: %w", name, err)
		}
		delete(c.done, name)
	}
	return nil
}

func noteOf(path string) string { return strings.TrimSuffix(path, ".parquet") + ".note" }

func removeThere(name string) error {
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// copy copies a file and its note. An error of which fs.ErrNotExist is part: the file is not there any more.
func (c *Copied) copy(ctx context.Context, path, target string) (err error) {
	to := filepath.Join(target, filepath.FromSlash(c.File))
	if c.SHA256, err = copyFile(ctx, path, to); err != nil {
		return err
	}
	if _, err := copyFile(ctx, noteOf(path), noteOf(to)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// copyFile copies a file, takes no other's place, and gives the SHA-256 of what was written. Until it is whole it is
// called TO.part.
func copyFile(ctx context.Context, from, to string) (string, error) {
	failed := func(err error) (string, error) { return "", fmt.Errorf("copy %s: %w", filepath.Base(from), err) }
	in, err := disk.OS{}.Open(from) // so that the writer can remove it meanwhile, on Windows too
	if err != nil {
		return failed(err)
	}
	defer func() { _ = in.Close() }()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return failed(err)
	}
	if _, err := os.Lstat(to); err == nil {
		return failed(fs.ErrExist)
	}
	part := to + ".part"
	out, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the person names the folder
	if err != nil {
		return failed(err)
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, h), &stoppable{ctx: ctx, r: in})
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err == nil {
		err = disk.OS{}.Rename(part, to)
	}
	if err != nil {
		return failed(errors.Join(err, os.Remove(part)))
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Size is what the lake of a data folder takes on disk, in bytes, seen from outside: no lock is taken. The error says
// that it cannot be read, or that files were signed and the keys that did it are gone.
func Size(dir string) (int64, error) {
	var size int64
	root := filepath.Join(dir, Folder)
	err := filepath.WalkDir(root, func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // merged meanwhile
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		if info, err := d.Info(); err == nil {
			size += info.Size()
		}
		return nil
	})
	if err != nil {
		return size, fmt.Errorf("measure the lake: %w", err)
	}
	w := &witness{dir: root}
	if err := w.load(); err != nil {
		return size, err
	}
	if sources, err := proof.Sources(w.proofs()); err == nil && len(sources) > 0 && w.keys == nil {
		return size, problem.Unavailable("app.lake.keys_gone", "file", filepath.Join(root, "keys.json"))
	}
	return size, nil
}
