package notify_test

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// receiver stands for all vendors: it takes what their reference documents and answers as they do. What it
// would not take is an error of the test.
type receiver struct {
	t      *testing.T
	server *httptest.Server
	now    time.Time
	key    *rsa.PublicKey // of the LINE WORKS service account
	secret []string       // of the webhook, base64 after whsec_
	// status answers instead of a success; 0 is none.
	status func(r *http.Request) int

	mu     sync.Mutex
	bodies []string
	paths  []string
	tokens int
}

func receive(t *testing.T) *receiver {
	t.Helper()
	rc := &receiver{t: t, now: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)}
	rc.server = httptest.NewServer(rc)
	t.Cleanup(rc.server.Close)
	return rc
}

// Do sends a request to the receiver, whatever host it names.
func (rc *receiver) Do(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		rc.t.Errorf("request to %s is not https", r.URL)
	}
	to := r.Clone(r.Context())
	to.Host = r.URL.Host
	local, err := url.Parse(rc.server.URL)
	if err != nil {
		return nil, err
	}
	to.URL.Scheme, to.URL.Host = local.Scheme, local.Host
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return client.Do(to)
}

func (rc *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		rc.t.Error(err)
	}
	rc.mu.Lock()
	rc.bodies, rc.paths = append(rc.bodies, string(body)), append(rc.paths, r.Host+r.URL.Path)
	rc.mu.Unlock()
	if rc.status != nil {
		if status := rc.status(r); status != 0 {
			w.Header().Set("Location", "https://elsewhere.example/")
			w.Header().Set("Retry-After", "7200")
			w.WriteHeader(status)
			return
		}
	}
	if r.Method != http.MethodPost {
		rc.t.Errorf("method %s", r.Method)
	}
	switch {
	case strings.HasSuffix(r.Host, ".powerplatform.com:443"):
		rc.teams(r, body)
		w.WriteHeader(http.StatusAccepted)
	case r.Host == "hooks.slack.com":
		rc.slack(r, body)
		_, _ = io.WriteString(w, "ok")
	case r.Host == "chat.googleapis.com":
		rc.google(r, body)
		_, _ = io.WriteString(w, `{"name": "spaces/AAA/messages/BBB"}`)
	case r.Host == "api.chatwork.com":
		rc.chatwork(r, body)
		_, _ = io.WriteString(w, `{"message_id": "1"}`)
	case r.Host == "auth.worksmobile.com":
		rc.lineToken(w, r, body)
	case r.Host == "www.worksapis.com":
		rc.lineworks(r, body)
		w.WriteHeader(http.StatusCreated)
	case r.Host == "hook.example":
		rc.webhook(r, body)
	default:
		rc.t.Errorf("request to %s", r.Host)
	}
}

func (rc *receiver) errorf(format string, args ...any) { rc.t.Helper(); rc.t.Errorf(format, args...) }

func (rc *receiver) kind(r *http.Request, want string) {
	if got, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); got != want {
		rc.errorf("content type %q, want %q", got, want)
	}
}

// strict decodes into v and refuses what v does not know.
func (rc *receiver) strict(body []byte, v any) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		rc.errorf("payload: %v\n%s", err, body)
	}
}

func (rc *receiver) teams(r *http.Request, body []byte) {
	rc.kind(r, "application/json")
	var got struct {
		Type        string `json:"type"`
		Attachments []struct {
			ContentType string  `json:"contentType"`
			ContentURL  *string `json:"contentUrl"`
			Content     struct {
				Schema  string `json:"$schema"`
				Type    string `json:"type"`
				Version string `json:"version"`
				Body    []struct {
					Type   string                          `json:"type"`
					Text   string                          `json:"text"`
					Weight string                          `json:"weight"`
					Size   string                          `json:"size"`
					Wrap   bool                            `json:"wrap"`
					Facts  []struct{ Title, Value string } `json:"facts"`
				} `json:"body"`
				Actions []struct{ Type, Title, URL string } `json:"actions"`
			} `json:"content"`
		} `json:"attachments"`
	}
	rc.strict(body, &got)
	if len(body) > 28_000 || got.Type != "message" || len(got.Attachments) != 1 {
		rc.errorf("%d octets, type %q, %d attachments", len(body), got.Type, len(got.Attachments))
		return
	}
	a := got.Attachments[0]
	if a.ContentType != "application/vnd.microsoft.card.adaptive" || a.Content.Type != "AdaptiveCard" || a.Content.Version != "1.4" || a.Content.Schema == "" {
		rc.errorf("card %+v", a)
	}
	for _, b := range a.Content.Body {
		switch {
		case b.Type == "TextBlock" && b.Wrap && b.Facts == nil && !strings.Contains(strings.ReplaceAll(b.Text, `\[`, ""), "["):
		case b.Type == "FactSet" && len(b.Facts) > 0 && b.Text == "":
		default:
			rc.errorf("element %+v", b)
		}
	}
	for _, act := range a.Content.Actions {
		if act.Type != "Action.OpenUrl" || act.Title == "" || !strings.HasPrefix(act.URL, "http") {
			rc.errorf("action %+v", act)
		}
	}
}

