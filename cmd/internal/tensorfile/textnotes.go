package tensorfile

import (
	"fmt"
	"strings"
)

// reading returns how the text was read, with all options set.
func (p *rowsParser) reading() Reading {
	r := p.want
	r.Separator, r.Decimal = p.style.sep, p.nums.decimal
	if r.Decimal == 0 {
		r.Decimal = '.'
	}
	return r
}

// notes returns notes on what was left out and what was assumed.
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

// doubts returns notes on assumptions that may be wrong.
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
	if p.semis == 0 && p.perRow == 1 && p.rows > 1 && !p.labeled && p.want == (Reading{}) {
		notes = append(notes, Note{Doubtful: true,
			Text: fmt.Sprintf("each line is a channel, which gives %d channels of one value; values of one channel stand on one line", p.rows)})
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
