package text

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Elide shortens the names of tensors until fits holds for each, which has to
// hold for a few characters at least. A name that fits stays as it is. The others
// lose words, for which an ellipsis stands: those first that many names share,
// and never one without which a short name could be read as another of the
// names. Numbers that count, as those of layers, stay with the word before. A name that is still too
// long loses its middle, and gets a number if no other sign tells it apart.
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

// mostPatterns is up to how many patterns Elide looks for words to leave out.
const mostPatterns = 1000

// An elision is the work of Elide.
type elision struct {
	names    []string
	fits     func(string) bool
	parts    [][]part // of each name
	patterns []*pattern
	seen     map[string]int // how many names have a word, or a component
}

// A part is a word of a name with what separates it from the word before.
type part struct{ before, word string }

// A pattern is what names have in common that differ only in numbers: a model of
// many layers has few of them.
type pattern struct {
	members    []int
	words      []string // with # for each number
	components [][]int  // the words between two dots or slashes
	stays      []bool   // words with a number that differs between members, and words before one
	gone       []bool   // words that are left out
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
			// A number of its own says nothing without the word before.
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

// component is the text by which elision.seen counts a component.
func (p *pattern) component(words []int) string {
	var all []string
	for _, k := range words {
		all = append(all, p.words[k])
	}
	return strings.Join(all, " ")
}

// shorten leaves words of a pattern out until its names fit: first whole
// components, then single words. Words that need not go come back.
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

// order lists the groups of words that may be left out: those first that many
// names share and that are long, and last numbers and what the name begins with.
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

// unclear reports whether nothing is left of the names of p, or what is left could
// be read as a name of another pattern.
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

// set leaves words out, or puts them back.
func (p *pattern) set(words []int, gone bool) {
	for _, k := range words {
		p.gone[k] = gone
	}
}

// matches reports whether words are those of p, any number of words standing where
// p has an ellipsis.
func (p *pattern) matches(words []string) bool {
	hole := false
	at, back, from := 0, -1, 0 // back is the word of p after the last ellipsis, from where it was tried
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

// short puts the parts of a name together without the words that are gone.
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
		case hole && x.word == "": // between two separators
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

// split cuts a name into words. Two underscores are one separator, as some
// exporters join names with them.
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

// tellApart gives numbers to short names that are the same for different names.
func tellApart(names, short []string, fits func(string) bool) {
	taken := map[string]string{} // the name that a text stands for
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
