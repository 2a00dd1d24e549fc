package notify

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Source: developers.worksmobile.com, Service Account authentication (JWT) and Bot › Send to a channel (read 2026-11).
const (
	lineAuth  = "https://auth.worksmobile.com"
	lineAPI   = "https://www.worksapis.com"
	lineGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer"

	jwtLife   = 30 * time.Minute // at most 60 are taken
	tokenSlop = 5 * time.Minute  // a token is not used in its last minutes
	maxLineWS = 2000             // characters of a text
)

// token is an access token; it lives for about a day.
type token struct {
	value string
	until time.Time
}

// postLineWorks asks for a token where there is none, and once more when the one at hand is refused.
func (p *Poster) postLineWorks(ctx context.Context, c Channel, m Message) error {
	content := func(text string) object { return object{"content": object{"type": "text", "text": text}} }
	size := func(s string) int { return len(utf16.Encode([]rune(s))) }
	body := encode(content(plainText(m, maxLineWS, size, func(t string) string { return t })))
	to := lineAPI + "/v1.0/bots/" + c.Bot + "/channels/" + url.PathEscape(c.Room) + "/messages"
	for fresh := false; ; fresh = true {
		access, old, err := p.lineToken(ctx, c, fresh)
		if err != nil {
			return err
		}
		err = p.postJSON(ctx, to, body, http.Header{"Authorization": {"Bearer " + access}})
		if why, ok := errors.AsType[statusError](err); ok && why.status == http.StatusUnauthorized && old {
			continue // revoked before its time
		}
		return err
	}
}

// lineToken gives an access token and whether it was kept from before.
func (p *Poster) lineToken(ctx context.Context, c Channel, fresh bool) (access string, kept bool, err error) {
	sum := sha256.Sum256([]byte(c.ClientID + "\x00" + c.ClientSecret + "\x00" + c.ServiceAccount + "\x00" + c.PrivateKey))
	key, now := string(sum[:]), p.cfg.Now()
	p.mu.Lock()
	have := p.tokens[key]
	p.mu.Unlock()
	if !fresh && have.value != "" && now.Before(have.until) {
		return have.value, true, nil
	}
	assertion, err := lineJWT(c, now)
	if err != nil {
		return "", false, err
	}
	form := url.Values{
		"assertion": {assertion}, "grant_type": {lineGrant}, "client_id": {c.ClientID}, "client_secret": {c.ClientSecret}, "scope": {"bot"},
	}
	answer, err := p.send(ctx, p.cfg.HTTP, lineAuth+"/oauth2/v2.0/token", "application/x-www-form-urlencoded", []byte(form.Encode()), nil)
	if why, ok := errors.AsType[statusError](err); ok && problem.CodeOf(err) == problem.CodeUnsupported && why.status >= 400 {
		return "", false, problem.Unsupported("notify.lineworks_auth").Because(why)
	}
	if err != nil {
		return "", false, err
	}
	var got struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   any    `json:"expires_in"` // seconds, as a text in the examples and a number in the reference
	}
	if err := json.Unmarshal(answer, &got); err != nil || got.AccessToken == "" || !word.MatchString(got.AccessToken[:min(200, len(got.AccessToken))]) {
		return "", false, problem.Unavailable("notify.unreachable", "host", "auth.worksmobile.com").Because(errors.New("the answer holds no token"))
	}
	seconds, err := strconv.ParseFloat(fmt.Sprint(got.ExpiresIn), 64)
	if err != nil || seconds < 0 || seconds > 1e7 {
		seconds = 0 // used once
	}
	p.mu.Lock()
	p.tokens[key] = token{got.AccessToken, now.Add(time.Duration(seconds)*time.Second - tokenSlop)}
	p.mu.Unlock()
	return got.AccessToken, false, nil
}

// lineJWT is the signed statement of the service account. Source: RFC 7515, RFC 7523.
func lineJWT(c Channel, now time.Time) (string, error) {
	key, err := privateKey(c.PrivateKey)
	if err != nil {
		return "", problem.Unsupported("notify.private_key").Because(err)
	}
	enc := base64.RawURLEncoding.EncodeToString
	text := enc(encode(object{"alg": "RS256", "typ": "JWT"})) + "." +
		enc(encode(object{"iss": c.ClientID, "sub": c.ServiceAccount, "iat": now.Unix(), "exp": now.Add(jwtLife).Unix()}))
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return text + "." + enc(signature), nil
}

// privateKey reads the file that LINE WORKS gives (PKCS #8), or the older form.
func privateKey(text string) (*rsa.PrivateKey, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || strings.TrimSpace(string(rest)) != "" {
		return nil, errors.New("no PEM block, or several")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	any8, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read private key: %w", err)
	}
	key, ok := any8.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("not an RSA key")
	}
	return key, nil
}
