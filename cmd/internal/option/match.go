package option

import (
	"fmt"
	"path"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/text"
)

// Match reports whether the name of a tensor matches a pattern. The syntax is that of
// path.Match, except that * and ? also match a slash, which is an ordinary character in names
// of tensors. A name always matches itself.
func Match(pattern, name string) bool {
	if pattern == name {
		return true
	}
	// In path.Match, * does not match a slash, so slashes are replaced.
	flat := strings.NewReplacer("/", "\x00")
	ok, err := path.Match(flat.Replace(pattern), flat.Replace(name))
	return ok && err == nil
}

// Unmatched returns the error for patterns that match none of the names of something, such as
// "tensor". The error has the name or the pattern that was probably meant, or else lists the names.
func Unmatched(something string, patterns, names []string) error {
	clean := make([]string, len(names))
	for i, n := range names {
		clean[i] = text.Clean(n)
	}
	none := fmt.Sprintf("no %s matches %s", something, text.Quoted(patterns, " or "))
	for _, p := range patterns {
		if meant := likely(p, clean); meant != "" {
			return fmt.Errorf("%s: did you mean %q", none, meant)
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("%s", none)
	}
	return fmt.Errorf("%s; there are %s", none, text.Names(clean))
}

// likely returns what a pattern that matches none of the names was probably meant to be: itself in
// the case of the names, a part of a name with * around it, or a name that is spelled alike. It
// returns "" if there is nothing of the kind.
func likely(pattern string, names []string) string {
	if pattern == "" {
		return ""
	}
	wild := strings.ContainsAny(pattern, `*?[\`)
	for _, n := range names {
		if wild && Match(strings.ToLower(pattern), strings.ToLower(n)) {
			return n
		}
	}
	if wild {
		return ""
	}
	if like := text.Nearest(pattern, names); len(like) == len(pattern) {
		return like // it differs in letters, and is no longer name that begins with the pattern
	}
	for _, n := range names {
		if strings.Contains(n, pattern) {
			return "*" + pattern + "*"
		}
	}
	return text.Nearest(pattern, names)
}
