package plot

import (
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/text"
)

func (s sheet) histogram(p pen) {
	h, of := &s.d.Histogram, "all values"
	if c := s.d.FocusHistogram(); c != nil && s.t.Channels > 1 {
		h, of = c, fmt.Sprintf("channel %d", *c.Channel)
	}
	// After the title comes the number of codes of each grid, in its colour.
	bold, plain := p.face(sizePanel, true, ink), p.face(sizeLabel, false, muted)
	x := p.Min.X + bold.Width("Histogram") + p.len(7)
	y := p.Max.Y - p.len(sizePanel)
	p.put(plain, x, y, of)
	x += plain.Width(of) + p.len(9)
	for k, g := range h.Grids {
		style := p.face(sizeLabel, false, schemes[k])
		label := codes(g)
		p.put(style, x, y, label)
		x += style.Width(label) + p.len(9)
	}
	p = p.head("Histogram", "")

	most := int64(0)
	for _, c := range h.Counts {
		most = max(most, c)
	}
	q := p.fromZero(float64(most))
	lo, hi := float64(h.Min), float64(h.Max)
	if lo == hi {
		pad := max(math.Abs(lo)*0.1, 1e-30)
		lo, hi = lo-pad, hi+pad
	}
	q.X.Min, q.X.Max = lo, hi
	for _, g := range h.Grids {
		for _, v := range g.Values { // the outermost may be outside of the range
			if finite(float64(v)) {
				q.X.Min, q.X.Max = min(q.X.Min, float64(v)), max(q.X.Max, float64(v))
			}
		}
	}
	pad := (q.X.Max - q.X.Min) * 0.03
	q.X.Min -= pad
	q.X.Max += pad
	q.X.Tick.Marker = ticks{6}
	q.Y.Tick.Marker = whole{4}
	// Below the bars there is a strip for each grid.
	strip := float64(most) * 0.12
	q.Y.Min = -strip * (float64(len(h.Grids)) + 0.3)
	q.X.Label.Text = "value; the ticks below the bars are what codes stand for"
	q.Add(p.grid(q))
	q.Add(layer(func(dc draw.Canvas, x, y func(float64) vg.Length) {
		width := (hi - lo) / float64(len(h.Counts))
		for i, n := range h.Counts {
			if n == 0 {
				continue
			}
			gap := p.len(0.3)
			from, to := lo+float64(i)*width, lo+float64(i+1)*width
			if len(h.Counts) == 1 {
				from, to = lo+width*0.4, lo+width*0.6
			}
			p.at(dc.Rectangle).fill(filler, x(from)+gap, y(0), x(to)-gap, y(float64(n)))
		}
		for k, g := range h.Grids {
			top, bottom := y(-strip*(float64(k)+0.3)), y(-strip*(float64(k)+1))
			for _, v := range g.Values {
				if finite(float64(v)) {
					dc.StrokeLine2(p.line(schemes[k], 0.5), x(float64(v)), bottom, x(float64(v)), top)
				}
			}
			if g.Codes > 0 && len(g.Values) == 0 { // there are too many values to draw
				p.at(dc.Rectangle).fill(fade(schemes[k], 0.5), x(lo), bottom, x(hi), top)
			}
		}
	}))
	p.show(q)
}

func codes(g report.Grid) string {
	switch g.Codes {
	case 0:
		return "several grids"
	case 1:
		return "1 code"
	}
	return text.Count(int64(g.Codes)) + " codes"
}
