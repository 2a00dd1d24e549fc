package lake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/kizuki-security/kizuki/internal/logs/lake/catalogue"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
	"github.com/kizuki-security/kizuki/internal/logs/lake/skip"
)

// Checked is what was found of a sealed file that was read whole.
type Checked struct {
	*catalogue.File

	Err error  // it is not as it was written, or what leads to it is not as the file says; nil: it is
	Sum string // SHA-256 of the bytes that are there, hex; "": they cannot be read
	// Sidecar says why the sidecar does not help: it is missing, damaged, or of another version. It is made again from the
	// file. One that was made to deny what the file holds is an Err.
	Sidecar error
	Note    []byte // what stands beside it, see Evidence; nil: nothing
	Pledge  []byte
}

// largestSidecar is the size of a sidecar that is compared; none that was made here is larger.
const largestSidecar = 1 << 30

// Check reads every sealed file whole and returns the names of those that are not as they were written, with the reason.
// progress is told the records of each file that was read; it may be nil.
func (l *Lake) Check(ctx context.Context, progress func(rows int)) (map[string]error, error) {
	return named(progress, func(each func(*Checked)) error { return l.CheckEach(ctx, each) })
}

// CheckEach reads every sealed file whole, compares it with what the catalogue and its sidecar say of it, and tells what
// was found.
func (l *Lake) CheckEach(ctx context.Context, each func(*Checked)) error {
	for _, f := range l.live(func(*sealed) bool { return true }) {
		if err := ctx.Err(); err != nil {
			return err
		}
		each(l.checkOne(ctx, f))
	}
	return ctx.Err()
}

// named gathers those of a check that are not as they were written.
func named(progress func(rows int), check func(each func(*Checked)) error) (map[string]error, error) {
	bad := map[string]error{}
	err := check(func(c *Checked) {
		if c.Err != nil {
			bad[c.Name] = c.Err
		}
		if progress != nil {
			progress(c.Rows())
		}
	})
	return bad, err
}

func (l *Lake) checkOne(ctx context.Context, f *sealed) *Checked {
	l.mu.Lock()
	f.refs++
	l.mu.Unlock()
	c := &Checked{File: f.File}
	c.Err = errors.Join(l.readWhole(ctx, f, c), l.unuse(f))
	return c
}

func (l *Lake) readWhole(ctx context.Context, f *sealed, c *Checked) error {
	// The note first: when it is written, the pledge goes.
	var err error
	if c.Note, err = l.readBeside(f.notePath()); err != nil {
		return err
	}
	if c.Pledge, err = l.readBeside(f.pledgePath()); err != nil {
		return err
	}
	o, err := l.cache.open(l.fs, f)
	if err != nil {
		return l.noteDamage(f, err)
	}
	if err = described(f.File, o.reader.Meta); err != nil {
		err = l.noteDamage(f, err)
	}
	var b skip.Builder
	for i := range f.Blocks {
		if ctx.Err() != nil {
			break
		}
		block, e := o.reader.Block(i)
		if e != nil {
			return errors.Join(err, l.noteDamage(f, e), l.cache.release(o))
		}
		b.Add(block)
	}
	if err == nil && ctx.Err() == nil {
		err = l.compareSidecar(f, c, &b)
	}
	return errors.Join(err, l.sumWhole(f, c), l.cache.release(o))
}

// readBeside reads what stands beside a file; nil: there is nothing.
func (l *Lake) readBeside(path string) ([]byte, error) {
	data, err := disk.ReadFile(l.fs, path, largestNote)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// sumWhole takes the SHA-256 of a file and compares it with the catalogue's.
func (l *Lake) sumWhole(f *sealed, c *Checked) error {
	file, err := l.fs.Open(f.path)
	if err != nil {
		return l.noteDamage(f, err)
	}
	c.Sum, err = sumFile(file)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if known := l.sumOf(f); known != "" && known != c.Sum {
		return l.noteDamage(f, errSum)
	}
	return nil
}

// described says whether the catalogue tells of a file what the file tells itself: queries pass over what the catalogue
// keeps from them.
func described(f *catalogue.File, meta *segment.Meta) error {
	if f.ID != meta.ID || f.Level != meta.Level || f.Day != meta.Day {
		return fmt.Errorf("%w: it tells another day, level or number", errDescribed)
	}
	for _, part := range []struct {
		what      string
		told, own any
	}{{"blocks", f.Blocks, meta.Blocks}, {"sources", f.Sources, meta.Sources}, {"replaces", f.Replaces, meta.Replaces}} {
		told, err := json.Marshal(part.told)
		if err != nil {
			return err
		}
		own, err := json.Marshal(part.own)
		if err != nil {
			return err
		}
		if both := string(told) + string(own); !bytes.Equal(told, own) && both != "null[]" && both != "[]null" {
			return fmt.Errorf("%w: %s", errDescribed, part.what)
		}
	}
	return nil
}

// compareSidecar compares the sidecar with one that is made anew.
func (l *Lake) compareSidecar(f *sealed, c *Checked, b *skip.Builder) error {
	data, err := disk.ReadFile(l.fs, f.skipPath(), largestSidecar)
	if err == nil {
		err = skip.Whole(data, f.Size, f.Footer, len(f.Blocks))
	}
	if c.Sidecar = err; err == nil && !bytes.Equal(data, b.Bytes(f.Size, f.Footer)) {
		return l.noteDamage(f, errDenies)
	}
	return nil
}
