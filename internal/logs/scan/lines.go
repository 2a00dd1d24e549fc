package scan

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"

	"github.com/kizuki-security/kizuki/evtx"
)

// Encoding is what the lines of a text file are written in, as its beginning tells.
type Encoding string

// Encodings.
const (
	UTF8  Encoding = "utf8"
	UTF16 Encoding = "utf16" // the lines come as UTF-8
	CP932 Encoding = "cp932" // the lines come as they are
	Bytes Encoding = "bytes" // none of these; the lines come as they are
)

// Line is one record of a file. It is valid during the call.
type Line struct {
	File string // archive.zip/member.evtx
	Text []byte // of a text file the line without its end; otherwise one JSON object
	JSON bool
	// Time is that of a record of an event log; zero: none, and a JSON object tells its own.
	Time time.Time
}

// ReadOptions of Read. Line and File are called from one goroutine, in the order of files and records; an error of
// theirs ends the reading and comes back. Input counts bytes of files on disk; it may be nil.
type ReadOptions struct {
	Limits Limits
	Line   func(*Line) error
	File   func(*FileReport, Encoding) error // the encoding is "" where the file is no plain text
	Input  *atomic.Int64
}

// Read gives every record of event logs, every object of JSON files and every line of other texts, empty ones
// excepted. Scanned counts what was given; what cannot be given is refused with a reason, so the counts add up.
func Read(ctx context.Context, files []File, o ReadOptions) error {
	r := &lineReader{o: o}
	r.o.Limits = o.Limits.orDefault()
	if r.o.Input == nil {
		r.o.Input = new(atomic.Int64)
	}
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if f.Error != nil {
			if err := r.o.File(&FileReport{Name: f.Path, Error: f.Error}, ""); err != nil {
				return err
			}
			continue
		}
		var told error
		op := &opener{
			ctx: ctx, limits: r.o.Limits, input: r.o.Input, visit: r.read, plain: true,
			refused: func(name string, why *FileError) {
				told = errors.Join(told, r.o.File(&FileReport{Name: name, Error: why}, ""))
			},
		}
		if err := errors.Join(op.open(f.Path), told); err != nil {
			return err
		}
	}
	return nil
}

type lineReader struct {
	o     ReadOptions
	line  Line
	sum   *counts
	notes []string
	text  []byte
}

// give hands a record out; its error is marked, so that no reader takes it for one of the file.
func (r *lineReader) give(text []byte) error {
	r.sum.read++
	r.sum.scanned++
	r.line.Text = text
	if err := r.o.Line(&r.line); err != nil {
		return &stop{err}
	}
	return nil
}

// read takes in the content of one file.
func (r *lineReader) read(c content) error {
	r.line, r.sum, r.notes = Line{File: c.name, JSON: c.shape != plainText}, &counts{}, nil
	var encoding Encoding
	var err error
	switch c.shape {
	case eventLog:
		err = r.eventLog(c.r)
	case jsonText:
		s := splitter{
			limit: r.o.Limits.Object, refuse: func(reason Reason) { r.sum.refuse(reason, 1) },
			object: func(text []byte, _ uint64) error { return r.give(text) },
		}
		err = s.split(c.r)
	default:
		encoding, err = r.plain(c)
	}
	report := &FileReport{Name: c.name, Notes: r.notes}
	report.counted(r.sum)
	stopped, ok := errors.AsType[*stop](err)
	switch {
	case ok:
		report.Error = &FileError{Reason: Interrupted}
	case err != nil:
		report.Error = fileError(Unreadable, err)
	}
	told := r.o.File(report, encoding)
	if ok {
		return errors.Join(stopped.err, told)
	}
	return told
}

func (r *lineReader) eventLog(from io.Reader) error {
	for record, err := range evtx.NewReader(from, evtx.Options{}).Records() {
		if err == nil {
			r.line.Time = record.Time
			if r.text, err = record.AppendJSON(r.text[:0]); err == nil {
				if err := r.give(r.text); err != nil {
					return err
				}
				continue
			}
			r.sum.refuse(Lost, 1)
		}
		damage, ok := errors.AsType[*evtx.DamageError](err)
		switch {
		case ok:
			r.sum.refuse(Lost, damage.Lost)
			if len(r.notes) < mostNotes {
				r.notes = append(r.notes, damage.Error())
			}
		case errors.Is(err, evtx.ErrNotEventLog):
			return &FileError{Unknown, err}
		default:
			return err
		}
	}
	return nil
}

// plain gives the lines of a text.
func (r *lineReader) plain(c content) (Encoding, error) {
	head, _ := c.r.Peek(readAhead / 2)
	encoding := encodingOf(head)
	if c.wide {
		encoding = UTF16
	} else if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		_, _ = c.r.Discard(3)
	}
	for {
		text, whole, err := longLine(c.r, r.text[:0], r.o.Limits.Object)
		r.text = text[:0]
		text = bytes.TrimSuffix(text, []byte("\r"))
		switch {
		case !whole:
			r.sum.refuse(TooLarge, 1)
		case len(text) > 0:
			if err := r.give(text); err != nil {
				return encoding, err
			}
		}
		if errors.Is(err, io.EOF) {
			return encoding, nil
		}
		if err != nil {
			return encoding, err
		}
	}
}

// longLine reads to the end of a line, which is left out. One beyond the limit is passed over, and whole is false.
func longLine(r *bufio.Reader, buf []byte, limit int) (line []byte, whole bool, err error) {
	whole = true
	for {
		piece, err := r.ReadSlice('\n')
		if whole = whole && len(buf)+len(piece) <= limit+2; whole {
			buf = append(buf, piece...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return bytes.TrimSuffix(buf, []byte("\n")), whole, err
		}
	}
}

// encodingOf tells the encoding of a text by its beginning, which may end inside a letter.
func encodingOf(head []byte) Encoding {
	if end := bytes.LastIndexByte(head, '\n'); end > 0 {
		head = head[:end]
	}
	if utf8.Valid(head) {
		return UTF8
	}
	text, err := japanese.ShiftJIS.NewDecoder().Bytes(head)
	if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
		return Bytes
	}
	return CP932
}

// lineShape judges a file for readers of lines of any kind: text that is no JSON is content, and what has NUL bytes is
// refused. [2026-11-26 …] and {word} begin a line of text, not JSON.
func lineShape(known shape, head []byte, err error) (shape, error) {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n\x1e")
	next := func(of string) bool {
		rest := bytes.TrimLeft(text[1:], " \t\r\n")
		return len(rest) == 0 || bytes.IndexByte([]byte(of), rest[0]) >= 0
	}
	json := len(text) > 0 && (text[0] == '{' && next(`"}`) || text[0] == '[' && next(`{]`))
	switch {
	case json:
		return jsonText, nil
	case bytes.IndexByte(head, 0) >= 0:
		return known, &FileError{Reason: Unknown}
	case err == nil && len(text) > 0 && text[0] != '{' && text[0] != '[':
		return known, nil // JSON by its name, with a broken first line
	}
	return plainText, nil
}
