package tensorfile

import (
	"bufio"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A token is a value, or a character with a meaning between values. Its kind is that character,
// or one of the constants.
type token struct {
	kind         rune
	text         string // of a value
	quoted       bool
	line, column int
}

// Kinds of tokens that are not a single character.
const (
	tokenValue   rune = -2
	tokenEOF     rune = -1
	tokenNewline rune = '\n'
)

// scanClasses defines the classes of characters for a scanner.
type scanClasses struct {
	marks    string // ASCII characters that are tokens; if | is one, │ is one too
	words    bool   // blanks end a value
	lines    bool   // an end of line is a token, not a blank
	quotes   string // characters that begin a quoted value
	comments bool   // # begins a comment anywhere, not only at the beginning of a line
}

// A scanner splits text into tokens. Every notation uses it.
type scanner struct {
	r *bufio.Reader
	scanClasses
	mark [utf8.RuneSelf]bool // the characters of marks

	char         rune   // the one looked at, or tokenEOF
	line, column int    // of char
	afterCR      bool   // a \n here belongs to the line end before it
	started      bool   // the line has something other than blanks before char
	text         []byte // of the value being read
	commented    int    // comments so far
	err          error
}

func newScanner(r *bufio.Reader, c scanClasses) *scanner {
	s := &scanner{r: r, scanClasses: c, line: 1}
	for _, m := range c.marks {
		s.mark[m] = true
	}
	s.advance()
	if s.char == '\uFEFF' { // a byte order mark is not part of the text
		s.column = 0
		s.advance()
	}
	return s
}

// advance reads the next character. A \r and a \r\n become a \n.
func (s *scanner) advance() {
	if s.char == tokenEOF {
		return
	}
	if s.char == '\n' {
		s.line++
		s.column, s.started = 0, false
	}
	s.column++
	c, size, err := s.r.ReadRune()
	if c == '\n' && s.afterCR && err == nil {
		c, size, err = s.r.ReadRune()
	}
	s.afterCR = c == '\r' && err == nil
	switch {
	case err == io.EOF:
		c = tokenEOF
	case err != nil:
		c, s.err = tokenEOF, err
	case c == utf8.RuneError && size == 1:
		c, s.err = tokenEOF, &SyntaxError{s.line, s.column, "not UTF-8"}
	case c == '\r':
		c = '\n'
	}
	s.char = c
}

// next returns the next token.
func (s *scanner) next() (token, error) {
	for s.char != tokenEOF {
		switch {
		case s.atComment():
			s.commented++
			for s.char != '\n' && s.char != tokenEOF {
				s.advance()
			}
			continue
		case s.isMark(), s.char == '\n' && s.lines, !isBlank(s.char):
			t, err := s.scan()
			if s.err != nil {
				err = s.err
			}
			return t, err
		}
		s.advance()
	}
	return token{kind: tokenEOF, line: s.line, column: s.column}, s.err
}

// scan reads the token that begins here.
func (s *scanner) scan() (token, error) {
	t := token{kind: s.char, line: s.line, column: s.column}
	if s.isMark() || s.char == '\n' {
		if s.char == '│' {
			t.kind = '|'
		}
		s.started = true // advance resets it at the end of a line
		s.advance()
		return t, nil
	}
	s.started = true
	t.kind = tokenValue
	if strings.ContainsRune(s.quotes, s.char) {
		err := s.scanQuoted(&t)
		return t, err
	}
	s.text = s.text[:0]
	for !s.atEnd() {
		s.text = utf8.AppendRune(s.text, s.char)
		s.digits()
		s.advance()
	}
	t.text = string(s.text)
	if !s.words {
		t.text = strings.TrimRightFunc(t.text, isBlank)
	}
	return t, nil
}

// digits reads all following characters of a number at once, which is faster than one at a time.
func (s *scanner) digits() {
	ahead, _ := s.r.Peek(s.r.Buffered())
	n := 0
	for n < len(ahead) && ('0' <= ahead[n] && ahead[n] <= '9' || ahead[n] == '.' || ahead[n] == '-') {
		n++
	}
	if n > 0 {
		s.text = append(s.text, ahead[:n]...)
		s.column += n
		s.afterCR = false
		_, _ = s.r.Discard(n) // these bytes are buffered
	}
}

// scanQuoted reads a quoted value. A doubled quote in it stands for a quote.
func (s *scanner) scanQuoted(t *token) error {
	end := s.char
	t.quoted = true
	s.text = s.text[:0]
	for {
		s.advance()
		switch s.char {
		case tokenEOF:
			return &SyntaxError{t.line, t.column, "quoted field has no end"}
		case end:
			s.advance()
			if s.char != end {
				t.text = string(s.text)
				return s.endQuoted()
			}
		}
		s.text = utf8.AppendRune(s.text, s.char)
	}
}

// endQuoted checks that a quoted value is its whole field.
func (s *scanner) endQuoted() error {
	for !s.words && isBlank(s.char) && s.char != '\n' && !s.isMark() {
		s.advance()
	}
	if !s.atEnd() {
		return &SyntaxError{s.line, s.column, "no separator after a quoted field"}
	}
	return nil
}

// isMark reports whether the current character is a token.
func (s *scanner) isMark() bool {
	if s.char < utf8.RuneSelf {
		return s.char > 0 && s.mark[s.char]
	}
	return s.char == '│' && s.mark['|']
}

// atEnd reports whether the current character ends a value.
func (s *scanner) atEnd() bool {
	return s.char == tokenEOF || s.char == '\n' || s.isMark() || s.words && isBlank(s.char) || s.comments && s.atComment()
}

// atComment reports whether a comment begins here.
func (s *scanner) atComment() bool {
	if s.char != '#' || s.started && !s.comments {
		return false
	}
	const longest = len("#GETTING_DATA")
	next, _ := s.r.Peek(longest - 1)
	return !isSpreadsheetError("#" + string(next))
}

// skipTo skips to the mark that closes an open bracket. It skips nested brackets and quoted text.
// It returns false if the text ends first.
func (s *scanner) skipTo(shut rune) bool {
	depth := 0
	for ; s.char != tokenEOF; s.advance() {
		switch c := s.char; {
		case c == '"' || c == '\'':
			for s.advance(); s.char != c && s.char != tokenEOF; {
				s.advance()
			}
		case strings.ContainsRune("([{<", c):
			depth++
		case depth == 0 && c == shut:
			s.advance()
			return true
		case strings.ContainsRune(")]}>", c):
			depth--
		}
	}
	return false
}

// spreadsheetErrors are errors that a cell can show instead of a value. A column that is too narrow
// for its number shows the last one.
var spreadsheetErrors = []string{
	"#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#ERROR!",
	"#GETTING_DATA", "#FIELD!", "#BLOCKED!", "#CONNECT!", "#UNKNOWN!", "####",
}

// isSpreadsheetError reports whether text begins with such an error.
func isSpreadsheetError(text string) bool {
	return slices.ContainsFunc(spreadsheetErrors, func(e string) bool { return strings.HasPrefix(text, e) })
}

// isBlank reports whether r is a blank of any kind, or one of the characters without a width that
// are copied with the text of web pages.
func isBlank(r rune) bool {
	return unicode.IsSpace(r) || r == '\u200B' || r == '\u2060' || r == '\uFEFF'
}
