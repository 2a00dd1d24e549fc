// Package throttle slows down guessing without locking anybody out: a wrong password delays further
// tries for the same login from the same address only, and each address has a budget of wrong tries.
//
// Counts live in memory: a restart forgives, which nobody outside can bring about. The package imports
// nothing of ours and never reads the clock.
package throttle

import (
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// The free tries cover honest mistakes; then each wrong try doubles the wait.
const (
	free    = 3
	longest = 15 * time.Minute
	forget  = 24 * time.Hour // of a pair without tries
)

// Budget wrong tries per Window and address, whatever the logins.
const (
	Budget = 100
	Window = 15 * time.Minute
)

// maxEntries bounds the memory that strangers can take, per table.
const maxEntries = 4096

type pair struct{ login, address string }

type tries struct {
	n    int
	last time.Time
}

type spent struct {
	n    int
	from time.Time
}

// Throttle counts tries. The zero value is ready; it is safe for concurrent use.
type Throttle struct {
	mu        sync.Mutex
	pairs     map[pair]tries
	addresses map[string]spent
}

// Begin asks to try a password now. It returns 0 when the try may go on, and counts it as wrong until
// Succeed says otherwise, so that tries at the same moment do not pass together; else how long to wait.
func (t *Throttle) Begin(now time.Time, login, address string) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.makeRoom(now)
	p := pair{login, group(address)}
	count, budget := t.pairs[p], t.addresses[p.address]
	if now.Sub(count.last) > forget {
		count = tries{}
	}
	if now.Sub(budget.from) >= Window {
		budget = spent{from: now}
	}
	if count.last.After(now) { // the clock was set back: nobody waits for the time that it lost
		count.last = now
		t.pairs[p] = count
	}
	if budget.from.After(now) {
		budget.from = now
		t.addresses[p.address] = budget
	}
	if left := count.last.Add(delay(count.n)).Sub(now); left > 0 {
		return left
	}
	if budget.n >= Budget {
		return budget.from.Add(Window).Sub(now)
	}
	count.n++
	count.last = now
	budget.n++
	t.pairs[p], t.addresses[p.address] = count, budget
	return 0
}

// Succeed takes the count of the pair back: the password was right.
func (t *Throttle) Succeed(login, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := pair{login, group(address)}
	delete(t.pairs, p)
	if budget := t.addresses[p.address]; budget.n > 0 {
		budget.n--
		t.addresses[p.address] = budget
	}
}

// delay is the wait after n wrong tries.
func delay(n int) time.Duration {
	if n < free {
		return 0
	}
	if n-free > 10 { // 2^10 s is more than longest
		return longest
	}
	return min(longest, time.Second<<(n-free))
}

// makeRoom drops what is over and, under attack, what is oldest.
func (t *Throttle) makeRoom(now time.Time) {
	if t.pairs == nil {
		t.pairs, t.addresses = map[pair]tries{}, map[string]spent{}
	}
	if len(t.pairs) >= maxEntries {
		maps.DeleteFunc(t.pairs, func(_ pair, c tries) bool { return now.Sub(c.last) > longest })
	}
	if len(t.pairs) >= maxEntries {
		dropOldest(t.pairs, func(c tries) time.Time { return c.last })
	}
	if len(t.addresses) >= maxEntries {
		maps.DeleteFunc(t.addresses, func(_ string, s spent) bool { return now.Sub(s.from) >= Window })
	}
	if len(t.addresses) >= maxEntries {
		dropOldest(t.addresses, func(s spent) time.Time { return s.from })
	}
}

// dropOldest drops the older half at once, so that a flood costs little per try.
func dropOldest[K comparable, V any](m map[K]V, at func(V) time.Time) {
	keys := slices.SortedFunc(maps.Keys(m), func(a, b K) int { return at(m[a]).Compare(at(m[b])) })
	for _, k := range keys[:len(keys)/2] {
		delete(m, k)
	}
}

// group makes one address of what one subscriber holds: an IPv6 /64.
func group(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	prefix, err := ip.Prefix(64)
	if err != nil {
		return address
	}
	return prefix.String()
}
