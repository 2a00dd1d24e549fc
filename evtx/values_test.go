package evtx_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/evtx"
	"github.com/kizuki-security/kizuki/evtx/evtxtest"
)

type (
	value   = evtxtest.Value
	element = evtxtest.Element
	part    = evtxtest.Part
	attr    = evtxtest.Attr
)

// one reads a log with one record of the instance and gives its fields and its JSON, decoded. It must be whole.
func one(t *testing.T, in evtxtest.Instance) (fields []string, text string) {
	t.Helper()
	c := evtxtest.NewChunk()
	if !c.Add(1, start, in) {
		t.Fatal("too large for a chunk")
	}
	out := readAll(t, bytes.NewReader(evtxtest.File(c)), evtx.Options{}, func(r *evtx.Record) {
		for _, f := range r.Fields {
			fields = append(fields, field(f))
		}
		line, err := r.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		text = string(line)
		values(t, line)
	})
	if out.records != 1 || len(out.damage) > 0 {
		t.Fatalf("%d records, damage %v", out.records, out.damage)
	}
	return fields, text
}

// data makes an event whose EventData holds one Data element named X of the value.
func data(v value) evtxtest.Instance {
	return evtxtest.NewRecord(evtxtest.NewEvent(7), evtxtest.System{EventID: 1}, evtxtest.Of(evtxtest.NewEventData(8, "X"), v))
}

