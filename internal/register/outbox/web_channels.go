package outbox

import (
	"net/http"
	"strconv"

	"github.com/kizuki-security/kizuki/internal/platform/notify"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// ChannelView is a new channel, or one to change.
type ChannelView struct {
	Form    *web.Form
	Kinds   []notify.Kind // to choose from, when Kind is empty
	Kind    notify.Kind
	Channel Channel // zero for a new one
	Path    string  // where the form goes
	// Fields are those of the kind, in the order of the vendor's own pages.
	Fields []ChannelField
}

// ChannelField is one value to enter. Labels: messages outbox.field.*, helps outbox.help.KIND.*.
type ChannelField struct {
	Name, Type string
	Help       string // message key
	Required   bool
}

// fieldsOf lists what each kind asks for. Everything is a secret, and typed into fields that show nothing; ids are not.
func fieldsOf(k notify.Kind, stored bool) []ChannelField {
	var names [][2]string
	switch k {
	case notify.Chatwork:
		names = [][2]string{{"token", "password"}, {"room", "text"}}
	case notify.LineWorks:
		names = [][2]string{{"client_id", "text"}, {"client_secret", "password"}, {"service_account", "text"}, {"private_key", "long"}, {"bot", "text"}, {"room", "text"}}
	case notify.Teams, notify.Slack, notify.GoogleChat, notify.Webhook:
		names = [][2]string{{"url", "password"}}
	}
	var out []ChannelField
	for _, n := range names {
		out = append(out, ChannelField{Name: n[0], Type: n[1], Help: "outbox.help." + string(k) + "." + n[0], Required: !stored})
	}
	return out
}

func readChannel(form *web.Form, k notify.Kind) NewChannel {
	n := NewChannel{Name: form.Text("name"), Digest: form.Bool("digest"), To: notify.Channel{
		Kind: k, URL: form.Long("url"), Room: form.Text("room"), Token: form.Secret("token"), Bot: form.Text("bot"), ClientID: form.Text("client_id"),
		ClientSecret: form.Secret("client_secret"), ServiceAccount: form.Text("service_account"), PrivateKey: form.Long("private_key"), Inside: form.Bool("inside"),
	}}
	for _, secret := range []string{"url", "token", "client_secret", "private_key"} {
		form.Values.Del(secret) // never into a page
	}
	return n
}

func (h *Web) newChannel(w http.ResponseWriter, r *http.Request) error {
	k := notify.Kind(r.URL.Query().Get("kind"))
	v := ChannelView{Form: web.NewForm(), Kinds: notify.Kinds()}
	for _, known := range v.Kinds {
		if known == k {
			v = newChannelView(web.NewForm("kind", string(k)), k)
		}
	}
	return h.views.Render(w, r, "outbox_channel", v)
}

func newChannelView(form *web.Form, k notify.Kind) ChannelView {
	return ChannelView{Form: form, Kind: k, Path: "/settings/messages/channels/new", Fields: fieldsOf(k, false)}
}

func (h *Web) addChannel(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	k := notify.Kind(form.Values.Get("kind"))
	n := readChannel(form, k)
	var key, secret string
	if err = form.Err(); err == nil {
		key, secret, err = h.svc.AddChannel(r.Context(), n)
	}
	switch {
	case err != nil:
		return h.views.RenderForm(w, r, err, form, "outbox_channel", newChannelView(form, k))
	case secret != "":
		return h.views.Render(w, r, "outbox_secret", SecretView{key, secret})
	default:
		return h.shell.Done(w, r, "/settings/messages/channels/"+key, "outbox.channel_added_done")
	}
}

// SecretView shows the secret of a webhook, once.
type SecretView struct{ Key, Secret string }

func (h *Web) channelView(r *http.Request, form *web.Form) (ChannelView, error) {
	ctx, key := r.Context(), r.PathValue("key")
	v := ChannelView{Form: form, Path: "/settings/messages/channels/" + key}
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) (err error) {
		v.Channel, err = channelByKey(ctx, tx, key)
		return err
	})
	if err != nil {
		return v, err
	}
	v.Kind, v.Fields = v.Channel.Kind, fieldsOf(v.Channel.Kind, true)
	if v.Form != nil {
		return v, nil
	}
	v.Form = web.NewForm("name", v.Channel.Name, "version", strconv.FormatInt(v.Channel.Version, 10))
	if v.Channel.Digest {
		v.Form.Values.Set("digest", "yes")
	}
	to, err := h.svc.open(v.Channel)
	if problem.CodeOf(err) == problem.CodeUnavailable {
		return v, nil // sealed with another key: it must be entered anew
	}
	if to.Inside {
		v.Form.Values.Set("inside", "yes")
	}
	for _, id := range [][2]string{{"room", to.Room}, {"bot", to.Bot}, {"client_id", to.ClientID}, {"service_account", to.ServiceAccount}} {
		v.Form.Values.Set(id[0], id[1]) // ids; nothing that lets anybody post
	}
	return v, err
}

func (h *Web) channel(w http.ResponseWriter, r *http.Request) error {
	v, err := h.channelView(r, nil)
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "outbox_channel", v)
}

func (h *Web) saveChannel(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r)
	if err != nil {
		return err
	}
	n := readChannel(form, "")
	key := r.PathValue("key")
	if err = form.Err(); err == nil {
		err = h.svc.SaveChannel(r.Context(), key, n, version(form))
	}
	if err == nil {
		return h.shell.Done(w, r, "/settings/messages/channels/"+key, "outbox.channel_saved_done")
	}
	v, failed := h.channelView(r, form)
	if failed != nil {
		return failed
	}
	return h.views.RenderForm(w, r, err, form, "outbox_channel", v)
}

// testChannel posts at once; the page says whether it went well.
func (h *Web) testChannel(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	err := h.svc.TestChannel(r.Context(), key)
	if err == nil {
		return h.shell.Done(w, r, "/settings/messages/channels/"+key, "outbox.channel_tested_done")
	}
	v, failed := h.channelView(r, nil)
	if failed != nil {
		return failed
	}
	return h.views.RenderForm(w, r, err, v.Form, "outbox_channel", v)
}

func (h *Web) rotate(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	secret, err := h.svc.RotateSecret(r.Context(), key)
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "outbox_secret", SecretView{key, secret})
}

func (h *Web) switchChannel(off bool) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		key := r.PathValue("key")
		if err := h.svc.SetDisabled(r.Context(), key, off); err != nil {
			return err
		}
		done := "outbox.channel_opened_done"
		if off {
			done = "outbox.channel_closed_done"
		}
		return h.shell.Done(w, r, "/settings/messages/channels/"+key, done)
	}
}
