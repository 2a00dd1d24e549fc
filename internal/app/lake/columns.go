package lake

import (
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/sigma"
	"github.com/kizuki-security/kizuki/sigma/jsonlines"
)

// natives are the native keys, in lower case, that common columns are read from; the first that has a value counts.
var natives = map[string][]string{
	"host":     {"computer", "host", "hostname", "host.name", "devname", "computer_name", "agent.hostname"},
	"user":     {"targetusername", "subjectusername", "user", "username", "user.name", "srcuser", "userid", "useridentity.username"},
	"app":      {"provider_name", "app", "appname", "application", "program", "service"},
	"action":   {"action", "event.action", "eventname", "operation"},
	"outcome":  {"outcome", "event.outcome", "result", "resultstatus"},
	"src_ip":   {"ipaddress", "sourceip", "src_ip", "srcip", "src", "source.ip", "sourceipaddress", "clientip", "client_ip", "remote_ip"},
	"dst_ip":   {"destinationip", "dst_ip", "dstip", "dst", "destination.ip"},
	"src_port": {"ipport", "sourceport", "src_port", "srcport", "spt", "source.port"},
	"dst_port": {"destinationport", "dst_port", "dstport", "dpt", "destination.port"},
	"event_id": {"eventid", "event_id", "event.code", "logid"},
	"severity": {"severity", "level", "log.level", "priority"},
}

// wanted are all native keys of natives, with where their values go.
var wanted = func() map[string]bool {
	m := map[string]bool{}
	for _, names := range natives {
		for _, n := range names {
			m[n] = true
		}
	}
	return m
}()

// decoder reads native keys and common columns from JSON objects. One goroutine uses it.
type decoder struct {
	json   *jsonlines.Decoder
	event  sigma.Event
	values map[string]string
}

func newDecoder() *decoder {
	return &decoder{json: jsonlines.NewDecoder(jsonlines.Limits{}), values: map[string]string{}}
}

// fill reads the columns and promoted keys of a record from its raw text; false: the text is no object that is read.
func (d *decoder) fill(r *event.Record) bool {
	d.event = sigma.Event{Fields: d.event.Fields[:0]}
	if err := d.json.Decode(r.Raw, &d.event); err != nil {
		return false
	}
	clear(d.values)
	windows := ""
	for i := range d.event.Fields {
		f := &d.event.Fields[i]
		if slices.Contains(event.Promoted, f.Name) {
			r.Fields = append(r.Fields, event.Field{Name: f.Name, Value: string(f.Value)})
			if f.Name == "Channel" {
				windows = string(f.Value)
			}
		}
		lower := strings.ToLower(f.Name)
		if wanted[lower] && d.values[lower] == "" && string(f.Value) != "-" {
			d.values[lower] = string(f.Value)
		}
	}
	if r.Time.IsZero() {
		r.Time = d.event.Time
	}
	r.Host, r.User, r.App = d.first("host"), d.first("user"), d.first("app")
	r.Action, r.Outcome, r.EventID = d.first("action"), d.first("outcome"), d.first("event_id")
	r.SrcIP, r.DstIP = address(d.first("src_ip")), address(d.first("dst_ip"))
	r.SrcPort, r.DstPort = port(d.first("src_port")), port(d.first("dst_port"))
	r.Severity = severity(d.first("severity"), windows != "")
	return true
}

func (d *decoder) first(column string) string {
	for _, name := range natives[column] {
		if v := d.values[name]; v != "" {
			return v
		}
	}
	return ""
}

func address(text string) string {
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return ""
	}
	return ip.String()
}

func port(text string) uint16 {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0
	}
	return uint16(n)
}

// severities of words, as OCSF counts them.
var severities = map[string]uint8{
	"debug": 1, "informational": 1, "information": 1, "info": 1, "notice": 2, "low": 2, "warning": 3, "warn": 3, "medium": 3,
	"error": 4, "err": 4, "high": 4, "critical": 5, "crit": 5, "alert": 5, "emergency": 6, "emerg": 6, "fatal": 6,
}

// severity reads a level: of Windows 1 critical to 5 verbose; of others a word. Other numbers mean different things to
// different makers and stay unknown.
func severity(text string, windows bool) uint8 {
	if windows {
		return map[string]uint8{"1": 5, "2": 4, "3": 3, "4": 1, "5": 1}[text]
	}
	return severities[strings.ToLower(text)]
}

// channelOf is the channel of a Windows record.
func channelOf(r *event.Record) string {
	for i := range r.Fields {
		if r.Fields[i].Name == "Channel" {
			return r.Fields[i].Value
		}
	}
	return ""
}

// stamp is what tells files of one log from one another: dates and numbers at the end of a name.
var stamp = regexp.MustCompile(`([-_.]?[0-9]+)+$`)

// sourceOf names the source of a record that nobody named: the channel of Windows, or the file without ending and date.
func sourceOf(channel, file string) string {
	if channel != "" {
		return plainName("windows." + channel)
	}
	base := strings.ToLower(path.Base(strings.ReplaceAll(file, `\`, "/")))
	for _, ending := range []string{".gz", ".zst", ".zip", ".log", ".txt", ".jsonl", ".ndjson", ".json", ".csv"} {
		base = strings.TrimSuffix(base, ending)
	}
	base = stamp.ReplaceAllString(base, "")
	for _, ending := range []string{".log", ".txt", ".jsonl", ".json"} { // access.log.1
		base = strings.TrimSuffix(base, ending)
	}
	return plainName(stamp.ReplaceAllString(base, ""))
}

// plainName makes a name one of a source.
func plainName(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '_', r == '-':
			b.WriteRune(r)
		case b.Len() > 0 && r < utf8.RuneSelf:
			b.WriteByte('-')
		}
	}
	name := strings.Trim(b.String(), "-_.")
	if len(name) > 64 {
		name = strings.Trim(name[:64], "-_.")
	}
	if !event.ValidSource(name) {
		return "log"
	}
	return name
}

var decoders = sync.Pool{New: func() any { return newDecoder() }}

// Decode reads the native keys of a raw line again, for query.Options.Decode.
func Decode(format event.Format, raw []byte) []event.Field {
	if format != event.JSON {
		return nil
	}
	d, ok := decoders.Get().(*decoder)
	if !ok {
		return nil
	}
	defer decoders.Put(d)
	d.event = sigma.Event{Fields: d.event.Fields[:0]}
	if err := d.json.Decode(raw, &d.event); err != nil {
		return nil
	}
	out := make([]event.Field, len(d.event.Fields))
	for i := range d.event.Fields {
		out[i] = event.Field{Name: string([]byte(d.event.Fields[i].Name)), Value: string(d.event.Fields[i].Value)}
	}
	return out
}
