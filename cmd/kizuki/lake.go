package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/user"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/app/lake"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// lakeWait is for how long a command waits while another one has the lake.
const lakeWait = 5 * time.Second

// lakeConfig is how the lake of the data folder is opened.
func (e *environment) lakeConfig() (lake.Config, error) {
	dir, err := e.folder()
	if err != nil {
		return lake.Config{}, err
	}
	limit, err := e.lakeLimit()
	if err != nil {
		return lake.Config{}, err
	}
	return lake.Config{Dir: dir, Now: time.Now, Rand: rand.Reader, Limit: limit, Wait: lakeWait}, nil
}

// lakeLimit is how large the lake may be, in bytes; 0: no limit.
func (e *environment) lakeLimit() (int64, error) {
	const mega = 1 << 20
	text := e.values.Text("lake-disk")
	mb, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, problem.Invalid("", "cli.lake.disk", "text", text)
	}
	return int64(mb) * mega, nil
}

// withLake runs an act that writes to the lake, alone.
func (e *environment) withLake(ctx context.Context, act func(l *lake.Lake) error) error {
	c, err := e.lakeConfig()
	if err != nil {
		return err
	}
	return e.inLake(ctx, c, act)
}

// beginLake is withLake, and makes a lake where there is none.
func (e *environment) beginLake(ctx context.Context, anew string, act func(l *lake.Lake) error) error {
	c, err := e.lakeConfig()
	if err != nil {
		return err
	}
	c.Make, c.Anew = true, anew
	return e.inLake(ctx, c, act)
}

func (e *environment) inLake(ctx context.Context, c lake.Config, act func(l *lake.Lake) error) (err error) {
	c.Note = e.noteLake
	l, err := lake.Open(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = e.lakeError(errors.Join(err, l.Close())) }()
	return act(l)
}

// noteLake writes an act on the lake into the audit log, where the data folder has an office: through its server where one
// runs. What cannot be written down is an error, and is not done.
func (e *environment) noteLake(ctx context.Context, n lake.Act) error {
	dir, err := e.folder()
	if err != nil || !app.HasOffice(dir) {
		return err
	}
	n.Who = who()
	ctx = app.AsCommand(context.WithoutCancel(ctx))
	office, err := e.open(ctx)
	if err == nil {
		err = errors.Join(office.NoteLake(ctx, n), office.Close())
	}
	switch {
	case err == nil:
		return nil
	case problem.CodeOf(err) == problem.CodeConflict: // the office forbids it
		return err
	case n.Act == lake.LinesKept: // that is done
		return problem.Unavailable("cli.lake.import.not_noted", "why", e.say(err)).Because(err)
	case n.Act == lake.StateSigned: // so is that, and the next import tells more
		return problem.Unavailable("cli.lake.signed_not_noted", "why", e.say(err)).Because(err)
	}
	return problem.Unavailable("cli.lake.not_noted", "why", e.say(err)).Because(err)
}

// signedLake is what the audit log of the office knows of what was signed in the lake; nil: the data folder has no office.
func (e *environment) signedLake(ctx context.Context) (*lake.Remembered, error) {
	dir, err := e.folder()
	if err != nil || !app.HasOffice(dir) {
		return nil, err
	}
	ctx = app.AsCommand(ctx)
	office, err := e.openReading(ctx)
	if err != nil {
		return nil, err
	}
	known, err := office.LakeSigned(ctx)
	return &known, errors.Join(err, office.Close())
}

// goneLake is what there is to say of a lake of which only others know; nil: there is a lake, or nobody knows of one.
func (e *environment) goneLake(known *lake.Remembered, kept []lake.Kept) (*lake.Check, error) {
	c, err := e.lakeConfig()
	if err != nil {
		return nil, err
	}
	return lake.CheckGone(c, known, kept), nil
}

// withReader looks into the lake, also while another command writes to it.
func (e *environment) withReader(act func(l *lake.Reader) error) (err error) {
	c, err := e.lakeConfig()
	if err != nil {
		return err
	}
	l, err := lake.OpenReader(c)
	if err != nil {
		return err
	}
	defer func() { err = e.lakeError(errors.Join(err, l.Close())) }()
	return act(l)
}

// keepLake is keepSmall for acts on the lake, which holds segments, footers and indexes in memory: near too small a goal
// the collector takes four fifths of the time.
func keepLake() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(50)
		debug.SetMemoryLimit(lakeMemoryGoal)
	}
}

const lakeMemoryGoal = 400 << 20 // bytes; a merge of long lines holds that much, and a goal below it costs three times the processor time

// who is the account of the system that runs the command, as tombstones and holds name it.
func who() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "?"
}

// span reads --from and --to.
func (e *environment) span(from, to string) (a, b time.Time, err error) {
	if a, err = moment(from); err == nil {
		b, err = moment(to)
	}
	if err == nil && !a.IsZero() && !b.IsZero() && !a.Before(b) {
		err = problem.Invalid("", "cli.lake.span")
	}
	if err != nil {
		return a, b, e.usage(err)
	}
	return a, b, nil
}

// localTime writes a moment as this computer's clock would.
func localTime(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02T15:04:05.999999Z07:00") //nolint:gosmopolitan // the person's clock
}

// question reads the words of a command line as a query; a refusal is told with its place.
func (e *environment) question(q lake.Question) (lake.Query, error) {
	q.Now = time.Now()
	q.Zone = time.Local //nolint:gosmopolitan // the person's clock
	parsed, err := q.Parse()
	if err != nil {
		return parsed, e.refusedQuery(q.Text, err)
	}
	return parsed, nil
}

// refusedQuery tells why a query is refused, with a mark under the place; other errors come back as they are.
func (e *environment) refusedQuery(text string, err error) error {
	refused, ok := lake.Refused(err)
	if !ok {
		return err
	}
	why := e.t("cli.lake.query."+string(refused.Reason), "found", printable(refused.Found), "hint", refused.Hint)
	fmt.Fprintln(e.stderr, "kizuki:", why)
	if refused.At >= 0 && refused.At <= len(text) {
		shown, mark := markPlace(text, refused.At, refused.End)
		fmt.Fprintln(e.stderr, "  "+shown)
		fmt.Fprintln(e.stderr, "  "+mark)
	}
	if refused.Hint != "" {
		fmt.Fprintln(e.stderr, "  "+e.t("cli.lake.query.hint", "hint", refused.Hint))
	}
	if refused.Err != nil {
		fmt.Fprintln(e.stderr, "  "+printable(refused.Err.Error()))
	}
	return exitError{exitUsage}
}

// markPlace gives the text with what is around a place, and a line that points there.
func markPlace(text string, at, end int) (shown, mark string) {
	const around = 60 // letters
	from := at
	for n := 0; from > 0 && n < around; n++ {
		_, size := utf8.DecodeLastRuneInString(text[:from])
		from -= size
	}
	shown = printable(text[from:])
	if r := []rune(shown); len(r) > 2*around {
		shown = string(r[:2*around]) + "…"
	}
	end = min(max(end, at), len(text))
	return shown, strings.Repeat(" ", terminalColumns(printable(text[from:at]))) + strings.Repeat("^", max(1, min(terminalColumns(printable(text[at:end])), around)))
}
