package jsonlines

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/sigma"
)

func show(e *sigma.Event) string {
	var parts []string
	for _, f := range e.Fields {
		value := string(f.Value)
		if f.Kind == sigma.Null {
			value = "<null>"
		}
		parts = append(parts, fmt.Sprintf("%s=%s:%d", f.Name, value, f.Kind))
	}
	return strings.Join(parts, " ")
}

func TestDecode(t *testing.T) {
	t.Parallel()
	d := NewDecoder(Limits{})
	for _, tt := range []struct{ in, want string }{
		{`{}`, ``},
		{` { "a" : "b" } `, `a=b:0`},
		{`{"a":1,"b":-2.50,"c":1e3,"d":true,"e":false,"f":null}`, `a=1:1 b=-2.5:1 c=1000:1 d=true:2 e=false:2 f=<null>:3`},
		{`{"n":-9214364837600034816}`, `n=-9214364837600034816:1`},
		{`{"a":{"b":{"c":"x"}},"l":[1,"two",[3],{"d":4}]}`, `a.b.c=x:0 l=1:1 l=two:0 l=3:1 l.d=4:1`},
		{`{"Source Name":"x"}`, `SourceName=x:0`},
		{`{"p":"C:\\Windows\\\"a\"\/\b\f\n\r\t\u0041\u3042\ud83d\ude00\ud800!"}`, "p=C:\\Windows\\\"a\"/\b\f\n\r\tAあ😀\uFFFD!:0"},
		{"{\"a\":\"x\xffy\",\"b\":\"\\\\\xc3\"}", "a=x\uFFFDy:0 b=\\\uFFFD:0"},
		{`{"\u0061b":1}`, `ab=1:1`},
		{`{"e":[],"o":{},"z":""}`, `z=:0`},
		{
			`{"Event":{"#attributes":{"xmlns":"u"},"System":{"Provider":{"#attributes":{"Name":"P","Guid":"G"}},
			"EventID":{"#attributes":{"Qualifiers":0},"#text":4104},"TimeCreated":{"#attributes":{"SystemTime":"2026-04-17T05:24:53.092051Z"}},
			"Correlation":null,"Channel":"C"},"EventData":{"Image":"i","Data":{"#text":["a","b"]}}}}`,
			`Provider_Name=P:0 Provider_Guid=G:0 EventID_Qualifiers=0:1 EventID=4104:1 ` +
				`TimeCreated_SystemTime=2026-04-17T05:24:53.092051Z:0 Correlation=<null>:3 Channel=C:0 Image=i:0 Data=a:0 Data=b:0`,
		},
		{
			`{"Event":{"System":{"EventID":1},"UserData":{"Operation":{"#attributes":{"xmlns":"u"},"User":"x","A":{"B":1}}}}}`,
			`EventID=1:1 User=x:0 A.B=1:1`,
		},
		{
			`{"@timestamp":"2026-04-17T05:24:53Z","winlog":{"channel":"Security","event_id":4688,"event_data":{"NewProcessName":"x"},"api":"w"},"host":{"name":"h"}}`,
			`@timestamp=2026-04-17T05:24:53Z:0 Channel=Security:0 EventID=4688:1 NewProcessName=x:0 winlog.api=w:0 host.name=h:0`,
		},
	} {
		var e sigma.Event
		if err := d.Decode([]byte(tt.in), &e); err != nil {
			t.Errorf("%s: %v", tt.in, err)
		} else if got := show(&e); got != tt.want {
			t.Errorf("%s\n gives %s\n want  %s", tt.in, got, tt.want)
		}
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	d := NewDecoder(Limits{})
	for in, want := range map[string]time.Time{
		`{"@timestamp":"2026-04-17T05:24:53.5Z","EventTime":"2020-01-01 00:00:00"}`: time.Date(2026, 4, 17, 5, 24, 53, 5e8, time.UTC),
		`{"UtcTime":"2026-04-17 05:24:53.079"}`:                                     time.Date(2026, 4, 17, 5, 24, 53, 79e6, time.UTC),
		`{"time":"2026-04-17T05:24:53+09:00"}`:                                      time.Date(2026, 4, 16, 20, 24, 53, 0, time.UTC),
		`{"time":"1601-01-01T00:00:00Z"}`:                                           time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC),
		`{"time":"2026-02-30T00:00:00Z"}`:                                           {},
		`{"time":5}`:                                                                {},
	} {
		var e sigma.Event
		if err := d.Decode([]byte(in), &e); err != nil || !e.Time.Equal(want) {
			t.Errorf("%s: %v %v, want %v", in, e.Time, err, want)
		}
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	d := NewDecoder(Limits{Fields: 3, Value: 5, Depth: 4})
	for in, limit := range map[string]bool{
		``: false, `[]`: false, `{`: false, `{"a"}`: false, `{"a":}`: false, `{"a":1,}`: false, `{"a":"x`: false, `{"a":"\x"}`: false,
		`{"a":"\u12"}`: false, `{"a":tru}`: false, `{"a":-}`: false, `{"a":1} x`: false, `{"a":[1`: false, `{"a" 1}`: false, `{a:1}`: false,
		`{"a":1,"b":2,"c":3,"d":4}`: true, `{"a":"123456"}`: true, `{"a":{"b":{"c":{"d":{}}}}}`: true, `{"a":[[[[1]]]]}`: true,
	} {
		e := sigma.Event{Fields: []sigma.Field{{Name: "old"}}}
		err := d.Decode([]byte(in), &e)
		var refused *Error
		if !errors.As(err, &refused) || refused.Limit != limit || len(e.Fields) > 0 {
			t.Errorf("%s: %v, %d fields", in, err, len(e.Fields))
		}
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	d := NewDecoder(Limits{})
	rest := []byte("{\"a\":1}\n {\"a\":2}{\"a\":3}")
	var got []string
	for len(strings.TrimSpace(string(rest))) > 0 {
		var e sigma.Event
		var err error
		if rest, err = d.Next(rest, &e); err != nil {
			t.Fatal(err)
		}
		got = append(got, show(&e))
	}
	if strings.Join(got, ",") != "a=1:1,a=2:1,a=3:1" {
		t.Error(got)
	}
}

// TestHostileNames: names that never repeat fill no memory for good.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	d := NewDecoder(Limits{})
	for i := range 40 {
		var b strings.Builder
		b.WriteString(`{"x":1`)
		for k := range 3000 {
			fmt.Fprintf(&b, `,"n%d_%d":{}`, i, k)
		}
		var e sigma.Event
		if err := d.Decode([]byte(b.String()+"}"), &e); err != nil || show(&e) != "x=1:1" {
			t.Fatal(err, show(&e))
		}
	}
	if len(d.names.nodes) > maxNodes*2 {
		t.Errorf("%d names are remembered", len(d.names.nodes))
	}
	var b strings.Builder
	b.WriteString(`{"x":1`)
	for k := range 3 * maxNodes {
		fmt.Fprintf(&b, `,"m%d":{}`, k)
	}
	var e sigma.Event
	if err := d.Decode([]byte(b.String()+"}"), &e); err == nil {
		t.Error("one event with a hundred thousand names is accepted")
	}
}

func TestNoAllocations(t *testing.T) {
	d := NewDecoder(Limits{})
	line := []byte(`{"Event":{"System":{"EventID":1,"Channel":"C"},"EventData":{"Image":"C:\\Windows\\a.exe","N":1.50}},"@timestamp":"2026-04-17T05:24:53Z"}`)
	var e sigma.Event
	if err := d.Decode(line, &e); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if err := d.Decode(line, &e); err != nil {
			t.Fatal(err)
		}
	}); n > 1 { // the number with a fraction
		t.Errorf("%v allocations", n)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"Event":{"System":{"EventID":{"#text":1,"#attributes":{"Q":0}}},"UserData":{"X":{"a":[1,{"b":null}]}}}}`))
	f.Add([]byte(`{"winlog":{"event_data":{"a":"\ud83d\ude00\\"}},"x":-1.5e3}`))
	f.Add([]byte("{\"a\":\"\xff\"}"))
	d := NewDecoder(Limits{})
	f.Fuzz(func(t *testing.T, text []byte) {
		var e sigma.Event
		err := d.Decode(text, &e)
		for _, f := range e.Fields {
			if !utf8.Valid(f.Value) || !utf8.ValidString(f.Name) {
				t.Errorf("%q: field %q is no UTF-8: %q", text, f.Name, f.Value)
			}
		}
		var refused *Error
		if err != nil && (!errors.As(err, &refused) || len(e.Fields) > 0) {
			t.Errorf("%q: %v", text, err)
		}
		trimmed := strings.TrimSpace(string(text))
		if json.Valid(text) && strings.HasPrefix(trimmed, "{") && err != nil && !refused.Limit {
			t.Errorf("%q is refused: %v", text, err)
		}
	})
}
