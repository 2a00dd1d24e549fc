package lake

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kizuki-security/kizuki/internal/logs/event"
	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
	"github.com/kizuki-security/kizuki/internal/logs/lake/segment"
	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
)

// merge makes files of one source each out of inputs of one day, and puts them in their place.
func (l *Lake) merge(ctx context.Context, inputs []*sealed) error {
	m := &merger{l: l, ctx: ctx, inputs: inputs}
	err := m.run()
	for _, c := range m.cursors { // before the inputs go: Windows removes no file that is open
		err = errors.Join(err, l.cache.release(c.o))
	}
	if err != nil {
		return errors.Join(err, m.abandon())
	}
	if err := m.check(); err != nil {
		return errors.Join(err, m.abandon())
	}
	if l.config.Evidence != nil {
		err := l.asSigned(inputs)
		if err == nil {
			err = m.prove()
		}
		if err != nil {
			l.alarm("evidence", inputs[0].Name, err)
			return errors.Join(err, m.abandon())
		}
		l.clear("evidence", inputs[0].Name)
	}
	return l.replace(m)
}

// merger merges inputs in the order of source, time and sequence.
type merger struct {
	l       *Lake
	ctx     context.Context //nolint:containedctx // a merger lives as long as one call
	inputs  []*sealed
	cursors []*cursor
	outputs []*output
	out     *output
	rows    *table.Table
	round   int // how often rows was begun
	source  string
	written int // rows in out
	block   table.Block
}

// cursor walks through the rows of one input.
type cursor struct {
	o     *opened
	block int
	row   int
	data  *table.Block // nil: at the end
	codes [][]uint32   // for the rows that are gathered now
	round int          // which those are; 0: none
}

func (c *cursor) load() error {
	c.data, c.row, c.round = nil, 0, 0
	if c.block == len(c.o.reader.Meta.Blocks) {
		return nil
	}
	var err error
	c.data, err = c.o.reader.Block(c.block)
	c.block++
	return err
}

func (c *cursor) source() string { return c.data.Value(table.Source, c.row) }

// less is the order of the rows two cursors stand at.
func (c *cursor) less(d *cursor) bool {
	if d.data == nil || c.data == nil {
		return c.data != nil
	}
	if a, b := c.source(), d.source(); a != b {
		return a < b
	}
	if a, b := c.data.Times[c.row], d.data.Times[d.row]; a != b {
		return a < b
	}
	return c.data.Seqs[c.row] < d.data.Seqs[d.row]
}

func (m *merger) run() error {
	for _, f := range m.inputs {
		o, err := m.l.cache.open(m.l.fs, f)
		if err != nil {
			return m.l.noteDamage(f, err)
		}
		c := &cursor{o: o}
		m.cursors = append(m.cursors, c)
		if err := c.load(); err != nil {
			return m.l.noteDamage(f, err)
		}
	}
	for n := 0; ; n++ {
		least := m.cursors[0]
		for _, c := range m.cursors[1:] {
			if c.less(least) {
				least = c
			}
		}
		if least.data == nil {
			return m.endFile()
		}
		if err := m.take(least); err != nil {
			return err
		}
		if least.row++; least.row == least.data.Rows() {
			if err := least.load(); err != nil {
				return m.l.noteDamage(least.o.file, err)
			}
			if err := m.ctx.Err(); err != nil {
				return err
			}
		}
	}
}

// take puts the row at a cursor into the output.
func (m *merger) take(c *cursor) error {
	source := c.source()
	if m.out == nil || source != m.source || m.written >= m.l.config.Limits.MergeRows {
		if err := m.begin(source); err != nil {
			return err
		}
	}
	if m.rows == nil {
		m.rows, m.round = table.New(), 1
	}
	if c.round != m.round {
		c.round, c.codes = m.round, table.Codes(c.data)
	}
	m.rows.AddRow(c.data, c.row, c.codes)
	m.written++
	if m.rows.Rows() == table.BlockRows || m.rows.Held() >= table.BlockBytes {
		return m.endBlock()
	}
	return nil
}

// begin ends the present file and begins the next one.
func (m *merger) begin(source string) error {
	if err := m.endFile(); err != nil {
		return err
	}
	binary := map[string]bool{}
	promoted, has := len(event.Promoted), uint64(0)
	for _, c := range m.cursors {
		promoted = min(promoted, c.o.reader.Promoted())
		for i := range c.o.reader.Meta.Blocks {
			if b := &c.o.reader.Meta.Blocks[i]; b.Source == "" || b.Source == source {
				has |= b.Cols
			}
		}
		for _, name := range c.o.reader.Meta.Binary {
			binary[name] = true
		}
	}
	names := make([]string, 0, len(binary))
	for name := range binary {
		names = append(names, name)
	}
	slices.Sort(names)
	m.l.mu.Lock()
	id := m.l.nextID
	m.l.nextID++
	m.l.mu.Unlock()
	o, err := m.l.newOutput(m.inputs[0].Day, source, id, segment.Columns{
		Promoted: promoted, Absent: table.AllPromoted &^ has, Binary: names,
	})
	if err != nil {
		return err
	}
	m.out, m.source, m.written = o, source, 0
	m.outputs = append(m.outputs, o)
	return nil
}

func (m *merger) endBlock() error {
	if m.rows == nil || m.rows.Rows() == 0 {
		return nil
	}
	view := m.rows.View()
	for _, rows := range view.Cut(view.Order(0, view.Rows())) {
		if err := m.out.add(view.Into(&m.block, rows)); err != nil {
			return err
		}
	}
	m.rows.Reset()
	m.round++
	return nil
}

func (m *merger) endFile() error {
	if m.out == nil {
		return nil
	}
	if err := m.endBlock(); err != nil {
		return err
	}
	level := 0
	ids := make([]uint64, len(m.inputs))
	for i, f := range m.inputs {
		level = max(level, f.Level)
		ids[i] = f.ID
	}
	_, err := m.out.finish(level+1, ids)
	m.out = nil
	return err
}

// check compares what was written with the inputs, by source and sequence number.
func (m *merger) check() error {
	by := make([]*sealed, len(m.outputs))
	got, want := 0, 0
	for i, o := range m.outputs {
		by[i] = o.file
		got += o.file.Rows()
	}
	for _, f := range m.inputs {
		want += f.Rows()
		if !covered(f, by, nil) {
			return fmt.Errorf("merge of %s: records are missing: %w", f.Name, segment.ErrDamaged)
		}
	}
	if got != want {
		return fmt.Errorf("merge of %s: %d records instead of %d: %w", m.inputs[0].Name, got, want, segment.ErrDamaged)
	}
	return nil
}

// prove gets the notes of the outputs, which name what they replace.
func (m *merger) prove() error {
	m.l.proving.Lock()
	defer m.l.proving.Unlock()
	var replaces []Unit
	for _, f := range m.inputs {
		unit := m.l.unitOf(f)
		var err error
		if unit.Note, err = disk.ReadFile(m.l.fs, f.notePath(), largestNote); err != nil {
			return err
		}
		replaces = append(replaces, unit)
	}
	for _, o := range m.outputs {
		if err := m.l.note(m.ctx, o.file, o.path+disk.Part, replaces); err != nil {
			return err
		}
	}
	return nil
}

// abandon removes what was written.
func (m *merger) abandon() error {
	var errs []error
	for _, o := range m.outputs {
		errs = append(errs, o.abandon(), m.l.fs.Remove(beside(o.path, ".note")))
	}
	return errors.Join(errs...)
}
