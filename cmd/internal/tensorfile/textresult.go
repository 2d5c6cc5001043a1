package tensorfile

import (
	"fmt"
	"strconv"
	"strings"
)

// The result of reading a text.

// A SyntaxError is an error in a text or CSV file, with its place. The tool prints it, and the
// page shows it next to the values.
type SyntaxError struct {
	Line   int // from 1
	Column int // in characters, from 1
	Msg    string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Msg)
}

// A Reading sets options of reading text that are otherwise recognised automatically. The zero
// Reading recognises all of them.
type Reading struct {
	// Separator is the separator of the values of a channel: ',', ';', '\t', ' ' for any number
	// of blanks, or '|' for the cells of a table. In pasted text with ',' or ' ', lines and
	// semicolons end channels.
	Separator rune
	Decimal   rune // the decimal sign: '.' or ','

	SkipRows    int // number of first lines with values that are left out
	SkipColumns int // number of first values of each line that are left out
}

// A Note says what was assumed or left out in reading a text.
type Note struct {
	Text     string // one sentence without a full stop
	Line     int    // from 1; 0 if the note is about all of the text
	Doubtful bool   // whether another reading is plausible

	Other     *Reading // options for the other reading; nil if there is none
	OtherText string   // what Other does, as "let semicolons separate values"
}

// A Text describes how a text was read.
type Text struct {
	Notation string // what was recognised, as "a Markdown table"
	Array    bool   // whether the notation has brackets, which give the shape
	Shape    []int
	Reading  Reading // the options that were used, all set
	Notes    []Note
}

// Summary describes the result, such as "a 2×2 array (PyTorch)" or "2 channels × 3 values
// (CSV)".
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

// Doubtful returns the notes on assumptions that may be wrong.
func (t *Text) Doubtful() []Note {
	var notes []Note
	for _, n := range t.Notes {
		if n.Doubtful {
			notes = append(notes, n)
		}
	}
	return notes
}
