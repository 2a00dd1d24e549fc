package proof

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/kizuki-security/kizuki/internal/logs/event"
)

// Hash is a SHA-256.
type Hash = tlog.Hash

func sum(b []byte) Hash { return sha256.Sum256(b) }

// LeafRecords is the number of records in a full leaf.
const LeafRecords = 256

const recordDomain = "kizuki-record/1\n"

// Hasher makes record hashes without allocating. The zero value is ready; one goroutine uses it.
type Hasher struct {
	sum  hash.Hash
	head []byte
}

// Sum is the hash of one record. at and received are microseconds since 1970 UTC; at is received when the record tells no
// time of its own, as the column of a sealed file has it.
func (h *Hasher) Sum(source string, seq uint64, at, received int64, format event.Format, raw []byte) Hash {
	if h.sum == nil {
		h.sum = sha256.New()
	}
	b := h.head[:0]
	b = append(b, recordDomain...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(source)))
	b = append(b, source...)
	b = binary.BigEndian.AppendUint64(b, seq)
	b = binary.BigEndian.AppendUint64(b, uint64(at))
	b = binary.BigEndian.AppendUint64(b, uint64(received))
	b = binary.BigEndian.AppendUint32(b, uint32(len(format)))
	b = append(b, format...)
	b = binary.BigEndian.AppendUint64(b, uint64(len(raw)))
	h.sum.Reset()
	h.sum.Write(b)
	h.sum.Write(raw)
	h.head = h.sum.Sum(b[:0])
	return Hash(h.head)
}

// Record is Sum of a record as the pipeline carries it.
func (h *Hasher) Record(r *event.Record) Hash {
	at := r.Time
	if at.IsZero() {
		at = r.Received
	}
	return h.Sum(r.Source, r.Seq, micros(at), micros(r.Received), r.Format, r.Raw)
}

// micros is a zero time's 0 too: a record always has Received, and the sum must not depend on how a zero time is kept.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// LeafHash is the hash of a leaf: 256 record hashes for a full one, 1 to 255 for a tail.
func LeafHash(records []Hash) Hash {
	sum := sha256.New()
	sum.Write([]byte{0}) // the mark of a leaf in RFC 6962
	for i := range records {
		sum.Write(records[i][:])
	}
	return Hash(sum.Sum(nil))
}

// Range is a run of sequence numbers, both ends included; First 0 is the empty run.
type Range struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
}

// leafRange is what full leaf i holds.
func leafRange(i int64) Range {
	return Range{First: uint64(i)*LeafRecords + 1, Last: uint64(i+1) * LeafRecords}
}
