package tensorfile

import (
	"strings"
	"testing"
)

func TestReadingNames(t *testing.T) {
	for _, r := range []rune{0, ',', ';', '\t', ' ', '|'} {
		if got, err := ParseSeparator(SeparatorName(r)); got != r || err != nil {
			t.Errorf("%q: %q, %v", r, got, err)
		}
		if got, err := ParseSeparator(string(r)); r != 0 && (got != r || err != nil) {
			t.Errorf("%q itself: %q, %v", r, got, err)
		}
	}
	for _, r := range []rune{0, '.', ','} {
		if got, err := ParseDecimal(DecimalName(r)); got != r || err != nil {
			t.Errorf("%q: %q, %v", r, got, err)
		}
	}
	_, err := ParseSeparator("colon")
	wantError(t, err, `separator "colon" is none of auto, comma, semicolon, tab, space, bar`)
	_, err = ParseDecimal("dot")
	wantError(t, err, `decimal sign "dot" is none of auto, point, comma`)
}

func TestReadingValidate(t *testing.T) {
	for _, c := range []struct {
		reading Reading
		err     string
	}{
		{Reading{}, ""},
		{Reading{Separator: ';', Decimal: ',', SkipRows: 1}, ""},
		{Reading{Separator: 'x'}, "text: 'x' is no separator"},
		{Reading{Decimal: ';'}, "text: ';' is no decimal sign"},
		{Reading{Separator: ',', Decimal: ','}, "text: a comma cannot be both the separator and the decimal sign"},
		{Reading{SkipColumns: -1}, "text: 0 lines and -1 values cannot be left out"},
	} {
		_, err := Options{Reading: c.reading}.Parse("", strings.NewReader("1;2\n3;4"), 7)
		if c.err == "" && err != nil || c.err != "" && (err == nil || err.Error() != c.err) {
			t.Errorf("%+v: error %v, want %q", c.reading, err, c.err)
		}
	}
}
