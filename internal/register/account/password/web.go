package password

import (
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// FromForm reads a new password, entered twice, and takes both out of the form.
func FromForm(form *web.Form) string {
	plain, again := form.Secret("password"), form.Secret("again")
	form.Values.Del("password")
	form.Values.Del("again")
	switch {
	case plain == "":
		form.Add(problem.Invalid("password", "account.password.needed"))
	case plain != again:
		form.Add(problem.Invalid("again", "account.password.differs"))
	}
	return plain
}
