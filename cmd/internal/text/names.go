package text

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Clean returns s with some characters written as escapes, as in Go: characters that could
// control a terminal, that change the order of text, or that are invisible.
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

// Width returns the number of columns that s takes in a terminal.
func Width(s string) int { return uniseg.StringWidth(s) }

// Shorten returns s in at most the given number of columns. It removes the middle, since names
// of tensors differ at both ends.
func Shorten(s string, columns int) string { return Middle(s, Columns(columns)) }

// Columns returns a function for Elide and Middle: it reports whether a text takes at most the
// given number of columns of a terminal.
func Columns(columns int) func(string) bool {
	return func(s string) bool { return Width(s) <= columns }
}

// Middle returns s without the part of its middle that does not fit.
func Middle(s string, fits func(string) bool) string {
	if fits(s) {
		return s
	}
	var parts []string
	for g := uniseg.NewGraphemes(s); g.Next(); {
		parts = append(parts, g.Str())
	}
	cut := func(n int) string {
		return strings.Join(parts[:n/2], "") + "…" + strings.Join(parts[len(parts)-(n-n/2):], "")
	}
	lo, hi := 0, len(parts)-1 // lo fits, or no length fits
	for lo < hi {
		if n := (lo + hi + 1) / 2; fits(cut(n)) {
			lo = n
		} else {
			hi = n - 1
		}
	}
	return cut(lo)
}

// Common returns the longest prefix and suffix that all names share. The prefix ends, and the
// suffix begins, at a dot or a slash. Both are empty if nothing would be left of some name.
func Common(names []string) (prefix, suffix string) {
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

// LeftOut says which prefix and suffix were removed from all names. The result is empty if both
// are empty.
func LeftOut(prefix, suffix string) string {
	var parts []string
	if prefix != "" {
		parts = append(parts, strconv.Quote(prefix)+" at the start")
	}
	if suffix != "" {
		parts = append(parts, strconv.Quote(suffix)+" at the end")
	}
	if parts == nil {
		return ""
	}
	return Clean("Names are without " + strings.Join(parts, " and ") + ".")
}

// Wrap breaks s at its spaces into lines of at most the given number of columns.
// Lines after the first begin with indent. A longer word is shortened.
func Wrap(s string, columns int, indent string) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		word = Shorten(word, columns-len(indent))
		switch {
		case line == "":
			line = word
		case Width(line)+1+Width(word) <= columns:
			line += " " + word
		default:
			lines = append(lines, line)
			line = indent + word
		}
	}
	return append(lines, line)
}

// SomeOf lists as many names as fit into a line, and the number of the other names.
func SomeOf(names []string, columns int) string {
	for n := len(names); n > 1; n-- {
		s := strings.Join(names[:n], ", ")
		if rest := len(names) - n; rest > 0 {
			s += fmt.Sprintf(" and %s more", Count(rest))
		}
		if Width(s) <= columns {
			return s
		}
	}
	if rest := len(names) - 1; rest > 0 {
		return fmt.Sprintf("%s and %s more", names[0], Count(rest))
	}
	return names[0]
}

// maxNames is the largest number of names in an error.
const maxNames = 10

// Names lists names in quotes for an error: the first ten, and the number of the other names.
func Names(names []string) string {
	more := ""
	if n := len(names) - maxNames; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
		names = names[:maxNames]
	}
	return Quoted(names, ", ") + more
}

// Quoted joins words in quotes.
func Quoted(words []string, sep string) string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = strconv.Quote(w)
	}
	return strings.Join(q, sep)
}

// Or joins words: "a, b or c".
func Or(words []string) string {
	if n := len(words) - 1; n > 0 {
		return strings.Join(words[:n], ", ") + " or " + words[n]
	}
	return strings.Join(words, "")
}

// Shape writes a shape as "512×128", and that of a scalar as "scalar".
func Shape(shape []int) string {
	if len(shape) == 0 {
		return "scalar"
	}
	s := make([]string, len(shape))
	for i, d := range shape {
		s[i] = strconv.Itoa(d)
	}
	return strings.Join(s, "×")
}

// Integers lists integers: "2, 4 and 8".
func Integers(n []int) string {
	var b strings.Builder
	for i, x := range n {
		switch {
		case i > 0 && i == len(n)-1:
			b.WriteString(" and ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(x))
	}
	return b.String()
}

// Upper returns a label with a capital first letter.
func Upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// Natural compares names so that layer.9 comes before layer.10.
func Natural(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		n, m := digitsOf(x), digitsOf(y)
		if n > 0 && m > 0 {
			p, q := strings.TrimLeft(x[:n], "0"), strings.TrimLeft(y[:m], "0")
			if c := cmp.Or(cmp.Compare(len(p), len(q)), cmp.Compare(p, q)); c != 0 {
				return c
			}
			x, y = x[n:], y[m:]
			continue
		}
		if x[0] != y[0] {
			return cmp.Compare(x[0], y[0])
		}
		x, y = x[1:], y[1:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(a, b))
}

// digitsOf returns the number of digits at the beginning of s.
func digitsOf(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
