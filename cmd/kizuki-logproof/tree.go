package main

import "crypto/sha256"

type hash [sha256.Size]byte

// leafRecords is the number of records whose hashes make up a full leaf.
const leafRecords = 256

// rootFrom climbs from a leaf to the root of a tree of so many leaves, RFC 6962 §2.1.1: path has the other side at each
// level where there is one, the lowest first. ok is false when the path is too short or too long.
func rootFrom(leaf hash, index, leaves uint64, path []hash) (root hash, ok bool) {
	if index >= leaves {
		return root, false
	}
	root = leaf
	for last := leaves - 1; last > 0; index, last = index/2, last/2 {
		if index%2 == 0 && index == last {
			continue // no other side at this level: the node rises as it is
		}
		if len(path) == 0 {
			return root, false
		}
		if index%2 == 1 {
			root = node(path[0], root)
		} else {
			root = node(root, path[0])
		}
		path = path[1:]
	}
	return root, len(path) == 0
}

func node(left, right hash) hash {
	b := append([]byte{1}, left[:]...)
	return sha256.Sum256(append(b, right[:]...))
}

func leafOf(records []hash) hash {
	b := []byte{0}
	for _, h := range records {
		b = append(b, h[:]...)
	}
	return sha256.Sum256(b)
}
