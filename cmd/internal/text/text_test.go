package text

import (
	"math"
	"testing"
)

func TestNumbers(t *testing.T) {
	for got, want := range map[string]string{
		Digits(0.0, 4): "0", Digits(9.9996, 4): "10.00", Digits(0.00012344, 4): "0.0001234", Digits(0.000099, 3): "9.90e-05",
		Digits(1234567.0, 3): "1234567", Digits(-0.5, 3): "-0.500", Digits(math.Inf(1), 3): "inf",
		Fit(-1.234e-05): "-1.2e-05", Fit(-1.2e-100): "-1e-100", Fit(0.25): "0.250",
		Count(1234567): "1,234,567", Count(-1234): "-1,234", Count(999): "999", Count(-999): "-999",
		Signed(1.26, 1): "+1.3", Signed(-0.04, 1): "0.0", Signed(-2.0, 1): "-2.0", Signed(math.Inf(-1), 1): "-inf",
		Times(3.456): "3.46×", Times(123456.7): "123457×", Times(999999.4): "999999×", Times(999999.5): "1e+06×", Times(2950252.0): "3e+06×", Times(0.00123): "1e-03×", Times(0.009996): "0.0100×", Times(0.0): "0×", Times(math.Inf(1)): "inf",
		Plural(1, "byte"): "1 byte", Plural(2000, "byte"): "2,000 bytes",
		Exact(Number(math.Inf(1))): "", Exact(0.1): "0.1", ExactFloat(float32(0.1)): "0.1", Exact(1e-7): "1e-07",
		Decibels(math.Inf(1)): "exact", Decibels(1234.56): "1235", Decibels(48.25): "48.2",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain.weight": "plain.weight", "\x1b[2J": `\x1b[2J`, "a\tb\n": `a\tb\n`, "\x9b": `\x9b`, "\u009b": `\u009b`,
		"\u202e": `\u202e`, "重み": "重み", "\x00": `\x00`, "\ufffd": "\ufffd",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	for _, s := range []string{"short", "model.layers.10.attention.weight", "重みの名前がとても長い", "e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301"} {
		for n := 3; n < 40; n++ {
			got := Shorten(s, n)
			if Width(got) > n || Width(s) <= n && got != s {
				t.Errorf("Shorten(%q, %d) = %q", s, n, got)
			}
		}
	}
	if got := Shorten("abcdefghij", 6); got != "ab…hij" {
		t.Errorf("got %q", got)
	}
}

func TestNames(t *testing.T) {
	for _, test := range []struct {
		names          []string
		prefix, suffix string
	}{
		{[]string{"model.a.weight", "model.b.weight"}, "model.", ".weight"},
		{[]string{"model.a.weight", "model.b.bias"}, "model.", ""},
		{[]string{"a", "b"}, "", ""},
		{[]string{"a.weight"}, "", ""},
		{[]string{"model.weight", "model.x.weight"}, "", ""}, // nothing would be left of the first
		{[]string{"same.w", "same.w"}, "", ""},
	} {
		if p, s := Common(test.names); p != test.prefix || s != test.suffix {
			t.Errorf("%q: %q and %q", test.names, p, s)
		}
	}
	sorted := []string{"a.2", "a.10", "a.10.b", "b", "b.01", "b.1"}
	for i := range sorted {
		for k := range sorted {
			if got := Natural(sorted[i], sorted[k]); (got < 0) != (i < k) || (got == 0) != (i == k) {
				t.Errorf("Natural(%q, %q) = %d", sorted[i], sorted[k], got)
			}
		}
	}
	for n, want := range map[int64]string{0: "0", 9999: "9999", 10000: "10.0k", 99950: "100k", 999499: "999k", 999500: "1.00M", 12345678: "12.3M", 5e12: "5.00T"} {
		if got := Short(n); got != want {
			t.Errorf("Short(%d) = %q", n, got)
		}
	}
}
