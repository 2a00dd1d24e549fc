package plan

import (
	"embed"
	"net/http"
	"slices"
	"strings"

	"github.com/kizuki-security/kizuki/internal/office/assessment"
	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/verdict"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed views/*.html
var viewFiles embed.FS

// Web serves the pages of rounds and actions.
type Web struct {
	svc   *assessment.Service
	shell *web.Shell
	views *web.Views
}

// NewWeb returns the pages.
func NewWeb(svc *assessment.Service, shell *web.Shell) *Web {
	return &Web{svc: svc, shell: shell, views: shell.MustViews(viewFiles)}
}

// Routes registers the pages.
func (h *Web) Routes(rt *web.Router) {
	rt.Handle("GET /rounds", web.Needs(assessment.PermRead), h.rounds)
	rt.Handle("GET /rounds/new", web.Needs(assessment.PermManage), h.newRound)
	rt.Handle("POST /rounds/new", web.Needs(assessment.PermManage), h.openRound)
	rt.Handle("GET /rounds/{key}", web.Needs(assessment.PermRead), h.round)
	rt.Handle("GET /rounds/{key}/export", web.Needs(assessment.PermRead), h.exportRound)
	rt.Handle("GET /rounds/{key}/lock", web.Needs(assessment.PermManage), h.lockPage)
	rt.Handle("POST /rounds/{key}/lock", web.Needs(assessment.PermManage), h.lock)
	rt.Handle("GET /actions", web.Needs(assessment.PermRead), h.actions)
	rt.Handle("GET /actions/export", web.Needs(assessment.PermRead), h.exportActions)
	rt.Handle("GET /actions/new", web.Needs(assessment.PermAnswer), h.newAction)
	rt.Handle("POST /actions/new", web.Needs(assessment.PermAnswer), h.saveAction)
	rt.Handle("GET /actions/{key}", web.Needs(assessment.PermRead), h.action)
	rt.Handle("POST /actions/{key}", web.Needs(assessment.PermAnswer), h.saveAction)
	rt.Handle("POST /actions/{key}/done", web.Needs(assessment.PermAnswer), h.finish)
	rt.Handle("POST /actions/{key}/remove", web.Needs(assessment.PermAnswer), h.remove)
}

func mayManage(r *http.Request) bool { return actor.From(r.Context()).MayWhole(assessment.PermManage) }

func mayAnswer(r *http.Request) bool { return actor.From(r.Context()).May(assessment.PermAnswer) }

// readVersion reads the version of a form that has nothing else to enter.
func readVersion(r *http.Request) (*web.Form, int, error) {
	form, err := web.ReadForm(r)
	if err != nil {
		return nil, 0, err
	}
	version := form.Int("version", 0, 1<<30)
	return form, version, form.Err()
}

// valueMsg writes a value of a sheet: points where the scheme gives points, else the word.
func valueMsg(value int, points bool) i18n.Msg {
	switch {
	case value == int(verdict.Unanswered):
		return i18n.Msg{Key: "plan.value_none"}
	case value == int(verdict.NotApplicable):
		return i18n.Msg{Key: "web.verdict.na"}
	case points:
		return i18n.Msg{Key: "plan.value_points", Args: problem.Args{"n": value}}
	case value == int(verdict.ValueMet):
		return i18n.Msg{Key: "web.verdict.met"}
	case value == int(verdict.ValuePart):
		return i18n.Msg{Key: "web.verdict.part"}
	default:
		return i18n.Msg{Key: "web.verdict.unmet"}
	}
}

func (h *Web) frameworks(locale string) []web.Option {
	var out []web.Option
	for _, f := range h.svc.Catalog().Frameworks() {
		out = append(out, web.Option{Value: f.Key(), Label: f.Short.In(locale) + " " + f.Version})
	}
	slices.Reverse(out) // the newest version first
	return out
}

func personOptions(names map[string]string, first string) []web.Option {
	out := []web.Option{{Value: "", Label: first}}
	for key, name := range names {
		out = append(out, web.Option{Value: key, Label: name})
	}
	slices.SortFunc(out[1:], func(a, b web.Option) int { return strings.Compare(a.Label+a.Value, b.Label+b.Value) })
	return out
}
