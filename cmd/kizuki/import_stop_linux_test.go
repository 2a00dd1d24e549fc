package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// command runs the command in this process.
func command(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(context.Background(), args, strings.NewReader(""), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// process prepares the command as a process of its own.
func process(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "kizuki") // by this name the test binary is the command
	if err := os.Symlink(self, binary); err != nil {
		t.Fatal(err)
	}
	return exec.CommandContext(t.Context(), binary, args...)
}

// lakeHas exports a lake and gives the raw lines of its one source in the order of their numbers, which must have no hole.
func lakeHas(t *testing.T, dir string) []string {
	t.Helper()
	code, out, errs := command(t, "logs", "export", "--data", dir)
	if code == exitFailed && strings.Contains(errs, "kizuki logs import") { // it was killed before there was a lake
		return nil
	}
	if code != exitDone {
		t.Fatalf("export: exit code %d, %s", code, errs)
	}
	var found []string
	for text := range strings.Lines(out) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		if l.Seq > uint64(len(found)) {
			found = append(found, make([]string, int(l.Seq)-len(found))...)
		}
		if found[l.Seq-1] != "" {
			t.Fatalf("number %d is there twice", l.Seq)
		}
		found[l.Seq-1] = l.Raw + string(l.Bytes)
	}
	if at := slices.Index(found, ""); at >= 0 {
		t.Fatalf("number %d is missing", at+1)
	}
	return found
}

// importFiles writes the same lines as two files of text, as gzip, zstd, and a zip of two members.
func importFiles(t *testing.T, lines int) (files map[string][]string, whole []string) {
	t.Helper()
	dir := t.TempDir()
	noise := rand.NewChaCha8([32]byte{6}) // so that little of it can be packed
	for i := range 2 * lines {
		text := make([]byte, 500+i%50)
		_, _ = noise.Read(text) // never fails
		whole = append(whole, fmt.Sprintf("line %d %x", i, text))
	}
	half := []string{strings.Join(whole[:lines], "\n") + "\n", strings.Join(whole[lines:], "\r\n")}
	write := func(name string, with func(io.Writer) error) string {
		var b bytes.Buffer
		if err := with(&b); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain := func(text string) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.WriteString(w, text); return err }
	}
	packed := func(w io.WriteCloser, err error) error {
		if err == nil {
			_, err = io.WriteString(w, half[0]+half[1])
		}
		if err == nil {
			err = w.Close()
		}
		return err
	}
	return map[string][]string{
		"text": {write("a.log", plain(half[0])), write("b.log", plain(half[1]))},
		"gzip": {write("a.gz", func(w io.Writer) error { return packed(gzip.NewWriter(w), nil) })},
		"zstd": {write("a.zst", func(w io.Writer) error { return packed(zstd.NewWriter(w)) })},
		"zip": {write("a.zip", func(w io.Writer) error {
			z := zip.NewWriter(w)
			for i, text := range half {
				member, err := z.Create(fmt.Sprintf("%d.log", i))
				if err == nil {
					_, err = io.WriteString(member, text)
				}
				if err != nil {
					return err
				}
			}
			return z.Close()
		})},
	}, whole
}

