// Package event is a log line on its way through the pipeline: the untouched bytes, when and where it happened, the
// few common columns every source shares, and the native keys that Sigma rules ask for.
//
// It owns the words record, source, format, common column and promoted key. It imports nothing of ours, reads neither
// clock nor environment, and knows no storage.
package event

import "time"

// Format says how Raw is to be read again when a key is asked for that has no column.
type Format string

// Formats.
const (
	Raw  Format = "raw"  // a line no parser understood; it has no keys
	JSON Format = "json" // one JSON object; keys as sigma/jsonlines flattens them
)

// Field is one native key with its value as text.
type Field struct{ Name, Value string }

// Record is one log line as the lake keeps it. Text may hold any bytes, NUL and broken UTF-8 among them.
type Record struct {
	Source   string    // name of the source, see ValidSource
	Seq      uint64    // place in its source from 1, without holes; the lake gives it
	Time     time.Time // of the event, UTC, whole microseconds; zero: it tells none and Received stands for it
	Received time.Time // when it came in, UTC, whole microseconds
	Format   Format
	Raw      []byte // the line as it came, without its line break

	// Common columns; empty: the line does not tell. The names in queries are those of Common.
	Host, User, App, Action, Outcome string
	SrcIP, DstIP                     string // as netip.Addr.String writes them
	SrcPort, DstPort                 uint16
	Severity                         uint8 // 0 unknown, 1 informational … 6 fatal, as OCSF severity_id counts
	EventID                          string

	// Fields are native keys in the order of the line. Those of Promoted get columns, others are read from Raw again.
	Fields []Field
}

// Common are the names of the common columns, as queries, exports and Parquet files call them.
var Common = []string{
	"host", "user", "app", "action", "outcome", "src_ip", "dst_ip", "src_port", "dst_port", "severity", "event_id",
}
