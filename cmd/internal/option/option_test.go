package option

import "testing"

func TestMatch(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "a.b/c", true}, {"a*c", "a.b/c", true}, {"a?b?c", "a.b/c", true}, {"a", "a.b", false},
		{"[abc]1", "b1", true}, {"[^/]1", "/1", false}, {`\*`, "*", true}, {"w[0]", "w[0]", true}, {"w[0]", "w0", true},
	} {
		if got := Match(test.pattern, test.name); got != test.want {
			t.Errorf("Match(%q, %q) = %t", test.pattern, test.name, got)
		}
	}
}
