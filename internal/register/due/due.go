// Package due collects what someone must do by when (今日やること), from every feature: each implements
// Source, app hands the list to the home page, and later to the daily digest and the calendar feed.
package due

import (
	"context"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Duty is one thing to do. Text and Why are message keys with parameters, so that each reader gets
// them in their language.
type Duty struct {
	Key    string       // stable: "training.yearly/mail"
	Text   string       // message key of the sentence, e.g. "training.duty.yearly"
	Args   problem.Args // parameters of Text
	Why    string       // message key; may be empty
	Link   string       // the page where it is done
	On     jdate.Day    // 期限; zero: no date
	Person string       // key of the person who must do it; empty: whoever keeps this register
	Needs  string       // permission of who sees it when Person is empty
	Whole  bool         // it concerns the whole company: an account limited to departments does not see it by Needs
}

// Source lists the open duties of one feature as of today, in any order.
type Source interface {
	Duties(ctx context.Context, tx *sqlite.Tx, today jdate.Day) ([]Duty, error)
}
