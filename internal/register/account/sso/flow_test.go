package sso

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func TestUsedAnswersAreBounded(t *testing.T) {
	t.Parallel()
	f, now := newFlows(), time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC)
	for i := range maxUsed {
		f.used[string(rune(i+0x10000))] = now
	}
	cookie, err := f.seal(flow{State: "s", Begun: now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.take(cookie, "s", now); problem.CodeOf(err) != problem.CodeUnavailable {
		t.Errorf("beyond the bound: %v", err)
	}
	later := now.Add(flowLife)
	cookie, err = f.seal(flow{State: "s", Begun: later})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.take(cookie, "s", later); err != nil || len(f.used) != 1 {
		t.Errorf("after ten minutes: %v, %d remembered", err, len(f.used))
	}
}

// FuzzCookie: nothing opens but what this process sealed.
func FuzzCookie(f *testing.F) {
	mine, others := newFlows(), newFlows()
	want := flow{State: "state", Nonce: "nonce", Verifier: "v", Redirect: "r", Provider: "1", Begun: time.Unix(1_800_000_000, 0).UTC()}
	good, err := mine.seal(want)
	if err != nil {
		f.Fatal(err)
	}
	foreign, err := others.seal(want)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "x", good, foreign, good[:len(good)-1], good + "=", "AAAA" + good} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cookie string) {
		got, ok := mine.open(cookie)
		if ok != (cookie == good) {
			t.Errorf("%q opens: %t", cookie, ok)
		}
		if ok && cmp.Diff(want, got) != "" {
			t.Error(cmp.Diff(want, got))
		}
	})
}

// FuzzMultiFactor: one method alone is never several factors, and their order does not count.
func FuzzMultiFactor(f *testing.F) {
	f.Add("pwd", "otp", "")
	f.Add("mfa", "", "phr")
	f.Fuzz(func(t *testing.T, one, two, acr string) {
		if multiFactor([]string{one}, "") && one != "mfa" {
			t.Errorf("one factor %q counts as several", one)
		}
		if multiFactor([]string{one, two}, acr) != multiFactor([]string{two, one}, acr) {
			t.Errorf("the order of %q and %q counts", one, two)
		}
	})
}
