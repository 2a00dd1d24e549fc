// Package corpus makes log lines: seven days of an office and a plant behind two firewalls, the same for the same seed,
// faster than a store takes them. The lines keep to the forms that devices write, and are made up here.
//
// Shares of lines: FortiGate 38 %, Cisco ASA 10 %, Windows security log as JSON 15 %, squid 20 %, nginx 7 %, and 10 % as
// syslog servers gather them (Linux, OpenSSH, Apache, Windows servicing, Proxifier, a Japanese production system). Needles
// lie at fixed places, so that a test knows how often each must be found.
package corpus

import (
	"iter"
	"math/rand/v2"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/event"
)

// Needles: texts that stand in the lines of a corpus as often as Config.Needles says, and nowhere else.
const (
	NeedleIP       = "203.0.113.77"             // source address of a firewall line
	NeedleWord     = "sekurlsa::logonpasswords" // in the command line of a process on Windows
	NeedleBreakIn  = "BREAK-IN"                 // in a line of sshd
	NeedleJapanese = "不審な持ち出し"                  // in a line of the production system
)

// Sources are the names of the sources, as records have them.
var Sources = []string{"firewall", "proxy", "syslog", "web", "windows"}

// Config says what to make. The zero values of Seed, From and Days stand for 20261123, 2026-11-16 and 7.
type Config struct {
	Events int // up to 1 billion
	Seed   uint64
	From   time.Time // UTC
	Days   int
	// Lines are real lines that take the place of the made-up syslog lines, over and over; needles stay.
	Lines [][]byte
}

// Count is how often each needle stands in a corpus.
type Count struct{ IP, Word, BreakIn, Japanese int }

// Needles counts the needles: 37 addresses, 11 words, 1,666 attempts and 53 Japanese texts in 2 million lines, in proportion
// in others, but at least one each in 100 lines and more.
func (c Config) Needles() Count {
	n := func(in2M int) int {
		if c.Events < 100 {
			return 0
		}
		return max(1, int(int64(c.Events)*int64(in2M)/2_000_000))
	}
	return Count{IP: n(37), Word: n(11), BreakIn: n(1666), Japanese: n(53)}
}

// Generator makes the records of a corpus one after another.
type Generator struct {
	config  Config
	rng     *rand.Rand
	at      int // number of the next record
	seqs    map[string]uint64
	minutes []int64 // weight of each minute and all before it
	minute  int
	needles []needle
	// Free rests of the blocks that raw lines and fields are cut from.
	freeBytes  []byte
	freeFields []event.Field
	tables
	line
}

// needle is one kind of needle: it stands at every step-th record from its own offset on.
type needle struct {
	count, given int
	next         int
	make         func(*Generator, *event.Record)
}

// New begins a corpus.
func New(c Config) *Generator {
	if c.Seed == 0 {
		c.Seed = 20261123
	}
	if c.From.IsZero() {
		c.From = time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	}
	if c.Days == 0 {
		c.Days = 7
	}
	g := &Generator{
		config: c, seqs: map[string]uint64{},
		rng: rand.New(rand.NewPCG(c.Seed, 7)), //nolint:gosec // a repeatable corpus, not a secret
	}
	g.tables = newTables(g.rng)
	g.minutes = dayCurve(c.From, c.Days)
	n := c.Needles()
	g.needles = []needle{
		{count: n.IP, make: func(g *Generator, r *event.Record) { g.fortiGate(r, NeedleIP) }},
		{count: n.Word, make: func(g *Generator, r *event.Record) { g.process(r, commands[0]) }},
		{count: n.BreakIn, make: (*Generator).breakIn},
		{count: n.Japanese, make: func(g *Generator, r *event.Record) { g.production(r, NeedleJapanese) }},
	}
	for i := range g.needles {
		g.needles[i].place(c.Events, i)
	}
	return g
}

// place sets where the next needle goes: in the middle of its share of the corpus, a little aside for each kind, so that no
// two kinds want the same record.
func (n *needle) place(events, kind int) {
	if n.given == n.count {
		n.next = -1
		return
	}
	n.next = (2*n.given+1)*events/(2*n.count)/8*8 + kind
}

// hours are the weights of the hours of a working day in Japan: few lines at night, most in office hours.
var hours = [24]int64{15, 15, 15, 15, 15, 17, 24, 41, 70, 101, 115, 108, 88, 92, 104, 105, 95, 78, 55, 37, 26, 19, 17, 16}

