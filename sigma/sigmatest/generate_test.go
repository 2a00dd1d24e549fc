package sigmatest

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/sigma/internal/reference"
)

// Rules and events must meet often enough to tell engines apart, and not so often that everything matches.
func TestGenerateMeets(t *testing.T) {
	t.Parallel()
	rules, alive, pairs, hits, correlated, refused := 0, 0, 0, 0, 0, 0
	kinds := map[string]int{}
	for seed := range uint64(25) {
		c := Generate(seed)
		// Correlations silence what they name; without them every rule reports.
		var plain [][]byte
		for d := range bytes.SplitSeq(c.Rules, []byte("\n---\n")) {
			if bytes.Contains(d, []byte(`"detection"`)) {
				plain = append(plain, d)
			}
		}
		loaded := reference.Load([]File{{Name: "f", Text: bytes.Join(plain, []byte("\n---\n"))}}, c.Options)
		refused += len(loaded.Refused)
		found := map[string]int{}
		for _, h := range loaded.Scan(c.Events).Hits {
			found[h.Title]++
			hits++
		}
		rules += len(plain)
		pairs += len(plain) * len(c.Events)
		alive += len(found)
		whole := reference.Load([]File{{Name: "f", Text: c.Rules}}, c.Options)
		for _, h := range whole.Scan(c.Events).Hits {
			if h.Event < 0 {
				correlated++
			}
		}
		for d := range bytes.SplitSeq(c.Rules, []byte("\n---\n")) {
			if _, rest, ok := strings.Cut(string(d), `"type":"`); ok {
				kind, _, _ := strings.Cut(rest, `"`)
				kinds[kind]++
			}
		}
	}
	t.Logf("%d rules, %d refused, %d with hits; %d of %d pairs hit; %d correlation hits; %v", rules, refused, alive, hits, pairs, correlated, kinds)
	if part := hits * 100 / pairs; part < 25 || part > 75 {
		t.Errorf("%d %% of the pairs hit", part)
	}
	if part := alive * 100 / rules; part < 50 {
		t.Errorf("%d %% of the rules hit anything", part)
	}
	if refused*100/rules > 10 || correlated < 150 || len(kinds) != 13 {
		t.Errorf("%d refused, %d correlation hits, %d kinds of correlation", refused, correlated, len(kinds))
	}
}

func TestGenerateIsRepeatable(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		one, two := Generate(seed), Generate(seed)
		if !bytes.Equal(one.Rules, two.Rules) || eventLines(one.Events) != eventLines(two.Events) {
			t.Errorf("seed %d gives two cases", seed)
		}
	}
	if bytes.Equal(Generate(1).Rules, Generate(2).Rules) {
		t.Error("two seeds give one case")
	}
}

// What correlations find must not depend on the order of arrival, as long as nothing is late.
func TestArrivalDoesNotMatter(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		c := Generate(seed)
		c.Options.Lateness = 24 * time.Hour
		var before []string
		for round := range uint64(3) {
			result, err := Reference().Scan([]File{{Name: "f", Text: c.Rules}}, c.Options, c.Events)
			if err != nil {
				t.Fatal(err)
			}
			correlated := lines(slices.DeleteFunc(result.Hits, func(h Hit) bool { return h.Event >= 0 }))
			if round > 0 && !slices.Equal(before, correlated) {
				t.Errorf("seed %d, round %d:\n%s", seed, round, difference(before, correlated))
			}
			before = correlated
			shuffle := rand.New(rand.NewPCG(seed, round))
			shuffle.Shuffle(len(c.Events), func(i, j int) { c.Events[i], c.Events[j] = c.Events[j], c.Events[i] })
		}
	}
}

// The naive evaluator must not differ from itself, and a broken engine must.
func TestDiffer(t *testing.T) {
	t.Parallel()
	Differ(t, Reference(), 1, 2, 3)
	if why := Generate(1).Difference(deaf{}); why == "" {
		t.Error("an engine that finds nothing passes")
	}
}

type deaf struct{}

func (deaf) Scan([]File, Options, []Event) (Result, error) { return Result{}, nil }

func FuzzDiffer(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { Differ(t, Reference(), seed) })
}

// FuzzText must not make the naive evaluator panic, whatever the text.
func FuzzText(f *testing.F) {
	all, err := Vectors()
	if err != nil {
		f.Fatal(err)
	}
	for _, v := range all {
		f.Add(v.Rules)
	}
	f.Fuzz(func(t *testing.T, text []byte) { DifferText(t, Reference(), text) })
}
