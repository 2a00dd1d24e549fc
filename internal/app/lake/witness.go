package lake

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/mod/sumdb/note"

	store "github.com/kizuki-security/kizuki/internal/logs/lake"
	"github.com/kizuki-security/kizuki/internal/logs/lake/evidence"
	"github.com/kizuki-security/kizuki/internal/logs/lake/proof"
	"github.com/kizuki-security/kizuki/internal/platform/secret"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// keyFile is DIR/lake/keys.json.
type keyFile struct {
	Lake string    `json:"lake"` // random; part of the origin of every note
	Keys []lakeKey `json:"keys"` // oldest first
}

type lakeKey struct {
	VKey   string `json:"vkey"`
	Sealed string `json:"sealed"` // the private key, see platform/secret
}

// witness is the lake's evidence with its key. The key and the lake's name are made with the first import, or the
// first seal, so that looking at a lake makes none. It implements store.Evidence.
type witness struct {
	config Config
	dir    string

	mu     sync.Mutex
	keys   *keyFile // nil until it was read
	keeper *evidence.Keeper
	untold map[string]bool // sources that were signed for, see tellSigned

	restored sync.Map                   // sources whose notes were compared with their copies
	records  atomic.Pointer[store.Lake] // what a damaged tree is made again from; nil while the lake is being opened
}

func (w *witness) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.keeper == nil {
		return nil
	}
	return w.keeper.Close()
}

func sealContext(vkey string) string { return "lake.key/" + vkey }

func (w *witness) proofs() string { return filepath.Join(w.dir, "proof") }

// load reads the keys; mu is held.
func (w *witness) load() error {
	if w.keys != nil {
		return nil
	}
	file := filepath.Join(w.dir, "keys.json")
	data, err := readSmall(file)
	if err != nil || data == nil {
		return err
	}
	var keys keyFile
	if err := json.Unmarshal(data, &keys); err != nil || len(keys.Keys) == 0 {
		return problem.Unavailable("app.lake.keys_damaged", "file", file).Because(err)
	}
	w.keys = &keys
	return nil
}

// ready gives the keeper with the private key, and makes the key where there is none.
func (w *witness) ready(ctx context.Context) (*evidence.Keeper, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.keeper != nil {
		return w.keeper, nil
	}
	if err := w.load(); err != nil {
		return nil, err
	}
	box, err := secret.Open(w.config.Dir, w.config.Rand)
	if err != nil {
		return nil, fmt.Errorf("open the key of the data folder: %w", err)
	}
	if w.keys == nil {
		if err := w.makeKey(ctx, box); err != nil {
			return nil, err
		}
	}
	c, err := w.known()
	if err != nil {
		return nil, err
	}
	last := w.keys.Keys[len(w.keys.Keys)-1]
	private, err := box.Open(last.Sealed, sealContext(last.VKey))
	if err != nil {
		return nil, problem.Unavailable("app.lake.key_closed", "file", secret.KeyFile).Because(err)
	}
	if c.Signer, err = note.NewSigner(string(private)); err != nil {
		return nil, problem.Unavailable("app.lake.key_closed", "file", secret.KeyFile).Because(err)
	}
	w.keeper = evidence.New(c)
	return w.keeper, nil
}

// known is what the lake itself says of its keys; w.keys was read.
func (w *witness) known() (proof.Config, error) {
	c := proof.Config{Dir: w.proofs()}
	if w.keys == nil {
		return c, nil
	}
	c.Lake = w.keys.Lake
	for _, k := range w.keys.Keys {
		v, err := note.NewVerifier(k.VKey)
		if err != nil {
			return c, problem.Unavailable("app.lake.keys_damaged", "file", filepath.Join(w.dir, "keys.json")).Because(err)
		}
		c.Keys = append(c.Keys, v)
	}
	return c, nil
}

// reading gives a keeper that only compares, beside the one that signs; whoever asks closes it. key is a verifier key from
// outside, instead of those that the lake names: who changed the lake can have changed those too. Problem keys:
// app.lake.key (invalid), app.lake.keys_gone.
func (w *witness) reading(key string) (*evidence.Keeper, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if key != "" {
		v, err := note.NewVerifier(key)
		if err == nil && !strings.HasPrefix(v.Name(), keyName) {
			err = errors.New(v.Name())
		}
		if err != nil {
			return nil, problem.Invalid("key", "app.lake.key").Because(err)
		}
		c := proof.Config{Dir: w.proofs(), Lake: strings.TrimPrefix(v.Name(), keyName), Keys: []proof.Verifier{v}, Reading: true}
		return evidence.New(c), nil
	}
	if err := w.load(); err != nil {
		return nil, err
	}
	if w.keys == nil {
		if sources, err := proof.Sources(w.proofs()); err != nil || len(sources) > 0 {
			return nil, errors.Join(err, problem.Unavailable("app.lake.keys_gone", "file", filepath.Join(w.dir, "keys.json")))
		}
	}
	c, err := w.known()
	c.Reading = true
	if c.Lake == "" {
		c.Lake = "unnamed" // nothing was signed
	}
	return evidence.New(c), err
}

