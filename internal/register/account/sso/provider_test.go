package sso_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"
)

const (
	clientID     = "kizuki"
	clientSecret = "s3cret/with+signs&=" // must survive the way in the header
)

// signingKey is drawn once: it costs more than all the tests.
var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// provider is an OpenID provider whose every answer a test can bend. The round trip with a real one stands
// in test/browser.
type provider struct {
	t      *testing.T
	url    string
	now    func() time.Time
	mu     sync.Mutex
	asked  url.Values // of the page to which the browser was sent
	used   map[string]bool
	claims map[string]any // beside or over the right ones; nil value: left out
	sign   func(header, claims map[string]any) string
	meta   map[string]any
	info   map[string]any
	tokens int // how often the token endpoint was asked
}

func newProvider(t *testing.T, now func() time.Time) *provider {
	t.Helper()
	p := &provider{t: t, now: now, used: map[string]bool{}, claims: map[string]any{}, meta: map[string]any{}, sign: rs256}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) { p.json(w, 200, p.description()) })
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		p.json(w, 200, map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "one", "n": b64(signingKey().N.Bytes()), "e": b64(big.NewInt(int64(signingKey().E)).Bytes()),
		}}})
	})
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, _ *http.Request) { p.json(w, 200, p.info) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

func (p *provider) description() map[string]any {
	d := map[string]any{
		"issuer": p.url, "authorization_endpoint": p.url + "/auth", "token_endpoint": p.url + "/token", "jwks_uri": p.url + "/keys",
		"end_session_endpoint": p.url + "/end", "response_types_supported": []string{"code"}, "id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"},
	}
	maps.Copy(d, p.meta)
	return d
}

// token answers as RFC 6749 §5 and RFC 7636 §4.6 want it: client, redirect, code and verifier must fit.
func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tokens++
	id, secret, ok := r.BasicAuth()
	if id, _ = url.QueryUnescape(id); ok {
		secret, _ = url.QueryUnescape(secret)
	}
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	code := r.PostFormValue("code")
	switch {
	case !ok || id != clientID || secret != clientSecret:
		p.json(w, 401, map[string]any{"error": "invalid_client", "error_description": "the code was " + code})
	case code != "code "+p.asked.Get("state") || p.used[code] || b64(sum[:]) != p.asked.Get("code_challenge") || p.asked.Get("code_challenge_method") != "S256" ||
		r.PostFormValue("redirect_uri") != p.asked.Get("redirect_uri"):
		p.json(w, 400, map[string]any{"error": "invalid_grant"})
	default:
		p.used[code] = true
		claims := map[string]any{
			"iss": p.url, "sub": "sub-1", "aud": clientID, "nonce": p.asked.Get("nonce"), "iat": p.now().Unix(), "exp": p.now().Add(time.Hour).Unix(),
			"email": "Sato@Midori.example", "email_verified": true,
		}
		for name, value := range p.claims {
			if claims[name] = value; value == nil {
				delete(claims, name)
			}
		}
		p.json(w, 200, map[string]any{
			"access_token": "access", "token_type": "Bearer", "expires_in": 300,
			"id_token": p.sign(map[string]any{"alg": "RS256", "kid": "one", "typ": "JWT"}, claims),
		})
	}
}

func (p *provider) json(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		p.t.Error(err)
	}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func parts(header, claims map[string]any) string {
	h, err := json.Marshal(header)
	if err != nil {
		panic(err)
	}
	c, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	return b64(h) + "." + b64(c)
}

func signWith(key *rsa.PrivateKey) func(header, claims map[string]any) string {
	return func(header, claims map[string]any) string {
		text := parts(header, claims)
		sum := sha256.Sum256([]byte(text))
		sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		if err != nil {
			panic(err)
		}
		return text + "." + b64(sig)
	}
}

func rs256(header, claims map[string]any) string { return signWith(signingKey())(header, claims) }

// unsigned is the token of RFC 7515 §A.5: alg none.
func unsigned(header, claims map[string]any) string {
	header["alg"] = "none"
	delete(header, "kid")
	return parts(header, claims) + "."
}

// hs256 signs with what everybody knows, the public key, as if it were a shared secret.
func hs256(header, claims map[string]any) string {
	header["alg"] = "HS256"
	der, err := x509.MarshalPKIXPublicKey(signingKey().Public())
	if err != nil {
		panic(err)
	}
	mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	text := parts(header, claims)
	mac.Write([]byte(text))
	return text + "." + b64(mac.Sum(nil))
}

// hsSecret signs with the client secret, which OpenID Connect allows and this office does not.
func hsSecret(header, claims map[string]any) string {
	header["alg"] = "HS256"
	mac := hmac.New(sha256.New, []byte(clientSecret))
	text := parts(header, claims)
	mac.Write([]byte(text))
	return text + "." + b64(mac.Sum(nil))
}
