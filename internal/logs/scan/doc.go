// Package scan runs Sigma rules over log files without an office and without a database: it walks folders, reads
// Windows event logs and JSON through gzip, zstd and zip, and gives hits in the order of files and records.
//
// It owns the words file, hit, refusal and reason. It knows no user sentence (reasons are codes), no page and no
// command line, and reads neither clock nor environment. What was read adds up: read = scanned + refused, by reason.
//
// It imports sigma, evtx and klauspost/compress.
package scan