// TestValueTypes writes a value of each type and size, and reads it back both ways.
func TestValueTypes(t *testing.T) {
	t.Parallel()
	bytesOf := func(typ byte, b ...byte) value { return value{Type: typ, Data: b} }
	guid := []byte{0x24, 0xc4, 0x97, 0x01, 0x22, 0xc9, 0xe1, 0x69, 0, 1, 2, 3, 4, 5, 0xfe, 0xff}
	systime := []byte{0xea, 7, 11, 0, 2, 0, 24, 0, 1, 0, 2, 0, 3, 0, 0xc8, 1}
	tests := []struct {
		name   string
		v      value
		fields string // joined with a space, without the name
		json   string
	}{
		{"null", value{}, "null:", "null"},
		{"text", evtxtest.Text("日本語 ÄÖ😀 \"quoted\"\\\n\x01"), "text:日本語 ÄÖ😀 \"quoted\"\\\n\x01", `"日本語 ÄÖ😀 \"quoted\"\\\n\u0001"`},
		{"empty text", evtxtest.Text(""), "text:", `""`},
		{"closing NULs", evtxtest.Text("abc\x00\x00"), "text:abc", `"abc"`},
		{"space at the end", evtxtest.Text("cmd.exe "), "text:cmd.exe ", `"cmd.exe "`},
		{"half a pair", bytesOf(evtxtest.Str, 'a', 0, 0x3d, 0xd8, 'b', 0), "text:a\ufffdb", `"a` + "\ufffd" + `b"`},
		{"odd bytes", bytesOf(evtxtest.Str, 'a', 0, 'b'), "text:a", `"a"`},
		{"long text", evtxtest.Text(strings.Repeat("abcdefgé", 500)), "text:" + strings.Repeat("abcdefgé", 500), `"` + strings.Repeat("abcdefgé", 500) + `"`},
		{"ANSI", bytesOf(evtxtest.ANSI, 'a', 'b', 0), "text:ab", `"ab"`},
		{"ANSI of a code page", bytesOf(evtxtest.ANSI, 0x83, 0x41), "text:\u0083A", `"` + "\u0083" + `A"`},
		{"int8", bytesOf(evtxtest.Int8, 0xff), "number:-1", "-1"},
		{"uint8", bytesOf(evtxtest.Uint8, 0xff), "number:255", "255"},
		{"int16", bytesOf(evtxtest.Int16, 0, 0x80), "number:-32768", "-32768"},
		{"uint16", bytesOf(evtxtest.Uint16, 0, 0x80), "number:32768", "32768"},
		{"int32", evtxtest.Number(evtxtest.Int32, 4, math.MaxUint32), "number:-1", "-1"},
		{"uint32", evtxtest.Number(evtxtest.Uint32, 4, math.MaxUint32), "number:4294967295", "4294967295"},
		{"int64", evtxtest.Number(evtxtest.Int64, 8, 1<<63), "number:-9223372036854775808", "-9223372036854775808"},
		{"uint64", evtxtest.Number(evtxtest.Uint64, 8, math.MaxUint64), "number:18446744073709551615", "18446744073709551615"},
		{"float32", evtxtest.Number(evtxtest.Float32, 4, uint64(math.Float32bits(0.1))), "number:0.1", "0.1"},
		{"float64", evtxtest.Float(-2.5e-9), "number:-2.5e-09", "-2.5e-09"},
		{"no number", evtxtest.Float(math.NaN()), "text:NaN", `"NaN"`},
		{"true", evtxtest.Number(evtxtest.Boolean, 4, 1), "bool:true", "true"},
		{"false", evtxtest.Number(evtxtest.Boolean, 4, 0), "bool:false", "false"},
		{"another truth", evtxtest.Number(evtxtest.Boolean, 4, 0x100), "bool:true", "true"},
		{"bool of one byte", bytesOf(evtxtest.Boolean, 1), "bool:true", "true"},
		{"binary", bytesOf(evtxtest.Binary, 0, 0xab, 0xff), "text:00ABFF", `"00ABFF"`},
		{"empty binary", bytesOf(evtxtest.Binary), "text:", `""`},
		{"GUID", bytesOf(evtxtest.GUID, guid...), "text:0197C424-C922-69E1-0001-02030405FEFF", `"0197C424-C922-69E1-0001-02030405FEFF"`},
		{"half a GUID", bytesOf(evtxtest.GUID, 1, 2), "text:0102", `"0102"`},
		{"size_t of 4", evtxtest.Number(evtxtest.SizeT, 4, 0x858), "text:0x858", `"0x858"`},
		{"size_t of 8", evtxtest.Number(evtxtest.SizeT, 8, 1<<40), "text:0x10000000000", `"0x10000000000"`},
		{"time", evtxtest.Time(start), "text:2026-11-24T01:02:03.456789Z", `"2026-11-24T01:02:03.456789Z"`},
		{"time of 1601", evtxtest.Number(evtxtest.Filetime, 8, 0), "text:1601-01-01T00:00:00.000000Z", `"1601-01-01T00:00:00.000000Z"`},
		{"end of time", evtxtest.Number(evtxtest.Filetime, 8, math.MaxUint64), "text:60056-05-28T05:36:10.955161Z", `"60056-05-28T05:36:10.955161Z"`},
		{"SYSTEMTIME", bytesOf(evtxtest.Systime, systime...), "text:2026-11-24T01:02:03.456000Z", `"2026-11-24T01:02:03.456000Z"`},
		{"SID", evtxtest.Identifier(5, 21, 1, 4294967295, 500), "text:S-1-5-21-1-4294967295-500", `"S-1-5-21-1-4294967295-500"`},
		{"SID of a large authority", bytesOf(evtxtest.SID, 1, 0, 1, 0, 0, 0, 0, 5), "text:S-1-0x010000000005", `"S-1-0x010000000005"`},
		{"SID cut short", bytesOf(evtxtest.SID, 1, 9, 0, 0, 0, 0, 0, 5), "text:0109000000000005", `"0109000000000005"`},
		{"hex32", evtxtest.Number(evtxtest.Hex32, 4, 0xC000006D), "text:0xc000006d", `"0xc000006d"`},
		{"hex64", evtxtest.Number(evtxtest.Hex64, 8, 1<<63), "text:0x8000000000000000", `"0x8000000000000000"`},
		{"number without bytes", bytesOf(evtxtest.Uint32), "null:", "null"},
		{"number of nine bytes", bytesOf(evtxtest.Uint64, 1, 2, 3, 4, 5, 6, 7, 8, 9), "text:010203040506070809", `"010203040506070809"`},
		{"unknown type", bytesOf(0x5f, 1, 2), "text:0102", `"0102"`},
		{"texts", value{Type: evtxtest.Str | evtxtest.Array, Data: evtxtest.UTF16("a\x00\x00bc\x00")}, "text:a text: text:bc", `["a","","bc"]`},
		{"texts, last open", value{Type: evtxtest.Str | evtxtest.Array, Data: evtxtest.UTF16("a\x00bc")}, "text:a text:bc", `["a","bc"]`},
		{"ANSI texts", bytesOf(evtxtest.ANSI|evtxtest.Array, 'a', 0, 'b', 0), "text:a text:b", `["a","b"]`},
		{"no texts", value{Type: evtxtest.Str | evtxtest.Array}, "null:", "null"},
		{"numbers", bytesOf(evtxtest.Uint16|evtxtest.Array, 1, 0, 2, 0), "number:1 number:2", "[1,2]"},
		{"numbers and a rest", bytesOf(evtxtest.Uint16|evtxtest.Array, 1, 0, 2), "number:1 number:2", "[1,2]"},
		{"truths", bytesOf(evtxtest.Boolean|evtxtest.Array, 1, 0, 0, 0, 0, 0, 0, 0), "bool:true bool:false", "[true,false]"},
		{"hex numbers", bytesOf(evtxtest.Hex32|evtxtest.Array, 255, 0, 0, 0), "text:0xff", `["0xff"]`},
		{"GUIDs", bytesOf(evtxtest.GUID|evtxtest.Array, append(guid, guid...)...), "text:0197C424-C922-69E1-0001-02030405FEFF text:0197C424-C922-69E1-0001-02030405FEFF", `["0197C424-C922-69E1-0001-02030405FEFF","0197C424-C922-69E1-0001-02030405FEFF"]`},
		{"SIDs", value{Type: evtxtest.SID | evtxtest.Array, Data: append(evtxtest.Identifier(5, 18).Data, evtxtest.Identifier(1, 0).Data...)}, "text:S-1-5-18 text:S-1-1-0", `["S-1-5-18","S-1-1-0"]`},
		{"times", value{Type: evtxtest.Filetime | evtxtest.Array, Data: evtxtest.Time(start).Data}, "text:2026-11-24T01:02:03.456789Z", `["2026-11-24T01:02:03.456789Z"]`},
		{"SYSTEMTIMEs", bytesOf(evtxtest.Systime|evtxtest.Array, systime...), "text:2026-11-24T01:02:03.456000Z", `["2026-11-24T01:02:03.456000Z"]`},
		{"floats", value{Type: evtxtest.Float64 | evtxtest.Array, Data: evtxtest.Float(1.5).Data}, "number:1.5", "[1.5]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fields, text := one(t, data(tt.v))
			var got []string
			for _, f := range fields {
				if v, ok := strings.CutPrefix(f, "X="); ok {
					got = append(got, v)
				}
			}
			if g := strings.Join(got, " "); g != tt.fields {
				t.Errorf("fields %q, should be %q", g, tt.fields)
			}
			if want := `"EventData":{"X":` + tt.json + `}}}`; !strings.HasSuffix(text, want) || !json.Valid([]byte(text)) {
				t.Errorf("JSON %s, should end with %s", text, want)
			}
		})
	}
}

