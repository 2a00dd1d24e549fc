// Package wal keeps acknowledged records on disk until they are sealed: one file for each segment, a row of
// packed frames, each with a checksum of its head, one of its body, and a SHA-256 over it and the frame before.
//
// It owns the words frame, chain and torn tail. It imports event and disk.
//
// A file is a head and frames, all numbers little-endian:
//
//	head   "KZWAL\x00\x00\x03"  8 bytes id  4 bytes day (days since 1970 UTC)
//	       4 bytes how many of event.Promoted had columns  16 bytes mark  4 bytes CRC-32C of what stands before
//	frame  16 bytes mark  8 bytes where the frame stands in the file  4 bytes length of the body  4 bytes length unpacked
//	       4 bytes records  4 bytes CRC-32C of the body  4 bytes CRC-32C of what stands before
//	       body (S2)  32 bytes SHA-256 over the hash of the frame before, the head of the frame and the body
//
// The first frame is chained to the SHA-256 of the head.
//
// A line may hold anything, also bytes that look like a frame, and S2 leaves what it cannot pack as it is. So a frame is
// known by a mark that is drawn anew for each log, which nobody who sends lines can know, and by its place, which no copy
// of it has. Where the head of a frame is whole, the frame ends where that says, or it is torn: nothing is looked for
// inside. Where the head is damaged, the next mark is looked for. Version 2 had the mark "KZFR" for all and no place:
// there nothing is looked for at all.
//
// Frames live until their segment is sealed, minutes or hours. S2 packs them 4 times instead of the 6 of the fastest zstd, in
// a third of its processor time.
package wal

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/klauspost/compress/s2"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
)

// Sizes.
const (
	FrameBytes    = 256 << 10            // records are put into one frame until they are this long together
	FullBytes     = 256 << 20            // a writer begins another log when one is so long
	LargestRecord = largest - FrameBytes // no record that AppendRecord writes is longer
	largest       = 32 << 20             // no frame is longer unpacked
	shortest      = 18                   // no record is shorter
	headSize      = 44
	frameHead     = len(Mark{}) + 28
)

var (
	magic      = [8]byte{'K', 'Z', 'W', 'A', 'L', 0, 0, 3}
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// Mark tells the frames of one log from all other bytes. It is random, and nobody who sends lines may know it.
type Mark [16]byte

// ErrFailed says that a log cannot be written any more: what was written could not be taken back.
var ErrFailed = errors.New("log cannot be repaired")

// Writer appends to one file. One goroutine uses it.
type Writer struct {
	file   disk.File
	mark   Mark
	chain  [sha256.Size]byte
	good   int64 // end of what was synced
	at     int64 // end of what was written; beyond good it counts for nothing
	failed bool
	raw    []byte
	out    []byte
}

// Create begins the log of a segment, with a mark that no other log has. It is there for good when Create returns.
func Create(fsys disk.FS, dir, name string, id uint64, day int32, mark Mark) (*Writer, error) {
	f, err := fsys.Create(name)
	if err != nil {
		return nil, err
	}
	head := make([]byte, headSize)
	copy(head, magic[:])
	binary.LittleEndian.PutUint64(head[8:], id)
	binary.LittleEndian.PutUint32(head[16:], uint32(day))
	binary.LittleEndian.PutUint32(head[20:], uint32(len(event.Promoted)))
	copy(head[24:], mark[:])
	seal(head)
	if _, err = f.Write(head); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = fsys.SyncDir(dir)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), fsys.Remove(name))
	}
	return &Writer{file: f, mark: mark, chain: sha256.Sum256(head), good: headSize, at: headSize}, nil
}

// Write appends records and waits until the disk has them. After an error nothing of them counts, the log ends where
// it did, and Write may be tried again, for instance when the disk has room.
func (w *Writer) Write(batches ...[]event.Record) error {
	if w.failed {
		if err := w.back(); err != nil {
			return err
		}
	}
	chain := w.chain
	err := w.frames(batches)
	if err == nil {
		err = w.file.Sync()
	}
	if err != nil {
		w.chain, w.failed = chain, true
		return errors.Join(err, w.back())
	}
	w.good = w.at
	return nil
}

// back cuts off what was written behind the last sync that went well.
func (w *Writer) back() error {
	if err := w.file.Truncate(w.good); err != nil {
		return fmt.Errorf("%w: %w", ErrFailed, err)
	}
	if _, err := w.file.Seek(w.good, io.SeekStart); err != nil {
		return fmt.Errorf("%w: %w", ErrFailed, err)
	}
	w.at, w.failed = w.good, false
	return nil
}

func (w *Writer) frames(batches [][]event.Record) error {
	w.raw, w.out = w.raw[:0], w.out[:0]
	count := uint32(0)
	for _, batch := range batches {
		for i := range batch {
			w.raw = AppendRecord(w.raw, &batch[i])
			count++
			if len(w.raw) < FrameBytes {
				continue
			}
			if err := w.frame(count); err != nil {
				return err
			}
			count = 0
		}
	}
	if count > 0 {
		return w.frame(count)
	}
	return nil
}

// frame writes what is gathered in raw.
func (w *Writer) frame(count uint32) error {
	if len(w.raw) > largest {
		return fmt.Errorf("a frame of %d bytes: %w", len(w.raw), disk.ErrTooLarge)
	}
	w.out = slices.Grow(w.out[:0], frameHead+s2.MaxEncodedLen(len(w.raw))+sha256.Size)[:frameHead]
	packed := s2.Encode(w.out[frameHead:cap(w.out)], w.raw)
	w.out = w.out[:frameHead+len(packed)]
	head, body := w.out[:frameHead], w.out[frameHead:]
	place := copy(head, w.mark[:])
	binary.LittleEndian.PutUint64(head[place:], uint64(w.at))
	numbers := head[place+8:]
	binary.LittleEndian.PutUint32(numbers, uint32(len(body)))
	binary.LittleEndian.PutUint32(numbers[4:], uint32(len(w.raw)))
	binary.LittleEndian.PutUint32(numbers[8:], count)
	binary.LittleEndian.PutUint32(numbers[12:], crc32.Checksum(body, castagnoli))
	seal(head)
	w.chain = link(w.chain, w.out)
	w.out = append(w.out, w.chain[:]...)
	n, err := w.file.Write(w.out)
	w.at += int64(n)
	w.raw = w.raw[:0]
	return err
}

// seal puts the sum of a head into its last four bytes.
func seal(head []byte) {
	binary.LittleEndian.PutUint32(head[len(head)-4:], crc32.Checksum(head[:len(head)-4], castagnoli))
}

// sound says whether the sum of a head is right.
func sound(head []byte) bool {
	return binary.LittleEndian.Uint32(head[len(head)-4:]) == crc32.Checksum(head[:len(head)-4], castagnoli)
}

// link is the hash of a frame: over the one before it, its head and its body.
func link(before [sha256.Size]byte, frame []byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	h.Write(before[:])
	h.Write(frame)
	h.Sum(sum[:0])
	return sum
}

// Size is the length of the file that counts, in bytes.
func (w *Writer) Size() int64 { return w.good }

// Chain is the hash of the last frame.
func (w *Writer) Chain() [sha256.Size]byte { return w.chain }

// Close closes the file; everything acknowledged is on disk already.
func (w *Writer) Close() error { return w.file.Close() }
