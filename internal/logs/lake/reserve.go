package lake

import (
	"math/rand/v2"

	"github.com/kizuki-security/kizuki/internal/logs/lake/disk"
)

// Deleting is how a full disk gets room again, and it writes before it removes: a signed note, a tombstone, entries of the
// catalogue. So the lake keeps a file that it gives up for them.

// reserveBytes is room for what deleting one file writes: a note with up to 510 hashes of records that share leaves with
// others, 25 KB, the tombstone that repeats it, and as much again for what others note of it.
const reserveBytes = 128 << 10

// GiveReserve gives up the room that is kept for deleting. Expire does that by itself, and takes the room again; it is
// for what must be written before, such as a row of an audit log.
func (l *Lake) GiveReserve() error { return l.fs.Remove(l.path("reserve")) }

// takeReserve sets room aside where it is not yet. A disk that is full has none; it is tried again at the next start and
// after a deletion.
func (l *Lake) takeReserve() {
	name := l.path("reserve")
	if info, err := l.fs.Stat(name); err == nil && info.Size() >= reserveBytes {
		return
	}
	data := make([]byte, reserveBytes) // not zeros, which some systems keep without room for them
	_, _ = rand.NewChaCha8([32]byte{}).Read(data)
	_ = disk.WriteFile(l.fs, name, data) // it removes what it could not finish
}
