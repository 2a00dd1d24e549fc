package app

import (
	"context"
	"strconv"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/audit/journal"
)

func (a *App) journal() *journal.Service {
	return journal.New(a.DB, a.Texts, journal.Config{Names: a.actorNames, Objects: a.objectNames})
}

// actorNames gives the names behind actor.ID.
func (a *App) actorNames(ctx context.Context, tx *sqlite.Tx) (func(string) string, error) {
	people, err := a.People.Names(ctx, tx)
	if err != nil {
		return nil, err
	}
	accounts, err := a.Accounts.List(ctx, tx)
	if err != nil {
		return nil, err
	}
	names := make(map[string]string, len(people)+len(accounts))
	for key, name := range people {
		names["person/"+key] = name
	}
	for _, acc := range accounts {
		names["account/"+acc.Key] = acc.Name
	}
	return func(by string) string { return names[by] }, nil
}

// objectPages are the pages of objects, before the key.
var objectPages = map[string]string{
	"account": "/settings/accounts/", "assessment/action": "/actions/", "assessment/request": "/requests/", "assessment/round": "/rounds/",
	"attachment": "/attachments/", "demand": "/demands/", "department": "/org/departments/", "emergency": "/emergency/", "people": "/people/", "policy": "/policy/",
	"site": "/org/sites/", "training": "/training/",
}

// objectNames gives label and page of what rows of the audit log are about.
func (a *App) objectNames(ctx context.Context, tx *sqlite.Tx) (func(string) journal.Object, error) {
	labels := map[string]string{}
	people, err := a.People.Names(ctx, tx)
	if err != nil {
		return nil, err
	}
	for key, name := range people {
		labels["people/"+key] = name
	}
	accounts, err := a.Accounts.List(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, acc := range accounts {
		labels["account/"+acc.Key] = acc.Name
	}
	departments, err := a.Org.Departments(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, d := range departments {
		labels["department/"+d.Key] = d.Name
	}
	documents, err := a.Policy.Documents(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, d := range documents {
		labels["policy/"+d.Key] = d.Title
	}
	who := actor.From(ctx)
	return func(object string) journal.Object {
		if o, ok := a.itemObject(object); ok {
			return o
		}
		o := journal.Object{Label: labels[object], Path: objectPage(object)}
		if strings.HasPrefix(object, "people/") && o.Label == "" { // gone, or no person at all: people/roster/KEY
			o.Path = ""
		}
		if strings.HasPrefix(object, "account/") && !who.May(account.PermManage) { // the page would answer 403
			o.Path = ""
		}
		return o
	}, nil
}

func objectPage(object string) string {
	switch {
	case object == "company":
		return "/settings/company"
	case strings.HasPrefix(object, "checkpoint/"):
		return "/audit/checkpoints"
	}
	at := strings.LastIndex(object, "/")
	if at < 0 {
		return ""
	}
	if page := objectPages[object[:at]]; page != "" {
		return page + object[at+1:]
	}
	return ""
}

// itemObject reads "assessment/FRAMEWORK/NODE": an item, or a clause of one.
func (a *App) itemObject(object string) (journal.Object, bool) {
	parts := strings.SplitN(object, "/", 3)
	if len(parts) != 3 || parts[0] != "assessment" {
		return journal.Object{}, false
	}
	f := a.Catalog.Key(parts[1])
	if f == nil {
		return journal.Object{}, false
	}
	node := f.Item(parts[2])
	if c := f.Clause(parts[2]); node == nil && c != nil {
		node = c.Item
	}
	if node == nil {
		return journal.Object{}, false
	}
	label := node.ID // SCS criteria have no number of their own
	if node.Number > 0 {
		label = "No. " + strconv.Itoa(node.Number)
	}
	return journal.Object{Label: label, Path: "/sheet/" + f.Key() + "/" + node.ID}, true
}
