package table

import (
	"strings"

	"github.com/a01592f9/quant/cmd/internal/text"
)

// A layout is a table that is being fitted into the width of a terminal.
type layout struct {
	spans    []Span
	head     []string
	about    []string // the sentences about the columns
	left     int      // number of columns that are flush left
	rows     [][]piece
	optional []int
	pressed  []int
}

// A piece is the text of a cell, and its style.
type piece struct {
	text  string
	style Style
	room  int // largest width of the name of a tensor; 0 for no limit
	name  bool
	full  string // the whole text, if a terminal breaks it into lines
}

const (
	// flexible is the width to which the first column may shrink so that other columns and wide
	// spaces have room.
	flexible = 26

	// firstMin is the width to which the first column may shrink so that pressed columns have
	// room.
	firstMin = 18
)

// newLayout lays out t in the given number of columns. It replaces the names in short.
func newLayout(t *Table, short map[string]string, columns int) *layout {
	l := &layout{spans: t.Spans(), head: t.Head(), left: t.Left(), optional: t.Optional, pressed: t.Pressed}
	for _, c := range t.Columns {
		l.about = append(l.about, c.About)
	}
	for _, row := range t.Rows {
		if row.Detail {
			continue
		}
		var pieces []piece
		for i, c := range row.Cells {
			limit := t.Columns[i].Limit
			x := piece{text: c.Short, style: c.Style, room: limit, name: c.Name}
			if c.Short == "" {
				x.text = c.Text
			}
			if s, ok := short[c.Text]; ok && c.Name {
				x.text = s
			}
			if limit > 0 {
				if t.Columns[i].Wrap {
					x.full = x.text
				}
				x.text = text.Shorten(x.text, limit)
			}
			switch {
			case row.Minor && i == 0:
				x = piece{}
			case c.Best:
				x.style = Green
			case row.Minor:
				x.style = Dim
			case c.Style == Plain:
				x.style = row.Style
			}
			pieces = append(pieces, x)
		}
		l.rows = append(l.rows, pieces)
	}
	for i := len(t.Columns) - 1; i >= 0; i-- {
		if t.Columns[i].Detail {
			l.drop(i)
		}
	}
	l.narrow(columns)
	return l
}

// room returns the number of columns for each name of a tensor, or 0 if there is no name.
func (l *layout) room(columns int) int {
	widths, gap := l.widths(columns)
	free := columns + gap
	for _, w := range widths {
		free -= w + gap
	}
	first := widths[0] + max(free, 0)
	least := 0
	for _, row := range l.rows {
		for i, x := range row {
			room := x.room
			if i == 0 {
				room = first
			}
			if x.name && room > 0 && (least == 0 || room < least) {
				least = room
			}
		}
	}
	return least
}

// widths returns the width of each column, and the width of the space between columns.
func (l *layout) widths(columns int) (widths []int, gap int) {
	widths = make([]int, len(l.head))
	for i, h := range l.head {
		widths[i] = text.Width(h)
	}
	for _, row := range l.rows {
		for i, c := range row {
			widths[i] = max(widths[i], text.Width(c.text))
		}
	}
	gap = 2
	if over := width(widths, gap) - columns; over > 0 {
		if l.left == 0 || widths[0] < over+flexible {
			gap = 1
		}
		if over := width(widths, gap) - columns; over > 0 && l.left > 0 {
			widths[0] -= over
		}
	}
	return widths, gap
}

// width returns the width of a line.
func width(widths []int, gap int) int {
	sum := gap * (len(widths) - 1)
	for _, w := range widths {
		sum += w
	}
	return sum
}

// narrow drops optional columns until the first column and the space between columns have room.
// Then it drops pressed columns until a line fits.
func (l *layout) narrow(columns int) {
	first := text.Width(l.head[0])
	for _, row := range l.rows {
		first = max(first, text.Width(row[0].text))
	}
	for len(l.optional) > 0 {
		if widths, gap := l.widths(columns); gap == 2 && widths[0] >= min(first, flexible) {
			return
		}
		l.drop(l.optional[0])
	}
	for len(l.pressed) > 0 {
		widths, gap := l.widths(columns)
		if widths[0] >= min(first, firstMin) && width(widths, gap) <= columns {
			return
		}
		l.drop(l.pressed[0])
	}
}

// drop drops a column. If one column of a group is left, the name of the group becomes the head
// of that column.
func (l *layout) drop(column int) {
	l.head, l.about = without(l.head, column), without(l.about, column)
	for i, row := range l.rows {
		l.rows[i] = without(row, column)
	}
	if column < l.left {
		l.left--
	}
	var spans []Span
	for _, s := range l.spans {
		within := s.From <= column && column <= s.To
		if s.From > column {
			s.From--
		}
		if s.To >= column {
			s.To--
		}
		switch {
		case within && s.To == s.From:
			l.head[s.To] = strings.TrimSuffix(s.Text, " per")
		case s.To >= s.From:
			spans = append(spans, s)
		}
	}
	l.spans = spans
	l.optional, l.pressed = renumber(l.optional, column), renumber(l.pressed, column)
}

// spanLine centres each heading over its columns, between lines.
func (l *layout) spanLine(widths []int, gap int) string {
	line := ""
	for _, s := range l.spans {
		start, size := 0, -gap
		for i, w := range widths[:s.To+1] {
			if i < s.From {
				start += w + gap
			} else {
				size += w + gap
			}
		}
		heading := s.Text
		if size >= text.Width(heading)+4 { // a line of one character on each side
			heading = " " + heading + " "
		}
		rest := max(0, size-text.Width(heading))
		line += strings.Repeat(" ", max(0, start-text.Width(line)))
		left, rule := rest/2, "─"
		if heading == s.Text {
			rule = " "
		}
		line += strings.Repeat(rule, left) + heading
		line += strings.Repeat(rule, rest-left)
	}
	return strings.TrimRight(line, " ")
}
