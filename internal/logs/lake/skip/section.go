package skip

import (
	"encoding/binary"
	"math/bits"
)

// A section holds numbers in ascending order, all different, as the steps between them less one, in the code of Rice: a
// step is cut into its last stepBits bits and the rest, which stands first, as so many ones and a zero. The first bits
// are the lowest of a byte; what is left of the last byte is ones. With spread numbers for each word the steps have a
// geometric distribution, for which this code takes 10.1 bits where no code takes less than 10.
const (
	spread   = 384 // numbers for each word
	stepBits = 8
	slack    = 8 // bytes behind a section that may be read
)

// scale is how many numbers a section has, of a block with so many words, when so many bits of a hash choose the bucket.
func scale(words, chosen int) uint64 { return uint64(words)*spread>>chosen + 1 }

// numberOf scales what the bits that choose the bucket leave of a hash.
func numberOf(hash uint32, numbers uint64, chosen int) uint64 {
	rest := 32 - chosen
	return uint64(hash) & (1<<rest - 1) * numbers >> rest
}

// appendSection writes the words of one bucket, whose hashes are in ascending order.
func appendSection(dst []byte, hashes []uint32, numbers uint64, chosen int) []byte {
	var gathered uint64
	n, next := 0, uint64(0)
	for _, hash := range hashes {
		number := numberOf(hash, numbers, chosen)
		if number < next { // two words have one number
			continue
		}
		step := number - next
		next = number + 1
		ones := step >> stepBits
		for ; ones >= 24; ones -= 24 { // what is gathered never has more than 63 bits
			gathered |= (1<<24 - 1) << n
			dst, gathered, n = flush(dst, gathered, n+24)
		}
		gathered |= (1<<ones - 1 | step&(1<<stepBits-1)<<(ones+1)) << n
		dst, gathered, n = flush(dst, gathered, n+int(ones)+1+stepBits)
	}
	if gathered |= ^uint64(0) << n; n > 0 {
		dst = append(dst, binary.LittleEndian.AppendUint32(nil, uint32(gathered))[:(n+7)/8]...)
	}
	return dst
}

// flush writes 32 of n bits that are gathered.
func flush(dst []byte, gathered uint64, n int) ([]byte, uint64, int) {
	if n < 32 {
		return dst, gathered, n
	}
	return binary.LittleEndian.AppendUint32(dst, uint32(gathered)), gathered >> 32, n - 32
}

// holds says whether a number is in a section of length bytes; slack bytes stand behind it.
func holds(section []byte, length int, number uint64) bool {
	at, end, next := 0, 8*length, uint64(0)
	for at < end {
		ones := bits.TrailingZeros64(^(binary.LittleEndian.Uint64(section[at/8:]) >> (at % 8)))
		next += uint64(ones) << stepBits
		if at += ones; ones >= 57 || at >= end { // more ones may follow
			continue
		}
		next += binary.LittleEndian.Uint64(section[at/8:]) >> (at%8 + 1) & (1<<stepBits - 1)
		if at += 1 + stepBits; next >= number {
			return next == number && at <= end
		}
		next++
	}
	return false
}
