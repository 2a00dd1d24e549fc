package main

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/term"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/config"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// environment is what every command works with.
type environment struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	values         config.Values
	file           string // kizuki.toml that was read, "" for none
	texts          *i18n.Messages
	lang           string
	log            *slog.Logger
}

// global are the flags that every command takes.
type global struct {
	Data      string      `help:"Folder of the office's data." placeholder:"DIR"`
	Lang      string      `help:"Language of the output: ja or en." choices:"ja,en"`
	LogLevel  string      `help:"Least important log lines that are written: debug, info, warn, error." choices:"debug,info,warn,error"`
	LogFormat string      `help:"Form of log lines: auto, text, json." choices:"auto,text,json"`
	Version   versionFlag `help:"Print the version and stop."`
}

// given lists the flags that were given, for the order flag > environment > file > default.
func (g global) given() map[string]string {
	flags := map[string]string{}
	for name, v := range map[string]string{"data": g.Data, "lang": g.Lang, "log-level": g.LogLevel, "log-format": g.LogFormat} {
		if v != "" {
			flags[name] = v
		}
	}
	return flags
}

// configure reads the settings of the process and the texts.
func (e *environment) configure(g global) error {
	var err error
	if e.texts, err = app.Texts(messages); err != nil {
		return err
	}
	e.lang = "ja"
	flags := g.given()
	env := os.LookupEnv
	file, err := e.readFile(flags, env)
	if err != nil {
		return err
	}
	if e.values, err = config.Load(flags, env, file); err != nil {
		return err
	}
	e.lang = language(e.values.Text("lang"))
	e.log = e.logger()
	return nil
}

// readFile reads kizuki.toml from the data folder; none is fine.
func (e *environment) readFile(flags map[string]string, env func(string) (string, bool)) ([]byte, error) {
	dir := flags["data"]
	if v, ok := env("KIZUKI_DATA"); dir == "" && ok {
		dir = v
	}
	if dir == "" {
		var err error
		if dir, err = app.DefaultFolder(); err != nil {
			return nil, err
		}
	}
	name := filepath.Join(dir, "kizuki.toml")
	data, err := os.ReadFile(name)                                         //nolint:gosec // the person names the folder
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // the folder itself is checked later, with better words
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	e.file = name
	return data, nil
}

// language follows the setting, then LANG; Japanese first.
func language(setting string) string {
	if setting != "" {
		return setting
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		v := strings.ToLower(os.Getenv(name))
		switch {
		case strings.HasPrefix(v, "ja"):
			return "ja"
		case strings.HasPrefix(v, "en"):
			return "en"
		}
	}
	return "ja"
}

func (e *environment) logger() *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(e.values.Text("log-level"))) // config checked the choice
	opts := &slog.HandlerOptions{Level: level}
	format := e.values.Text("log-format")
	if format == "text" || format == "auto" && isTerminal(e.stderr) {
		return slog.New(slog.NewTextHandler(e.stderr, opts))
	}
	return slog.New(slog.NewJSONHandler(e.stderr, opts))
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// folder is the data folder that the settings name.
func (e *environment) folder() (string, error) {
	if dir := e.values.Text("data"); dir != "" {
		return dir, nil
	}
	return app.DefaultFolder()
}

// println prints a line of the result.
func (e *environment) println(text string) { fmt.Fprintln(e.stdout, text) }
