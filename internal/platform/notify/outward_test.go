package notify_test

import (
	"crypto/rand"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/notify"
	"github.com/kizuki-security/kizuki/internal/platform/outward"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// TestForgedAddresses: a webhook cannot be used to reach what only machines inside may reach, however its address is
// written and wherever its name leads at the moment of the call.
func TestForgedAddresses(t *testing.T) {
	t.Parallel()
	secret, err := notify.NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var reached atomic.Int32
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := notify.New(notify.Config{
		HTTP: outward.Client(outward.Policy{Timeout: 5 * time.Second}), Inside: outward.Client(outward.Policy{Timeout: 5 * time.Second, AllowPrivate: true}), Now: time.Now,
	})
	for address, inside := range map[string]bool{
		"https://127.0.0.1/": false, "https://[::1]/": false, "https://10.1.2.3/": false, "https://192.168.0.1/": false, "https://169.254.169.254/latest/meta-data/": false,
		"https://[fe80::1]/": false, "https://[::ffff:127.0.0.1]/": false, "https://[64:ff9b::7f00:1]/": false, "https://0.0.0.0/": false, "https://100.64.0.1/": false,
		// The name passes the form; where it leads is judged when the connection is made, so a change after the check is of no use.
		"https://localhost/": false, "https://localhost:" + u.Port() + "/": true, "https://127.0.0.1:" + u.Port() + "/": true,
		"http://169.254.169.254/": true, "http://[fd00:ec2::254]/": true, "http://127.0.0.1:" + u.Port() + "/": true,
	} {
		err := p.Post(t.Context(), notify.Channel{Kind: notify.Webhook, URL: address, Secret: secret, Inside: inside}, short())
		if all := problem.All(err); problem.CodeOf(err) != problem.CodeUnsupported || !strings.HasPrefix(all[0].Key, "outward.") {
			t.Errorf("%s, inside %v: %v", address, inside, err)
		}
	}
	if n := reached.Load(); n > 0 {
		t.Errorf("%d requests arrived", n)
	}
}

// TestRedirect: whoever answers with another address is told to the administrator; nobody goes there.
func TestRedirect(t *testing.T) {
	t.Parallel()
	secret, err := notify.NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var reached atomic.Int32
	mux := http.NewServeMux()
	mux.HandleFunc("/hook", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/inside", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/inside", func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	client := outward.Client(outward.Policy{AllowLoopback: true, Roots: roots})
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // as app does
	p := notify.New(notify.Config{HTTP: client, Inside: client, Now: time.Now})
	err = p.Post(t.Context(), notify.Channel{Kind: notify.Webhook, URL: server.URL + "/hook", Secret: secret, Inside: true}, short())
	if all := problem.All(err); len(all) != 1 || all[0].Key != "notify.redirected" || strings.Contains(err.Error(), "/hook") {
		t.Errorf("got %v", err)
	}
	if reached.Load() > 0 {
		t.Error("the redirect was followed")
	}
}
