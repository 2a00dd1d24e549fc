package main

import (
	"fmt"
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
	text := p.e.t(p.key, "done", done, "total", total)
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
