package lake

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/scan"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// States of a file that was to be imported.
const (
	Done        = "done"        // every record that can be read is in the lake
	Already     = "already"     // it was taken in before; nothing was done
	Failed      = "failed"      // it, or all that is in it, cannot be read
	Interrupted = "interrupted" // the person stopped; Kept are in the lake, and the next import goes on behind them
)

// Imported is what became of a file. Read = Kept + Before + the sum of Refused.
type Imported struct {
	File    string            `json:"file"`
	State   string            `json:"state"`
	SHA256  string            `json:"sha256"`
	Read    uint64            `json:"read"`    // records
	Kept    uint64            `json:"kept"`    // on disk, and in the lake for good
	Raw     uint64            `json:"raw"`     // of Kept: text that no reader understands
	Broken  uint64            `json:"broken"`  // of Raw: lines of JSON files that are no JSON
	Turned  uint64            `json:"turned"`  // of Kept: lines of CP932 or UTF-16 that were turned into UTF-8
	AsBytes uint64            `json:"bytes"`   // of Kept: lines of an unknown encoding, kept as they are, or of broken UTF-16
	Before  uint64            `json:"before"`  // kept by an import that was interrupted, or when the file was smaller
	Refused map[string]uint64 `json:"refused"` // by reason
	Sources map[string]uint64 `json:"sources"` // records by source
	// Where the first Broken and Refused stood.
	BrokenAt  []Place `json:"broken_at"`
	RefusedAt []Place `json:"refused_at"`
	// Lost are files that cannot be read, or not to their end, with the reason: this one, or members of an archive.
	Lost     []Lost     `json:"lost"`
	Encoding string     `json:"encoding"` // of a text: utf8, utf16, cp932, bytes, see internal/logs/scan; "": no text; mixed: members differ
	At       *time.Time `json:"at"`       // Already: when that was; with After: when it was taken in before
	After    int64      `json:"after"`    // bytes: the file was taken in when it had so many, and this import went on behind them; 0: as a whole
}

// Place is where something stood.
type Place struct {
	File    string `json:"file"`
	Line    uint64 `json:"line"`    // from 1; 0: no text
	Byte    int64  `json:"byte"`    // of Refused: from 0, in the unpacked text
	Records uint64 `json:"records"` // that stood there
	Reason  string `json:"reason"`
}

// places is how many of each are named for a file; all are counted.
const places = 10

// Lost is a file, or a member of an archive, that was not read to its end.
type Lost struct {
	File   string `json:"file"`
	Reason string `json:"reason"`
}

// ImportOptions of Import.
type ImportOptions struct {
	Source   string // of all records; "": the channel of Windows, or the name of the file
	Again    bool   // take files in although they were taken in before
	File     func(*Imported) error
	Progress func(done, total int64) // bytes of files
	Checking func(done, total int64) // bytes of one file, while it is found out whether it was taken in before
}

// Limits of one import: an object or line, and what goes to the lake at once.
const (
	longestLine  = 4 << 20
	batchRecords = 16384
	batchBytes   = 2 << 20 // more than the lake waits for before it syncs
	recordBytes  = 64      // beside its text, as the lake counts
)

// Import takes files in, one after another. What is counted as kept is on disk. When the context ends, what was
// acknowledged stays, the file in work is told as Interrupted, and the error is that of the context. Problem keys: those
// of Open, and app.lake.reason.no_room.
func (l *Lake) Import(ctx context.Context, files []scan.File, o ImportOptions) error {
	if o.Source != "" && !event.ValidSource(o.Source) {
		return problem.Invalid("source", "app.lake.reason.bad_source", "detail", o.Source)
	}
	if _, err := l.witness.ready(ctx); err != nil { // what cannot be signed is not taken in
		return err
	}
	j, err := readJournal(l.dir, l.newest())
	if err != nil {
		return err
	}
	total := int64(0)
	for _, f := range files {
		total += f.Size
	}
	if err := l.Note(ctx, Act{Act: ImportBegun, Files: len(files), Source: o.Source}); err != nil {
		return err
	}
	end := Act{Act: LinesKept, Source: o.Source}
	tell := o.File
	o.File = func(f *Imported) error {
		end.count(f)
		return tell(f)
	}
	in := &intake{lake: l, options: o, journal: j, decoder: newDecoder(), total: total}
	err = in.all(ctx, files)
	end.Stopped = err != nil
	return errors.Join(err, l.Note(context.WithoutCancel(ctx), end))
}

