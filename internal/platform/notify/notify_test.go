package notify_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kizuki-security/kizuki/internal/platform/notify"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// madeKey makes the key of the service account once for all tests.
var madeKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// channels has one good channel of each kind.
func channels(t *testing.T, rc *receiver) map[notify.Kind]notify.Channel {
	t.Helper()
	key, err := madeKey()
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := notify.NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rc.key, rc.secret = &key.PublicKey, []string{strings.TrimPrefix(secret, "whsec_")}
	return map[notify.Kind]notify.Channel{
		notify.Teams:      {Kind: notify.Teams, URL: "https://default0.12.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/x/triggers/manual/paths/invoke?api-version=1&sig=abc"},
		notify.Slack:      {Kind: notify.Slack, URL: "https://hooks.slack.com/services/T0/B0/xyz"},
		notify.GoogleChat: {Kind: notify.GoogleChat, URL: "https://chat.googleapis.com/v1/spaces/AAA/messages?key=k&token=t"},
		notify.Chatwork:   {Kind: notify.Chatwork, Room: "123", Token: "0123456789abcdef"},
		notify.LineWorks: {
			Kind: notify.LineWorks, Room: "12345a12-b12c-12d3", Bot: "2000001", ClientID: "client", ClientSecret: "hidden", ServiceAccount: "x.serviceaccount@kojo",
			PrivateKey: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		},
		notify.Webhook: {Kind: notify.Webhook, URL: "https://hook.example/kizuki", Secret: secret},
	}
}

func poster(rc *receiver) *notify.Poster {
	return notify.New(notify.Config{HTTP: rc, Inside: rc, Now: func() time.Time { return rc.now }})
}

const evil = `[押して](https://evil.example) <!channel> <a href="https://evil.example">x</a> [toall] [To:1] *太字* & "'` + "\u202e"

func short() notify.Message {
	return notify.Message{
		ID: "01kb", Title: "今日やること 3件 " + evil, Lines: []string{"規程を見直す（期限 2026-11-30）", "", evil},
		Facts: []notify.Fact{{Name: "期限切れ", Value: "1件"}, {Name: evil, Value: evil}}, Link: "https://kizuki.kojo.example/today?a=1&b=2|3", LinkText: "開く " + evil, More: "続きはリンク先で",
	}
}

// TestPayloads: every vendor takes what we send, be it short, bare, or far too long.
func TestPayloads(t *testing.T) {
	t.Parallel()
	long := short()
	for range 3000 {
		long.Lines = append(long.Lines, strings.Repeat("長い行です。", 200))
	}
	for range 50 {
		long.Facts = append(long.Facts, notify.Fact{Name: strings.Repeat("名", 500), Value: strings.Repeat("値", 5000)})
	}
	long.Title = strings.Repeat("題", 1000)
	many := short()
	for range 3000 {
		many.Lines = append(many.Lines, "短い行")
	}
	for name, m := range map[string]notify.Message{
		"short": short(), "bare": {ID: "1", Title: "題だけ"}, "long": long, "many": many, "broken": {ID: "1", Title: "\xff\x00題\r\n2行目", Lines: []string{"\xed\xa0\x80"}},
	} {
		for _, kind := range notify.Kinds() {
			t.Run(name+"/"+string(kind), func(t *testing.T) {
				t.Parallel()
				rc := receive(t)
				if err := poster(rc).Post(t.Context(), channels(t, rc)[kind], m); err != nil {
					t.Fatal(err)
				}
				last := rc.bodies[len(rc.bodies)-1]
				if (name == "long" || name == "many") && (!strings.Contains(last, "kizuki.kojo.example") || !strings.Contains(unescape(last), "続きはリンク先で")) {
					t.Errorf("what was cut has no link or does not say so: %.500s", last)
				}
			})
		}
	}
}

