package report

import (
	"bufio"
	"io"
	"slices"
	"strings"
)

// Text is made for a terminal of so many columns: what nobody can see is for the
// narrowest in use, and beyond the widest lines are hard to follow.
const (
	minColumns = 80
	maxColumns = 160
)

// A style is how a piece of text looks where there is colour.
type style string

const (
	plain style = ""
	bold  style = "1"
	dim   style = "2"
	red   style = "31"
	green style = "32"
)

// A printer writes text in styles, or without them if color is false. Errors
// stay in the bufio.Writer until it is flushed.
type printer struct {
	*bufio.Writer
	color   bool
	columns int
}

// newPrinter returns a printer for a terminal of so many columns, 0 if there is
// none.
func newPrinter(w io.Writer, color bool, columns int) *printer {
	return &printer{bufio.NewWriter(w), color, min(max(columns, minColumns), maxColumns)}
}

func (p *printer) print(s style, text string) {
	if !p.color || s == plain {
		p.WriteString(text)
		return
	}
	p.WriteString("\x1b[" + string(s) + "m" + text + "\x1b[0m")
}

func (p *printer) line(s style, text string) {
	p.print(s, text)
	p.WriteByte('\n')
}

// paragraph writes text over as many lines as it needs.
func (p *printer) paragraph(s style, text string) {
	for _, l := range wrap(text, p.columns, "") {
		p.line(s, l)
	}
}

// A cell is a piece of a table.
type cell struct {
	text  string
	style style
}

// A spanner is a heading over several columns.
type spanner struct {
	from, to int
	text     string
}

// A table is columns of text, numbers to the right, that fits into the width
// of a terminal: if need be optional columns are left out, the space between
// columns shrinks to one, and then the first column.
type table struct {
	spanners []spanner
	head     []string
	left     int // so many columns are flush left
	rows     [][]cell
	names    bool  // whether the first column has names of tensors
	optional []int // columns that may be left out, the first of these first
	pressed  []int // columns that are left out only where nothing else helps
}

// layout returns the width of each column, and of the space between them.
func (t *table) layout(columns int) (widths []int, gap int) {
	widths = make([]int, len(t.head))
	for i, h := range t.head {
		widths[i] = width(h)
	}
	for _, row := range t.rows {
		for i, c := range row {
			widths[i] = max(widths[i], width(c.text))
		}
	}
	sum := 0
	for _, w := range widths {
		sum += w
	}
	gap = 2
	if gaps := len(widths) - 1; sum+2*gaps > columns {
		if t.left == 0 || widths[0] < sum+2*gaps-columns+minFlex {
			gap = 1
		}
		if over := sum + gap*gaps - columns; over > 0 && t.left > 0 {
			widths[0] -= over
		}
	}
	return widths, gap
}

// fitNames makes room for the first column. If its texts are names that do not
// fit, what they all begin and end with is said once instead.
func (t *table) fitNames(p *printer) {
	wide := *t
	wide.rows = slices.Clone(t.rows)
	t.narrow(p.columns)
	if !t.names {
		return
	}
	var names []string
	longest := 0
	for _, row := range wide.rows {
		if row[0].text != "" {
			names = append(names, row[0].text)
			longest = max(longest, width(row[0].text))
		}
	}
	if widths, _ := t.layout(p.columns); longest <= widths[0] {
		return
	}
	if prefix, suffix := common(names); prefix != "" || suffix != "" {
		*t = wide
		t.strip(p, prefix, suffix)
	}
	// What is still too long loses its middle.
	widths, _ := t.layout(p.columns)
	var rows []int
	names = nil
	for i, row := range t.rows {
		if row[0].text != "" {
			rows, names = append(rows, i), append(names, row[0].text)
		}
	}
	for k, name := range elide(names, widths[0]) {
		row := slices.Clone(t.rows[rows[k]])
		row[0].text = name
		t.rows[rows[k]] = row
	}
}

