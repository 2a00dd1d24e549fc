package scan

import (
	"errors"
	"fmt"
)

// Reason says why a file or a record was not scanned. It is a stable code; programs may compare and count it.
type Reason string

// Reasons of files.
const (
	Missing     Reason = "missing"         // there is no such file
	Unreadable  Reason = "unreadable"      // the system refuses to open or to read it
	NotRegular  Reason = "not_regular"     // a device, a pipe or a socket
	Empty       Reason = "empty"           // no byte in it
	Unknown     Reason = "unknown_format"  // neither an event log nor JSON
	Damaged     Reason = "damaged_archive" // gzip, zstd or zip that cannot be unpacked to its end
	TooDeep     Reason = "nested"          // archives in archives, deeper than Limits.Depth
	TooWide     Reason = "expansion"       // unpacks to far more than it is: a bomb
	Protected   Reason = "protected"       // a member of a zip with a password
	Interrupted Reason = "interrupted"     // the person stopped the scan
)

// Reasons of records.
const (
	NotJSON     Reason = "not_json"
	TooLarge    Reason = "too_large"    // one object beyond Limits.Object, or its fields beyond those of the decoder
	CutShort    Reason = "cut_short"    // the file ends inside the object
	Lost        Reason = "damaged"      // a damaged record of an event log
	OutsideTime Reason = "outside_time" // before --from or after --to
	NoTime      Reason = "no_time"      // a time range is asked for, and the event tells no time
)

// FileError is why a file was not read, or not to its end.
type FileError struct {
	Reason Reason
	Err    error // may be nil
}

// Error gives reason and cause in one line.
func (e *FileError) Error() string {
	if e.Err == nil {
		return string(e.Reason)
	}
	return fmt.Sprintf("%s: %v", e.Reason, e.Err)
}

// Unwrap gives the cause.
func (e *FileError) Unwrap() error { return e.Err }

// fileError makes any error one with a reason.
func fileError(reason Reason, err error) *FileError {
	if known, ok := errors.AsType[*FileError](err); ok {
		return known
	}
	return &FileError{Reason: reason, Err: err}
}
