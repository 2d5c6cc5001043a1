// Package text writes numbers, counts and the names of tensors for people, in as
// few columns as they need, and JSON and progress for programs and terminals.
//
// It is below every other package of the tool and imports none of them.
package text
