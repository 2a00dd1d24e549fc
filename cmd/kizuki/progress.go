package main

import (
	"fmt"
	"strconv"
	"sync"
	"time"
)

// progress shows how far long work is: a line that changes on a terminal, a log line every ten seconds
// elsewhere.
type progress struct {
	e       *environment
	key     string
	mu      sync.Mutex
	started time.Time
	last    time.Time
	shown   bool
}

func (e *environment) progress(key string) *progress {
	return &progress{e: e, key: key, started: time.Now()}
}

// step tells that done of total are done; total 0 is unknown.
func (p *progress) step(done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	every := 10 * time.Second
	terminal := isTerminal(p.e.stderr)
	if terminal {
		every = 200 * time.Millisecond
	}
	if now.Sub(p.started) < every || now.Sub(p.last) < every {
		return
	}
	p.last = now
	text := p.e.t(p.key, "done", done, "total", total, "rate", rate(done, now.Sub(p.started)), "left", left(done, total, now.Sub(p.started)), "percent", percent(done, total))
	if terminal {
		fmt.Fprintf(p.e.stderr, "\r\x1b[K%s", text)
		p.shown = true
		return
	}
	fmt.Fprintln(p.e.stderr, text)
}

// end clears the line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.e.stderr, "\r\x1b[K")
		p.shown = false
	}
}

// rate is how many of what is counted a second brings.
func rate(done int, spent time.Duration) int { return int(float64(done) / max(spent.Seconds(), 1)) }

// percent is how much is done, or "?".
func percent(done, total int) string {
	if total <= 0 || done > total {
		return "?"
	}
	return strconv.Itoa(int(int64(done) * 100 / int64(total)))
}

// left is how long the rest takes at this rate, or "?".
func left(done, total int, spent time.Duration) string {
	if done <= 0 || total < done {
		return "?"
	}
	return time.Duration(float64(spent) * float64(total-done) / float64(done)).Round(time.Second).String()
}
