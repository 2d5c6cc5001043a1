package tensorfile

import (
	"bufio"
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

// A Reading says how text is to be read where the recognisers would choose. The
// zero Reading leaves everything to them.
type Reading struct {
	// Separator is what stands between the values of a channel: ',', ';', '\t',
	// ' ' for blanks of any number, or '|' for the cells of a table. Where it is
	// ',' or ' ' in pasted text, lines and semicolons end channels.
	Separator rune
	Decimal   rune // the decimal sign: '.' or ','

	SkipRows    int // lines with values, at the beginning, that are left out
	SkipColumns int // values at the beginning of each line that are left out
}

// A Note is what a reader of text assumed or left out.
type Note struct {
	Text     string // one sentence without a full stop
	Line     int    // from 1; 0 if the note is about all of the text
	Doubtful bool   // the text can be read otherwise as well

	Other     *Reading // gives the other reading; nil if there is none
	OtherText string   // what Other does, as "let semicolons separate values"
}

// A Text is how a text was read.
type Text struct {
	Notation string // what was recognised, as "a Markdown table"
	Array    bool   // the notation has brackets, so that the text has a shape of its own
	Shape    []int
	Reading  Reading // that was used, with nothing left to choose
	Notes    []Note
}

// Summary says what was read, as "a 2×2 array (PyTorch)" or "2 channels × 3
// values (CSV)".
func (t *Text) Summary() string {
	if t.Array {
		dims := make([]string, len(t.Shape))
		for i, d := range t.Shape {
			dims[i] = strconv.Itoa(d)
		}
		return fmt.Sprintf("a %s array (%s)", strings.Join(dims, "×"), t.Notation)
	}
	return fmt.Sprintf("%s × %s (%s)", count(t.Shape[0], "channel"), count(t.Shape[1], "value"), t.Notation)
}

// Doubtful returns the notes of readings that might be wrong.
func (t *Text) Doubtful() []Note {
	var notes []Note
	for _, n := range t.Notes {
		if n.Doubtful {
			notes = append(notes, n)
		}
	}
	return notes
}

// textHead is how much of a text the recognisers look at.
const textHead = 1 << 16

// parseText reads one tensor: of shape [channels, values], or of the shape
// that brackets give it.
//
// In pasted text a line or a semicolon ends a channel, commas and blanks
// separate its values, and # begins a comment. In CSV one separator is used
// throughout, fields may be quoted, and # begins a comment only at the
// beginning of a line. A first line of names is a header, and a name before the
// values of each line is a label: both are left out, and noted. An empty field
// is an error, except after the last separator of a line.
func parseText(r io.Reader, csv bool, want Reading) (*Text, []float32, error) {
	if err := want.Validate(); err != nil {
		return nil, nil, err
	}
	b := bufio.NewReaderSize(r, textHead)
	var notes []Note
	if mark, _ := b.Peek(2); isUTF16(mark) {
		b = bufio.NewReaderSize(newUTF16Reader(b), textHead)
		notes = append(notes, Note{Text: "the text is UTF-16"})
	}
	head, err := b.Peek(textHead)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	sample := newTextSample(head, err == io.EOF)
	if want.Separator == 0 && isArray(sample.text) {
		text, values, err := parseArray(newScanner(b, arrayClasses(want)), want)
		if err == nil {
			text.Notes = append(notes, text.Notes...)
		}
		return text, values, err
	}
	style := recogniseRows(sample, csv, want)
	p := newRowsParser(newScanner(b, style.classes()), style, want)
	if err := p.parse(); err != nil {
		return nil, nil, err
	}
	text := &Text{Notation: style.notation(), Shape: []int{p.rows, p.perRow}, Reading: p.reading(), Notes: append(notes, p.notes(sample)...)}
	return text, p.values, nil
}

// textEntry makes an entry of values in memory.
func textEntry(t *Text, data []float32) entry {
	data = slices.Clip(data)
	e := newEntry("", "F32", t.Shape, int64(len(data))*4)
	e.elements, e.Floating, e.shared = len(data), true, true
	e.open = func() (quant.Source, error) { return floats(data), nil }
	return e
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
