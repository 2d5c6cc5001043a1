package tensorfile

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode"
)

// Names and counts in messages.

// inTensor says which tensor an error is about, if tensors have names and the
// error does not say so itself.
func inTensor(name string, err error) error {
	if name == "" || strings.HasPrefix(err.Error(), "tensor \"") {
		return err
	}
	return fmt.Errorf("tensor %s: %w", quote(name), err)
}

// quote quotes a string of a file for an error message that stays on one line
// of sensible length.
func quote(s string) string { return fmt.Sprintf("%q", shorten(s)) }

// printable is for a string of a file that is shown without quotes.
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

// namesList quotes names, the first few of many.
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

// withoutPath is an error of the operating system without the path, which is
// long and says no more than the name that goes before it.
func withoutPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// maxNames is how many names of a header, or labels, a note lists.
const maxNames = 4
