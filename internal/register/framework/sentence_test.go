package framework_test

import (
	"testing"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/register/framework"
)

func TestSentence(t *testing.T) {
	t.Parallel()
	mail := framework.Where{"topic": {"mail"}}
	year := framework.Period{{FiscalYear: true}}
	yearly := framework.Period{{FiscalYear: true}, {Days: 365}}
	users := &framework.Population{Of: "people", Where: framework.Where{"mail": {"yes"}}}
	for _, tc := range []struct {
		op     framework.Op
		ja, en string
	}{
		{
			framework.Op{Op: "exists", Kind: "training.session", Where: mail, Period: year},
			"今年度に「教育の実施（電子メール）」の記録がある", "There is a record of “training held (e-mail)” in this fiscal year",
		},
		{framework.Op{Op: "none", Kind: "training.session"}, "「教育の実施」の記録がない", "There is no record of “training held”"},
		{
			framework.Op{Op: "count_at_least", Kind: "training.session", N: 2, Period: yearly},
			"今年度または過去365日以内に「教育の実施」の記録が2件以上ある", "There are at least 2 records of “training held” in this fiscal year or in the last 365 days",
		},
		{
			framework.Op{Op: "value_at_least", Kind: "log.retention_days", Value: 180},
			"「ログの保存日数」の最新の値が180日以上である", "The newest value of “days of logs kept” is at least 180 days",
		},
		{
			framework.Op{Op: "value_at_most", Kind: "log.retention_days", Value: 7, Population: users},
			"従業員名簿（メールを使う人）のどれも、「ログの保存日数」の最新の値が7日以下である", "For everything in staff list (users of e-mail), the newest value of “days of logs kept” is at most 7 days",
		},
		{
			framework.Op{Op: "ratio_at_least", Population: users, Kind: "training.completed", Permille: 955},
			"従業員名簿（メールを使う人）の95.5%以上に、「受講」の記録がある", "At least 95.5% of staff list (users of e-mail) have a record of “completion”",
		},
		{
			framework.Op{Op: "all_have", Population: users, Kind: "training.completed", Where: mail, Period: year},
			"従業員名簿（メールを使う人）のすべてに、今年度に「受講（電子メール）」の記録がある", "Everybody or everything in staff list (users of e-mail) has a record of “completion (e-mail)” in this fiscal year",
		},
		{
			framework.Op{Op: "each_within", Population: users, Kind: "training.completed", Period: framework.Period{{Round: true}}},
			"従業員名簿（メールを使う人）の一つ一つに、今回の自己評価の期間に「受講」の記録がある", "Each one in staff list (users of e-mail) has a record of “completion” in this self-assessment round",
		},
		{
			framework.Op{Op: "each_after", Trigger: "people.joined", Kind: "training.completed", Where: mail, Setting: "joiner_days"},
			"「受け入れ」のたびに、30日以内（設定で変えられます）に「受講（電子メール）」の記録がある", "After every “joining” there is a record of “completion (e-mail)” within 30 days (a setting)",
		},
		{
			framework.Op{Op: "last_within", Kind: "training.session", Period: yearly},
			"最後の「教育の実施」が今年度または過去365日以内にある", "The last “training held” lies in this fiscal year or in the last 365 days",
		},
		{
			framework.Op{Op: "reviewed_since", Trigger: "training.session", TriggerWhere: mail, Kind: "training.reflection"},
			"いちばん新しい「教育の実施（電子メール）」のあとに「教育の振り返り」の記録がある", "There is a record of “training reflection” after the newest “training held (e-mail)”",
		},
		{
			framework.Op{Op: "approved_by", Kind: "policy.approved", Where: framework.Where{"type": {"policy"}}},
			"「施行中の方針・規程（方針）」のどの版も、作成者とは別の人が承認している", "Every version of “policy or regulation in force (policy)” is approved by somebody who is not its author",
		},
		{
			framework.Op{Op: "covers", Kind: "policy.in_force", Attr: "topic", Set: framework.Values{"mail", "web"}},
			"「施行中の方針・規程」が次の内容をすべて含む：電子メール・Web閲覧", "“policy or regulation in force” covers all of: e-mail / web use",
		},
	} {
		t.Run(tc.op.Op, func(t *testing.T) {
			t.Parallel()
			table := small(t).Table
			if got := framework.Sentence(&tc.op, table, "ja"); got != tc.ja {
				t.Errorf("ja:\n got %s\nwant %s", got, tc.ja)
			}
			if got := framework.Sentence(&tc.op, table, "en"); got != tc.en {
				t.Errorf("en:\n got %s\nwant %s", got, tc.en)
			}
		})
	}
}

func TestMessagesAgree(t *testing.T) {
	t.Parallel()
	m, err := i18n.New(framework.Messages())
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range framework.Operators {
		if !m.Has("framework.op." + op) {
			t.Errorf("operator %s has no sentence", op)
		}
	}
}
