package lake

import (
	"context"
	"errors"
	"time"
)

// What is done to a lake that changes what it keeps, proves or deletes.
const (
	RetentionSet = "retention_set"
	HoldAdded    = "hold_added"
	HoldRemoved  = "hold_removed"
	LinesDeleted = "deleted"
	KeyCreated   = "key_created"
	ImportBegun  = "import_begun"
	LinesKept    = "imported"
	StateSigned  = "signed"
)

// Act is one of these, told to Config.Note. All are told before they are done, when nothing but the disk can stand in
// their way any more; where it does, the act is told once more with Undone. LinesKept tells how an import ended,
// and StateSigned what was signed: both are done by then.
type Act struct {
	Act    string    `json:"act"`
	Undone bool      `json:"undone"` // what was told before was not done, or not all of it
	Name   string    `json:"name"`   // of a hold
	Source string    `json:"source"` // "": all
	Days   int       `json:"days"`   // of RetentionSet, as Change.Days
	From   time.Time `json:"from"`   // of HoldAdded; zero: open
	To     time.Time `json:"to"`
	Key    string    `json:"key"` // verifier key
	Why    string    `json:"why"` // of KeyCreated: Config.Anew
	Who    string    `json:"who"` // account of the system
	Files  int       `json:"files"`
	Lines  uint64    `json:"lines"`
	// Refused are records of LinesKept that were not taken, Failed its files that cannot be read, or not to their end.
	Refused uint64 `json:"refused"`
	Failed  int    `json:"failed"`
	// Stopped says that somebody stopped LinesKept before all files were read.
	Stopped bool `json:"stopped"`
	// Signed are the newest states of StateSigned, at most 100; Key is that of the lake.
	Signed []State `json:"signed"`
}

// count adds what became of a file.
func (a *Act) count(f *Imported) {
	if f.State != Already {
		a.Files++
	}
	a.Lines += f.Kept
	for _, n := range f.Refused {
		a.Refused += n
	}
	if len(f.Lost) > 0 {
		a.Failed++
	}
}

// Note tells an act to whoever keeps a log of them. An error means that it may not be done.
func (l *Reader) Note(ctx context.Context, a Act) error { return l.config.note(ctx, a) }

func (c *Config) note(ctx context.Context, a Act) error {
	if c.Note == nil {
		return nil
	}
	return c.Note(ctx, a)
}

// noted tells an act, does it, and tells when it was not done.
func (l *Reader) noted(ctx context.Context, a Act, do func() error) error {
	return l.config.noted(ctx, a, do)
}

func (c *Config) noted(ctx context.Context, a Act, do func() error) error {
	if err := c.note(ctx, a); err != nil {
		return err
	}
	err := do()
	if err == nil {
		return nil
	}
	a.Undone = true
	return errors.Join(err, c.note(context.WithoutCancel(ctx), a))
}