// written is how many bytes a lake has in its log and its sealed files.
func written(dir string) (n int64) {
	_ = filepath.WalkDir(filepath.Join(dir, "lake"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && (strings.Contains(path, "/wal/") || strings.Contains(path, "/sealed/")) {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}

// TestImportKilled ends an import with kill -9 and with Ctrl-C when the lake has about so many bytes, again and again,
// and lets it end then: every line is there once and in order, and what the last run says adds up with what was there.
func TestImportKilled(t *testing.T) {
	t.Parallel()
	rounds := 2
	if os.Getenv("KIZUKI_PROVE") != "" {
		rounds = 40
	}
	files, whole := importFiles(t, 4_000)
	kinds := []string{"text", "zip", "zstd", "gzip"}
	for i := range rounds {
		kind := kinds[i%len(kinds)]
		t.Run(fmt.Sprintf("%02d %s", i, kind), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(uint64(i), 6))
			dir := filepath.Join(t.TempDir(), "office")
			args := append([]string{"logs", "import", "--source", "log", "--lang", "en", "--json", "--data", dir}, files[kind]...)
			killed := 0
			for try := range 3 {
				var out bytes.Buffer
				cmd := process(t, args...)
				cmd.Stdout = &out
				sign := syscall.SIGKILL
				if (try+i)%3 == 2 {
					sign = syscall.SIGINT
				}
				had := len(lakeHas(t, dir))
				if had == len(whole) {
					break
				}
				if stopAt(t, cmd, dir, written(dir)+rng.Int64N(2<<20)+1, sign) {
					killed++
				}
				if sign == syscall.SIGINT {
					saidToKeep(t, out.Bytes(), len(lakeHas(t, dir))-had)
				}
			}
			had := len(lakeHas(t, dir))
			code, out, errs := command(t, args...)
			if code != exitDone {
				t.Fatalf("exit code %d, %s", code, errs)
			}
			saidToKeep(t, []byte(out), len(whole)-had)
			if got := lakeHas(t, dir); !slices.Equal(got, whole) {
				t.Errorf("%d lines, want %d, or they are not in order", len(got), len(whole))
			}
			if code, out, _ := command(t, "logs", "verify", "--data", dir, "--lang", "en"); code != exitDone {
				t.Errorf("verify: %d, %s", code, out)
			}
			t.Logf("stopped %d times; %d lines were there before the last run", killed, had)
		})
	}
}

// stopAt starts an import and stops it when the lake has so many bytes; false: it had ended.
func stopAt(t *testing.T, cmd *exec.Cmd, dir string, size int64, sign syscall.Signal) bool {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil && cmd.ProcessState.ExitCode() != exitInterrupted {
				t.Fatal(err)
			}
			return false
		case <-look.C:
			if written(dir) >= size {
				_ = cmd.Process.Signal(sign) // it may be over
				return <-ended != nil
			}
		}
	}
}

// saidToKeep compares what an import says with how many lines there are more.
func saidToKeep(t *testing.T, out []byte, want int) {
	t.Helper()
	var said struct {
		Files []struct{ Read, Kept, Before int }
	}
	if len(out) == 0 && want == 0 { // stopped before the first file was read
		return
	}
	if err := json.Unmarshal(out, &said); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	kept := 0
	for _, f := range said.Files {
		kept += f.Kept
		if f.Read != f.Kept+f.Before {
			t.Errorf("it says %+v", f)
		}
	}
	if kept != want {
		t.Errorf("it says that it kept %d lines, and there are %d more", kept, want)
	}
}

// TestImportOnAFullDisk: an import into a disk without room says so and keeps what was said to be kept; with room, the
// same command goes on.
func TestImportOnAFullDisk(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=3m,mode=700"); err != nil {
		t.Skipf("a small disk needs the right to mount one: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	files, whole := importFiles(t, 4_000)
	dir := filepath.Join(disk, "office")
	args := append([]string{"logs", "import", "--source", "log", "--lang", "ja", "--json", "--data", dir}, files["text"]...)
	code, out, errs := command(t, args...)
	if code != exitFailed || !strings.Contains(errs, "空き") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	if again, _, errs := command(t, args...); again != exitFailed || !strings.Contains(errs, "空き") {
		t.Errorf("the same again without room: exit code %d, %s", again, errs)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, "size=200m"); err != nil {
		t.Fatal(err)
	}
	had := len(lakeHas(t, dir))
	t.Logf("%d lines were kept on the full disk; it said\n%s", had, out)
	code, out, errs = command(t, args...)
	if code != exitDone {
		t.Fatalf("with room: exit code %d, %s", code, errs)
	}
	saidToKeep(t, []byte(out), len(whole)-had)
	if got := lakeHas(t, dir); !slices.Equal(got, whole) {
		t.Errorf("%d lines, want %d, or they are not in order", len(got), len(whole))
	}
}