// TestAnswers: each answer has its sentence, and says whether a later attempt may help.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]struct {
		code problem.Code
		key  string
		wait time.Duration
	}{
		301: {problem.CodeUnsupported, "notify.redirected", 0}, 307: {problem.CodeUnsupported, "notify.redirected", 0},
		400: {problem.CodeUnsupported, "notify.refused", 0}, 401: {problem.CodeUnsupported, "notify.not_allowed", 0}, 404: {problem.CodeUnsupported, "notify.gone", 0},
		408: {problem.CodeUnavailable, "notify.busy", 2 * time.Hour}, 429: {problem.CodeUnavailable, "notify.busy", 2 * time.Hour}, 503: {problem.CodeUnavailable, "notify.busy", 2 * time.Hour},
	} {
		rc := receive(t)
		rc.status = func(*http.Request) int { return status }
		for kind, c := range channels(t, rc) {
			err := poster(rc).Post(t.Context(), c, short())
			key := want.key
			if kind == notify.LineWorks && want.code == problem.CodeUnsupported && status >= 400 {
				key = "notify.lineworks_auth"
			}
			if all := problem.All(err); problem.CodeOf(err) != want.code || len(all) != 1 || all[0].Key != key || notify.Wait(err) != want.wait {
				t.Errorf("%s, status %d: %v, wait %s", kind, status, err, notify.Wait(err))
			}
			for _, hidden := range []string{c.Token, c.Secret, c.ClientSecret, "sig=abc", "xyz", "token=t"} {
				if hidden != "" && strings.Contains(err.Error(), hidden) {
					t.Errorf("%s: the error tells the secret %s: %v", kind, hidden, err)
				}
			}
		}
	}
}

type broken struct{}

func (broken) Do(r *http.Request) (*http.Response, error) {
	_, err := http.DefaultTransport.(*http.Transport).Clone().RoundTrip(r.Clone(r.Context()))
	if err == nil {
		err = errors.New("reached")
	}
	return nil, err
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	secret, err := notify.NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := notify.New(notify.Config{HTTP: broken{}, Now: time.Now})
	err = p.Post(t.Context(), notify.Channel{Kind: notify.Webhook, URL: "https://nobody.invalid/hidden-path", Secret: secret}, short())
	if problem.CodeOf(err) != problem.CodeUnavailable || strings.Contains(err.Error(), "hidden-path") {
		t.Error(err)
	}
}

// TestRotation: while a secret is changed, receivers with the old and with the new one both take the message.
func TestRotation(t *testing.T) {
	t.Parallel()
	rc := receive(t)
	c := channels(t, rc)[notify.Webhook]
	next, err := notify.NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.Secret, c.OldSecret = next, c.Secret
	rc.secret = append(rc.secret, strings.TrimPrefix(next, "whsec_"))
	if err := poster(rc).Post(t.Context(), c, short()); err != nil {
		t.Error(err)
	}
}

// TestLineToken: one token serves a day; one that was revoked is replaced at once.
func TestLineToken(t *testing.T) {
	t.Parallel()
	rc := receive(t)
	c, p := channels(t, rc)[notify.LineWorks], poster(rc)
	post := func(tokens int) {
		t.Helper()
		if err := p.Post(t.Context(), c, short()); err != nil || rc.tokens != tokens {
			t.Errorf("%d tokens asked for, want %d; %v", rc.tokens, tokens, err)
		}
	}
	post(1)
	post(1)
	rc.now = rc.now.Add(24 * time.Hour)
	post(2)
	refused := false
	rc.status = func(r *http.Request) int {
		if r.Host == "www.worksapis.com" && !refused {
			refused = true
			return http.StatusUnauthorized
		}
		return 0
	}
	post(3)
}

