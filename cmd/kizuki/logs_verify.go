package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/app/lake"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

type logsVerify struct {
	Key        string   `help:"Public key, or a file with it, that you keep outside this computer. Without it, the keys in the lake are used, which somebody who changed the lake could have changed too." placeholder:"KEY|FILE"`
	Checkpoint []string `help:"File of kizuki logs checkpoints that was kept outside this computer: each of its signatures must still be in the lake. May be given more than once." placeholder:"FILE"`
	JSON       bool     `name:"json" help:"Print as JSON (kizuki.logs-verify/1)."`
}

// sourceReport is what programs read of one source.
type sourceReport struct {
	Source      string       `json:"source"`
	OK          bool         `json:"ok"`
	Records     uint64       `json:"records"`
	Leaves      int64        `json:"leaves"`
	Checkpoints int          `json:"checkpoints"`
	Signed      uint64       `json:"signed"`
	Unsigned    uint64       `json:"unsigned"`
	First       *lake.Fault  `json:"first"` // the first leaf that does not fit
	Faults      []lake.Fault `json:"faults"`
	Missing     []lake.Range `json:"missing"`
	Lost        []lake.Range `json:"lost"`     // of missing: a checkpoint states them
	Returned    []lake.Range `json:"returned"` // there, although a checkpoint states them as missing
	Doubled     []lake.Range `json:"doubled"`
	Deleted     []lake.Range `json:"deleted"`
	Nodes       int64        `json:"nodes"`
	Short       bool         `json:"short"`
	Unread      []string     `json:"unread"`
	Failed      string       `json:"failed"`
	OtherKey    bool         `json:"other_key"` // not signed by the key that was given
	Forgotten   *lake.State  `json:"forgotten"` // signed, as the audit log of the office says, and not there
}

// Run checks the lake; evidence that is broken ends with code 3.
func (c *logsVerify) Run(ctx context.Context, e *environment) error {
	key, err := keyText(c.Key)
	if err != nil {
		return err
	}
	known, err := e.signedLake(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil { // what is in the lake can be judged all the same
		fmt.Fprintln(e.stderr, e.t("cli.lake.verify.not_recalled", "why", e.say(err)))
		known = nil
	}
	kept, err := readKept(c.Checkpoint)
	if err != nil {
		return e.usage(err)
	}
	var check *lake.Check
	err = e.withReader(func(l *lake.Reader) (err error) {
		progress := e.progress("cli.lake.verify.reading")
		check, err = l.Verify(ctx, lake.VerifyOptions{Key: key, Remembered: known, Kept: kept, Progress: func(done, total int) {
			progress.step(done/1000, (total+999)/1000)
		}})
		progress.end()
		return err
	})
	if gone, failed := e.goneLake(known, kept); failed == nil && gone != nil {
		check, err = gone, nil
	}
	if problem.CodeOf(err) == problem.CodeInvalid {
		return e.usage(err)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		err = e.printCheckJSON(check)
	} else {
		e.printCheck(check)
	}
	if err == nil && !check.Good() {
		return exitError{exitFound}
	}
	return err
}

// keyText is a key that was given, or what is in the file of that name. Whoever types it from paper may break the line.
func keyText(given string) (string, error) {
	const largest = 64 << 10
	if info, err := os.Stat(given); given != "" && err == nil && info.Size() <= largest {
		data, err := os.ReadFile(given) //nolint:gosec // the person names the file
		if err != nil {
			return "", fmt.Errorf("read the key: %w", err)
		}
		given = string(data)
	}
	return strings.Join(strings.Fields(given), ""), nil
}

func (e *environment) printCheckJSON(check *lake.Check) error {
	sources := []sourceReport{}
	for i := range check.Sources {
		s := &check.Sources[i]
		r := sourceReport{
			Source: s.Source, OK: s.Good(), Records: s.Records, Leaves: s.Leaves, Checkpoints: s.Checkpoints, Signed: s.Signed,
			Unsigned: s.Unsigned, First: s.First(), Faults: orEmpty(s.Faults), Missing: orEmpty(s.Missing), Lost: orEmpty(s.Lost), Returned: orEmpty(s.Returned), Doubled: orEmpty(s.Doubled),
			Deleted: orEmpty(s.Deleted), Nodes: s.Nodes, Short: s.Short, Unread: orEmpty(s.Unread), OtherKey: s.Foreign, Forgotten: s.Forgotten,
		}
		if s.Failed != nil {
			r.Failed = s.Failed.Error()
		}
		sources = append(sources, r)
	}
	return e.printJSON(map[string]any{
		"schema": "kizuki.logs-verify/1", "ok": check.Good(), "at": check.At.UTC().Format(time.RFC3339), "files": check.Files, "unsealed": check.Hot,
		"key": check.Key, "recalled": check.Recalled, "kept": check.Kept, "damages": orEmpty(check.Damages), "pending": orEmpty(check.Pending), "notes": orEmpty(check.Notes), "sources": sources,
	})
}

// orEmpty makes a list that is never null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (e *environment) printCheck(check *lake.Check) {
	for _, d := range check.Damages {
		e.println("× " + e.t("cli.lake.verify.damage", "file", printable(d.File), "reason", e.alarmReason(d.Reason)))
		e.detail(d.Detail)
	}
	for i := range check.Sources {
		e.printSource(&check.Sources[i])
	}
	for _, d := range check.Pending {
		e.println("－ " + e.t("cli.lake.verify.pending", "file", printable(d.File)))
	}
	for _, d := range check.Notes {
		e.println("－ " + e.t("cli.lake.verify.note", "file", printable(d.File), "reason", e.alarmReason(d.Reason)))
	}
	if check.Hot > 0 {
		e.println("－ " + e.t("cli.lake.verify.unsigned", "n", check.Hot))
	}
	forgotten := func(kept bool) bool {
		return slices.ContainsFunc(check.Sources, func(s lake.SourceCheck) bool { return s.Forgotten != nil && (s.Forgotten.Kept != "") == kept })
	}
	if check.Recalled > 0 && !forgotten(false) {
		e.println("○ " + e.t("cli.lake.verify.recalled", "n", check.Recalled))
	}
	bad := func(d lake.Damage) bool { return d.Reason == lake.KeptBroken || d.Reason == lake.KeptForeign }
	if check.Kept > 0 && !forgotten(true) && !slices.ContainsFunc(check.Damages, bad) {
		e.println("○ " + e.t("cli.lake.verify.kept", "n", check.Kept))
	}
	if check.Good() && len(check.Pending) > 0 {
		e.println(e.t("cli.lake.verify.fine_but", "files", check.Files, "n", len(check.Pending)))
		return
	}
	if check.Good() && check.Key != "" {
		e.println(e.t("cli.lake.verify.fine_key", "files", check.Files))
		return
	}
	if check.Good() {
		e.println(e.t("cli.lake.verify.fine", "files", check.Files))
		return
	}
	e.println(e.t("cli.lake.verify.broken"))
}

