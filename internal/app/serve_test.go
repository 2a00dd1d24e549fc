package app_test

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/app"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// TestSetupLinkOpens: whatever address an office listens on, the link that it prints for the set-up opens.
func TestSetupLinkOpens(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, listen, host string }{
		{"loopback", "127.0.0.1:0", "127.0.0.1"},
		{"every address", "0.0.0.0:0", "localhost"},
		{"one address of the machine", net.JoinHostPort(machineAddress(t), "0"), machineAddress(t)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := open(t)
			s, err := a.Listen(t.Context(), tt.listen)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			link, err := a.SetupLink(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			host, path, _ := strings.Cut(strings.TrimPrefix(link, "http://"), "/")
			if name, _, _ := net.SplitHostPort(host); name != tt.host {
				t.Errorf("the link is at %s, want %s", name, tt.host)
			}
			h := a.Router().Handler()
			w := ask(t, h, http.MethodGet, "/"+path, nil, func(r *http.Request) { r.Host = host })
			if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/setup" {
				t.Errorf("the link answers %d to %q, want 303 to /setup", w.Code, w.Header().Get("Location"))
			}
			w = ask(t, h, http.MethodGet, "/"+path, nil, func(r *http.Request) { r.Host = "elsewhere.example" })
			if w.Code != http.StatusMisdirectedRequest {
				t.Errorf("under a foreign name it answers %d, want 421", w.Code)
			}
		})
	}
}

// machineAddress is an address of this machine that is not loopback; without any it is loopback, which makes the
// case above weaker and never wrong.
func machineAddress(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && !ip.IP.IsLoopback() && !ip.IP.IsLinkLocalUnicast() {
			return ip.IP.String()
		}
	}
	return "127.0.0.1"
}

// TestSampleStaysSample: a folder that demo filled says so under every command that opens it later.
func TestSampleStaysSample(t *testing.T) {
	t.Parallel()
	for name, marked := range map[string]bool{"an office": false, "the sample": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if marked {
				if err := os.WriteFile(filepath.Join(dir, "sample-company"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			a, err := app.Open(t.Context(), app.Config{Dir: dir, Now: fixed(), Log: app.DiscardLog()})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := a.Close(); err != nil {
					t.Error(err)
				}
			}()
			if got := a.Config().Demo; got != marked {
				t.Errorf("the office takes itself for the sample: %t, want %t", got, marked)
			}
		})
	}
}

// TestSyncedFolders: services name their folders after the company, the account or in Japanese.
func TestSyncedFolders(t *testing.T) {
	t.Parallel()
	for folder, refused := range map[string]bool{
		"OneDrive": true, "OneDrive - みどり精工": true, "OneDrive-Personal": true, "Dropbox (Midori)": true, "Google Drive": true, "マイドライブ": true,
		"CloudStorage": true, "iCloudDrive": true, "onedriver": false, "kizuki": false,
	} {
		dir := filepath.Join(t.TempDir(), folder, "kizuki")
		a, err := app.Open(t.Context(), app.Config{Dir: dir, Now: fixed(), Log: app.DiscardLog()})
		if err == nil {
			err = a.Close()
			if refused {
				t.Errorf("%s is taken for a folder of this machine", folder)
			}
		}
		if !refused && err != nil {
			t.Errorf("%s: %v", folder, err)
		}
		if _, serr := os.Stat(dir); refused && serr == nil {
			t.Errorf("%s: something was made inside", folder)
		}
	}
}

// TestDemoLeavesOfficesAlone: demo neither opens an office as its sample nor a sample that is only half there.
func TestDemoLeavesOfficesAlone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		marked bool
		want   string
	}{
		{"an office", false, "app.sample.office"},
		{"a sample whose building was interrupted", true, "app.sample.unfinished"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := app.Config{Dir: t.TempDir(), Now: fixed(), Log: app.DiscardLog()}
			a, err := app.Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			setUp(t, a)
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
			if tt.marked {
				if err := os.WriteFile(filepath.Join(cfg.Dir, "sample-company"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err = app.OpenDemo(t.Context(), cfg, nil)
			if all := problem.All(err); len(all) != 1 || all[0].Key != tt.want {
				t.Errorf("demo says %v, want %s", err, tt.want)
			}
		})
	}
}
