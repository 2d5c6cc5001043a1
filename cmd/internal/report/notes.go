package report

import (
	"fmt"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// FileNotes say how a file was read. They are part of the JSON of every command that reads a
// file. Empty fields are left out.
type FileNotes struct {
	ReadAs  string    `json:"read_as,omitempty"`  // of text: what was recognised, as "a 2×2 array (nested brackets)"
	Notes   []Note    `json:"notes,omitempty"`    // of text: what was assumed and what was left out
	LeftOut []LeftOut `json:"left_out,omitempty"` // what the file holds beside tensors

	// Quantized counts the weights of an ONNX model that are codes, by operator.
	Quantized string `json:"quantized,omitempty"`
}

// A Note is an assumption of the reader of text, or something that it left out.
type Note struct {
	Text     string `json:"text"`
	Line     int    `json:"line,omitempty"`  // from 1; 0 if the note is about all of the text
	Doubtful bool   `json:"doubtful"`        // the text can also be read in another way
	Other    string `json:"other,omitempty"` // the flags that give the other reading
	Gives    string `json:"gives,omitempty"` // what they do
}

// A LeftOut is a part of a file that is not a tensor.
type LeftOut struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// A described source knows more about its file than the tensors.
type described interface {
	Described() (as *tensorfile.Text, skipped []tensorfile.Skipped)
}

// A coded source knows whether its weights are codes.
type coded interface {
	Coded() string
}

// NotesOf returns the notes on the file of src.
func NotesOf(src Source) FileNotes {
	var n FileNotes
	if c, ok := src.(coded); ok {
		n.Quantized = c.Coded()
	}
	d, ok := src.(described)
	if !ok {
		return n
	}
	as, skipped := d.Described()
	for _, s := range skipped {
		n.LeftOut = append(n.LeftOut, LeftOut{s.Name, s.Reason})
	}
	if as == nil {
		return n
	}
	// Plain lines of values, all of which are read, need no note.
	if as.Array || as.Reading.Separator == '|' || len(as.Notes) > 0 {
		n.ReadAs = as.Summary()
	}
	for _, x := range as.Notes {
		note := Note{Text: x.Text, Line: x.Line, Doubtful: x.Doubtful}
		if x.Other != nil {
			note.Other, note.Gives = flagsOf(*x.Other, as.Reading), x.OtherText
		}
		n.Notes = append(n.Notes, note)
	}
	return n
}

// flagsOf returns the flags that ask for a reading in place of the one that was
// used.
func flagsOf(want, used tensorfile.Reading) string {
	var flags []string
	if want.Separator != used.Separator {
		flags = append(flags, "--separator "+tensorfile.SeparatorName(want.Separator))
	}
	if want.Decimal != used.Decimal && want.Decimal != 0 {
		flags = append(flags, "--decimal "+tensorfile.DecimalName(want.Decimal))
	}
	if want.SkipRows != used.SkipRows {
		flags = append(flags, fmt.Sprintf("--skip-rows %d", want.SkipRows))
	}
	if want.SkipColumns != used.SkipColumns {
		flags = append(flags, fmt.Sprintf("--skip-columns %d", want.SkipColumns))
	}
	return strings.Join(flags, " ")
}

// sentence is a note as a terminal shows it.
func (n *Note) sentence() string {
	s := n.Text
	if n.Other != "" {
		s += fmt.Sprintf(" (to %s: %s)", n.Gives, n.Other)
	}
	return text.Clean(strings.ToUpper(s[:1]) + s[1:] + ".")
}

// Sentences say how a file was read, one sentence each.
func (n *FileNotes) Sentences() []string {
	var all []string
	if n.ReadAs != "" {
		all = append(all, text.Clean("Read as "+n.ReadAs+"."))
	}
	for i := range n.Notes {
		all = append(all, n.Notes[i].sentence())
	}
	switch {
	case n.Quantized == "":
	case strings.HasPrefix(n.Quantized, "no "):
		all = append(all, text.Clean("Quantized in part: "+n.Quantized+"."))
	default:
		all = append(all, text.Clean("Quantized already: "+n.Quantized+"."))
	}
	return all
}

// writeReading says how a file was read.
func (n *FileNotes) writeReading(p *table.Terminal) {
	for _, s := range n.Sentences() {
		p.Paragraph(table.Dim, s)
	}
}

// writeLeftOut counts and lists the parts of a file that are not tensors.
func (n *FileNotes) writeLeftOut(p *table.Terminal) {
	if len(n.LeftOut) == 0 {
		return
	}
	p.Gap()
	p.Table(n.LeftOutTable())
	p.Blank()
	p.Paragraph(table.Dim, text.Plural(len(n.LeftOut), "other part")+" of the file left out.")
}

// LeftOutTable has a row for each part of a file that is not a tensor. If many are left out for
// one reason, it has only the first ones. It is nil if there are none.
func (n *FileNotes) LeftOutTable() *table.Table {
	if len(n.LeftOut) == 0 {
		return nil
	}
	t := &table.Table{Columns: table.Texts("left out", "because")}
	eachAlike(n.LeftOut, func(x LeftOut) string { return x.Reason },
		func(x LeftOut) { t.Add(table.Text(x.Name), table.Text(x.Reason)) },
		func(x LeftOut, others int) { t.Add(andMore(others), table.Text(x.Reason)) })
	return t
}

// A layoutList says which weights several tensors of a file make.
type layoutList struct {
	layouts []string
	weights map[string][]string // by layout
	parts   map[string]int      // of a weight
}

// add adds a tensor with its layout and the weight that it is a part of.
func (l *layoutList) add(name, layout, partOf string) {
	if l.weights == nil {
		l.weights, l.parts = map[string][]string{}, map[string]int{}
	}
	if layout != "" {
		if l.weights[layout] == nil {
			l.layouts = append(l.layouts, layout)
		}
		l.weights[layout] = append(l.weights[layout], name)
	}
	if partOf != "" {
		l.parts[partOf]++
	}
}

// write writes a paragraph for each layout.
func (l *layoutList) write(p *table.Terminal) {
	for _, layout := range l.layouts {
		names, n := l.weights[layout], 0
		for _, name := range names {
			n += l.parts[name]
		}
		made := "is made"
		if len(names) > 1 {
			made = "are made"
		}
		p.Gap()
		p.Paragraph(table.Plain, text.Clean(fmt.Sprintf("%s %s of codes and %s: %s.",
			text.Names(names), made, text.Plural(n, "other tensor"), layout)))
	}
}
