package tensorfile

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A numberReader turns the text of a field into a number. Its decimal sign is given, or is the
// first one in the text.
type numberReader struct {
	decimal rune // '.' or ','; 0 if not known yet
}

// elisionHelp tells the user what to do about a print that leaves out values.
const elisionHelp = "values are left out here: print all of them, with numpy.set_printoptions(threshold=sys.maxsize) or torch.set_printoptions(threshold=math.inf)"

// read returns the number t. It also reports whether a text that it refuses is a number.
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
	written := s
	no := func(why string) error {
		switch {
		case hasThousands(written) && why == "":
			why = ": write thousands without separators"
		case hasThousands(written):
			why += "; thousands have no separators"
		}
		return fail("is not a number%s", why)
	}
	if strings.ContainsAny(s, ",.") {
		if err := n.sign(&s); err != nil {
			return 0, false, no(": " + err.Error())
		}
	}
	// ParseFloat also takes words and hexadecimal numbers, which are not meant here.
	if strings.ContainsFunc(s, notDecimal) {
		switch strings.ToLower(strings.TrimLeft(s, "+-")) {
		case "nan", "inf", "infinity":
			return 0, true, fail("is not a finite number")
		}
		return 0, false, no("")
	}
	v, err := strconv.ParseFloat(s, 32)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, true, fail("overflows float32")
	case err != nil:
		return 0, false, no("")
	}
	return float32(v), true, nil
}

// plain reports whether a text has only the characters of a number, with or without a decimal
// point. Most numbers are written so.
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

// sign replaces the decimal sign of s by a point. It is an error if s has another decimal sign than
// the numbers before.
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

// hasThousands reports whether s is a number with a sign, a blank or an underscore between the
// thousands, such as 1,234.5 and 1'234.
func hasThousands(s string) bool {
	s = strings.TrimLeft(s, "+-")
	first := strings.IndexFunc(s, notDigit)
	if first < 1 || first > 3 {
		return false
	}
	sign, size := utf8.DecodeRuneInString(s[first:])
	if !strings.ContainsRune(".,'’_ \u00a0\u2009\u202f", sign) {
		return false
	}
	groups := strings.Split(s[first+size:], string(sign))
	last := len(groups) - 1
	if decimals := strings.IndexAny(groups[last], ".,"); decimals >= 0 && !strings.ContainsFunc(groups[last][decimals+1:], notDigit) {
		groups[last] = groups[last][:decimals]
	}
	for _, g := range groups {
		if len(g) != 3 || strings.ContainsFunc(g, notDigit) {
			return false
		}
	}
	return true
}

func notDigit(c rune) bool { return c < '0' || c > '9' }

func notDecimal(c rune) bool {
	return (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E'
}

// plainMinus replaces the minus signs and hyphens of Unicode by the ASCII hyphen.
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

// isName reports whether a field can be the name of a column or of a row, and not a number in an
// unknown notation. A name has letters and no digit, or begins with a letter and has only whole
// numbers, as "channel 1". Words for a missing value and the errors of spreadsheets are not names.
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

// hasDecimals reports whether a text contains a number with decimals, or decimals that follow a
// letter instead of a digit.
func hasDecimals(s string) bool {
	isDigit := func(i int) bool { return i >= 0 && i < len(s) && '0' <= s[i] && s[i] <= '9' }
	for i := range len(s) {
		if (s[i] == '.' || s[i] == ',') && isDigit(i+1) && (isDigit(i-1) || i == 1 && strings.Trim(s[2:], "0123456789") == "") {
			return true
		}
	}
	return false
}