func (rc *receiver) slack(r *http.Request, body []byte) {
	rc.kind(r, "application/json")
	type text struct {
		Type  string `json:"type"`
		Text  string `json:"text"`
		Emoji *bool  `json:"emoji"`
	}
	var got struct {
		Text   string `json:"text"`
		Blocks []struct {
			Type   string `json:"type"`
			Text   *text  `json:"text"`
			Fields []text `json:"fields"`
		} `json:"blocks"`
	}
	rc.strict(body, &got)
	if got.Text == "" || len(got.Blocks) == 0 || len(got.Blocks) > 50 || strings.Contains(got.Text, "<!") {
		rc.errorf("text %q, %d blocks", got.Text, len(got.Blocks))
	}
	for i, b := range got.Blocks {
		n := 0
		if b.Text != nil {
			n = utf8.RuneCountInString(b.Text.Text)
		}
		switch {
		case b.Type == "header" && i == 0 && b.Text.Type == "plain_text" && n >= 1 && n <= 150:
		case b.Type == "section" && b.Text != nil && n >= 1 && n <= 3000 && b.Fields == nil:
			if b.Text.Type == "mrkdwn" && (!strings.HasPrefix(b.Text.Text, "<http") || strings.Count(b.Text.Text, "<") != 1 || b.Text.Emoji != nil) {
				rc.errorf("markup %q", b.Text.Text)
			}
		case b.Type == "section" && b.Text == nil && len(b.Fields) >= 1 && len(b.Fields) <= 10:
			for _, f := range b.Fields {
				if f.Type != "plain_text" || utf8.RuneCountInString(f.Text) > 2000 || f.Text == "" {
					rc.errorf("field %+v", f)
				}
			}
		default:
			rc.errorf("block %d: %+v", i, b)
		}
	}
}

func (rc *receiver) google(r *http.Request, body []byte) {
	rc.kind(r, "application/json")
	if r.URL.Query().Get("key") == "" || r.URL.Query().Get("token") == "" {
		rc.errorf("no key and token in %s", r.URL)
	}
	var got struct {
		Cards []struct {
			ID   string `json:"cardId"`
			Card struct {
				Header   struct{ Title string }
				Sections []struct {
					Widgets []map[string]json.RawMessage `json:"widgets"`
				} `json:"sections"`
			} `json:"card"`
		} `json:"cardsV2"`
	}
	rc.strict(body, &got)
	if len(body) > 32_000 || len(got.Cards) != 1 || got.Cards[0].Card.Header.Title == "" {
		rc.errorf("%d octets: %.300s", len(body), body)
		return
	}
	for _, s := range got.Cards[0].Card.Sections {
		if len(s.Widgets) == 0 || len(s.Widgets) > 100 {
			rc.errorf("%d widgets", len(s.Widgets))
		}
		for _, w := range s.Widgets {
			for name, raw := range w {
				if !slices.Contains([]string{"textParagraph", "decoratedText", "buttonList"}, name) || bytes.Contains(raw, []byte(`<a`)) {
					rc.errorf("widget %s %s", name, raw)
				}
			}
		}
	}
}

func (rc *receiver) chatwork(r *http.Request, body []byte) {
	rc.kind(r, "application/x-www-form-urlencoded")
	form, err := url.ParseQuery(string(body))
	text := form.Get("body")
	if err != nil || r.Header.Get("X-ChatWorkToken") != "0123456789abcdef" || r.URL.Path != "/v2/rooms/123/messages" || text == "" || len(form) != 2 {
		rc.errorf("%s %v %v", r.URL, r.Header, form)
	}
	for _, tag := range []string{"[info]", "[title]", "[/title]", "[/info]"} {
		text = strings.Replace(text, tag, "", 1)
	}
	if strings.ContainsAny(text, "[]") {
		rc.errorf("markup in %q", text)
	}
}

