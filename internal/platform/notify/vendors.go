package notify

import (
	"context"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

type object map[string]any

func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("notify: " + err.Error()) // strings and lists only
	}
	return text
}

// maxTeams is the largest message that Teams takes, in octets. Source: limits of Microsoft Teams, 28 KB a message.
const maxTeams = 28_000

var teamsEscape = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, "`", "\\`", `~`, `\~`)

// teamsPayload is an adaptive card for the webhook trigger of Workflows. Version 1.4: later ones are not shown everywhere.
func teamsPayload(m Message) []byte {
	return shorten(m, maxTeams, func(m Message) []byte {
		body := []any{object{"type": "TextBlock", "text": teamsEscape.Replace(m.Title), "weight": "Bolder", "size": "Medium", "wrap": true}}
		for _, l := range m.Lines {
			body = append(body, object{"type": "TextBlock", "text": teamsEscape.Replace(l), "wrap": true})
		}
		if len(m.Facts) > 0 {
			var facts []any
			for _, f := range m.Facts {
				facts = append(facts, object{"title": teamsEscape.Replace(f.Name), "value": teamsEscape.Replace(f.Value)})
			}
			body = append(body, object{"type": "FactSet", "facts": facts})
		}
		card := object{"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4", "body": body}
		if m.Link != "" {
			card["actions"] = []any{object{"type": "Action.OpenUrl", "title": m.LinkText, "url": m.Link}}
		}
		return encode(object{"type": "message", "attachments": []any{
			object{"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": nil, "content": card},
		}})
	})
}

// Source: Block Kit reference: 3,000 characters in a text of a section, 50 blocks a message.
const (
	maxSlackText   = 3000
	maxSlackBlocks = 50
)

var slackEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// slackPayload is for an incoming webhook. Everything but the link is plain text: no mention comes about.
func slackPayload(m Message) []byte {
	plain := func(s string) object { return object{"type": "plain_text", "text": s, "emoji": false} }
	if room := maxSlackBlocks - 4; len(m.Lines) > room*10 {
		m = m.first(room * 10)
	}
	blocks := []any{object{"type": "header", "text": plain(m.Title)}}
	for rest := m.Lines; len(rest) > 0; {
		text, n := "", 0
		for n < len(rest) && n < 10 && utf8.RuneCountInString(text)+utf8.RuneCountInString(rest[n])+1 <= maxSlackText {
			text, n = text+rest[n]+"\n", n+1
		}
		rest = rest[n:]
		if text = strings.TrimRight(text, "\n"); text != "" {
			blocks = append(blocks, object{"type": "section", "text": plain(text)})
		}
	}
	if len(blocks) > maxSlackBlocks-3 {
		blocks = append(blocks[:maxSlackBlocks-3], object{"type": "section", "text": plain("…" + m.More)})
	}
	if len(m.Facts) > 0 {
		var fields []any
		for _, f := range m.Facts {
			fields = append(fields, plain(f.Name+"\n"+f.Value))
		}
		blocks = append(blocks, object{"type": "section", "fields": fields})
	}
	if m.Link != "" {
		link := "<" + slackEscape.Replace(strings.ReplaceAll(m.Link, "|", "%7C")) + "|" + slackEscape.Replace(m.LinkText) + ">"
		blocks = append(blocks, object{"type": "section", "text": object{"type": "mrkdwn", "text": link}})
	}
	return encode(object{"text": slackEscape.Replace(m.Title), "blocks": blocks})
}

// Source: Chat API reference: a card of 32 KB, 100 widgets a card.
const (
	maxGoogle  = 31_000
	maxWidgets = 100
)

// googlePayload is one card for the webhook of a space.
func googlePayload(m Message) []byte {
	if room := maxWidgets - maxFacts - 3; len(m.Lines) > room {
		m = m.first(room)
	}
	return shorten(m, maxGoogle, func(m Message) []byte {
		var widgets []any
		for _, l := range m.Lines {
			if l != "" {
				widgets = append(widgets, object{"textParagraph": object{"text": html.EscapeString(l)}})
			}
		}
		for _, f := range m.Facts {
			widgets = append(widgets, object{"decoratedText": object{"topLabel": f.Name, "text": html.EscapeString(f.Value), "wrapText": true}})
		}
		if m.Link != "" {
			widgets = append(widgets, object{"buttonList": object{"buttons": []any{
				object{"text": m.LinkText, "onClick": object{"openLink": object{"url": m.Link}}},
			}}})
		}
		card := object{"header": object{"title": m.Title}}
		if len(widgets) > 0 {
			card["sections"] = []any{object{"widgets": widgets}}
		}
		return encode(object{"cardsV2": []any{object{"cardId": "kizuki", "card": card}}})
	})
}

// plainText is the message for channels without cards, of at most limit characters as measured by size.
func plainText(m Message, limit int, size func(string) int, title func(string) string) string {
	build := func(m Message) string {
		var b strings.Builder
		b.WriteString(title(m.Title))
		for _, l := range m.Lines {
			b.WriteString("\n" + l)
		}
		for _, f := range m.Facts {
			b.WriteString("\n" + f.Name + ": " + f.Value)
		}
		if m.Link != "" {
			b.WriteString("\n" + m.LinkText + "\n" + m.Link)
		}
		return b.String()
	}
	return build(m.cut(func(m Message) bool { return size(build(m)) <= limit }))
}

// maxChatwork is a limit of our own, in characters: the reference (read 2026-11) names none, and nobody reads more in a chat.
const maxChatwork = 5000

// chatworkEscape takes the brackets from text of people: [toall] would wake everybody.
var chatworkEscape = strings.NewReplacer("[", "［", "]", "］")

func (p *Poster) postChatwork(ctx context.Context, c Channel, m Message) error {
	m.Title, m.More = chatworkEscape.Replace(m.Title), chatworkEscape.Replace(m.More)
	for i := range m.Lines {
		m.Lines[i] = chatworkEscape.Replace(m.Lines[i])
	}
	for i, f := range m.Facts {
		m.Facts[i] = Fact{chatworkEscape.Replace(f.Name), chatworkEscape.Replace(f.Value)}
	}
	m.LinkText = chatworkEscape.Replace(m.LinkText)
	text := plainText(m, maxChatwork, utf8.RuneCountInString, func(t string) string { return "[title]" + t + "[/title]" })
	form := url.Values{"body": {"[info]" + text + "[/info]"}, "self_unread": {"0"}}
	_, err := p.send(ctx, p.cfg.HTTP, "https://api.chatwork.com/v2/rooms/"+c.Room+"/messages",
		"application/x-www-form-urlencoded", []byte(form.Encode()), http.Header{"X-ChatWorkToken": {c.Token}})
	return err
}