// dayCurve adds up the weights of the minutes. All of it is done in whole numbers: they are the same on every machine.
func dayCurve(from time.Time, days int) []int64 {
	var sum int64
	out := make([]int64, 0, days*24*60)
	for m := range days * 24 * 60 {
		at := from.Add(time.Duration(m) * time.Minute).In(japan)
		weight := hours[at.Hour()]
		if d := at.Weekday(); d == time.Saturday || d == time.Sunday {
			weight = 12 + weight/5
		}
		sum += weight
		out = append(out, sum)
	}
	return out
}

// time is when record i is received: evenly inside its minute.
func (g *Generator) time(i int) time.Time {
	all := 2 * int64(g.config.Events)
	share := (2*int64(i) + 1) * g.minutes[len(g.minutes)-1] // of all times the whole weight
	for g.minutes[g.minute]*all < share {
		g.minute++
	}
	before := int64(0)
	if g.minute > 0 {
		before = g.minutes[g.minute-1]
	}
	part := (share - before*all) * 1000 / all * 60_000 / (g.minutes[g.minute] - before)
	return g.config.From.Add(time.Duration(int64(g.minute)*60_000_000+min(part, 59_999_999)) * time.Microsecond)
}

// Next makes the next record in r; false: there are no more. Bytes and fields are r's to keep.
func (g *Generator) Next(r *event.Record) bool {
	if g.at >= g.config.Events {
		return false
	}
	i := g.at
	g.at++
	*r = event.Record{Received: g.time(i)}
	// Most devices stamp a line before it is sent; some of their clocks are behind.
	r.Time = r.Received.Add(-time.Duration(g.rng.IntN(2_000_000)) * time.Microsecond)
	if cap(g.freeBytes) < 8<<10 {
		g.freeBytes = make([]byte, 0, 1<<20)
	}
	if cap(g.freeFields) < 64 {
		g.freeFields = make([]event.Field, 0, 4096)
	}
	g.line = line{b: g.freeBytes[:0], fields: g.freeFields[:0]}
	g.fill(r, i)
	r.Time = r.Time.Truncate(grain(r.App))
	n, f := len(g.b), len(g.fields)
	r.Raw = g.b[:n:n]
	g.freeBytes = g.b[n:n]
	if f > 0 {
		r.Fields = g.fields[:f:f]
		g.freeFields = g.fields[f:f]
	}
	g.seqs[r.Source]++
	r.Seq = g.seqs[r.Source]
	return true
}

// grain is how fine the time in the lines of a program is: a record has the time that its line says.
func grain(app string) time.Duration {
	switch app {
	case "fortigate", "security":
		return time.Microsecond
	case "squid":
		return time.Millisecond
	}
	return time.Second
}

func (g *Generator) fill(r *event.Record, i int) {
	r.Format = event.Raw
	for kind := range g.needles {
		if n := &g.needles[kind]; n.next == i {
			n.given++
			n.place(g.config.Events, kind)
			n.make(g, r)
			return
		}
	}
	switch kind := g.rng.IntN(100); {
	case kind < 38:
		g.fortiGate(r, "")
	case kind < 48:
		g.asa(r)
	case kind < 63:
		g.windows(r)
	case kind < 83:
		g.squid(r)
	case kind < 90:
		g.nginx(r)
	case len(g.config.Lines) > 0:
		r.Source, r.Severity = "syslog", 1
		g.b = append(g.b, g.config.Lines[i%len(g.config.Lines)]...)
	default:
		g.syslog(r)
	}
}

// Records gives all records of a corpus; each is the caller's to keep.
func Records(c Config) iter.Seq[event.Record] {
	return func(yield func(event.Record) bool) {
		g := New(c)
		var r event.Record
		for g.Next(&r) {
			if !yield(r) {
				return
			}
		}
	}
}

// Batches gives the records in batches of n; the last may be shorter. Each batch is the caller's to keep.
func Batches(c Config, n int) iter.Seq[[]event.Record] {
	return func(yield func([]event.Record) bool) {
		g := New(c)
		for left := c.Events; left > 0; left -= n {
			batch := make([]event.Record, min(n, left))
			for i := range batch {
				g.Next(&batch[i])
			}
			if !yield(batch) {
				return
			}
		}
	}
}