// alarmReason says what an alarm of the lake means.
func (e *environment) alarmReason(reason string) string {
	switch reason {
	case lake.Unsigned, lake.NoteLost, lake.NoteCopy, lake.OtherLake, lake.Gone, lake.KeptBroken, lake.KeptForeign, "damaged", "missing", "wal", "tombstone", "holds", "evidence", "sidecar", "catalogue", "tidy", "merge", "seal", "append", "remove", "close", "log":
		return e.t("cli.lake.alarm." + reason)
	}
	return reason
}

func (e *environment) printSource(s *lake.SourceCheck) {
	if s.Good() {
		e.println("○ " + e.t("cli.lake.verify.source", "source", s.Source, "records", s.Records, "checkpoints", s.Checkpoints))
	} else {
		e.println("× " + e.t("cli.lake.verify.source.bad", "source", s.Source))
	}
	tell := func(key string, pairs ...any) { e.println("  " + e.t("cli.lake.verify."+key, pairs...)) }
	if s.Foreign {
		tell("other_key")
	} else if s.Failed != nil {
		tell("failed", "text", e.reasonOf(s.Failed))
	}
	if f := s.Forgotten; f != nil && f.Kept != "" {
		tell("forgotten.kept", "at", f.At, "records", f.Records, "file", printable(f.Kept))
	} else if f != nil {
		tell("forgotten", "at", f.At, "records", f.Records)
	}
	if f := s.First(); f != nil {
		tell("first", "leaf", f.Leaf, "first", f.Records.First, "last", f.Records.Last, "cause", e.t("cli.lake.verify.cause."+string(f.Cause)))
		tell("faults", "n", len(s.Faults))
	}
	if len(s.Missing) > 0 {
		tell("missing", "list", e.runs(s.Missing))
	}
	if len(s.Lost) > 0 {
		tell("lost", "list", e.runs(s.Lost))
	}
	if len(s.Returned) > 0 {
		tell("returned", "list", e.runs(s.Returned))
	}
	if len(s.Doubled) > 0 {
		tell("doubled", "list", e.runs(s.Doubled))
	}
	for i, u := range s.Unread {
		if i == 5 {
			break
		}
		if e.lang == "en" {
			tell("unread", "text", printable(u))
			continue
		}
		if i == 0 {
			tell("unreads", "n", len(s.Unread))
		}
	}
	if s.Short {
		tell("short")
	}
	if s.Nodes > 0 {
		tell("nodes", "n", s.Nodes)
	}
	if len(s.Deleted) > 0 {
		tell("deleted", "list", e.runs(s.Deleted))
	}
	if s.Unsigned > 0 {
		tell("unproved", "n", s.Unsigned)
	}
}

// runs writes runs of sequence numbers, the first few of them.
func (e *environment) runs(list []lake.Range) string {
	const most = 20
	var parts []string
	for i, r := range list {
		if i == most {
			parts = append(parts, e.t("cli.lake.more", "n", len(list)-most))
			break
		}
		part := strconv.FormatUint(r.First, 10)
		if r.Last > r.First {
			part += "–" + strconv.FormatUint(r.Last, 10)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, e.t("cli.lake.comma"))
}
