// Package secret seals what an office must be able to use again and nobody else may read: seeds of second
// factors, passwords of other servers, signing keys. What only has to be recognised is hashed elsewhere.
//
// The key lies in the data folder in a file of its own, secret.key, readable by its owner only, so that a
// copy of the database alone gives nothing away. Whoever holds the whole folder, or a backup of it, holds
// both: the backup is encrypted for that reason. Sealing is AES-256-GCM; the context ("account.totp/KEY")
// is authenticated with it, so that a sealed value moved to another row or column does not open.
//
// The package knows no office word and imports nothing of ours.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// KeyFile is the name of the key's file in the data folder; a backup must hold it.
const KeyFile = "secret.key"

const (
	keyBytes = 32 // AES-256
	prefix   = "v1:"
)

var (
	// ErrKey says that the key file is there and holds no key.
	ErrKey = errors.New("the file " + KeyFile + " holds no key")
	// ErrSealed says that a sealed value does not open: another key, another context, or changed bytes.
	ErrSealed = errors.New("the sealed value does not open with this key")
)

// Box seals and opens with the key of one data folder. It is safe for concurrent use.
type Box struct {
	dir  string
	rand io.Reader
	mu   sync.Mutex
	aead cipher.AEAD // nil: there is no key yet
	mac  []byte      // key of Mac, made from the same one
}

// Open reads the key of the data folder. A folder without one gets it at the first Seal, so that opening an
// office for reading alone writes nothing. rand is crypto/rand's reader outside tests.
func Open(dir string, rand io.Reader) (*Box, error) {
	b := &Box{dir: dir, rand: rand}
	if err := b.load(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return b, nil
}

// load reads the key file and narrows who may read it.
func (b *Box) load() error {
	name := filepath.Join(b.dir, KeyFile)
	info, err := os.Stat(name)
	if err != nil {
		return fmt.Errorf("look for the key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 { // a copy by hand may have widened it; Windows keeps no such bits
		if err := os.Chmod(name, 0o600); err != nil {
			return fmt.Errorf("narrow the key file: %w", err)
		}
	}
	text, err := os.ReadFile(name) //nolint:gosec // the folder is the office's own
	if err != nil {
		return fmt.Errorf("read the key: %w", err)
	}
	key, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != keyBytes {
		return ErrKey
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return fmt.Errorf("use the key: %w", err)
	}
	b.mac = sum(key, "kizuki.mac/1") // no key serves two purposes
	b.aead, err = cipher.NewGCM(block)
	if err != nil {
		return fmt.Errorf("use the key: %w", err)
	}
	return nil
}

// create writes a new key. The file appears whole or not at all, and never takes the place of another.
func (b *Box) create() (err error) {
	key := make([]byte, keyBytes)
	if _, err := io.ReadFull(b.rand, key); err != nil {
		return fmt.Errorf("draw a key: %w", err)
	}
	f, err := os.CreateTemp(b.dir, KeyFile+".*") // 0600 from the start
	if err != nil {
		return fmt.Errorf("write the key: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(base64.RawURLEncoding.EncodeToString(key) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write the key: %w", err)
	}
	name := filepath.Join(b.dir, KeyFile)
	err = os.Link(f.Name(), name) // unlike a rename it fails where another process was faster
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	if err := os.Rename(f.Name(), name); err != nil { // file systems without links: USB sticks
		return fmt.Errorf("write the key: %w", err)
	}
	return nil
}

// Seal encrypts plain for one context: what it is and whose ("account.totp/KEY"). The result is text.
func (b *Box) Seal(plain []byte, context string) (string, error) {
	aead, err := b.key()
	if err != nil {
		return "", err
	}
	nonce := make([]byte, aead.NonceSize())
	if _, err := io.ReadFull(b.rand, nonce); err != nil {
		return "", fmt.Errorf("draw a nonce: %w", err)
	}
	return prefix + base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, plain, []byte(context))), nil
}

// Mac is a mark of text for one context (HMAC-SHA256, hexadecimal): the same text gives the same mark, and nobody
// without the key can tell the text by trying. A folder without a key gets one.
func (b *Box) Mac(text, context string) (string, error) {
	if _, err := b.key(); err != nil {
		return "", err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return hex.EncodeToString(sum(b.mac, context+"\x00"+text)), nil
}

func sum(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// key returns the cipher, making the key where there is none.
func (b *Box) key() (cipher.AEAD, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.aead != nil {
		return b.aead, nil
	}
	err := b.load()
	if errors.Is(err, fs.ErrNotExist) {
		if err = b.create(); err == nil {
			err = b.load() // whoever was faster: both use the one that lies there
		}
	}
	return b.aead, err
}

// Open gives back what was sealed for the same context; ErrSealed when it does not open.
func (b *Box) Open(sealed, context string) ([]byte, error) {
	b.mu.Lock()
	aead := b.aead
	b.mu.Unlock()
	text, ours := strings.CutPrefix(sealed, prefix)
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if aead == nil || !ours || err != nil || len(raw) < aead.NonceSize() {
		return nil, ErrSealed
	}
	plain, err := aead.Open(nil, raw[:aead.NonceSize()], raw[aead.NonceSize():], []byte(context))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}
