package tensorfile

import (
	"errors"
	"fmt"
	"strings"
)

// separators are the separators of a Reading, and their names.
var separators = []struct {
	char rune
	name string
}{{',', "comma"}, {';', "semicolon"}, {'\t', "tab"}, {' ', "space"}, {'|', "bar"}}

// ParseSeparator returns the separator with the given name, such as "semicolon", or the
// character itself. "" and "auto" are 0, for automatic recognition.
func ParseSeparator(name string) (rune, error) {
	if name == "" || name == "auto" {
		return 0, nil
	}
	var names []string
	for _, s := range separators {
		if name == s.name || name == string(s.char) {
			return s.char, nil
		}
		names = append(names, s.name)
	}
	return 0, fmt.Errorf("separator %s is none of auto, %s", quote(name), strings.Join(names, ", "))
}

// SeparatorName is the inverse of ParseSeparator.
func SeparatorName(separator rune) string {
	for _, s := range separators {
		if separator == s.char {
			return s.name
		}
	}
	return "auto"
}

// ParseDecimal returns the decimal sign with the name "point" or "comma", or the character
// itself. "" and "auto" are 0, for automatic recognition.
func ParseDecimal(name string) (rune, error) {
	switch name {
	case "", "auto":
		return 0, nil
	case "point", ".":
		return '.', nil
	case "comma", ",":
		return ',', nil
	}
	return 0, fmt.Errorf("decimal sign %s is none of auto, point, comma", quote(name))
}

// DecimalName is the inverse of ParseDecimal.
func DecimalName(decimal rune) string {
	switch decimal {
	case '.':
		return "point"
	case ',':
		return "comma"
	}
	return "auto"
}

// Validate returns an error for an unknown or negative option, or for options that contradict each other.
func (r Reading) Validate() error {
	switch {
	case r.Separator != 0 && SeparatorName(r.Separator) == "auto":
		return fmt.Errorf("%q is no separator", r.Separator)
	case r.Decimal != 0 && DecimalName(r.Decimal) == "auto":
		return fmt.Errorf("%q is no decimal sign", r.Decimal)
	case r.Separator == ',' && r.Decimal == ',':
		return errors.New("a comma cannot be both the separator and the decimal sign")
	case r.SkipRows < 0 || r.SkipColumns < 0:
		return fmt.Errorf("%d lines and %d values cannot be left out", r.SkipRows, r.SkipColumns)
	}
	return nil
}
