package scan

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/kizuki-security/kizuki/evtx"
)

// Dump gives the records of event logs as JSON objects without line breaks, in the order of files and records.
// text is valid during the call of line. file takes the report of each file; what is no event log is refused.
// The error is that of line, of file or of the context.
func Dump(ctx context.Context, files []File, limits Limits, line func(text []byte) error, file func(*FileReport) error) error {
	var told error
	report := func(name string, c *counts, notes []string, failed *FileError) error {
		r := &FileReport{Name: name, Notes: notes, Error: failed}
		r.counted(c)
		return file(r)
	}
	d := &dumper{line: line, report: report}
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if f.Error != nil {
			if err := report(f.Path, &counts{}, nil, f.Error); err != nil {
				return err
			}
			continue
		}
		o := &opener{
			ctx: ctx, limits: limits.orDefault(), input: new(atomic.Int64), visit: d.read,
			refused: func(name string, why *FileError) { told = errors.Join(told, report(name, &counts{}, nil, why)) },
		}
		if err := errors.Join(o.open(f.Path), told); err != nil {
			return err
		}
	}
	return nil
}

type dumper struct {
	line   func([]byte) error
	report func(string, *counts, []string, *FileError) error
	text   []byte
	safe   []byte
}

func (d *dumper) read(c content) error {
	sum := &counts{}
	if c.shape != eventLog {
		return d.report(c.name, sum, nil, &FileError{Reason: Unknown})
	}
	var notes []string
	for record, err := range evtx.NewReader(c.r, evtx.Options{}).Records() {
		if err == nil {
			d.text, err = record.AppendJSON(d.text[:0])
			if err == nil {
				sum.read++
				sum.scanned++
				d.safe = appendHarmless(d.safe[:0], d.text)
				if err := d.line(d.safe); err != nil {
					return err
				}
				continue
			}
			sum.refuse(Lost, 1)
		}
		damage, ok := errors.AsType[*evtx.DamageError](err)
		switch {
		case ok:
			sum.refuse(Lost, damage.Lost)
			if len(notes) < mostNotes {
				notes = append(notes, damage.Error())
			}
		case errors.Is(err, evtx.ErrNotEventLog):
			return d.report(c.name, sum, notes, &FileError{Unknown, err})
		default:
			if stopped, ok := errors.AsType[*stop](err); ok {
				return errors.Join(d.report(c.name, sum, notes, &FileError{Reason: Interrupted}), stopped.err)
			}
			return d.report(c.name, sum, notes, fileError(Unreadable, err))
		}
	}
	return d.report(c.name, sum, notes, nil)
}
