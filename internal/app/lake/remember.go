package lake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/lake/evidence"
)

// State is what was signed last for a source: a lake in which that is not found was put back to an older state of itself.
// It is of use only outside the lake.
type State struct {
	Source  string    `json:"source"`
	Records uint64    `json:"records"` // the newest one that is signed
	Note    string    `json:"note"`    // SHA-256 of the newest signed note, hex
	At      time.Time `json:"at"`      // when it was kept; set by whoever keeps it
	Kept    string    `json:"kept"`    // the file of Kept that says so; "": the audit log
}

// Remembered is what is known outside the lake of what was signed in it.
type Remembered struct {
	Key    string  `json:"key"`    // the verifier key that the lake had last; "": nobody knows
	States []State `json:"states"` // all that were told, or the newest of each source
}

// mostStates is how many are told in one act: an office keeps a row for each.
const mostStates = 100

// tellSigned tells what was signed since it was told last.
func (l *Lake) tellSigned(ctx context.Context) error {
	keeper, sources := l.witness.fresh()
	if len(sources) == 0 {
		return nil
	}
	keys, err := l.Keys()
	if err != nil {
		return err
	}
	var states []State
	for _, source := range sources {
		log, err := keeper.Log(source)
		if err != nil {
			return err
		}
		if notes := log.Notes(); len(notes) > 0 {
			states = append(states, State{Source: source, Records: log.Signed(), Note: noteSum(notes[len(notes)-1])})
		}
	}
	for part := range slices.Chunk(states, mostStates) {
		a := Act{Act: StateSigned, Key: keys[len(keys)-1], Signed: part}
		if err := l.Note(context.WithoutCancel(ctx), a); err != nil {
			return err
		}
	}
	l.witness.told(sources)
	return nil
}

func noteSum(note string) string {
	sum := sha256.Sum256([]byte(note))
	return hex.EncodeToString(sum[:])
}

// CheckGone is what Verify finds where there is no lake to open, though lines of one were signed; nil: there is one, or nobody
// knows of one.
func CheckGone(c Config, r *Remembered, kept []Kept) *Check {
	if Exists(c.Dir) {
		return nil
	}
	gone := Damage{Gone, Folder, ""}
	switch {
	case r != nil && len(r.States) > 0:
		gone.Detail = r.Key
	case len(kept) == 0:
		return nil
	}
	return &Check{At: c.Now(), Damages: []Damage{gone}}
}

// with is what is remembered, and what was kept besides.
func (r *Remembered) with(kept []State) *Remembered {
	if len(kept) == 0 {
		return r
	}
	all := &Remembered{States: kept}
	if r != nil {
		all.Key, all.States = r.Key, slices.Concat(r.States, kept)
	}
	return all
}

// recall compares the lake with what is known of it outside; key is that of VerifyOptions. Sources whose proof cannot be read
// are told of anyway.
func (l *Reader) recall(c *Check, r *Remembered, key string) error {
	keys, err := l.Keys()
	if err != nil {
		return err
	}
	signed := len(keys) > 0 || len(r.States) > 0 // else the key was announced, and a stop came before it was made
	if r.Key != "" && signed && !slices.Contains(keys, r.Key) {
		c.Damages = append(c.Damages, Damage{OtherLake, "keys.json", r.Key})
		return nil
	}
	keeper, err := l.witness.reading(key)
	if err != nil {
		return nil // told of every source
	}
	defer func() { _ = keeper.Close() }()                              // nothing was written
	notes, recalled := map[string]map[string]bool{}, map[string]bool{} // what is signed, by source
	for i := range r.States {
		state := &r.States[i]
		at, there := slices.BinarySearchFunc(c.Sources, state.Source, func(s SourceCheck, name string) int {
			return strings.Compare(s.Source, name)
		})
		if !there {
			continue // sources has them all
		}
		if notes[state.Source] == nil {
			log, err := keeper.Log(state.Source)
			if err != nil {
				c.Sources[at].Failed = err
				continue
			}
			notes[state.Source] = map[string]bool{}
			for _, note := range log.Notes() {
				notes[state.Source][noteSum(note)] = true
			}
		}
		found := notes[state.Source][state.Note]
		if f := &c.Sources[at].Forgotten; !found && (*f == nil || (*f).Records < state.Records) {
			*f = state
		}
		switch {
		case state.Kept != "" && found:
			c.Kept++
		case state.Kept == "" && !recalled[state.Source]:
			recalled[state.Source] = true
			c.Recalled++
		}
	}
	return nil
}

// fresh gives the sources that were signed for since they were told of last.
func (w *witness) fresh() (*evidence.Keeper, []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.keeper, slices.Sorted(maps.Keys(w.untold))
}

func (w *witness) told(sources []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range sources {
		delete(w.untold, s)
	}
}

// signed remembers that there is something new to tell of a source.
func (w *witness) signed(source string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.untold == nil {
		w.untold = map[string]bool{}
	}
	w.untold[source] = true
}
