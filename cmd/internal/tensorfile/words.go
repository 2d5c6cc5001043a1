package tensorfile

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode"
)

// Names and numbers in messages.

// inTensor adds the name of the tensor to an error, unless the tensor has no name or the error
// already has it.
func inTensor(name string, err error) error {
	if name == "" || strings.HasPrefix(err.Error(), "tensor \"") {
		return err
	}
	return fmt.Errorf("tensor %s: %w", quote(name), err)
}

// quote quotes a string from a file for an error message, and shortens it.
func quote(s string) string { return fmt.Sprintf("%q", shorten(s)) }

// printable returns a string from a file for display without quotes.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, shorten(s))
}

func shorten(s string) string {
	const most = 64
	n := 0
	for i := range s {
		if n == most {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func quoteAll(names []string) string {
	const most = 4
	var all []string
	for i, name := range names {
		if i == most {
			all = append(all, "…")
			break
		}
		all = append(all, quote(name))
	}
	return strings.Join(all, ", ")
}

// namesList quotes the first few of the names.
func namesList(names []string) string {
	var b strings.Builder
	for i, name := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		if i == maxNames {
			b.WriteString("…")
			break
		}
		b.WriteString(quote(name))
	}
	return b.String()
}

// withoutPath removes the path from an error of the operating system, since a name precedes the
// error.
func withoutPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// maxNames is the largest number of names of a header, or of labels, in a note.
const maxNames = 4
