package gguf

import (
	"slices"
	"testing"
)

func TestChoose(t *testing.T) {
	var rules Rules
	for _, s := range []string{`attn_v=q6_k`, `blk\.(0|1)\.ffn_down=Q8_0`, `ffn_down = q5_k`, `^OUTPUT\.weight$=f16`, `a=b=q4_1`} {
		r, err := ParseRule(s)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, r)
	}
	for _, test := range []struct {
		name   string
		row    int
		wanted Type
		want   Type
		rule   int
	}{
		{"blk.0.attn_v.weight", 256, Q6_K, Q6_K, 0},
		{"blk.0.attn_v.weight", 96, Q6_K, Q8_0, 0}, // rows of 96 have no blocks of 256
		{"blk.0.attn_v.weight", 100, Q6_K, F16, 0}, // nor of 32
		{"blk.0.attn_k.weight", 512, Q4_K, Q4_K, -1},
		{"blk.0.attn_k.weight", 288, Q4_K, Q5_0, -1},
		{"blk.1.ffn_down.weight", 512, Q8_0, Q8_0, 1}, // the first that matches counts
		{"blk.11.ffn_down.weight", 512, Q5_K, Q5_K, 2},
		{"blk.11.ffn_down.weight", 64, Q5_K, Q5_1, 2},
		{"output.weight", 3, F16, F16, 3},
		{"output_norm.weight", 256, Q4_K, Q4_K, -1},
		{"x.a=b.weight", 33, Q4_1, F16, 4},
	} {
		tensor := &Tensor{Name: test.name, Shape: []int{7, test.row}}
		if got, want := rules.Choose(tensor, Q4_K), (Choice{test.want, test.wanted, test.rule}); got != want {
			t.Errorf("%s with rows of %d: %v, want %v", test.name, test.row, got, want)
		}
	}
	if got := rules.Unused([]string{"blk.0.attn_v.weight", "output.weight"}); !slices.Equal(got, []string{`blk\.(0|1)\.ffn_down`, `ffn_down`, "a=b"}) {
		t.Errorf("unused patterns are %q", got)
	}
}

func TestFallback(t *testing.T) {
	for typ, want := range map[Type]Type{
		Q4_K: Q5_0, Q5_K: Q5_1, Q6_K: Q8_0, Q2_K: Q4_0, Q3_K: Q4_0, TQ1_0: Q4_0, IQ1_M: IQ4_NL, IQ4_XS: IQ4_NL, Q8_0: Q8_0, F32: F32,
	} {
		if got := typ.Fallback(32); got != want {
			t.Errorf("%s of rows of 32 is %s, want %s", typ, got, want)
		}
		block, _ := typ.Block()
		if got := typ.Fallback(2 * block); got != typ {
			t.Errorf("%s of rows of two blocks is %s", typ, got)
		}
		if got := typ.Fallback(31); block > 1 && got != F16 {
			t.Errorf("%s of rows of 31 is %s", typ, got)
		}
	}
}

func TestParseRuleErrors(t *testing.T) {
	const written = "F32, F16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K, IQ4_NL, BF16, MXFP4"
	for s, want := range map[string]string{
		"attn_v":         `"attn_v": want PATTERN=TYPE, such as attn_v=q6_k`,
		"=q6_k":          `"=q6_k": the pattern is empty`,
		"attn_v=q7":      `"attn_v=q7": "q7" is no type of ggml; types that are written are ` + written,
		"attn_v=":        `"attn_v=": "" is no type of ggml; types that are written are ` + written,
		"a=iq2_xs":       `"a=iq2_xs": IQ2_XS is not written, only ` + written,
		"blk.(0=q4_k":    `"blk.(0=q4_k": the pattern is no regular expression: missing closing )`,
		"(?!blk.0)=q4_k": `"(?!blk.0)=q4_k": the pattern is no regular expression: invalid or unsupported Perl syntax`,
	} {
		if _, err := ParseRule(s); err == nil || err.Error() != want {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
}
