package plot

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// The largest numbers of points that are drawn singly, and of channels and bands with lines of their own.
const (
	fewPoints   = 120
	fewChannels = 32
	fewBands    = 48
	piece       = 64 // number of lines that are drawn at once
)

// A sheet is the panels of one tensor.
type sheet struct {
	r *report.Report
	t *report.Tensor
	d *report.Detail
	pen
}

// head writes the title of a panel, and returns a pen for the rest of the panel.
func (p pen) head(title, about string) pen {
	bold, plain := p.face(sizePanel, true, ink), p.face(sizeLabel, false, muted)
	y := p.Max.Y - p.len(sizePanel)
	p.put(bold, p.Min.X, y, title)
	x := p.Min.X + bold.Width(title) + p.len(7)
	p.put(plain, x, y, clip(plain, about, p.Max.X-x))
	p.Max.Y = y - p.len(7)
	return p
}

// show draws a plot below its title.
func (p pen) show(q *plot.Plot) { q.Draw(p.Canvas) }

// A panel is a plot that is not drawn yet.
type panel struct {
	pen
	plot *plot.Plot
}

// left returns the left end of the panel's data.
func (p panel) left() vg.Length { return p.plot.DataCanvas(p.Canvas).Min.X }

// show draws the panel with the left end of its data at left, aligned with other panels.
func (p panel) show(left vg.Length) {
	p.Min.X += left - p.left()
	p.plot.Draw(p.Canvas)
}

// A layer is a function that implements plot.Plotter.
type layer func(c draw.Canvas, x, y func(float64) vg.Length)

func (l layer) Plot(c draw.Canvas, q *plot.Plot) {
	x, y := q.Transforms(&c)
	l(c, x, y)
}

// grid draws a line at each mark of the Y axis.
func (p pen) grid(q *plot.Plot) layer {
	return func(c draw.Canvas, _, y func(float64) vg.Length) {
		for _, t := range q.Y.Tick.Marker.Ticks(q.Y.Min, q.Y.Max) {
			if t.Value < q.Y.Min || t.Value > q.Y.Max {
				continue
			}
			style := p.line(rule, 0.5)
			if t.Value == 0 {
				style.Color = axis
			}
			c.StrokeLine2(style, c.Min.X, y(t.Value), c.Max.X, y(t.Value))
		}
	}
}

func bounds(curves ...text.Floats) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, c := range curves {
		for _, v := range c {
			if finite(float64(v)) {
				lo, hi = min(lo, float64(v)), max(hi, float64(v))
			}
		}
	}
	if lo > hi {
		return 0, 0
	}
	return lo, hi
}

// finite reports whether a number can be drawn. Errors of values near the largest float32 may
// be infinite.
func finite(v float64) bool { return !math.IsInf(v, 0) && !math.IsNaN(v) }

// fromZero prepares a plot with a Y axis from 0.
func (p pen) fromZero(most float64) *plot.Plot {
	q := p.blank()
	if most == 0 {
		most = 1
	}
	q.Y.Min, q.Y.Max = 0, most*1.08
	q.Y.Tick.Marker = ticks{5}
	return q
}
