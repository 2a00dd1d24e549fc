package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/app/lake"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

type logsRetention struct {
	Show  retentionShow  `cmd:"" default:"1" help:"Show how long lines are kept, what is over its time, and every change. Example: kizuki logs retention show"`
	Set   retentionSet   `cmd:"" help:"Set for how many days lines are kept after the day on which they came. Deletes nothing. Example: kizuki logs retention set 365 --source firewall --why 社内規程第8条"`
	Apply retentionApply `cmd:"" help:"Delete what is over its time; a signed note of it stays. Without --yes it only shows what would go. Example: kizuki logs retention apply --why 保存期間の満了 --yes"`
}

type retentionShow struct {
	JSON bool `name:"json" help:"Print as JSON (kizuki.logs-retention/1)."`
}

// retentionReport is the result as programs read it.
type retentionReport struct {
	Schema  string           `json:"schema"`
	Days    int              `json:"days"` // of sources without a rule of their own; 0: for ever
	Sources []sourceDays     `json:"sources"`
	Due     []lake.Due       `json:"due"`
	Deleted []lake.Tombstone `json:"deleted"`
	Changes []lake.Change    `json:"changes"`
}

type sourceDays struct {
	Source string `json:"source"`
	Days   int    `json:"days"`
}

// Run shows how long lines are kept.
func (c *retentionShow) Run(e *environment) error {
	r := retentionReport{Schema: "kizuki.logs-retention/1", Sources: []sourceDays{}}
	err := e.withReader(func(l *lake.Reader) error {
		r.Days = l.Days("")
		stats := l.Stats()
		for i := range stats.Sources {
			r.Sources = append(r.Sources, sourceDays{stats.Sources[i].Name, l.Days(stats.Sources[i].Name)})
		}
		r.Deleted, r.Changes = orEmpty(l.Tombstones()), orEmpty(l.Changes())
		r.Due = orEmpty(l.Due())
		return nil
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return e.printJSON(r)
	}
	e.println(e.t("cli.lake.retention.rest", "days", e.daysText(r.Days)))
	for _, s := range r.Sources {
		e.println(fmt.Sprintf("%-40s %s", s.Source, e.daysText(s.Days)))
	}
	e.printDue(r.Due)
	for _, t := range r.Deleted {
		e.println(e.t("cli.lake.retention.deleted", "at", t.At, "source", t.Source, "n", t.Rows, "who", printable(t.Who), "why", printable(t.Why)))
	}
	for _, c := range r.Changes {
		source := c.Source
		if source == "" {
			source = e.t("cli.lake.all_sources")
		}
		e.println(e.t("cli.lake.retention.change", "at", c.At, "source", source, "days", e.daysText(c.Days), "who", printable(c.Who), "why", printable(c.Why)))
	}
	return nil
}

func (e *environment) daysText(days int) string {
	switch {
	case days < 0:
		return e.t("cli.lake.as_rest")
	case days == 0:
		return e.t("cli.lake.forever")
	}
	return e.t("cli.lake.days", "n", days)
}

func (e *environment) printDue(due []lake.Due) {
	for _, d := range due {
		e.println(e.t("cli.lake.retention.due", "source", d.Source, "n", d.Rows, "files", d.Files, "days", d.Days))
		if d.Held > 0 {
			e.println("  " + e.t("cli.lake.retention.held", "n", d.Held))
		}
	}
}

type retentionSet struct {
	Days   string `arg:"" help:"Number of days; forever; or default, which takes a source's own rule away."`
	Source string `help:"Only for this source; without it, for all that have no rule of their own." placeholder:"NAME"`
	Why    string `help:"Why, for whoever checks it later." required:"" placeholder:"TEXT"`
	JSON   bool   `name:"json" help:"Print as JSON (kizuki.logs-retention-set/1)."`
}

// Run changes how long lines are kept.
func (c *retentionSet) Run(ctx context.Context, e *environment) error {
	days, err := strconv.Atoi(c.Days)
	switch {
	case c.Days == "forever":
		days, err = 0, nil
	case c.Days == "default" && c.Source != "":
		days, err = -1, nil
	case err == nil && days < 1:
		err = strconv.ErrRange
	}
	if err != nil {
		return e.usage(problem.Invalid("", "cli.lake.retention.days", "text", c.Days))
	}
	change := lake.Change{Source: c.Source, Days: days, Why: c.Why, Who: who()}
	err = e.withLake(ctx, func(l *lake.Lake) error {
		err := l.SetDays(ctx, change)
		if err == nil {
			e.tellUnknown(l.Reader, c.Source)
		}
		return err
	})
	if problem.CodeOf(err) == problem.CodeInvalid {
		return e.usage(err)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return e.printJSON(map[string]any{"schema": "kizuki.logs-retention-set/1", "source": c.Source, "days": days})
	}
	source := c.Source
	if source == "" {
		source = e.t("cli.lake.all_sources")
	}
	e.println(e.t("cli.lake.retention.set", "source", source, "days", e.daysText(days)))
	return nil
}

type retentionApply struct {
	Why     string `help:"Why, for the signed note that stays." required:"" placeholder:"TEXT"`
	Yes     bool   `help:"Delete. Without it, only show what would go."`
	ClockOK bool   `name:"clock-ok" help:"Delete although the clock is far beyond the newest line: the clock is right, and no line came for long."`
	JSON    bool   `name:"json" help:"Print as JSON (kizuki.logs-retention-apply/1)."`
}

// Run deletes what is over its time.
func (c *retentionApply) Run(ctx context.Context, e *environment) error {
	var due []lake.Due
	var deleted []lake.Tombstone
	err := e.withLake(ctx, func(l *lake.Lake) (err error) {
		if c.Yes { // first what needs no sealing and merging: on a full disk there is no room for that yet
			due = l.Due()
			if deleted, err = l.Expire(ctx, who(), c.Why, c.ClockOK); err != nil {
				return err
			}
		}
		settled := l.Settle(ctx) // what cannot be merged keeps nothing else from going
		due = append(due, l.Due()...)
		if !c.Yes {
			return settled
		}
		tombs, err := l.Expire(ctx, who(), c.Why, c.ClockOK)
		deleted = append(deleted, tombs...)
		return errors.Join(settled, err)
	})
	if problem.CodeOf(err) == problem.CodeInvalid {
		return e.usage(err)
	}
	if err != nil && len(deleted) == 0 {
		return err
	}
	if c.JSON {
		return errors.Join(err, e.printJSON(map[string]any{"schema": "kizuki.logs-retention-apply/1", "due": orEmpty(due), "deleted": orEmpty(deleted)}))
	}
	if !c.Yes {
		e.printDue(due)
		if len(due) == 0 {
			e.println(e.t("cli.lake.retention.none"))
			return nil
		}
		e.println(e.t("cli.lake.retention.dry"))
		return nil
	}
	for _, t := range deleted {
		e.println(e.t("cli.lake.retention.gone", "source", t.Source, "n", t.Rows, "from", localTime(time.UnixMicro(t.From)), "to", localTime(time.UnixMicro(t.To))))
	}
	if len(deleted) == 0 {
		e.println(e.t("cli.lake.retention.none"))
	}
	return err
}

type logsHold struct {
	List   holdList   `cmd:"" default:"1" help:"Show the holds. Example: kizuki logs hold list"`
	Add    holdAdd    `cmd:"" help:"Forbid deleting. Example: kizuki logs hold add case-7 --source firewall --from 2026-11-01 --why 不正アクセスの調査"`
	Remove holdRemove `cmd:"" help:"Lift a hold. Example: kizuki logs hold remove case-7"`
}

type holdList struct {
	JSON bool `name:"json" help:"Print as JSON (kizuki.logs-holds/1)."`
}

// Run lists the holds.
func (c *holdList) Run(e *environment) error {
	var holds []lake.Hold
	err := e.withReader(func(l *lake.Reader) error {
		holds = l.Holds()
		return l.HoldsUnread()
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return e.printJSON(map[string]any{"schema": "kizuki.logs-holds/1", "holds": orEmpty(holds)})
	}
	if len(holds) == 0 {
		e.println(e.t("cli.lake.hold.none"))
	}
	for _, h := range holds {
		source := h.Source
		if source == "" {
			source = e.t("cli.lake.all_sources")
		}
		e.println(e.t("cli.lake.hold.one", "name", h.Name, "source", source, "times", e.holdTimes(h), "why", printable(h.Why), "who", printable(h.Who), "at", h.At))
	}
	return nil
}

// holdTimes says of which times the lines are; open ends stay empty.
func (e *environment) holdTimes(h lake.Hold) string {
	if h.From == 0 && h.To == 0 {
		return e.t("cli.lake.all_times")
	}
	year := func(us int64) string {
		t := time.UnixMicro(us)
		if y := t.UTC().Year(); y < 1 || y > 9999 {
			return ""
		}
		return localTime(t)
	}
	return strings.TrimSpace(year(h.From) + " – " + year(h.To))
}

type holdAdd struct {
	Name   string `arg:"" help:"A short name of your own: a–z, 0–9, dot, hyphen."`
	Source string `help:"Only lines of this source." placeholder:"NAME"`
	From   string `help:"Only lines from this time on." placeholder:"TIME"`
	To     string `help:"Only lines before this time." placeholder:"TIME"`
	Why    string `help:"Why, for whoever reads it later." required:"" placeholder:"TEXT"`
	JSON   bool   `name:"json" help:"Print as JSON (kizuki.logs-hold/1)."`
}

// Run puts a hold.
func (c *holdAdd) Run(ctx context.Context, e *environment) error {
	from, to, err := e.span(c.From, c.To)
	if err != nil {
		return err
	}
	err = e.withLake(ctx, func(l *lake.Lake) error {
		err := l.Hold(ctx, lake.NewHold{Name: c.Name, Source: c.Source, Why: c.Why, Who: who(), From: from, To: to})
		if err == nil {
			e.tellUnknown(l.Reader, c.Source)
		}
		return err
	})
	return e.holdDone(err, c.Name, "added", c.JSON)
}

type holdRemove struct {
	Name string `arg:"" help:"Name of the hold."`
	JSON bool   `name:"json" help:"Print as JSON (kizuki.logs-hold/1)."`
}

// Run lifts a hold.
func (c *holdRemove) Run(ctx context.Context, e *environment) error {
	err := e.withLake(ctx, func(l *lake.Lake) error { return l.Release(ctx, c.Name) })
	return e.holdDone(err, c.Name, "removed", c.JSON)
}

func (e *environment) holdDone(err error, name, done string, json bool) error {
	if problem.CodeOf(err) == problem.CodeInvalid {
		return e.usage(err)
	}
	if err != nil {
		return err
	}
	if json {
		return errors.Join(e.printJSON(map[string]any{"schema": "kizuki.logs-hold/1", "name": name, "done": done}))
	}
	e.println(e.t("cli.lake.hold."+done, "name", name))
	return nil
}
