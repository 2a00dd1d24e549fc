package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/app/lake"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

type logsProve struct {
	Source string `arg:"" help:"Source of the line."`
	Seq    uint64 `arg:"" help:"Its number in the source, as kizuki logs query shows it behind #."`
	Out    string `short:"o" help:"File to write; - is standard output." default:"-" placeholder:"FILE"`
	JSON   bool   `name:"json" help:"Print what was written as JSON (kizuki.logs-prove/1); needs --out FILE."`
}

// Run writes the proof of a line.
func (c *logsProve) Run(e *environment) error {
	if c.JSON && c.Out == "-" {
		return e.usage(jsonNeedsOut())
	}
	var proof []byte
	var record *lake.Proved
	var keys []string
	err := e.withReader(func(l *lake.Reader) (err error) {
		if proof, record, err = l.Prove(c.Source, c.Seq); err == nil {
			keys, err = l.Keys()
		}
		return err
	})
	if err != nil {
		return err
	}
	key := keys[len(keys)-1]
	if c.Out == "-" {
		_, err := e.stdout.Write(proof)
		return errors.Join(err, e.tellKey(key))
	}
	if err := e.mayWrite(c.Out, ownProof); err != nil {
		return err
	}
	if err := os.WriteFile(c.Out, proof, 0o600); err != nil {
		return fmt.Errorf("write the proof: %w", err)
	}
	if c.JSON {
		return e.printJSON(map[string]any{
			"schema": "kizuki.logs-prove/1", "file": c.Out, "source": record.Source, "seq": record.Seq,
			"time": time.UnixMicro(record.Time).UTC().Format(time.RFC3339Nano), "key": key,
		})
	}
	e.println(e.t("cli.lake.prove.done", "file", c.Out, "source", record.Source, "seq", record.Seq))
	return e.tellKey(key)
}

func (e *environment) tellKey(key string) error {
	fmt.Fprintln(e.stderr, e.t("cli.lake.prove.key"))
	fmt.Fprintln(e.stderr, "  "+key)
	return nil
}

type logsCheckpoints struct {
	Out  string `short:"o" help:"File to write; - is standard output." default:"-" placeholder:"FILE"`
	JSON bool   `name:"json" help:"Print as JSON (kizuki.logs-checkpoints/1)."`
}

// Run writes what was signed last, to be kept outside.
func (c *logsCheckpoints) Run(e *environment) error {
	var all []lake.Signed
	err := e.withReader(func(l *lake.Reader) (err error) {
		all, err = l.Checkpoints()
		return err
	})
	if err != nil {
		return err
	}
	var text strings.Builder
	for i := range all {
		for _, note := range all[i].Notes {
			text.WriteString(note + "\n")
		}
	}
	if c.Out == "-" && !c.JSON {
		fmt.Fprintln(e.stderr, e.t("cli.lake.checkpoints.keep"))
		_, err = io.WriteString(e.stdout, text.String())
		return err
	}
	if c.Out != "-" {
		if err := e.mayWrite(c.Out, ownCheckpoints); err != nil {
			return err
		}
		if err := os.WriteFile(c.Out, []byte(text.String()), 0o600); err != nil {
			return fmt.Errorf("write the checkpoints: %w", err)
		}
	}
	if c.JSON {
		return e.printSigned(all)
	}
	for i := range all {
		s := &all[i]
		e.println("○ " + e.t("cli.lake.checkpoints.source", "source", s.Source, "records", s.Records, "at", s.At))
	}
	e.println(e.t("cli.lake.checkpoints.done", "file", printable(c.Out)))
	return nil
}

func (e *environment) printSigned(all []lake.Signed) error {
	type signed struct {
		Source  string    `json:"source"`
		Records uint64    `json:"records"`
		At      time.Time `json:"at"`
		Notes   []string  `json:"notes"`
	}
	list := make([]signed, len(all))
	for i, s := range all {
		list[i] = signed(s)
	}
	return e.printJSON(map[string]any{"schema": "kizuki.logs-checkpoints/1", "checkpoints": list})
}

// readKept reads files that logs checkpoints wrote.
func readKept(files []string) (kept []lake.Kept, err error) {
	for _, name := range files {
		var data []byte
		f, err := os.Open(name) //nolint:gosec // the person names the file
		if err == nil {
			data, err = io.ReadAll(io.LimitReader(f, lake.MaxKept+1)) // a pipe tells no size before
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			return nil, problem.Invalid("", "cli.lake.checkpoints.unread", "file", name, "why", err.Error()).Because(err)
		}
		if len(data) > lake.MaxKept {
			return nil, problem.TooLarge("cli.lake.checkpoints.large", "file", name, "mb", lake.MaxKept>>20)
		}
		kept = append(kept, lake.Kept{Name: filepath.Base(name), Data: data})
	}
	return kept, nil
}
