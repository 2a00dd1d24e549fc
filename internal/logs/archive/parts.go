package archive

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // the protocol's checksum of a part
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/minio/minio-go/v7"
)

// parts sends a file in parts. An upload that was begun before goes on: parts of it that are those of the file are not
// sent again. One with another part is another file's: it is given up, since the hash that its object would bear is not ours
// either. The object comes to be only when all parts together have the SHA-256 that was signed.
func (b *Bucket) parts(ctx context.Context, file File, f io.ReadSeeker, size int64) (Sent, error) {
	name := b.config.Prefix + file.Name
	upload, there, err := b.begun(ctx, name)
	if err != nil {
		return Sent{}, err
	}
	if len(there) > 0 {
		sent, err := b.send(ctx, file, f, size, upload, there)
		if !errors.Is(err, errStrange) {
			return sent, err
		}
		if err := b.core.AbortMultipartUpload(ctx, b.config.Bucket, name, upload); err != nil {
			return sent, reasoned(ctx, err)
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return sent, &Error{Reason: Unreadable, Err: err}
		}
	}
	if upload, err = b.core.NewMultipartUpload(ctx, b.config.Bucket, name, b.options(file)); err != nil {
		return Sent{}, reasoned(ctx, err)
	}
	return b.send(ctx, file, f, size, upload, nil)
}

// errStrange says that an upload has a part of another file.
var errStrange = errors.New("a part of another file")

// send sends the parts that are not there and makes the object.
func (b *Bucket) send(ctx context.Context, file File, f io.Reader, size int64, upload string, there map[int]string) (sent Sent, err error) {
	name := b.config.Prefix + file.Name
	var complete []minio.CompletePart
	sum := sha256.New()
	buffer := make([]byte, b.config.PartSize)
	for left, number := size, 1; left > 0; number++ {
		part := buffer[:min(left, b.config.PartSize)]
		if _, err := io.ReadFull(f, part); err != nil {
			return sent, &Error{Reason: Unreadable, Err: fmt.Errorf("%s was %d bytes long: %w", file.Path, size, err)}
		}
		left -= int64(len(part))
		sum.Write(part)
		tag, known := there[number]
		sum5 := md5.Sum(part) //nolint:gosec // see above
		switch {
		case known && tag != hex.EncodeToString(sum5[:]):
			return sent, errStrange
		case known:
			sent.Parts++
		default:
			// The hash is signed with the request; "disabled" is the form that signs a body piece by piece as it flows.
			got, err := b.core.PutObjectPart(ctx, b.config.Bucket, name, upload, number, bytes.NewReader(part), int64(len(part)),
				minio.PutObjectPartOptions{Md5Base64: md5Text(part), Sha256Hex: shaText(part), DisableContentSha256: true})
			if err != nil {
				return sent, reasoned(ctx, err)
			}
			tag = got.ETag
			sent.Bytes += int64(len(part))
		}
		complete = append(complete, minio.CompletePart{PartNumber: number, ETag: tag})
	}
	if [sha256.Size]byte(sum.Sum(nil)) != file.SHA256 {
		_ = b.core.AbortMultipartUpload(ctx, b.config.Bucket, name, upload) // what is wrong with the file matters more
		return sent, &Error{Reason: Changed, Err: fmt.Errorf("file %s", file.Path)}
	}
	var o minio.PutObjectOptions
	o.SetMatchETagExcept("*") // as for whole files: nobody else's object is overwritten in between
	if _, err := b.core.CompleteMultipartUpload(ctx, b.config.Bucket, name, upload, complete, o); err != nil {
		return sent, reasoned(ctx, err)
	}
	return sent, nil
}

// begun finds the newest upload of an object that was begun and not ended, and the ETags of its parts.
func (b *Bucket) begun(ctx context.Context, name string) (upload string, tags map[int]string, err error) {
	list, err := b.core.ListMultipartUploads(ctx, b.config.Bucket, name, "", "", "", 1000)
	if minio.ToErrorResponse(err).Code == minio.NoSuchUpload { // some storages answer so where others give an empty list
		return "", map[int]string{}, nil
	}
	if err != nil {
		return "", nil, reasoned(ctx, err)
	}
	var newest minio.ObjectMultipartInfo
	for _, u := range list.Uploads {
		if u.Key == name && (upload == "" || u.Initiated.After(newest.Initiated)) {
			upload, newest = u.UploadID, u
		}
	}
	tags = map[int]string{}
	if upload == "" {
		return "", tags, nil
	}
	for marker := 0; ; {
		page, err := b.core.ListObjectParts(ctx, b.config.Bucket, name, upload, marker, 1000)
		if err != nil {
			return "", nil, reasoned(ctx, err)
		}
		for _, p := range page.ObjectParts {
			tags[p.PartNumber] = strings.Trim(p.ETag, `"`)
		}
		if !page.IsTruncated || page.NextPartNumberMarker <= marker {
			return upload, tags, nil
		}
		marker = page.NextPartNumberMarker
	}
}
