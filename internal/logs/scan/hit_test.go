package scan

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/sigma"
)

// FuzzHitJSON: whatever stands in a log, a hit is one JSON object on one line, and its texts come back.
func FuzzHitJSON(f *testing.F) {
	f.Add("Image", `C:\a "b"`, "Image", uint8(0))
	f.Add("\x00", "\xff<script>\u2028\x7f", "", uint8(1))
	f.Add("n", "1e5", "m", uint8(1))
	f.Add("n", "NaN", "m", uint8(2))
	f.Fuzz(func(t *testing.T, name, value, other string, kind uint8) {
		h := Hit{File: value, Record: 7, Why: []sigma.Reason{{Search: name, Value: value}}, Fields: []Field{
			{name, value, sigma.Kind(kind % 4)}, {other, "x", sigma.Text}, {name, value, sigma.Text},
		}}
		text := h.AppendJSON([]byte("before"))[len("before"):]
		var got struct {
			File   string
			Fields map[string]json.RawMessage
		}
		if err := json.Unmarshal(text, &got); err != nil || strings.ContainsAny(string(text), "\n\r") {
			t.Fatalf("%v: %s", err, text)
		}
		want := strings.ToValidUTF8(value, "\ufffd")
		whole, _ := json.Marshal(value)
		var read string
		if err := json.Unmarshal(whole, &read); err != nil || got.File != read || !strings.Contains(want, "\ufffd") && got.File != value {
			t.Errorf("%q became %q, not %q", value, got.File, read)
		}
		names := map[string]bool{}
		for _, n := range []string{name, other} {
			text, _ := json.Marshal(n)
			_ = json.Unmarshal(text, &n)
			names[n] = true
		}
		if len(names) != len(got.Fields) {
			t.Errorf("%d names: %s", len(names), text)
		}
	})
}
