package archive

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// maxWindow is how much memory the decompression may take, in bytes; ours needs 4 MB.
const maxWindow = 64 << 20

// Check reads an archive to its end and compares every entry with the manifest. add is told of each piece;
// nil is fine. Problem codes: invalid and too_large name what is wrong with the file, unauthenticated
// (archive.wrong_key) that the key does not open it.
func Check(ctx context.Context, file string, keys []age.Identity, limits Limits, add func(n int64)) (*Manifest, error) {
	if err := refuseHalf(file); err != nil {
		return nil, err
	}
	return check(ctx, file, keys, limits, add)
}

func check(ctx context.Context, file string, keys []age.Identity, limits Limits, add func(n int64)) (*Manifest, error) {
	return open(ctx, file, keys, limits, nil, func(e Entry, r io.Reader) error {
		return take(ctx, io.Discard, e, r, add)
	})
}

// refuseHalf tells a file that is, or was, being written.
func refuseHalf(file string) error {
	if name := filepath.Base(file); strings.HasSuffix(name, PartSuffix) {
		return problem.Invalid("", "archive.half", "file", name)
	}
	return nil
}

// Unpack writes the files of an archive below an empty folder. accept sees the manifest before anything is
// written. Every file is on the disk when Unpack returns. Codes as for Check, and unavailable (archive.full).
func Unpack(ctx context.Context, file string, keys []age.Identity, limits Limits, dir string, accept func(*Manifest) error, add func(n int64)) (*Manifest, error) {
	if err := refuseHalf(file); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	defer func() { _ = root.Close() }() // only a hold on the folder: each file is synced and closed by itself
	m, err := open(ctx, file, keys, limits, accept, func(e Entry, r io.Reader) error {
		return unpackOne(ctx, root, e, r, add)
	})
	if err != nil {
		return nil, full(err)
	}
	return m, syncFolder(dir)
}

func unpackOne(ctx context.Context, root *os.Root, e Entry, r io.Reader, add func(n int64)) (err error) {
	if dir := path.Dir(e.Name); dir != "." {
		if err := root.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make folder of %s: %w", e.Name, err)
		}
	}
	out, err := root.OpenFile(e.Name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open %s: %w", e.Name, err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if err := take(ctx, out, e, r, add); err != nil {
		return err
	}
	if err := out.Sync(); err != nil {
		return fmt.Errorf("secure %s: %w", e.Name, err)
	}
	return nil
}

// take copies one entry and compares it with what the manifest says.
func take(ctx context.Context, to io.Writer, e Entry, r io.Reader, add func(n int64)) error {
	h := sha256.New()
	n, err := copyTo(ctx, io.MultiWriter(to, h), io.LimitReader(r, e.Size), add)
	if err != nil {
		return err
	}
	if n != e.Size || hex.EncodeToString(h.Sum(nil)) != e.SHA256 {
		return wrongContent(e.Name)
	}
	return nil
}

// open opens an archive and hands each entry over, in the order of the manifest.
func open(ctx context.Context, file string, keys []age.Identity, limits Limits, accept func(*Manifest) error, each func(Entry, io.Reader) error) (*Manifest, error) {
	name := filepath.Base(file)
	f, err := os.Open(file) //nolint:gosec // the caller names the file
	if errors.Is(err, fs.ErrNotExist) {
		return nil, problem.NotFound("archive.missing", "file", name)
	}
	if err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("look at archive: %w", err)
	}
	in := &source{r: bufio.NewReaderSize(f, 1<<20)}
	head, err := in.r.Peek(len(ageMagic))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	if string(head) != ageMagic {
		return nil, problem.Unsupported("archive.foreign", "file", name)
	}
	opened, err := age.Decrypt(in, keys...)
	if err != nil {
		if in.err != nil {
			return nil, fmt.Errorf("read archive: %w", in.err)
		}
		return nil, wrongKey(name, err)
	}
	plain := &source{r: bufio.NewReaderSize(opened, 64<<10)}
	m, err := entries(ctx, plain, info.Size(), limits, accept, each)
	switch {
	case err == nil:
		return m, nil
	case in.err != nil: // the disk, not the file
		return nil, fmt.Errorf("read archive: %w", in.err)
	case plain.err != nil: // age: cut short or changed
		return nil, problem.Invalid("", "archive.damaged", "file", name).Because(plain.err)
	}
	return nil, err
}

