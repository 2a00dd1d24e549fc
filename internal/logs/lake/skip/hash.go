package skip

import (
	"encoding/binary"
	"math/bits"

	"github.com/kizuki-security/kizuki/internal/logs/query/text"
)

// hasher hashes words of up to text.MaxWord bytes. It is not safe against who makes collisions on purpose: those only
// cost the reading of a block in vain.
type hasher struct {
	word [text.MaxWord + text.Padding]byte
}

func (h *hasher) of(word string) uint64 {
	clear(h.word[copy(h.word[:text.MaxWord], word):])
	return hashAt(h.word[:], 0, uint32(min(len(word), text.MaxWord)))
}

// hashAt hashes n bytes at from; text.Padding bytes stand behind them. 0 is no hash: the set marks free places with it.
func hashAt(b []byte, from, n uint32) uint64 {
	const k0, k1 = 0x9E3779B97F4A7C15, 0xE7037ED1A0B428DB
	b = b[from : from+n+text.Padding]
	first := binary.LittleEndian.Uint64(b)
	if n <= 8 {
		return max(mix(first&(1<<(8*n)-1)^k0, k1^uint64(n)), 1)
	}
	h := mix(first^k0, k1^uint64(n))
	for at := uint32(8); at+8 < n; at += 8 {
		h = mix(h^binary.LittleEndian.Uint64(b[at:]), k1)
	}
	return max(mix(h^binary.LittleEndian.Uint64(b[n-8:]), k0), 1)
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
