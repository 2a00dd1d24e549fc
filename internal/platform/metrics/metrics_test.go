package metrics_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/metrics"
)

func text(t *testing.T, r *metrics.Registry) string {
	t.Helper()
	var buf bytes.Buffer
	if err := r.Write(t.Context(), &buf); err != nil {
		t.Fatal(err)
	}
	if err := check(buf.String()); err != nil {
		t.Errorf("%v in\n%s", err, buf.String())
	}
	return buf.String()
}

func TestText(t *testing.T) {
	t.Parallel()
	var r metrics.Registry
	c := r.NewCounter("b_total", "Lines\nand \\ backslashes.", "route", "status")
	c.Add(1, "GET /x", "2xx")
	c.Add(2, "GET /x", "2xx")
	c.Add(1, "quote\"back\\line\n", "5xx")
	h := r.NewHistogram("a_seconds", "Times.", []float64{0.1, 1})
	for _, v := range []float64{0.05, 0.1, 0.5, 3} {
		h.Observe(v)
	}
	r.Gather(func(_ context.Context, put func(metrics.Sample)) {
		put(metrics.Sample{Name: "z", Help: "Gauge.", Value: math.Inf(1)})
		put(metrics.Sample{Name: "z", Help: "Gauge.", Value: 2}) // twice the same series: the first counts
		put(metrics.Sample{Name: "y", Help: "With labels.", Labels: []string{"kind", "mail"}, Value: 3})
		put(metrics.Sample{Name: "not a name", Value: 1})
		put(metrics.Sample{Name: "b_total", Value: 1}) // taken
	})
	want := `# HELP a_seconds Times.
# TYPE a_seconds histogram
a_seconds_bucket{le="0.1"} 2
a_seconds_bucket{le="1"} 3
a_seconds_bucket{le="+Inf"} 4
a_seconds_sum 3.65
a_seconds_count 4
# HELP b_total Lines\nand \\ backslashes.
# TYPE b_total counter
b_total{route="GET /x",status="2xx"} 3
b_total{route="quote\"back\\line\n",status="5xx"} 1
# HELP y With labels.
# TYPE y gauge
y{kind="mail"} 3
# HELP z Gauge.
# TYPE z gauge
z +Inf
`
	if diff := cmp.Diff(want, text(t, &r)); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
}

// TestBounded: however many values somebody makes up, the text stays small.
func TestBounded(t *testing.T) {
	t.Parallel()
	var r metrics.Registry
	c := r.NewCounter("x_total", "X.", "label")
	for i := range 5000 {
		c.Add(1, strconv.Itoa(i))
	}
	got := text(t, &r)
	if n := strings.Count(got, "x_total{"); n != 1001 || !strings.Contains(got, "x_total{label=\"other\"} 4000\n") {
		t.Errorf("%d series", n)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "9x", "a b", "ä", "taken"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q is taken as a name", name)
				}
			}()
			var r metrics.Registry
			r.NewCounter("taken", "")
			r.NewCounter(name, "")
		}()
	}
}

var (
	headLine   = regexp.MustCompile(`^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$`)
	sampleLine = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*",?)+\})? (\S+)$`)
)

// check reads the text as the format's description has it, apart from the code that writes it.
func check(text string) error {
	kinds, seen, family := map[string]string{}, map[string]bool{}, ""
	if !strings.HasSuffix(text, "\n") {
		return errors.New("the last line has no end")
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := headLine.FindStringSubmatch(line); m != nil {
			if m[1] == "HELP" {
				if family = m[2]; kinds[family] != "" {
					return fmt.Errorf("%s stands in two places", family)
				}
				continue
			}
			if m[2] != family || kinds[family] != "" {
				return fmt.Errorf("type of %s stands under %s", m[2], family)
			}
			kinds[family] = m[3]
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil {
			return fmt.Errorf("line %q", line)
		}
		name := m[1]
		if kinds[family] == "histogram" {
			for _, end := range []string{"_bucket", "_sum", "_count"} {
				name = strings.TrimSuffix(name, end)
			}
		}
		if name != family || kinds[family] == "" {
			return fmt.Errorf("%s stands under %s", m[1], family)
		}
		if seen[m[1]+m[2]] {
			return fmt.Errorf("%s%s stands twice", m[1], m[2])
		}
		seen[m[1]+m[2]] = true
		if _, err := strconv.ParseFloat(m[3], 64); err != nil {
			return err
		}
	}
	return nil
}
