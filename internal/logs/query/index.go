package query

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/query/text"
)

// Whole are the columns whose values an index holds as a whole besides the words of the line.
var Whole = []string{"host", "user", "src_ip", "dst_ip", "event_id"}

// IndexWords calls add for everything that an index must hold of a record so that MayHave may say no: the words of the
// raw line and the whole values of the columns Whole, folded and cut to MaxWord. An address is held in its plain form
// too (without zone, IPv4 in IPv6 as IPv4).
func IndexWords(r *event.Record, add func(word string)) {
	Words(string(r.Raw), add)
	for _, name := range Whole {
		IndexValue(name, ColumnText(r, name), add)
	}
}

// IndexValue is the part of IndexWords that comes from one of the columns Whole.
func IndexValue(name, value string, add func(word string)) {
	if value == "" {
		return
	}
	add(WholeValue(value))
	if name != "src_ip" && name != "dst_ip" || strings.IndexByte(value, ':') < 0 {
		return // IPv4 has one form only
	}
	if ip, err := netip.ParseAddr(value); err == nil {
		if plain := PlainAddr(ip).String(); plain != value {
			add(plain)
		}
	}
}

// WholeValue is how an index holds a value.
func WholeValue(v string) string { return text.Limit(Fold(v)) }

// PlainAddr is the form in which addresses are compared: without zone, IPv4 in IPv6 as IPv4.
func PlainAddr(ip netip.Addr) netip.Addr { return ip.Unmap().WithZone("") }

// ColumnText gives the value that a block's column of that name has for the record: "source", "format", one of
// event.Common (port and severity 0 are ""), else the first native key of that name; "" where there is none.
func ColumnText(r *event.Record, name string) string {
	number := func(n uint64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatUint(n, 10)
	}
	switch name {
	case "source":
		return r.Source
	case "format":
		return string(r.Format)
	case "host":
		return r.Host
	case "user":
		return r.User
	case "app":
		return r.App
	case "action":
		return r.Action
	case "outcome":
		return r.Outcome
	case "src_ip":
		return r.SrcIP
	case "dst_ip":
		return r.DstIP
	case "src_port":
		return number(uint64(r.SrcPort))
	case "dst_port":
		return number(uint64(r.DstPort))
	case "severity":
		return number(uint64(r.Severity))
	case "event_id":
		return r.EventID
	}
	return firstField(r.Fields, name)
}

// firstField gives the value of the first field of that name.
func firstField(fields []event.Field, name string) string {
	for i := range fields {
		if fields[i].Name == name {
			return fields[i].Value
		}
	}
	return ""
}
