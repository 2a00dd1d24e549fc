package password_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/kizuki-security/kizuki/internal/register/account/password"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// cheap keeps the tests fast; the costs do not change what is tested.
var cheap = password.Params{Time: 1, MemoryKiB: 64, Threads: 1}

func TestHashAndVerify(t *testing.T) {
	t.Parallel()
	h := password.New(cheap)
	one, err := h.Hash(t.Context(), "ガラスの海を渡る船")
	if err != nil {
		t.Fatal(err)
	}
	two, err := h.Hash(t.Context(), "ガラスの海を渡る船")
	if err != nil {
		t.Fatal(err)
	}
	if one == two || !strings.HasPrefix(one, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Errorf("hashes are %q and %q", one, two)
	}
	tests := []struct {
		name, stored, plain string
		ok                  bool
	}{
		{"right", one, "ガラスの海を渡る船", true},
		{"the same letters, written apart", one, "カ\u3099ラスの海を渡る船", true},
		{"wrong", one, "ガラスの海を渡る舟", false},
		{"empty", one, "", false},
		{"no such login", "", "ガラスの海を渡る船", false},
	}
	for _, tt := range tests {
		before := h.Hashes()
		ok, stale, err := h.Verify(t.Context(), tt.stored, tt.plain)
		if err != nil || ok != tt.ok || stale {
			t.Errorf("%s: %t %t %v", tt.name, ok, stale, err)
		}
		if n := h.Hashes() - before; n != 1 {
			t.Errorf("%s took %d hashes, want 1 for all", tt.name, n)
		}
	}
}

func TestRecommendedCosts(t *testing.T) {
	t.Parallel()
	h := password.New(password.Recommended)
	stored, err := h.Hash(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(stored, "$argon2id$v=19$m=65536,t=3,p=4$") {
		t.Errorf("stored %q", stored)
	}
}

func TestChangedCostsAreStale(t *testing.T) {
	t.Parallel()
	stored, err := password.New(cheap).Hash(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	dearer := password.New(password.Params{Time: 2, MemoryKiB: 64, Threads: 1})
	if ok, stale, err := dearer.Verify(t.Context(), stored, "x"); !ok || !stale || err != nil {
		t.Errorf("right password: %t %t %v, want ok and stale", ok, stale, err)
	}
	if ok, stale, err := dearer.Verify(t.Context(), stored, "y"); ok || stale || err != nil {
		t.Errorf("wrong password: %t %t %v", ok, stale, err)
	}
}

func TestBrokenStore(t *testing.T) {
	t.Parallel()
	h := password.New(cheap)
	for _, stored := range []string{
		"plain", "$argon2i$v=19$m=64,t=1,p=1$AAAA$AAAA", "$argon2id$v=19$m=64,t=1,p=0$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=4000000000,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=64,t=1,p=1$AAAA$",
	} {
		if ok, _, err := h.Verify(t.Context(), stored, "x"); ok || err == nil {
			t.Errorf("%q: %t %v, want an error", stored, ok, err)
		}
	}
}

func TestMemoryStaysBounded(t *testing.T) {
	t.Parallel()
	h := password.New(cheap)
	release := h.Occupy()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Hash(ctx, "x"); !errors.Is(err, context.Canceled) || h.Hashes() != 0 {
		t.Errorf("a third hash gives %v after %d hashes, want it to wait", err, h.Hashes())
	}
	release()
	h.Queue(64)
	if _, err := h.Hash(t.Context(), "x"); problem.CodeOf(err) != problem.CodeUnavailable {
		t.Errorf("behind a long queue: %v", err)
	}
	h.Queue(0)
	if _, err := h.Hash(t.Context(), "x"); err != nil || h.Hashes() != 1 {
		t.Errorf("alone: %v", err)
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	const short, digits, repeats, name, common = "account.password.short", "account.password.digits", "account.password.repeats",
		"account.password.name", "account.password.common"
	tests := []struct{ name, plain, want string }{
		{"a sentence", "kasa wo motte dekakeru", ""},
		{"a sentence in Japanese", "雨の日はかさを持って出かける", ""},
		{"random", "wR7_kq2Zp9xLm", ""},
		{"a bad word inside a good sentence", "my old admin had green shoes", ""},
		{"eleven characters", "wR7_kq2Zp9x", short},
		{"short in characters, long in bytes", "雨の日はかさ", short},
		{"digits", "482917364058", digits},
		{"full-width digits", "４８２９１７３６４０５８", digits},
		{"one key", "aaaaaaaaaaaaaaa", repeats},
		{"two keys", "ababababababab", repeats},
		{"the login", "Sato.Hanako2026", name},
		{"the login's mailbox", "sato.hanako!!!", name},
		{"the company", "midoriseiko2026", name},
		{"the login in a long sentence", "sato.hanako likes red tomatoes", ""},
		{"a worst word with digits", "password1234", common},
		{"a worst word in disguise", "P@ssw0rd2026!", common},
		{"two worst words", "AdminPassword", common},
		{"this product", "kizuki20261123", common},
		{"season and year", "Summer2026!!", common},
		{"a row of the keyboard", "qwertyuiopas", common},
		{"a column of the keyboard", "1qaz2wsx3edc", common},
		{"the alphabet backwards", "zyxwvutsrqpon", common},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if p := password.Check("password", tt.plain, "sato.hanako@example.co.jp", "MidoriSeiko"); p != nil {
				got = p.Key
			}
			if got != tt.want {
				t.Errorf("%q gives %q, want %q", tt.plain, got, tt.want)
			}
		})
	}
}
