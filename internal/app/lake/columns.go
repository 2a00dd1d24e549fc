package lake

import (
	"errors"
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
var natives = [...][]string{
	toHost:     {"computer", "host", "hostname", "host.name", "devname", "computer_name", "agent.hostname"},
	toUser:     {"targetusername", "subjectusername", "user", "username", "user.name", "srcuser", "userid", "useridentity.username"},
	toApp:      {"provider_name", "app", "appname", "application", "program", "service"},
	toAction:   {"action", "event.action", "eventname", "operation"},
	toOutcome:  {"outcome", "event.outcome", "result", "resultstatus"},
	toSrcIP:    {"ipaddress", "sourceip", "src_ip", "srcip", "src", "source.ip", "sourceipaddress", "clientip", "client_ip", "remote_ip"},
	toDstIP:    {"destinationip", "dst_ip", "dstip", "dst", "destination.ip"},
	toSrcPort:  {"ipport", "sourceport", "src_port", "srcport", "spt", "source.port"},
	toDstPort:  {"destinationport", "dst_port", "dstport", "dpt", "destination.port"},
	toEventID:  {"eventid", "event_id", "event.code", "logid"},
	toSeverity: {"severity", "level", "log.level", "priority"},
}

const (
	toHost = iota
	toUser
	toApp
	toAction
	toOutcome
	toSrcIP
	toDstIP
	toSrcPort
	toDstPort
	toEventID
	toSeverity
)

// use is what becomes of a native key.
type use struct {
	promoted string // the key, where it is one of event.Promoted
	column   int    // of natives; -1: none
	rank     int    // in the column, the least counts
}

// useOf finds what becomes of a key, by its name.
func useOf(name string) use {
	u := use{column: -1}
	if at := slices.Index(event.Promoted, name); at >= 0 {
		u.promoted = event.Promoted[at]
	}
	lower := strings.ToLower(name)
	for column, names := range natives {
		if rank := slices.Index(names, lower); rank >= 0 {
			u.column, u.rank = column, rank
		}
	}
	return u
}

// mostUses bounds the names that are remembered; whoever makes up more makes it slower, not larger.
const mostUses = 20_000

// decoder reads native keys and common columns from JSON objects. One goroutine uses it.
type decoder struct {
	json  *jsonlines.Decoder
	event sigma.Event
	uses  map[string]use
	used  []use // of the event's fields
	found [len(natives)][]byte
	ranks [len(natives)]int
}

func newDecoder() *decoder {
	return &decoder{json: jsonlines.NewDecoder(jsonlines.Limits{}), uses: map[string]use{}}
}

func (d *decoder) use(name string) use {
	u, ok := d.uses[name]
	if !ok {
		if len(d.uses) >= mostUses {
			clear(d.uses)
		}
		u = useOf(name)
		d.uses[strings.Clone(name)] = u
	}
	return u
}

// tooMuch says whether an object is well written, and only too large to be read.
func tooMuch(err error) bool {
	why, ok := errors.AsType[*jsonlines.Error](err)
	return ok && why.Limit
}

// fill reads the columns and promoted keys of a record from its text. The error says why the text is no object that is
// read.
func (d *decoder) fill(r *event.Record, text []byte) error {
	d.event = sigma.Event{Fields: d.event.Fields[:0]}
	if err := d.json.Decode(text, &d.event); err != nil {
		return err
	}
	clear(d.found[:])
	d.used = d.used[:0]
	windows, promoted := false, 0
	for i := range d.event.Fields {
		f := &d.event.Fields[i]
		u := d.use(f.Name)
		d.used = append(d.used, u)
		if u.promoted != "" {
			promoted++
		}
		if u.column >= 0 && len(f.Value) > 0 && string(f.Value) != "-" && (d.found[u.column] == nil || u.rank < d.ranks[u.column]) {
			d.found[u.column], d.ranks[u.column] = f.Value, u.rank
		}
	}
	if promoted > 0 {
		r.Fields = make([]event.Field, 0, promoted)
	}
	for i := range d.event.Fields {
		if name := d.used[i].promoted; name != "" {
			value := string(d.event.Fields[i].Value)
			r.Fields = append(r.Fields, event.Field{Name: name, Value: value})
			windows = windows || name == "Channel" && value != ""
		}
	}
	if r.Time.IsZero() {
		r.Time = d.event.Time
	}
	r.Host, r.User, r.App = string(d.found[toHost]), string(d.found[toUser]), string(d.found[toApp])
	r.Action, r.Outcome, r.EventID = string(d.found[toAction]), string(d.found[toOutcome]), string(d.found[toEventID])
	r.SrcIP, r.DstIP = address(d.found[toSrcIP]), address(d.found[toDstIP])
	r.SrcPort, r.DstPort = port(d.found[toSrcPort]), port(d.found[toDstPort])
	r.Severity = severity(string(d.found[toSeverity]), windows)
	return nil
}

func address(text []byte) string {
	ip, err := netip.ParseAddr(string(text))
	if err != nil {
		return ""
	}
	return ip.String()
}

func port(text []byte) uint16 {
	n, err := strconv.ParseUint(string(text), 10, 16)
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
		if len(text) != 1 || text[0] < '1' || text[0] > '5' {
			return 0
		}
		return [...]uint8{5, 4, 3, 1, 1}[text[0]-'1']
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
