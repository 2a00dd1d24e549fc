// Package value writes the values of binary XML as UTF-8 text. It imports nothing of ours.
package value

import (
	"math"
	"slices"
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
	TypeNull     = 0x00
	TypeString   = 0x01
	TypeANSI     = 0x02
	TypeInt8     = 0x03
	TypeUint8    = 0x04
	TypeInt16    = 0x05
	TypeUint16   = 0x06
	TypeInt32    = 0x07
	TypeUint32   = 0x08
	TypeInt64    = 0x09
	TypeUint64   = 0x0a
	TypeFloat32  = 0x0b
	TypeFloat64  = 0x0c
	TypeBool     = 0x0d
	TypeBinary   = 0x0e
	TypeGUID     = 0x0f
	TypeSizeT    = 0x10
	TypeFiletime = 0x11
	TypeSystime  = 0x12
	TypeSID      = 0x13
	TypeHex32    = 0x14
	TypeHex64    = 0x15
	TypeBinXML   = 0x21
	TypeArray    = 0x80
)

// ItemSize is the size of one value inside an array, 0 where it has no fixed size.
func ItemSize(typ byte) int {
	switch typ {
	case TypeInt8, TypeUint8:
		return 1
	case TypeInt16, TypeUint16:
		return 2
	case TypeInt32, TypeUint32, TypeFloat32, TypeBool, TypeHex32:
		return 4
	case TypeInt64, TypeUint64, TypeFloat64, TypeFiletime, TypeHex64, TypeSizeT:
		return 8
	case TypeGUID, TypeSystime:
		return 16
	}
	return 0
}

// NextItem takes the first value off an array.
func NextItem(typ byte, b []byte) (item, rest []byte) {
	n := ItemSize(typ)
	switch {
	case typ == TypeString:
		for i := 0; i+1 < len(b); i += 2 {
			if b[i] == 0 && b[i+1] == 0 {
				return b[:i], b[i+2:]
			}
		}
		return b, nil
	case typ == TypeANSI:
		for i, c := range b {
			if c == 0 {
				return b[:i], b[i+1:]
			}
		}
		return b, nil
	case typ == TypeSID && len(b) >= 8:
		n = 8 + 4*int(b[1])
	}
	if n == 0 || n > len(b) {
		return b, nil
	}
	return b[:n], b[n:]
}

// Append appends one value (no array) as text. A value whose size does not fit its type comes as the
// hexadecimal digits of its bytes: nothing is hidden and nothing invented.
func Append(dst []byte, typ byte, b []byte) ([]byte, Kind) {
	switch typ {
	case TypeString:
		return AppendUTF16(dst, b), Text
	case TypeANSI:
		return appendANSI(dst, b), Text
	case TypeUint8, TypeUint16, TypeUint32, TypeUint64:
		if len(b) <= 8 {
			return strconv.AppendUint(dst, uintOf(b), 10), Number
		}
	case TypeInt8, TypeInt16, TypeInt32, TypeInt64:
		if len(b) <= 8 {
			shift := 64 - 8*len(b)
			return strconv.AppendInt(dst, int64(uintOf(b)<<shift)>>shift, 10), Number
		}
	case TypeHex32, TypeHex64, TypeSizeT:
		if len(b) <= 8 {
			return strconv.AppendUint(append(dst, "0x"...), uintOf(b), 16), Text
		}
	case TypeFloat32, TypeFloat64:
		return appendFloat(dst, b)
	case TypeBool: // four bytes by the book; others were seen, and values other than 0 and 1
		if len(b) <= 8 {
			return strconv.AppendBool(dst, uintOf(b) != 0), Bool
		}
	case TypeGUID:
		if len(b) == 16 {
			return appendGUID(dst, b), Text
		}
	case TypeFiletime:
		if len(b) == 8 {
			return appendFiletime(dst, le.Uint64(b)), Text
		}
	case TypeSystime:
		if len(b) == 16 {
			return appendSystime(dst, b), Text
		}
	case TypeSID:
		if len(b) >= 8 && len(b) >= 8+4*int(b[1]) {
			return appendSID(dst, b), Text
		}
	}
	return appendHex(dst, b), Text
}

func uintOf(b []byte) uint64 {
	var v uint64
	for _, c := range slices.Backward(b) {
		v = v<<8 | uint64(c)
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

// Time turns Windows' count of 100 ns since 1601 into a time in UTC.
func Time(ft uint64) time.Time {
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
