package request_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/office/assessment/assessmenttest"
	"github.com/kizuki-security/kizuki/internal/office/assessment/request"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// png is the smallest file that attach takes for a picture.
const png = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"

func open(t *testing.T) (*assessmenttest.Office, *request.Service) {
	t.Helper()
	o := assessmenttest.Open(t, request.Messages(), attach.Messages())
	if err := o.DB.Migrate(t.Context(), []sqlite.Migration{attach.Migrations()}); err != nil {
		t.Fatal(err)
	}
	return o, request.New(o.DB, o.Svc, attach.New(t.TempDir()))
}

func read(ctx context.Context, t *testing.T, o *assessmenttest.Office, fn func(tx *sqlite.Tx) error) {
	t.Helper()
	if err := o.DB.Read(ctx, fn); err != nil {
		t.Fatal(err)
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		request request.Request
		countNA bool
		want    request.Progress // Left is not compared
		left    []string
	}{
		// Answers: 1 is 達成, 28 一部達成, 49 該当なし, 53 and 120 nothing; 8 has no known level.
		{
			"up to a level",
			request.Request{Level: "2"},
			false,
			request.Progress{Items: 4, Answered: 3, Done: 2, Mean: 100, UnknownLevels: 1},
			[]string{"28", "53"},
		},
		{
			"not applicable counts in full",
			request.Request{Level: "2"},
			true,
			request.Progress{Items: 4, Answered: 3, Done: 2, Mean: 125, UnknownLevels: 1},
			[]string{"28", "53"},
		},
		{"a part, with a mean", request.Request{Items: []string{"1", "28"}, Mean: 150}, false, request.Progress{Items: 2, Answered: 2, Done: 1, Mean: 150, Reached: true}, []string{"28"}},
		{"a mean that is not reached", request.Request{Items: []string{"1", "28"}, Mean: 151}, false, request.Progress{Items: 2, Answered: 2, Done: 1, Mean: 150}, []string{"28"}},
		{"all done", request.Request{Items: []string{"1", "49"}}, false, request.Progress{Items: 2, Answered: 2, Done: 2, Mean: 200, Reached: true}, nil},
		{"only what is not applicable", request.Request{Items: []string{"49"}}, false, request.Progress{Items: 1, Answered: 1, Done: 1, Mean: -1, Reached: true}, nil},
		{"everything", request.Request{}, false, request.Progress{Items: 6, Answered: 3, Done: 2, Mean: 60}, []string{"8", "28", "53", "120"}},
	}
	o, _ := open(t)
	for _, a := range []struct {
		item string
		in   assessment.NewAnswer
	}{
		{"1", assessment.NewAnswer{Value: verdict.Met, Reason: "紙で承認", Expires: jdate.On(2027, 1, 31)}},
		{"28", assessment.NewAnswer{Value: verdict.Part}},
		{"49", assessment.NewAnswer{Value: verdict.NA, Reason: "システムがない"}},
	} {
		a.in.Node = a.item
		if err := o.Svc.SaveAnswer(assessmenttest.Keeper(t), jama, a.item, assessment.WayPage, a.in); err != nil {
			t.Fatal(err)
		}
	}
	b := o.Board(t, jama)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := tt.request.ProgressOf(b, tt.countNA)
			var left []string
			for _, it := range got.Left {
				left = append(left, it.Node.ID)
			}
			if diff := cmp.Diff(tt.left, left); diff != "" {
				t.Errorf("items that are left (-want +got):\n%s", diff)
			}
			got.Left, got.Open = nil, 0
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("progress (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSaveRefuses(t *testing.T) {
	t.Parallel()
	o, svc := open(t)
	tests := []struct {
		name       string
		in         request.Request
		field, key string
	}{
		{"nobody asks", request.Request{Framework: jama}, "customer", "request.customer_needed"},
		{"unknown framework", request.Request{Customer: "A", Framework: "x@1"}, "framework", "web.choose"},
		{"a level of another framework", request.Request{Customer: "A", Framework: jama, Level: "4"}, "level", "request.level_unknown"},
		{"an item that does not exist", request.Request{Customer: "A", Framework: jama, Items: []string{"28", "154"}}, "items", "assessment.select.unknown"},
		{"a mean above two", request.Request{Customer: "A", Framework: jama, Mean: 201}, "mean", "request.mean_range"},
		{"a mean where there are no points", request.Request{Customer: "A", Framework: assessmenttest.SCS, Mean: 200}, "mean", "request.mean_no_points"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := svc.Save(assessmenttest.Keeper(t), tt.in)
			if found := problem.All(err); len(found) != 1 || found[0].Field != tt.field || found[0].Key != tt.key {
				t.Errorf("problems: %v", err)
			}
		})
	}
	if _, err := svc.Save(assessmenttest.As(t, "sato", nil, assessment.PermRead, assessment.PermAnswer), request.Request{Customer: "A", Framework: jama}); problem.CodeOf(err) != problem.CodeForbidden {
		t.Errorf("without permission: %v", err)
	}
	read(assessmenttest.Keeper(t), t, o, func(tx *sqlite.Tx) error {
		list, err := svc.List(assessmenttest.Keeper(t), tx)
		if len(list) != 0 {
			t.Errorf("%d requests were kept", len(list))
		}
		return err
	})
}

