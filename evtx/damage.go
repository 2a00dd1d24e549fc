package evtx

import (
	"errors"
	"fmt"
	"strings"

	"github.com/kizuki-security/kizuki/evtx/internal/binxml"
)

// Reason says what is wrong, in a few English words that never change: programs may compare and count them.
type Reason string

// Reasons of a DamageError.
const (
	NotAnEventLog    Reason = "no file header of an event log"
	BadFileHeader    Reason = "the checksum of the file header is wrong"
	NotAChunk        Reason = "no chunk where one should be"
	BadChunkMagic    Reason = "the mark of the chunk is wrong"
	BadChunkHeader   Reason = "the checksum of the chunk header is wrong"
	BadChunkData     Reason = "the checksum of the records in the chunk is wrong"
	LyingChunkHeader Reason = "the chunk header gives impossible numbers"
	StrangeRecordID  Reason = "the record is not among those that the chunk header gives"
	Truncated        Reason = "the file ends inside the chunk"
	MissingRecords   Reason = "the records are not where the chunk header says"
	BadRecordHeader  Reason = "the header of the record is damaged"
	BadRecordSize    Reason = "the size at the end of the record differs from the size at its start"
)

// Reasons found inside the binary XML of a record.
const (
	BadToken         = Reason(binxml.ErrBadToken)
	CutShort         = Reason(binxml.ErrCutShort)
	BadName          = Reason(binxml.ErrBadName)
	BadNesting       = Reason(binxml.ErrBadNesting)
	TooDeep          = Reason(binxml.ErrTooDeep)
	BadTemplate      = Reason(binxml.ErrBadTemplate)
	BadValues        = Reason(binxml.ErrBadValues)
	TooExpensive     = Reason(binxml.ErrTooExpensive)
	TooManyTemplates = Reason(binxml.ErrTooManyTemplates)
)

// DamageError is one broken place of a file. Reading goes on after it.
type DamageError struct {
	Chunk  int    // counted from 0; −1 is the file header
	Record uint64 // identifier of the first record concerned; 0 when the whole chunk is concerned
	Lost   uint64 // records that cannot be read: Record, Record+1 and so on; 0 when nothing is lost by it
	Offset int64  // where in the file, in bytes
	Reason Reason
}

// Error tells place, loss and reason in one line.
func (e *DamageError) Error() string {
	var b strings.Builder
	b.WriteString("evtx: ")
	if e.Chunk >= 0 {
		fmt.Fprintf(&b, "chunk %d, ", e.Chunk)
	}
	switch {
	case e.Lost > 1:
		fmt.Fprintf(&b, "records %d to %d lost, ", e.Record, e.Record+e.Lost-1)
	case e.Lost == 1:
		fmt.Fprintf(&b, "record %d lost, ", e.Record)
	case e.Record != 0:
		fmt.Fprintf(&b, "record %d, ", e.Record)
	}
	fmt.Fprintf(&b, "offset %d: %s", e.Offset, string(e.Reason))
	return b.String()
}

// reasonOf gives the reason for which binary XML could not be read.
func reasonOf(err error) Reason {
	if why, ok := errors.AsType[binxml.Error](err); ok {
		return Reason(why)
	}
	return CutShort
}
