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
	refs  int    // looks that may still open it
	noted bool   // its note is there
	dead  bool   // replaced or deleted: it is removed when the last look is closed
}

// skipPath and notePath are the files beside it.
func (s *sealed) skipPath() string { return beside(s.path, ".skip") }
func (s *sealed) notePath() string { return beside(s.path, ".note") }

// opened is a file with its footer in memory. cache.mu guards uses and place.
type opened struct {
	file   *sealed
	f      disk.File
	reader *segment.Reader
	uses   int
	place  *list.Element // nil: it left the cache and is closed by its last user
	heap   int64

	once  sync.Once // opens the sidecar
	sf    disk.File
	index *skip.Index
	unfit error
}

// cache keeps files open, those used last, within a number and an amount of memory.
type cache struct {
	mu    sync.Mutex
	byID  map[uint64]*opened
	order *list.List // of *opened, used last first
	heap  int64
	most  int64
	files int
}

func newCache(limits Limits) *cache {
	return &cache{byID: map[uint64]*opened{}, order: list.New(), most: limits.FooterBytes, files: limits.OpenFiles}
}

// open gives an open file; release must be called for it.
func (c *cache) open(fsys disk.FS, file *sealed) (*opened, error) {
	c.mu.Lock()
	if o := c.byID[file.ID]; o != nil {
		o.uses++
		c.order.MoveToFront(o.place)
		c.mu.Unlock()
		return o, nil
	}
	c.mu.Unlock()
	f, err := fsys.Open(file.path)
	if err != nil {
		return nil, err
	}
	reader, err := segment.Open(f, sizeOn(f), &segment.Known{Size: file.Size, Footer: file.Footer})
	if err == nil && reader.Meta.ID != file.ID {
		err = segment.ErrDamaged
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	o := &opened{file: file, f: f, reader: reader, uses: 1, heap: reader.Heap}
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.byID[file.ID]; other != nil { // another opened it meanwhile
		other.uses++
		return other, f.Close()
	}
	o.place = c.order.PushFront(o)
	c.byID[file.ID] = o
	c.heap += o.heap
	return o, c.shrink()
}

// sizeOn is the size of an open file, -1 when it cannot be told.
func sizeOn(f disk.File) int64 {
	info, err := f.Stat()
	if err != nil {
		return -1
	}
	return info.Size()
}

// release says that an open file is not used any more by one who opened it.
func (c *cache) release(o *opened) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	o.uses--
	if o.place == nil && o.uses == 0 {
		return o.close()
	}
	return c.shrink()
}

// shrink closes files that nobody uses until the limits hold. c.mu is held.
func (c *cache) shrink() error {
	var errs []error
	for e := c.order.Back(); e != nil && (c.heap > c.most || c.order.Len() > c.files); {
		o, _ := e.Value.(*opened)
		e = e.Prev()
		if o.uses == 0 {
			c.leave(o)
			errs = append(errs, o.close())
		}
	}
	return errors.Join(errs...)
}

func (c *cache) leave(o *opened) {
	c.order.Remove(o.place)
	delete(c.byID, o.file.ID)
	c.heap -= o.heap
	o.place = nil
}

// forget closes a file, at once or when its last user is done: it goes, or something beside it is new.
func (c *cache) forget(id uint64) error {
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
	return o.close()
}

func (c *cache) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, o := range c.byID {
		c.leave(o)
		if o.uses == 0 {
			errs = append(errs, o.close())
		}
	}
	return errors.Join(errs...)
}

func (o *opened) close() error {
	err := o.f.Close()
	if o.sf != nil {
		err = errors.Join(err, o.sf.Close())
	}
	return err
}

// skips gives the sidecar, or why there is none.
func (o *opened) skips(fsys disk.FS) (*skip.Index, error) {
	o.once.Do(func() {
		f, err := fsys.Open(o.file.skipPath())
		if err != nil {
			o.unfit = err
			return
		}
		x, err := skip.Open(f, o.file.Size, o.file.Footer, len(o.file.Blocks))
		if err != nil {
			o.unfit = errors.Join(err, f.Close())
			return
		}
		o.sf, o.index = f, x
	})
	return o.index, o.unfit
}
