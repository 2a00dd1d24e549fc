//go:build unix

package search_test

import (
	"syscall"
	"testing"
	"time"
)

// cpuTime is what the process has used: others may use the machine.
func cpuTime(t testing.TB) time.Duration {
	t.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
