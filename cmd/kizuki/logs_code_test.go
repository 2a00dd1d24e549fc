package main

import (
	"errors"
	"testing"

	"github.com/kizuki-security/kizuki/internal/app/logs"
)

// TestScanCode: 1 says that nothing at all was scanned; an archive that breaks off after a thousand records is partly done.
func TestScanCode(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		total  logs.Total
		failOn string
		worst  int
		want   int
	}{
		"all scanned":                 {logs.Total{Files: 2, Read: 9, Scanned: 9}, "", -1, exitDone},
		"one file refused":            {logs.Total{Files: 2, FilesRefused: 1, Read: 9, Scanned: 9}, "", -1, exitPartly},
		"cut in the middle":           {logs.Total{Files: 1, FilesRefused: 1, Read: 9, Scanned: 9}, "", -1, exitPartly},
		"nothing read":                {logs.Total{Files: 1, FilesRefused: 1}, "", -1, exitFailed},
		"records lost":                {logs.Total{Files: 1, Read: 2, Scanned: 1, Refused: map[logs.Reason]uint64{"damaged": 1}}, "", -1, exitPartly},
		"outside the range":           {logs.Total{Files: 1, Read: 2, Scanned: 1, Refused: map[logs.Reason]uint64{logs.OutsideTime: 1}}, "", -1, exitDone},
		"found before partly":         {logs.Total{Files: 2, FilesRefused: 1, Read: 9, Scanned: 9}, "high", logs.Severity("critical"), exitFound},
		"below what is asked to fail": {logs.Total{Files: 1, Read: 9, Scanned: 9}, "high", logs.Severity("medium"), exitDone},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := exitDone
			if code, ok := errors.AsType[exitError]((&logsScan{FailOn: tt.failOn}).code(nil, &tt.total, false, tt.worst)); ok {
				got = code.code
			}
			if got != tt.want {
				t.Errorf("code %d, want %d", got, tt.want)
			}
		})
	}
}
