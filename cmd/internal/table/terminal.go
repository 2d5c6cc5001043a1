package table

import (
	"bytes"
	"cmp"
	"io"
	"slices"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/text"
)

// The width of a terminal is taken as at least minColumns and at most maxColumns. Longer lines
// are hard to read.
const (
	minColumns = 80
	maxColumns = 160
)

// A Terminal writes lines, paragraphs and tables for a terminal. Flush writes all of them. A
// tensor has the same name in all tables and lists. If names do not fit, the common beginning
// and end of all names are removed first, which a line says. Then text.Elide shortens the
// names.
type Terminal struct {
	bytes.Buffer // the text before the next element of later

	Columns int // width of a line
	color   bool
	out     io.Writer
	later   []later
}

// A later is what Flush writes after the text before it: a table, a list of names, or a paragraph
// about a table.
type later struct {
	before string
	table  *Table
	names  []string
	about  *paragraph
}

// A paragraph is a text that ends with sentences about the columns of a table.
type paragraph struct {
	style Style
	text  string
	table *Table
}

// NewTerminal returns a Terminal with the given number of columns, 0 if it is not known. Styles
// have an effect only if color is set.
func NewTerminal(w io.Writer, color bool, columns int) *Terminal {
	return &Terminal{Columns: min(max(columns, minColumns), maxColumns), color: color, out: w}
}

// Print writes s in a style.
func (p *Terminal) Print(style Style, s string) {
	if !p.color || style == Plain {
		p.WriteString(s)
		return
	}
	p.WriteString("\x1b[" + string(style) + "m" + s + "\x1b[0m")
}

// Line writes s and ends the line.
func (p *Terminal) Line(style Style, s string) {
	p.Print(style, s)
	p.WriteByte('\n')
}

// Blank writes an empty line.
func (p *Terminal) Blank() { p.WriteByte('\n') }

// Gap writes an empty line, unless the last line is empty or there is none.
func (p *Terminal) Gap() {
	s := p.String()
	if s == "" && len(p.later) == 0 || s == "\n" && len(p.later) > 0 || strings.HasSuffix(s, "\n\n") {
		return
	}
	p.Blank()
}

// Title writes s, shortened to a line, in bold.
func (p *Terminal) Title(s string) { p.Line(Bold, text.Shorten(s, p.Columns)) }

// Paragraph writes s in as many lines as it needs.
func (p *Terminal) Paragraph(style Style, s string) { p.Hanging(style, s, "") }

// Hanging is Paragraph with an indent before all lines but the first.
func (p *Terminal) Hanging(style Style, s, indent string) {
	for _, l := range text.Wrap(s, p.Columns, indent) {
		p.Line(style, l)
	}
}

// Table writes t in the width of the terminal. If it is too wide, optional columns are dropped,
// then the space between columns shrinks to one, and then the first column shrinks.
func (p *Terminal) Table(t *Table) { p.put(later{table: t}) }

// Names writes as many names of tensors as fit into a line, and the number of the other names.
func (p *Terminal) Names(names []string) { p.put(later{names: names}) }

// ParagraphAbout writes s and the sentences that explain the columns of t which the terminal
// shows. Columns that are dropped are not explained.
func (p *Terminal) ParagraphAbout(t *Table, style Style, s string) {
	p.put(later{about: &paragraph{style, s, t}})
}

func (p *Terminal) put(x later) {
	x.before = p.String()
	p.Reset()
	p.later = append(p.later, x)
}

// Flush writes everything.
func (p *Terminal) Flush() error {
	all, rest := p.later, p.String()
	p.later = nil
	p.Reset()
	short, leftOut := p.shorten(all)
	for _, x := range all {
		p.WriteString(x.before)
		if leftOut != "" && x.named() {
			p.Paragraph(Dim, leftOut)
			leftOut = ""
		}
		switch {
		case x.table != nil:
			p.layout(newLayout(x.table, short, p.Columns))
			continue
		case x.about != nil:
			s := x.about.text
			for _, about := range newLayout(x.about.table, short, p.Columns).about {
				if about != "" {
					s += " " + about
				}
			}
			p.Paragraph(x.about.style, s)
			continue
		}
		var names []string
		for _, n := range x.names {
			names = append(names, cmp.Or(short[n], n))
		}
		p.Line(Dim, listIndent+text.SomeOf(names, p.Columns-len(listIndent)))
	}
	p.WriteString(rest)
	_, err := p.WriteTo(p.out)
	return err
}

