package setup

import (
	"embed"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/register/account"
	"github.com/kizuki-security/kizuki/internal/register/actor"
	"github.com/kizuki-security/kizuki/internal/register/org"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// View is one of the two pages of the set-up. Nothing is stored between them: what the first page
// asked travels in hidden fields of the second.
type View struct {
	Form               *web.Form
	Industries, Sizes  []web.Option
	Months             []web.Option
	YesNo, Asked       []web.Option
	Levels, Stars      []web.Option
	Carried            []Carried
	Why                string // message key: why this level is proposed
	Roles              []account.RoleChoice
	Company, Recipient string
}

// Carried is a value of the first page on the second.
type Carried struct{ Name, Value string }

//go:embed views/*.html
var viewFiles embed.FS

// The token moves from the address, which stays in histories, into a cookie of these pages.
const (
	cookie     = "setup"
	cookieLife = 2 * time.Hour
)

// Web serves the two pages of the set-up.
type Web struct {
	svc   *Service
	auth  *account.Auth
	shell *web.Shell
	views *web.Views
}

// NewWeb returns the handlers.
func NewWeb(svc *Service, auth *account.Auth, shell *web.Shell) *Web {
	return &Web{svc: svc, auth: auth, shell: shell, views: shell.MustViews(viewFiles)}
}

// Routes registers the pages; they want a bare frame.
func (h *Web) Routes(rt *web.Router) {
	rt.Handle("GET /setup", web.Public, h.form)
	rt.Handle("POST /setup", web.Public, h.post)
}

func token(r *http.Request) string {
	c, err := r.Cookie(cookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// companyFields are the fields of the first page.
var companyFields = []string{"name", "industry", "size", "fiscal_start", "recipient", "due", "important", "leads", "asked"}

func (h *Web) form(w http.ResponseWriter, r *http.Request) error {
	if token := r.URL.Query().Get("token"); token != "" {
		http.SetCookie(w, h.auth.Cookie(cookie, token, "/setup", cookieLife))
		web.Redirect(w, "/setup")
		return nil
	}
	if err := h.svc.Check(r.Context(), token(r)); err != nil {
		return err
	}
	form := web.NewForm("fiscal_start", "4", "important", "unknown", "leads", "no", "asked", "unknown")
	return h.views.Render(w, r, "setup_company", h.view(r, form))
}

func (h *Web) post(w http.ResponseWriter, r *http.Request) error {
	if err := h.svc.Check(r.Context(), token(r)); err != nil {
		return err
	}
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	plain := form.Secret("password")
	again := form.Secret("again")
	form.Values.Del("password")
	form.Values.Del("again")
	in, answers := readCompany(form)
	if form.Values.Get("step") == "back" {
		return h.views.Render(w, r, "setup_company", h.view(r, form))
	}
	found := append(problem.All(form.Err()), in.checkCompany()...)
	if err := found.Err(); err != nil {
		return h.views.RenderForm(w, r, err, form, "setup_company", h.view(r, form))
	}
	if form.Values.Get("step") != "2" {
		level, star, _ := answers.Propose()
		form.Values.Set("target_level", level)
		form.Values.Set("target_star", star)
		form.Values.Set("base_address", h.auth.OwnAddress(r))
		form.Values["roles"] = []string{string(actor.Admin), string(actor.Keeper)}
		return h.views.Render(w, r, "setup_person", h.view(r, form))
	}
	in = readFirst(form, in)
	in.Password = plain
	if plain != again {
		form.Add(problem.Invalid("again", "account.password.differs"))
	}
	var signedIn string
	if err = form.Err(); err == nil {
		signedIn, err = h.svc.Do(r.Context(), token(r), in, h.auth.Client(r))
	}
	if err != nil {
		return h.again(w, r, err, form)
	}
	http.SetCookie(w, h.auth.Cookie(cookie, "", "/setup", -1))
	h.auth.SignIn(w, signedIn)
	return h.shell.Done(w, r, "/", "account.setup.done_first", "company", in.Company.Name)
}

// again shows the page that has a field to change; the profile may refuse something of the first.
func (h *Web) again(w http.ResponseWriter, r *http.Request, err error, form *web.Form) error {
	page := "setup_person"
	if slices.ContainsFunc(problem.All(err), func(p *problem.Error) bool { return slices.Contains(companyFields, p.Field) }) {
		page = "setup_company"
	}
	return h.views.RenderForm(w, r, err, form, page, h.view(r, form))
}

// readCompany reads the first page.
func readCompany(form *web.Form) (Input, Answers) {
	month, err := strconv.Atoi(form.Values.Get("fiscal_start"))
	if err != nil {
		month = 0 // refused by the check
	}
	in := Input{
		Company: org.Company{
			Name: form.Text("name"), Industry: form.Values.Get("industry"), Size: form.Values.Get("size"), FiscalStart: time.Month(month),
		},
		Recipient: form.Text("recipient"), Due: form.Day("due"),
	}
	return in, Answers{
		Important: form.Choice("important", "yes", "no", "unknown"), Leads: form.Choice("leads", "yes", "no", "unknown"),
		Asked: form.Choice("asked", "none", "3", "4", "unknown"),
	}
}

// readFirst adds what the second page asks.
func readFirst(form *web.Form, in Input) Input {
	in.Company.TargetLevel = form.Choice("target_level", "1", "2", "3")
	in.Company.TargetStar = form.Choice("target_star", "", "3", "4")
	in.Company.BaseAddress = strings.TrimSuffix(form.Text("base_address"), "/")
	in.Login = form.Text("login")
	in.Person = FirstPerson{
		FamilyName: form.Text("family_name"), GivenName: form.Text("given_name"),
		FamilyKana: form.Text("family_kana"), GivenKana: form.Text("given_kana"),
	}
	if login, _ := account.CheckLogin(in.Login); strings.Contains(login, "@") {
		in.Person.Email = login
	}
	for _, role := range form.List("roles") {
		in.Roles = append(in.Roles, actor.Role(role))
	}
	return in
}

func (h *Web) view(r *http.Request, form *web.Form) View {
	options := func(prefix string, first string, values ...string) []web.Option {
		var out []web.Option
		if first != "" {
			out = append(out, web.Option{Label: h.shell.T(r, first, nil)})
		}
		for _, v := range values {
			out = append(out, web.Option{Value: v, Label: h.shell.T(r, prefix+v, nil)})
		}
		return out
	}
	v := View{
		Form:       form,
		Industries: options("org.industry.", "account.setup.choose", org.Industries()...),
		Sizes:      options("org.size.", "account.setup.choose", org.Sizes()...),
		Months:     options("account.month.", "", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"),
		YesNo:      options("account.answer.", "", "yes", "no", "unknown"),
		Asked:      options("account.setup.asked_", "", "none", "3", "4", "unknown"),
		Levels:     options("account.setup.level_", "", "1", "2", "3"),
		Stars:      options("account.setup.star_", "account.setup.star_none", "3", "4"),
		Company:    form.Values.Get("name"), Recipient: form.Values.Get("recipient"),
	}
	for _, name := range companyFields {
		v.Carried = append(v.Carried, Carried{name, form.Values.Get(name)})
	}
	answers := Answers{form.Values.Get("important"), form.Values.Get("leads"), form.Values.Get("asked")}
	_, _, v.Why = answers.Propose()
	for _, role := range []actor.Role{actor.Keeper, actor.Approver} {
		v.Roles = append(v.Roles, account.RoleChoice{Role: role, Checked: slices.Contains(form.List("roles"), string(role))})
	}
	return v
}
