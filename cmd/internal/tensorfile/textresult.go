package tensorfile

import (
	"fmt"
	"strconv"
	"strings"
)

// What a text was read as.

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
