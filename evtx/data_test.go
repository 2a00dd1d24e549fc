package evtx_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/evtx"
)

// testdata gives a folder of real logs; see scripts/test.
func testdata(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("KIZUKI_TESTDATA")
	if root == "" {
		t.Skip("KIZUKI_TESTDATA names no folder of real event logs")
	}
	return filepath.Join(root, name)
}

// files gives the event logs in the folder, by name.
func files(t testing.TB, folder string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(testdata(t, folder), func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".evtx") {
			found = append(found, path)
		}
		return err
	})
	if err != nil || len(found) == 0 {
		t.Fatalf("no event logs in %s: %v", folder, err)
	}
	return found
}

// result is what came out of a log.
type result struct {
	records int
	ids     map[uint64]int
	damage  []*evtx.DamageError
	stats   evtx.Stats
	err     error
}

// readAll reads to the end; check is called for each record.
func readAll(t testing.TB, r io.Reader, o evtx.Options, check func(*evtx.Record)) result {
	t.Helper()
	reader := evtx.NewReader(r, o)
	out := result{ids: make(map[uint64]int)}
	for record, err := range reader.Records() {
		damage, isDamage := errors.AsType[*evtx.DamageError](err)
		switch {
		case isDamage:
			out.damage = append(out.damage, damage)
		case err != nil:
			out.err = err
		default:
			out.records++
			out.ids[record.ID]++
			if check != nil {
				check(record)
			}
		}
	}
	out.stats = reader.Stats()
	return out
}

func readFile(t testing.TB, path string, o evtx.Options, check func(*evtx.Record)) result {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	return readAll(t, f, o, check)
}

// values decodes concatenated JSON, numbers as they are written.
func values(t testing.TB, text []byte) (out []any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	for {
		var v any
		err := d.Decode(&v)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		out = append(out, v)
	}
}

// TestTwins reads every regression case of SigmaHQ and compares it with its .json twin, value for value. The twins
// were made by a tool that cuts space off the end of text.
func TestTwins(t *testing.T) {
	t.Parallel()
	events := 0
	for _, path := range files(t, "evtx") {
		text, err := os.ReadFile(strings.TrimSuffix(path, ".evtx") + ".json")
		if err != nil {
			t.Fatal(err)
		}
		want := values(t, text)
		var got []any
		out := readFile(t, path, evtx.Options{TrimSpace: true}, func(r *evtx.Record) {
			line, err := r.AppendJSON(nil)
			if err != nil {
				t.Errorf("%s: %v", path, err)
			}
			got = append(got, values(t, line)...)
		})
		if len(out.damage) != 0 || out.err != nil {
			t.Errorf("%s: damage %v, error %v", path, out.damage, out.err)
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d events, the twin has %d", path, len(got), len(want))
			continue
		}
		for i := range want {
			events++
			if d := difference("", want[i], got[i]); d != "" {
				t.Errorf("%s, event %d: %s", path, i, d)
			}
		}
	}
	t.Logf("%d events", events)
}

// difference tells where two decoded JSON values differ, or "".
func difference(at string, want, got any) string {
	w, isMap := want.(map[string]any)
	g, both := got.(map[string]any)
	if !isMap || !both {
		if fmt.Sprintf("%T %v", want, want) != fmt.Sprintf("%T %v", got, got) {
			return fmt.Sprintf("%s is %T %v, should be %T %v", at, got, got, want, want)
		}
		return ""
	}
	for _, key := range slices.Sorted(maps.Keys(w)) {
		if _, ok := g[key]; !ok {
			return at + "." + key + " is not there"
		}
		if d := difference(at+"."+key, w[key], g[key]); d != "" {
			return d
		}
	}
	for _, key := range slices.Sorted(maps.Keys(g)) {
		if _, ok := w[key]; !ok {
			return at + "." + key + " should not be there"
		}
	}
	return ""
}

// TestFlatFields compares the two faces of every record of all real logs: the fields are the JSON, flattened.
func TestFlatFields(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"evtx", "evtx-samples", "evtx-malformed"} {
		for _, path := range files(t, folder) {
			bad := 0
			readFile(t, path, evtx.Options{}, func(r *evtx.Record) {
				line, err := r.AppendJSON(nil)
				if err != nil {
					t.Fatalf("%s record %d: %v", path, r.ID, err)
				}
				want := flatten(values(t, line)[0])
				got := make([]string, 0, len(r.Fields))
				for _, f := range r.Fields {
					got = append(got, field(f))
				}
				slices.Sort(got)
				if !slices.Equal(got, want) && bad < 3 {
					bad++
					t.Errorf("%s record %d:\nfields %q\nJSON   %q", path, r.ID, got, want)
				}
			})
		}
	}
}

func field(f evtx.Field) string {
	return f.Name + "=" + [...]string{"text", "number", "bool", "null"}[f.Kind] + ":" + string(f.Value)
}

// flatten does to JSON, in the plainest way, what the package comment says about fields.
func flatten(v any) []string {
	var out []string
	event, _ := v.(map[string]any)["Event"].(map[string]any)
	for level, inside := range event {
		m, isMap := inside.(map[string]any)
		switch {
		case level == "#attributes", inside == nil && level != "RenderingInfo":
		case level == "System", level == "EventData":
			for name, x := range m {
				if name == "#attributes" {
					flattenValue(&out, level, map[string]any{name: x})
					continue
				}
				flattenValue(&out, original(name, m), x)
			}
		case level == "UserData":
			for name, x := range m {
				if _, isMap := x.(map[string]any); !isMap {
					if x != nil {
						flattenValue(&out, name, x)
					}
					continue
				}
				for key, y := range x.(map[string]any) {
					switch key {
					case "#attributes":
						flattenValue(&out, name, map[string]any{key: y})
					case "#text":
						flattenValue(&out, name, y)
					default:
						flattenValue(&out, original(key, x.(map[string]any)), y)
					}
				}
			}
		case isMap:
			flattenValue(&out, level, m)
		default:
			flattenValue(&out, level, inside)
		}
	}
	slices.Sort(out)
	return out
}

// original takes off the number that JSON needs to tell repeated names apart.
func original(key string, siblings map[string]any) string {
	if i := strings.LastIndexByte(key, '_'); i > 0 {
		_, err := strconv.Atoi(key[i+1:])
		if _, ok := siblings[key[:i]]; ok && err == nil {
			return key[:i]
		}
	}
	return key
}

func flattenValue(out *[]string, name string, v any) {
	name = strings.ReplaceAll(name, " ", "")
	switch v := v.(type) {
	case nil:
		*out = append(*out, name+"=null:")
	case string:
		*out = append(*out, name+"=text:"+v)
	case json.Number:
		*out = append(*out, name+"=number:"+v.String())
	case bool:
		*out = append(*out, name+"=bool:"+strconv.FormatBool(v))
	case []any:
		for _, x := range v {
			flattenValue(out, name, x)
		}
	case map[string]any:
		for key, x := range v {
			switch key {
			case "#attributes":
				for attribute, y := range x.(map[string]any) {
					if attribute != "xmlns" && !strings.HasPrefix(attribute, "xmlns:") {
						flattenValue(out, name+"_"+attribute, y)
					}
				}
			case "#text":
				flattenValue(out, name, x)
			default:
				flattenValue(out, name+"."+original(key, v), x)
			}
		}
	}
}
