package archive

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// File is one file to pack.
type File struct {
	Name string // in the archive, with slashes
	Path string // on the disk
}

// Progress is told how many bytes of how many are done; nil is fine.
type Progress func(done, total int64)

// Result is what Write made and read back.
type Result struct {
	Size   int64  // bytes of the archive
	SHA256 string // of the archive
	Files  int
	Bytes  int64 // of the files, unpacked
}

// create is replaced by tests: a disk that fills up.
var create = func(name string) (writeFile, error) {
	return os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) //nolint:gosec // the caller names the file
}

type writeFile interface {
	io.Writer
	Sync() error
	Close() error
}

// Write packs the files into a new archive at path and reads it back: every entry is decrypted and compared
// before the archive gets its name. It fills in the entries of m. recipients can open the archive; reader
// must be able to, too (a key made for this one archive will do). Until all is good the file is called
// path + PartSuffix; after an error nothing is left.
//
// Problem codes: conflict (archive.exists, archive.changing: a file changed while it was packed; try again),
// unavailable (archive.full).
func Write(ctx context.Context, path string, m Manifest, files []File, recipients []age.Recipient, reader age.Identity, progress Progress) (res Result, err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return res, problem.Conflict("archive.exists", "file", filepath.Base(path)).Because(err)
	}
	m.Schema, m.Entries = Schema, make([]Entry, 0, len(files))
	step := &steps{report: progress}
	for _, f := range files { // names and sizes are known before the first byte is packed
		e, err := measure(ctx, f)
		if err != nil {
			return res, full(err)
		}
		m.Entries = append(m.Entries, e)
	}
	step.total = 2 * m.Size() // written once, read once
	part := path + PartSuffix
	_ = os.Remove(part) // a rest of an earlier try with this very name
	defer func() {
		if err != nil {
			_ = os.Remove(part) // the first error is what matters
			err = full(err)
		}
	}()
	sum, err := write(ctx, part, &m, files, recipients, step)
	if err != nil {
		return res, err
	}
	again, size, err := fileSum(part)
	if err != nil {
		return res, err
	}
	if again != sum {
		return res, problem.Unavailable("archive.disk", "file", filepath.Base(path))
	}
	read, err := check(ctx, part, []age.Identity{reader}, DefaultLimits(), step.add)
	if err != nil {
		return res, fmt.Errorf("read the archive back: %w", err)
	}
	if err := os.Rename(part, path); err != nil {
		return res, fmt.Errorf("name the archive: %w", err)
	}
	return Result{Size: size, SHA256: sum, Files: len(read.Entries), Bytes: read.Size()}, syncFolder(filepath.Dir(path))
}

