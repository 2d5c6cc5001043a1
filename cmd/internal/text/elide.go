package text

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Elide shortens names of tensors that do not fit. fits must be true for any text of a few
// characters. A name that fits does not change. From the others, Elide removes words and writes
// an ellipsis for them. It first removes words that many names share. It keeps words without
// which a short name could be mistaken for another name, and numbers that differ between names,
// such as those of layers, with the word before them. If a name is still too long, its middle
// is removed. Short names that are equal get numbers.
func Elide(names []string, fits func(string) bool) []string {
	out := slices.Clone(names)
	var long []int
	for i, n := range names {
		if !fits(n) {
			long = append(long, i)
		}
	}
	if len(long) == 0 {
		return out
	}
	e := newElision(names, fits)
	if len(e.patterns) <= mostPatterns {
		for _, p := range e.patterns {
			e.shorten(p)
		}
	}
	for _, p := range e.patterns {
		for _, i := range p.members {
			if !fits(names[i]) {
				out[i] = Middle(p.short(e.parts[i]), fits)
			}
		}
	}
	tellApart(names, out, fits)
	return out
}

// mostPatterns is the largest number of patterns for which Elide removes words.
const mostPatterns = 1000

// An elision is the state of one call of Elide.
type elision struct {
	names    []string
	fits     func(string) bool
	parts    [][]part // the parts of each name
	patterns []*pattern
	seen     map[string]int // number of names with each word or component
}

// A part is a word of a name with the separator before it.
type part struct{ before, word string }

// A pattern is a group of names that differ only in numbers. A model of many layers has few
// patterns.
type pattern struct {
	members    []int
	words      []string // the words, with # for each number
	components [][]int  // indices of the words between two dots or slashes
	stays      []bool   // numbers that differ between the names, and the words before them
	gone       []bool   // words that are removed
}

func newElision(names []string, fits func(string) bool) *elision {
	e := &elision{names: names, fits: fits, seen: map[string]int{}}
	found := map[string]*pattern{}
	for i, n := range names {
		parts := split(n)
		e.parts = append(e.parts, parts)
		key := numberless(n)
		p := found[key]
		if p == nil {
			p = newPattern(parts)
			found[key] = p
			e.patterns = append(e.patterns, p)
		}
		p.members = append(p.members, i)
		for k, x := range parts {
			p.stays[k] = p.stays[k] || x.word != e.parts[p.members[0]][k].word
		}
	}
	for _, p := range e.patterns {
		for k, w := range p.words {
			e.seen[w] += len(p.members)
			// A number means nothing without the word before it.
			if k > 0 && w == "#" && p.stays[k] {
				p.stays[k-1] = true
			}
		}
		for _, c := range p.components {
			if len(c) > 1 {
				e.seen[p.component(c)] += len(p.members)
			}
		}
	}
	return e
}

func newPattern(parts []part) *pattern {
	p := &pattern{stays: make([]bool, len(parts)), gone: make([]bool, len(parts))}
	for k, x := range parts {
		p.words = append(p.words, numberless(x.word))
		if k == 0 || strings.ContainsAny(x.before, "./") || len(x.before) > 1 {
			p.components = append(p.components, nil)
		}
		last := len(p.components) - 1
		p.components[last] = append(p.components[last], k)
	}
	return p
}

// component returns the key of a component in elision.seen.
func (p *pattern) component(words []int) string {
	var all []string
	for _, k := range words {
		all = append(all, p.words[k])
	}
	return strings.Join(all, " ")
}

// shorten removes words of a pattern until its names fit: whole components first, then single
// words. It restores words that need not be removed.
func (e *elision) shorten(p *pattern) {
	var single [][]int
	for k := range p.words {
		single = append(single, []int{k})
	}
	var gone [][]int
	for _, groups := range [][][]int{p.components, single} {
		for _, g := range e.order(p, groups) {
			if e.fit(p) {
				break
			}
			if p.set(g, true); e.unclear(p) {
				p.set(g, false)
			} else {
				gone = append(gone, g)
			}
		}
	}
	for _, g := range slices.Backward(gone) {
		if p.set(g, false); !e.fit(p) {
			p.set(g, true)
		}
	}
}

