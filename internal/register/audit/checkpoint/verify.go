package checkpoint

import (
	"context"
	"slices"

	"github.com/kizuki-security/kizuki/internal/platform/sqlite"
	"github.com/kizuki-security/kizuki/internal/words/problem"
)

// Verify checks every checkpoint that the office kept: its signature by one of the office's keys, its row of the log, and
// that each change of the key was signed by the key before. It returns how many were checked; the error names the
// first that is wrong by its size.
func Verify(ctx context.Context, tx *sqlite.Tx) (int, error) {
	have, err := keys(ctx, tx)
	if err != nil {
		return 0, err
	}
	all, err := checkpoints(ctx, tx, 0)
	if err != nil {
		return 0, err
	}
	vkeys := make([]string, len(have))
	crossed := make([]bool, len(have))
	for i, k := range have {
		vkeys[i] = k.VKey
	}
	for i, k := range all {
		c, signed, err := Open([]byte(k.Note), vkeys)
		if err != nil {
			return i, named(err, k.Size)
		}
		if c.Size != k.Size || !c.At.Equal(k.At) {
			return i, problem.Conflict("checkpoint.row_differs", "size", k.Size)
		}
		if err := onChain(ctx, tx, c); err != nil {
			return i, err
		}
		for n := 1; n < len(vkeys); n++ {
			crossed[n] = crossed[n] || slices.Contains(signed, vkeys[n-1]) && slices.Contains(signed, vkeys[n])
		}
	}
	for n := 1; n < len(crossed); n++ {
		if !crossed[n] {
			return len(all), problem.Conflict("checkpoint.key_not_crossed", "key", short(vkeys[n]))
		}
	}
	return len(all), nil
}

// named gives an error of Open the size under which the note stands.
func named(err error, size int64) error {
	if all := problem.All(err); len(all) == 1 {
		return problem.Conflict(all[0].Key, "size", size)
	}
	return err
}

// VerifyOutside checks a note that comes from outside: the log must still hold what it says. vkeys are keys known from
// outside (from paper); without any, those of the office are taken, which somebody with the file could have changed
// together with the log, but not so that an old note still fits.
func VerifyOutside(ctx context.Context, tx *sqlite.Tx, data []byte, vkeys []string) (Checkpoint, error) {
	if len(vkeys) == 0 {
		have, err := keys(ctx, tx)
		if err != nil {
			return Checkpoint{}, err
		}
		for _, k := range have {
			vkeys = append(vkeys, k.VKey)
		}
	}
	c, _, err := Open(data, vkeys)
	if err != nil {
		return c, err
	}
	plan, err := schedule(ctx, tx)
	if err != nil {
		return c, err
	}
	if c.Origin != plan.Origin {
		return c, problem.Conflict("checkpoint.other_log", "origin", short(c.Origin))
	}
	return c, onChain(ctx, tx, c)
}

// onChain says whether the log holds the row that a checkpoint names.
func onChain(ctx context.Context, tx *sqlite.Tx, c Checkpoint) error {
	root, err := rootAt(ctx, tx, c.Size)
	switch {
	case err != nil:
		return err
	case root == "":
		size, _, err := logHead(ctx, tx)
		if err != nil {
			return err
		}
		return problem.Conflict("checkpoint.log_short", "size", c.Size, "have", size)
	case root != c.Root:
		return problem.Conflict("checkpoint.off_chain", "size", c.Size)
	}
	return nil
}
