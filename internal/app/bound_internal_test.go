package app

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipe is a connection that seems to come from an address.
type pipe struct {
	net.Conn
	from string
}

func (p pipe) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(p.from)) }

// door hands out the connections of a test.
type arrivals struct {
	net.Listener
	coming chan net.Conn
}

func (a *arrivals) Accept() (net.Conn, error) {
	conn, ok := <-a.coming
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (a *arrivals) Close() error   { close(a.coming); return nil }
func (a *arrivals) Addr() net.Addr { return &net.TCPAddr{} }

// TestBound: in all as many as may be, from one address a quarter, from this machine as many as fit; what is
// closed makes room.
func TestBound(t *testing.T) {
	t.Parallel()
	in := &arrivals{coming: make(chan net.Conn, 64)}
	b := newBound(in, 8)
	arrive := func(from string) net.Conn {
		client, server := net.Pipe()
		in.coming <- pipe{server, from}
		return client
	}
	gone := func(client net.Conn) bool {
		_ = client.SetReadDeadline(time.Now().Add(time.Second))
		_, err := client.Read(make([]byte, 1))
		return errors.Is(err, io.EOF)
	}
	arrive("192.0.2.1:1")
	arrive("192.0.2.1:2")
	third := arrive("192.0.2.1:3") // one too many of this address: closed, and the next one is taken
	arrive("192.0.2.2:1")
	var held []net.Conn
	for range 3 {
		conn, err := b.Accept()
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, conn)
	}
	if !gone(third) {
		t.Error("one address holds more than a quarter")
	}
	for range 5 {
		arrive("127.0.0.1:1")
		conn, err := b.Accept()
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, conn)
	}
	accepted := make(chan error, 1)
	arrive("192.0.2.9:1")
	go func() { _, err := b.Accept(); accepted <- err }()
	select {
	case err := <-accepted:
		t.Fatal("nine at once, error: ", err)
	case <-time.After(20 * time.Millisecond):
	}
	_ = held[0].Close()
	_ = held[0].Close() // twice is once
	if err := <-accepted; err != nil {
		t.Error(err)
	}
	go func() { _, err := b.Accept(); accepted <- err }()
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if err := <-accepted; !errors.Is(err, net.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	for one, other := range map[string]string{"[2001:db8:1:2::1]:1": "[2001:db8:1:2:ffff::9]:2", "[::ffff:192.0.2.1]:1": "192.0.2.1:9"} {
		if addressOf(pipe{from: one}) != addressOf(pipe{from: other}) {
			t.Errorf("%s and %s count as two", one, other)
		}
	}
}

// TestSlowClients: with time that runs as fast as the test, headers that never end are cut after ten seconds,
// a body that trickles after a minute, and a connection that says nothing after two.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := &arrivals{coming: make(chan net.Conn, 8)}
		srv := newHTTP(context.Background(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				w.WriteHeader(http.StatusRequestTimeout)
			}
		}))
		go func() { _ = srv.Serve(newBound(in, 8)) }()
		held := func(text string, trickle time.Duration) time.Duration {
			client, server := net.Pipe()
			in.coming <- pipe{server, "192.0.2.1:1"}
			began := time.Now()
			go func() {
				_, err := io.Copy(client, strings.NewReader(text))
				for err == nil && trickle > 0 {
					time.Sleep(trickle)
					_, err = client.Write([]byte("x"))
				}
			}()
			_, _ = io.Copy(io.Discard, client)
			return time.Since(began)
		}
		for _, tc := range []struct {
			name, text string
			trickle    time.Duration
			most       time.Duration
		}{
			{"headers that trickle", "GET / HTTP/1.1\r\nHost: a\r\nX: ", time.Second, readHeaderLimit + time.Second},
			{"a body that trickles", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", time.Second, readLimit + time.Second},
			{"nothing at all", "", 0, readHeaderLimit + time.Second},
			{"nothing after the first request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, idleLimit + time.Second},
		} {
			if got := held(tc.text, tc.trickle); got > tc.most || got < 5*time.Second {
				t.Errorf("%s: held for %s, at most %s", tc.name, got, tc.most)
			}
		}
		if err := srv.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}
