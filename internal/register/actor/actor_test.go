package actor_test

import (
	"context"
	"testing"

	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

const edit actor.Permission = "x.edit"

func TestRequire(t *testing.T) {
	t.Parallel()
	grant := []actor.Permission{edit}
	tests := []struct {
		name string
		who  actor.Actor
		want problem.Code // "" is allowed
	}{
		{"nobody", actor.Actor{}, problem.CodeUnauthenticated},
		{"nobody with grants made up from outside", actor.Actor{Account: "a", Roles: actor.Roles()}, problem.CodeUnauthenticated},
		{"signed in without it", actor.New(actor.Actor{Account: "a", Via: "session"}, nil), problem.CodeForbidden},
		{"signed in with another", actor.New(actor.Actor{Account: "a", Via: "session"}, []actor.Permission{"x.read"}), problem.CodeForbidden},
		{"signed in with it", actor.New(actor.Actor{Account: "a", Via: "session"}, grant), ""},
		{"behind a link", actor.Actor{Person: "p", Via: "link"}, problem.CodeForbidden},
		{"the house", actor.House(), ""},
		{"the command line", actor.Command(), ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := problem.CodeOf(tc.who.Require(edit)); got != tc.want {
				t.Errorf("Require: code %q, want %q", got, tc.want)
			}
			if got := tc.who.May(edit); got != (tc.want == "") {
				t.Errorf("May = %v", got)
			}
		})
	}
}

func TestScope(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		scope      []string
		department string
		want       bool
	}{
		{"whole company covers a department", nil, "sales", true},
		{"whole company covers the whole company", nil, "", true},
		{"own department", []string{"sales", "works"}, "works", true},
		{"another department", []string{"sales"}, "works", false},
		{"a department does not cover the whole company", []string{"sales"}, "", false},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			who := actor.Actor{Account: "a", Via: "session", Scope: tc.scope}
			if got := who.Covers(tc.department); got != tc.want {
				t.Errorf("Covers = %v, want %v", got, tc.want)
			}
			if got := who.RequireScope(tc.department) == nil; got != tc.want {
				t.Errorf("RequireScope allows: %v, want %v", got, tc.want)
			}
		})
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		who  actor.Actor
		id   string
	}{
		{"account before person", actor.Actor{Account: "a", Person: "p", Via: "session"}, "account/a"},
		{"link", actor.Actor{Person: "p", Via: "link"}, "person/p"},
		{"house", actor.House(), "house"},
		{"command", actor.Command(), "command"},
		{"nobody", actor.Actor{}, ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := tc.who.ID(); got != tc.id {
				t.Errorf("ID = %q, want %q", got, tc.id)
			}
		})
	}
	byLink, bySession := actor.Actor{Person: "p", Via: "link"}, actor.Actor{Account: "a", Person: "p", Via: "session"}
	if !byLink.SamePerson(bySession.Person) {
		t.Error("one human being behind a link and an account is taken for two")
	}
	if (actor.Actor{Account: "a"}).SamePerson("") || (actor.Actor{}).SamePerson("") {
		t.Error("two accounts without a person are taken for one human being")
	}
}

func TestContext(t *testing.T) {
	t.Parallel()
	if got := actor.From(context.Background()); got.Via != "" || got.May(edit) {
		t.Errorf("an empty context holds %+v, want nobody", got)
	}
	ctx := actor.With(t.Context(), actor.House())
	if got := actor.From(ctx); got.Via != "house" {
		t.Errorf("From = %+v, want the house", got)
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	for _, r := range actor.Roles() {
		if !r.Valid() {
			t.Errorf("%q is listed and not valid", r)
		}
	}
	for _, r := range []actor.Role{"", "root", "Admin"} {
		if r.Valid() {
			t.Errorf("%q is valid", r)
		}
	}
}
