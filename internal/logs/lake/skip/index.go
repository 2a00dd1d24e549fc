package skip

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"github.com/kizuki-security/kizuki/internal/logs/query"
)

// Index answers from a sidecar. Many goroutines may use it.
type Index struct {
	r      io.ReaderAt
	words  []uint32
	groups []group
	starts []int64 // of the buckets of all groups, and the end
	kept   [kept]atomic.Pointer[bucket]
}

// kept is how many buckets stay in memory, one for each word of a query: it asks for the same ones block after block.
const kept = 8

type group struct{ first, chosen int }

// bucket is one that is as it was written.
type bucket struct {
	number int
	data   []byte // slack bytes stand behind it
}

// Open reads the head of a sidecar of the sealed file with this size, footer sum and number of blocks.
func Open(r io.ReaderAt, size int64, footer uint64, blocks int) (*Index, error) {
	if blocks > mostBlocks {
		return nil, unfit("blocks")
	}
	h := head{in: bufio.NewReaderSize(io.NewSectionReader(r, 0, math.MaxInt64), 8<<10), sum: xxhash.New()}
	fixed := h.take(fixedHead)
	switch {
	case h.err != nil:
		return nil, h.err
	case [8]byte(fixed) != magic:
		return nil, unfit("version")
	case binary.LittleEndian.Uint64(fixed[8:]) != xxhash.Sum64String(query.WordsVersion):
		return nil, unfit("version of the words")
	case binary.LittleEndian.Uint64(fixed[16:]) != uint64(size), binary.LittleEndian.Uint64(fixed[24:]) != footer,
		binary.LittleEndian.Uint32(fixed[32:]) != uint32(blocks):
		return nil, unfit("file")
	}
	x := &Index{r: r, words: h.numbers(blocks)}
	buckets := 0
	for words := range slices.Chunk(x.words, groupBlocks) {
		chosen := chosenBits(slices.Max(words))
		x.groups = append(x.groups, group{buckets, chosen})
		buckets += 1 << chosen
	}
	lengths := h.numbers(buckets)
	sum := h.sum.Sum64()
	told := h.take(8)
	if h.err != nil {
		return nil, h.err
	}
	if binary.LittleEndian.Uint64(told) != sum {
		return nil, unfit("head")
	}
	x.starts = make([]int64, 1, buckets+1)
	x.starts[0] = h.read
	for i, n := range lengths {
		x.starts = append(x.starts, x.starts[i]+int64(n))
	}
	return x, nil
}

// head reads the head of a sidecar. After a fault it gives zeros and remembers the fault.
type head struct {
	in   *bufio.Reader
	sum  *xxhash.Digest
	read int64
	err  error
}

func (h *head) take(n int) []byte {
	data := make([]byte, n)
	if h.err == nil {
		_, h.err = io.ReadFull(h.in, data)
		if errors.Is(h.err, io.EOF) || errors.Is(h.err, io.ErrUnexpectedEOF) {
			h.err = unfit("cut")
		}
	}
	_, _ = h.sum.Write(data) // never fails
	h.read += int64(n)
	return data
}

// numbers takes numbers in pieces, so that a sidecar which tells of more than it has costs no memory.
func (h *head) numbers(n int) []uint32 {
	const piece = 1 << 14
	var out []uint32
	for len(out) < n && h.err == nil {
		data := h.take(4 * min(n-len(out), piece))
		for at := 0; at < len(data); at += 4 {
			out = append(out, binary.LittleEndian.Uint32(data[at:]))
		}
	}
	if h.err != nil {
		return nil
	}
	return out
}

// Whole says whether a sidecar is one that queries believe: of this version and file, with sums that fit.
func Whole(data []byte, size int64, footer uint64, blocks int) error {
	x, err := Open(bytes.NewReader(data), size, footer, blocks)
	if err != nil {
		return err
	}
	for number := range len(x.starts) - 1 {
		if _, err := x.read(number); err != nil {
			return err
		}
	}
	return nil
}

// MayHave says whether a block may hold all the words. False is certain. An error says that the sidecar cannot tell.
func (x *Index) MayHave(block int, words []string) (bool, error) {
	var hash hasher
	g := x.groups[block/groupBlocks]
	numbers := scale(int(x.words[block]), g.chosen)
	for i, word := range words {
		h := hash.of(word)
		b, err := x.bucket(g.first+int(bucketOf(h, g.chosen)), &x.kept[i%kept])
		if err != nil {
			return true, err
		}
		section, length, err := b.section(block%groupBlocks, min(len(x.words)-block/groupBlocks*groupBlocks, groupBlocks))
		if err != nil {
			return true, err
		}
		if !holds(section, length, numberOf(h, numbers, g.chosen)) {
			return false, nil
		}
	}
	return true, nil
}

// bucket gives a bucket from memory or from the file.
func (x *Index) bucket(number int, slot *atomic.Pointer[bucket]) (*bucket, error) {
	if b := slot.Load(); b != nil && b.number == number {
		return b, nil
	}
	b, err := x.read(number)
	if err == nil {
		slot.Store(b)
	}
	return b, err
}

// largestBucket is more than a bucket can have: a section has no more than 100,000 numbers of 9 bits while a record, and
// so a block, has no more than 32 MB.
const largestBucket = 1 << 20

func (x *Index) read(number int) (*bucket, error) {
	n := x.starts[number+1] - x.starts[number]
	if n < 4 || n > largestBucket {
		return nil, unfit("length of a bucket")
	}
	b := &bucket{number, make([]byte, n+slack)}
	if got, err := x.r.ReadAt(b.data[:n], x.starts[number]); int64(got) < n {
		return nil, unfit(fmt.Sprint("bucket: ", err))
	}
	if binary.LittleEndian.Uint32(b.data[n-4:]) != check(b.data[:n-4], number) {
		return nil, unfit("bucket")
	}
	return b, nil
}

// section finds the section of one of the blocks of the group.
func (b *bucket) section(block, blocks int) (section []byte, length int, err error) {
	head, before := b.data[:len(b.data)-slack-4], uint64(0)
	for i := range blocks {
		n, size := binary.Uvarint(head)
		if size <= 0 || n > largestBucket {
			return nil, 0, unfit("section")
		}
		head = head[size:]
		switch {
		case i < block:
			before += n
		case i == block:
			length = int(n)
		}
	}
	if before+uint64(length) > uint64(len(head)) {
		return nil, 0, unfit("section")
	}
	from := len(b.data) - slack - 4 - len(head) + int(before)
	return b.data[from:], length, nil
}

// Heap is about what an index holds in memory, bytes.
func (x *Index) Heap() int64 {
	return int64(4*len(x.words) + 16*len(x.groups) + 8*len(x.starts) + kept*(sectionWords*groupBlocks*5/4+64) + 64)
}
