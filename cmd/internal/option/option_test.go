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

func TestSelection(t *testing.T) {
	s := Selection{Include: []string{"a.*", "b"}, Exclude: []string{"*.bias"}}
	for name, want := range map[string][2]bool{
		"a.weight": {true, false}, "a.bias": {false, false}, "b": {true, true}, "c": {false, false},
	} {
		if s.Picks(name) != want[0] || s.Spells(name) != want[1] {
			t.Errorf("%s: picked %t, spelled %t", name, s.Picks(name), s.Spells(name))
		}
	}
	if !(Selection{}).Picks("any") {
		t.Error("no patterns pick nothing")
	}
	if err := s.Check([]string{"a.weight", "b"}); err == nil || err.Error() != `no tensor matches "*.bias"; there are "a.weight", "b"` {
		t.Errorf("a pattern without a tensor: %v", err)
	}
	if err := (Selection{Exclude: []string{"["}}).Validate(); err == nil {
		t.Error("[ is a pattern")
	}
}

func TestWords(t *testing.T) {
	for _, m := range Mappings() {
		if got, err := ParseMapping(m); err != nil || got.String() != m {
			t.Errorf("mapping %s: %v, %v", m, got, err)
		}
	}
	for _, m := range MethodWords() {
		if got, err := ParseMethod(m); err != nil || got.String() != m {
			t.Errorf("method %s: %v, %v", m, got, err)
		}
	}
	for _, word := range []string{"ema=0.1", "none"} {
		if _, err := ParseMethod(word); err == nil {
			t.Errorf("method %q is taken", word)
		}
	}
}
