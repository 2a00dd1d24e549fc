package search_test

import (
	"testing"
	"time"
)

var began = time.Now()

// cpuTime is the time that went by: nearly the same on a quiet machine.
func cpuTime(testing.TB) time.Duration { return time.Since(began) }
