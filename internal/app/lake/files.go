package lake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// sealedFile is a Parquet file of the lake.
type sealedFile struct {
	path, name string
	size       int64
	meta       *segment.Meta
}

func (f *sealedFile) overlaps(from, to int64) bool {
	return slices.ContainsFunc(f.meta.Blocks, func(b segment.Block) bool { return b.To >= from && b.From <= to })
}

// sealedFiles lists the files of the lake. Those that cannot be read are an error: what is asked for is all of them.
func (l *Lake) sealedFiles() ([]*sealedFile, error) {
	var files []*sealedFile
	root := filepath.Join(l.dir, "sealed")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // merged meanwhile
			return nil
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".parquet") {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		f := &sealedFile{path: path, name: filepath.ToSlash(name)}
		files = append(files, f)
		return f.read()
	})
	if err != nil {
		return nil, fmt.Errorf("list sealed files: %w", err)
	}
	return files, nil
}

func (f *sealedFile) read() error {
	file, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	f.size = info.Size()
	r, err := segment.Open(file, f.size, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	f.meta = r.Meta
	return nil
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
// to a folder, whole: they may hold other lines too. Signed notes go along.
func (l *Lake) CopySealed(ctx context.Context, from, to time.Time, source, target string, each func(Copied) error) error {
	files, err := l.sealedFiles()
	if err != nil {
		return err
	}
	first, last := int64(math.MinInt64), int64(math.MaxInt64)
	if !from.IsZero() {
		first = from.UnixMicro()
	}
	if !to.IsZero() {
		last = to.UnixMicro() - 1
	}
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		one := Copied{File: f.name, Size: f.size, Records: f.meta.Rows()}
		for i := range f.meta.Sources {
			one.Sources = append(one.Sources, f.meta.Sources[i].Name)
		}
		if !f.overlaps(first, last) || source != "" && !slices.Contains(one.Sources, source) {
			continue
		}
		to := filepath.Join(target, filepath.FromSlash(f.name))
		if one.SHA256, err = copyFile(ctx, f.path, to); err != nil {
			return err
		}
		note := strings.TrimSuffix(f.path, ".parquet") + ".note"
		if _, err := copyFile(ctx, note, strings.TrimSuffix(to, ".parquet")+".note"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := each(one); err != nil {
			return err
		}
	}
	return nil
}

// copyFile copies a file, takes no other's place, and gives the SHA-256 of what was written. Until it is whole it is
// called TO.part.
func copyFile(ctx context.Context, from, to string) (string, error) {
	failed := func(err error) (string, error) { return "", fmt.Errorf("copy %s: %w", filepath.Base(from), err) }
	in, err := os.Open(from) //nolint:gosec // a file of the lake
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
		err = os.Rename(part, to)
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
