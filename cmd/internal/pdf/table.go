package pdf

import (
	"math"

	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/typeface"
)

const (
	cellPad  = 4.0   // space on each side of a cell
	textMin  = 70.0  // smallest width of a column of text
	textWide = 120.0 // smallest width of the first column, unless smaller text does not help
	minTable = 4.5   // smallest size of text
)

// A grid is the layout of a table.
type grid struct {
	*table.Table
	head   []string
	left   int
	spans  []table.Span
	size   float64   // size of the text
	widths []float64 // widths of the columns
	x      float64
}

// table writes a table on as many pages as it needs. Each page has the head of the table.
func (d *writer) table(t *table.Table) {
	g := d.layout(t)
	d.need(g.headHeight() + 3*g.size*1.7)
	d.head(g)
	for n, row := range allRows(t) {
		lines := make([][]string, len(row))
		most := 1
		d.font("", g.size, ink)
		for i, c := range row {
			lines[i] = []string{typeface.Legible(c.Text)}
			if i < g.left {
				lines[i] = d.wrap(lines[i][0], g.widths[i]-2*cellPad)
			}
			most = max(most, len(lines[i]))
		}
		height := g.size * (1.3*float64(most) + 0.45)
		if d.y+height > pageHeight-bottom {
			d.page()
			d.head(g)
		}
		if n == len(t.Rows) { // the last row is the sum
			d.rule(muted, 0.6, g.x, g.x+g.width(), d.y)
		} else if n%2 == 1 {
			d.rect(band, g.x, d.y, g.width(), height)
		}
		x := g.x
		for i, c := range row {
			style := ""
			if c.Best || n == len(t.Rows) { // bold without a colour, since colours stand for schemes
				style = "B"
			}
			d.font(style, g.size, ink)
			for k, l := range lines[i] {
				at := x + cellPad
				if i >= g.left {
					at = x + g.widths[i] - cellPad - d.GetStringWidth(l)
				}
				d.Text(at, d.y+g.size*(1.15+1.3*float64(k)), l)
			}
			x += g.widths[i]
		}
		d.y += height
	}
	d.rule(faint, 0.6, g.x, g.x+g.width(), d.y)
	d.y += 4
}

// allRows returns the rows of a table, with the row of its sum.
func allRows(t *table.Table) [][]table.Cell {
	var rows [][]table.Cell
	for _, r := range t.Rows {
		rows = append(rows, r.Cells)
	}
	if t.Sum != nil {
		rows = append(rows, t.Sum)
	}
	return rows
}

func (g *grid) width() float64 {
	sum := 0.0
	for _, w := range g.widths {
		sum += w
	}
	return sum
}

// layout finds the largest size of text with which a table fits onto the page. Columns of text
// become narrower first, since they can have several lines.
func (d *writer) layout(t *table.Table) *grid {
	g := &grid{Table: t, head: t.Head(), left: t.Left(), spans: t.Spans(), x: margin}
	// Widths are proportional to the size of the text, so they are measured only once.
	const unit = 10.0
	natural := make([]float64, len(g.head))
	d.font("B", unit, ink)
	for i, h := range g.head {
		natural[i] = d.GetStringWidth(h)
	}
	for n, row := range allRows(t) {
		for i, c := range row {
			style := ""
			if c.Best || n == len(t.Rows) {
				style = "B"
			}
			d.font(style, unit, ink)
			natural[i] = max(natural[i], d.GetStringWidth(typeface.Legible(c.Text)))
		}
	}
	for g.size = 8.5; ; g.size -= 0.25 {
		g.widths = make([]float64, len(g.head))
		for i, w := range natural {
			g.widths[i] = w*g.size/unit + 2*cellPad
		}
		d.spread(g)
		over := g.width() - inner
		if over <= 0 {
			break
		}
		if g.size > 7.25 {
			continue // smaller text is better than names on several lines
		}
		// The longest columns of text become narrower first.
		for over > 0 {
			widest := -1
			for i := range g.left {
				if g.widths[i] > textMin && (widest < 0 || g.widths[i] > g.widths[widest]) {
					widest = i
				}
			}
			if widest < 0 {
				break
			}
			cut := math.Min(over, math.Min(10, g.widths[widest]-textMin))
			g.widths[widest] -= cut
			over -= cut
		}
		if over <= 0 && g.widths[0] >= textWide || g.size <= minTable {
			break
		}
	}
	// A table of numbers only is made wider, up to a limit.
	if rest := inner - g.width(); rest > 0 {
		each := math.Min(rest/float64(len(g.widths)), 26)
		for i := range g.widths {
			g.widths[i] += each
		}
	}
	return g
}

// spread makes columns wider if their common heading needs it.
func (d *writer) spread(g *grid) {
	d.font("B", g.size, muted)
	for _, s := range g.spans {
		sum := 0.0
		for i := s.From; i <= s.To; i++ {
			sum += g.widths[i]
		}
		if lack := d.GetStringWidth(s.Text) + 2*cellPad - sum; lack > 0 {
			for i := s.From; i <= s.To; i++ {
				g.widths[i] += lack / float64(s.To-s.From+1)
			}
		}
	}
}

func (g *grid) headHeight() float64 {
	if len(g.spans) > 0 {
		return g.size * 3.3
	}
	return g.size * 1.8
}

// head writes the head of a table.
func (d *writer) head(g *grid) {
	if len(g.spans) > 0 {
		d.font("", g.size, muted)
		for _, s := range g.spans {
			from, to := g.x, g.x
			for i := range g.widths[:s.To+1] {
				if i < s.From {
					from += g.widths[i]
				}
				to += g.widths[i]
			}
			from += cellPad
			to -= cellPad
			d.Text((from+to-d.GetStringWidth(s.Text))/2, d.y+g.size*1.05, s.Text)
			d.rule(faint, 0.6, from, to, d.y+g.size*1.5)
		}
		d.y += g.size * 1.5
	}
	d.font("B", g.size, ink)
	x := g.x
	for i, h := range g.head {
		at := x + cellPad
		if i >= g.left {
			at = x + g.widths[i] - cellPad - d.GetStringWidth(h)
		}
		d.Text(at, d.y+g.size*1.2, h)
		x += g.widths[i]
	}
	d.y += g.size * 1.75
	d.rule(muted, 0.8, g.x, g.x+g.width(), d.y)
}
