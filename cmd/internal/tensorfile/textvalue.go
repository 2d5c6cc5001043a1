package tensorfile

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// A numberReader turns the text of a field into a number. It knows which sign
// begins the decimals: given, or decided by the first that it meets.
type numberReader struct {
	decimal rune // '.' or ','; 0 while that is open
}

// elisionHelp is what to do about a print that leaves values out.
const elisionHelp = "values are left out here: print all of them, with numpy.set_printoptions(threshold=sys.maxsize) or torch.set_printoptions(threshold=math.inf)"

// read returns the number that t is. It also tells a number that is not
// allowed from what is no number.
func (n *numberReader) read(t token) (x float32, isNumber bool, err error) {
	fail := func(format string, args ...any) error {
		return &SyntaxError{t.line, t.column, quote(t.text) + " " + fmt.Sprintf(format, args...)}
	}
	if n.plain(t.text) {
		if v, err := strconv.ParseFloat(t.text, 32); err == nil {
			return float32(v), true, nil
		}
	}
	s := strings.TrimFunc(t.text, isBlank)
	switch s {
	case "":
		return 0, false, &SyntaxError{t.line, t.column, "empty field"}
	case "...", "…":
		return 0, false, &SyntaxError{t.line, t.column, elisionHelp}
	}
	s = plainMinus(s)
	if strings.ContainsAny(s, ",.") {
		if err := n.sign(&s); err != nil {
			return 0, false, fail("is not a number: %v", err)
		}
	}
	// ParseFloat also takes words, and hexadecimal numbers, which nobody means here.
	if strings.ContainsFunc(s, notDecimal) {
		switch strings.ToLower(strings.TrimLeft(s, "+-")) {
		case "nan", "inf", "infinity":
			return 0, true, fail("is not a finite number")
		}
		return 0, false, fail("is not a number")
	}
	v, err := strconv.ParseFloat(s, 32)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, true, fail("overflows float32")
	case err != nil:
		return 0, false, fail("is not a number")
	}
	return float32(v), true, nil
}

// plain reports whether a text has the characters of a number with a point, if
// any, and nothing else, which is how most are written.
func (n *numberReader) plain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9', c == '-', c == '+', c == 'e', c == 'E', c == '.' && n.decimal == '.':
		default:
			return false
		}
	}
	return true
}

// sign makes the decimal sign of s a point. Other signs than the one in use
// are an error.
func (n *numberReader) sign(s *string) error {
	comma, point := strings.Count(*s, ","), strings.Count(*s, ".")
	digits := !strings.ContainsFunc(*s, func(c rune) bool { return c != ',' && notDecimal(c) })
	switch {
	case !digits: // a word, not a number
		return nil
	case n.decimal == 0 && comma == 1 && point == 0:
		n.decimal = ','
	case n.decimal == 0 && comma == 0:
		n.decimal = '.'
	case n.decimal == ',' && point > 0:
		return errors.New("commas are the decimal signs here, and it has a point")
	case n.decimal == '.' && comma > 0:
		return errors.New("points are the decimal signs here, and it has a comma")
	}
	if n.decimal == ',' && comma == 1 {
		*s = strings.Replace(*s, ",", ".", 1)
	}
	return nil
}

func notDecimal(c rune) bool {
	return (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E'
}

// plainMinus writes the minus signs and hyphens of Unicode as a hyphen.
func plainMinus(s string) string {
	ascii := true
	for i := range len(s) {
		ascii = ascii && s[i] < 0x80
	}
	if ascii {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '\u2212', '\u2010', '\u2011', '\u2013', '\ufe63', '\uff0d':
			return '-'
		}
		return r
	}, s)
}

// isName reports whether a field can be the name of a column or of a row, and
// is not a number that somebody wrote in a way that is not read: it has letters
// and no digit, or begins with a letter and has whole numbers only, as
// "channel 1". Words for a missing value, and the errors of spreadsheets, are no
// names.
func isName(field string) bool {
	field = strings.TrimFunc(field, isBlank)
	field = strings.Trim(field, "*`_") // emphasis of Markdown
	switch strings.ToLower(field) {
	case "", "na", "n/a", "nan", "null", "none", "nil", "missing", "inf", "infinity", "true", "false":
		return false
	}
	first, letter, digit := rune(0), false, false
	for _, c := range field {
		if first == 0 {
			first = c
		}
		letter = letter || unicode.IsLetter(c)
		digit = digit || unicode.IsDigit(c)
	}
	switch {
	case strings.ContainsRune("#+-.\u2212\u2013", first), !letter:
		return false
	case !digit:
		return true
	}
	return unicode.IsLetter(first) && !hasDecimals(field)
}

// hasDecimals reports whether a text has a number with decimals in it, or a
// letter in place of the digit before them.
func hasDecimals(s string) bool {
	isDigit := func(i int) bool { return i >= 0 && i < len(s) && '0' <= s[i] && s[i] <= '9' }
	for i := range len(s) {
		if (s[i] == '.' || s[i] == ',') && isDigit(i+1) && (isDigit(i-1) || i == 1 && strings.Trim(s[2:], "0123456789") == "") {
			return true
		}
	}
	return false
}
