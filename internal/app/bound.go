package app

import (
	"net"
	"net/netip"
	"sync"
)

// How many connections are open at once: in all, and from one address. A browser opens six at most; whole
// plants may stand behind one address, so the second bound is wide. Of this machine itself, where a proxy
// may stand, only the first counts.
const (
	maxConns    = 1024
	maxOfOneOf4 = 4 // one address takes a quarter at most
)

// bound is a listener that holds a bounded number of connections. Beyond it in all, new ones wait in the
// system's queue; beyond that of one address they are closed at once, so that one machine that opens
// thousands does not take the place of others.
type bound struct {
	net.Listener
	slots chan struct{}
	done  chan struct{}
	end   sync.Once
	most  int // of one address

	mu   sync.Mutex
	from map[netip.Addr]int
}

func newBound(l net.Listener, most int) *bound {
	return &bound{Listener: l, slots: make(chan struct{}, most), done: make(chan struct{}), most: most / maxOfOneOf4, from: map[netip.Addr]int{}}
}

// Accept waits for a free place, then for a connection.
func (b *bound) Accept() (net.Conn, error) {
	select {
	case b.slots <- struct{}{}:
	case <-b.done:
		return nil, net.ErrClosed
	}
	for {
		conn, err := b.Listener.Accept()
		if err != nil {
			<-b.slots
			return nil, err
		}
		from := addressOf(conn)
		if b.enter(from) {
			return &boundConn{Conn: conn, leave: sync.OnceFunc(func() { b.leave(from) })}, nil
		}
		_ = conn.Close() // nothing was said on it yet
	}
}

// Close stops listening; who waits for a place is told.
func (b *bound) Close() error {
	b.end.Do(func() { close(b.done) })
	return b.Listener.Close()
}

func addressOf(conn net.Conn) netip.Addr {
	tcp, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	if ip.Is6() { // who has one IPv6 address has a network of them
		if net64, err := ip.Prefix(64); err == nil && !ip.IsLoopback() {
			return net64.Addr()
		}
	}
	return ip
}

func (b *bound) enter(from netip.Addr) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.from[from] >= b.most && from.IsValid() && !from.IsLoopback() {
		return false
	}
	b.from[from]++
	return true
}

func (b *bound) leave(from netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.from[from]--; b.from[from] <= 0 {
		delete(b.from, from)
	}
	<-b.slots
}

type boundConn struct {
	net.Conn
	leave func()
}

func (c *boundConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
