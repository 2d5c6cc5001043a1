package gguf

import "fmt"

// Names in messages.

const maxShown = 64 // bytes of a name in a message

// inTensor says which tensor an error is about.
func inTensor(name string, err error) error { return fmt.Errorf("tensor %s: %w", quote(name), err) }

// quote quotes a string of a file for a message on one line of sensible length.
func quote(s string) string {
	if len(s) > maxShown {
		s = s[:maxShown] + "…"
	}
	return fmt.Sprintf("%q", s)
}
