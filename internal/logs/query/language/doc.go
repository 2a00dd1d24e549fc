// Package language reads the text of a query into its tree. The grammar stands in docs/query.md; query.String writes a
// tree back, and reading that gives the tree in normal form again.
//
// It imports query and event, and reads neither clock nor environment.
package language
