package web_test

import (
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// scheme is what one reader sees: the values of the tokens after every block that fits them.
type scheme map[string]string

// tokens reads the style sheet: one block of :root after the other, each behind a media query or none.
func tokens(t *testing.T) map[string]scheme {
	t.Helper()
	data, err := os.ReadFile("static/tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(string(data), "")
	block := regexp.MustCompile(`(?s)(?:@media ([^{]+)\{\s*)?:root \{(.*?)\}`)
	value := regexp.MustCompile(`--([a-z-]+):\s*(#[0-9a-f]{6})\b`)
	readers := map[string][2]bool{"light": {false, false}, "dark": {true, false}, "light, more contrast": {false, true}, "dark, more contrast": {true, true}}
	out := map[string]scheme{}
	found := block.FindAllStringSubmatch(text, -1)
	if len(found) != 4 || strings.Count(text, ":root") != 4 {
		t.Fatalf("%d blocks are understood, want all %d", len(found), strings.Count(text, ":root"))
	}
	for name, reader := range readers {
		out[name] = scheme{}
		for _, b := range found {
			if strings.Contains(b[1], "dark") && !reader[0] || strings.Contains(b[1], "contrast") && !reader[1] {
				continue
			}
			for _, v := range value.FindAllStringSubmatch(b[2], -1) {
				out[name][v[1]] = v[2]
			}
		}
	}
	return out
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	if len(colour) != 7 {
		t.Fatalf("colour %q", colour)
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// TestContrast computes WCAG 2.2 for every pair that the style sheet puts together: 4.5 for text (1.4.3), 3 for
// edges of fields and for the focus (1.4.11, 2.4.13), 7 for text where the reader asks for more.
func TestContrast(t *testing.T) {
	t.Parallel()
	if got := contrast(t, "#000000", "#ffffff"); math.Abs(got-21) > 1e-9 {
		t.Fatalf("black on white is %v, want 21", got)
	}
	texts := []string{"ink", "quiet", "key", "met", "part", "unmet", "unknown"}
	papers := []string{"ground", "paper", "key-paper", "warn-paper", "good-paper", "bad-paper"}
	all := tokens(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s := all[name]
		check := func(front, back string, least float64) {
			t.Helper()
			if got := contrast(t, s[front], s[back]); got < least {
				t.Errorf("%s: %s %s on %s %s is %.2f, want %.1f", name, front, s[front], back, s[back], got, least)
			}
		}
		for _, back := range papers {
			for _, front := range texts {
				check(front, back, 4.5)
			}
		}
		check("on-key", "key", 4.5)
		for _, back := range []string{"paper", "ground"} {
			check("line-strong", back, 3)
			if ring := max(contrast(t, s["focus"], s[back]), contrast(t, s["focus-ring"], s[back])); ring < 3 {
				t.Errorf("%s: the focus on %s is %.2f, want 3", name, back, ring)
			}
		}
		if strings.Contains(name, "more") {
			check("ink", "paper", 7)
			check("quiet", "paper", 7)
			check("line", "paper", 3)
		}
	}
}

// TestColoursComeFromTokens keeps the other sheet free of colours of its own, the printed page apart.
func TestColoursComeFromTokens(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("static/kizuki.css")
	if err != nil {
		t.Fatal(err)
	}
	screen, _, _ := strings.Cut(string(data), "@media print")
	if got := regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(`).FindAllString(screen, -1); got != nil {
		t.Errorf("colours beside the tokens: %v", got)
	}
	known := tokens(t)["light"]
	for _, use := range regexp.MustCompile(`var\(--([a-z-]+)\)`).FindAllStringSubmatch(string(data), -1) {
		if _, ok := known[use[1]]; !ok && use[1] != "font" {
			t.Errorf("--%s is used and not defined", use[1])
		}
	}
}
