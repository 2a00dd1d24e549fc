package lake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/logs/lake/catalogue"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// look is one consistent look at the lake. It implements query.Blocks.
type look struct {
	l     *Lake
	refs  []item
	files []*sealed
}

type item struct {
	stat  query.Stat
	file  *sealed // nil: hot
	block int
	view  *table.View
	rows  []int32
	gone  *catalogue.File // a file that should be there and is not
}

// Blocks gives the blocks that may hold rows of from to to, microseconds since 1970 UTC, both included, and of the
// sources, all when there are none. Files that are missing are among them: opening those blocks is an error.
func (l *Lake) Blocks(ctx context.Context, from, to int64, sources []string) (query.Blocks, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	wanted := func(s query.Stat) bool {
		return s.To >= from && s.From <= to && (s.Source == "" || len(sources) == 0 || slices.Contains(sources, s.Source))
	}
	k := &look{l: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, refuse(Closed, nil)
	}
	for _, f := range l.files {
		if !holdsOneOf(f.File, sources) {
			continue
		}
		before := len(k.refs)
		damaged := l.alarms["damaged "+f.Name] != ""
		for i := range f.Blocks {
			if s := f.Blocks[i].Stat(); wanted(s) {
				s.Doubtful = damaged
				k.refs = append(k.refs, item{stat: s, file: f, block: i})
			}
		}
		if len(k.refs) > before {
			f.refs++
			k.files = append(k.files, f)
		}
	}
	for _, f := range l.missing {
		for i := range f.Blocks {
			if s := f.Blocks[i].Stat(); wanted(s) && holdsOneOf(f, sources) {
				s.Doubtful = true
				k.refs = append(k.refs, item{stat: s, block: i, gone: f})
			}
		}
	}
	for _, h := range append(slices.Clone(l.sealing), l.hot) {
		if h == nil {
			continue
		}
		h.look(func(s query.Stat, view *table.View, rows []int32) {
			if wanted(s) {
				k.refs = append(k.refs, item{stat: s, view: view, rows: rows})
			}
		})
	}
	slices.SortFunc(k.refs, newestFirst)
	return k, nil
}

// newestFirst orders blocks by their last moment; the rest makes the order of one look that of the next.
func newestFirst(a, b item) int {
	id := func(i item) uint64 {
		switch {
		case i.file != nil:
			return i.file.ID
		case i.gone != nil:
			return i.gone.ID
		}
		return 0
	}
	if a.stat.To != b.stat.To {
		return cmp.Compare(b.stat.To, a.stat.To)
	}
	return cmp.Or(cmp.Compare(b.stat.From, a.stat.From), cmp.Compare(id(b), id(a)), cmp.Compare(b.block, a.block))
}

func holdsOneOf(f *catalogue.File, sources []string) bool {
	if len(sources) == 0 {
		return true
	}
	for i := range f.Sources {
		if slices.Contains(sources, f.Sources[i].Name) {
			return true
		}
	}
	return false
}

// Len is the number of blocks.
func (k *look) Len() int { return len(k.refs) }

// Stat tells of a block.
func (k *look) Stat(i int) query.Stat { return k.refs[i].stat }

// Open opens a block. An error names the file that cannot be read.
func (k *look) Open(i int) (query.Block, error) {
	r := &k.refs[i]
	switch {
	case r.gone != nil:
		return nil, &FileError{r.gone.Name, os.ErrNotExist}
	case r.file == nil:
		return table.NewHot(r.view, r.rows, r.stat), nil
	}
	o, err := k.l.cache.open(k.l.fs, r.file)
	if err != nil {
		return nil, k.l.noteDamage(r.file, err)
	}
	b := &sealedBlock{l: k.l, o: o, block: r.block, stat: r.stat}
	b.look = o.reader.Look(r.block, &b.room)
	return b, nil
}

// MayHave asks the sidecar of a block; the sealed file stays closed. It implements query.Prober.
func (k *look) MayHave(i int, words []string) (bool, error) {
	if f := k.refs[i].file; f != nil {
		return k.l.mayHave(f, k.refs[i].block, words), nil
	}
	return true, nil
}

