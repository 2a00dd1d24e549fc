package app

import (
	"context"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// crossing are the keys that point from one feature or register to another, where no foreign key stands: the floors
// allow none. Empty means nobody; erased persons stay as rows without a name, so even old keys must be found.
var crossing = []struct{ table, column, target string }{
	{"account_accounts", "person", "people_persons"},
	{"account_scopes", "department", "org_departments"},
	{"org_departments", "site", "org_sites"},
	{"org_departments", "owner", "people_persons"},
	{"people_persons", "department", "org_departments"},
	{"people_persons", "site", "org_sites"},
	{"policy_documents", "owner", "people_persons"},
	{"policy_versions", "approver", "people_persons"},
	{"policy_versions", "attachment", "attach_files"},
	{"policy_versions", "sealed", "attach_files"},
	{"policy_notices", "attachment", "attach_files"},
	{"policy_notices", "site", "org_sites"},
	{"policy_notified", "person", "people_persons"},
	{"policy_demands", "document", "policy_documents"},
	{"training_attendance", "person", "people_persons"},
	{"people_confirmations", "attachment", "attach_files"},
	{"assessment_items", "owner", "people_persons"},
	{"assessment_actions", "owner", "people_persons"},
	{"assessment_request_events", "attachment", "attach_files"},
	{"link_links", "person", "people_persons"},
	{"people_moves", "from_department", "org_departments"},
	{"people_moves", "to_department", "org_departments"},
	{"outbox_messages", "account", "account_accounts"},
	{"outbox_messages", "person", "people_persons"},
}

// records are the first words of the names by which facts and files point to the record that they come from, with
// the table of those records. What names no row (assessment/FRAMEWORK/ITEM) is not here.
var records = []struct{ prefix, table string }{
	{"change", "org_changes"},
	{"check", "policy_checks"},
	{"demand", "policy_demands"},
	{"department", "org_departments"},
	{"people", "people_persons"},
	{"people/roster", "people_confirmations"},
	{"policy", "policy_documents"},
	{"training", "training_sessions"},
}

// FollowsRecords says whether doctor looks for the records of this kind, which facts and files name.
func FollowsRecords(prefix string) bool {
	return slices.ContainsFunc(records, func(r struct{ prefix, table string }) bool { return r.prefix == prefix })
}

// standing are the facts that rules read now; older ones may be of records that are gone.
const standing = `(SELECT f.record FROM fact_current AS c JOIN facts AS f ON f.id = c.fact WHERE f.withdrawn = 0)`

// broken checks that what features say of each other is there: keys, the records of facts and files, and the facts
// that answers were given on.
func (a *App) broken(ctx context.Context, tx *sqlite.Tx) (Check, error) {
	total, where := 0, []string{}
	note := func(name string, n int, err error) error {
		if n > 0 {
			total += n
			where = append(where, name)
		}
		return err
	}
	for _, c := range crossing {
		n, err := sqlite.Dangling(ctx, tx, c.table, c.column, c.target)
		if err := note(c.table+"."+c.column, n, err); err != nil {
			return Check{}, err
		}
	}
	for _, r := range records {
		n, err := sqlite.DanglingRecords(ctx, tx, standing, "record", r.prefix, r.table)
		if err := note("facts.record "+r.prefix, n, err); err != nil {
			return Check{}, err
		}
		n, err = sqlite.DanglingRecords(ctx, tx, "attach_files", "record", r.prefix, r.table)
		if err := note("attach_files.record "+r.prefix, n, err); err != nil {
			return Check{}, err
		}
	}
	n, err := sqlite.DanglingLists(ctx, tx, "assessment_answers", "facts", "facts")
	if err := note("assessment_answers.facts", n, err); err != nil {
		return Check{}, err
	}
	return checkOf("links", total == 0, problem.Args{"n": total, "where": strings.Join(where, ", ")}), nil
}
