package web

import (
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// How text is read: the options of a request, and the account of an answer.

// A readAs has the options of a request for reading text. The reader chooses those that are empty
// or 0.
type readAs struct {
	Separator   string `json:"separator,omitempty"` // comma, semicolon, tab, space or bar
	Decimal     string `json:"decimal,omitempty"`   // point or comma
	SkipRows    int    `json:"skip_rows,omitempty"`
	SkipColumns int    `json:"skip_columns,omitempty"`
}

// reading returns r as options of the reader. With nil the reader chooses all.
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

// A reading says how the text of a request was read. The page shows it below the text.
type reading struct {
	Recognised string `json:"recognised,omitempty"` // such as "a 2×2 array"; empty if the shape says enough
	Notes      []note `json:"notes,omitempty"`
}

// A note is what the reader assumed or left out.
type note struct {
	Text     string  `json:"text"`
	Line     int     `json:"line,omitempty"` // from 1; 0 if the note is about all of the text
	Doubtful bool    `json:"doubtful"`       // the text can also be read in another way
	Other    *readAs `json:"other,omitempty"`
	Gives    string  `json:"gives,omitempty"` // what Other does, as "let semicolons separate values"
}

// newReading returns how a text was read; nil for a file that is not text.
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
