package evtx

import (
	"math"
	"time"

	"github.com/kizuki-security/kizuki/evtx/internal/value"
)

// Kind is what the value of a field is. The zero value is Text.
type Kind uint8

// Kinds of values. A Null field has no value: an element that is there and empty.
const (
	Text   = Kind(value.Text)
	Number = Kind(value.Number)
	Bool   = Kind(value.Bool)
	Null   = Kind(value.Null)
)

// Field is one flat value of a record. A name may occur more than once: lists, and names that Windows itself repeats.
type Field struct {
	Name  string // the same string (not only an equal one) for the same name, from record to record
	Value []byte // UTF-8; valid until the next record is read, and not to be changed
	Kind  Kind
}

// Record is one event. It belongs to its Reader and is valid until the next one is read; what shall stay is copied.
// Strings and times may be kept.
type Record struct {
	ID      uint64    // identifier of the record, unique within a log
	Written time.Time // when the log service wrote it, UTC
	Time    time.Time // TimeCreated of the event, UTC; Written when it has none
	Chunk   int       // counted from 0
	Offset  int64     // of the record in the file, in bytes
	Carved  bool      // of a chunk whose header is gone, or with Options.Carve of unused space: often an older record

	Computer string
	Channel  string
	Provider string
	EventID  uint32 // 0 when the event has none

	Fields []Field // in the order of the event

	decoder    *decoder
	start, end int // of the binary XML in the chunk
}

// fill decodes the record's binary XML into its fields.
func (d *decoder) fill(r *Record) error {
	d.out, d.fields = d.out[:0], d.fields[:0]
	d.system, d.created = [systemFields]int32{}, 0
	d.vals, d.depth = d.vals[:0], 0
	err := d.unfold(r.start, r.end, 0)
	r.decoder, r.Fields = d, d.fields
	r.Channel = d.known(sysChannel, r.Channel)
	r.Computer = d.known(sysComputer, r.Computer)
	r.Provider = d.known(sysProvider, r.Provider)
	r.EventID = d.eventID()
	r.Time = d.time(r.Written)
	return err
}

// known gives a well-known field as a string; last is that of the record before, most often the same.
func (d *decoder) known(field int, last string) string {
	i := d.system[field]
	if i == 0 {
		return ""
	}
	value := d.fields[i-1].Value
	if string(value) == last {
		return last
	}
	return d.Strings.Get(value)
}

func (d *decoder) eventID() uint32 {
	i := d.system[sysEventID]
	if i == 0 {
		return 0
	}
	var id uint64
	for _, c := range d.fields[i-1].Value {
		if c < '0' || c > '9' || id > math.MaxUint32 {
			return 0
		}
		id = id*10 + uint64(c-'0')
	}
	if id > math.MaxUint32 {
		return 0
	}
	return uint32(id)
}

func (d *decoder) time(written time.Time) time.Time {
	if d.created != 0 {
		return value.Time(d.created)
	}
	if i := d.system[sysTime]; i != 0 { // forwarded events carry text
		if t, err := time.Parse(time.RFC3339Nano, string(d.fields[i-1].Value)); err == nil {
			return t.UTC()
		}
	}
	return written
}
