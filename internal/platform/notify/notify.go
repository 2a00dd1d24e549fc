// Package notify posts one message to a chat or to another program: Teams, Slack, Google Chat, LINE WORKS,
// Chatwork, or a signed webhook. It owns the words channel and payload, and knows no office word: what a
// message says comes from above.
//
// Each vendor has a file with the shape of its payload, its limits and the hosts that an address may name;
// a message that is too long is shortened and keeps its link. Text of people never becomes markup of the
// vendor: no mention, no link, no tag. Redirects are not followed, and where a request may go at all is
// decided by the client that app hands over. What goes wrong is a problem.Error: code unavailable when a
// later attempt may go well, unsupported when it cannot.
package notify

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

//go:embed messages.ja.json messages.en.json
var messages embed.FS

// Messages returns the texts of this package.
func Messages() fs.FS { return messages }

// Kind is the vendor, or the shape, of a channel.
type Kind string

// The kinds of channels.
const (
	Teams      Kind = "teams"
	Slack      Kind = "slack"
	GoogleChat Kind = "googlechat"
	LineWorks  Kind = "lineworks"
	Chatwork   Kind = "chatwork"
	Webhook    Kind = "webhook"
)

// Kinds lists them in the order shown. Labels: messages notify.kind.*.
func Kinds() []Kind { return []Kind{Teams, Slack, GoogleChat, LineWorks, Chatwork, Webhook} }

// Channel is where a message goes. Which fields count depends on Kind; all of it is secret.
type Channel struct {
	Kind Kind   `json:"kind"`
	URL  string `json:"url,omitempty"` // teams, slack, googlechat, webhook
	// Room is the channel id of LINE WORKS, the room id of Chatwork.
	Room  string `json:"room,omitempty"`
	Token string `json:"token,omitempty"` // chatwork
	// Secret signs a webhook (whsec_…); while it is being changed, OldSecret signs as well.
	Secret    string `json:"secret,omitempty"`
	OldSecret string `json:"old_secret,omitempty"`
	// Inside says that a webhook may lead to an address inside the company, and may be plain HTTP there.
	Inside bool `json:"inside,omitempty"`
	// The five values of a LINE WORKS bot.
	Bot            string `json:"bot,omitempty"`
	ClientID       string `json:"client_id,omitempty"`
	ClientSecret   string `json:"client_secret,omitempty"`
	ServiceAccount string `json:"service_account,omitempty"`
	PrivateKey     string `json:"private_key,omitempty"` // PEM
}

// Message is one message, without any markup.
type Message struct {
	ID       string // the same for every attempt, so that the receiver can tell a repeat
	Title    string
	Lines    []string
	Facts    []Fact
	Link     string // address of a page; may be empty
	LinkText string
	More     string // the line that stands for what was cut off
}

// Fact is a named value.
type Fact struct{ Name, Value string }

// Doer sends a request; *http.Client is one.
type Doer interface {
	Do(r *http.Request) (*http.Response, error)
}

// Config is what posting needs.
type Config struct {
	HTTP   Doer // reaches public addresses only
	Inside Doer // reaches addresses inside the company too, for webhooks that say so
	Now    func() time.Time
}

// Poster posts messages. It is safe for concurrent use.
type Poster struct {
	cfg    Config
	mu     sync.Mutex
	tokens map[string]token // of LINE WORKS, by bot
}

// New returns a poster.
func New(cfg Config) *Poster { return &Poster{cfg: cfg, tokens: map[string]token{}} }

// Post sends the message once.
func (p *Poster) Post(ctx context.Context, c Channel, m Message) error {
	c, err := c.Check()
	if err != nil {
		return err
	}
	m = m.tidy()
	switch c.Kind {
	case LineWorks:
		return p.postLineWorks(ctx, c, m)
	case Chatwork:
		return p.postChatwork(ctx, c, m)
	case Webhook:
		return p.postWebhook(ctx, c, m)
	case Teams:
		return p.postJSON(ctx, c.URL, teamsPayload(m), nil)
	case Slack:
		return p.postJSON(ctx, c.URL, slackPayload(m), nil)
	default: // Check knows no other kind
		return p.postJSON(ctx, c.URL, googlePayload(m), nil)
	}
}

func (p *Poster) postJSON(ctx context.Context, url string, body []byte, header http.Header) error {
	_, err := p.send(ctx, p.cfg.HTTP, url, "application/json; charset=utf-8", body, header)
	return err
}

// maxAnswer is how much of an answer is read.
const maxAnswer = 64 << 10

// send posts body and returns the answer of a success.
func (p *Poster) send(ctx context.Context, via Doer, url, kind string, body []byte, header http.Header) ([]byte, error) {
	r, err := newRequest(ctx, url, kind, body, header)
	if err != nil {
		return nil, err
	}
	res, err := via.Do(r)
	if err != nil {
		if refusal := problem.All(err); len(refusal) > 0 {
			// The client may not go there and says why. No later attempt helps; the address itself stays out of it.
			return nil, &problem.Error{Code: problem.CodeUnsupported, Key: refusal[0].Key, Args: refusal[0].Args}
		}
		return nil, problem.Unavailable("notify.unreachable", "host", r.URL.Hostname()).Because(cause(err))
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, problem.Unavailable("notify.unreachable", "host", r.URL.Hostname()).Because(cause(err))
	}
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		return answer, nil
	}
	return nil, p.refused(res, r.URL.Hostname())
}

// cause is an error without the address of the request, which is a secret of its own with most vendors.
func cause(err error) error {
	if e, ok := errors.AsType[interface {
		error
		Unwrap() error
	}](err); ok {
		return e.Unwrap()
	}
	return err
}

// statusError keeps the status, and how long the other side asks to be left alone.
type statusError struct {
	status int
	wait   time.Duration
}

func (e statusError) Error() string { return fmt.Sprintf("answered with status %d", e.status) }

// Wait is how long the receiver asked to wait before the next attempt; 0 when it did not.
func Wait(err error) time.Duration {
	e, _ := errors.AsType[statusError](err)
	return e.wait
}

// refused tells a later from a final no.
func (p *Poster) refused(res *http.Response, host string) error {
	why := statusError{status: res.StatusCode}
	status := strconv.Itoa(res.StatusCode)
	switch {
	case res.StatusCode >= 300 && res.StatusCode < 400:
		return problem.Unsupported("notify.redirected", "host", host).Because(why)
	case res.StatusCode == http.StatusTooManyRequests, res.StatusCode == http.StatusRequestTimeout, res.StatusCode >= 500:
		why.wait = retryAfter(res.Header.Get("Retry-After"), p.cfg.Now())
		return problem.Unavailable("notify.busy", "host", host, "status", status).Because(why)
	case res.StatusCode == http.StatusUnauthorized, res.StatusCode == http.StatusForbidden:
		return problem.Unsupported("notify.not_allowed", "host", host, "status", status).Because(why)
	case res.StatusCode == http.StatusNotFound, res.StatusCode == http.StatusGone:
		return problem.Unsupported("notify.gone", "host", host, "status", status).Because(why)
	default:
		return problem.Unsupported("notify.refused", "host", host, "status", status).Because(why)
	}
}

// retryAfter reads both forms. Source: RFC 9110 §10.2.3.
func retryAfter(text string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(text); err == nil && n > 0 && n < 1<<20 {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(text); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}
