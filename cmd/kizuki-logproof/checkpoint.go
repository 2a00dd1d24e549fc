package main

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// checkpoint is what a signed note says of a log.
type checkpoint struct {
	origin, source string
	leaves         uint64
	root           hash
	tail           uint64
	tailHash       hash
	missing        []span // numbers that the signer says no file has, ascending
	at             string
}

// parseCheckpoint reads the lines of the text in their fixed order.
func parseCheckpoint(text string) (c checkpoint, ok bool) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 7 || lines[3] != "kizuki-leaves/1" {
		return c, false
	}
	c.origin = lines[0]
	good := number(lines[1], &c.leaves) && hashText(lines[2], &c.root)
	lines = lines[4:]
	if words := strings.Split(lines[0], " "); words[0] == "tail" {
		good = good && len(words) == 3 && number(words[1], &c.tail) && c.tail > 0 && c.tail < leafRecords && hashText(words[2], &c.tailHash)
		lines = lines[1:]
	}
	source, isSource := strings.CutPrefix(lines[0], "source ")
	at, isTime := strings.CutPrefix(lines[len(lines)-1], "time ")
	if _, err := time.Parse("2006-01-02T15:04:05.000Z", at); err != nil {
		isTime = false
	}
	c.source, c.at = source, at
	for _, line := range lines[1 : len(lines)-1] { // what the sealed file is: nothing here rests on it
		word, rest, _ := strings.Cut(line, " ")
		if word == "missing" {
			good = good && c.addMissing(rest)
			continue
		}
		good = good && (word == "seq" || word == "file" || word == "replaces")
	}
	return c, good && isSource && isTime && strings.HasSuffix(c.origin, "/"+source)
}

// span is a run of numbers, both ends included.
type span struct{ first, last uint64 }

// addMissing takes a run that the note states; runs ascend, and lie within what the checkpoint covers.
func (c *checkpoint) addMissing(text string) bool {
	var s span
	first, last, ok := strings.Cut(text, "-")
	before := uint64(0)
	if n := len(c.missing); n > 0 {
		before = c.missing[n-1].last
	}
	ok = ok && number(first, &s.first) && number(last, &s.last) && s.first > before && s.last >= s.first &&
		s.last <= c.leaves*leafRecords+c.tail
	c.missing = append(c.missing, s)
	return ok
}

// lacks says whether the note states the number as missing.
func (c *checkpoint) lacks(seq uint64) bool {
	for _, s := range c.missing {
		if s.first <= seq && seq <= s.last {
			return true
		}
	}
	return false
}

func number(text string, n *uint64) bool {
	var err error
	*n, err = strconv.ParseUint(text, 10, 48)
	return err == nil && strconv.FormatUint(*n, 10) == text
}

func hashText(text string, h *hash) bool {
	data, err := base64.StdEncoding.Strict().DecodeString(text)
	return err == nil && copy(h[:], data) == len(h) && len(data) == len(h)
}
