package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/app/logs"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// apart leaves the file that is written out of those that are read: it lies in the folder when a scan is done again.
// Only what a command like this wrote may be written over. A log may be the only evidence there is, and a slip of the
// hand (-o *.evtx names the first of them) must not empty it: that is wrong usage, told before anything is opened for
// writing. own is how JSON lines begin that such a command writes; empty: it writes none.
func (e *environment) apart(files []logs.File, out, own string) ([]logs.File, error) {
	there, err := os.Stat(out)
	if out == "-" || err != nil || !there.Mode().IsRegular() {
		return files, nil //nolint:nilerr // nothing is there that could be lost
	}
	if isLog(out, own) {
		return nil, e.usage(problem.Invalid("", "cli.logs.over", "file", out))
	}
	same := func(f logs.File) bool {
		info, err := os.Stat(f.Path)
		return err == nil && os.SameFile(info, there)
	}
	return slices.DeleteFunc(files, same), nil
}

// How JSON lines begin that these commands write.
const (
	hitLine    = `{"rule_id":`
	recordLine = `{"Event":`
)

// isLog says whether a file holds what a scan may read, other than JSON lines that begin with own.
func isLog(name, own string) bool {
	if strings.EqualFold(filepath.Ext(name), ".evtx") {
		return true // however damaged
	}
	f, err := os.Open(name) //nolint:gosec // the person names the file
	if err != nil {
		return true // it cannot be told
	}
	defer f.Close() //nolint:errcheck // only read
	head := make([]byte, 512)
	n, _ := io.ReadFull(f, head)
	head = head[:n]
	for _, packed := range []string{"ElfFile\x00", "ElfChnk\x00", "\x1f\x8b", "\x28\xb5\x2f\xfd", "PK\x03\x04", "\xff\xfe", "\xfe\xff"} {
		if bytes.HasPrefix(head, []byte(packed)) {
			return true
		}
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n\x1e")
	if !bytes.HasPrefix(text, []byte("{")) && !bytes.HasPrefix(text, []byte("[")) {
		return false
	}
	return own == "" || !bytes.HasPrefix(text, []byte(own))
}

// output opens the file of a result, or standard output.
func (e *environment) output(name string) (*output, error) {
	if name == "-" {
		return &output{Writer: bufio.NewWriter(e.stdout)}, nil
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) //nolint:gosec // the person names the file
	if err != nil {
		return nil, problem.Unavailable("cli.logs.unwritable", "file", name).Because(err)
	}
	return &output{bufio.NewWriter(f), f}, nil
}

type output struct {
	*bufio.Writer

	file io.Closer // nil: standard output stays open
}

// Close writes what waits; its error is that of the disk.
func (o *output) Close() error {
	err := o.Flush()
	if o.file != nil {
		err = errors.Join(err, o.file.Close())
	}
	return err
}

// wholeFile opens the file of a result that must be whole: until end it is called NAME.part, and what was there before
// stays. Standard output, pipes and devices are written as they are.
func (e *environment) wholeFile(name string) (*wholeOutput, error) {
	there, err := os.Stat(name)
	if name == "-" || err == nil && !there.Mode().IsRegular() {
		out, err := e.output(name)
		return &wholeOutput{output: out}, err
	}
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target // a link stays one
	}
	part := name + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) //nolint:gosec // the person names the file
	if err != nil {
		return nil, problem.Unavailable("cli.logs.unwritable", "file", name).Because(err)
	}
	return &wholeOutput{&output{bufio.NewWriterSize(f, 1<<20), f}, f, name, part}, nil
}

type wholeOutput struct {
	*output

	f          *os.File
	name, part string // part is "" where there is none
}

// end gives the file its name, or, after an error, takes it away.
func (o *wholeOutput) end(err error) error {
	if o.part == "" {
		return errors.Join(err, o.Close())
	}
	if err == nil {
		err = o.Flush()
	}
	if err == nil {
		err = o.f.Sync()
	}
	if err = errors.Join(err, o.f.Close()); err == nil {
		err = os.Rename(o.part, o.name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(o.part))
	}
	return nil
}
