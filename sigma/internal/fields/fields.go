// Package fields gives field names their numbers quickly. It imports nothing of ours.
package fields

const logSize = 9

// Cache remembers what number a name has. Readers of events give the same string again and again, so that
// comparing it takes one look at its pointer. It is not safe for concurrent use.
type Cache struct {
	numbers map[string]int32
	known   [1 << logSize]known
}

type known struct {
	name   string
	number int32 // -1: none
}

// New makes a cache over the numbers, which must not change.
func New(numbers map[string]int32) *Cache { return &Cache{numbers: numbers} }

// Number gives the number of a name, or -1.
func (c *Cache) Number(s string) int32 {
	n := len(s)
	if n == 0 {
		return -1
	}
	h := uint32(n)<<16 ^ uint32(s[0]) ^ uint32(s[n>>1])<<6 ^ uint32(s[n-1])<<12 ^ uint32(s[n>>2])<<20
	k := &c.known[h*0x9E3779B1>>(32-logSize)]
	if k.name == s {
		return k.number
	}
	number, ok := c.numbers[s]
	if !ok {
		number = -1
	}
	*k = known{name: s, number: number}
	return number
}
