package config

import (
	"strings"
	"testing"
)

func TestLoadOrder(t *testing.T) {
	t.Parallel()
	env := func(values map[string]string) func(string) (string, bool) {
		return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
	}
	cases := map[string]struct {
		flags, env map[string]string
		file       string
		want       string
		origin     Origin
	}{
		"default":             {want: "127.0.0.1:8600", origin: FromDefault},
		"file over default":   {file: `listen = "127.0.0.1:1"`, want: "127.0.0.1:1", origin: FromFile},
		"environment on top":  {file: `listen = "127.0.0.1:1"`, env: map[string]string{"KIZUKI_LISTEN": "127.0.0.1:2"}, want: "127.0.0.1:2", origin: FromEnv},
		"flag over all":       {env: map[string]string{"KIZUKI_LISTEN": "127.0.0.1:2"}, flags: map[string]string{"listen": "127.0.0.1:3"}, want: "127.0.0.1:3", origin: FromFlag},
		"empty env is no env": {env: map[string]string{"KIZUKI_LISTEN": ""}, want: "127.0.0.1:8600", origin: FromDefault},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values, err := Load(c.flags, env(c.env), []byte(c.file))
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range values {
				if v.Key.Name == "listen" && (v.Text != c.want || v.Origin != c.origin) {
					t.Errorf("listen = %q from %s, want %q from %s", v.Text, v.Origin, c.want, c.origin)
				}
			}
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	none := func(string) (string, bool) { return "", false }
	cases := map[string]struct{ file, want string }{
		"unknown setting":  {"lang = \"ja\"\nlistten = \"x\"\n", "line 2"},
		"value not chosen": {`log-level = "loud"`, `"loud" is not one of`},
		"broken file":      {"lang = ", "line 1"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Load(nil, none, []byte(c.file))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error = %v, want one with %q", err, c.want)
			}
		})
	}
}