// ageMagic begins every age file.
const ageMagic = "age-encryption.org/v1\n"

// wrongKey tells a key that does not fit from a head that cannot be read at all.
func wrongKey(name string, err error) error {
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return problem.Unauthenticated("archive.wrong_key", "file", name).Because(err)
	}
	return problem.Invalid("", "archive.damaged", "file", name).Because(err)
}

// source remembers a failure of what it reads, to tell whose fault a later error is.
type source struct {
	r   *bufio.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// entries unpacks the tar and reads it to the last sealed chunk.
func entries(ctx context.Context, plain io.Reader, packed int64, limits Limits, accept func(*Manifest) error, each func(Entry, io.Reader) error) (*Manifest, error) {
	unpacked, err := zstd.NewReader(plain, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("begin to unpack: %w", err)
	}
	defer unpacked.Close()
	m, err := readTar(ctx, unpacked, packed, limits, accept, each)
	if err != nil {
		return nil, err
	}
	if n, err := io.Copy(io.Discard, io.LimitReader(plain, 1)); err != nil || n > 0 {
		return nil, problem.Invalid("", "archive.more").Because(err)
	}
	return m, nil
}

// readTar reads the manifest, then exactly its entries, then the end.
func readTar(ctx context.Context, unpacked io.Reader, packed int64, limits Limits, accept func(*Manifest) error, each func(Entry, io.Reader) error) (*Manifest, error) {
	from := tar.NewReader(unpacked)
	m, err := firstEntry(ctx, from, packed, limits)
	if err != nil {
		return nil, err
	}
	if accept != nil {
		if err := accept(m); err != nil {
			return nil, err
		}
	}
	for _, e := range m.Entries {
		if err := next(from, e); err != nil {
			return nil, err
		}
		if err := each(e, from); err != nil {
			return nil, entryError(e, err)
		}
	}
	if _, err := from.Next(); !errors.Is(err, io.EOF) {
		return nil, problem.Invalid("", "archive.more").Because(err)
	}
	if n, err := io.Copy(io.Discard, io.LimitReader(unpacked, maxTail+1)); err != nil || n > maxTail {
		return nil, problem.Invalid("", "archive.more").Because(err)
	}
	return m, nil
}

// firstEntry reads the manifest.
func firstEntry(ctx context.Context, from *tar.Reader, packed int64, limits Limits) (*Manifest, error) {
	h, err := from.Next()
	if err != nil {
		return nil, problem.Invalid("", "archive.manifest").Because(err)
	}
	if h.Name != manifestName || h.Typeflag != tar.TypeReg {
		return nil, problem.Invalid("", "archive.manifest")
	}
	if h.Size > limits.Manifest {
		return nil, problem.TooLarge("archive.entries", "limit", limits.Entries)
	}
	var data bytes.Buffer
	if _, err := copyTo(ctx, &data, from, nil); err != nil {
		return nil, problem.Invalid("", "archive.manifest").Because(err)
	}
	return readManifest(data.Bytes(), packed, limits)
}

// maxTail is what may follow the end of a tar, in bytes: padding.
const maxTail = 64 << 10

// next insists that the coming entry is the one that the manifest names, and a plain file.
func next(from *tar.Reader, e Entry) error {
	h, err := from.Next()
	if errors.Is(err, io.EOF) {
		return problem.Invalid("", "archive.entry_missing", "name", shorten(e.Name))
	}
	if err != nil {
		return wrongContentBecause(e.Name, err)
	}
	if h.Typeflag != tar.TypeReg {
		return problem.Invalid("", "archive.link", "name", shorten(h.Name))
	}
	if h.Name != e.Name || h.Size != e.Size {
		return wrongContent(e.Name)
	}
	return nil
}

// entryError keeps problems and failures of the disk, and calls the rest what it is: wrong content.
func entryError(e Entry, err error) error {
	if len(problem.All(err)) > 0 || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return err
	}
	if errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return wrongContentBecause(e.Name, err)
}

func wrongContentBecause(name string, err error) error {
	return problem.Invalid("", "archive.content", "name", shorten(name)).Because(err)
}

// full turns a full disk into a problem that a person can do something about.
func full(err error) error {
	if err != nil && isFull(err) {
		return problem.Unavailable("archive.full").Because(err)
	}
	return err
}
