package tensorfile

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/a01592f9/quant"
)

// A SyntaxError is what is wrong with a text or CSV file, and where. The tool
// shows it on a terminal, the page beside the values.
type SyntaxError struct {
	Line   int // from 1
	Column int // in characters, from 1
	Msg    string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Msg)
}

// parseText reads one tensor of shape [channels, values].
//
// A line or a semicolon ends a channel. Commas and blanks, in any number,
// separate its values, and # begins a comment that ends with the line. A
// channel without values is none, so blank lines and trailing separators do no
// harm. CSV is the same, and its fields may be quoted and its first line may
// be a header.
func parseText(r io.Reader, csv bool) ([]entry, error) {
	p := &textParser{scan: newTextScanner(r, csv)}
	if csv {
		p.header = new(headerLine)
	}
	if err := p.parse(); err != nil {
		return nil, err
	}
	data := slices.Clip(p.values)
	e := newEntry("", "F32", []int{p.channels, len(data) / p.channels}, int64(len(data))*4)
	e.elements, e.Floating, e.shared = len(data), true, true
	e.open = func() (quant.Source, error) { return floats(data), nil }
	return []entry{e}, nil
}

type textParser struct {
	scan     *textScanner
	values   []float32
	channels int
	perChan  int         // values in the first channel
	start    int         // where in values the channel being read begins
	first    token       // its first value
	header   *headerLine // while the line may be a header
}

func (p *textParser) parse() error {
	for {
		t, err := p.scan.next()
		if err != nil {
			return err
		}
		switch t.kind {
		case tokenValue:
			if err := p.value(t); err != nil {
				return err
			}
			continue
		case tokenSemicolon:
			p.header.separator()
		default:
			if err := p.endHeader(); err != nil {
				return err
			}
		}
		if err := p.endChannel(); err != nil {
			return err
		}
		if t.kind == tokenEOF {
			break
		}
	}
	if p.channels == 0 {
		return &SyntaxError{1, 1, "no values"}
	}
	return nil
}

func (p *textParser) value(t token) error {
	if t.newField {
		p.header.separator()
	}
	x, isNumber, err := parseValue(t)
	p.header.add(isNumber)
	if err != nil {
		if p.header == nil {
			return err
		}
		// The whole line must be seen to know whether this is an error.
		if p.header.err == nil {
			p.header.err = err
		}
		return nil
	}
	if len(p.values) == p.start {
		p.first = t
	}
	p.values = append(p.values, x)
	return nil
}

func (p *textParser) endChannel() error {
	n := len(p.values) - p.start
	if n == 0 || p.header != nil && p.header.err != nil {
		return nil
	}
	if p.channels == 0 {
		p.perChan = n
	}
	p.channels++
	if n != p.perChan {
		msg := fmt.Sprintf("channel %d has %s, channel 0 has %d", p.channels-1, count(n, "value"), p.perChan)
		return &SyntaxError{p.first.line, p.first.column, msg}
	}
	p.start = len(p.values)
	return nil
}

// endHeader decides, at the end of the first line of a CSV file that is not
// blank, whether that line was a header, and if so forgets it.
func (p *textParser) endHeader() error {
	h := p.header
	if h == nil || !h.seen {
		return nil
	}
	h.endField()
	p.header = nil
	switch {
	case h.err == nil:
		return nil
	case !h.isHeader():
		return h.err
	}
	p.values, p.channels, p.start = p.values[:0], 0, 0
	return nil
}

// headerLine decides whether a line is a header: one in which no field is a
// number. If there are commas or tabs they make the fields, so that the name
// "channel 1" is not taken for the number 1. It does nothing if it is nil.
type headerLine struct {
	err         error // of the first value that is not a number
	seen        bool  // any value at all
	separated   bool  // there is a comma, a tab or a semicolon
	number      bool  // some value is a number
	numberField bool  // some field has nothing but numbers

	fieldSeen, fieldWord bool // the field being read has a value; one that is no number
}

func (h *headerLine) add(isNumber bool) {
	if h == nil {
		return
	}
	h.seen, h.fieldSeen = true, true
	if isNumber {
		h.number = true
	} else {
		h.fieldWord = true
	}
}

func (h *headerLine) separator() {
	if h == nil {
		return
	}
	h.separated = true
	h.endField()
}

func (h *headerLine) endField() {
	h.numberField = h.numberField || h.fieldSeen && !h.fieldWord
	h.fieldSeen, h.fieldWord = false, false
}

func (h *headerLine) isHeader() bool {
	if h.separated {
		return !h.numberField
	}
	return !h.number
}

// parseValue returns the number that t is. It also tells a number that is not
// allowed from what is no number.
func parseValue(t token) (x float32, isNumber bool, err error) {
	s := t.text
	fail := func(format string) error {
		return &SyntaxError{t.line, t.column, fmt.Sprintf(format, quote(s))}
	}
	if t.quoted {
		s = strings.TrimSpace(s)
	}
	// ParseFloat also takes words, and hexadecimal numbers, which nobody means here.
	if strings.ContainsFunc(s, notDecimal) {
		switch strings.ToLower(strings.TrimLeft(s, "+-")) {
		case "nan", "inf", "infinity":
			return 0, true, fail("%s is not a finite number")
		}
		return 0, false, fail("%s is not a number")
	}
	v, err := strconv.ParseFloat(s, 32)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, true, fail("%s overflows float32")
	case err != nil:
		return 0, false, fail("%s is not a number")
	}
	return float32(v), true, nil
}

func notDecimal(c rune) bool {
	return (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E'
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
