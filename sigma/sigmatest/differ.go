package sigmatest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Case is rules and events made from a seed.
type Case struct {
	Seed    uint64
	Rules   []byte
	Options Options
	Events  []Event
}

// Differ compares an engine with the naive evaluator on the cases of some seeds, and shows each difference. For a fuzz target:
//
//	func FuzzEngine(f *testing.F) {
//		f.Add(uint64(1))
//		f.Fuzz(func(t *testing.T, seed uint64) { sigmatest.Differ(t, engine, seed) })
//	}
func Differ(t *testing.T, engine Engine, seeds ...uint64) {
	t.Helper()
	for _, seed := range seeds {
		c := Generate(seed)
		if why := c.Difference(engine); why != "" {
			t.Errorf("seed %d: the engine differs from the reference:\n%s\nrules:\n%s\noptions: %+v\nevents:\n%s",
				seed, why, c.relevant(why), c.Options, eventLines(c.Events))
		}
	}
}

// DifferText compares an engine with the naive evaluator on any text, for fuzzing YAML and conditions: whether each document is refused
// must agree, and what it finds among some events.
func DifferText(t *testing.T, engine Engine, text []byte) {
	t.Helper()
	c := someCase()
	c.Rules = text
	want, err := Reference().Scan([]File{{Name: "case.yml", Text: text}}, c.Options, nil)
	for _, r := range want.Refused {
		if err != nil || strings.Contains(r.Reason, "was given before") {
			return // whether a refused document has taken its name is left open; the vectors say what is not
		}
	}
	if why := c.Difference(engine); why != "" {
		t.Errorf("the engine differs from the reference:\n%s\nrules:\n%s", why, text)
	}
}

// someCase is a few events, made once: fuzzing has no time for more.
var someCase = sync.OnceValue(func() Case {
	c := Generate(1)
	c.Events = c.Events[:6]
	return c
})

// Difference tells where an engine and the naive evaluator disagree, or "".
func (c Case) Difference(engine Engine) string {
	files := []File{{Name: "case.yml", Text: c.Rules}}
	got, err := engine.Scan(files, c.Options, c.Events)
	if err != nil {
		return err.Error()
	}
	want, err := Reference().Scan(files, c.Options, c.Events)
	if err != nil {
		return err.Error()
	}
	var out []string
	expected, found := reasons(want), reasons(got)
	for _, document := range slices.Sorted(maps.Keys(expected)) {
		if _, ok := found[document]; !ok {
			out = append(out, fmt.Sprintf("document %d should be refused: %s", document, expected[document]))
		}
	}
	for _, document := range slices.Sorted(maps.Keys(found)) {
		if _, ok := expected[document]; !ok {
			out = append(out, fmt.Sprintf("document %d should not be refused: %s", document, found[document]))
		}
	}
	if why := difference(lines(want.Hits), lines(got.Hits)); why != "" {
		out = append(out, why)
	}
	if want.Late != got.Late {
		out = append(out, fmt.Sprintf("%d events were late, not %d", want.Late, got.Late))
	}
	return strings.Join(out, "\n")
}

func reasons(r Result) map[int]string {
	out := map[int]string{}
	for _, refusal := range r.Refused {
		out[refusal.Document] = refusal.Reason
	}
	return out
}

// relevant gives the documents whose title a difference names, or all when it names none.
func (c Case) relevant(why string) string {
	var out []string
	for document := range strings.SplitSeq(string(c.Rules), "\n---\n") {
		title, _, _ := strings.Cut(strings.TrimPrefix(document, `{"title":"`), `"`)
		if strings.Contains(why, title+":") || !strings.Contains(document, `"detection"`) {
			out = append(out, document)
		}
	}
	return strings.Join(out, "\n---\n")
}
