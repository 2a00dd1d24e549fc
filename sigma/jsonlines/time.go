package jsonlines

import "time"

// timestamp keeps the best time that an event says.
type timestamp struct {
	rank  uint8
	value []byte
}

func (t *timestamp) offer(rank uint8, v []byte) {
	if rank > t.rank && len(v) >= 19 && v[4] == '-' {
		t.rank, t.value = rank, v
	}
}

func (t *timestamp) get() time.Time {
	if t.rank == 0 {
		return time.Time{}
	}
	when, _ := ParseTime(t.value)
	return when
}

// ParseTime reads 2026-04-17T05:24:53Z, also with a space, a fraction of up to nine digits, or an offset. Without
// an offset it is UTC. It allocates nothing.
func ParseTime(v []byte) (time.Time, bool) {
	if len(v) < 19 || v[4] != '-' || v[7] != '-' || v[10] != 'T' && v[10] != ' ' && v[10] != 't' || v[13] != ':' || v[16] != ':' {
		return time.Time{}, false
	}
	year, month, day := digits(v[0:4]), digits(v[5:7]), digits(v[8:10])
	hour, minute, second := digits(v[11:13]), digits(v[14:16]), digits(v[17:19])
	if year < 0 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
		second < 0 || second > 60 {
		return time.Time{}, false
	}
	rest := v[19:]
	nano := 0
	if len(rest) > 0 && (rest[0] == '.' || rest[0] == ',') {
		scale := int(time.Second)
		n := 1
		for ; n < len(rest) && rest[n] >= '0' && rest[n] <= '9'; n++ {
			scale /= 10
			nano += int(rest[n]-'0') * scale
		}
		rest = rest[n:]
	}
	offset, ok := zone(rest)
	if !ok {
		return time.Time{}, false
	}
	when := time.Date(year, time.Month(month), day, hour, minute, second, nano, time.UTC)
	if when.Day() != day {
		return time.Time{}, false
	}
	return when.Add(-offset), true
}

// zone reads nothing, Z, or an offset.
func zone(v []byte) (time.Duration, bool) {
	if len(v) > 0 && v[0] == ' ' {
		v = v[1:]
	}
	if len(v) == 0 || len(v) == 1 && v[0]|0x20 == 'z' {
		return 0, true
	}
	if v[0] != '+' && v[0] != '-' {
		return 0, false
	}
	var hours, minutes int
	switch {
	case len(v) == 6 && v[3] == ':':
		hours, minutes = digits(v[1:3]), digits(v[4:6])
	case len(v) == 5:
		hours, minutes = digits(v[1:3]), digits(v[3:5])
	case len(v) == 3:
		hours = digits(v[1:3])
	default:
		return 0, false
	}
	if hours < 0 || hours > 23 || minutes < 0 || minutes > 59 {
		return 0, false
	}
	offset := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if v[0] == '-' {
		offset = -offset
	}
	return offset, true
}

func digits(v []byte) int {
	n := 0
	for _, c := range v {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}
