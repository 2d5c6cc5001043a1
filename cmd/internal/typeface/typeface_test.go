package typeface

import (
	"testing"
)

func TestLegible(t *testing.T) {
	for in, want := range map[string]string{
		"encoder.weight":     "encoder.weight",
		"größe β Ж e\u0301":  "größe β Ж é",
		"中文":                 "[U+4E2D][U+6587]",
		"x\u0301\u0302":      "x[U+0301][U+0302]",
		"\u05d0":             "[U+05D0]",
		"\U0001f600":         "[U+1F600]",
		"a\nb\x00\u202e\xff": `a\nb\x00\u202e\xff`,
		"…×−≤":               "…×−≤",
	} {
		if got := Legible(in); got != want {
			t.Errorf("%q becomes %q, not %q", in, got, want)
		}
	}
}
