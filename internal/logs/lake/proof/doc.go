// Package proof makes the lines of a lake provable: it hashes records, gathers 256 of them to a leaf, keeps one Merkle
// tree for each source, signs its state for each sealed file, and tells later which leaf of which source was changed,
// which sequence numbers are missing and which are there twice.
//
// It owns the words missing, record hash, leaf, tail, checkpoint, tombstone and inclusion proof. It imports
// internal/logs/event, internal/logs/lake/disk and golang.org/x/mod/sumdb; clock, randomness and keys come in as
// arguments. Nothing here reads a log file: records come in sequence order from whoever can read them.
//
// # Layout, version 1
//
// All numbers are big-endian. A record hash is SHA-256 over
//
//	"kizuki-record/1\n"
//	4 bytes   length of the source, then the source
//	8 bytes   sequence number
//	8 bytes   time in microseconds since 1970 UTC, signed; that of Received when the record tells none
//	8 bytes   received, in the same form
//	4 bytes   length of the format, then the format
//	8 bytes   length of the raw line, then the raw line
//
// Common columns and fields are read from the raw line again and are no part of it.
//
// Leaf i holds the hashes of the records 256·i+1 … 256·i+256 of one source, one after another: 8,192 bytes. The hash of
// the leaf and of the nodes above are those of RFC 6962 (SHA-256 over 0 and the leaf, over 1 and two hashes). The tree
// holds full leaves only, so that every later tree has every earlier one as its beginning. The records behind the last full
// leaf are the tail; a checkpoint states their number and the hash of a leaf that is shorter.
//
// A number that no file has, and none will, has SHA-256 over "kizuki-missing/1\n" in the place of its record hash, and
// checkpoints state it. Deleted leaves live on in their tombstone as hashes of subtrees, so that the tree can be made again;
// hashes below those are zero in the file then.
//
// What is signed cannot be changed unseen by somebody who lacks the key. Somebody who has it can sign another past: copies
// of checkpoints kept outside the machine are what shows that.
//
// Sources: RFC 6962 §2.1, C2SP signed-note and tlog-checkpoint (c2sp.org), read 2026-11-26.
package proof