// order returns the groups of words that may be removed, in the order of removal: first long
// groups that many names share, last numbers and the first words of names.
func (e *elision) order(p *pattern, groups [][]int) [][]int {
	groups = slices.DeleteFunc(slices.Clone(groups), func(g []int) bool {
		return slices.ContainsFunc(g, func(k int) bool { return p.stays[k] }) || p.component(g) == ""
	})
	last := func(g []int) int {
		if g[0] == 0 || p.component(g) == "#" {
			return 1
		}
		return 0
	}
	saves := func(g []int) int {
		w := p.component(g)
		return e.seen[w] * len(w)
	}
	slices.SortStableFunc(groups, func(a, b []int) int {
		return cmp.Or(cmp.Compare(last(a), last(b)), cmp.Compare(saves(b), saves(a)))
	})
	return groups
}

// fit reports whether all names of a pattern fit.
func (e *elision) fit(p *pattern) bool {
	return !slices.ContainsFunc(p.members, func(i int) bool {
		return !e.fits(e.names[i]) && !e.fits(p.short(e.parts[i]))
	})
}

// unclear reports whether no word of the names of p is left, or whether a shortened name could
// be mistaken for a name of another pattern.
func (e *elision) unclear(p *pattern) bool {
	if !slices.Contains(p.gone, false) {
		return true
	}
	for _, other := range e.patterns {
		if other != p && p.matches(other.words) {
			return true
		}
	}
	return false
}

// set removes or restores words.
func (p *pattern) set(words []int, gone bool) {
	for _, k := range words {
		p.gone[k] = gone
	}
}

// matches reports whether words could be a name of p. An ellipsis of p stands for any number of
// words.
func (p *pattern) matches(words []string) bool {
	hole := false
	at, back, from := 0, -1, 0 // back is the word of p after the last ellipsis, and from the word where it was tried
	for k := 0; ; {
		hole = false
		for k < len(p.words) && (p.gone[k] || p.words[k] == "") {
			hole = hole || p.gone[k]
			k++
		}
		if hole {
			back, from = k, at
		}
		for at < len(words) && words[at] == "" {
			at++
		}
		switch {
		case k == len(p.words) && (hole || at == len(words)):
			return true
		case k < len(p.words) && at < len(words) && p.words[k] == words[at]:
			k++
			at++
		case back >= 0 && from < len(words):
			from++
			k, at = back, from
		default:
			return false
		}
	}
}

// short joins the parts of a name without the removed words.
func (p *pattern) short(parts []part) string {
	var b strings.Builder
	hole := false
	for k, x := range parts {
		switch {
		case p.gone[k]:
			if !hole {
				b.WriteString("…")
			}
			hole = true
		case hole && x.word == "": // an empty word between two separators
		default:
			if !hole {
				b.WriteString(x.before)
			}
			b.WriteString(x.word)
			hole = false
		}
	}
	return b.String()
}

// split divides a name into words. Two underscores are one separator, since some exporters join
// names with them.
func split(name string) []part {
	var parts []part
	from, before := 0, ""
	for i := 0; i < len(name); {
		n := 0
		switch {
		case strings.HasPrefix(name[i:], "__"):
			n = 2
		case strings.IndexByte("./_:-", name[i]) >= 0:
			n = 1
		}
		if n == 0 {
			i++
			continue
		}
		parts = append(parts, part{before, name[from:i]})
		before = name[i : i+n]
		i += n
		from = i
	}
	return append(parts, part{before, name[from:]})
}

// numberless returns a name with # for each number.
func numberless(name string) string {
	var b strings.Builder
	digit := false
	for i := range len(name) {
		c := name[i]
		if '0' <= c && c <= '9' {
			if !digit {
				b.WriteByte('#')
			}
			digit = true
			continue
		}
		digit = false
		b.WriteByte(c)
	}
	return b.String()
}

// tellApart adds numbers to equal short names of different names.
func tellApart(names, short []string, fits func(string) bool) {
	taken := map[string]string{} // the name for each short name
	for i, s := range short {
		if s == names[i] {
			taken[s] = s
		}
	}
	for i, s := range short {
		for n := 2; ; n++ {
			if of, ok := taken[s]; !ok || of == names[i] {
				break
			}
			mark := "~" + strconv.Itoa(n)
			s = Middle(short[i], func(s string) bool { return fits(s + mark) }) + mark
		}
		taken[s], short[i] = names[i], s
	}
}
