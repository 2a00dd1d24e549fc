package skip

import (
	"encoding/binary"
	"math/bits"

	"github.com/kizuki-security/kizuki/internal/logs/query/text"
)

// hasher hashes words of up to text.MaxWord bytes. It is not safe against who makes collisions on purpose: those only
// cost the reading of a block in vain. 32 bits are enough for a block, which has some ten thousand words.
type hasher struct {
	word [text.MaxWord + text.Padding]byte
}

func (h *hasher) of(word string) uint32 {
	clear(h.word[copy(h.word[:text.MaxWord], word):])
	return hashAt(h.word[:], text.Span{To: uint32(min(len(word), text.MaxWord))})
}

// hashAt hashes a piece of b; text.Padding bytes stand behind it. 0 is no hash: the set marks free places with it.
func hashAt(b []byte, s text.Span) uint32 {
	const k0, k1 = 0x9E3779B97F4A7C15, 0xE7037ED1A0B428DB
	n := s.To - s.From
	w := (*[16]byte)(b[s.From:])
	if n <= 16 {
		keep := &first[n]
		lo, hi := binary.LittleEndian.Uint64(w[:])&keep[0], binary.LittleEndian.Uint64(w[8:])&keep[1]
		return whole(mix(lo^k0, hi^k1^uint64(n)<<32))
	}
	h := mix(binary.LittleEndian.Uint64(w[:])^k0, k1^uint64(n))
	for at := s.From + 8; at+8 < s.To; at += 8 {
		h = mix(h^binary.LittleEndian.Uint64(b[at:]), k1)
	}
	return whole(mix(h^binary.LittleEndian.Uint64(b[s.To-8:]), k0))
}

func whole(h uint64) uint32 { return max(uint32(h>>32), 1) }

// first masks the first n bytes of sixteen.
var first = func() (t [17][2]uint64) {
	for n := range t {
		t[n] = [2]uint64{1<<(8*min(n, 8)) - 1, 1<<(8*max(n-8, 0)) - 1}
	}
	return t
}()

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
