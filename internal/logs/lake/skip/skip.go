// Package skip keeps sidecars: beside a sealed file, what words and whole values each of its blocks may hold, so that a
// query reads only the blocks that can answer. A sidecar is derived from its file and may be lost: then every block may
// hold everything.
//
// It owns the words sidecar, group, bucket and section. It imports query and table.
//
// Words are hashes of 32 bits. Eight blocks are a group, which spreads its words over buckets by the first bits of their
// hashes: so one reading of one bucket answers for eight blocks. In a bucket each block has a section, a list of numbers
// in ascending order that the rest of a hash is scaled to, such that a word that is not there has the number of another
// one in 1 of 384 sections.
//
// A file is a head and the buckets; numbers are little-endian:
//
//	8 bytes   "KZSKIP\x00\x06"
//	8 bytes   XXH64 of query.WordsVersion
//	8 bytes   size of the sealed file        8 bytes   its footer sum
//	4 bytes   blocks                         4 bytes   for each block: its words
//	4 bytes   for each bucket of each group: its length
//	8 bytes   XXH64 of all before
//	buckets   for each block of the group the length of its section as a uvarint, the sections, and 4 bytes of the XXH64
//	          of these and of the bucket's number
package skip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"unsafe"

	"github.com/cespare/xxhash/v2"

	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
	"github.com/kizuki-security/kizuki/internal/logs/query"
	"github.com/kizuki-security/kizuki/internal/logs/query/text"
)

const (
	groupBlocks  = 8
	sectionWords = 192 // about, at most: a word is looked for in a hundred numbers, and a bucket has one or two kilobytes
	mostBits     = 16
	fixedHead    = 36
	mostBlocks   = 1 << 20
	longest      = 64 << 10 // bytes of a line that is cut as a whole; a longer one would take ten times its length of memory
)

var magic = [8]byte{'K', 'Z', 'S', 'K', 'I', 'P', 0, 6}

// ErrUnfit says that a sidecar is damaged, of another version, or of another file: it is made anew.
var ErrUnfit = errors.New("skip sidecar does not fit")

func unfit(why string) error { return fmt.Errorf("%w: %s", ErrUnfit, why) }

// Builder gathers the words of the blocks of one file. The zero value is ready.
type Builder struct {
	set    set
	cut    text.Cutter
	hash   hasher
	hashes []uint32

	group   [][]uint32 // of the blocks that are in no bucket yet, in ascending order
	free    [][]uint32
	words   []byte // numbers of words of the blocks
	lengths []byte // of the buckets
	body    []byte
}

// Add takes the words of the next block.
func (b *Builder) Add(block *table.Block) {
	b.set.reset()
	for row := range block.Rows() {
		b.line(block.Raw(row))
	}
	for _, name := range query.Whole {
		c := block.Cols[table.Place(name)]
		if c == nil {
			continue
		}
		for _, value := range c.Values {
			query.IndexValue(name, value, b.word)
		}
	}
	var room []uint32
	if n := len(b.free); n > 0 {
		room, b.free = b.free[n-1], b.free[:n-1]
	}
	hashes := b.set.sorted(room)
	b.words = binary.LittleEndian.AppendUint32(b.words, uint32(len(hashes)))
	if b.group = append(b.group, hashes); len(b.group) == groupBlocks {
		b.buckets()
	}
}

// line takes the words of a line.
func (b *Builder) line(line []byte) {
	if len(line) <= longest {
		if lower, spans, ok := b.cut.Cut(line); ok {
			lower = lower[:len(lower)+text.Padding]
			b.hashes = b.hashes[:0]
			for _, s := range spans {
				b.hashes = append(b.hashes, hashAt(lower, s))
			}
			b.set.addAll(b.hashes)
			return
		}
	}
	query.Words(unsafe.String(unsafe.SliceData(line), len(line)), b.word) //nolint:gosec // nothing of it is kept
}

func (b *Builder) word(word string) { b.set.add(b.hash.of(word)) }

// buckets writes the words of a group.
func (b *Builder) buckets() {
	most := 0
	for _, hashes := range b.group {
		most = max(most, len(hashes))
	}
	chosen := chosenBits(uint32(most))
	left := make([][]uint32, len(b.group))
	copy(left, b.group)
	var lengths, sections []byte
	for bucket := range uint32(1) << chosen {
		lengths, sections = lengths[:0], sections[:0]
		for i, hashes := range left {
			n := 0
			for n < len(hashes) && bucketOf(hashes[n], chosen) == bucket {
				n++
			}
			before := len(sections)
			sections = appendSection(sections, hashes[:n], scale(len(b.group[i]), chosen), chosen)
			lengths = binary.AppendUvarint(lengths, uint64(len(sections)-before))
			left[i] = hashes[n:]
		}
		from := len(b.body)
		b.body = append(append(b.body, lengths...), sections...)
		b.body = binary.LittleEndian.AppendUint32(b.body, check(b.body[from:], len(b.lengths)/4))
		b.lengths = binary.LittleEndian.AppendUint32(b.lengths, uint32(len(b.body)-from))
	}
	b.free = append(b.free, b.group...)
	b.group = b.group[:0]
}

// chosenBits is how many bits of a hash choose the bucket, in a group whose blocks have at most so many words.
func chosenBits(most uint32) int { return min(bits.Len32(most/sectionWords), mostBits) }

// bucketOf is the bucket of a hash, which its first bits choose.
func bucketOf(hash uint32, chosen int) uint32 { return uint32(uint64(hash) >> (32 - chosen)) }

func check(bucket []byte, number int) uint32 {
	return uint32(xxhash.Sum64(bucket) + uint64(number)*0x9E3779B97F4A7C15)
}

// Bytes is the sidecar of a sealed file with this size and footer sum.
func (b *Builder) Bytes(size int64, footer uint64) []byte {
	all := *b
	if len(all.group) > 0 {
		all.buckets()
	}
	out := make([]byte, 0, fixedHead+len(all.words)+len(all.lengths)+8+len(all.body))
	out = append(out, magic[:]...)
	out = binary.LittleEndian.AppendUint64(out, xxhash.Sum64String(query.WordsVersion))
	out = binary.LittleEndian.AppendUint64(out, uint64(size))
	out = binary.LittleEndian.AppendUint64(out, footer)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(all.words)/4))
	out = append(append(out, all.words...), all.lengths...)
	out = binary.LittleEndian.AppendUint64(out, xxhash.Sum64(out))
	return append(out, all.body...)
}
