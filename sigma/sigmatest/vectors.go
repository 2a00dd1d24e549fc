package sigmatest

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

//go:embed vectors/*.yaml
var vectorFiles embed.FS

// Vector is one case written by hand.
type Vector struct {
	File    string
	Name    string
	Rules   []byte // YAML documents
	Options Options
	Events  []Event
	Hits    []Hit
	Late    int
	Refused []Expected
}

// Expected is a document that must be refused, with words its reason must hold.
type Expected struct {
	Document int
	Says     []string
}

// start is the time that "at" counts from.
var start = time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC) // a Wednesday, 18:00 in Tokyo

// written is a vector as it stands in a file.
type written struct {
	Name      string
	Detection string
	Correlate string // documents over the rules A, B and C, which look for E: a, b and c
	Rules     string
	Options   struct {
		Placeholders map[string][]string
		Calendars    map[string][]string
		Lateness     time.Duration
	}
	Hit     []yaml.Node
	Miss    []yaml.Node
	Refuse  []string
	Events  []yaml.Node
	Hits    []writtenHit
	Late    int
	Refused []Expected
}

type writtenHit struct {
	Rule  string
	Event *int
	At    string
	Group map[string]string
	Why   string
}

// Vectors reads all vectors.
func Vectors() ([]Vector, error) {
	var all []Vector
	names, err := fs.Glob(vectorFiles, "vectors/*.yaml")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := vectorFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var file []written
		if err := yaml.Unmarshal(text, &file); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, w := range file {
			v, err := w.vector()
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", name, w.Name, err)
			}
			v.File = strings.TrimSuffix(strings.TrimPrefix(name, "vectors/"), ".yaml")
			all = append(all, v)
		}
	}
	return all, nil
}

func (w written) vector() (Vector, error) {
	v := Vector{Name: w.Name, Rules: []byte(w.Rules), Options: Options(w.Options), Late: w.Late, Refused: w.Refused}
	if w.Detection != "" {
		v.Rules = []byte("title: vector\nlogsource:\n    product: test\ndetection:\n    " +
			strings.ReplaceAll(strings.TrimSpace(w.Detection), "\n", "\n    ") + "\n")
	}
	if w.Correlate != "" {
		for _, name := range []string{"a", "b", "c"} {
			v.Rules = fmt.Appendf(v.Rules, "title: %s\nname: %s\nlogsource: {product: test}\ndetection: {s: {E: %s}, condition: s}\n---\n",
				strings.ToUpper(name), name, name)
		}
		v.Rules = append(v.Rules, w.Correlate...)
	}
	if w.Refuse != nil {
		v.Refused = append(v.Refused, Expected{0, w.Refuse})
	}
	for i, nodes := range [][]yaml.Node{w.Hit, w.Miss, w.Events} {
		for _, n := range nodes {
			e, err := event(&n)
			if err != nil {
				return v, err
			}
			if i == 0 {
				v.Hits = append(v.Hits, Hit{Rule: "vector", Event: len(v.Events), Time: e.Time})
			}
			v.Events = append(v.Events, e)
		}
	}
	for _, h := range w.Hits {
		hit := Hit{Rule: h.Rule, Event: -1, Group: h.Group}
		var err error
		if h.Event != nil {
			hit.Event = *h.Event
		} else if hit.Time, err = moment(h.At); err != nil {
			return v, err
		}
		v.Hits = append(v.Hits, hit)
	}
	return v, v.check(w)
}

// check finds slips of the pen.
func (v Vector) check(w written) error {
	switch {
	case v.Name == "" || len(v.Rules) == 0:
		return errors.New("a vector needs a name and rules")
	case w.Detection != "" && w.Refuse == nil && (len(w.Hit) == 0 || len(w.Miss) == 0):
		return errors.New("a detection needs events that hit and events that miss")
	case len(v.Refused) == 0 && len(v.Events) == 0:
		return errors.New("a vector needs events")
	}
	return nil
}

// moment reads a time: as RFC 3339, or as a duration from the start.
func moment(text string) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil {
		return start.Add(d), nil
	}
	return time.Parse(time.RFC3339Nano, text)
}

