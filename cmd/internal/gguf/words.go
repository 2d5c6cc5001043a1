package gguf

import "fmt"

// Names in messages.

const maxShown = 64 // largest length of a name in a message

// inTensor adds the name of the tensor to an error.
func inTensor(name string, err error) error { return fmt.Errorf("tensor %s: %w", quote(name), err) }

// quote quotes a string from a file for a message, and shortens it.
func quote(s string) string {
	if len(s) > maxShown {
		s = s[:maxShown] + "…"
	}
	return fmt.Sprintf("%q", s)
}
