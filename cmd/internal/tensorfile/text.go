package tensorfile

import (
	"bufio"
	"io"
	"slices"

	"github.com/a01592f9/quant"
)

// textHead is the number of bytes of a text that are used to recognise its notation.
const textHead = 1 << 16

// parseText reads one tensor. Its shape is [channels, values], or follows from brackets in the
// text.
//
// In pasted text, a line or a semicolon ends a channel, commas and blanks separate values, and
// # begins a comment. In CSV there is one separator for the whole text, fields may be quoted,
// and # begins a comment only at the beginning of a line. A first line of names is a header,
// and a name before the values of each line is a label. Headers and labels are left out, with a
// note. An empty field is an error, except after the last separator of a line.
func parseText(r io.Reader, csv bool, want Reading) (*Text, []float32, error) {
	if err := want.Validate(); err != nil {
		return nil, nil, err
	}
	b := bufio.NewReaderSize(r, textHead)
	var notes []Note
	if mark, _ := b.Peek(4); string(mark) == "\xff\xfe\x00\x00" {
		return nil, nil, &SyntaxError{1, 1, "the text is UTF-32: save it as UTF-8"}
	}
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

// textEntry returns the entry of values in memory.
func textEntry(t *Text, data []float32) entry {
	data = slices.Clip(data)
	e := newEntry("", "F32", t.Shape, int64(len(data))*4)
	e.elements, e.Floating, e.shared = len(data), true, true
	e.open = func() (quant.Source, error) { return floats(data), nil }
	return e
}