// keyName begins the names of the keys of lakes.
const keyName = "kizuki-lake/"

func (w *witness) makeKey(ctx context.Context, box *secret.Box) error {
	// A new name with old proofs would sign a second history beside the first.
	if sources, err := proof.Sources(w.proofs()); err != nil || len(sources) > 0 {
		return errors.Join(err, problem.Unavailable("app.lake.keys_gone", "file", filepath.Join(w.dir, "keys.json")))
	}
	var id [8]byte
	if _, err := io.ReadFull(w.config.Rand, id[:]); err != nil {
		return fmt.Errorf("name the lake: %w", err)
	}
	keys := &keyFile{Lake: hex.EncodeToString(id[:])}
	private, vkey, err := note.GenerateKey(w.config.Rand, keyName+keys.Lake)
	if err != nil {
		return fmt.Errorf("make signing key: %w", err)
	}
	sealed, err := box.Seal([]byte(private), sealContext(vkey))
	if err != nil {
		return fmt.Errorf("seal signing key: %w", err)
	}
	keys.Keys = []lakeKey{{vkey, sealed}}
	data, err := json.MarshalIndent(keys, "", "  ")
	if err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	err = w.config.noted(ctx, Act{Act: KeyCreated, Key: vkey, Why: w.config.Anew}, func() error {
		return writeWhole(filepath.Join(w.dir, "keys.json"), append(data, '\n'))
	})
	if err != nil {
		return err
	}
	w.keys = keys
	return nil
}

func (w *witness) verifierKeys() ([]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.load(); err != nil || w.keys == nil {
		return nil, err
	}
	var out []string
	for _, k := range w.keys.Keys {
		out = append(out, k.VKey)
	}
	return out, nil
}

// verifiers check what was signed: with the key from outside, "" for those that the lake names.
func (w *witness) verifiers(key string) ([]proof.Verifier, error) {
	if key != "" {
		v, err := note.NewVerifier(key)
		if err != nil {
			return nil, problem.Invalid("key", "app.lake.key").Because(err)
		}
		return []proof.Verifier{v}, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.load(); err != nil {
		return nil, err
	}
	c, err := w.known()
	return c.Keys, err
}

// Pledge signs that a segment was written here.
func (w *witness) Pledge(ctx context.Context, unit store.Unit) ([]byte, error) {
	k, err := w.ready(ctx)
	if err != nil {
		return nil, err
	}
	return k.Pledge(ctx, unit)
}

// whole takes back what the proof of a source lost: notes from their copies, once, and the tree from the records.
func (w *witness) whole(ctx context.Context, k *evidence.Keeper, source string) error {
	l := w.records.Load()
	if l == nil {
		return nil
	}
	if _, done := w.restored.Load(source); !done {
		if err := k.Restore(l, source); err != nil {
			return err
		}
		w.restored.Store(source, true)
	}
	return k.Ready(ctx, l, source)
}

// Sealed signs for a file that was sealed or merged. What was damaged of the proof is made whole before.
func (w *witness) Sealed(ctx context.Context, unit store.Unit, hashes func(string) ([]uint64, []proof.Hash, error)) ([]byte, error) {
	k, err := w.ready(ctx)
	if err != nil {
		return nil, err
	}
	for i := range unit.Sources {
		if err := w.whole(ctx, k, unit.Sources[i].Name); err != nil {
			return nil, err
		}
	}
	for i := range unit.Sources {
		w.signed(unit.Sources[i].Name)
	}
	return k.Sealed(ctx, unit, hashes)
}

// Deleted signs for a file that will be deleted.
func (w *witness) Deleted(ctx context.Context, unit store.Unit, who, why string, hash func(uint64) (proof.Hash, error)) ([]byte, error) {
	k, err := w.ready(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.whole(ctx, k, unit.Sources[0].Name); err != nil {
		return nil, err
	}
	if l := w.records.Load(); l != nil { // what goes is what a damaged tree would be made again from
		if err := k.Sound(ctx, l, unit.Sources[0].Name); err != nil {
			return nil, err
		}
	}
	w.signed(unit.Sources[0].Name)
	return k.Deleted(ctx, unit, oneLine(who), oneLine(why), hash)
}

// oneLine is a text as a tombstone may hold it.
func oneLine(text string) string {
	const longest = 900 // bytes
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	if len(text) > longest {
		text = strings.TrimSpace(strings.ToValidUTF8(text[:longest], ""))
	}
	if text == "" {
		return "-"
	}
	return text
}

var _ store.Evidence = (*witness)(nil)