// lineToken checks the statement of the service account with nothing but the public key.
func (rc *receiver) lineToken(w http.ResponseWriter, r *http.Request, body []byte) {
	rc.kind(r, "application/x-www-form-urlencoded")
	form, err := url.ParseQuery(string(body))
	if err != nil || r.URL.Path != "/oauth2/v2.0/token" || form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" ||
		form.Get("client_id") != "client" || form.Get("client_secret") != "hidden" || form.Get("scope") != "bot" {
		rc.errorf("%s %v", r.URL, form)
	}
	parts := strings.Split(form.Get("assertion"), ".")
	if len(parts) != 3 {
		rc.errorf("assertion %v", parts)
		return
	}
	var head struct{ Alg, Typ string }
	var claims struct {
		Iss, Sub string
		Iat, Exp int64
	}
	for i, v := range []any{&head, &claims} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			rc.errorf("assertion: %v", err)
		}
		rc.strict(raw, v)
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err != nil || rsa.VerifyPKCS1v15(rc.key, crypto.SHA256, sum[:], sig) != nil {
		rc.errorf("the signature does not fit")
	}
	now := rc.now.Unix()
	if head.Alg != "RS256" || head.Typ != "JWT" || claims.Iss != "client" || claims.Sub != "x.serviceaccount@kojo" || claims.Iat > now || claims.Exp <= now || claims.Exp-claims.Iat > 3600 {
		rc.errorf("%+v %+v", head, claims)
	}
	rc.tokens++
	_, _ = fmt.Fprintf(w, `{"access_token": "token-%d", "refresh_token": "r", "token_type": "Bearer", "expires_in": "86400", "scope": "bot"}`, rc.tokens)
}

func (rc *receiver) lineworks(r *http.Request, body []byte) {
	rc.kind(r, "application/json")
	var got struct {
		Content struct{ Type, Text string } `json:"content"`
	}
	rc.strict(body, &got)
	n := len(utf16.Encode([]rune(got.Content.Text)))
	if r.URL.Path != "/v1.0/bots/2000001/channels/12345a12-b12c-12d3/messages" || got.Content.Type != "text" || n == 0 || n > 2000 {
		rc.errorf("%s: %d characters %+v", r.URL.Path, n, got)
	}
	if auth := r.Header.Get("Authorization"); auth != fmt.Sprintf("Bearer token-%d", rc.tokens) {
		rc.errorf("authorization %q", auth)
	}
}

// webhook verifies as a receiver does who follows Standard Webhooks: any of the signatures may fit its one secret.
func (rc *receiver) webhook(r *http.Request, body []byte) {
	rc.kind(r, "application/json")
	id, stamp := r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp")
	if stamp != strconv.FormatInt(rc.now.Unix(), 10) || !strings.HasPrefix(id, "msg_") || len(body) > 20_000 {
		rc.errorf("id %q, timestamp %q, %d octets", id, stamp, len(body))
	}
	for _, secret := range rc.secret {
		key, err := base64.StdEncoding.DecodeString(secret)
		if err != nil {
			rc.t.Error(err)
		}
		mac := hmac.New(sha256.New, key)
		_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
		want := mac.Sum(nil)
		fits := slices.ContainsFunc(strings.Fields(r.Header.Get("Webhook-Signature")), func(s string) bool {
			version, text, _ := strings.Cut(s, ",")
			got, err := base64.StdEncoding.DecodeString(text)
			return err == nil && version == "v1" && hmac.Equal(got, want)
		})
		if !fits {
			rc.errorf("no signature of %q fits", r.Header.Get("Webhook-Signature"))
		}
	}
	var got struct {
		Type, Timestamp string
		Data            struct {
			Title string
			Lines []string
			Facts []struct{ Name, Value string }
			Link  string
		}
	}
	rc.strict(body, &got)
	if when, err := time.Parse(time.RFC3339, got.Timestamp); err != nil || !when.Equal(rc.now) || got.Type != "kizuki.message" || got.Data.Title == "" {
		rc.errorf("%+v, %v", got, err)
	}
}
