// Package archive keeps copies of sealed files in a bucket of S3-compatible storage: the open archive beside the lake,
// that any engine reads, and that the machine of the lake cannot change where the bucket has Object Lock.
//
// It owns the words object, part and upload. It knows no lake: files come in by path, with the SHA-256 that was signed for
// them. An upload may be ended at any time; what is there already is not sent again, neither whole files nor parts of them,
// and nothing is kept about it here: the bucket tells. An object is never overwritten. A file that is not the one that was
// signed is never sent whole.
//
// It stands on github.com/minio/minio-go/v7 (Apache-2.0), which adds 1.5 MB to a program.
package archive

import (
	"context"
	"crypto/md5" //nolint:gosec // the protocol's checksum of a part; what is proved is the SHA-256
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Reason says why something did not work. It is a stable code.
type Reason string

// Reasons.
const (
	Unavailable Reason = "unavailable" // no answer, or one that says try later
	Denied      Reason = "denied"      // the storage does not let us, or has no such bucket
	Changed     Reason = "changed"     // the file here is not the one that was signed
	Other       Reason = "other"       // another object has the name
	Unreadable  Reason = "unreadable"  // the file here cannot be read
	BadConfig   Reason = "bad_config"
)

// Error is a refusal with its reason.
type Error struct {
	Reason Reason
	Err    error // cause; may be nil
}

// Error gives reason and cause in one line.
func (e *Error) Error() string {
	if e.Err == nil {
		return "archive: " + string(e.Reason)
	}
	return fmt.Sprintf("archive: %s: %v", e.Reason, e.Err)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is says whether err is an error of this package with this reason.
func Is(err error, reason Reason) bool {
	known, ok := errors.AsType[*Error](err)
	return ok && known.Reason == reason
}

// Config says where the bucket is. The bucket must exist.
type Config struct {
	Address        string // "https://host:port"
	Region         string // empty: the storage tells
	Bucket, Prefix string // Prefix stands before all names; "" or with "/" at its end
	AccessKey      string
	SecretKey      string
	Transport      http.RoundTripper // nil: that of the library
	// PartSize is the length of one part, at least 5 MiB; larger files are sent in parts. 0: 16 MiB.
	PartSize int64
}

// Bucket is a place for sealed files. Any goroutine may call its methods.
type Bucket struct {
	config Config
	core   *minio.Core
}

// shaKey is the user metadata that names an object's SHA-256.
const shaKey = "Kizuki-Sha256"

// Open makes a client; it sends nothing yet.
func Open(c Config) (*Bucket, error) {
	u, err := url.Parse(c.Address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Path != "" && u.Path != "/" {
		return nil, &Error{Reason: BadConfig, Err: fmt.Errorf("address %.100q", c.Address)}
	}
	if c.PartSize == 0 {
		c.PartSize = 16 << 20
	}
	if c.PartSize < 5<<20 || c.Bucket == "" || c.Prefix != "" && !strings.HasSuffix(c.Prefix, "/") {
		return nil, &Error{Reason: BadConfig, Err: fmt.Errorf("bucket %q, prefix %q, parts of %d bytes", c.Bucket, c.Prefix, c.PartSize)}
	}
	core, err := minio.NewCore(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(c.AccessKey, c.SecretKey, ""), Secure: u.Scheme == "https", Region: c.Region,
		Transport: c.Transport, MaxRetries: 3,
	})
	if err != nil {
		return nil, &Error{Reason: BadConfig, Err: err}
	}
	return &Bucket{config: c, core: core}, nil
}

// File is a sealed file to be copied.
type File struct {
	Path   string
	Name   string // of the object, behind the prefix: "2026/11/26/fw-01.parquet"
	SHA256 [sha256.Size]byte
	// KeepUntil asks the storage not to let anybody delete or change the object before (Object Lock, compliance mode). Zero:
	// the bucket's own rule.
	KeepUntil time.Time
}

// Sent is what an upload did.
type Sent struct {
	There bool  // the object was there already
	Bytes int64 // that were sent
	Parts int   // parts that were there from an upload before
}

// Upload makes sure that the bucket has the file. Reasons: Changed, Other, Unreadable, Denied, Unavailable.
func (b *Bucket) Upload(ctx context.Context, file File) (Sent, error) {
	there, err := b.Has(ctx, file)
	if there || err != nil {
		return Sent{There: there}, err
	}
	f, err := os.Open(file.Path)
	if err != nil {
		return Sent{}, &Error{Reason: Unreadable, Err: err}
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return Sent{}, &Error{Reason: Unreadable, Err: err}
	}
	if info.Size() == 0 { // a sealed file never is
		return Sent{}, &Error{Reason: Changed, Err: fmt.Errorf("file %s is empty", file.Path)}
	}
	var sent Sent
	if info.Size() <= b.config.PartSize {
		sent, err = b.whole(ctx, file, f)
	} else {
		sent, err = b.parts(ctx, file, f, info.Size())
	}
	if err != nil {
		return sent, err
	}
	if there, err = b.Has(ctx, file); err == nil && !there {
		err = &Error{Reason: Unavailable, Err: fmt.Errorf("%s is not there after it was sent", file.Name)}
	}
	return sent, err
}

// Has says whether the bucket has the file. Reason Other: it has another object of that name.
func (b *Bucket) Has(ctx context.Context, file File) (bool, error) {
	info, err := b.core.StatObject(ctx, b.config.Bucket, b.config.Prefix+file.Name, minio.StatObjectOptions{})
	if err != nil {
		if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
			return false, nil
		}
		return false, reasoned(ctx, err)
	}
	for key, value := range info.UserMetadata {
		if strings.EqualFold(key, shaKey) && value == hex.EncodeToString(file.SHA256[:]) {
			return true, nil
		}
	}
	return false, &Error{Reason: Other, Err: fmt.Errorf("%s is of %d bytes and another file", file.Name, info.Size)}
}

// Check reads the object back and compares its bytes with what was signed. Reason Changed: they differ.
func (b *Bucket) Check(ctx context.Context, file File) error {
	body, _, _, err := b.core.GetObject(ctx, b.config.Bucket, b.config.Prefix+file.Name, minio.GetObjectOptions{})
	if err != nil {
		return reasoned(ctx, err)
	}
	sum := sha256.New()
	_, err = io.Copy(sum, body)
	if err := errors.Join(err, body.Close()); err != nil {
		return reasoned(ctx, err)
	}
	if [sha256.Size]byte(sum.Sum(nil)) != file.SHA256 {
		return &Error{Reason: Changed, Err: fmt.Errorf("object %s", file.Name)}
	}
	return nil
}

func (b *Bucket) options(file File) minio.PutObjectOptions {
	o := minio.PutObjectOptions{
		UserMetadata: map[string]string{shaKey: hex.EncodeToString(file.SHA256[:])}, ContentType: "application/octet-stream",
	}
	if !file.KeepUntil.IsZero() {
		o.Mode, o.RetainUntilDate = minio.Compliance, file.KeepUntil.UTC()
	}
	return o
}

// whole sends a file in one request, from memory: what is hashed is what is sent.
func (b *Bucket) whole(ctx context.Context, file File, f io.Reader) (Sent, error) {
	data, err := io.ReadAll(io.LimitReader(f, b.config.PartSize+1))
	if err != nil {
		return Sent{}, &Error{Reason: Unreadable, Err: err}
	}
	if sha256.Sum256(data) != file.SHA256 {
		return Sent{}, &Error{Reason: Changed, Err: fmt.Errorf("file %s", file.Path)}
	}
	o := b.options(file)
	o.SetMatchETagExcept("*") // where the storage knows it, nobody else's object is overwritten in between
	_, err = b.core.PutObject(ctx, b.config.Bucket, b.config.Prefix+file.Name, strings.NewReader(string(data)), int64(len(data)),
		md5Text(data), hex.EncodeToString(file.SHA256[:]), o)
	if err != nil {
		return Sent{}, reasoned(ctx, err)
	}
	return Sent{Bytes: int64(len(data))}, nil
}

func md5Text(data []byte) string {
	sum := md5.Sum(data) //nolint:gosec // see above
	return base64.StdEncoding.EncodeToString(sum[:])
}

func shaText(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// reasoned gives an error of the library its reason.
func reasoned(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("archive: %w", context.Cause(ctx))
	}
	answer := minio.ToErrorResponse(err)
	switch {
	case answer.Code == "PreconditionFailed":
		return &Error{Reason: Other, Err: err}
	case answer.StatusCode >= 400 && answer.StatusCode < 500 && answer.StatusCode != http.StatusTooManyRequests &&
		answer.StatusCode != http.StatusRequestTimeout:
		return &Error{Reason: Denied, Err: err}
	}
	return &Error{Reason: Unavailable, Err: err}
}
