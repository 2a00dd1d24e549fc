package outbox

import (
	"net/http"
	"time"

	"github.com/kizuki-security/kizuki/internal/platform/i18n"
	"github.com/kizuki-security/kizuki/internal/platform/sheet"
	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/platform/web"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// shownEntries is how many messages the page lists, newest first; the export has all.
const shownEntries = 200

// LogView is the list of what was sent.
type LogView struct {
	Rows   []LogRow
	State  string
	States []string
	Fails  int // that nobody has put aside
}

// LogRow is one message as listed. What identifies people is gone after the retention time.
type LogRow struct {
	Key      string
	At       time.Time
	To       string
	What     i18n.Msg
	State    string // label: outbox.state.*
	Error    *i18n.Msg
	Attempts int
	Next     time.Time
	Ended    time.Time
	Open     bool // failed, and nobody has put it aside
	Erased   bool
}

// logStates are the filters, in order. Labels: messages outbox.state.*.
var logStates = []string{"open", "queued", "sent", "failed"}

func (h *Web) logView(r *http.Request, limit int) (LogView, error) {
	ctx := r.Context()
	v := LogView{State: r.URL.Query().Get("state"), States: logStates}
	f := Filter{Limit: limit}
	switch v.State {
	case "open":
		f.Open = true
	case string(Queued), string(Sent), string(Failed):
		f.State = State(v.State)
	default:
		v.State = ""
	}
	err := h.svc.db.Read(ctx, func(tx *sqlite.Tx) error {
		found, err := findMessages(ctx, tx, f)
		if err != nil {
			return err
		}
		if _, _, v.Fails, err = count(ctx, tx); err != nil {
			return err
		}
		readers, err := h.svc.cfg.Readers(ctx, tx)
		if err != nil {
			return err
		}
		channels, err := listChannels(ctx, tx, "")
		if err != nil {
			return err
		}
		names := map[string]string{}
		for _, reader := range readers {
			names[reader.Account] = reader.Name
		}
		for _, c := range channels {
			names[c.Key] = c.Name
		}
		for _, e := range found {
			row := rowOf(e, names)
			if e.Person != "" {
				name, _, err := h.svc.cfg.Person(ctx, tx, e.Person)
				if err != nil && problem.CodeOf(err) != problem.CodeNotFound {
					return err
				}
				row.To = name
			}
			v.Rows = append(v.Rows, row)
		}
		return nil
	})
	return v, err
}

func rowOf(e Entry, names map[string]string) LogRow {
	row := LogRow{
		Key: e.Key, At: e.Created, To: e.Address + names[e.Account] + names[e.Channel], What: i18n.Msg{Key: e.Text + ".subject", Args: e.Args}, State: string(e.State),
		Error: e.Error, Attempts: e.Attempts, Next: e.Next, Ended: e.Ended, Erased: !e.Erased.IsZero(),
	}
	switch {
	case e.State == Failed && e.Seen.IsZero():
		row.State, row.Open = "open", true
	case e.State == Queued && e.Attempts > 0:
		row.State = "again"
	}
	if row.Erased {
		row.What = i18n.Msg{Key: "outbox.erased_text"}
	}
	return row
}

func (h *Web) log(w http.ResponseWriter, r *http.Request) error {
	v, err := h.logView(r, shownEntries)
	if err != nil {
		return err
	}
	return h.views.Render(w, r, "outbox_log", v)
}

func (h *Web) export(w http.ResponseWriter, r *http.Request) error {
	v, err := h.logView(r, 0)
	if err != nil {
		return err
	}
	out := sheet.Out{Title: h.shell.T(r, "outbox.log.title", nil)}
	for _, key := range []string{"at", "to", "what", "state", "attempts", "ended", "error"} {
		out.Columns = append(out.Columns, sheet.OutColumn{Title: h.shell.T(r, "outbox.col."+key, nil)})
	}
	for _, row := range v.Rows {
		failure := ""
		if row.Error != nil {
			failure = h.shell.T(r, row.Error.Key, row.Error.Args)
		}
		out.Rows = append(out.Rows, []any{
			row.At, row.To, h.shell.T(r, row.What.Key, row.What.Args), h.shell.T(r, "outbox.state."+row.State, nil), row.Attempts, row.Ended, failure,
		})
	}
	return web.Export(w, r, "messages", out)
}

const logPage = "/settings/messages/log"

func (h *Web) resend(w http.ResponseWriter, r *http.Request) error {
	if err := h.svc.Resend(r.Context(), r.PathValue("key")); err != nil {
		return err
	}
	return h.shell.Done(w, r, logPage, "outbox.resent_done", "n", 1)
}

func (h *Web) resendAll(w http.ResponseWriter, r *http.Request) error {
	n, err := h.svc.ResendAll(r.Context())
	if err != nil {
		return err
	}
	return h.shell.Done(w, r, logPage, "outbox.resent_done", "n", n)
}

func (h *Web) putAside(w http.ResponseWriter, r *http.Request) error {
	if err := h.svc.PutAside(r.Context(), r.PathValue("key")); err != nil {
		return err
	}
	return h.shell.Done(w, r, logPage, "outbox.put_aside_done")
}
