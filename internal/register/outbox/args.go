package outbox

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/words/jdate"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Parameters of messages wait in the database until they are sent. What JSON does not know travels as an
// object with one member that names its type.
type typed struct {
	Text *i18n.Text `json:"text,omitempty"`
	Msg  *typedMsg  `json:"msg,omitempty"`
	Time *time.Time `json:"time,omitempty"`
}

type typedMsg struct {
	Key  string          `json:"key"`
	Args json.RawMessage `json:"args"`
}

func encodeArgs(args problem.Args) (json.RawMessage, error) {
	plain := make(map[string]any, len(args))
	for name, v := range args {
		switch v := v.(type) {
		case nil, string, bool, int, int64, float64:
			plain[name] = v
		case jdate.Day:
			plain[name] = v.String()
		case time.Time:
			plain[name] = typed{Time: &v}
		case i18n.Text:
			plain[name] = typed{Text: &v}
		case i18n.Msg:
			inner, err := encodeArgs(v.Args)
			if err != nil {
				return nil, err
			}
			plain[name] = typed{Msg: &typedMsg{v.Key, inner}}
		default:
			plain[name] = fmt.Sprint(v) // as messages write it
		}
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return nil, fmt.Errorf("write parameters: %w", err)
	}
	return text, nil
}

func decodeArgs(text json.RawMessage) (problem.Args, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("read parameters: %w", err)
	}
	args := make(problem.Args, len(raw))
	for name, v := range raw {
		var t typed
		if json.Unmarshal(v, &t) != nil { // not an object
			var plain any
			if err := json.Unmarshal(v, &plain); err != nil {
				return nil, fmt.Errorf("read parameter: %w", err)
			}
			if n, ok := plain.(float64); ok && n == float64(int64(n)) {
				plain = int64(n)
			}
			args[name] = plain
			continue
		}
		switch {
		case t.Text != nil:
			args[name] = *t.Text
		case t.Time != nil:
			args[name] = *t.Time
		case t.Msg != nil:
			inner, err := decodeArgs(t.Msg.Args)
			if err != nil {
				return nil, err
			}
			args[name] = i18n.Msg{Key: t.Msg.Key, Args: inner}
		}
	}
	return args, nil
}

// storedMsg is a sentence as a column holds it, "" for none.
func storedMsg(m *i18n.Msg) (string, error) {
	if m == nil {
		return "", nil
	}
	args, err := encodeArgs(m.Args)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(typedMsg{m.Key, args})
	return string(text), err
}

func readMsg(text string) (*i18n.Msg, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no sentence is a good answer
	}
	var m typedMsg
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return nil, fmt.Errorf("read sentence: %w", err)
	}
	args, err := decodeArgs(m.Args)
	return &i18n.Msg{Key: m.Key, Args: args}, err
}

// storedLine is a line with its parameters.
type storedLine struct {
	Line
	Args json.RawMessage `json:"args,omitempty"`
}

func encodeLines(lines []Line) (string, error) {
	out := make([]storedLine, len(lines))
	for i, l := range lines {
		args, err := encodeArgs(l.Args)
		if err != nil {
			return "", err
		}
		out[i] = storedLine{l, args}
	}
	text, err := json.Marshal(out)
	return string(text), err
}

func decodeLines(text string) ([]Line, error) {
	var in []storedLine
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		return nil, fmt.Errorf("read lines: %w", err)
	}
	var out []Line
	for _, l := range in {
		if len(l.Args) > 0 {
			args, err := decodeArgs(l.Args)
			if err != nil {
				return nil, err
			}
			l.Line.Args = args
		}
		out = append(out, l.Line)
	}
	return out, nil
}
