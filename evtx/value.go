package evtx

import (
	"math"
	"strconv"
	"time"
)

// Kind is what the value of a field is. The zero value is Text.
type Kind uint8

// Kinds of values. A Null field has no value: an element that is there and empty.
const (
	Text Kind = iota
	Number
	Bool
	Null
)

// Types of values in binary XML. An array has bit 0x80 as well.
const (
	typeNull     = 0x00
	typeString   = 0x01
	typeANSI     = 0x02
	typeInt8     = 0x03
	typeUint8    = 0x04
	typeInt16    = 0x05
	typeUint16   = 0x06
	typeInt32    = 0x07
	typeUint32   = 0x08
	typeInt64    = 0x09
	typeUint64   = 0x0a
	typeFloat32  = 0x0b
	typeFloat64  = 0x0c
	typeBool     = 0x0d
	typeBinary   = 0x0e
	typeGUID     = 0x0f
	typeSizeT    = 0x10
	typeFiletime = 0x11
	typeSystime  = 0x12
	typeSID      = 0x13
	typeHex32    = 0x14
	typeHex64    = 0x15
	typeBinXML   = 0x21
	typeArray    = 0x80
)

// itemSize is the size of one value inside an array, 0 where it has no fixed size.
func itemSize(typ byte) int {
	switch typ {
	case typeInt8, typeUint8:
		return 1
	case typeInt16, typeUint16:
		return 2
	case typeInt32, typeUint32, typeFloat32, typeBool, typeHex32:
		return 4
	case typeInt64, typeUint64, typeFloat64, typeFiletime, typeHex64, typeSizeT:
		return 8
	case typeGUID, typeSystime:
		return 16
	}
	return 0
}

// nextItem takes the first value off an array.
func nextItem(typ byte, b []byte) (item, rest []byte) {
	n := itemSize(typ)
	switch {
	case typ == typeString:
		for i := 0; i+1 < len(b); i += 2 {
			if b[i] == 0 && b[i+1] == 0 {
				return b[:i], b[i+2:]
			}
		}
		return b, nil
	case typ == typeANSI:
		for i, c := range b {
			if c == 0 {
				return b[:i], b[i+1:]
			}
		}
		return b, nil
	case typ == typeSID && len(b) >= 8:
		n = 8 + 4*int(b[1])
	}
	if n == 0 || n > len(b) {
		return b, nil
	}
	return b[:n], b[n:]
}

// isNull tells a value that is not there: types of a fixed size may have none.
func (v val) isNull() bool {
	return v.typ == typeNull || v.size == 0 && v.typ != typeString && v.typ != typeANSI && v.typ != typeBinary
}

// appendValue appends one value (no array) as text. A value whose size does not fit its type comes as the
// hexadecimal digits of its bytes: nothing is hidden and nothing invented.
func appendValue(dst []byte, typ byte, b []byte) ([]byte, Kind) {
	switch typ {
	case typeString:
		return appendUTF16(dst, b), Text
	case typeANSI:
		return appendANSI(dst, b), Text
	case typeUint8, typeUint16, typeUint32, typeUint64:
		if len(b) <= 8 {
			return strconv.AppendUint(dst, uintOf(b), 10), Number
		}
	case typeInt8, typeInt16, typeInt32, typeInt64:
		if len(b) <= 8 {
			shift := 64 - 8*len(b)
			return strconv.AppendInt(dst, int64(uintOf(b)<<shift)>>shift, 10), Number
		}
	case typeHex32, typeHex64, typeSizeT:
		if len(b) <= 8 {
			return strconv.AppendUint(append(dst, "0x"...), uintOf(b), 16), Text
		}
	case typeFloat32, typeFloat64:
		return appendFloat(dst, b)
	case typeBool: // four bytes by the book; others were seen, and values other than 0 and 1
		if len(b) <= 8 {
			return strconv.AppendBool(dst, uintOf(b) != 0), Bool
		}
	case typeGUID:
		if len(b) == 16 {
			return appendGUID(dst, b), Text
		}
	case typeFiletime:
		if len(b) == 8 {
			return appendFiletime(dst, le.Uint64(b)), Text
		}
	case typeSystime:
		if len(b) == 16 {
			return appendSystime(dst, b), Text
		}
	case typeSID:
		if len(b) >= 8 && len(b) >= 8+4*int(b[1]) {
			return appendSID(dst, b), Text
		}
	}
	return appendHex(dst, b), Text
}

func uintOf(b []byte) uint64 {
	var v uint64
	for i := len(b) - 1; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	return v
}

