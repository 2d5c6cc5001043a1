package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// Clean returns s with every character that could steer a terminal, reorder
// what is read or is not there to be seen written as an escape, as in Go.
func Clean(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			q := strconv.QuoteRune(r)
			b.WriteString(q[1 : len(q)-1])
		}
		i += n
	}
	return b.String()
}

// width returns the columns that s takes in a terminal.
func width(s string) int { return uniseg.StringWidth(s) }

// shorten returns s in at most columns of width, with the middle left out:
// names of tensors differ at both ends.
func shorten(s string, columns int) string {
	if width(s) <= columns {
		return s
	}
	var parts []string
	for g := uniseg.NewGraphemes(s); g.Next(); {
		parts = append(parts, g.Str())
	}
	head, tail := "", ""
	room := columns - 1
	for i, k := 0, len(parts)-1; i <= k; {
		// The tail takes the odd column.
		if width(tail) <= width(head) {
			if width(parts[k]) > room {
				break
			}
			tail = parts[k] + tail
			room -= width(parts[k])
			k--
			continue
		}
		if width(parts[i]) > room {
			break
		}
		head += parts[i]
		room -= width(parts[i])
		i++
	}
	return head + "…" + tail
}

// common returns what all names begin and end with, up to a dot or a slash, so
// that something is left of each.
func common(names []string) (prefix, suffix string) {
	if len(names) < 2 {
		return "", ""
	}
	prefix, suffix = names[0], names[0]
	for _, n := range names[1:] {
		for !strings.HasPrefix(n, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
		for !strings.HasSuffix(n, suffix) {
			suffix = suffix[1:]
		}
	}
	prefix = prefix[:strings.LastIndexAny(prefix, "./")+1]
	suffix = suffix[max(0, strings.IndexAny(suffix, "./")):]
	if !strings.ContainsAny(suffix, "./") {
		suffix = ""
	}
	for _, n := range names {
		if len(prefix)+len(suffix) >= len(n) {
			return "", ""
		}
	}
	return prefix, suffix
}

// without lists what was left out of names, "" if nothing was.
func without(prefix, suffix string) string {
	switch {
	case prefix == "" || suffix == "":
		return Clean(prefix + suffix)
	}
	return Clean(prefix + " and " + suffix)
}

// wrap breaks text into lines of at most columns at its spaces. A word that is
// longer is shortened.
func wrap(text string, columns int, indent string) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		word = shorten(word, columns-len(indent))
		switch {
		case line == "":
			line = word
		case width(line)+1+width(word) <= columns:
			line += " " + word
		default:
			lines = append(lines, line)
			line = indent + word
		}
	}
	return append(lines, line)
}

// maxNames is how many names an error lists.
const maxNames = 10

// names lists the tensors of a source for an error.
func names(infos []tensorfile.Info) string {
	all := make([]string, len(infos))
	for i, t := range infos {
		all[i] = t.Name
	}
	more := ""
	if n := len(all) - maxNames; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
		all = all[:maxNames]
	}
	return quoted(all, ", ") + more
}

// quoted joins quoted words.
func quoted(words []string, sep string) string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = strconv.Quote(w)
	}
	return strings.Join(q, sep)
}

// shapeText writes a shape as "512×128", that of a scalar as "scalar".
func shapeText(shape []int) string {
	if len(shape) == 0 {
		return "scalar"
	}
	s := make([]string, len(shape))
	for i, d := range shape {
		s[i] = strconv.Itoa(d)
	}
	return strings.Join(s, "×")
}
