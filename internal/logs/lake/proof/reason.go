package proof

import (
	"errors"
	"fmt"
)

// Reason says why something is refused. It is a stable code.
type Reason string

// Reasons.
const (
	BadSource  Reason = "bad_source"  // the name of a source that no note can hold
	Hole       Reason = "hole"        // a record that does not follow the last one
	Damaged    Reason = "damaged"     // a file of the store that is not as it was written; Rebuild makes it again
	NotSigned  Reason = "not_signed"  // no signature by the key asked for
	Forged     Reason = "forged"      // a signature by the key asked for that does not fit
	Malformed  Reason = "malformed"   // no checkpoint, tombstone or proof at all
	NotCovered Reason = "not_covered" // a record behind what a checkpoint covers
	TooLong    Reason = "too_long"    // a note that could not be read again
	Unfit      Reason = "unfit"       // records and tree do not belong together
	Unvouched  Reason = "unvouched"   // a file that nothing signed says was written here
	Another    Reason = "another"     // the past that would be signed for is not the one that was signed before
)

// Error is a refusal of this package.
type Error struct {
	Reason Reason
	Err    error // what was met; may be nil
}

// Error gives reason and cause in one line.
func (e *Error) Error() string {
	if e.Err == nil {
		return "proof: " + string(e.Reason)
	}
	return fmt.Sprintf("proof: %s: %v", e.Reason, e.Err)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

func refuse(reason Reason, format string, args ...any) *Error {
	return &Error{Reason: reason, Err: fmt.Errorf(format, args...)}
}

// IsRefusal says whether err is a refusal of this package, and not one of the disk.
func IsRefusal(err error) bool {
	_, ok := errors.AsType[*Error](err)
	return ok
}

// Is says whether err is a refusal with this reason.
func Is(err error, reason Reason) bool {
	known, ok := errors.AsType[*Error](err)
	return ok && known.Reason == reason
}
