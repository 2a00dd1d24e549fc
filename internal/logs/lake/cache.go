package lake

import (
	"container/list"
	"errors"
	"sync"

	"github.com/kizuki-security/kizuki/internal/logs/lake/catalogue"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
	"github.com/kizuki-security/kizuki/internal/logs/lake/skip"
)

// sealed is a file of the lake. Lake.mu guards refs and dead.
type sealed struct {
	*catalogue.File
	path  string // of the Parquet file
	bytes int64  // with its sidecar and note
	sum   string // SHA-256 in hex where the catalogue tells none; Lake.mu guards it too
	refs  int    // looks that may still open it
	noted bool   // its note is there
	dead  bool   // replaced or deleted: it is removed when the last look is closed
}

// skipPath and notePath are the files beside it.
func (s *sealed) skipPath() string { return beside(s.path, ".skip") }
func (s *sealed) notePath() string { return beside(s.path, ".note") }

// pledgePath is what says that a segment was written here while it has no note.
func (s *sealed) pledgePath() string { return beside(s.path, ".pledge") }

// opened is a file with its footer in memory, or a sidecar with its head. shelf.mu guards uses and place.
type opened struct {
	file   *sealed
	f      disk.File
	reader *segment.Reader
	index  *skip.Index // of a sidecar
	uses   int
	place  *list.Element // nil: it left the shelf and is closed by its last user
	heap   int64
}

func openFile(fsys disk.FS, file *sealed) (*opened, error) {
	f, err := fsys.Open(file.path)
	if err != nil {
		return nil, err
	}
	reader, err := segment.Open(f, sizeOn(f), &segment.Known{Size: file.Size, Footer: file.Footer})
	if err == nil && (reader.Meta.ID != file.ID || len(reader.Meta.Blocks) != len(file.Blocks)) {
		err = segment.ErrDamaged
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &opened{file: file, f: f, reader: reader, heap: reader.Heap}, nil
}

func openSidecar(fsys disk.FS, file *sealed) (*opened, error) {
	f, err := fsys.Open(file.skipPath())
	if err != nil {
		return nil, err
	}
	index, err := skip.Open(f, file.Size, file.Footer, len(file.Blocks))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &opened{file: file, f: f, index: index, heap: index.Heap()}, nil
}

// sizeOn is the size of an open file, -1 when it cannot be told.
func sizeOn(f disk.File) int64 {
	info, err := f.Stat()
	if err != nil {
		return -1
	}
	return info.Size()
}

// cache keeps sealed files and sidecars open, each kind those used last. They lie apart: to say that a word is in none of
// many files takes their sidecars only, and footers are a hundred times larger.
type cache struct {
	shelf
	sidecars shelf
}

func newCache(limits Limits) *cache {
	c := &cache{}
	for _, s := range []*shelf{&c.shelf, &c.sidecars} {
		*s = shelf{byID: map[uint64]*opened{}, order: list.New(), most: limits.FooterBytes, files: limits.OpenFiles}
	}
	c.load, c.sidecars.load = openFile, openSidecar
	return c
}

// forget closes what belongs to a file, at once or when its last user is done: it goes, or something beside it is new.
func (c *cache) forget(id uint64) error {
	return errors.Join(c.shelf.forget(id), c.sidecars.forget(id))
}

func (c *cache) close() error { return errors.Join(c.shelf.close(), c.sidecars.close()) }

// shelf keeps open what was used last, within a number and an amount of memory.
type shelf struct {
	load  func(fsys disk.FS, file *sealed) (*opened, error)
	mu    sync.Mutex
	byID  map[uint64]*opened
	order *list.List // of *opened, used last first
	heap  int64
	most  int64
	files int
}

// open gives an open file; release must be called for it.
func (c *shelf) open(fsys disk.FS, file *sealed) (*opened, error) {
	c.mu.Lock()
	if o := c.byID[file.ID]; o != nil {
		o.uses++
		c.order.MoveToFront(o.place)
		c.mu.Unlock()
		return o, nil
	}
	c.mu.Unlock()
	o, err := c.load(fsys, file)
	if err != nil {
		return nil, err
	}
	o.uses = 1
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.byID[file.ID]; other != nil { // another opened it meanwhile
		other.uses++
		return other, o.f.Close()
	}
	o.place = c.order.PushFront(o)
	c.byID[file.ID] = o
	c.heap += o.heap
	return o, c.shrink()
}

// release says that an open file is not used any more by one who opened it.
func (c *shelf) release(o *opened) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	o.uses--
	if o.place == nil && o.uses == 0 {
		return o.f.Close()
	}
	return c.shrink()
}

// shrink closes files that nobody uses until the limits hold. c.mu is held.
func (c *shelf) shrink() error {
	var errs []error
	for e := c.order.Back(); e != nil && (c.heap > c.most || c.order.Len() > c.files); {
		o, _ := e.Value.(*opened)
		e = e.Prev()
		if o.uses == 0 {
			c.leave(o)
			errs = append(errs, o.f.Close())
		}
	}
	return errors.Join(errs...)
}

func (c *shelf) leave(o *opened) {
	c.order.Remove(o.place)
	delete(c.byID, o.file.ID)
	c.heap -= o.heap
	o.place = nil
}

func (c *shelf) forget(id uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.byID[id]
	if o == nil {
		return nil
	}
	c.leave(o)
	if o.uses > 0 {
		return nil
	}
	return o.f.Close()
}

func (c *shelf) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, o := range c.byID {
		c.leave(o)
		if o.uses == 0 {
			errs = append(errs, o.f.Close())
		}
	}
	return errors.Join(errs...)
}
