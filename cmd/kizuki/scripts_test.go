package main

import (
	"archive/zip"
	"bufio"
	"compress/flate"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/audit"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

// TestMain makes this test binary the command kizuki of the scripts.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"kizuki": main})
}

// TestScripts runs test/scripts: the command line as a person meets it.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "../../test/scripts",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("KIZUKI_LANG", "ja")
			env.Setenv("XDG_DATA_HOME", env.WorkDir+"/home") // nothing of the person who runs the tests
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits, "office": office, "serving": serving, "unhex": unhex, "bomb": bomb,
			"hexed": hexed, "staff": staff, "interrupted": interrupted, "logged": logged, "tables": tables,
			"eventlog": eventlog, "manylines": manylines, "longline": longline, "flip": flip, "field": field, "logproof": logproof, "writing": writing, "unsealed": unsealed, "lose": lose, "again": again,
		},
	})
}

// exits CODE COMMAND ARGS... runs a command and wants just this exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS...")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		failed, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("run %s: %v", args[1], err)
		}
		got = failed.ExitCode()
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("%s: exit code %d, want %s", strings.Join(args[1:], " "), got, args[0])
	}
}

// office DIR DAY sets an office up as it was done on that day; its account is sato.
func office(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: office DIR YYYY-MM-DD")
	}
	day, err := jdate.ISO(args[1])
	ts.Check(err)
	ctx := app.AsCommand(context.Background())
	now := day.Start().Add(12 * time.Hour)
	a, err := app.Open(ctx, app.Config{Dir: ts.MkAbs(args[0]), Now: func() time.Time { return now }, Log: app.DiscardLog()})
	ts.Check(err)
	err = a.Init(ctx, app.FirstOffice{
		Company: "みどり精工", FamilyName: "佐藤", GivenName: "花子", Login: "sato", Password: "kiku-no-hana-2026", Industry: "auto_parts", Size: "101-300", FiscalStart: 4, Level: "1", Roles: []string{"keeper"},
	})
	ts.Check(errors.Join(err, a.Close()))
}

// logged DIR ACT wants a row of this act in the audit log.
func logged(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: logged DIR ACT")
	}
	ctx := context.Background()
	db, err := sqlite.OpenReading(ctx, filepath.Join(ts.MkAbs(args[0]), "kizuki.db"), time.Now)
	ts.Check(err)
	found := false
	err = db.Read(ctx, func(tx *sqlite.Tx) error {
		rows, err := audit.List(ctx, tx, audit.Filter{Limit: 100})
		found = slices.ContainsFunc(rows, func(r audit.Row) bool { return r.Act == args[1] && r.Via == "command" })
		return err
	})
	ts.Check(errors.Join(err, db.Close()))
	if found == neg {
		ts.Fatalf("a row %s in the audit log: %t", args[1], found)
	}
}

// tables DIR older|newer makes the database look like that of another version.
func tables(ts *testscript.TestScript, neg bool, args []string) {
	acts := map[string]string{
		"older": `DELETE FROM platform_migrations WHERE name = (SELECT max(name) FROM platform_migrations WHERE name LIKE 'training/%')`,
		"newer": `INSERT INTO platform_migrations (name, sha256, applied_at) VALUES ('org/9999_later.sql', 'x', 0)`,
	}
	if neg || len(args) != 2 || acts[args[1]] == "" {
		ts.Fatalf("usage: tables DIR older|newer")
	}
	ctx := context.Background()
	db, err := sqlite.Open(ctx, filepath.Join(ts.MkAbs(args[0]), "kizuki.db"), time.Now)
	ts.Check(err)
	err = db.Write(ctx, func(tx *sqlite.Tx) error {
		_, err := tx.ExecContext(ctx, acts[args[1]])
		return err
	})
	ts.Check(errors.Join(err, db.Close()))
}