// listIndent is the indent of a list of names.
const listIndent = "  "

// shorten returns short forms of the names that are too long for a table or a list, and says
// what was removed from all names.
func (p *Terminal) shorten(all []later) (short map[string]string, leftOut string) {
	var names []string
	for _, x := range all {
		names = append(names, x.tensors()...)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	room := p.room(all, nil)
	if !slices.ContainsFunc(names, func(n string) bool { return text.Width(n) > room }) {
		return nil, ""
	}
	stripped := slices.Clone(names)
	stands := func(short []string) map[string]string {
		m := make(map[string]string, len(names))
		for i, n := range names {
			m[n] = short[i]
		}
		return m
	}
	if prefix, suffix := text.Common(names); prefix != "" || suffix != "" {
		for i, n := range names {
			stripped[i] = strings.TrimSuffix(strings.TrimPrefix(n, prefix), suffix)
		}
		leftOut = text.LeftOut(prefix, suffix)
		room = p.room(all, stands(stripped))
	}
	return stands(text.Elide(stripped, text.Columns(room))), leftOut
}

// room returns the width for a name that all tables and lists have.
func (p *Terminal) room(all []later, short map[string]string) int {
	least := p.Columns
	for _, x := range all {
		if x.about != nil {
			continue
		}
		if x.table == nil {
			least = min(least, p.Columns/2)
			continue
		}
		if room := newLayout(x.table, short, p.Columns).room(p.Columns); room > 0 {
			least = min(least, room)
		}
	}
	return least
}

// named reports whether x has names of tensors.
func (x later) named() bool { return len(x.tensors()) > 0 }

// tensors returns the names of tensors in x.
func (x later) tensors() []string {
	if x.table == nil {
		return x.names
	}
	var names []string
	for _, row := range x.table.Rows {
		for _, c := range row.Cells {
			if c.Name && !row.Detail {
				names = append(names, c.Text)
			}
		}
	}
	return names
}

// layout writes a table from its layout.
func (p *Terminal) layout(l *layout) {
	widths, gap := l.widths(p.Columns)
	if len(l.spans) > 0 {
		p.Line(Dim, l.spanLine(widths, gap))
	}
	head := make([]piece, len(l.head))
	for i, h := range l.head {
		head[i] = piece{text: h, style: Bold}
	}
	for _, row := range append([][]piece{head}, l.rows...) {
		for len(row) > 1 && row[len(row)-1].text == "" {
			row = row[:len(row)-1] // no spaces at the end of a line
		}
		before := 0 // width of the columns before this one
		var rest []string
		for i, c := range row {
			if i > 0 {
				p.WriteString(strings.Repeat(" ", gap))
				before += widths[i-1] + gap
			}
			s := c.text
			if c.full != "" {
				lines := text.Wrap(c.full, p.Columns-before, "")
				s, rest = lines[0], lines[1:]
			}
			if i == 0 && l.left > 0 {
				s = text.Shorten(s, widths[0])
			}
			pad := strings.Repeat(" ", max(0, widths[i]-text.Width(s)))
			if i >= l.left {
				p.WriteString(pad)
			}
			p.Print(c.style, s)
			if i < l.left && i < len(row)-1 {
				p.WriteString(pad)
			}
		}
		p.WriteByte('\n')
		for _, s := range rest {
			p.WriteString(strings.Repeat(" ", before))
			p.Line(row[len(row)-1].style, s)
		}
	}
}

// Grid writes words in columns, with the given number of words in a row. A row that is too wide
// continues in the next line, indented.
func (p *Terminal) Grid(title string, words []string, row int) {
	cell := 0
	for _, w := range words {
		cell = max(cell, len(w))
	}
	indent := ""
	per := (p.Columns + 1) / (cell + 1)
	if per < row {
		indent = "  "
		per = (p.Columns - len(indent) + 1) / (cell + 1)
	}
	p.Blank()
	p.Line(Bold, title)
	for start := 0; start < len(words); start += row {
		for i, w := range words[start : start+row] {
			switch {
			case i == 0:
			case i%per == 0:
				p.WriteString("\n" + indent)
			default:
				p.WriteByte(' ')
			}
			p.WriteString(strings.Repeat(" ", cell-len(w)) + w)
		}
		p.WriteByte('\n')
	}
}