func TestNearestDeadline(t *testing.T) {
	t.Parallel()
	o, svc := open(t)
	ctx := assessmenttest.Keeper(t)
	for _, r := range []request.Request{
		{Customer: "後", Framework: jama, Deadline: jdate.On(2027, 4, 30)},
		{Customer: "期限なし", Framework: jama},
		{Customer: "先", Framework: jama, Deadline: jdate.On(2026, 12, 16)},
	} {
		if _, err := svc.Save(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	check := func(customer string, duties ...string) {
		t.Helper()
		read(ctx, t, o, func(tx *sqlite.Tx) error {
			next, err := request.Next(ctx, tx)
			if err != nil || next == nil || next.Customer != customer {
				t.Errorf("next is %+v, want %s: %v", next, customer, err)
			}
			all, err := svc.Duties(ctx, tx, o.Svc.Today())
			var got []string
			for _, d := range all {
				got = append(got, d.Args["customer"].(string))
			}
			if diff := cmp.Diff(duties, got); diff != "" {
				t.Errorf("duties (-want +got):\n%s", diff)
			}
			return err
		})
	}
	check("先", "先")
	var key string
	read(ctx, t, o, func(tx *sqlite.Tx) error {
		next, err := svc.Next(ctx, tx)
		key = next.Key
		return err
	})
	if err := svc.Close(ctx, key, 1, true); err != nil {
		t.Fatal(err)
	}
	check("後")
	o.Clock.SetDay("2027-03-16") // 45 days before
	check("後", "後")
}

func TestAddFirst(t *testing.T) {
	t.Parallel()
	o, svc := open(t)
	for _, framework := range []string{"jama-japia", jama} {
		err := o.DB.Write(t.Context(), func(tx *sqlite.Tx) error {
			return svc.AddFirst(t.Context(), tx, "○○自動車", jdate.On(2026, 12, 16), framework, "2")
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	err := o.DB.Write(t.Context(), func(tx *sqlite.Tx) error { return svc.AddFirst(t.Context(), tx, "○○自動車", 0, "nothing", "2") })
	if problem.CodeOf(err) != problem.CodeInvalid {
		t.Errorf("unknown framework: %v", err)
	}
	read(assessmenttest.Keeper(t), t, o, func(tx *sqlite.Tx) error {
		list, err := svc.List(assessmenttest.Keeper(t), tx)
		if len(list) != 2 || list[0].Framework != jama || list[1].Framework != jama || list[0].Level != "2" {
			t.Errorf("requests: %+v", list)
		}
		return err
	})
}

func TestEventWithFileAndRemoval(t *testing.T) {
	t.Parallel()
	o, svc := open(t)
	ctx := assessmenttest.Keeper(t)
	key, err := svc.Save(ctx, request.Request{Customer: "○○自動車", Framework: jama})
	if err != nil {
		t.Fatal(err)
	}
	e := request.Event{On: jdate.On(2026, 11, 20), What: "チェックシートを送った"}
	if err := svc.AddEvent(ctx, key, e, &attach.Upload{Name: "控え.exe", Data: []byte("MZ\x90")}); problem.CodeOf(err) != problem.CodeUnsupported {
		t.Errorf("a program as a file: %v", err)
	}
	if err := svc.AddEvent(ctx, key, e, &attach.Upload{Name: "控え.png", Data: []byte(png)}); err != nil {
		t.Fatal(err)
	}
	read(ctx, t, o, func(tx *sqlite.Tx) error {
		r, err := svc.ByKey(ctx, tx, key)
		if err == nil && (len(r.Events) != 1 || r.Events[0].Attachment == "" || r.Events[0].By != "account/account-sato") {
			t.Errorf("events: %+v", r.Events)
		}
		return err
	})
	if err := svc.Remove(ctx, key, 1); problem.CodeOf(err) != problem.CodeConflict {
		t.Errorf("removing what was answered: %v", err)
	}
	other, err := svc.Save(ctx, request.Request{Customer: "まちがい", Framework: jama})
	if err != nil {
		t.Fatal(err)
	}
	if err := svc.Remove(ctx, other, 1); err != nil {
		t.Fatal(err)
	}
	if err := svc.Remove(ctx, other, 1); problem.CodeOf(err) != problem.CodeNotFound {
		t.Errorf("removed twice: %v", err)
	}
}