// TestCalendar compares our dates with Go's over all days of 1601 to 2400.
func TestCalendar(t *testing.T) {
	t.Parallel()
	var days []byte
	day := time.Date(1601, 1, 1, 23, 59, 59, 999999000, time.UTC)
	check := func() {
		fields, _ := one(t, data(value{Type: evtxtest.Filetime | evtxtest.Array, Data: days}))
		at := day.AddDate(0, 0, -len(days)/8)
		for _, f := range fields {
			if got, ok := strings.CutPrefix(f, "X=text:"); ok {
				if want := at.Format("2006-01-02T15:04:05.000000Z"); got != want {
					t.Fatalf("%s should be %s", got, want)
				}
				at = at.AddDate(0, 0, 1)
			}
		}
		if !at.Equal(day) {
			t.Fatalf("%s came last, should be %s", at, day)
		}
		days = days[:0]
	}
	for day.Year() < 2400 {
		days = append(days, evtxtest.Time(day).Data...)
		if day = day.AddDate(0, 0, 1); len(days) > 40000 {
			check()
		}
	}
	check()
}

func text(s string) []part { return []part{{Text: s}} }

// shape reads an element inside Event and gives fields and the JSON of what is inside Event.
func shape(t *testing.T, e element, values ...value) (fields, tree string) {
	t.Helper()
	template := &evtxtest.Template{ID: 3, Root: element{Name: "Event", Content: []part{{Element: &e}}}}
	list, text := one(t, evtxtest.Instance{Template: template, Values: values})
	return strings.Join(list, " "), strings.TrimSuffix(strings.TrimPrefix(text, `{"Event":`), `}`)
}