// event reads a map of fields; "at", "source" and "why" are not fields.
func event(n *yaml.Node) (Event, error) {
	e := Event{Time: start, Source: LogSource{Product: "test"}}
	if n.Kind != yaml.MappingNode {
		return e, fmt.Errorf("line %d: an event is a map", n.Line)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i].Value, n.Content[i+1]
		var err error
		switch key {
		case "why":
		case "at":
			e.Time, err = moment(value.Value)
		case "source":
			e.Source = LogSource{}
			err = value.Decode(&e.Source)
		default:
			e.Fields, err = appendField(e.Fields, key, value)
		}
		if err != nil {
			return e, err
		}
	}
	return e, nil
}

func appendField(fields []Field, name string, n *yaml.Node) ([]Field, error) {
	if n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			var err error
			if fields, err = appendField(fields, name, item); err != nil {
				return fields, err
			}
		}
		return fields, nil
	}
	f := Field{Name: name, Value: []byte(n.Value)}
	switch n.Tag {
	case "!!null":
		f = Field{Name: name, Kind: Null}
	case "!!int", "!!float":
		f.Kind = Number
	case "!!bool":
		f.Kind = Bool
	case "!!binary":
		var text string
		if err := n.Decode(&text); err != nil {
			return fields, err
		}
		f.Value = []byte(text)
	}
	if n.Kind != yaml.ScalarNode {
		return fields, fmt.Errorf("line %d: a field holds a value or a list of values", n.Line)
	}
	return append(fields, f), nil
}

// RunVectors runs every vector against an engine, those without refusals also with their documents in reverse order.
func RunVectors(t *testing.T, engine Engine) {
	t.Helper()
	all, err := Vectors()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		t.Run(v.File+"/"+v.Name, func(t *testing.T) {
			t.Parallel()
			if why := v.Try(engine); why != "" {
				t.Errorf("%s\nrules:\n%s\nevents:\n%s", why, v.Rules, v.events())
			}
			documents := strings.Split(string(v.Rules), "\n---\n")
			if len(v.Refused) > 0 || len(documents) == 1 {
				return
			}
			slices.Reverse(documents)
			v.Rules = []byte(strings.Join(documents, "\n---\n"))
			if why := v.Try(engine); why != "" {
				t.Errorf("with the documents in reverse order: %s\nrules:\n%s", why, v.Rules)
			}
		})
	}
}

// Try tells how an engine fails a vector, or "".
func (v Vector) Try(engine Engine) string {
	got, err := engine.Scan([]File{{Name: "vector.yml", Text: v.Rules}}, v.Options, v.Events)
	if err != nil {
		return err.Error()
	}
	var out []string
	reasons := map[int]string{}
	for _, r := range got.Refused {
		reasons[r.Document] = r.Reason
	}
	for _, want := range v.Refused {
		reason, ok := reasons[want.Document]
		delete(reasons, want.Document)
		if !ok {
			out = append(out, fmt.Sprintf("document %d is not refused", want.Document))
		}
		for _, word := range want.Says {
			if ok && !strings.Contains(strings.ToLower(reason), strings.ToLower(word)) {
				out = append(out, fmt.Sprintf("document %d is refused without a word of %q: %s", want.Document, word, reason))
			}
		}
	}
	for document, reason := range reasons {
		out = append(out, fmt.Sprintf("document %d is refused: %s", document, reason))
	}
	if why := difference(lines(v.Hits), lines(got.Hits)); why != "" {
		out = append(out, why)
	}
	if got.Late != v.Late {
		out = append(out, fmt.Sprintf("%d events were late, not %d", v.Late, got.Late))
	}
	return strings.Join(out, "\n")
}

func (v Vector) events() string { return eventLines(v.Events) }

// eventLines shows events for a person, one a line.
func eventLines(events []Event) string {
	var out strings.Builder
	for i, e := range events {
		fmt.Fprintf(&out, "%d %s", i, e.Time.Format(time.RFC3339Nano))
		for _, f := range e.Fields {
			text, err := json.Marshal(string(f.Value))
			if f.Kind == Null || err != nil {
				text = []byte("null")
			}
			fmt.Fprintf(&out, " %s=%s", f.Name, text)
		}
		out.WriteByte('\n')
	}
	return out.String()
}
