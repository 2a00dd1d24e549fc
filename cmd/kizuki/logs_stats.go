package main

import (
	"fmt"
	"time"

	"github.com/kizuki-security/kizuki/internal/app/lake"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func jsonNeedsOut() error { return problem.Invalid("", "cli.lake.json_out") }

type logsStats struct {
	JSON bool `name:"json" help:"Print as JSON (kizuki.logs-stats/1)."`
}

type statsSource struct {
	Source string     `json:"source"`
	Lines  uint64     `json:"lines"`
	Bytes  int64      `json:"bytes"` // of raw lines that are sealed
	Last   uint64     `json:"last"`
	From   *time.Time `json:"from"` // null: not known before it is merged
	To     *time.Time `json:"to"`
	Days   int        `json:"days"` // kept; 0: for ever
}

// Run shows the lake; something that needs attention ends with code 3.
func (c *logsStats) Run(e *environment) error {
	var s lake.Stats
	var keys []string
	sources := []statsSource{}
	err := e.withReader(func(l *lake.Reader) (err error) {
		s = l.Stats()
		for i := range s.Sources {
			from := &s.Sources[i]
			one := statsSource{Source: from.Name, Lines: from.Rows, Bytes: from.Bytes, Last: from.Last, Days: l.Days(from.Name)}
			if from.From != 0 || from.To != 0 {
				a, b := time.UnixMicro(from.From).UTC(), time.UnixMicro(from.To).UTC()
				one.From, one.To = &a, &b
			}
			sources = append(sources, one)
		}
		keys, err = l.Keys()
		return err
	})
	if err != nil {
		return err
	}
	if c.JSON {
		err = e.printJSON(map[string]any{
			"schema": "kizuki.logs-stats/1", "files": s.Files, "sealed": s.SealedRows, "unsealed": s.HotRows, "disk_bytes": s.DiskBytes,
			"raw_bytes": s.RawBytes, "budget": s.Budget, "sources": sources, "alarms": alarmList(s.Alarms), "keys": orEmpty(keys),
		})
	} else {
		e.printStats(&s, sources, keys)
	}
	if err == nil && (len(s.Alarms) > 0 || s.Budget != "fine") {
		return exitError{exitFound}
	}
	return err
}

// alarmList is what programs read of alarms; never null.
func alarmList(list []lake.Alarm) []map[string]string {
	alarms := []map[string]string{}
	for _, a := range list {
		alarms = append(alarms, map[string]string{"reason": a.Reason, "place": a.Place, "detail": a.Detail})
	}
	return alarms
}

func (e *environment) printStats(s *lake.Stats, sources []statsSource, keys []string) {
	for i := range sources {
		one := &sources[i]
		at := "-"
		if one.From != nil {
			at = localTime(*one.From) + " – " + localTime(*one.To)
		}
		kept := e.t("cli.lake.forever")
		if one.Days > 0 {
			kept = e.t("cli.lake.days", "n", one.Days)
		}
		e.println(fmt.Sprintf("%-40s %s", one.Source, e.t("cli.lake.stats.source", "n", one.Lines, "at", at, "kept", kept)))
	}
	e.println(e.t("cli.lake.stats.total", "lines", s.SealedRows+s.HotRows, "unsealed", s.HotRows, "files", s.Files, "size", size(s.DiskBytes), "raw", size(s.RawBytes)))
	if s.Budget != "fine" {
		e.println("× " + e.t("cli.lake.stats.budget."+string(s.Budget)))
	}
	for _, a := range s.Alarms {
		what := e.alarmReason(a.Reason)
		if a.Place != "" {
			what = e.t("cli.lake.stats.alarm", "reason", what, "place", printable(a.Place))
		}
		e.println("× " + what)
		e.detail(a.Detail)
	}
	if len(keys) > 0 {
		e.println(e.t("cli.lake.stats.key", "key", keys[len(keys)-1]))
	}
}

// size writes a number of bytes for people.
func size(n int64) string {
	units := []string{"B", "KB", "MB", "GB", "TB"}
	v, i := float64(n), 0
	for v >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}
