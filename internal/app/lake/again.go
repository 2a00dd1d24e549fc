package lake

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/logs/scan"
)

// had is what earlier imports took in of a file.
//
// A log grows, is renamed when it is full, and is imported again. Where all of what was taken in stands at the beginning
// of a file of the same folder and log, byte by byte, the import goes on behind it. That is told by the hash, not by the
// name or size; a file that begins otherwise is another file.
type had struct {
	size    int64  // bytes that were hashed: lines behind them came in meanwhile, and are for the next import
	behind  int64  // bytes whose lines are in the lake
	upto    int64  // bytes that the import had before it that was interrupted; 0: as many as now
	kept    uint64 // records behind them that an interrupted import took in
	records uint64 // of kept, those that were met
	passed  bool   // lines were passed over since they are in behind
}

// later says whether a line came in after the file was hashed.
func (h *had) later(line *scan.Line) bool { return line.End > h.size }

// before says whether the lake has a line. Lines whose place is not known are never said to be in a smaller file: rather
// twice than not at all.
func (h *had) before(line *scan.Line) bool {
	switch {
	case line.End > 0 && line.End <= h.behind:
		h.passed = true
		return true
	case h.records < h.kept && (h.upto == 0 || line.End > 0 && line.End <= h.upto):
		h.records++
		h.passed = h.passed || h.upto > 0
		return true
	}
	return false
}

// known finds out whether the file was taken in before, wholly or in part.
func (in *intake) known(ctx context.Context, f scan.File) error {
	in.had = had{}
	older := in.journal.smaller(f.Path, in.options.Source)
	sizes := make([]int64, len(older))
	for i, e := range older {
		sizes[i] = e.Size
	}
	sums, size, err := in.sumsOf(ctx, f, sizes)
	if err != nil {
		return err
	}
	in.now.SHA256, in.had.size = sums[size], size
	if in.options.Again {
		return nil
	}
	if old := in.journal.files[in.now.SHA256]; old != nil {
		if old.Whole {
			in.now.State, in.now.At = Already, &old.At
			return nil
		}
		in.had.behind, in.had.kept = old.Behind, old.Kept
		return nil
	}
	for _, old := range older {
		if old.Size >= size || sums[old.Size] != old.SHA256 {
			continue
		}
		in.now.At, in.now.After = &old.At, old.Size
		if in.had.behind = old.Size; !old.Whole {
			in.had.behind, in.had.upto, in.had.kept = old.Behind, old.Size, old.Kept
		}
		break
	}
	return nil
}

// smaller lists what was taken in of files that may be the beginning of this one, the longest first.
func (j *journal) smaller(path, source string) []*entry {
	var list []*entry
	for _, e := range j.logs[logOf(whole(path), source)] {
		if e.Size > 0 && (e.Kept > 0 || e.Behind > 0) {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b *entry) int { return cmp.Compare(b.Size, a.Size) })
	return list
}

// remember puts the newest that is known of a file into its places.
func (j *journal) remember(e *entry) {
	j.files[e.SHA256] = e
	of := logOf(e.File, e.Source)
	if j.logs[of] == nil {
		j.logs[of] = map[string]*entry{}
	}
	j.logs[of][e.SHA256] = e
}

// logOf tells logs apart: by folder, by the name without numbers, so that app.log.1 is what app.log was, and by the source
// that the person named.
func logOf(path, source string) string {
	dir := filepath.Dir(path)
	if runtime.GOOS == "windows" {
		dir = strings.ToLower(dir)
	}
	return dir + "\x00" + sourceOf("", path) + "\x00" + source
}

// whole is a path that does not hang on the folder in which the command runs.
func whole(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}

// entry is a line of the journal about the file in work.
func (in *intake) entry(act string) *entry {
	return &entry{
		Act: act, SHA256: in.now.SHA256, File: whole(in.now.File), Size: in.had.size, At: in.lake.config.Now().UTC(),
		Source: in.options.Source, Behind: in.had.behind,
	}
}

// begin notes that records of the file are about to come in; those that are passed over were passed by then.
func (in *intake) begin() error {
	if in.begun || len(in.records) == 0 {
		return nil
	}
	begin := in.entry("begin")
	begin.From, begin.Before = in.had.records, in.lake.newest()
	in.begun = true
	return in.full(in.journal.add(begin))
}

// sumsOf gives the SHA-256 in hex of the first bytes of a file, as many as sizes say, largest first, and of all of it.
// Sizes beyond the file have none.
func (in *intake) sumsOf(ctx context.Context, f scan.File, sizes []int64) (map[int64]string, int64, error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", f.Path, err)
	}
	defer func() { _ = file.Close() }()
	h := sha256.New()
	sums := map[int64]string{}
	size := int64(0)
	from := &stoppable{ctx: ctx, r: file, total: f.Size, tell: in.options.Checking}
	for _, next := range slices.Backward(sizes) {
		n, err := io.CopyN(h, from, next-size)
		if size += n; errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, 0, fmt.Errorf("read %s: %w", f.Path, err)
		}
		sums[size] = hex.EncodeToString(h.Sum(nil))
	}
	n, err := io.Copy(h, from)
	if err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", f.Path, err)
	}
	size += n
	sums[size] = hex.EncodeToString(h.Sum(nil))
	return sums, size, nil
}

// stoppable ends with the context, and tells how far it is.
type stoppable struct {
	ctx         context.Context //nolint:containedctx // lives as long as one copy
	r           io.Reader
	done, total int64
	tell        func(done, total int64) // may be nil
}

// Read reads while nobody stopped it.
func (s *stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.r.Read(p)
	if s.done += int64(n); s.tell != nil {
		s.tell(s.done, s.total)
	}
	return n, err
}
