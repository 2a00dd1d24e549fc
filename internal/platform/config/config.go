// Package config reads the settings of the process: flag, then environment, then kizuki.toml, then default.
// Everything that an office person changes lives in the database with history and a page, not here.
package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Key is one setting of the process.
type Key struct {
	Name    string // in kizuki.toml and after --: "listen"
	Env     string // "KIZUKI_LISTEN"; for secrets Env_FILE names a file that holds the value
	Default string
	Doc     string // one English sentence for --help and the sample file
	Choices []string
}

// Origin says where a value came from.
type Origin string

// The origins, strongest first.
const (
	FromFlag    Origin = "flag"
	FromEnv     Origin = "env"
	FromFile    Origin = "file"
	FromDefault Origin = "default"
)

// Value is one setting with its origin.
type Value struct {
	Key    Key
	Text   string
	Origin Origin
}

// Values are all settings, in the order of the keys.
type Values []Value

// Keys lists every setting of the process.
func Keys() []Key {
	return []Key{
		{Name: "data", Env: "KIZUKI_DATA", Default: "", Doc: "Folder of the office's data; empty means the usual place of this system."},
		{Name: "listen", Env: "KIZUKI_LISTEN", Default: "127.0.0.1:8600", Doc: "Address that the office answers on."},
		{Name: "tls", Env: "KIZUKI_TLS", Default: "off", Doc: "Certificate for https: self makes one and keeps it in the data folder; off leaves it to tls-cert, or to plain http.", Choices: []string{"off", "self"}},
		{Name: "tls-cert", Env: "KIZUKI_TLS_CERT", Default: "", Doc: "File with your certificate for https (PEM, that of the server first); read again when it changes."},
		{Name: "tls-key", Env: "KIZUKI_TLS_KEY", Default: "", Doc: "File with the private key of tls-cert (PEM)."},
		{Name: "listen-links", Env: "KIZUKI_LISTEN_LINKS", Default: "", Doc: "Second address where only pages behind links answer, for people outside; empty means none."},
		{Name: "links-address", Env: "KIZUKI_LINKS_ADDRESS", Default: "", Doc: "Base address of links for other people, such as https://answer.example.co.jp; empty means that of the office."},
		{Name: "lang", Env: "KIZUKI_LANG", Default: "", Doc: "Language of the command line, ja or en; empty means that of the system.", Choices: []string{"", "ja", "en"}},
		{Name: "min-free", Env: "KIZUKI_MIN_FREE", Default: "200", Doc: "Room on the disk in MB below which nothing is written."},
		{Name: "lake-disk", Env: "KIZUKI_LAKE_DISK", Default: "0", Doc: "Room on the disk in MB that logs may take; above it no line is taken in. 0 means no limit."},
		{Name: "metrics-listen", Env: "KIZUKI_METRICS_LISTEN", Default: "", Doc: "Address for Prometheus to fetch /metrics from; empty means none. Only loopback without a token."},
		{Name: "metrics-token-file", Env: "KIZUKI_METRICS_TOKEN_FILE", Default: "", Doc: "File with the token that whoever fetches /metrics sends (Authorization: Bearer)."},
		{Name: "log-level", Env: "KIZUKI_LOG_LEVEL", Default: "info", Doc: "Least important log lines that are written.", Choices: []string{"debug", "info", "warn", "error"}},
		{Name: "log-format", Env: "KIZUKI_LOG_FORMAT", Default: "auto", Doc: "Form of log lines: text on a terminal, JSON otherwise.", Choices: []string{"auto", "text", "json"}},
	}
}

// Load combines the sources. flags holds only what was given; env looks up the environment; file is the
// text of kizuki.toml, nil when there is none. An unknown key or a value outside the choices is an error
// that names it.
func Load(flags map[string]string, env func(string) (string, bool), file []byte) (Values, error) {
	var inFile map[string]any
	if err := toml.Unmarshal(file, &inFile); err != nil {
		if d := (*toml.DecodeError)(nil); errors.As(err, &d) {
			row, col := d.Position()
			return nil, fmt.Errorf("kizuki.toml, line %d, column %d: %w", row, col, err)
		}
		return nil, fmt.Errorf("kizuki.toml: %w", err)
	}
	keys := Keys()
	for name := range inFile {
		if !slices.ContainsFunc(keys, func(k Key) bool { return k.Name == name }) {
			return nil, fmt.Errorf("kizuki.toml, line %d: unknown setting %q", lineOf(file, name), name)
		}
	}
	values := make(Values, 0, len(keys))
	for _, k := range keys {
		v := Value{Key: k, Text: k.Default, Origin: FromDefault}
		if x, ok := inFile[k.Name]; ok {
			v.Text, v.Origin = fmt.Sprint(x), FromFile
		}
		if x, ok := env(k.Env); ok && x != "" {
			v.Text, v.Origin = x, FromEnv
		}
		if x, ok := flags[k.Name]; ok {
			v.Text, v.Origin = x, FromFlag
		}
		if len(k.Choices) > 0 && !slices.Contains(k.Choices, v.Text) {
			return nil, fmt.Errorf("setting %s (from %s): %q is not one of %s", k.Name, v.Origin, v.Text, strings.Join(k.Choices, ", "))
		}
		values = append(values, v)
	}
	return values, nil
}

func lineOf(file []byte, name string) int {
	for i, line := range strings.Split(string(file), "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), name) {
			return i + 1
		}
	}
	return 0
}

// Text returns the value of a setting; an unknown name is a mistake of ours and panics.
func (v Values) Text(name string) string {
	for _, x := range v {
		if x.Key.Name == name {
			return x.Text
		}
	}
	panic("config: no setting " + name)
}
