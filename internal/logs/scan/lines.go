package scan

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/kizuki-security/kizuki/evtx"
)

// Encoding is what lines of a text file are written in.
type Encoding string

// Encodings.
const (
	UTF8  Encoding = "utf8"
	UTF16 Encoding = "utf16" // the lines come as UTF-8; those with half a pair are Bytes, see exact
	CP932 Encoding = "cp932" // the lines come as UTF-8, where that can be turned into the same bytes again
	Bytes Encoding = "bytes" // none of these; the lines come as they are
)

// Line is one record of a file. It is valid during the call.
type Line struct {
	File     string   // archive.zip/member.evtx
	Number   uint64   // of the line from 1, or of the line on which an object begins; of a record of an event log its id
	Text     []byte   // of a text file the line without its end; otherwise one JSON object
	Encoding Encoding // what the line was written in; "": no text
	JSON     bool     // it may be a JSON object, see Object
	Strict   bool     // it stands in a JSON file: where it is no object, it is broken
	End      int64    // byte of the file behind it and its end of line; 0: not known, as where the file is packed or UTF-16
	// Time is that of a record of an event log; zero: none, and a JSON object tells its own.
	Time time.Time
}

// Refusal is what could not be given, and where it stood.
type Refusal struct {
	File    string
	Line    uint64 // from 1; 0: no text
	Byte    int64  // from 0, in the unpacked text; in an event log, of the file
	Records uint64
	Reason  Reason
}

// ReadOptions of Read. Line, Refused and File are called from one goroutine, in the order of files and records; an error
// of Line or File ends the reading and comes back. Input counts bytes of files on disk; it and Refused may be nil.
type ReadOptions struct {
	Limits  Limits
	Line    func(*Line) error
	Refused func(Refusal)
	File    func(*FileReport, Encoding) error // Bytes or CP932 where some lines are, UTF16 where all of it was; "": no text
	Input   *atomic.Int64
}

// Read gives every record of event logs, every object of JSON files and every line of other texts, empty ones
// excepted; of JSON files also each line that is no object. Scanned counts what was given; what cannot be given (lost
// in an event log, longer than Limits.Object, a list that never ends) is refused with a reason, so the counts add up.
func Read(ctx context.Context, files []File, o ReadOptions) error {
	r := &lineReader{o: o}
	r.o.Limits = o.Limits.orDefault()
	if r.o.Input == nil {
		r.o.Input = new(atomic.Int64)
	}
	if r.o.Refused == nil {
		r.o.Refused = func(Refusal) {}
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

// refuse counts what cannot be given.
func (r *lineReader) refuse(reason Reason, line uint64, at int64, records uint64) {
	if records > 0 {
		r.sum.refuse(reason, records)
		r.o.Refused(Refusal{File: r.line.File, Line: line, Byte: at, Records: records, Reason: reason})
	}
}

// read takes in the content of one file.
func (r *lineReader) read(c content) error {
	r.line, r.sum, r.notes = Line{File: c.name}, &counts{}, nil
	var encoding Encoding
	var err error
	switch c.shape {
	case eventLog:
		err = r.eventLog(c.r)
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
			r.line.Time, r.line.Number, r.line.JSON, r.line.Strict = record.Time, record.ID, true, true
			if r.text, err = record.AppendJSON(r.text[:0]); err == nil {
				if err := r.give(r.text); err != nil {
					return err
				}
				continue
			}
			r.refuse(Lost, 0, 0, 1)
		}
		damage, ok := errors.AsType[*evtx.DamageError](err)
		switch {
		case ok:
			r.refuse(Lost, 0, damage.Offset, damage.Lost)
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
