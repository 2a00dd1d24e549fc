package wal

import (
	"errors"
	"io"
	"os"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
)

// ErrCut says that a log became shorter than what was read of it: its writer took back what the disk did not take.
var ErrCut = errors.New("log was cut")

// Follower reads a log that another process still writes. What the writer has not finished at the end of the file is no
// damage: it is read when it is whole. One goroutine uses it.
type Follower struct {
	file   disk.File
	at     int64 // end of what was read
	headed bool
	replay *replayer
}

// Follow opens a log; nothing of it is read yet. The file stays open, so that its records can be read after it was
// removed.
func Follow(fsys disk.FS, name string) (*Follower, error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	return &Follower{file: file, replay: newReplayer()}, nil
}

// More calls each for the records that were written since the last call; those share memory that is not used again.
// ErrCut: the follower is of no use any more.
func (f *Follower) More(each func(*event.Record) error) error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	switch {
	case size < f.at:
		return ErrCut
	case size > largestFile:
		f.at = size
		f.replay.damage()
		return nil
	case size == f.at || !f.headed && size < headSize:
		return nil
	}
	data := make([]byte, size-f.at)
	n, err := f.file.ReadAt(data, f.at)
	if err != nil && !errors.Is(err, io.EOF) { // it may have been cut since it was measured
		return err
	}
	data = data[:n]
	if !f.headed {
		if n < headSize {
			return nil
		}
		head := f.replay.head(data)
		if head == 0 {
			return nil
		}
		f.headed, f.at, data = true, int64(head), data[head:]
	}
	used, err := f.replay.frames(data, f.at, each)
	f.at += int64(used)
	return err
}

// Read is what the log told so far; Torn are the bytes at its end that are no whole frame yet.
func (f *Follower) Read() Read { return f.replay.read }

// Size is the length of what was read, in bytes.
func (f *Follower) Size() int64 { return f.at }

// Info tells of the file, also when it was removed; os.SameFile says whether a name still means it.
func (f *Follower) Info() (os.FileInfo, error) { return f.file.Stat() }

// Close closes the file.
func (f *Follower) Close() error { return f.file.Close() }
