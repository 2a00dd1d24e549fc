package passkey_test

import (
	"testing"
	"time"

	"github.com/kizuki-security/kizuki/internal/register/account/passkey"
	"github.com/kizuki-security/kizuki/internal/register/account/passkey/passkeytest"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

var (
	here = passkey.Party{ID: "kizuki.example.co.jp", Origin: "https://kizuki.example.co.jp:8600"}
	noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

// key is the message of an error, "" for none.
func key(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	all := problem.All(err)
	if len(all) == 0 {
		t.Fatalf("no problem of ours: %v", err)
	}
	return all[0].Key
}

func TestPartyOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ address, id, why string }{
		{"http://localhost:8600", "localhost", ""},
		{"http://LOCALHOST:8600", "localhost", ""},
		{"https://kizuki.example.co.jp:8600", "kizuki.example.co.jp", ""},
		{"https://kizuki", "kizuki", ""},
		{"http://127.0.0.1:8600", "", "signin.passkey.why_loopback"},
		{"http://[::1]:8600", "", "signin.passkey.why_loopback"},
		{"https://192.0.2.10", "", "signin.passkey.why_address"},
		{"http://kizuki.example.co.jp", "", "signin.passkey.why_plain"},
		{"http://localhost.example.co.jp", "", "signin.passkey.why_plain"},
		{"", "", "signin.passkey.why_address"},
		{"http://%", "", "signin.passkey.why_address"},
	} {
		if p, why := passkey.PartyOf(tt.address); p.ID != tt.id || why != tt.why {
			t.Errorf("%q: %q %q, want %q %q", tt.address, p.ID, why, tt.id, tt.why)
		}
	}
}