// strip leaves out of names what they all begin and end with, and says so.
func (t *table) strip(p *printer, prefix, suffix string) {
	for i, row := range t.rows {
		row = slices.Clone(row)
		row[0].text = strings.TrimSuffix(strings.TrimPrefix(row[0].text, prefix), suffix)
		t.rows[i] = row
	}
	p.paragraph(dim, "Names without "+without(prefix, suffix)+":")
	t.narrow(p.columns)
}

// narrow leaves out optional columns until the first one, and the space between
// columns, have room.
func (t *table) narrow(columns int) {
	first := 0
	for _, row := range t.rows {
		first = max(first, width(row[0].text))
	}
	for len(t.optional) > 0 {
		if widths, gap := t.layout(columns); gap == 2 && widths[0] >= min(first, minFlex) {
			return
		}
		t.drop(t.optional[0])
	}
	for len(t.pressed) > 0 {
		if widths, _ := t.layout(columns); widths[0] >= min(first, minFirst) {
			return
		}
		t.drop(t.pressed[0])
	}
}

// drop leaves out a column.
func (t *table) drop(column int) {
	t.head = slices.Delete(slices.Clone(t.head), column, column+1)
	for i, row := range t.rows {
		t.rows[i] = slices.Delete(slices.Clone(row), column, column+1)
	}
	if column < t.left {
		t.left--
	}
	var spanners []spanner
	for _, s := range t.spanners {
		if s.from > column {
			s.from--
		}
		if s.to >= column {
			s.to--
		}
		switch {
		case s.to > s.from:
			spanners = append(spanners, s)
		case s.to == s.from && t.head[s.to] != s.text:
			t.head[s.to] = strings.TrimSuffix(s.text, " per")
		}
	}
	t.spanners = spanners
	t.optional, t.pressed = renumber(t.optional, column), renumber(t.pressed, column)
}

// renumber numbers columns anew after one was left out.
func renumber(columns []int, out int) []int {
	var left []int
	for _, c := range columns {
		switch {
		case c > out:
			left = append(left, c-1)
		case c < out:
			left = append(left, c)
		}
	}
	return left
}

// minFlex is the width down to which the first column gives way to wide gaps
// and further columns.
const minFlex = 26

// minFirst is the width that it keeps at the cost of columns of the last resort.
const minFirst = 18

// write prints the table.
func (t *table) write(p *printer) {
	t.fitNames(p)
	widths, gap := t.layout(p.columns)
	if len(t.spanners) > 0 {
		p.line(dim, t.spannerLine(widths, gap))
	}
	head := make([]cell, len(t.head))
	for i, h := range t.head {
		head[i] = cell{h, bold}
	}
	for _, row := range append([][]cell{head}, t.rows...) {
		for len(row) > 1 && row[len(row)-1].text == "" {
			row = row[:len(row)-1] // no spaces at the end of a line
		}
		for i, c := range row {
			if i > 0 {
				p.WriteString(strings.Repeat(" ", gap))
			}
			text := c.text
			if i == 0 && t.left > 0 {
				text = shorten(text, widths[0])
			}
			pad := strings.Repeat(" ", max(0, widths[i]-width(text)))
			if i >= t.left {
				p.WriteString(pad)
			}
			p.print(c.style, text)
			if i < t.left && i < len(row)-1 {
				p.WriteString(pad)
			}
		}
		p.WriteByte('\n')
	}
}

// spannerLine centres each heading over its columns, between rules.
func (t *table) spannerLine(widths []int, gap int) string {
	line := ""
	for _, s := range t.spanners {
		start, size := 0, -gap
		for i, w := range widths[:s.to+1] {
			if i < s.from {
				start += w + gap
			} else {
				size += w + gap
			}
		}
		text := s.text
		if size >= width(text)+4 { // a rule of one character on each side
			text = " " + text + " "
		}
		rest := max(0, size-width(text))
		line += strings.Repeat(" ", max(0, start-width(line)))
		left, rule := rest/2, "─"
		if text == s.text {
			rule = " "
		}
		line += strings.Repeat(rule, left) + text
		line += strings.Repeat(rule, rest-left)
	}
	return strings.TrimRight(line, " ")
}
