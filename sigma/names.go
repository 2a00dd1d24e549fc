package sigma

const nameBits = 9

// cachedName remembers what number a field name has. Readers of events give the same string again and again,
// so that comparing it takes one look at its pointer.
type cachedName struct {
	name  string
	field int32 // -1: no rule reads it
}

// name gives the number of a field, or -1.
func (m *Matcher) name(s string) int32 {
	n := len(s)
	if n == 0 {
		return -1
	}
	h := uint32(n)<<16 ^ uint32(s[0]) ^ uint32(s[n>>1])<<6 ^ uint32(s[n-1])<<12 ^ uint32(s[n>>2])<<20
	c := &m.names[h*0x9E3779B1>>(32-nameBits)]
	if c.name == s {
		return c.field
	}
	f, ok := m.set.fields[s]
	if !ok {
		f = -1
	}
	*c = cachedName{name: s, field: f}
	return f
}
