package notify

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/kizuki-security/kizuki/internal/words/jtext"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// maxURL is the longest address taken; those of Power Automate have about 400 characters.
const maxURL = 2000

var (
	// Source: vendors' pages on where to copy the address (read 2026-11): Workflows give hosts of Logic Apps or of the
	// Power Platform, Slack hooks.slack.com (and its government twin), Google chat.googleapis.com.
	teamsHost  = regexp.MustCompile(`^([a-z0-9-]+\.)+(logic\.azure\.com|api\.powerplatform\.com)$`)
	slackHost  = regexp.MustCompile(`^hooks\.slack(-gov)?\.com$`)
	slackPath  = regexp.MustCompile(`^/(services|workflows|triggers)/.+`)
	googleHost = regexp.MustCompile(`^chat\.googleapis\.com$`)
	googlePath = regexp.MustCompile(`^/v1/spaces/[^/]+/messages$`)

	digits = regexp.MustCompile(`^[0-9]{1,20}$`)
	word   = regexp.MustCompile(`^[!-~]{1,200}$`) // one word of visible ASCII, as tokens and ids are
	roomID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// Check puts a channel into the form in which it is used, or says with every field what must be changed.
// Fields that the kind does not use are dropped.
func (c Channel) Check() (Channel, error) {
	var found problem.List
	out := Channel{Kind: c.Kind}
	web := func(host, path *regexp.Regexp) {
		u, err := address(c.URL, false)
		if err == nil && (!host.MatchString(u.Hostname()) || path != nil && !path.MatchString(u.Path)) {
			err = problem.Invalid("url", "notify.url."+string(c.Kind))
		}
		found.Add(err)
		if err == nil {
			out.URL = u.String()
		}
	}
	take := func(field, value string, form *regexp.Regexp, key string) string {
		value, _ = jtext.ASCII(value)
		if !form.MatchString(value) {
			found.Add(problem.Invalid(field, key))
		}
		return value
	}
	switch c.Kind {
	case Teams:
		web(teamsHost, nil)
	case Slack:
		web(slackHost, slackPath)
	case GoogleChat:
		web(googleHost, googlePath)
	case Chatwork:
		out.Room = take("room", strings.TrimPrefix(strings.TrimSpace(c.Room), "rid"), digits, "notify.room.chatwork")
		out.Token = take("token", c.Token, word, "notify.token")
	case LineWorks:
		out.Room = take("room", c.Room, roomID, "notify.room.lineworks")
		out.Bot = take("bot", c.Bot, digits, "notify.bot")
		out.ClientID = take("client_id", c.ClientID, word, "notify.client_id")
		out.ClientSecret = take("client_secret", c.ClientSecret, word, "notify.client_secret")
		out.ServiceAccount = take("service_account", c.ServiceAccount, word, "notify.service_account")
		out.PrivateKey = strings.TrimSpace(c.PrivateKey)
		if _, err := privateKey(out.PrivateKey); err != nil {
			found.Add(problem.Invalid("private_key", "notify.private_key"))
		}
	case Webhook:
		out.Inside, out.Secret, out.OldSecret = c.Inside, c.Secret, c.OldSecret
		u, err := address(c.URL, c.Inside)
		found.Add(err)
		if err == nil {
			out.URL = u.String()
		}
		for _, s := range []string{c.Secret, c.OldSecret} {
			if _, ok := secretBytes(s); s != "" && !ok || s == "" && c.Secret == "" {
				found.Add(problem.Invalid("secret", "notify.secret"))
				break
			}
		}
	default:
		found.Add(problem.Invalid("kind", "web.choose"))
	}
	return out, found.Err()
}

// address reads the address of a request: absolute, https (or http inside), without a user, a fragment or
// anything that reads differently for people and for machines.
func address(text string, inside bool) (*url.URL, *problem.Error) {
	text = strings.TrimSpace(text)
	if len(text) > maxURL || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }) {
		return nil, problem.Invalid("url", "notify.url")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "" || u.Hostname() == "" || u.User != nil || u.Fragment != "":
		return nil, problem.Invalid("url", "notify.url")
	case u.Scheme == "http" && inside:
	case u.Scheme != "https":
		return nil, problem.Invalid("url", "notify.url_https")
	case u.Port() != "" && u.Port() != "443" && !inside:
		return nil, problem.Invalid("url", "notify.url_port")
	}
	u.Host = strings.ToLower(u.Host)
	return u, nil
}

// Host is what a page may show of a channel: where it leads, without the secret part.
func (c Channel) Host() string {
	switch c.Kind {
	case Chatwork:
		return "api.chatwork.com"
	case LineWorks:
		return "www.worksapis.com"
	default:
		u, err := address(c.URL, c.Inside)
		if err != nil {
			return ""
		}
		return u.Host
	}
}

func newRequest(ctx context.Context, to, kind string, body []byte, header http.Header) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("build request: %w", cause(err))
	}
	for name, values := range header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("User-Agent", "Kizuki")
	return r, nil
}
