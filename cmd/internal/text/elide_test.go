package text

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestElide(t *testing.T) {
	for _, test := range []struct {
		names   []string
		columns int
		want    []string
	}{
		{[]string{"layers.1.attn.q", "layers.2.attn.q"}, 15, []string{"layers.1.attn.q", "layers.2.attn.q"}},
		{[]string{"layers.1.attn.q", "layers.2.attn.q"}, 10, []string{"layers.1…q", "layers.2…q"}},
		{[]string{"layers.1.attn.q_proj", "layers.1.mlp.q_proj"}, 12, []string{"…1.attn…", "…1.mlp…"}},
		{[]string{"If_0_then__I_0__enc.3.conv", "If_0_else__I_0__enc.3.conv"}, 16, []string{"If_0_then…enc.3…", "If_0_else…enc.3…"}},
		{[]string{"nodots"}, 4, []string{"n…ts"}},
		{[]string{"a.same", "a.same", "b"}, 4, []string{"a…", "a…", "b"}},
		// Without branch, the first could be the second.
		{[]string{"then.branch.weight", "else.branch.weight"}, 12, []string{"then…weight", "else…weight"}},
		{[]string{"abcdefgh1", "abcdefgh2", "abcdefgh2"}, 4, []string{"a…h1", "a…h2", "a…h2"}},
		{[]string{"ab1cdefgh", "ab2cdefgh", "ab3cdefgh"}, 4, []string{"a…gh", "…h~2", "…h~3"}},
	} {
		if got := Elide(test.names, Columns(test.columns)); !slices.Equal(got, test.want) {
			t.Errorf("Elide(%q, %d) = %q", test.names, test.columns, got)
		}
	}
}

// onnxNames are names as exporters make them of a graph with branches.
func onnxNames() []string {
	var names []string
	for _, branch := range []string{"then", "else"} {
		for i := range 4 {
			for _, end := range []string{"weight", "bias"} {
				names = append(names, fmt.Sprintf("If_0_%s_branch__Inline_0__encoder.%d.reparam_conv.%s", branch, i, end))
			}
		}
		for i := range 30 {
			names = append(names, fmt.Sprintf("If_0_%s_branch__Inline_0__/stft/Constant_%d_output_0", branch, i))
		}
		for _, end := range []string{"weight_ih", "weight_hh", "bias_ih", "bias_hh"} {
			names = append(names, fmt.Sprintf("If_0_%s_branch__Inline_0__decoder.rnn.%s", branch, end))
		}
	}
	return append(names, "Constant_0_output")
}

// TestElideClear checks that a short name cannot be read as another one: with any
// text for an ellipsis it is only its own name.
func TestElideClear(t *testing.T) {
	names := onnxNames()
	for columns := 24; columns < 60; columns += 3 {
		short := Elide(names, Columns(columns))
		for i, s := range short {
			if Width(s) > columns {
				t.Errorf("%d columns: %q has %d", columns, s, Width(s))
			}
			pattern := readings(s)
			for k, n := range names {
				if i != k && pattern.MatchString(n) {
					t.Errorf("%d columns: %q is %q and could be %q", columns, s, names[i], n)
				}
			}
		}
	}
}

// readings matches the names that a short one could be, any words standing for each
// ellipsis.
func readings(short string) *regexp.Regexp {
	const separator = "[./_:-]+"
	expr := ""
	for i, piece := range strings.Split(short, "…") {
		switch {
		case i == 0:
		case expr == "":
			expr = "(.*" + separator + ")?"
		case piece == "":
			expr += "(" + separator + ".*)?"
		default:
			expr += separator + "(.*" + separator + ")?"
		}
		expr += regexp.QuoteMeta(piece)
	}
	return regexp.MustCompile("^" + expr + "$")
}

// FuzzElide checks widths, and that different names stay different.
func FuzzElide(f *testing.F) {
	f.Add("a.b.c a.b.d", 4)
	f.Add(strings.Join(onnxNames(), " "), 20)
	f.Fuzz(func(t *testing.T, list string, columns int) {
		names := strings.Fields(Clean(list))
		columns = 6 + max(0, columns)%60
		if len(names) > 500 {
			return
		}
		short := Elide(names, Columns(columns))
		stands := map[string]string{}
		for i, s := range short {
			if Width(s) > columns {
				t.Errorf("%q has more than %d columns", s, columns)
			}
			if n, ok := stands[s]; ok && n != names[i] {
				t.Errorf("%q is %q and %q", s, n, names[i])
			}
			stands[s] = names[i]
			if Width(names[i]) <= columns && s != names[i] {
				t.Errorf("%q fits in %d columns, and is %q", names[i], columns, s)
			}
		}
	})
}
