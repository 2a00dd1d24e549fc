package main

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/app/lake"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// reasonOf says in a sentence why something of the lake does not work. Causes inside of the program are English, and told
// to those who read English or ask for JSON.
func (e *environment) reasonOf(err error) string {
	switch {
	case len(problem.All(err)) > 0:
		return e.say(err)
	case errors.Is(err, os.ErrNotExist):
		return e.t("cli.lake.alarm.missing")
	case errors.Is(err, fs.ErrPermission):
		return e.t("cli.lake.reason.permission")
	}
	if e.lang == "en" {
		return printable(err.Error())
	}
	return e.t("cli.lake.alarm.damaged")
}

// damagedFile says which file cannot be read, and why.
func (e *environment) damagedFile(err error) string {
	name, cause := lake.FileOf(err)
	if name == "" {
		return e.reasonOf(err)
	}
	return e.t("cli.lake.verify.damage", "file", printable(name), "reason", e.reasonOf(cause))
}

// detail writes a cause inside of the program for those who read English.
func (e *environment) detail(text string) {
	if e.lang == "en" && text != "" {
		e.println("  " + printable(text))
	}
}

// someSources lists sources by name, the first few.
func (e *environment) someSources(marks lake.Marks) string {
	const most = 10
	names := slices.Sorted(maps.Keys(marks))
	if len(names) == 0 {
		return e.t("cli.lake.no_source")
	}
	list := strings.Join(names[:min(len(names), most)], e.t("cli.lake.comma"))
	if len(names) > most {
		list += e.t("cli.lake.comma") + e.t("cli.lake.import.more")
	}
	return list
}

// lakeError turns an error inside of the lake that has no sentence of its own into one.
func (e *environment) lakeError(err error) error {
	_, code := errors.AsType[exitError](err)
	_, refused := lake.Refused(err)
	switch {
	case err == nil, code, refused, len(problem.All(err)) > 0, errors.Is(err, context.Canceled):
		return err
	case lake.Damaged(err):
		return problem.Unavailable("cli.lake.damaged").Because(err)
	case errors.Is(err, fs.ErrPermission):
		return problem.Unavailable("cli.lake.forbidden").Because(err)
	}
	return err
}
