package segment

import (
	"encoding/binary"

	"github.com/parquet-go/parquet-go/format"
)

// The sums of a file tell that nothing in it changed. They do not tell that the lake wrote it: who can write into the
// folder can make a file with sums that fit. What a page says of itself is compared with what it holds before there is
// memory for it: a few bytes could otherwise ask for more than the machine has, and that ends the program.

// mostUnpacked is how many times its size data of zstd can unpack to: a block of 4 bytes stands for 128 KiB.
const mostUnpacked = 128 << 10 / 4

// holds says whether unpacked data stands for about n values at most, in an encoding that files of the lake have.
func holds(e format.Encoding, data []byte, n int) bool {
	switch e {
	case format.Plain:
		return true
	case format.RLEDictionary:
		return holdsCodes(data, n)
	case format.DeltaBinaryPacked, format.DeltaLengthByteArray:
		return holdsDeltas(data, n)
	default:
		return false
	}
}

// holdsDeltas looks at the head of what DELTA_BINARY_PACKED writes: size of a block, parts of it, values.
func holdsDeltas(data []byte, n int) bool {
	count := uint64(0)
	for range 3 {
		v, size := binary.Uvarint(data)
		if size <= 0 {
			return false
		}
		data, count = data[size:], v
	}
	return count <= uint64(n)
}

// holdsCodes counts the codes in runs of RLE; those that are packed come in groups of eight.
func holdsCodes(data []byte, n int) bool {
	if len(data) == 0 {
		return n == 0
	}
	width := uint64(data[0])
	if width > 32 {
		return false
	}
	left := uint64(n + 8)
	for data = data[1:]; len(data) > 0; {
		head, size := binary.Uvarint(data)
		if size <= 0 {
			return false
		}
		data = data[size:]
		count, bytes := head>>1, (width+7)/8
		if head&1 != 0 {
			if count > left/8 {
				return false
			}
			count, bytes = 8*count, count*width
		}
		if count > left || bytes > uint64(len(data)) {
			return false
		}
		data, left = data[bytes:], left-count
	}
	return true
}