func appendFloat(dst, b []byte) ([]byte, Kind) {
	var f float64
	bits := 64
	switch len(b) {
	case 4:
		f, bits = float64(math.Float32frombits(le.Uint32(b))), 32
	case 8:
		f = math.Float64frombits(le.Uint64(b))
	default:
		return appendHex(dst, b), Text
	}
	kind := Number
	if math.IsNaN(f) || math.IsInf(f, 0) {
		kind = Text // JSON has no such number
	}
	return strconv.AppendFloat(dst, f, 'g', -1, bits), kind
}

const (
	capitals = "0123456789ABCDEF"
	smalls   = "0123456789abcdef"
)

func appendHex(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, capitals[c>>4], capitals[c&15])
	}
	return dst
}

// The first three groups of a GUID are numbers, lowest byte first; the rest is in order. −1 is a hyphen.
var guidOrder = [20]int8{3, 2, 1, 0, -1, 5, 4, -1, 7, 6, -1, 8, 9, -1, 10, 11, 12, 13, 14, 15}

func appendGUID(dst, b []byte) []byte {
	var out [36]byte
	n := 0
	for _, i := range guidOrder {
		if i < 0 {
			out[n] = '-'
			n++
			continue
		}
		out[n], out[n+1] = capitals[b[i]>>4], capitals[b[i]&15]
		n += 2
	}
	return append(dst, out[:]...)
}

// appendSID writes a security identifier; b holds its 8 + 4n bytes.
func appendSID(dst, b []byte) []byte {
	dst = append(dst, 'S', '-')
	dst = strconv.AppendUint(dst, uint64(b[0]), 10)
	authority := uint64(b[2])<<40 | uint64(b[3])<<32 | uint64(b[4])<<24 | uint64(b[5])<<16 | uint64(b[6])<<8 | uint64(b[7])
	dst = append(dst, '-')
	if authority >= 1<<32 {
		dst = append(dst, "0x"...)
		for shift := 44; shift >= 0; shift -= 4 {
			dst = append(dst, smalls[authority>>shift&15])
		}
	} else {
		dst = strconv.AppendUint(dst, authority, 10)
	}
	for i := range int(b[1]) {
		dst = append(dst, '-')
		dst = strconv.AppendUint(dst, uint64(le.Uint32(b[8+4*i:])), 10)
	}
	return dst
}

const (
	ticks     = 10_000_000     // of 100 ns in a second
	unixEpoch = 11_644_473_600 // seconds from 1601-01-01 to 1970-01-01
)

// timeOf turns Windows' count of 100 ns since 1601 into a time in UTC.
func timeOf(ft uint64) time.Time {
	return time.Unix(int64(ft/ticks)-unixEpoch, int64(ft%ticks)*100).UTC()
}

// appendFiletime writes a time as 2026-04-17T05:24:53.092051Z: UTC, microseconds, the rest cut off.
func appendFiletime(dst []byte, ft uint64) []byte {
	seconds := ft / ticks
	year, month, day := civil(int64(seconds / 86400))
	s := int(seconds % 86400)
	return appendTime(dst, [7]int{year, month, day, s / 3600, s / 60 % 60, s % 60, int(ft % ticks / 10)})
}

// appendSystime writes the sixteen bytes of a SYSTEMTIME the same way; its milliseconds become microseconds.
func appendSystime(dst, b []byte) []byte {
	at := func(i int) int { return int(le.Uint16(b[2*i:])) }
	return appendTime(dst, [7]int{at(0), at(1), at(3), at(4), at(5), at(6), at(7) * 1000})
}

func appendTime(dst []byte, t [7]int) []byte {
	dst = appendPadded(dst, t[0], 4)
	for i, mark := range [6]byte{'-', '-', 'T', ':', ':', '.'} {
		dst = append(dst, mark)
		width := 2
		if mark == '.' {
			width = 6
		}
		dst = appendPadded(dst, t[i+1], width)
	}
	return append(dst, 'Z')
}

func appendPadded(dst []byte, v, width int) []byte {
	var out [20]byte
	i := len(out)
	for v > 0 || len(out)-i < width {
		i--
		out[i] = byte('0' + v%10)
		v /= 10
	}
	return append(dst, out[i:]...)
}

// civil turns days since 1601-01-01 into a date of the Gregorian calendar. 400 years have 146,097 days; years are
// counted from March, so that the day that comes every fourth year is the last.
func civil(days int64) (year, month, day int) {
	days += 306 // 1600-03-01
	era := days / 146097
	d := days % 146097
	y := (d - d/1460 + d/36524 - d/146096) / 365
	d -= 365*y + y/4 - y/100
	m := (5*d + 2) / 153
	day = int(d - (153*m+2)/5 + 1)
	month = int(m + 3)
	year = int(y + era*400 + 1600)
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, day
}
