package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/app/lake"
	"github.com/kizuki-security/kizuki/internal/app/logs"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

type logsImport struct {
	Paths   []string `arg:"" name:"path" help:"Files and folders; a folder with all that is below."`
	Source  string   `help:"Name of the source of all lines: a–z, 0–9, dot, hyphen. Without it, the channel of Windows events, or the name of the file." placeholder:"NAME"`
	Exclude []string `help:"Leave out files and folders whose name or path fits this pattern; may be given more than once." placeholder:"GLOB"`
	Again   bool     `help:"Take files in whole although they, or their beginnings, were taken in before: those lines are there twice then."`
	Anew    string   `name:"new-lake" help:"Begin another lake, for this reason, although the one that was signed here is gone. The reason goes into the audit log." placeholder:"REASON"`
	JSON    bool     `name:"json" help:"Print as JSON (kizuki.logs-import/1)."`
}

// Run takes files in. What is said to be kept is on disk.
func (c *logsImport) Run(ctx context.Context, e *environment) error {
	keepLake()
	files, err := e.logFiles(c.Paths, c.Exclude)
	if err != nil {
		return err
	}
	if files, err = e.notOwn(files); err != nil {
		return err
	}
	done := []lake.Imported{}
	stopped, text := false, false
	alarms := []lake.Alarm{}
	err = e.beginLake(ctx, c.Anew, func(l *lake.Lake) error {
		if err := c.mayBegin(l); err != nil {
			return err
		}
		progress, checking := e.progress("cli.lake.import.reading"), e.progress("cli.lake.import.checking")
		err := l.Import(ctx, files, lake.ImportOptions{
			Source: c.Source, Again: c.Again,
			File: func(f *lake.Imported) error {
				progress.end()
				done = append(done, *f)
				if !c.JSON {
					e.tellImported(f)
				}
				text = text || f.Raw > f.Broken
				return nil
			},
			Progress: func(done, total int64) { progress.step(int(done>>20), int(total>>20)) },
			Checking: func(done, total int64) { checking.step(int(done>>20), int(total>>20)) },
		})
		progress.end()
		if text && !c.JSON {
			e.println(e.t("cli.lake.import.raw_time"))
		}
		if stopped = err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled); stopped {
			if len(problem.All(err)) > 0 { // it could not be written down
				return err
			}
			err = nil
		} else if err == nil {
			err = l.Settle(ctx) // sealed and signed now, not when somebody looks
		}
		alarms = append(alarms, l.Damages()...)
		return err
	})
	if problem.CodeOf(err) == problem.CodeInvalid {
		return e.usage(err)
	}
	if c.JSON && (err == nil || len(done) > 0) {
		err = errors.Join(err, e.printJSON(map[string]any{"schema": "kizuki.logs-import/1", "files": done, "alarms": alarmList(alarms)}))
	}
	if err != nil {
		return err
	}
	e.tellDamages(alarms)
	return c.code(e, done, len(files), stopped, len(alarms) > 0)
}

// mayBegin refuses --new-lake where the lake is there: in the import of every night it would hide that the lake is gone.
func (c *logsImport) mayBegin(l *lake.Lake) error {
	if c.Anew == "" {
		return nil
	}
	keys, err := l.Keys()
	if err == nil && len(keys) > 0 {
		err = problem.Invalid("", "cli.lake.import.not_new")
	}
	return err
}

// notOwn leaves out the lake and the key of the data folder, which lie in a folder that is named as a whole.
func (e *environment) notOwn(files []logs.File) ([]logs.File, error) {
	dir, err := e.folder()
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return nil, err
	}
	all := len(files)
	files = slices.DeleteFunc(files, func(f logs.File) bool {
		path, err := filepath.Abs(f.Path)
		if err == nil {
			path, err = filepath.Rel(dir, path)
		}
		first, _, _ := strings.Cut(filepath.ToSlash(path), "/")
		return err == nil && (first == lake.Folder || first == "secret.key")
	})
	if n := all - len(files); n > 0 {
		fmt.Fprintln(e.stderr, e.t("cli.lake.import.own", "n", n))
	}
	if len(files) == 0 {
		return nil, e.usage(problem.Invalid("", "cli.logs.no_files"))
	}
	return files, nil
}

// tellDamages names what is wrong with the lake itself: whoever takes lines in every night looks at nothing else.
func (e *environment) tellDamages(alarms []lake.Alarm) {
	for _, a := range alarms {
		fmt.Fprintln(e.stderr, e.t("cli.lake.import.damage", "reason", e.alarmReason(a.Reason), "place", printable(a.Place)))
	}
}

