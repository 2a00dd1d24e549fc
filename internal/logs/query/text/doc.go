// Package text cuts lines into words, folds them in case and width, and finds texts in many lines at once. It owns the
// words fold, word and needle. It imports nothing of ours, knows no query, and reads neither clock nor environment.
package text
