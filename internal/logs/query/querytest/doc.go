// Package querytest has what tests of queries need: a store in memory, a corpus and queries at random that look for
// what is in it, and a naive evaluator that goes over whole records line by line and shares nothing with the search but
// query.Fold. Only tests import it.
package querytest
