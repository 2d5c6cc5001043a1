// Package text writes numbers, counts and the names of tensors for people, in as few columns as
// they need. It also writes JSON, and progress in a terminal.
//
// All other packages of the tool are above it: it imports none of them.
package text
