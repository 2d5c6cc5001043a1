package tensorfile

import (
	"fmt"
	"math"
	"strings"
)

// countingRow looks for a first line, and for first values of lines, that count
// columns and rows: they may be no data.
type countingRow struct {
	line    int      // of the first row
	texts   []string // of its fields
	columns bool     // the first row counts
	rows    bool     // the first values of the rows count
	from    float32  // the number at which they begin
	below   bool     // a value of a later row has a fraction
	behind  bool     // a value that is not the first of its row has a fraction
}

// add looks at the values of a row.
func (c *countingRow) add(index int, r *row, values []float32) {
	fraction := func(x []float32) bool {
		for _, v := range x {
			if float64(v) != math.Trunc(float64(v)) {
				return true
			}
		}
		return false
	}
	if index == 0 {
		c.line, c.texts = r.line, r.texts
		c.columns = len(values) > 2 && (countsFrom(values, 0) || countsFrom(values, 1))
		c.rows, c.from = values[0] == 0 || values[0] == 1, values[0]
	}
	c.rows = c.rows && len(values) > 1 && values[0] == c.from+float32(index)
	c.below = c.below || index > 0 && fraction(values)
	c.behind = c.behind || fraction(values[1:])
}

// countsFrom reports whether values are first, first + 1, and so on.
func countsFrom(values []float32, first float32) bool {
	for i, x := range values {
		if x != first+float32(i) {
			return false
		}
	}
	return true
}

// reading is how the text was read, with nothing left to choose.
func (p *rowsParser) reading() Reading {
	r := p.want
	r.Separator, r.Decimal = p.style.sep, p.nums.decimal
	if r.Decimal == 0 {
		r.Decimal = '.'
	}
	return r
}

// notes says what was left out and what was assumed.
func (p *rowsParser) notes(s *textSample) []Note {
	var notes []Note
	if h := p.header; h != nil {
		notes = append(notes, Note{Line: h.line, Text: fmt.Sprintf("line %d is a header and was left out: %s", h.line, namesList(h.names))})
	}
	if p.labeled {
		notes = append(notes, Note{Line: p.label.line, Text: "the label of each line was left out: " + namesList(p.labels)})
	}
	if p.scan.commented > 0 {
		notes = append(notes, Note{Text: count(p.scan.commented, "comment") + " left out"})
	}
	if p.skipped > 0 {
		notes = append(notes, Note{Text: count(p.skipped, "line") + " left out, as asked for"})
	}
	return append(notes, p.doubts(s)...)
}

// doubts are the assumptions that may be wrong.
func (p *rowsParser) doubts(s *textSample) []Note {
	var notes []Note
	doubt := func(text, otherText string, change func(*Reading)) {
		other := p.reading()
		change(&other)
		notes = append(notes, Note{Text: text, Doubtful: true, Other: &other, OtherText: otherText})
	}
	commas := s.every(decimalCommas)
	switch forced := p.want.Separator != 0; {
	case p.semis > 0 && p.perRow == 1 && !forced && p.rows > 1:
		doubt(fmt.Sprintf("semicolons end channels, which gives %d channels of one value", p.rows),
			"let semicolons separate the values of a channel", func(r *Reading) { r.Separator, r.Decimal = ';', 0 })
	case p.semis > 0 && p.perRow == 2 && !forced && commas:
		doubt("semicolons end channels and commas separate values; the commas may be decimal signs",
			"let semicolons separate the values of a channel, and commas be decimal signs", func(r *Reading) { r.Separator, r.Decimal = ';', ',' })
	case p.semis > 0 && p.style.csv && !forced:
		doubt("semicolons end channels", "let semicolons separate the values of a channel", func(r *Reading) { r.Separator, r.Decimal = ';', 0 })
	case p.style.sep == ',' && p.style.words && !forced && !commas && s.every(func(line string) bool { return innerCommas(line) && len(strings.Fields(line)) > 1 }):
		notes = append(notes, Note{Doubtful: true,
			Text: "commas and blanks separate values; the commas may belong to the numbers, which have to be written with a point for the decimals and no sign for thousands"})
	case p.style.sep == ',' && p.style.words && !forced && commas && s.every(func(line string) bool { return len(strings.Fields(line)) > 1 }):
		doubt("commas and blanks separate values; the commas may be decimal signs",
			"let blanks separate values, and commas be decimal signs", func(r *Reading) { r.Separator, r.Decimal = ' ', ',' })
	case p.nums.decimal == ',' && p.want.Decimal == 0 && p.style.sep == ';':
		doubt("commas are decimal signs, because semicolons separate values",
			"let commas separate values, and semicolons end channels", func(r *Reading) { r.Separator, r.Decimal = ',', '.' })
	case p.nums.decimal == ',' && p.want.Decimal == 0:
		notes = append(notes, Note{Doubtful: true,
			Text: fmt.Sprintf("commas are decimal signs, because %s separate values; write thousands without a sign between them", separatorName(p.style.sep))})
	case p.style.sep == ';' && !forced:
		doubt("semicolons separate the values of a channel, as in CSV",
			"let commas and blanks separate values, and semicolons end channels", func(r *Reading) { r.Separator, r.Decimal = ',', '.' })
	}
	if p.counting.columns && p.rows > 1 && p.counting.below && p.want.SkipRows == 0 {
		doubt(fmt.Sprintf("line %d was read as values, although it counts columns", p.counting.line),
			"leave the first line out", func(r *Reading) { r.SkipRows++ })
	}
	if p.counting.rows && p.rows > 2 && p.counting.behind && p.want.SkipColumns == 0 {
		doubt("the first value of each line was read as a value, although it counts lines",
			"leave the first value of each line out", func(r *Reading) { r.SkipColumns++ })
	}
	return notes
}

func separatorName(sep rune) string {
	switch sep {
	case ',':
		return "commas"
	case ';':
		return "semicolons"
	case '\t':
		return "tabs"
	case '|':
		return "bars"
	}
	return "blanks"
}

// namesList quotes names, the first few of many.
func namesList(names []string) string {
	var b strings.Builder
	for i, name := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		if i == maxNames {
			b.WriteString("…")
			break
		}
		b.WriteString(quote(name))
	}
	return b.String()
}
