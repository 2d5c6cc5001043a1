package text

import (
	"cmp"
	"slices"
	"strings"
)

// Elide shortens the names of a table to at most the given number of columns.
// Names that are too long lose the parts that many names share, as long as no two
// different names become the same. Numbers stay. Names that are still too long
// lose their middle.
func Elide(names []string, columns int) []string {
	out := slices.Clone(names)
	gone := map[string]bool{}
	different := distinct(names)
	// First whole components of names, then words of those.
	for _, separators := range []string{"./", "./_:-"} {
		parts := make([][]string, len(names))
		seen, first := map[string]int{}, map[string]bool{}
		for i, n := range names {
			parts[i] = split(n, separators)
			first[parts[i][0]] = true
			for k := 0; k < len(parts[i]); k += 2 {
				seen[parts[i][k]]++
			}
		}
		var words []string
		for w := range seen {
			if !gone[w] && seen[w] > 1 && strings.Trim(w, "0123456789") != "" {
				words = append(words, w)
			}
		}
		order := func(w string) int {
			if first[w] {
				return 1 // what names begin with tells more
			}
			return 0
		}
		slices.SortFunc(words, func(a, b string) int {
			return cmp.Or(cmp.Compare(seen[b], seen[a]), cmp.Compare(order(a), order(b)), cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
		})
		for _, w := range words[:min(len(words), mostWords)] {
			if fits(out, columns) {
				return out
			}
			gone[w] = true
			short := slices.Clone(out)
			for i := range names {
				if Width(out[i]) > columns {
					short[i] = join(parts[i], gone)
				}
			}
			if distinct(short) < different {
				delete(gone, w)
				continue
			}
			out = short
		}
	}
	for i := range out {
		out[i] = Shorten(out[i], columns)
	}
	return out
}

// mostWords is how many words Elide tries to leave out.
const mostWords = 64

func fits(names []string, columns int) bool {
	return !slices.ContainsFunc(names, func(n string) bool { return Width(n) > columns })
}

func distinct(names []string) int {
	set := map[string]struct{}{}
	for _, n := range names {
		set[n] = struct{}{}
	}
	return len(set)
}

// split cuts a name at separators, which stay as parts of their own. Two
// underscores are one, as some exporters join names with them.
func split(name, separators string) []string {
	var parts []string
	from := 0
	for i := 0; i < len(name); {
		n := 0
		switch {
		case strings.HasPrefix(name[i:], "__"):
			n = 2
		case strings.IndexByte(separators, name[i]) >= 0:
			n = 1
		}
		if n == 0 {
			i++
			continue
		}
		parts = append(parts, name[from:i], name[i:i+n])
		i += n
		from = i
	}
	return append(parts, name[from:])
}

// join puts the parts of a name together without those that are gone.
func join(parts []string, gone map[string]bool) string {
	var b strings.Builder
	hole, pending := false, ""
	for i, p := range parts {
		if i%2 == 1 { // a separator
			pending = p
			continue
		}
		if p == "" && hole {
			continue // between two separators
		}
		if gone[p] {
			if !hole {
				b.WriteString("…")
			}
			hole, pending = true, ""
			continue
		}
		if !hole {
			b.WriteString(pending)
		}
		b.WriteString(p)
		hole, pending = false, ""
	}
	return b.String()
}
