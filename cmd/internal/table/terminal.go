package table

import (
	"bufio"
	"io"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/text"
)

// A terminal is taken to have at least minColumns columns, and at most maxColumns:
// longer lines are hard to follow.
const (
	minColumns = 80
	maxColumns = 160
)

// A Terminal writes lines, paragraphs and tables for a terminal. Errors stay in
// the bufio.Writer until Flush.
type Terminal struct {
	*bufio.Writer
	Columns int // of a line
	color   bool
}

// NewTerminal returns a Terminal of the given number of columns, 0 if it is not
// known. Styles have an effect only with color.
func NewTerminal(w io.Writer, color bool, columns int) *Terminal {
	return &Terminal{bufio.NewWriter(w), min(max(columns, minColumns), maxColumns), color}
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

// Title writes s, shortened to a line, in bold.
func (p *Terminal) Title(s string) { p.Line(Bold, text.Shorten(s, p.Columns)) }

// Paragraph writes s over as many lines as it needs.
func (p *Terminal) Paragraph(style Style, s string) { p.Hanging(style, s, "") }

// Hanging is Paragraph with an indent before all lines but the first.
func (p *Terminal) Hanging(style Style, s, indent string) {
	for _, l := range text.Wrap(s, p.Columns, indent) {
		p.Line(style, l)
	}
}

// Table writes t in the width of the terminal. If it is too wide, optional columns
// are left out, then the space between columns shrinks to one, and then the first
// column.
func (p *Terminal) Table(t *Table) {
	l := newLayout(t)
	if shared := l.fit(p.Columns); shared != "" {
		p.Paragraph(Dim, "Names without "+shared+":")
	}
	p.layout(l)
}

// layout writes a table that is laid out.
func (p *Terminal) layout(l *layout) {
	widths, gap := l.widths(p.Columns)
	if len(l.spans) > 0 {
		p.Line(Dim, l.spanLine(widths, gap))
	}
	head := make([]piece, len(l.head))
	for i, h := range l.head {
		head[i] = piece{h, Bold}
	}
	for _, row := range append([][]piece{head}, l.rows...) {
		for len(row) > 1 && row[len(row)-1].text == "" {
			row = row[:len(row)-1] // no spaces at the end of a line
		}
		for i, c := range row {
			if i > 0 {
				p.WriteString(strings.Repeat(" ", gap))
			}
			s := c.text
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
	}
}

// Grid writes words in columns, so many of them in a row. A row that is too wide
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
