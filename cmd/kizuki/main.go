// Command kizuki is the security office in one binary: it parses the command line, calls app, and turns
// errors into exit codes. Results go to standard output, everything else to standard error.
//
// Exit codes: 0 done · 1 failed · 2 wrong usage or configuration · 3 done and something was found ·
// 4 partly done · 130 interrupted.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"syscall"
	_ "time/tzdata" // Windows has no zone files

	"github.com/alecthomas/kong"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Exit codes are a contract: scripts of users rest on them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitFound       = 3
	exitPartly      = 4
	exitInterrupted = 130
)

// exitError carries an exit code that is not a failure of the program.
type exitError struct{ code int }

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

func main() {
	if code, ran := runAsService(os.Args[1:]); ran {
		os.Exit(code)
	}
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole command with its streams as arguments, for tests.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() { // a second Ctrl-C stops at once
		<-ctx.Done()
		stop()
	}()
	e := &environment{stdin: stdin, stdout: stdout, stderr: stderr}
	var cli commands
	exited := -1
	parser, err := kong.New(&cli, kong.Name("kizuki"), kong.Description(description),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }), kong.UsageOnError(), kong.Help(e.help(args)), kong.Vars{"version": version()})
	if err != nil {
		fmt.Fprintln(stderr, "kizuki:", err)
		return exitFailed
	}
	kctx, err := parser.Parse(args)
	if exited >= 0 { // --help and --version end here
		return exited
	}
	if err != nil {
		e.wrongUsage(parser, args, err)
		return exitUsage
	}
	if c, ok := reflect.TypeAssert[settled](kctx.Selected().Target.Addr()); ok {
		c.withoutSettings()
	} else if err := e.configure(cli.Global); err != nil {
		fmt.Fprintln(stderr, "kizuki:", e.say(err))
		return exitUsage
	}
	kctx.BindTo(ctx, (*context.Context)(nil))
	return e.exitCode(ctx, kctx.Run(e))
}

// exitCode tells the person what went wrong and maps it.
func (e *environment) exitCode(ctx context.Context, err error) int {
	if err == nil {
		return exitDone
	}
	if code, ok := errors.AsType[exitError](err); ok {
		return code.code
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprintln(e.stderr, "kizuki:", e.t("cli.interrupted"))
		return exitInterrupted
	}
	fmt.Fprintln(e.stderr, "kizuki:", e.say(err))
	return exitFailed
}

// say writes a problem as a sentence, and any other error as it is.
func (e *environment) say(err error) string {
	if text := e.texts.Problem(e.lang, err); text != "" && len(problem.All(err)) > 0 {
		return text
	}
	return err.Error()
}

func (e *environment) t(key string, pairs ...any) string {
	args := problem.Args{}
	for i := 0; i+1 < len(pairs); i += 2 {
		args[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return e.texts.T(e.lang, key, args)
}

var _ = i18n.Locales
