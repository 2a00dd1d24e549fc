package wal

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
)

// errRecord says that the bytes of a record are not what AppendRecord writes.
var errRecord = errors.New("malformed record")

// AppendRecord writes a record: seq, times, texts with their lengths, numbers, and the promoted keys that it has. Other
// native keys are left out, since they are read from the raw line again.
func AppendRecord(dst []byte, r *event.Record) []byte {
	dst = binary.AppendUvarint(dst, r.Seq)
	dst = binary.AppendVarint(dst, timeOf(r))
	dst = binary.AppendVarint(dst, r.Received.UnixMicro())
	for _, s := range [...]string{
		r.Source, string(r.Format), r.Host, r.User, r.App, r.Action, r.Outcome, r.SrcIP, r.DstIP, r.EventID,
	} {
		dst = appendText(dst, s)
	}
	dst = binary.AppendUvarint(dst, uint64(r.SrcPort))
	dst = binary.AppendUvarint(dst, uint64(r.DstPort))
	dst = append(dst, r.Severity)
	dst = binary.AppendUvarint(dst, uint64(len(r.Raw)))
	dst = append(dst, r.Raw...)
	for i := range r.Fields {
		if place := event.PlaceOf(r.Fields[i].Name); place >= 0 && r.Fields[i].Value != "" {
			dst = binary.AppendUvarint(dst, uint64(place+1))
			dst = appendText(dst, r.Fields[i].Value)
		}
	}
	return append(dst, 0)
}

func timeOf(r *event.Record) int64 {
	if r.Time.IsZero() {
		return r.Received.UnixMicro()
	}
	return r.Time.UnixMicro()
}

func appendText(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// reader takes a record apart. After a fault it gives zero values and remembers the fault.
type reader struct {
	data []byte
	bad  bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.data)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *reader) bytes() []byte {
	n := r.uvarint()
	if n > uint64(len(r.data)) {
		r.bad = true
		return nil
	}
	b := r.data[:n:n]
	r.data = r.data[n:]
	return b
}

// ReadRecord reads the first record of data and returns what follows it. The record shares memory with data.
func ReadRecord(data []byte) (event.Record, []byte, error) {
	r := reader{data: data}
	rec := event.Record{Seq: r.uvarint()}
	rec.Time, rec.Received = time.UnixMicro(r.varint()).UTC(), time.UnixMicro(r.varint()).UTC()
	var format string
	for _, s := range [...]*string{
		&rec.Source, &format, &rec.Host, &rec.User, &rec.App, &rec.Action, &rec.Outcome, &rec.SrcIP, &rec.DstIP, &rec.EventID,
	} {
		*s = string(r.bytes())
	}
	rec.Format = event.Format(format)
	rec.SrcPort, rec.DstPort = uint16(r.uvarint()), uint16(r.uvarint())
	rec.Severity = r.octet()
	rec.Raw = r.bytes()
	for !r.bad {
		place := r.uvarint()
		if place == 0 {
			break
		}
		if place > uint64(len(event.Promoted)) {
			r.bad = true
			break
		}
		rec.Fields = append(rec.Fields, event.Field{Name: event.Promoted[place-1], Value: string(r.bytes())})
	}
	if r.bad {
		return event.Record{}, nil, errRecord
	}
	return rec, r.data, nil
}

func (r *reader) octet() byte {
	if len(r.data) == 0 {
		r.bad = true
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	return b
}
