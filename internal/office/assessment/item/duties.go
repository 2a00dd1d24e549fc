package item

import (
	"context"
	"strings"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/attach"
	"github.com/kizuki-security/kizuki/internal/register/due"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// replaceDays is how many days before its last day a 証跡ファイル is asked for again. Ours.
const replaceDays = 30

// recordPrefix is how assessment.RecordOf begins.
const recordPrefix = "assessment/"

// Duties asks for newer files before those of the items run out.
type Duties struct {
	svc   *assessment.Service
	files *attach.Store
}

// NewDuties returns the duties of the attachments of items.
func NewDuties(svc *assessment.Service, files *attach.Store) Duties { return Duties{svc, files} }

// Duties implements due.Source. A file is asked for until a newer one stands at the same item.
func (d Duties) Duties(ctx context.Context, tx *sqlite.Tx, today jdate.Day) ([]due.Duty, error) {
	old, err := d.files.Expiring(ctx, tx, recordPrefix, today.Add(replaceDays))
	if err != nil {
		return nil, err
	}
	var out []due.Duty
	for _, f := range old {
		key, id, _ := strings.Cut(strings.TrimPrefix(f.Record, recordPrefix), "/")
		_, it, err := d.svc.Item(ctx, tx, key, id)
		if problem.CodeOf(err) == problem.CodeNotFound {
			continue // of a version that is no longer in use
		}
		if err != nil {
			return nil, err
		}
		newer, err := d.replaced(ctx, tx, f)
		if err != nil {
			return nil, err
		}
		if newer {
			continue
		}
		out = append(out, due.Duty{
			Key: "item.file/" + f.Key, Text: "item.duty.file", Args: problem.Args{"name": f.Name, "item": i18n.Text(it.Node.Title)},
			Why: "item.duty.file_why", Link: it.Path(), On: f.Expires, Person: it.Meta.Owner, Needs: string(assessment.PermAnswer),
		})
	}
	return out, nil
}

// replaced says whether a file that was added later and counts longer stands at the same item.
func (d Duties) replaced(ctx context.Context, tx *sqlite.Tx, old attach.Attachment) (bool, error) {
	all, err := d.files.Of(ctx, tx, old.Record)
	for _, f := range all {
		if f.AddedAt.After(old.AddedAt) && (f.Expires.IsZero() || f.Expires.After(old.Expires)) {
			return true, err
		}
	}
	return false, err
}
