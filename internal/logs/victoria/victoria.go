// Package victoria sends log lines to VictoriaLogs, the log engine that a group of many sites runs, and asks it: one node or
// a cluster, over HTTP.
//
// It owns the words wire form, mark and sender. It imports internal/logs/event, internal/logs/lake/disk for the file
// of marks, the standard library and a zstd encoder; queries come in as LogsQL text from internal/logs/query. Tests run against the real engine, built from the module that
// tools/victorialogs pins.
//
// # At least once, made harmless
//
// The engine takes rows into memory before they are durable, keeps what it is sent twice, and drops rows that it does not
// like with nothing but a line in its own log. So the sender asks after each batch which of its rows are there, sends those
// again that are not, and names those that the engine never shows. A place in a source counts as safe only after rows
// were seen once more when the engine had time to write them to disk; after any failure or a new start, sending goes on
// from the last safe place, and rows that are there are not sent again. Every row has its source and sequence number: in
// the one case left, a request that is still on its way while the sender starts again, a row may be there twice, and
// then "source" and "seq" tell; Client.Rows shows it once.
//
// # Wire form
//
// _msg is the raw line and _time the time, as the engine wants them. Fields are named as in queries of the house: source, seq,
// format, those of event.Common, and native keys under their own names; a native key that is called like one of the
// others is left out, since no query of the house can mean it. time_us and received_us are microseconds since 1970 UTC.
// A raw line that is empty or no UTF-8 stands in raw_b64 too. Of native keys with one name the first is sent, and at most
// 900 of them; fields_left_out counts the others. The engine drops empty fields, so empty is absent, as in the lake.
package victoria

import (
	"errors"
	"fmt"
)

// Reason says why something did not work. It is a stable code.
type Reason string

// Reasons.
const (
	Unavailable Reason = "unavailable" // no answer, or one that says try later; trying again may help
	Refused     Reason = "refused"     // the engine does not want the request; trying again does not help
	Malformed   Reason = "malformed"   // an answer that is none, or a row that is not in wire form
	TooLarge    Reason = "too_large"   // an answer beyond a limit
	Unordered   Reason = "unordered"   // the feed gave records that do not ascend
	BadMarks    Reason = "bad_marks"   // the file of marks is damaged; remove it to begin with the first record
)

// Error is a refusal with its reason.
type Error struct {
	Reason Reason
	Status int   // of HTTP; 0: no answer
	Err    error // cause; may be nil
}

// Error gives reason and cause in one line.
func (e *Error) Error() string {
	text := "victoria: " + string(e.Reason)
	if e.Status != 0 {
		text += fmt.Sprintf(" (HTTP %d)", e.Status)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is says whether err is an error of this package with this reason.
func Is(err error, reason Reason) bool {
	known, ok := errors.AsType[*Error](err)
	return ok && known.Reason == reason
}
