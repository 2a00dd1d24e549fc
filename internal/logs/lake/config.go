package lake

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
	"github.com/kizuki-security/kizuki/internal/logs/lake/wal"
)

// Config says how a lake works. Only Clock is needed.
type Config struct {
	Clock    func() time.Time
	Limits   Limits
	Evidence Evidence      // nil: none is kept
	Keep     Keep          // how long; nil: for ever
	Every    time.Duration // between two runs of Tidy by itself; 0: only when called
	FS       disk.FS       // nil: that of the machine
}

// Keep says for how many days the records of a source are kept after the day on which they came; 0: for ever.
type Keep func(source string) (days int)

// Limits bound memory, waiting and disk. Zero values are the defaults.
type Limits struct {
	GroupWait    time.Duration // between two syncs of the log, 200 ms; the first after a pause does not wait
	GroupBytes   int           // a sync does not wait for more than this, 1 MiB
	QueueBytes   int64         // of records that wait for a sync, 32 MiB; then Append waits
	SegmentRows  int           // 65,536
	SegmentBytes int64         // of texts in a segment, 64 MiB
	Unsealed     int           // full segments in memory, 3; then Append waits
	RecordBytes  int           // of one record's texts, 16 MiB; at most about 31 MiB
	FooterBytes  int64         // of memory for open footers, 48 MiB
	OpenFiles    int           // 256
	MergeFiles   int           // files that one merge reads at once, 8
	MergeRows    int           // in a merged file, 1,048,576; a larger day gets several
	DiskBytes    int64         // of everything in the folder; 0: no limit
	ClockJump    time.Duration // beyond the newest record, from which deleting is refused, 72 h
	RetryAfter   time.Duration // a seal that failed is tried again, 1 s
}

func (c Config) withDefaults() Config {
	set := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	set64 := func(v *int64, d int64) {
		if *v <= 0 {
			*v = d
		}
	}
	wait := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	l := &c.Limits
	wait(&l.GroupWait, 200*time.Millisecond)
	set(&l.GroupBytes, 1<<20)
	set64(&l.QueueBytes, 32<<20)
	set(&l.SegmentRows, 8*table.BlockRows)
	set64(&l.SegmentBytes, 64<<20)
	set(&l.Unsealed, 3)
	set(&l.RecordBytes, 16<<20)
	l.RecordBytes = min(l.RecordBytes, wal.LargestRecord-64<<10) // the log puts lengths around the texts
	set64(&l.FooterBytes, 48<<20)
	set(&l.OpenFiles, 256)
	set(&l.MergeFiles, 8)
	l.MergeFiles = max(l.MergeFiles, 2)
	set(&l.MergeRows, 128*table.BlockRows)
	wait(&l.ClockJump, 72*time.Hour)
	wait(&l.RetryAfter, time.Second)
	if c.FS == nil {
		c.FS = disk.OS{}
	}
	return c
}

// Reason says why something is refused. It is a stable code.
type Reason string

// Reasons.
const (
	Locked      Reason = "locked"       // another process writes in the folder
	Unusable    Reason = "unusable"     // the folder cannot be read or written
	BadSource   Reason = "bad_source"   // see event.ValidSource
	TooLarge    Reason = "too_large"    // a record above Limits.RecordBytes
	Busy        Reason = "busy"         // records wait for the disk, and the caller would wait no longer
	NoRoom      Reason = "no_room"      // the disk, or what Limits.DiskBytes allows of it, is full
	NotWritten  Reason = "not_written"  // the log could not be written
	Closed      Reason = "closed"       // the lake was closed
	Held        Reason = "held"         // a hold forbids it
	ClockJumped Reason = "clock_jumped" // the clock is far beyond the newest record: deleting waits for somebody's word
	Unknown     Reason = "unknown"      // no hold or file of that name
)

// Error is a refusal.
type Error struct {
	Reason Reason
	Err    error // what was met; may be nil
}

// Error gives reason and cause in one line.
func (e *Error) Error() string {
	if e.Err == nil {
		return "lake: " + string(e.Reason)
	}
	return fmt.Sprintf("lake: %s: %v", e.Reason, e.Err)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is says whether err is a refusal with this reason.
func Is(err error, reason Reason) bool {
	var e *Error
	return errors.As(err, &e) && e.Reason == reason
}

func refuse(reason Reason, err error) error { return &Error{reason, err} }

// Evidence keeps the proof of what is sealed and deleted. Calls come one at a time. After a crash or an error the same
// call comes again, and calls for segments come in the order of sealing.
type Evidence interface {
	// Pledge signs that a segment with these bytes was written here. It is kept beside the file from before it has its
	// name until Sealed gave the note: a file that has neither was not written by whoever holds the key.
	Pledge(ctx context.Context, unit Unit) (pledge []byte, err error)
	// Sealed gives the note that is kept beside the file: its checkpoints. hashes gives the record hashes of one source
	// in the file, in the order of their sequence numbers.
	Sealed(ctx context.Context, unit Unit, hashes func(source string) (seqs []uint64, hashes []proof.Hash, err error)) (note []byte, err error)
	// Deleted signs for a file of one source that will be deleted, and gives the note. hash gives the hash of a record of
	// the source that is still there, in this file or another.
	Deleted(ctx context.Context, unit Unit, who, why string, hash func(seq uint64) (proof.Hash, error)) (note []byte, err error)
}

// Unit is a sealed file, as evidence is given it.
type Unit struct {
	Name     string
	ID       uint64
	Level    int    // 0: a segment; more: merged
	SHA256   string // hex
	Sources  []segment.Source
	Replaces []Unit // merged into it
	Note     []byte // of a replaced file: what Sealed gave for it
	Pledge   []byte // of a segment: what Pledge gave for it; nil: there is none
	Named    bool   // a merged file that has its name already: it was signed before that
	At       time.Time
	// Lost says with nil that no file has any of the numbers of a source, and that none will: they may be signed as missing.
	Lost func(source string, part segment.Range) error
}
