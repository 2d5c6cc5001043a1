package option

import "testing"

func TestUnmatched(t *testing.T) {
	names := []string{"encoder.0.weight", "encoder.0.bias", "encoder.1.weight", "lm_head.weight"}
	for _, c := range []struct {
		patterns []string
		names    []string
		want     string
	}{
		{[]string{"encoder.0.weigth"}, names, `no tensor matches "encoder.0.weigth": did you mean "encoder.0.weight"`},
		{[]string{"lmhead.weight"}, names, `no tensor matches "lmhead.weight": did you mean "lm_head.weight"`},
		{[]string{"Encoder.*"}, names, `no tensor matches "Encoder.*": did you mean "encoder.0.weight"`},
		{[]string{"ENCODER.0.BIAS"}, names, `no tensor matches "ENCODER.0.BIAS": did you mean "encoder.0.bias"`},
		{[]string{"encoder.1"}, names, `no tensor matches "encoder.1": did you mean "*encoder.1*"`},
		{[]string{"bias"}, names, `no tensor matches "bias": did you mean "*bias*"`},
		{[]string{"decoder", "lm_head"}, names, `no tensor matches "decoder" or "lm_head": did you mean "*lm_head*"`},
		{[]string{"x*"}, names, `no tensor matches "x*"; there are "encoder.0.weight", "encoder.0.bias", "encoder.1.weight", "lm_head.weight"`},
		{[]string{""}, names[:1], `no tensor matches ""; there are "encoder.0.weight"`},
		{[]string{"a"}, []string{"\x1b[2J"}, `no tensor matches "a"; there are "\\x1b[2J"`},
		{[]string{"a"}, nil, `no tensor matches "a"`},
	} {
		if got := Unmatched("tensor", c.patterns, c.names).Error(); got != c.want {
			t.Errorf("%q:\n%s, want\n%s", c.patterns, got, c.want)
		}
	}
	if got, want := Unmatched("weight", []string{"x"}, nil).Error(), `no weight matches "x"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
