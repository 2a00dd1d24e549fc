package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Source: Standard Webhooks 1.0: headers, signed content "id.timestamp.body", secrets of 24 to 64 octets, payloads
// below 20 KB.
const (
	secretPrefix = "whsec_"
	minSecret    = 24
	maxSecret    = 64
	maxWebhook   = 20_000
)

// NewSecret draws a secret for a webhook.
func NewSecret(rand io.Reader) (string, error) {
	raw := make([]byte, 32)
	if _, err := io.ReadFull(rand, raw); err != nil {
		return "", fmt.Errorf("draw a secret: %w", err)
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(raw), nil
}

func secretBytes(s string) ([]byte, bool) {
	text, ok := strings.CutPrefix(s, secretPrefix)
	raw, err := base64.StdEncoding.DecodeString(text)
	return raw, ok && err == nil && len(raw) >= minSecret && len(raw) <= maxSecret
}

type webhookBody struct {
	Type      string      `json:"type"`
	Timestamp string      `json:"timestamp"`
	Data      webhookData `json:"data"`
}

type webhookData struct {
	Title string        `json:"title"`
	Lines []string      `json:"lines"`
	Facts []webhookFact `json:"facts"`
	Link  string        `json:"link,omitempty"`
}

type webhookFact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// postWebhook sends JSON with the headers of Standard Webhooks. While a secret is being changed, both sign.
func (p *Poster) postWebhook(ctx context.Context, c Channel, m Message) error {
	now := p.cfg.Now()
	body := shorten(m, maxWebhook, func(m Message) []byte {
		data := webhookData{Title: m.Title, Lines: append([]string{}, m.Lines...), Facts: []webhookFact{}, Link: m.Link}
		for _, f := range m.Facts {
			data.Facts = append(data.Facts, webhookFact(f))
		}
		return encode(webhookBody{"kizuki.message", now.UTC().Format(time.RFC3339), data})
	})
	id, stamp := "msg_"+m.ID, strconv.FormatInt(now.Unix(), 10)
	var signatures []string
	for _, s := range []string{c.Secret, c.OldSecret} {
		if key, ok := secretBytes(s); ok {
			mac := hmac.New(sha256.New, key)
			mac.Write([]byte(id + "." + stamp + "."))
			mac.Write(body)
			signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		}
	}
	via := p.cfg.HTTP
	if c.Inside {
		via = p.cfg.Inside
	}
	_, err := p.send(ctx, via, c.URL, "application/json; charset=utf-8", body, http.Header{
		"webhook-id": {id}, "webhook-timestamp": {stamp}, "webhook-signature": {strings.Join(signatures, " ")},
	})
	return err
}
