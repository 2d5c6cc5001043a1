package tensorfile

import (
	"bufio"
	"io"
	"unicode"
	"unicode/utf8"
)

type tokenKind int

const (
	tokenValue tokenKind = iota
	tokenSemicolon
	tokenNewline
	tokenEOF
)

type token struct {
	kind         tokenKind
	text         string
	quoted       bool
	newField     bool // a comma or a tab stands before it
	line, column int
}

// textScanner splits text into values and what ends a channel.
type textScanner struct {
	r      *bufio.Reader
	quotes bool // a " begins a quoted field

	char         rune   // the one looked at, or -1 at the end
	line, column int    // of char
	afterCR      bool   // a \n now belongs to the line end before it
	text         []byte // of the value being read
	err          error
}

func newTextScanner(r io.Reader, quotes bool) *textScanner {
	s := &textScanner{r: bufio.NewReaderSize(r, 1<<15), quotes: quotes, line: 1}
	s.advance()
	if s.char == '\uFEFF' { // a byte order mark is no character of the text
		s.column = 0
		s.advance()
	}
	return s
}

// advance looks at the next character. A \r and a \r\n are a \n to its caller.
func (s *textScanner) advance() {
	if s.char == -1 {
		return
	}
	if s.char == '\n' {
		s.line++
		s.column = 0
	}
	s.column++
	c, size, err := s.r.ReadRune()
	if c == '\n' && s.afterCR && err == nil {
		c, size, err = s.r.ReadRune()
	}
	s.afterCR = c == '\r' && err == nil
	switch {
	case err == io.EOF:
		c = -1
	case err != nil:
		c, s.err = -1, err
	case c == utf8.RuneError && size == 1:
		c, s.err = -1, &SyntaxError{s.line, s.column, "not UTF-8"}
	case c == '\r':
		c = '\n'
	}
	s.char = c
}

func (s *textScanner) next() (token, error) {
	t := token{kind: tokenValue}
	for {
		switch {
		case s.char == ',' || s.char == '\t':
			t.newField = true
		case s.char == '#':
			for s.char != '\n' && s.char != -1 {
				s.advance()
			}
			continue
		case s.char == '\n' || !unicode.IsSpace(s.char):
			t.line, t.column = s.line, s.column
			err := s.scan(&t)
			if s.err != nil {
				err = s.err
			}
			return t, err
		}
		s.advance()
	}
}

// scan reads the token that begins here.
func (s *textScanner) scan(t *token) error {
	switch {
	case s.char == -1:
		t.kind = tokenEOF
	case s.char == '\n':
		t.kind = tokenNewline
		s.advance()
	case s.char == ';':
		t.kind = tokenSemicolon
		s.advance()
	case s.char == '"' && s.quotes:
		return s.scanQuoted(t)
	default:
		s.text = s.text[:0]
		for !s.atEnd() {
			s.text = utf8.AppendRune(s.text, s.char)
			s.advance()
		}
		t.text = string(s.text)
	}
	return nil
}

// scanQuoted reads a quoted field, in which "" is a quote.
func (s *textScanner) scanQuoted(t *token) error {
	t.quoted = true
	s.text = s.text[:0]
	for {
		s.advance()
		switch s.char {
		case -1:
			return &SyntaxError{t.line, t.column, "quoted field has no end"}
		case '"':
			s.advance()
			if s.char != '"' {
				t.text = string(s.text)
				if !s.atEnd() {
					return &SyntaxError{s.line, s.column, "no separator after a quoted field"}
				}
				return nil
			}
		}
		s.text = utf8.AppendRune(s.text, s.char)
	}
}

// atEnd reports whether a value cannot go on with the character looked at.
func (s *textScanner) atEnd() bool {
	return s.char == -1 || s.char == ',' || s.char == ';' || s.char == '#' || unicode.IsSpace(s.char)
}
