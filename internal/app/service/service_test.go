package service_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/app/service"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestUnit(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]service.Options{
		"dynamic.service": {Binary: "/usr/local/bin/kizuki"},
		"user.service":    {Binary: "/opt/きづき/kizuki", Data: "/srv/Kizuki data/100%", Listen: "192.0.2.10:8600", User: "kizuki"},
		"home.service":    {Binary: "/home/sato/bin/kizuki", Data: "/home/sato/kizuki", User: "sato"},
	} {
		got, err := service.Unit(o)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, got)
	}
	for _, o := range []service.Options{{Binary: "/a\nExecStartPre=/bin/sh"}, {Binary: "/a", Data: "/b\r"}, {Binary: "/a", User: "x\ny"}, {Binary: "/a", Listen: "\n"}} {
		if _, err := service.Unit(o); problem.CodeOf(err) != problem.CodeInvalid {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestJob(t *testing.T) {
	t.Parallel()
	got, err := service.Job(service.Options{Binary: "/usr/local/bin/kizuki", Data: "/Users/a & b/<x>"})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "kizuki.plist", got)
}

// TestSystemdTakesIt has systemd itself read the unit, where it is installed.
func TestSystemdTakesIt(t *testing.T) {
	t.Parallel()
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("systemd-analyze is not here: the golden files alone speak")
		return
	}
	got, err := service.Unit(service.Options{Binary: "/bin/true"})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "kizuki.service")
	if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), tool, "verify", "--man=no", file).CombinedOutput()
	if err != nil || strings.Contains(string(out), "kizuki.service") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
