package lake

import (
	"slices"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Kept is a file of signed notes that somebody kept outside the lake, as Checkpoints gave them.
type Kept struct {
	Name string // of the file, as it is told
	Data []byte
}

// MaxKept is how large such a file may be, bytes.
const MaxKept = 32 << 20

// Damage.Reason of a file that was kept outside.
const (
	KeptBroken  = "kept_broken"  // no note can be read there, or it was changed since it was signed
	KeptForeign = "kept_foreign" // signed with another key than those of the lake
)

// Signed is what was signed last of a source, to be kept outside.
type Signed struct {
	Source  string
	Records uint64 // the newest one that is signed
	At      time.Time
	Notes   []string // the newest checkpoint, and what was deleted since; each a C2SP signed note
}

// Checkpoints gives what was signed last of each source. Problem key: app.lake.no_checkpoints (not_found).
func (l *Reader) Checkpoints() ([]Signed, error) {
	sources, err := proof.Sources(l.witness.proofs())
	if err != nil {
		return nil, err
	}
	keeper, err := l.witness.reading("")
	if err != nil {
		return nil, err
	}
	defer func() { _ = keeper.Close() }() // nothing was written
	var all []Signed
	for _, source := range sources {
		log, err := keeper.Log(source)
		if err != nil {
			return nil, err
		}
		checkpoints, notes := log.Checkpoints(), log.Notes()
		if len(checkpoints) == 0 {
			continue
		}
		newest := len(notes) - 1
		for ; newest > 0; newest-- {
			if _, err := log.Open(notes[newest]); err == nil {
				break
			}
		}
		all = append(all, Signed{source, log.Signed(), checkpoints[len(checkpoints)-1].At, notes[newest:]})
	}
	if len(all) == 0 {
		return nil, problem.NotFound("app.lake.no_checkpoints")
	}
	return all, nil
}

// readKept reads what was kept outside as states that must be found. key is that of VerifyOptions.
func (l *Reader) readKept(files []Kept, key string) (states []State, bad []Damage, err error) {
	if len(files) == 0 { // keys that cannot be read are told of every source
		return nil, nil, nil
	}
	keys, err := l.witness.verifiers(key)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range files {
		notes, whole := splitKept(string(f.Data))
		told := map[string]bool{} // a file of a million bad notes is one damage
		tell := func(reason, detail string) {
			if !told[reason] {
				bad = append(bad, Damage{reason, f.Name, detail})
			}
			told[reason] = true
		}
		if !whole || len(notes) == 0 {
			tell(KeptBroken, "")
		}
		slices.Sort(notes)
		for _, note := range slices.Compact(notes) {
			s, err := keptState(note, keys)
			switch {
			case err == nil:
				s.Kept = f.Name
				states = append(states, s)
			case proof.Is(err, proof.NotSigned):
				tell(KeptForeign, firstLine(note))
			default:
				tell(KeptBroken, firstLine(note))
			}
		}
	}
	return states, bad, nil
}

// keptState is what a note says was signed.
func keptState(note string, keys []proof.Verifier) (State, error) {
	c, err := proof.OpenCheckpoint(note, keys...)
	if err == nil {
		return State{Source: c.Source, Records: c.Records(), Note: noteSum(note), At: c.At}, nil
	}
	t, failed := proof.OpenTombstone(note, keys...)
	if failed != nil {
		return State{}, err
	}
	return State{Source: t.Source, Records: t.Ranges[len(t.Ranges)-1].Last, Note: noteSum(note), At: t.At}, nil
}

// splitKept finds the notes of a file that may have been sent by mail: with other ends of lines, and empty lines between
// notes. whole is false when something stands there that has not the form of a note; what stands before it is given.
func splitKept(text string) (notes []string, whole bool) {
	lines := strings.Split(strings.ReplaceAll(text, "\r", ""), "\n")
	for at := 0; ; {
		for ; at < len(lines); at++ {
			if lines[at] = strings.TrimLeft(lines[at], "\ufeff"); strings.TrimSpace(lines[at]) != "" {
				break
			}
		}
		if at == len(lines) {
			return notes, true
		}
		from := at
		for at < len(lines) && lines[at] != "" {
			at++
		}
		at++
		signatures := at
		for at < len(lines) && strings.HasPrefix(lines[at], "— ") {
			at++
		}
		if at == signatures {
			return notes, false
		}
		notes = append(notes, strings.Join(lines[from:at], "\n")+"\n")
	}
}

func firstLine(text string) string {
	const most = 200
	line, _, _ := strings.Cut(text, "\n")
	return strings.ToValidUTF8(line[:min(len(line), most)], "?")
}
