package segment

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"

	"github.com/kizuki-security/kizuki/internal/logs/lake/table"
	"github.com/kizuki-security/kizuki/internal/logs/query"
)

const (
	pageBytes = 4096 // what one sum covers
	// A column is handed over in one call for each block and flushed behind it, so its page holds the whole block
	// however small this is; a large value would only reserve as much for each of the columns.
	bufferBytes = 32 << 10
)

// Written is what became of a file.
type Written struct {
	Meta   *Meta
	Size   int64
	SHA256 [sha256.Size]byte
	Footer uint64 // XXH64 of everything behind Meta.Data
}

// Writer writes one sealed file, block by block.
type Writer struct {
	out     *summer
	pq      *parquet.GenericWriter[any]
	columns []*parquet.ColumnWriter // as in the file
	handed  []*handed               // of columns
	at      []int                   // where the columns of table.Names, and the four behind them, stand in columns
	meta    Meta
	sources map[string]*gathered
	seqs    []int64
	offsets []uint32
}

type gathered struct {
	seqs     []uint64
	bytes    int64
	from, to int64
}

// NewWriter begins a file with these columns.
func NewWriter(w io.Writer, columns Columns) (*Writer, error) {
	schema, byName := schemaOf(&columns)
	var names []string
	var all []*handed
	for _, path := range schema.Columns() {
		names = append(names, path[0])
		all = append(all, byName[path[0]])
	}
	at, ok := columnIndexes(names, &columns)
	if !ok {
		return nil, fmt.Errorf("schema without a column of its own: %w", query.ErrNotKept)
	}
	out := &summer{w: w, whole: sha256.New(), footer: xxhash.New(), page: xxhash.New()}
	options := []parquet.WriterOption{
		schema, parquet.PageBufferSize(bufferBytes), parquet.WriteBufferSize(0),
		parquet.CreatedBy("kizuki", strconv.Itoa(Version), ""), parquet.DataPageStatistics(false),
	}
	for _, column := range schema.Columns() {
		options = append(options, parquet.SkipPageBounds(column...))
	}
	pq := parquet.NewGenericWriter[any](out, options...)
	return &Writer{
		out: out, pq: pq, columns: pq.ColumnWriters(), handed: all, at: at, sources: map[string]*gathered{},
		meta: Meta{Version: Version, Columns: columns},
	}, nil
}

// Add writes a block.
func (w *Writer) Add(b *table.Block) error {
	for i := range b.Cols {
		if b.Cols[i] != nil && w.meta.Absent&(1<<i) != 0 {
			return fmt.Errorf("column %s has values: %w", columnNames[i], query.ErrNotKept)
		}
	}
	for i := range table.Columns + 4 {
		at := w.at[i]
		if at < 0 {
			continue
		}
		w.hand(w.handed[at], b, i)
		if err := w.handed[at].write(w.columns[at]); err != nil {
			return err
		}
	}
	if err := w.pq.Flush(); err != nil {
		return err
	}
	w.note(b)
	return nil
}

// note remembers what the meta says of a block.
func (w *Writer) note(b *table.Block) {
	m := Block{Rows: b.Rows(), From: b.Stat.From, To: b.Stat.To, Source: b.Stat.Source, Bytes: b.Stat.Bytes}
	for i, c := range b.Cols {
		if c != nil {
			m.Cols |= 1 << i
		}
	}
	w.meta.Blocks = append(w.meta.Blocks, m)
	var g *gathered
	last := ""
	for i := range b.Seqs {
		if source := b.Value(table.Source, i); g == nil || source != last {
			if last, g = source, w.sources[source]; g == nil {
				g = &gathered{from: b.Times[i], to: b.Times[i]}
				w.sources[source] = g
			}
		}
		g.seqs = append(g.seqs, b.Seqs[i])
		g.bytes += int64(len(b.Raw(i)))
		g.from, g.to = min(g.from, b.Times[i]), max(g.to, b.Times[i])
	}
}

// hand hands over a column of a block, by its place among table.Names and what stands behind them.
func (w *Writer) hand(h *handed, b *table.Block, place int) {
	switch place - table.Columns {
	case 0:
		w.seqs = w.seqs[:0]
		for _, seq := range b.Seqs {
			w.seqs = append(w.seqs, int64(seq))
		}
		h.values(encoding.Int64Values(w.seqs), b.Rows())
	case 1:
		h.values(encoding.Int64Values(b.Times), b.Rows())
	case 2:
		h.values(encoding.Int64Values(b.Received), b.Rows())
	case 3:
		w.offsets = append(append(w.offsets[:0], 0), b.Ends...)
		h.values(encoding.ByteArrayValues(b.Text, w.offsets), b.Rows())
	default:
		c := b.Cols[place]
		switch {
		case c != nil && scattered(place):
			h.spread(c.Values, c.Codes, b.Rows())
		case c != nil:
			h.coded(c.Values, c.Codes)
		case scattered(place):
			h.spread(nil, nil, b.Rows())
		default:
			h.alike(b.Rows())
		}
	}
}

// Close writes the footer. id, level, day and replaces stand in it; see Meta.
func (w *Writer) Close(id uint64, level int, day int32, replaces []uint64) (Written, error) {
	m := &w.meta
	m.ID, m.Level, m.Day, m.Replaces = id, level, day, replaces
	m.Data, m.Sums = w.out.endData()
	for name, g := range w.sources {
		m.Sources = append(m.Sources, Source{
			Name: name, Rows: len(g.seqs), Bytes: g.bytes, Ranges: Gather(g.seqs), From: g.from, To: g.to,
		})
	}
	slices.SortFunc(m.Sources, func(a, b Source) int { return strings.Compare(a.Name, b.Name) })
	text, sum, err := m.pack()
	if err != nil {
		return Written{}, err
	}
	w.pq.SetKeyValueMetadata(metaKey, text)
	w.pq.SetKeyValueMetadata(sumKey, sum)
	if err := w.pq.Close(); err != nil {
		return Written{}, err
	}
	return Written{
		Meta: m, Size: w.out.size, SHA256: [sha256.Size]byte(w.out.whole.Sum(nil)), Footer: w.out.footer.Sum64(),
	}, nil
}

// summer hashes what goes through it: the whole, each page of the data, and what stands behind the data.
type summer struct {
	w      io.Writer
	whole  hash.Hash
	page   *xxhash.Digest
	footer *xxhash.Digest
	sums   []byte
	size   int64
	ended  bool
}

func (s *summer) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	p = p[:n]
	_, _ = s.whole.Write(p)
	if s.ended {
		_, _ = s.footer.Write(p)
		s.size += int64(n)
		return n, err
	}
	for len(p) > 0 {
		room := min(len(p), pageBytes-int(s.size%pageBytes))
		_, _ = s.page.Write(p[:room])
		s.size += int64(room)
		p = p[room:]
		if s.size%pageBytes == 0 {
			s.endPage()
		}
	}
	return n, err
}

func (s *summer) endPage() {
	s.sums = binary.LittleEndian.AppendUint64(s.sums, s.page.Sum64())
	s.page.Reset()
}

// endData says that what follows is no page any more.
func (s *summer) endData() (size int64, sums []byte) {
	if s.size%pageBytes != 0 {
		s.endPage()
	}
	s.ended = true
	return s.size, s.sums
}

// Binary names the columns that table.View.Binary found.
func Binary(places []int) []string {
	names := make([]string, len(places))
	for i, place := range places {
		names[i] = messageColumn
		if place < table.Columns {
			names[i] = columnNames[place]
		}
	}
	slices.Sort(names)
	return names
}