func TestCheck(t *testing.T) {
	t.Parallel()
	rc := receive(t)
	for kind, c := range channels(t, rc) {
		if got, err := c.Check(); err != nil || got.Host() == "" {
			t.Errorf("%s: %v", kind, err)
		}
		if _, err := (notify.Channel{Kind: kind}).Check(); err == nil {
			t.Errorf("an empty channel of kind %s is taken", kind)
		}
	}
	if _, err := (notify.Channel{Kind: "fax"}).Check(); err == nil {
		t.Error("a fax is taken")
	}
	secret := channels(t, rc)[notify.Webhook].Secret
	for _, tc := range []struct {
		kind   notify.Kind
		url    string
		inside bool
		want   bool
	}{
		{notify.Teams, "https://prod-01.japaneast.logic.azure.com:443/workflows/x?sig=y", false, true},
		{notify.Teams, "https://logic.azure.com.evil.example/", false, false},
		{notify.Teams, "https://evil.example/logic.azure.com", false, false},
		{notify.Teams, "https://x.logic.azure.com@evil.example/", false, false},
		{notify.Teams, "http://x.logic.azure.com/", false, false},
		{notify.Slack, "https://hooks.slack.com.evil.example/services/x", false, false},
		{notify.Slack, "https://hooks.slack.com/", false, false},
		{notify.Slack, `https://evil.example\@hooks.slack.com/services/x`, false, false},
		{notify.Slack, "https://HOOKS.slack.com/services/T/B/x", false, true},
		{notify.GoogleChat, "https://chat.googleapis.com/v1/spaces/A/messages?key=a", false, true},
		{notify.GoogleChat, "https://chat.googleapis.com/v1/spaces/A", false, false},
		{notify.Webhook, "https://hook.example/x", false, true},
		{notify.Webhook, "http://hook.example/x", false, false},
		{notify.Webhook, "http://10.0.0.1:8080/x", true, true},
		{notify.Webhook, "https://hook.example:8443/x", false, false},
		{notify.Webhook, "https://hook.example/x#y", false, false},
		{notify.Webhook, "//hook.example/x", false, false},
		{notify.Webhook, "https:hook.example", false, false},
		{notify.Webhook, "ftp://hook.example/", true, false},
		{notify.Webhook, "https://hook.example/\n", false, true},
		{notify.Webhook, "https://hook.example/\nx", false, false},
		{notify.Webhook, "https://例.example/", false, false},
		{notify.Webhook, "https://hook.example/" + strings.Repeat("x", 2000), false, false},
	} {
		_, err := notify.Channel{Kind: tc.kind, URL: tc.url, Secret: secret, Inside: tc.inside}.Check()
		if (err == nil) != tc.want {
			t.Errorf("%s %q, inside %v: %v", tc.kind, tc.url, tc.inside, err)
		}
	}
	for _, bad := range []string{"", "whsec_", "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 23)), "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 65)), base64.StdEncoding.EncodeToString(make([]byte, 32))} {
		if _, err := (notify.Channel{Kind: notify.Webhook, URL: "https://hook.example/", Secret: bad}).Check(); err == nil {
			t.Errorf("secret %q is taken", bad)
		}
	}
	// Nothing of another kind stays.
	all := channels(t, rc)[notify.LineWorks]
	all.Kind, all.URL = notify.Slack, "https://hooks.slack.com/services/T/B/x"
	got, err := all.Check()
	if diff := cmp.Diff(notify.Channel{Kind: notify.Slack, URL: all.URL}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// FuzzCheck: an address that is taken leads to the host that people read in it.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{"https://hooks.slack.com/services/x", "https://a@b/c", `https://a\b`, "https://[::1]/", "HTTPS://X.LOGIC.AZURE.COM:443/a?b#c", "https://%68ost/"} {
		f.Add(seed, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----")
	}
	f.Fuzz(func(t *testing.T, address, secret, key string) {
		for _, kind := range notify.Kinds() {
			c := notify.Channel{Kind: kind, URL: address, Secret: secret, Room: secret, Token: secret, Bot: secret, ClientID: secret, ClientSecret: secret, ServiceAccount: secret, PrivateKey: key}
			got, err := c.Check()
			if err != nil {
				continue
			}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, got.URL, nil)
			if err != nil || got.URL != "" && (r.URL.Scheme != "https" || r.URL.User != nil || r.URL.Host != got.Host()) {
				t.Fatalf("%s: %q became %q: %v", kind, address, got.URL, err)
			}
			switch host := r.URL.Hostname(); {
			case kind == notify.Slack && host != "hooks.slack.com" && host != "hooks.slack-gov.com", kind == notify.GoogleChat && host != "chat.googleapis.com",
				kind == notify.Teams && !strings.HasSuffix(host, ".logic.azure.com") && !strings.HasSuffix(host, ".api.powerplatform.com"):
				t.Fatalf("%s may go to %s", kind, host)
			}
			if again, err := got.Check(); err != nil || again != got {
				t.Fatalf("not stable: %+v, %+v, %v", got, again, err)
			}
		}
	})
}

// unescape reads what a form wrote.
func unescape(body string) string {
	if strings.Contains(body, "body=") {
		if text, err := url.QueryUnescape(body); err == nil {
			return text
		}
	}
	return body
}