// serving DIR serves an office until the end of the script; $ADDRESS is where.
func serving(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: serving DIR")
	}
	ctx, stop := context.WithCancel(context.Background())
	read, write := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"serve", "--data", ts.MkAbs(args[0]), "--listen", "127.0.0.1:0", "--lang", "ja", "--log-level", "error"}, strings.NewReader(""), write, os.Stderr)
		_ = write.Close()
	}()
	lines := bufio.NewScanner(read)
	for lines.Scan() && ts.Getenv("ADDRESS") == "" {
		if at := strings.Index(lines.Text(), "http://"); at >= 0 {
			ts.Setenv("ADDRESS", lines.Text()[at:])
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, read) }()
	ts.Defer(func() {
		stop()
		if got := <-code; got != exitDone {
			ts.Fatalf("serve: exit code %d", got)
		}
	})
	if ts.Getenv("ADDRESS") == "" {
		ts.Fatalf("serve printed no address")
	}
}

// unhex FROM TO writes the bytes that FROM lists in hex.
func unhex(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: unhex FROM TO")
	}
	data, err := hex.DecodeString(strings.Join(strings.Fields(ts.ReadFile(args[0])), ""))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data, 0o600))
}

// hexed FILE HEX wants these bytes somewhere in the file.
func hexed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: hexed FILE HEX")
	}
	if !strings.Contains(hex.EncodeToString([]byte(ts.ReadFile(args[0]))), args[1]) {
		ts.Fatalf("%s does not hold %s", args[0], args[1])
	}
}

// staff FILE N writes a staff list of n made-up people.
func staff(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: staff FILE N")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	var b strings.Builder
	b.WriteString("社員番号,氏名,区分,部署\n")
	for i := range n {
		fmt.Fprintf(&b, "%06d,試験 太郎%d,従業員,第%d課\n", 100_000+i, i, i%40)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o600))
}

// interrupted DIR FILE COMMAND ARGS... starts a command as a process of its own, sends it Ctrl-C as soon as DIR holds a
// copy of FILE, and wants exit code 130; stdout and stderr can be looked at afterwards.
func interrupted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: interrupted DIR FILE COMMAND ARGS...")
	}
	path := ""
	for dir := range strings.SplitSeq(ts.Getenv("PATH"), string(os.PathListSeparator)) {
		if at := filepath.Join(dir, args[2]); path == "" {
			if _, err := os.Stat(at); err == nil {
				path = at
			}
		}
	}
	cmd := exec.CommandContext(context.Background(), path, args[3:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "KIZUKI_LANG", "XDG_DATA_HOME"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	wanted, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	ts.Check(cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for sent := false; ; {
		select {
		case err := <-ended:
			if failed, ok := errors.AsType[*exec.ExitError](err); !ok || failed.ExitCode() != exitInterrupted {
				ts.Fatalf("%s: %v, want exit code %d", strings.Join(args[2:], " "), err, exitInterrupted)
			}
			return
		case <-look.C:
			if !sent && holds(ts.MkAbs(args[0]), wanted.Size()) {
				sent = true
				ts.Check(cmd.Process.Signal(os.Interrupt))
			}
		}
	}
}

// holds says whether a folder holds a file of that size.
func holds(dir string, size int64) bool {
	entries, _ := os.ReadDir(dir) // it may not be there yet
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Size() == size {
			return true
		}
	}
	return false
}

// bomb FILE writes a workbook of a few kB that unpacks to 300 MB of one sheet.
func bomb(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: bomb FILE")
	}
	file, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	z := zip.NewWriter(file)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	for name, text := range map[string]string{
		"[Content_Types].xml":        `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`,
		"xl/workbook.xml":            `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="1" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
	} {
		w, err := z.Create(name)
		ts.Check(err)
		_, err = io.WriteString(w, text)
		ts.Check(err)
	}
	w, err := z.Create("xl/worksheets/sheet1.xml")
	ts.Check(err)
	zeros := make([]byte, 1<<20)
	for range 300 {
		_, err = w.Write(zeros)
		ts.Check(err)
	}
	ts.Check(errors.Join(z.Close(), file.Close()))
}
