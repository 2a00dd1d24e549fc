package problem_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

func TestCodeOf(t *testing.T) {
	t.Parallel()
	cause := errors.New("disk on fire")
	tests := []struct {
		name string
		err  error
		want problem.Code
	}{
		{"nil", nil, ""},
		{"any other error", cause, problem.CodeInternal},
		{"invalid", problem.Invalid("title", "k"), problem.CodeInvalid},
		{"not found", problem.NotFound("k"), problem.CodeNotFound},
		{"conflict", problem.Conflict("k"), problem.CodeConflict},
		{"forbidden", problem.Forbidden("k"), problem.CodeForbidden},
		{"unauthenticated", problem.Unauthenticated("k"), problem.CodeUnauthenticated},
		{"too large", problem.TooLarge("k"), problem.CodeTooLarge},
		{"unsupported", problem.Unsupported("k"), problem.CodeUnsupported},
		{"unavailable", problem.Unavailable("k"), problem.CodeUnavailable},
		{"wrapped", fmt.Errorf("save person: %w", problem.Conflict("k")), problem.CodeConflict},
		{"wrapped list", fmt.Errorf("read form: %w", problem.List{problem.Invalid("a", "k"), problem.Conflict("l")}), problem.CodeInvalid},
		{"joined", errors.Join(cause, problem.NotFound("k")), problem.CodeNotFound},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := problem.CodeOf(tc.err); got != tc.want {
				t.Errorf("CodeOf = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestErrorKeepsItsCauseAndParameters(t *testing.T) {
	t.Parallel()
	cause := errors.New("bad rune")
	err := problem.Invalid("name", "people.name.odd", "n", 3, "text", "あ").Because(cause)
	if !errors.Is(err, cause) {
		t.Error("the cause cannot be found in the problem")
	}
	if diff := cmp.Diff(problem.Args{"n": 3, "text": "あ"}, err.Args); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
	if got, want := err.Error(), "invalid: people.name.odd (name): bad rune"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if got := problem.NotFound("k").Args; got != nil {
		t.Errorf("parameters of a problem without any = %v, want nil", got)
	}
}

func TestOddParametersPanic(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("an odd number of parameters was taken")
		}
	}()
	_ = problem.Conflict("k", "n")
}

func TestList(t *testing.T) {
	t.Parallel()
	var list problem.List
	if err := list.Err(); err != nil {
		t.Errorf("empty list is the error %v", err)
	}
	list.Add(nil)
	if len(list) != 0 {
		t.Error("nil was added")
	}
	first, second := problem.Invalid("a", "one"), problem.Invalid("b", "two")
	list.Add(first)
	list.Add(second)
	wrapped := fmt.Errorf("check draft: %w", list.Err())
	all := problem.All(wrapped)
	if len(all) != 2 || all[0] != first || all[1] != second {
		t.Errorf("All = %v, want both findings in order", all)
	}
	if got, want := list.Error(), "invalid: one (a); invalid: two (b)"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if got := problem.All(errors.New("x")); got != nil {
		t.Errorf("All of another error = %v, want nil", got)
	}
	if got := problem.All(second); len(got) != 1 || got[0] != second {
		t.Errorf("All of one problem = %v", got)
	}
}
