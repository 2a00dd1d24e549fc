// Package search runs queries over the blocks of a store: it leaves out the blocks that cannot have such lines, runs
// each condition on columns once for each different value of a block, searches raw lines last, and reads the lines that
// are given out after all others are known. Several goroutines share the blocks.
//
// What is damaged is named in the result and the rest answered; limits are errors, never silent cuts. It imports query
// and text, and reads neither clock nor environment.
package search
