package verdict_test

import (
	"testing"

	"github.com/kizuki-security/kizuki/internal/register/verdict"
)

func TestStoredResults(t *testing.T) {
	t.Parallel()
	for r, text := range map[verdict.Result]string{verdict.Unknown: "unknown", verdict.Met: "met", verdict.Part: "part", verdict.Unmet: "unmet", verdict.NA: "na"} {
		if r.Stored() != text || verdict.ReadResult(text) != r {
			t.Errorf("%q is stored as %q, and %q read as %q", r, r.Stored(), text, verdict.ReadResult(text))
		}
	}
	for v, r := range map[verdict.Value]verdict.Result{
		verdict.Unanswered: verdict.Unknown, verdict.NotApplicable: verdict.NA, verdict.ValueUnmet: verdict.Unmet, verdict.ValuePart: verdict.Part, verdict.ValueMet: verdict.Met,
	} {
		if v.Result() != r {
			t.Errorf("%d stands for %q, want %q", v, v.Result(), r)
		}
	}
}