// Close lets files go that were replaced or deleted meanwhile.
func (k *look) Close() error {
	k.l.mu.Lock()
	var gone []*sealed
	for _, f := range k.files {
		if f.refs--; f.dead && f.refs == 0 {
			gone = append(gone, f)
		}
	}
	k.files = nil
	k.l.mu.Unlock()
	var errs []error
	for _, f := range gone {
		errs = append(errs, k.l.removeFile(f))
	}
	return errors.Join(errs...)
}

// noteDamage remembers that a file cannot be read and gives the error its name.
func (l *Lake) noteDamage(f *sealed, err error) error {
	if errors.Is(err, segment.ErrDamaged) || errors.Is(err, os.ErrNotExist) {
		l.alarm("damaged", f.Name, err)
	}
	return &FileError{f.Name, err}
}

// FileError says which sealed file cannot be read.
type FileError struct {
	Name string
	Err  error // of which os.ErrNotExist is part where the file is gone
}

// Error gives name and cause in one line.
func (e *FileError) Error() string { return fmt.Sprintf("%s: %v", e.Name, e.Err) }

// Unwrap gives the cause.
func (e *FileError) Unwrap() error { return e.Err }

// sealedBlock is a block of a sealed file. It implements query.Block.
type sealedBlock struct {
	l     *Lake
	o     *opened
	block int
	stat  query.Stat
	room  segment.Room
	look  segment.Look
}

// Stat tells of the block.
func (b *sealedBlock) Stat() query.Stat { return b.stat }

// MayHave asks the sidecar.
func (b *sealedBlock) MayHave(words []string) (bool, error) {
	return b.l.mayHave(b.o.file, b.block, words), nil
}

// mayHave asks the sidecar of a file. One that does not fit says nothing and is made anew.
func (l *Lake) mayHave(f *sealed, block int, words []string) bool {
	o, err := l.cache.sidecars.open(l.fs, f)
	if err == nil {
		var may bool
		may, err = o.index.MayHave(block, words)
		if err = errors.Join(err, l.cache.sidecars.release(o)); err == nil {
			return may
		}
	}
	l.alarm("sidecar", f.Name, err)
	return true
}

// Times of the rows.
func (b *sealedBlock) Times() ([]int64, error) {
	v, err := b.look.Times()
	return v, b.named(err)
}

// Received are the times when the rows came in.
func (b *sealedBlock) Received() ([]int64, error) {
	v, err := b.look.Received()
	return v, b.named(err)
}

// Seqs of the rows.
func (b *sealedBlock) Seqs() ([]uint64, error) {
	v, err := b.look.Seqs()
	return v, b.named(err)
}

// Column of the block; nil: all rows have "". query.ErrNotKept: the file is older than the column.
func (b *sealedBlock) Column(name string) (*query.Column, error) {
	v, err := b.look.Column(table.Place(name))
	if errors.Is(err, query.ErrNotKept) {
		return nil, err
	}
	return v, b.named(err)
}

// Values of some rows of a column; nil: all are "".
func (b *sealedBlock) Values(name string, rows []int) ([]string, error) {
	v, err := b.look.Values(table.Place(name), rows)
	if errors.Is(err, query.ErrNotKept) {
		return nil, err
	}
	return v, b.named(err)
}

// Messages one after another.
func (b *sealedBlock) Messages() (text []byte, ends []uint32, err error) {
	text, ends, err = b.look.Messages()
	return text, ends, b.named(err)
}

// Pick calls each with the messages of some rows.
func (b *sealedBlock) Pick(rows []int, each func(row int, message []byte)) error {
	return b.named(b.look.Pick(rows, each))
}

func (b *sealedBlock) named(err error) error {
	if err == nil {
		return nil
	}
	return b.l.noteDamage(b.o.file, err)
}

// Release gives the file and the memory back.
func (b *sealedBlock) Release() {
	b.room.Free()
	if err := b.l.cache.release(b.o); err != nil {
		b.l.alarm("close", b.o.file.Name, err)
	}
}

// beside is the name of a file that belongs to a sealed one.
func beside(path, ending string) string {
	return strings.TrimSuffix(path, filepath.Ext(path)) + ending
}
