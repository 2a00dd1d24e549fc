package proof

import "golang.org/x/mod/sumdb/tlog"

// frontier grows a tree leaf by leaf and keeps only the roots of its whole subtrees, the largest first.
type frontier struct {
	leaves int64
	nodes  []Hash
	broken bool // a leaf was not known: no root from here on
}

// add appends a leaf and gives the inner nodes that became whole by it, the lowest first.
func (f *frontier) add(leaf Hash) []Hash { return f.jump(Node{Index: f.leaves, Hash: leaf}) }

// jump is add for a whole subtree; the leaves are a multiple of its size.
func (f *frontier) jump(n Node) []Hash {
	f.nodes = append(f.nodes, n.Hash)
	start := len(f.nodes)
	var inner []Hash
	for left := f.leaves >> n.Level; left&1 == 1; left >>= 1 {
		start--
		f.nodes[start-1] = tlog.NodeHash(f.nodes[start-1], f.nodes[start])
		inner = append(inner, f.nodes[start-1])
	}
	f.nodes = f.nodes[:start]
	f.leaves += 1 << n.Level
	return inner
}

// root is that of the tree so far.
func (f *frontier) root() Hash {
	if len(f.nodes) == 0 {
		return sum(nil)
	}
	root := f.nodes[len(f.nodes)-1]
	for i := len(f.nodes) - 2; i >= 0; i-- {
		root = tlog.NodeHash(f.nodes[i], root)
	}
	return root
}
