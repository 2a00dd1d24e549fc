package main

import (
	"strings"
	"testing"
)

func TestSummary(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name                    string
		noSkips                 bool
		input                   []string
		passed, failed, skipped int
		want, refuse            string
	}{
		{
			name: "a passing test says nothing",
			input: []string{
				`{"Action":"output","Package":"p","Test":"TestA","Output":"quiet words\n"}`,
				`{"Action":"pass","Package":"p","Test":"TestA","Elapsed":0.1}`,
				`{"Action":"pass","Package":"p","Elapsed":0.2}`,
			},
			passed: 1, want: "pass     0.2 s  p", refuse: "quiet words",
		},
		{
			name: "a failing test tells why and its package is not counted again",
			input: []string{
				`{"Action":"output","Package":"p","Test":"TestA","Output":"a_test.go:3: got 1, want 2\n"}`,
				`{"Action":"fail","Package":"p","Test":"TestA","Elapsed":0.1}`,
				`{"Action":"fail","Package":"p","Elapsed":0.2}`,
			},
			failed: 1, want: "got 1, want 2",
		},
		{
			name: "a package that does not build fails once",
			input: []string{
				`{"ImportPath":"p [p.test]","Action":"build-output","Output":"a.go:1: undefined: x\n"}`,
				`{"ImportPath":"p [p.test]","Action":"build-fail"}`,
				`{"Action":"fail","Package":"p","Elapsed":0,"FailedBuild":"p [p.test]"}`,
			},
			failed: 1, want: "undefined: x",
		},
		{
			name: "a panic shows what the unfinished test said",
			input: []string{
				`{"Action":"output","Package":"p","Test":"TestA","Output":"panic: no map\n"}`,
				`{"Action":"fail","Package":"p","Elapsed":0.2}`,
			},
			failed: 1, want: "panic: no map",
		},
		{
			name:    "a skipped test is shown",
			input:   []string{`{"Action":"skip","Package":"p","Test":"TestA"}`},
			skipped: 1, want: "SKIP: p TestA",
		},
		{
			name:    "a skipped test fails when everything must run",
			noSkips: true,
			input:   []string{`{"Action":"skip","Package":"p","Test":"TestA"}`},
			failed:  1, want: "SKIP: p TestA",
		},
		{
			name:  "other words of the go command are passed on",
			input: []string{"go: downloading example.com/x v1.0.0"},
			want:  "go: downloading example.com/x v1.0.0",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			s := &summary{noSkips: tt.noSkips, out: &out, said: map[string][]string{}, badTests: map[string]bool{}}
			if err := s.read(strings.NewReader(strings.Join(tt.input, "\n"))); err != nil {
				t.Fatal(err)
			}
			s.finish()
			if s.passed != tt.passed || s.failed != tt.failed || s.skipped != tt.skipped {
				t.Errorf("passed, failed, skipped = %d, %d, %d; want %d, %d, %d",
					s.passed, s.failed, s.skipped, tt.passed, tt.failed, tt.skipped)
			}
			if !strings.Contains(out.String(), tt.want) {
				t.Errorf("output lacks %q:\n%s", tt.want, out.String())
			}
			if tt.refuse != "" && strings.Contains(out.String(), tt.refuse) {
				t.Errorf("output has %q:\n%s", tt.refuse, out.String())
			}
		})
	}
}
