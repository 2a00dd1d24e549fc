package lake

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/sigma/jsonlines"
)

// TestColumns: common columns come from the first of their keys that has a value.
func TestColumns(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 26, 1, 6, 0, 0, time.UTC)
	tests := map[string]struct {
		text string
		want event.Record
	}{
		"Windows": {
			`{"Channel":"Security","EventID":4624,"Computer":"pc-018","TimeCreated":"2026-11-26T01:06:00Z","Level":"4","SubjectUserName":"-","TargetUserName":"suzuki","IpAddress":"::ffff:192.168.10.41","IpPort":"49152"}`,
			event.Record{Time: at, Host: "pc-018", User: "suzuki", EventID: "4624", SrcIP: "::ffff:192.168.10.41", SrcPort: 49152, Severity: 1},
		},
		"the better key wins, wherever it stands": {`{"src":"10.0.0.2","SourceIp":"10.0.0.1","level":"warning"}`, event.Record{SrcIP: "10.0.0.1", Severity: 3}},
		"of two of the same key the first":        {`{"user":"a","USER":"b"}`, event.Record{User: "a"}},
		"what is no address and no port is none":  {`{"src":"fw-01","spt":"70000","dst":"10.1.2.3","dpt":443}`, event.Record{DstIP: "10.1.2.3", DstPort: 443}},
		"numbers of others mean different things": {`{"severity":"2","hostname":"a"}`, event.Record{Host: "a"}},
		"empty and - are no values":               {`{"computer":"","host":"-","devname":"fg-1"}`, event.Record{Host: "fg-1"}},
		"nested keys":                             {`{"event":{"action":"login","outcome":"failure","code":"7"},"user":{"name":"sato"}}`, event.Record{Action: "login", Outcome: "failure", EventID: "7", User: "sato"}},
	}
	d := newDecoder() // one for all: nothing of an event may stay in it
	for name, tt := range tests {
		var r event.Record
		if err := d.fill(&r, []byte(tt.text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		fields := r.Fields
		r.Fields = nil
		if !r.Time.Equal(tt.want.Time) {
			t.Errorf("%s: at %v, want %v", name, r.Time, tt.want.Time)
		}
		r.Time, tt.want.Time = time.Time{}, time.Time{}
		if r.Host != tt.want.Host || r.User != tt.want.User || r.EventID != tt.want.EventID || r.SrcIP != tt.want.SrcIP || r.DstIP != tt.want.DstIP ||
			r.SrcPort != tt.want.SrcPort || r.DstPort != tt.want.DstPort || r.Severity != tt.want.Severity || r.Action != tt.want.Action || r.Outcome != tt.want.Outcome {
			t.Errorf("%s: %+v, want %+v", name, r, tt.want)
		}
		if name == "Windows" && (len(fields) == 0 || channelOf(&event.Record{Fields: fields}) != "Security") {
			t.Errorf("promoted keys: %v", fields)
		}
	}
}

// TestColumnsRefuse: what is no object is an error, and of those that are too large it is said.
func TestColumnsRefuse(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "x", `{"a":`, `{"a":1}x`, `[1]`} {
		var r event.Record
		err := newDecoder().fill(&r, []byte(text))
		if _, ok := errors.AsType[*jsonlines.Error](err); !ok || tooMuch(err) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := newDecoder().fill(new(event.Record), []byte(strings.Repeat(`{"a":`, 70))); !tooMuch(err) {
		t.Errorf("nested 70 deep: %v", err)
	}
}

// TestNatives: no key goes to two columns, so that its use is one.
func TestNatives(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for column, names := range natives {
		for _, name := range names {
			if other, ok := seen[name]; ok {
				t.Errorf("%s goes to columns %d and %d", name, other, column)
			}
			seen[name] = column
		}
	}
}

// TestSourceOf names sources by channel or file.
func TestSourceOf(t *testing.T) {
	t.Parallel()
	tests := []struct{ channel, file, want string }{
		{"Security", "x.evtx", "windows.security"},
		{"Microsoft-Windows-Sysmon/Operational", "x", "windows.microsoft-windows-sysmon-operational"},
		{"", "/var/log/access.log.1", "access"},
		{"", "fw-20261126.log.gz", "fw"},
		{"", `C:\logs\proxy_2026-11-26.csv`, "proxy"},
		{"", "all.zip/web/error.jsonl", "error"},
		{"", "資産一覧.csv", "log"},
		{"", "資産PC一覧.csv", "pc"},
		{"", "20261126.log", "log"},
	}
	for _, tt := range tests {
		if got := sourceOf(tt.channel, tt.file); got != tt.want {
			t.Errorf("%q, %q is %q, want %q", tt.channel, tt.file, got, tt.want)
		}
	}
}

// TestDecode reads native keys of JSON again, and none of other lines.
func TestDecode(t *testing.T) {
	t.Parallel()
	got := Decode(event.JSON, []byte(`{"LogonType":3,"a":{"b":"表"}}`))
	if len(got) != 2 || got[0] != (event.Field{Name: "LogonType", Value: "3"}) || got[1] != (event.Field{Name: "a.b", Value: "表"}) {
		t.Errorf("got %v", got)
	}
	if Decode(event.Raw, []byte(`{"a":1}`)) != nil || Decode(event.JSON, []byte(`{`)) != nil {
		t.Error("lines that are no JSON have no keys")
	}
}
