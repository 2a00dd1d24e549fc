package victoria

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/kizuki-security/kizuki/internal/logs/event"
)

// Config says where the engine is.
type Config struct {
	// Insert and Select are the addresses of what takes rows and of what answers, "http://host:9428": one node, or the fronts
	// of a cluster. An empty Select is Insert.
	Insert, Select string
	// HTTP makes the requests; its time-outs, proxy and certificates are the caller's. Nil: http.DefaultClient.
	HTTP *http.Client
	// Header is added to each request: Authorization, or AccountID and ProjectID of a tenant.
	Header http.Header
	// LargestRow and LargestAnswer limit answers, in bytes. 0: 16 MiB and 1 GiB.
	LargestRow    int
	LargestAnswer int64
}

// Client speaks to one engine. Any goroutine may call its methods.
type Client struct {
	config  Config
	encoder *zstd.Encoder
}

// NewClient makes a client; it sends nothing yet.
func NewClient(c Config) (*Client, error) {
	if c.Select == "" {
		c.Select = c.Insert
	}
	for _, address := range []*string{&c.Insert, &c.Select} {
		u, err := url.Parse(*address)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" {
			return nil, &Error{Reason: Refused, Err: fmt.Errorf("address %.100q", *address)}
		}
		*address = strings.TrimSuffix(*address, "/")
	}
	if c.HTTP == nil {
		c.HTTP = http.DefaultClient
	}
	if c.LargestRow == 0 {
		c.LargestRow = 16 << 20
	}
	if c.LargestAnswer == 0 {
		c.LargestAnswer = 1 << 30
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return nil, fmt.Errorf("make encoder: %w", err)
	}
	return &Client{config: c, encoder: encoder}, nil
}

// Insert sends records, once. That there is no error means that the engine answered so, not that it kept each row.
func (c *Client) Insert(ctx context.Context, records []event.Record) error {
	if len(records) == 0 {
		return nil
	}
	var b []byte
	for i := range records {
		b = appendLine(b, &records[i])
	}
	address := c.config.Insert + "/insert/jsonline?_stream_fields=" + FieldSource + ",host&_time_field=_time&_msg_field=" + fieldMessage
	body, err := c.do(ctx, address, c.encoder.EncodeAll(b, nil), http.Header{
		"Content-Type": {"application/stream+json"}, "Content-Encoding": {"zstd"},
	})
	if err != nil {
		return err
	}
	return drain(body)
}

// Flush makes rows that were sent visible to queries. An engine that does not let us shows them by itself after a second
// or so.
func (c *Client) Flush(ctx context.Context) error {
	body, err := c.do(ctx, c.config.Insert+"/internal/force_flush", nil, nil)
	if err != nil {
		return err
	}
	return drain(body)
}

func drain(body io.ReadCloser) error {
	_, err := io.Copy(io.Discard, io.LimitReader(body, 1<<20))
	if err := errors.Join(err, body.Close()); err != nil {
		return &Error{Reason: Unavailable, Err: err}
	}
	return nil
}

// do posts and gives the body of a good answer.
func (c *Client) do(ctx context.Context, address string, body []byte, header http.Header) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, &Error{Reason: Refused, Err: err}
	}
	for _, h := range []http.Header{c.config.Header, header} {
		maps.Copy(request.Header, h)
	}
	response, err := c.config.HTTP.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("victoria: %w", context.Cause(ctx))
		}
		return nil, &Error{Reason: Unavailable, Err: err}
	}
	if response.StatusCode/100 == 2 {
		return response.Body, nil
	}
	said, _ := io.ReadAll(io.LimitReader(response.Body, 500)) // for the log only
	reason := Refused
	if s := response.StatusCode; s >= 500 || s == http.StatusTooManyRequests || s == http.StatusRequestTimeout {
		reason = Unavailable
	}
	return nil, errors.Join(
		&Error{Reason: reason, Status: response.StatusCode, Err: fmt.Errorf("%q", bytes.TrimSpace(said))}, response.Body.Close())
}

// Query runs LogsQL text and gives its rows one by one, in the order of the engine; an error of each ends it. An answer of
// which a part is missing, since a storage node does not answer, is an error of the engine.
func (c *Client) Query(ctx context.Context, logsQL string, each func(Row) error) error {
	form := url.Values{"query": {logsQL}}
	body, err := c.do(ctx, c.config.Select+"/select/logsql/query", []byte(form.Encode()), http.Header{
		"Content-Type": {"application/x-www-form-urlencoded"},
	})
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }() // read to its end, or given up
	limited := &io.LimitedReader{R: body, N: c.config.LargestAnswer}
	lines := bufio.NewScanner(limited)
	lines.Buffer(make([]byte, 0, 64<<10), c.config.LargestRow)
	for lines.Scan() {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var row Row
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			return &Error{Reason: Malformed, Err: fmt.Errorf("row %.100q: %w", lines.Bytes(), err)}
		}
		if err := each(row); err != nil {
			return err
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong) || err == nil && limited.N == 0:
		return &Error{Reason: TooLarge}
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("victoria: %w", context.Cause(ctx))
	case err != nil:
		return &Error{Reason: Unavailable, Err: err}
	}
	return nil
}

// Rows runs a filter in LogsQL and gives the newest n records that it finds, newest first; a row that is there twice is
// given once. n is at most 100,000.
func (c *Client) Rows(ctx context.Context, filter string, n int) ([]event.Record, error) {
	n = min(n, 100_000)
	type id struct{ source, seq string }
	seen := map[id]bool{}
	var all []event.Record
	// A row is there twice in rare cases only; some more are asked for, and all of them again where that did not do.
	for limit := n + 10; ; limit *= 2 {
		rows := 0
		all, seen = all[:0], map[id]bool{}
		err := c.Query(ctx, filter+fmt.Sprintf(" | sort by (_time desc, %s, %s desc) limit %d", FieldSource, FieldSeq, limit), func(row Row) error {
			rows++
			key := id{row[FieldSource], row[FieldSeq]}
			if seen[key] || len(all) == n {
				return nil
			}
			seen[key] = true
			r, err := row.Record()
			if err == nil {
				all = append(all, r)
			}
			return err
		})
		if err != nil || len(all) == n || rows < limit {
			return all, err
		}
	}
}

// present gives the sequence numbers of a source that the engine shows among first to last. from and to are the times of
// the rows that are looked for.
func (c *Client) present(ctx context.Context, source string, first, last uint64, from, to time.Time) (map[uint64]bool, error) {
	found := map[uint64]bool{}
	text := fmt.Sprintf(`_time:[%s, %s] {%s=%q} %s:range[%d, %d] | fields %s`, from.UTC().Format(timeForm),
		to.UTC().Add(time.Microsecond).Format(timeForm), FieldSource, source, FieldSeq, first, last, FieldSeq)
	err := c.Query(ctx, text, func(row Row) error {
		var seq uint64
		if _, err := fmt.Sscan(row[FieldSeq], &seq); err != nil {
			return &Error{Reason: Malformed, Err: fmt.Errorf("sequence number %.40q", row[FieldSeq])}
		}
		found[seq] = true
		return nil
	})
	return found, err
}
