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

// A Style is how a piece of text looks in a terminal with colour.
type Style string

// Styles are the codes of ANSI terminals.
const (
	Plain Style = ""
	Bold  Style = "1"
	Dim   Style = "2"
	Red   Style = "31"
	Green Style = "32"
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
	l.write(p)
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
