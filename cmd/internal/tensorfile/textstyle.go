package tensorfile

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// A textSample is the beginning of a text, for recognisers.
type textSample struct {
	text  string   // from the first character that is not in blanks or comments
	lines []string // complete lines without those that have only blanks and comments
}

// sampleLines is how many lines the recognisers look at.
const sampleLines = 200

func newTextSample(head []byte, whole bool) *textSample {
	all := strings.TrimPrefix(string(head), "\uFEFF")
	if !whole {
		// The last line may be incomplete.
		if end := strings.LastIndexAny(all, "\r\n"); end >= 0 {
			all = all[:end]
		}
	}
	s := new(textSample)
	for line := range strings.FieldsFuncSeq(all, func(r rune) bool { return r == '\n' || r == '\r' }) {
		line = strings.TrimFunc(line, func(r rune) bool { return isBlank(r) && r != '\t' })
		bare := strings.TrimFunc(line, isBlank)
		if bare == "" || bare[0] == '#' && !isSpreadsheetError(bare) {
			continue
		}
		if s.text == "" {
			s.text = all[strings.Index(all, bare):]
		}
		s.lines = append(s.lines, line)
		if len(s.lines) == sampleLines {
			break
		}
	}
	return s
}

// every reports whether all lines of the sample pass a test.
func (s *textSample) every(has func(line string) bool) bool {
	return len(s.lines) > 0 && !slices.ContainsFunc(s.lines, func(line string) bool { return !has(line) })
}

// some reports whether a line of the sample passes a test.
func (s *textSample) some(has func(line string) bool) bool { return slices.ContainsFunc(s.lines, has) }

// contains returns a test for a character outside of quotes.
func contains(mark rune) func(line string) bool {
	return func(line string) bool {
		quoted := false
		for _, c := range line {
			switch {
			case c == '"':
				quoted = !quoted
			case c == mark && !quoted:
				return true
			}
		}
		return false
	}
}

// innerCommas reports whether a line has commas, and each is between two digits, as in a number.
func innerCommas(line string) bool {
	var before rune
	seen := false
	runes := []rune(line)
	for i, c := range runes {
		if c == ',' {
			if !unicode.IsDigit(before) || i+1 == len(runes) || !unicode.IsDigit(runes[i+1]) {
				return false
			}
			seen = true
		}
		before = c
	}
	return seen
}

// decimalCommas reports whether a line has commas, and each can be the decimal
// sign of a number.
func decimalCommas(line string) bool {
	if !innerCommas(line) {
		return false
	}
	for word := range strings.FieldsFuncSeq(line, func(c rune) bool { return c != ',' && c != '.' && !unicode.IsDigit(c) }) {
		if strings.Count(word, ",") > 1 || strings.Contains(word, ".") {
			return false
		}
	}
	return true
}

// A rowStyle says how the lines of a text are divided into channels and values.
type rowStyle struct {
	sep     rune // ',', ';', tab, '|', or ' ' for blanks alone
	words   bool // blanks separate values too
	semis   bool // a semicolon ends a channel, as a line does
	decimal rune // '.' or ','; 0 if the first one in the text decides
	csv     bool // # begins a comment only at the beginning of a line
}

// recogniseRows chooses the style of a text without brackets.
func recogniseRows(s *textSample, csv bool, want Reading) rowStyle {
	st := rowStyle{sep: want.Separator, csv: csv}
	switch {
	case st.sep != 0:
	case s.isTable():
		st.sep = '|'
	case s.every(contains('\t')) && !s.some(func(line string) bool { return contains(',')(line) && !innerCommas(line) }):
		st.sep = '\t'
	case csv && s.every(contains(';')) && !s.semicolonsEndChannels():
		st.sep = ';'
	case csv && !s.some(contains(',')):
		st.sep = ' '
	default:
		st.sep = ','
		st.semis = csv && s.semicolonsEndChannels()
	}
	if want.Separator == 0 && want.Decimal == ',' && st.sep == ',' {
		st.sep = ' '
		if s.every(contains(';')) {
			st.sep = ';'
		}
	}
	// CSV has a single separator.
	st.words = st.sep == ' ' || st.sep == ',' && (!csv || st.semis || want.Separator != 0)
	st.semis = st.words || st.sep == '\t' && !csv
	if st.decimal = want.Decimal; st.decimal == 0 && st.sep == ',' {
		st.decimal = '.'
	}
	return st
}

// isTable reports whether the sample is a table with bars between its cells.
func (s *textSample) isTable() bool {
	bar := func(line string) bool { return contains('|')(line) || contains('│')(line) }
	first := s.lines[:min(len(s.lines), 3)]
	return slices.ContainsFunc(first, bar) && s.every(func(line string) bool { return bar(line) || isRule(line) })
}

// isRule reports whether a line or a cell of a table is a drawn rule, without content.
func isRule(s string) bool {
	drawn := func(c rune) bool { return strings.ContainsRune("-+|:= \t", c) || '─' <= c && c <= '╿' }
	return strings.TrimFunc(s, drawn) == "" && strings.ContainsAny(s, "-─═━")
}

// semicolonsEndChannels reports whether the sample is one line, and each part between semicolons
// has several values that are separated by blanks.
func (s *textSample) semicolonsEndChannels() bool {
	return len(s.lines) == 1 && s.some(func(line string) bool {
		if !contains(';')(line) {
			return false
		}
		for part := range strings.SplitSeq(line, ";") {
			if words := strings.Fields(part); len(words) > 1 && !isName(words[0]) && !strings.Contains(line, "\"") {
				return true
			}
		}
		return false
	})
}

// classes returns the classes of characters for text of the style.
func (st rowStyle) classes() scanClasses {
	c := scanClasses{words: st.words, lines: true, quotes: `"`, comments: !st.csv}
	if st.sep != ' ' {
		c.marks = string(st.sep)
	}
	if st.semis {
		c.marks += ";"
	}
	return c
}

// notation names the style.
func (st rowStyle) notation() string {
	switch {
	case st.sep == '|':
		return "a table"
	case st.sep == '\t':
		return "separated by tabs"
	case st.sep == ';':
		return "separated by semicolons"
	case st.sep == ' ':
		return "separated by blanks"
	case st.words:
		return "separated by commas or blanks"
	}
	return "separated by commas"
}

// arrayStart matches the beginning of a text with values in brackets.
var arrayStart = regexp.MustCompile(`^(?:` +
	`[\[{]|` + // a list
	`\((?:\s*[\[({]|[^)]*,)|` + // a tuple, and not a number in parentheses
	`<tf\.(?:Tensor|Variable)|Parameter containing:|` +
	`(?:[A-Za-z_][\w.]*\s*=\s*)?(?:[A-Za-z_]\w*\.)*(?:tensor|Tensor|array|Array|asarray|matrix|ndarray|\w+Tensor|DeviceArray|Parameter)\s*\(|` +
	`[A-Za-z_][\w.]*\s*=\s*[\[({])`)

func isArray(text string) bool { return arrayStart.MatchString(text) }
