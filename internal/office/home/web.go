package home

import (
	"embed"
	"net/http"
	"strings"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
)

//go:embed views/*.html
var viewFiles embed.FS

// Web serves the page of this feature.
type Web struct {
	svc   *Service
	views *web.Views
}

// NewWeb returns the page.
func NewWeb(svc *Service, shell *web.Shell) *Web {
	return &Web{svc: svc, views: shell.MustViews(viewFiles)}
}

// Routes registers the page.
func (h *Web) Routes(rt *web.Router) {
	rt.Handle("GET /today", web.SignedIn, h.today)
}

// TodayView is 今日やること in three parts.
type TodayView struct {
	Overdue, Soon, Later []Row
	All                  int
}

// Row is one duty.
type Row struct {
	Text i18n.Msg
	Why  i18n.Msg
	Link string
	On   jdate.Day
	When i18n.Msg // 「あと12日（12/4 金）」
}

// flat takes the weekday out of its brackets, because the day itself stands in brackets.
var flat = strings.NewReplacer("（", " ", "）", "")

// soonDays is what counts as soon: two weeks, so that a busy week does not hide a deadline.
const soonDays = 14

func (h *Web) today(w http.ResponseWriter, r *http.Request) error {
	duties, today, err := h.svc.Today(r.Context())
	if err != nil {
		return err
	}
	view := TodayView{All: len(duties)}
	for _, d := range duties {
		row := Row{Text: i18n.Msg{Key: d.Text, Args: d.Args}, Link: d.Link, On: d.On}
		if d.Why != "" {
			row.Why = i18n.Msg{Key: d.Why, Args: d.Args}
		}
		days := d.On.Sub(today)
		switch {
		case d.On.IsZero():
			row.When = i18n.Msg{Key: "home.no_date"}
			view.Soon = append(view.Soon, row)
			continue
		case days < 0:
			row.When = i18n.Msg{Key: "home.overdue", Args: map[string]any{"n": -days}}
			view.Overdue = append(view.Overdue, row)
			continue
		case days == 0:
			row.When = i18n.Msg{Key: "home.due_today"}
		default:
			row.When = i18n.Msg{Key: "home.due_in", Args: map[string]any{"n": days, "on": flat.Replace(d.On.Short(web.Locale(r.Context())))}}
		}
		if days <= soonDays {
			view.Soon = append(view.Soon, row)
		} else {
			view.Later = append(view.Later, row)
		}
	}
	return h.views.Render(w, r, "home_today", view)
}