// TestShapes holds both faces to the shapes of the package comment.
func TestShapes(t *testing.T) {
	t.Parallel()
	leaf := func(name string, content ...part) part { return part{Element: &element{Name: name, Content: content}} }
	named := func(name, v string) part {
		return part{Element: &element{Name: "Data", Attrs: []attr{{Name: "Name", Value: text(name)}}, Content: text(v)}}
	}
	tests := []struct {
		name         string
		e            element
		values       []value
		fields, json string
	}{
		{
			"mixed text",
			element{Name: "EventData", Content: []part{leaf("A", part{Text: "a"}, part{Entity: "lt"}, part{Char: 0x3042}, part{CDATA: "<&>"}, part{Entity: "amp"}, part{Entity: "own"})}},
			nil,
			"A=text:a<あ<&>&&own;", `{"EventData":{"A":"a<あ<&>&&own;"}}`,
		},
		{
			"text around values",
			element{Name: "EventData", Content: []part{leaf("A", part{Text: "n="}, part{Sub: 1}, part{Text: "!"})}},
			[]value{evtxtest.Number(evtxtest.Uint8, 1, 7)},
			"A=text:n=7!", `{"EventData":{"A":"n=7!"}}`,
		},
		{
			"processing instruction",
			element{Name: "EventData", Content: []part{leaf("A", part{PI: "xml-stylesheet"}, part{Text: "a"})}},
			nil,
			"A=text:a", `{"EventData":{"A":"a"}}`,
		},
		{
			"spaces in names",
			element{Name: "EventData", Content: []part{named("Source Name", "a")}},
			nil,
			"SourceName=text:a", `{"EventData":{"Source Name":"a"}}`,
		},
		{
			"unnamed",
			element{Name: "EventData", Content: []part{leaf("Data", part{Text: "a"})}},
			nil,
			"Data=text:a", `{"EventData":{"Data":"a"}}`,
		},
		{
			"several unnamed",
			element{Name: "EventData", Content: []part{leaf("Data", part{Text: "a"}), leaf("Data"), leaf("Data", part{Text: "c"}), leaf("Binary")}},
			nil,
			"Data=text:a Data=null: Data=text:c Binary=null:", `{"EventData":{"Data":{"#text":["a",null,"c"]},"Binary":null}}`,
		},
		{
			"unnamed list",
			element{Name: "EventData", Content: []part{leaf("Data", part{Sub: 1})}},
			[]value{{Type: evtxtest.Str | evtxtest.Array, Data: evtxtest.UTF16("a\x00b\x00")}},
			"Data=text:a Data=text:b", `{"EventData":{"Data":{"#text":["a","b"]}}}`,
		},
		{
			"repeated names",
			element{Name: "EventData", Content: []part{named("A", "1"), named("A", "2"), named("A_1", "3"), named("A", "4")}},
			nil,
			"A=text:1 A=text:2 A_1=text:3 A=text:4", `{"EventData":{"A":"1","A_1":"2","A_1_1":"3","A_2":"4"}}`,
		},
		{
			"name from a value",
			element{Name: "EventData", Content: []part{{Element: &element{Name: "Data", Attrs: []attr{{Name: "Name", Value: []part{{Sub: 1}}}}, Content: []part{{Sub: 2}}}}}},
			[]value{evtxtest.Text("A B"), evtxtest.Text("v")},
			"AB=text:v", `{"EventData":{"A B":"v"}}`,
		},
		{
			"attributes and text",
			element{Name: "System", Content: []part{{Element: &element{Name: "EventID", Attrs: []attr{{Name: "Qualifiers", Value: []part{{Sub: 1}}}}, Content: []part{{Sub: 2}}}}}},
			[]value{evtxtest.Number(evtxtest.Uint16, 2, 16384), evtxtest.Number(evtxtest.Uint16, 2, 7036)},
			"EventID_Qualifiers=number:16384 EventID=number:7036", `{"System":{"EventID":{"#attributes":{"Qualifiers":16384},"#text":7036}}}`,
		},
		{
			"attributes that are null",
			element{Name: "System", Content: []part{{Element: &element{Name: "Security", Attrs: []attr{{Name: "UserID", Value: []part{{Sub: 1}}}}}}}},
			[]value{{}},
			"Security=null:", `{"System":{"Security":null}}`,
		},
		{
			"a value that is not there",
			element{Name: "EventData", Content: []part{leaf("A", part{Sub: 9}), leaf("B", part{Sub: 8, Always: true})}},
			nil,
			"A=null: B=null:", `{"EventData":{"A":null,"B":null}}`,
		},
		{
			"user data",
			element{Name: "UserData", Content: []part{{Element: &element{Name: "EventXML", Attrs: []attr{{Name: "xmlns", Value: text("Event_NS")}}, Content: []part{leaf("Address", part{Text: "LOCAL"}), leaf("Inner", leaf("Deep", part{Text: "d"}))}}}}},
			nil,
			"Address=text:LOCAL Inner.Deep=text:d", `{"UserData":{"EventXML":{"#attributes":{"xmlns":"Event_NS"},"Address":"LOCAL","Inner":{"Deep":"d"}}}}`,
		},
		{
			"space between elements",
			element{Name: "RenderingInfo", Attrs: []attr{{Name: "Culture", Value: text("ja-JP")}}, Content: []part{{Text: "\n "}, leaf("Level", part{Text: "情報"}), {Text: "\n"}}},
			nil,
			"RenderingInfo_Culture=text:ja-JP RenderingInfo.Level=text:情報", `{"RenderingInfo":{"#attributes":{"Culture":"ja-JP"},"Level":"情報"}}`,
		},
		{
			"elements without a template",
			element{Name: "EventData", Content: []part{{Sub: 1}}},
			[]value{{Type: evtxtest.BinXML, Elements: []element{{Name: "A", Content: text("x")}, {Name: "B"}}}},
			"A=text:x B=null:", `{"EventData":{"A":"x","B":null}}`,
		},
		{"empty", element{Name: "EventData"}, nil, "", `{"EventData":null}`},
		{"many children", element{Name: "EventData", Content: many(40)}, nil, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fields, tree := shape(t, tt.e, tt.values...)
			if tt.json == "" {
				if n := len(values(t, []byte(tree))[0].(map[string]any)["EventData"].(map[string]any)); n != 40 {
					t.Errorf("%d keys in %s", n, tree)
				}
				return
			}
			if fields != tt.fields {
				t.Errorf("fields %s\nshould be %s", fields, tt.fields)
			}
			if tree != tt.json {
				t.Errorf("JSON %s\nshould be %s", tree, tt.json)
			}
		})
	}
}