func write(ctx context.Context, part string, m *Manifest, files []File, recipients []age.Recipient, step *steps) (sum string, err error) {
	out, err := create(part)
	if err != nil {
		return "", fmt.Errorf("open new archive: %w", err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	h := sha256.New()
	buffered := bufio.NewWriterSize(io.MultiWriter(out, h), 1<<20)
	sealed, err := age.Encrypt(buffered, recipients...)
	if err != nil {
		return "", fmt.Errorf("begin encryption: %w", err)
	}
	packed, err := zstd.NewWriter(sealed, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return "", fmt.Errorf("begin compression: %w", err)
	}
	to := tar.NewWriter(packed)
	manifest, err := m.encode()
	if err != nil {
		return "", err
	}
	if err := header(to, manifestName, int64(len(manifest)), m); err != nil {
		return "", err
	}
	if _, err := to.Write(manifest); err != nil {
		return "", fmt.Errorf("pack manifest: %w", err)
	}
	for i, f := range files {
		if err := packOne(ctx, to, f, m.Entries[i], m, step); err != nil {
			return "", err
		}
	}
	for _, end := range []func() error{to.Close, packed.Close, sealed.Close, buffered.Flush, out.Sync} {
		if err := end(); err != nil {
			return "", fmt.Errorf("finish archive: %w", err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func header(to *tar.Writer, name string, size int64, m *Manifest) error {
	err := to.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: m.MadeAt, Format: tar.FormatPAX})
	if err != nil {
		return fmt.Errorf("pack head of entry: %w", err)
	}
	return nil
}

// packOne copies a file into the tar and insists that it is still what was measured.
func packOne(ctx context.Context, to *tar.Writer, f File, e Entry, m *Manifest, step *steps) error {
	in, err := os.Open(f.Path)
	if err != nil {
		return changing(f, err)
	}
	defer func() { _ = in.Close() }() // only read
	if err := header(to, e.Name, e.Size, m); err != nil {
		return err
	}
	h := sha256.New()
	n, err := copyTo(ctx, io.MultiWriter(to, h), io.LimitReader(in, e.Size), step.add)
	if err != nil {
		return fmt.Errorf("pack %s: %w", f.Name, err)
	}
	if n != e.Size || hex.EncodeToString(h.Sum(nil)) != e.SHA256 {
		return changing(f, nil)
	}
	return nil
}

func measure(ctx context.Context, f File) (Entry, error) {
	if err := checkName(f.Name); err != nil {
		return Entry{}, err
	}
	in, err := os.Open(f.Path)
	if err != nil {
		return Entry{}, changing(f, err)
	}
	defer func() { _ = in.Close() }() // only read
	h := sha256.New()
	n, err := copyTo(ctx, h, in, nil)
	if err != nil {
		return Entry{}, fmt.Errorf("read %s: %w", f.Name, err)
	}
	return Entry{Name: f.Name, Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}, nil
}

// changing is for a file that somebody removed or changed in between.
func changing(f File, err error) error {
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("open %s: %w", f.Name, err)
	}
	return problem.Conflict("archive.changing", "name", shorten(f.Name)).Because(err)
}

// IsChanging says whether packing failed because a file changed meanwhile: another try will do.
func IsChanging(err error) bool {
	p, ok := errors.AsType[*problem.Error](err)
	return ok && p.Key == "archive.changing"
}

// pieces are the buffers of copyTo: an office has thousands of small files, and a new buffer for each would cost
// more than the file.
var pieces = sync.Pool{New: func() any { return new([256 << 10]byte) }}

// copyTo copies in pieces, so that an end of ctx is noticed and progress is told.
func copyTo(ctx context.Context, to io.Writer, from io.Reader, add func(n int64)) (int64, error) {
	piece := pieces.Get().(*[256 << 10]byte) //nolint:forcetypeassert // nothing else is in the pool
	defer pieces.Put(piece)
	buf := piece[:]
	var total int64
	for {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		n, err := from.Read(buf)
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return total, err
			}
			total += int64(n)
			if add != nil {
				add(int64(n))
			}
		}
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

type steps struct {
	done, total int64
	report      Progress
}

func (s *steps) add(n int64) {
	s.done += n
	if s.report != nil {
		s.report(s.done, s.total)
	}
}

// fileSum hashes a whole file.
func fileSum(path string) (sum string, size int64, err error) {
	f, err := os.Open(path) //nolint:gosec // a file of ours
	if err != nil {
		return "", 0, fmt.Errorf("open archive: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	h := sha256.New()
	if size, err = io.Copy(h, f); err != nil {
		return "", 0, fmt.Errorf("read archive: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}

// Copy writes a second copy of a finished archive whose SHA-256 is known, in the same careful way: a name
// only when what lies there was read back. Problem codes as for Write.
func Copy(ctx context.Context, from, to, sum string) (err error) {
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return problem.Conflict("archive.exists", "file", filepath.Base(to)).Because(err)
	}
	part := to + PartSuffix
	_ = os.Remove(part)
	defer func() {
		if err != nil {
			_ = os.Remove(part)
			err = full(err)
		}
	}()
	if err := copyFile(ctx, from, part); err != nil {
		return err
	}
	again, _, err := fileSum(part)
	if err != nil {
		return err
	}
	if again != sum {
		return problem.Unavailable("archive.disk", "file", filepath.Base(to))
	}
	if err := os.Rename(part, to); err != nil {
		return fmt.Errorf("name the copy: %w", err)
	}
	return syncFolder(filepath.Dir(to))
}

func copyFile(ctx context.Context, from, to string) (err error) {
	in, err := os.Open(from) //nolint:gosec // a file of ours
	if err != nil {
		return fmt.Errorf("open archive: %w", err)
	}
	defer func() { _ = in.Close() }() // only read
	out, err := create(to)
	if err != nil {
		return fmt.Errorf("open new copy: %w", err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, err := copyTo(ctx, out, in, nil); err != nil {
		return fmt.Errorf("copy archive: %w", err)
	}
	return out.Sync()
}

// syncFolder puts the new name itself on the disk. Windows has no such call and does it by itself.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir) //nolint:gosec // a folder of ours
	if err != nil {
		return fmt.Errorf("open folder of archive: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil && !errors.Is(err, errNoSync) {
		return fmt.Errorf("secure folder of archive: %w", err)
	}
	return nil
}
