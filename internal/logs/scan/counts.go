package scan

import "maps"

// counts add up: read = scanned + the sum of refused.
type counts struct {
	read, scanned, hits uint64
	unsourced           uint64 // of scanned
	refused             map[Reason]uint64
}

func (c *counts) refuse(reason Reason, n uint64) {
	if n == 0 {
		return
	}
	if c.refused == nil {
		c.refused = map[Reason]uint64{}
	}
	c.read += n
	c.refused[reason] += n
}

func (c *counts) add(other *counts) {
	c.read += other.read
	c.scanned += other.scanned
	c.hits += other.hits
	c.unsourced += other.unsourced
	if len(other.refused) > 0 && c.refused == nil {
		c.refused = map[Reason]uint64{}
	}
	for reason, n := range other.refused {
		c.refused[reason] += n
	}
}

// FileReport is what became of one file, or one member of an archive. Read = Scanned + the sum of Refused.
type FileReport struct {
	Name                string
	Read, Scanned, Hits uint64
	Refused             map[Reason]uint64 // records by reason; nil: none
	Unsourced           uint64            // of Scanned: neither a channel nor Options.Source, so only rules without a log source could find anything
	Notes               []string          // damages of an event log, in English, at most 20
	Error               *FileError        // why it was not read, or not to its end
}

// Total is the sum over all files.
type Total struct {
	Files, FilesRefused uint64
	Read, Scanned, Hits uint64
	Refused             map[Reason]uint64
	RefusedFiles        map[Reason]uint64
	Unsourced           uint64
	NotTried            int // files left when the scan was interrupted
	// Correlations count what they left out: events without a time, those given up for their bounds, those that came
	// after their time had been settled early, and those from after Options.Latest.
	Untimed, Evicted, Dropped, Hurried, Late, Future int
}

func (t *Total) add(f *FileReport) {
	t.Files++
	t.Read += f.Read
	t.Scanned += f.Scanned
	t.Hits += f.Hits
	t.Unsourced += f.Unsourced
	for reason, n := range f.Refused {
		t.Refused[reason] += n
	}
	if f.Error != nil {
		t.FilesRefused++
		t.RefusedFiles[f.Error.Reason]++
	}
}

func (f *FileReport) counted(c *counts) {
	f.Read, f.Scanned, f.Hits, f.Refused, f.Unsourced = c.read, c.scanned, c.hits, maps.Clone(c.refused), c.unsourced
}