func (in *intake) all(ctx context.Context, files []scan.File) error {
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := in.file(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// intake takes in one file after another.
type intake struct {
	lake    *Lake
	options ImportOptions
	journal *journal
	decoder *decoder
	total   int64
	input   atomic.Int64
	told    int64 // bytes of files before this one

	now     *Imported
	begun   bool // the journal has the begin of this file
	had     had
	records []event.Record
	size    int
	kinds   []kind // of records
	slab    []byte // the raw lines of records
	names   map[string]string
}

// kind is what of a record is counted.
type kind uint8

const (
	isRaw kind = 1 << iota
	isBroken
	isTurned
	isBytes
)

func (in *intake) file(ctx context.Context, f scan.File) error {
	in.now = &Imported{File: f.Path, Refused: map[string]uint64{}, Sources: map[string]uint64{}, BrokenAt: []Place{}, RefusedAt: []Place{}, Lost: []Lost{}}
	if f.Error != nil {
		in.now.State, in.now.Lost = Failed, []Lost{{f.Path, string(f.Error.Reason)}}
		return in.options.File(in.now)
	}
	if err := in.known(ctx, f); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		in.now.State, in.now.Lost = Failed, []Lost{{f.Path, string(scan.Unreadable)}}
		return in.options.File(in.now)
	}
	if in.now.State == Already {
		in.told += f.Size
		return in.options.File(in.now)
	}
	return in.take(ctx, f)
}

// take reads the file into the lake, with a note in the journal before and behind.
func (in *intake) take(ctx context.Context, f scan.File) error {
	in.names = map[string]string{}
	in.begun = false
	in.input.Store(0)
	err := scan.Read(ctx, []scan.File{f}, scan.ReadOptions{
		Limits: scan.Limits{Object: longestLine}, Input: &in.input,
		Line: func(line *scan.Line) error { return in.line(ctx, line) },
		File: in.member, Refused: in.refused,
	})
	if err == nil || ctx.Err() != nil && !errors.Is(err, errAppend) {
		err = errors.Join(err, in.flush(context.WithoutCancel(ctx)))
	}
	end := in.entry("end")
	end.Kept, end.Whole = in.had.records+in.now.Kept, err == nil
	end.Encoding, end.Turned, end.AsBytes = in.now.Encoding, in.now.Turned, in.now.AsBytes
	switch {
	case err != nil:
		in.now.State = Interrupted
	case in.now.Before+in.now.Kept == 0 && len(in.now.Lost) > 0:
		in.now.State, end.Whole = Failed, false
	default:
		in.now.State = Done
	}
	if in.told += f.Size; !in.had.passed {
		in.now.At, in.now.After = nil, 0
	}
	var noted error
	if err == nil || in.begun { // else nothing came in, and what is known stays as it is: perhaps not all of it was passed yet
		noted = in.full(in.journal.add(end))
	}
	if err != nil {
		noted = nil // without it, the next import counts what the sources grew by
	}
	return errors.Join(noted, in.options.File(in.now), told(err, in.lake.dir))
}

// full tells of a disk without room.
func (in *intake) full(err error) error {
	if disk.Full(err) {
		return problem.TooLarge("app.lake.reason.no_room", "detail", err.Error()).Because(err)
	}
	return err
}

// errAppend marks that the lake took no more.
var errAppend = errors.New("the lake takes no more")

// line makes a record of a line and hands it over when enough have come together.
func (in *intake) line(ctx context.Context, line *scan.Line) error {
	if in.had.later(line) {
		return nil
	}
	in.now.Read++
	if in.had.before(line) {
		in.now.Before++
		return nil
	}
	r := event.Record{Format: event.Raw, Time: line.Time}
	what := in.read(line, &r)
	r.Time = r.Time.UTC().Truncate(time.Microsecond)
	if r.Source = in.options.Source; r.Source == "" {
		r.Source = in.source(channelOf(&r), line.File)
	}
	in.records, in.kinds = append(in.records, r), append(in.kinds, what)
	in.size += len(line.Text) + recordBytes
	if len(in.records) < batchRecords && in.size < batchBytes {
		return nil
	}
	if in.options.Progress != nil {
		in.options.Progress(in.told+in.input.Load(), in.total)
	}
	return in.flush(ctx)
}

// read sets what the line holds.
func (in *intake) read(line *scan.Line, r *event.Record) kind {
	what := isRaw
	text := line.Text
	if line.JSON {
		object := line.Object()
		err := in.decoder.fill(r, object)
		if err == nil {
			r.Format, what, text = event.JSON, 0, object
		} else if line.Strict && !tooMuch(err) {
			what |= isBroken
		}
	} else if line.Strict {
		what |= isBroken
	}
	from := len(in.slab)
	in.slab = append(in.slab, text...)
	r.Raw = in.slab[from:len(in.slab):len(in.slab)]
	if what&isBroken != 0 && len(in.now.BrokenAt) < places {
		in.now.BrokenAt = append(in.now.BrokenAt, Place{line.File, line.Number, 0, 1, string(scan.NotJSON)})
	}
	switch line.Encoding {
	case scan.CP932, scan.UTF16:
		what |= isTurned
	case scan.Bytes:
		what |= isBytes
	case scan.UTF8:
	}
	return what
}

// refused notes where something was refused.
func (in *intake) refused(r scan.Refusal) {
	if len(in.now.RefusedAt) < places {
		in.now.RefusedAt = append(in.now.RefusedAt, Place{r.File, r.Line, r.Byte, r.Records, string(r.Reason)})
	}
}

func (in *intake) source(channel, file string) string {
	key := channel + "\x00" + file
	name, ok := in.names[key]
	if !ok {
		name = sourceOf(channel, file)
		in.names[key] = name
	}
	return name
}

// flush waits until the lake has what was gathered on disk, and counts it.
func (in *intake) flush(ctx context.Context) error {
	if err := in.begin(); err != nil {
		return err
	}
	acked, err := in.lake.store.Append(ctx, in.records)
	for i := range acked {
		in.now.Kept++
		in.now.Sources[in.records[i].Source]++
		in.now.count(in.kinds[i])
	}
	in.now.Read -= uint64(len(in.records) - acked) // the next import reads them
	in.records, in.kinds, in.slab, in.size = in.records[:0], in.kinds[:0], in.slab[:0], 0
	if err != nil {
		return fmt.Errorf("%w: %w", errAppend, err)
	}
	return nil
}

// count counts a record that is kept.
func (f *Imported) count(what kind) {
	if what&isRaw != 0 {
		f.Raw++
	}
	if what&isBroken != 0 {
		f.Broken++
	}
	if what&isTurned != 0 {
		f.Turned++
	}
	if what&isBytes != 0 {
		f.AsBytes++
	}
}

// member takes the report of a file, or of a member of an archive.
func (in *intake) member(f *scan.FileReport, encoding scan.Encoding) error {
	for reason, n := range f.Refused {
		in.now.Refused[string(reason)] += n
		in.now.Read += n
	}
	if f.Error != nil && f.Error.Reason != scan.Interrupted {
		in.now.Lost = append(in.now.Lost, Lost{f.Name, string(f.Error.Reason)})
	}
	switch {
	case encoding == "" || in.now.Encoding == string(encoding):
	case in.now.Encoding == "":
		in.now.Encoding = string(encoding)
	default:
		in.now.Encoding = "mixed"
	}
	return nil
}
