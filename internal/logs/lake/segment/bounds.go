package segment

import (
	"encoding/binary"

	"github.com/parquet-go/parquet-go/format"
)

// The library makes room for as many values as data says it has, before it looks whether they are there: a few bytes could
// ask for gigabytes. So what data says is looked at first.

// counted says whether data in the form of Parquet's deltas begins by saying that it has n numbers.
func counted(data []byte, n int) bool {
	var said uint64
	for range 3 { // size of blocks, parts of a block, numbers
		v, long := binary.Uvarint(data)
		if long <= 0 {
			return false
		}
		said, data = v, data[long:]
	}
	return said == uint64(n)
}

// countedNumbers says whether numbers stand in a form that is known, and are n.
func countedNumbers(e format.Encoding, data []byte, n int) bool {
	switch e {
	case format.Plain:
		return len(data) == 8*n
	case format.DeltaBinaryPacked:
		return counted(data, n)
	default: // none is written, nor was
		return false
	}
}

// fewCodes says whether data holds no more than n numbers in the form of runs, which come in groups of eight.
func fewCodes(data []byte, n int) bool {
	if len(data) == 0 {
		return true
	}
	width := uint64(data[0])
	if width > 32 {
		return false
	}
	left := uint64(n) + 7
	for data = data[1:]; len(data) > 0; {
		head, long := binary.Uvarint(data)
		if long <= 0 {
			return false
		}
		data = data[long:]
		values, size := head>>1, (width+7)/8
		if head&1 != 0 {
			if values > left {
				return false
			}
			values, size = 8*values, width*values
		}
		if values > left || size > uint64(len(data)) {
			return false
		}
		left, data = left-values, data[size:]
	}
	return true
}
