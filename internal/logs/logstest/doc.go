// Package logstest holds what tests and benchmarks of the log pipeline share: a generated corpus, and a suite that every
// store must pass. Nothing of it is part of the product.
package logstest
