package web

import (
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// How text is read: as a request asks, and as the answer says.

// A readAs asks for a reading of text. What is empty or 0 is left to the reader.
type readAs struct {
	Separator   string `json:"separator,omitempty"` // comma, semicolon, tab, space or bar
	Decimal     string `json:"decimal,omitempty"`   // point or comma
	SkipRows    int    `json:"skip_rows,omitempty"`
	SkipColumns int    `json:"skip_columns,omitempty"`
}

// reading returns r as the reader has it. Nil leaves all to the reader.
func (r *readAs) reading() (tensorfile.Reading, error) {
	var how tensorfile.Reading
	if r == nil {
		return how, nil
	}
	var err error
	if how.Separator, err = tensorfile.ParseSeparator(r.Separator); err != nil {
		return how, bad("reading", "%s", err)
	}
	if how.Decimal, err = tensorfile.ParseDecimal(r.Decimal); err != nil {
		return how, bad("reading", "%s", err)
	}
	how.SkipRows, how.SkipColumns = r.SkipRows, r.SkipColumns
	if err := how.Validate(); err != nil {
		return how, bad("reading", "%s", err)
	}
	return how, nil
}

// newReadAs is the inverse of reading.
func newReadAs(how tensorfile.Reading) *readAs {
	r := &readAs{SkipRows: how.SkipRows, SkipColumns: how.SkipColumns}
	if how.Separator != 0 {
		r.Separator = tensorfile.SeparatorName(how.Separator)
	}
	if how.Decimal != 0 {
		r.Decimal = tensorfile.DecimalName(how.Decimal)
	}
	return r
}

// A reading is how the text of a request was understood. The page shows it
// under the text.
type reading struct {
	Recognised string `json:"recognised,omitempty"` // such as "a 2×2 array"; empty where the shape says all
	Notes      []note `json:"notes,omitempty"`
}

// A note is what the reader assumed or left out.
type note struct {
	Text     string  `json:"text"`
	Line     int     `json:"line,omitempty"` // from 1; 0 if the note is about all of the text
	Doubtful bool    `json:"doubtful"`       // the text can be read otherwise as well
	Other    *readAs `json:"other,omitempty"`
	Gives    string  `json:"gives,omitempty"` // what Other does, as "let semicolons separate values"
}

// newReading returns how a text was understood, nil for a file that is none. It is
// the only place that knows what the reader of text tells beside the values.
func newReading(t *tensorfile.Text) *reading {
	if t == nil {
		return nil
	}
	r := &reading{Recognised: t.Summary()}
	for _, n := range t.Notes {
		x := note{Text: n.Text, Line: n.Line, Doubtful: n.Doubtful}
		if n.Other != nil {
			x.Other, x.Gives = newReadAs(*n.Other), n.OtherText
		}
		r.Notes = append(r.Notes, x)
	}
	return r
}
