package web_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestRefusalsAreLogged: one line for each refusal, with route, account, permission and the key of the answer, and
// nothing that somebody typed.
func TestRefusalsAreLogged(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, method, path string
		change             func(*http.Request)
		want               []string // parts of the line; none: no line
	}{
		{"too few rights", "GET", "/needs-more?q=tok3n", header("User-Agent", "tok3n"), []string{"level=WARN", `msg="access refused"`, `route="GET /needs-more"`, "status=403", "access=x.edit", "key=web.forbidden", "who=account/key-of-x.read"}},
		{"a post from another site", "POST", "/form", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, []string{"level=WARN", "status=403", "key=web.cross_origin"}},
		{"a foreign host", "GET", "/page", func(r *http.Request) { r.Host = "tok3n.example" }, []string{"level=WARN", "status=421", "key=web.foreign_host"}},
		{"an invented method", "TOK3N", "/page", func(*http.Request) {}, nil},
		{"an unknown address", "GET", "/tok3n", func(*http.Request) {}, nil},
		{"a page", "GET", "/page", func(*http.Request) {}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			o.do(tt.method, tt.path, nil, tt.change)
			line, lines := "", 0
			for l := range strings.Lines(o.log.String()) {
				if strings.Contains(l, "refused") {
					line, lines = l, lines+1
				}
			}
			if (lines == 0) != (tt.want == nil) || lines > 1 {
				t.Errorf("the log says it %d times: %q", lines, line)
			}
			for _, part := range tt.want {
				if !strings.Contains(line, part) {
					t.Errorf("the line lacks %s: %s", part, line)
				}
			}
			if all := strings.ToLower(o.log.String()); strings.Contains(all, "tok3n") {
				t.Errorf("the log holds what a stranger sent:\n%s", all)
			}
		})
	}
}
