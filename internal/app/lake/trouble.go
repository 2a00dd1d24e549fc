package lake

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/logs/lake/evidence"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// signing is how long a sealed file may be without a signature before that is told: the process that sealed it signs at once.
const signing = time.Minute

// Damages are the alarms about what cannot be made again from other files: lines are lost, or not proved.
func (l *Reader) Damages() []Alarm {
	return slices.DeleteFunc(l.Stats().Alarms, func(a Alarm) bool { return derived[a.Reason] })
}

// withUnsigned adds an alarm for each segment that nobody signed, as the folder shows it: the process that tried and could
// not has ended.
func (l *Reader) withUnsigned(s Stats) Stats {
	for _, f := range l.shelf.Files() {
		if f.Level > 0 { // has no name before it is signed
			continue
		}
		if slices.ContainsFunc(s.Alarms, func(a Alarm) bool { return a.Reason == "evidence" && a.Place == f.Name }) {
			continue
		}
		info, err := os.Stat(f.Path)
		if err != nil || l.config.Now().Sub(info.ModTime()) < signing {
			continue
		}
		if _, err := os.Stat(strings.TrimSuffix(f.Path, ".parquet") + ".note"); errors.Is(err, os.ErrNotExist) {
			s.Alarms = append(s.Alarms, Alarm{Reason: "evidence", Place: f.Name, Detail: "there is no checkpoint"})
		}
	}
	return s
}

// sound mends the files of hashes of every source. What cannot be mended, verification names.
func (l *Lake) sound(ctx context.Context) error {
	sources, err := proof.Sources(l.witness.proofs())
	if err != nil || len(sources) == 0 {
		return err
	}
	keeper, err := l.witness.ready(ctx)
	if err != nil {
		return err
	}
	for _, source := range sources {
		err := keeper.Sound(ctx, l.store, source)
		if _, refused := errors.AsType[*proof.Error](err); err != nil && !refused {
			return err
		}
	}
	return nil
}

// notSigned says why there is no proof yet of a line: its file will be signed, or could not be.
func (l *Reader) notSigned(source string, seq uint64, err error) error {
	for _, f := range l.shelf.Files() {
		for _, s := range f.Sources {
			for _, r := range s.Ranges {
				if s.Name != source || seq < r.First || seq > r.Last {
					continue
				}
				if slices.ContainsFunc(l.Stats().Alarms, func(a Alarm) bool { return a.Reason == "evidence" && a.Place == f.Name }) {
					return problem.Conflict("app.lake.cannot_sign", "source", source, "seq", seq).Because(err)
				}
			}
		}
	}
	return problem.NotFound("app.lake.not_signed", "source", source, "seq", seq).Because(err)
}

// noRecord says that there is no line of a number, or that it was lost.
func (l *Reader) noRecord(keeper *evidence.Keeper, source string, seq uint64, err error) error {
	if known, e := proof.Sources(l.witness.proofs()); e == nil && slices.Contains(known, source) {
		log, e := keeper.Log(source)
		if e == nil && slices.ContainsFunc(log.Missing(), func(r Range) bool { return r.First <= seq && seq <= r.Last }) {
			return problem.NotFound("app.lake.lost", "source", source, "seq", seq).Because(err)
		}
	}
	return problem.NotFound("app.lake.no_record", "source", source, "seq", seq).Because(err)
}
