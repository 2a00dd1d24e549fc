package proof

import (
	"fmt"
	"time"
)

// Pledge is the signed statement that a sealed file was written by whoever holds the key, made before the file has its
// name. It stands for the checkpoint until that is signed, so that a file without a checkpoint is one that a stop left, and
// not one that somebody put there. As text, signed like a checkpoint:
//
//	kizuki-pledge/1
//	origin kizuki-lake/OFFICE
//	file sha256:HEX
//	time 2026-11-26T00:00:00.000Z
type Pledge struct {
	Origin string
	File   Hash
	At     time.Time // UTC, whole milliseconds
}

const pledgeLine = "kizuki-pledge/1"

func (p *Pledge) text() string {
	return fmt.Sprintf("%s\norigin %s\nfile %s\ntime %s\n", pledgeLine, p.Origin, fileName(p.File), p.At.UTC().Format(timeForm))
}

// Pledge signs for a file.
func (c Config) Pledge(file Hash, now time.Time) (string, error) {
	p := Pledge{Origin: "kizuki-lake/" + c.Lake, File: file, At: now}
	if !validName(p.Origin) {
		return "", refuse(BadSource, "lake %.60q", c.Lake)
	}
	return sign(p.text(), c.Signer)
}

// Pledged checks that a signed note is the pledge of the file. Reasons: Malformed, NotSigned, Forged, Unvouched.
func (c Config) Pledged(note string, file Hash) error {
	text, err := open(note, c.Keys)
	if err != nil {
		return err
	}
	l := &lines{rest: text}
	head := l.next()
	p := Pledge{Origin: l.want("origin"), File: l.file(l.want("file")), At: l.time(l.want("time"))}
	if head != pledgeLine || l.bad || p.text() != text {
		return errForm
	}
	if p.Origin != "kizuki-lake/"+c.Lake || p.File != file {
		return refuse(Unvouched, "the pledge is of the file %s", fileName(p.File))
	}
	return nil
}
