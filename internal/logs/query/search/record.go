package search

import (
	"strconv"

	"github.com/kizuki-security/kizuki/internal/logs/event"
)

// setText puts the value of a column into a record. A number that is none is 0, as where the line tells none.
func setText(r *event.Record, name, value string) {
	number := func(bits int) uint64 {
		n, err := strconv.ParseUint(value, 10, bits)
		if err != nil {
			return 0
		}
		return n
	}
	switch name {
	case "format":
		r.Format = event.Format(value)
	case "host":
		r.Host = value
	case "user":
		r.User = value
	case "app":
		r.App = value
	case "action":
		r.Action = value
	case "outcome":
		r.Outcome = value
	case "src_ip":
		r.SrcIP = value
	case "dst_ip":
		r.DstIP = value
	case "src_port":
		r.SrcPort = uint16(number(16))
	case "dst_port":
		r.DstPort = uint16(number(16))
	case "severity":
		r.Severity = uint8(number(8))
	case "event_id":
		r.EventID = value
	}
}