func many(n int) (out []part) {
	for i := range n {
		e := element{Name: "N" + strings.Repeat("x", i/2), Content: text("v")}
		out = append(out, part{Element: &e})
	}
	return out
}

// TestWellKnown reads what every record has outside its fields, with the time as text too, as forwarded events have it.
func TestWellKnown(t *testing.T) {
	t.Parallel()
	c := evtxtest.NewChunk()
	at := start.Add(-time.Hour)
	s := evtxtest.System{Provider: "P", Channel: "Security", Computer: "pc", EventID: 4624, Record: 5, Time: at}
	in := evtxtest.NewRecord(evtxtest.NewEvent(1), s, value{})
	c.Add(5, start, in)
	in.Values[8] = evtxtest.Text("2026-11-24T00:02:03.4567890Z")
	in.Values[2] = evtxtest.Text("4624")
	c.Add(6, start, in)
	in.Values[8] = value{}
	c.Add(7, start, in)
	want := []time.Time{at, at, start}
	out := readAll(t, bytes.NewReader(evtxtest.File(c)), evtx.Options{}, func(r *evtx.Record) {
		if r.Provider != "P" || r.Channel != "Security" || r.Computer != "pc" || r.EventID != 4624 || !r.Written.Equal(start) ||
			!r.Time.Equal(want[r.ID-5]) || r.Time.Location() != time.UTC || r.Chunk != 0 || r.Carved {
			t.Errorf("%+v", *r)
		}
	})
	if out.records != 3 || len(out.damage) > 0 {
		t.Errorf("%d records, damage %v", out.records, out.damage)
	}
}
