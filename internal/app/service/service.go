// Package service writes what the service manager of a system needs to start an office: a systemd unit, or the
// pattern of a launchd job. It runs nothing and touches no file; imports words only.
package service

import (
	"bytes"
	"path/filepath"
	"strings"
	"text/template"
	"unicode"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Name is what the service is called.
const Name = "kizuki"

// Options are what differs between machines.
type Options struct {
	Binary string // absolute path of the program
	Data   string // absolute data folder; empty is /var/lib/kizuki, which the service manager makes
	Listen string // address of the pages; empty leaves it to the settings
	User   string // an existing account that owns Data; empty has systemd make one (DynamicUser)
}

// unit allows the program its data folder, the network and nothing else. What each line does: systemd.exec(5).
// TimeoutStopSec is longer than the grace of the server, so that an orderly stop is never cut off.
var unit = template.Must(template.New("unit").Parse(`# Written by "kizuki service install".
[Unit]
Description=Kizuki, the security office
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
ExecStart={{.Exec}}
Restart=on-failure
RestartSec=5
TimeoutStopSec=30
{{if .User}}User={{.User}}
{{else}}DynamicUser=yes
{{end}}{{if .State}}StateDirectory=kizuki
StateDirectoryMode=0700
{{else}}ReadWritePaths={{.Write}}
{{end}}UMask=0077

NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome={{if .Home}}read-only{{else}}yes{{end}}
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources

[Install]
WantedBy=multi-user.target
`))

// stateDir is what StateDirectory=kizuki is on disk.
const stateDir = "/var/lib/kizuki"

// Unit writes the systemd unit. Problem code invalid for a path that cannot stand in one.
func Unit(o Options) (string, error) {
	state := o.Data == "" || filepath.Clean(o.Data) == stateDir
	if state {
		o.Data = stateDir
	}
	exec := []string{o.Binary, "serve", "--data", o.Data}
	if o.Listen != "" {
		exec = append(exec, "--listen", o.Listen)
	}
	var words []string
	for _, w := range append(exec, o.User) {
		q, err := quote(w)
		if err != nil {
			return "", err
		}
		words = append(words, q)
	}
	var buf bytes.Buffer
	err := unit.Execute(&buf, map[string]any{
		"Exec": strings.Join(words[:len(exec)], " "), "User": o.User, "State": state, "Write": words[3],
		"Home": under(o.Data, "/home") || under(o.Data, "/root") || under(o.Binary, "/home") || under(o.Binary, "/root"),
	})
	return buf.String(), err
}

func under(path, dir string) bool { return strings.HasPrefix(filepath.Clean(path)+"/", dir+"/") }

// quote writes one word of a command line. Source: systemd.service(5), "Command lines"; % and $ are its own.
func quote(word string) (string, error) {
	if strings.ContainsFunc(word, unicode.IsControl) {
		return "", problem.Invalid("", "cli.service.space", "text", word)
	}
	word = strings.NewReplacer("%", "%%", "$", "$$").Replace(word)
	if !strings.ContainsAny(word, " \t\"'\\;") {
		return word, nil
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(word) + `"`, nil
}

var job = template.Must(template.New("job").Funcs(template.FuncMap{"x": escape}).Parse(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key><string>kizuki</string>
  <key>ProgramArguments</key>
  <array><string>{{x .Binary}}</string><string>serve</string>{{with .Data}}<string>--data</string><string>{{x .}}</string>{{end}}{{with .Listen}}<string>--listen</string><string>{{x .}}</string>{{end}}</array>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
</dict>
</plist>
`))

func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// Job writes the pattern of a launchd job: ~/Library/LaunchAgents/kizuki.plist.
func Job(o Options) (string, error) {
	var buf bytes.Buffer
	err := job.Execute(&buf, o)
	return buf.String(), err
}
