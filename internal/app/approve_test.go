package app_test

import (
	"net/http"
	"testing"

	"github.com/kizuki-security/kizuki/internal/office/policy"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/link"
)

// TestApprovalLinkInTheWrongHands: whoever asks for an approval holds the link as well; as long as they are signed
// in, it approves nothing.
func TestApprovalLinkInTheWrongHands(t *testing.T) {
	t.Parallel()
	a := open(t)
	persons := setUp(t, a)
	token := links(t, a, persons)[policy.LinkApprove]
	h := a.Router().Handler()
	for _, tt := range []struct {
		name string
		as   actor.Role // "" for nobody
		want int
	}{
		{"the person who asked", actor.Keeper, http.StatusForbidden},
		{"another person", actor.Employee, http.StatusForbidden},
		{"the approver, without an account", "", http.StatusOK},
		{"the approver, signed in, a second time", actor.Approver, http.StatusUnauthorized},
	} {
		var cookie *http.Cookie
		if tt.as != "" {
			cookie = signIn(t, a, string(tt.as), password)
		}
		if got := ask(t, h, http.MethodPost, link.Path(policy.LinkApprove, token), cookie).Code; got != tt.want {
			t.Errorf("%s: status %d, want %d", tt.name, got, tt.want)
		}
	}
}