// registered makes a passkey of sato at this office.
func registered(t testing.TB, d *passkey.Desk) (*passkeytest.Authenticator, passkey.Person, passkey.Passkey) {
	t.Helper()
	a := passkeytest.New(t)
	who := passkey.Person{Key: "01jd0000000000000000000000", Login: "sato", Name: "佐藤 花子"}
	options, token, err := d.BeginRegistration(here, who, noon, "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	k, err := d.FinishRegistration(here, who, token, a.Create(options, here.ID, here.Origin), noon)
	if err != nil {
		t.Fatal(err)
	}
	return a, who, k
}

func TestRegistrationIsRefused(t *testing.T) {
	t.Parallel()
	who := passkey.Person{Key: "01jd0000000000000000000000", Login: "sato", Name: "佐藤 花子"}
	other := passkey.Person{Key: "01jd1111111111111111111111", Login: "suzuki", Name: "鈴木 一郎"}
	elsewhere := passkey.Party{ID: "elsewhere.example", Origin: "https://elsewhere.example"}
	for _, tt := range []struct {
		name          string
		party, origin string
		finishAt      passkey.Party
		as            passkey.Person
		later         time.Duration
		want          string
	}{
		{"as it should be", here.ID, here.Origin, here, who, time.Minute, ""},
		{"another origin", here.ID, "https://elsewhere.example", here, who, 0, "signin.passkey.refused"},
		{"another port", here.ID, "https://kizuki.example.co.jp", here, who, 0, "signin.passkey.refused"},
		{"without encryption", here.ID, "http://kizuki.example.co.jp:8600", here, who, 0, "signin.passkey.refused"},
		{"another party", "elsewhere.example", here.Origin, here, who, 0, "signin.passkey.refused"},
		{"finished at another address of the office", elsewhere.ID, elsewhere.Origin, elsewhere, who, 0, "signin.passkey.over"},
		{"finished by another account", here.ID, here.Origin, here, other, 0, "signin.passkey.over"},
		{"too late", here.ID, here.Origin, here, who, 5 * time.Minute, "signin.passkey.over"},
		{"the clock set back", here.ID, here.Origin, here, who, -time.Second, "signin.passkey.over"},
	} {
		var d passkey.Desk
		options, token, err := d.BeginRegistration(here, who, noon, "10.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		answer := passkeytest.New(t).Create(options, tt.party, tt.origin)
		if _, err := d.FinishRegistration(tt.finishAt, tt.as, token, answer, noon.Add(tt.later)); key(t, err) != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		if _, err := d.FinishRegistration(here, who, token, answer, noon); key(t, err) != "signin.passkey.over" {
			t.Errorf("%s, sent again: %v", tt.name, err)
		}
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	var d passkey.Desk
	a, who, k := registered(t, &d)
	begin := func() (options []byte, token string) {
		t.Helper()
		options, token, err := d.BeginSignIn(here, noon, "10.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		return options, token
	}
	try := func(token string, text []byte, who passkey.Person) error {
		answer, err := d.TakeSignIn(here, token, text, noon)
		if err != nil {
			return err
		}
		_, err = answer.Verify(who, k)
		return err
	}
	options, token := begin()
	answer := a.Get(options, here.ID, here.Origin)
	if err := try(token, answer, who); err != nil {
		t.Fatalf("a right answer: %v", err)
	}
	if err := try(token, answer, who); key(t, err) != "signin.passkey.over" {
		t.Errorf("replayed: %v", err)
	}
	_, fresh := begin()
	if err := try(fresh, answer, who); key(t, err) != "signin.passkey.refused" {
		t.Errorf("the answer to an older challenge: %v", err)
	}
	options, token = begin()
	if err := try(token, a.Get(options, here.ID, "https://elsewhere.example"), who); key(t, err) != "signin.passkey.refused" {
		t.Errorf("another origin: %v", err)
	}
	options, token = begin()
	if err := try(token, a.Get(options, "elsewhere.example", here.Origin), who); key(t, err) != "signin.passkey.refused" {
		t.Errorf("another party: %v", err)
	}
	options, token = begin()
	if err := try(token, a.Get(options, here.ID, here.Origin), passkey.Person{Key: "somebody else"}); key(t, err) != "signin.passkey.refused" {
		t.Errorf("the passkey of another account: %v", err)
	}
	options, token = begin()
	a.Unverified = true
	if err := try(token, a.Get(options, here.ID, here.Origin), who); key(t, err) != "signin.passkey.refused" {
		t.Errorf("nobody verified: %v", err)
	}
	a.Unverified = false
	options, token = begin()
	if err := try(token, a.Stolen().Get(options, here.ID, here.Origin), who); key(t, err) != "signin.passkey.refused" {
		t.Errorf("signed with another key: %v", err)
	}
}

// A key that was copied shows by its counter: one of the two is behind.
func TestClonedCounter(t *testing.T) {
	t.Parallel()
	var d passkey.Desk
	a, who, k := registered(t, &d)
	try := func(a *passkeytest.Authenticator) (err error) {
		t.Helper()
		options, token, err := d.BeginSignIn(here, noon, "10.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		answer, err := d.TakeSignIn(here, token, a.Get(options, here.ID, here.Origin), noon)
		if err != nil {
			t.Fatal(err)
		}
		moved, err := answer.Verify(who, k)
		if err == nil {
			k = moved
		}
		return err
	}
	a.Counter = 7
	clone := *a
	for range 3 {
		if err := try(a); err != nil {
			t.Fatalf("the owner: %v", err)
		}
	}
	if err := try(&clone); key(t, err) != "signin.passkey.cloned" {
		t.Errorf("the copy: %v", err)
	}
}

// Strangers can begin as many ceremonies as they like; an address keeps a share, and the table stays bounded.
func TestCeremoniesAreBounded(t *testing.T) {
	t.Parallel()
	var d passkey.Desk
	a, who, k := registered(t, &d)
	options, token, err := d.BeginSignIn(here, noon, "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5000 {
		if _, _, err := d.BeginSignIn(here, noon.Add(time.Duration(i)*time.Millisecond), "10.9.9.9"); err != nil {
			t.Fatal(err)
		}
	}
	answer, err := d.TakeSignIn(here, token, a.Get(options, here.ID, here.Origin), noon.Add(time.Minute))
	if err != nil {
		t.Fatalf("after a flood from another address: %v", err)
	}
	if _, err := answer.Verify(who, k); err != nil {
		t.Errorf("after a flood from another address: %v", err)
	}
}

func FuzzAnswers(f *testing.F) {
	var seeds passkey.Desk
	a, _, _ := registered(f, &seeds)
	options, _, err := seeds.BeginSignIn(here, noon, "10.0.0.1")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(a.Get(options, here.ID, here.Origin))
	f.Add(a.Create([]byte(`{"challenge":"AAAA","user":{"id":"AAAA"}}`), here.ID, here.Origin))
	f.Add([]byte(`{}`))
	f.Add([]byte(``))
	f.Fuzz(func(t *testing.T, text []byte) {
		var d passkey.Desk
		_, who, k := registered(t, &d)
		_, token, err := d.BeginRegistration(here, who, noon, "10.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.FinishRegistration(here, who, token, text, noon); err == nil {
			t.Error("an answer to another challenge was taken")
		}
		if _, token, err = d.BeginSignIn(here, noon, "10.0.0.1"); err != nil {
			t.Fatal(err)
		}
		answer, err := d.TakeSignIn(here, token, text, noon)
		if err != nil {
			return
		}
		if _, err := answer.Verify(who, k); err == nil {
			t.Error("an answer to another challenge was taken")
		}
	})
}