func (c *logsImport) code(e *environment, done []lake.Imported, files int, stopped, damaged bool) error {
	failed, lost := 0, damaged
	for i := range done {
		if done[i].State == lake.Failed {
			failed++
		}
		lost = lost || len(done[i].Lost) > 0 || len(done[i].Refused) > 0
	}
	switch {
	case stopped:
		if left := files - len(done); left > 0 {
			fmt.Fprintln(e.stderr, e.t("cli.lake.import.not_tried", "n", left))
		}
		fmt.Fprintln(e.stderr, e.t("cli.lake.import.go_on"))
		fmt.Fprintln(e.stderr, "kizuki:", e.t("cli.interrupted"))
		return exitError{exitInterrupted}
	case failed == len(done) && failed > 0:
		return exitError{exitFailed}
	case lost:
		return exitError{exitPartly}
	}
	return nil
}

// tellImported says what became of a file.
func (e *environment) tellImported(f *lake.Imported) {
	name := printable(f.File)
	switch f.State {
	case lake.Already:
		e.println(e.t("cli.lake.import.already", "file", name, "at", *f.At))
		return
	case lake.Failed:
		if len(f.Lost) == 1 && f.Read == 0 {
			e.println(e.t("cli.lake.import.failed", "file", name, "reason", e.lostReason(f.Lost[0].Reason)))
			return
		}
	}
	tell := func(key string, pairs ...any) { e.println("  " + e.t("cli.lake.import."+key, pairs...)) }
	refused := uint64(0)
	for _, n := range f.Refused {
		refused += n
	}
	key := "cli.lake.import." + f.State
	e.println(e.t(key, "file", name, "read", f.Read, "kept", f.Kept, "before", f.Before, "refused", refused))
	if f.After > 0 {
		tell("grown", "at", *f.At, "size", size(f.After))
	}
	for _, reason := range slices.Sorted(maps.Keys(f.Refused)) {
		tell("refused", "n", f.Refused[reason], "reason", e.t("logs.reason."+reason), "list", e.placeList(f.File, f.RefusedAt, f.Refused[reason], reason, true))
	}
	for _, l := range f.Lost {
		e.println("  " + e.t("cli.logs.file", "file", printable(l.File), "reason", e.lostReason(l.Reason)))
	}
	if n := f.Raw - f.Broken; n > 0 {
		tell("raw", "n", n)
	}
	if f.Broken > 0 {
		tell("broken", "n", f.Broken, "list", e.placeList(f.File, f.BrokenAt, f.Broken, "not_json", false))
	}
	switch {
	case f.Turned == 0:
	case f.Encoding == "cp932", f.Encoding == "utf16":
		tell("turned."+f.Encoding, "n", f.Turned)
	default:
		tell("turned", "n", f.Turned)
	}
	switch {
	case f.AsBytes == 0:
	case f.Encoding == "utf16":
		tell("bytes.utf16", "n", f.AsBytes)
	default:
		tell("bytes", "n", f.AsBytes)
	}
	var sources []string
	for _, s := range slices.Sorted(maps.Keys(f.Sources)) {
		sources = append(sources, e.t("cli.lake.import.source", "source", s, "n", f.Sources[s]))
	}
	if len(sources) > 0 {
		tell("sources", "list", strings.Join(sources, e.t("cli.lake.comma")))
	}
}

// placeList writes the first places of what has this reason, n in all; bytes: with the place in bytes.
func (e *environment) placeList(file string, list []lake.Place, n uint64, reason string, bytes bool) string {
	const most = 5
	var parts []string
	named := uint64(0)
	for _, p := range list {
		if p.Reason != reason {
			continue
		}
		if len(parts) == most {
			break
		}
		key := "cli.lake.import.line"
		switch {
		case p.Line == 0:
			key = "cli.lake.import.byte"
		case bytes:
			key = "cli.lake.import.at"
		}
		part := e.t(key, "line", p.Line, "byte", p.Byte)
		if p.File != file { // a member of an archive
			part = e.t("cli.lake.import.inside", "file", printable(p.File), "place", part)
		}
		parts = append(parts, part)
		named += p.Records
	}
	if n > named {
		parts = append(parts, e.t("cli.lake.import.more"))
	}
	return strings.Join(parts, e.t("cli.lake.comma"))
}

// lostReason says why a file was not read; text of any kind can be imported.
func (e *environment) lostReason(reason string) string {
	if reason == string(logs.Unknown) {
		return e.t("cli.lake.import.binary")
	}
	return e.t("logs.reason." + reason)
}
