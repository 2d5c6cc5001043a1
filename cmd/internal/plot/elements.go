package plot

import (
	"fmt"
	"image/color"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/a01592f9/quant/cmd/internal/text"
)

// byElement prepares a plot against the position of elements. It marks channels by bands with
// numbers, or by the marks of the axis.
func (s sheet) byElement(p pen, lo, hi float64) *plot.Plot {
	q := p.blank()
	n, per := s.d.Elements.Total, s.d.Elements.PerChannel
	channels := n / per
	q.X.Min, q.X.Max = -0.5, float64(n)-0.5
	pad := (hi - lo) * 0.06
	if pad == 0 {
		pad = max(math.Abs(lo)*0.1, math.SmallestNonzeroFloat32)
	}
	q.Y.Min, q.Y.Max = lo-pad, hi+pad
	q.Y.Tick.Marker = ticks{5}
	q.X.Label.Text = "element"
	q.X.Tick.Marker = whole{10}
	if channels > 1 {
		q.X.Label.Text = fmt.Sprintf("channel, with %s each", elementsText(per))
		var marks list
		if channels <= fewBands {
			for c := range channels {
				label := strconv.Itoa(c)
				if channels > 30 && c%5 != 0 {
					label = ""
				}
				marks = append(marks, plot.Tick{Value: (float64(c)+0.5)*float64(per) - 0.5, Label: label})
			}
		} else {
			for _, m := range round(0, float64(channels-1), 10) {
				if m.at == math.Trunc(m.at) {
					marks = append(marks, plot.Tick{Value: (m.at+0.5)*float64(per) - 0.5, Label: strings.TrimSuffix(m.label, ".0")})
				}
			}
		}
		q.X.Tick.Marker = marks
	}
	if channels > 1 && channels <= fewBands {
		q.X.Tick.LineStyle.Color = color.Transparent
		q.Add(layer(func(c draw.Canvas, x, _ func(float64) vg.Length) {
			for k := range channels {
				if k%2 == 1 {
					continue
				}
				p.at(c.Rectangle).fill(band, x(float64(k*per)-0.5), c.Min.Y, x(float64((k+1)*per)-0.5), c.Max.Y)
			}
		}))
	}
	q.Add(p.grid(q))
	return q
}

func elementsText(n int) string {
	if n == 1 {
		return "1 element"
	}
	return text.Count(int64(n)) + " elements"
}

// runs calls f with the points of each channel. If a channel has too few points for a line, it
// calls f with all points.
func (s sheet) runs(f func(from, to int)) {
	e := &s.d.Elements
	n := len(e.Position)
	if e.Total/e.PerChannel > fewBands {
		f(0, n)
		return
	}
	from := 0
	for i := 1; i <= n; i++ {
		if i == n || e.Position[i]/e.PerChannel != e.Position[from]/e.PerChannel {
			f(from, i)
			from = i
		}
	}
}

// curve draws values against positions.
func (s sheet) curve(p pen, values text.Floats, c color.NRGBA, width float64) layer {
	e := &s.d.Elements
	return func(dc draw.Canvas, x, y func(float64) vg.Length) {
		s.runs(func(from, to int) {
			pts := make([]vg.Point, 0, to-from)
			for i := from; i < to; i++ {
				if !finite(float64(values[i])) {
					continue
				}
				pts = append(pts, vg.Point{X: x(float64(e.Position[i])), Y: y(float64(values[i]))})
			}
			if len(pts) == 0 {
				return
			}
			if len(pts) == 1 {
				dc.DrawGlyph(draw.GlyphStyle{Color: c, Radius: p.len(max(0.6, width/2)), Shape: draw.CircleGlyph{}}, pts[0])
				return
			}
			// Long lines are divided, since the time of the PNG rasterizer grows with the
			// square of the crossings of a line.
			for style := p.line(c, width); len(pts) > 1; pts = pts[min(piece, len(pts)-1):] {
				dc.StrokeLines(style, pts[:min(piece+1, len(pts))])
			}
		})
	}
}

func (s sheet) elements(p pen) panel {
	e := &s.d.Elements
	p = p.head("Values", "original and reconstructed, channel by channel")
	lo, hi := bounds(append([]text.Floats{e.Original}, e.Reconstructed...)...)
	q := s.byElement(p, lo, hi)
	few := len(e.Position) <= fewPoints
	if few {
		q.Add(s.curve(p, e.Original, fade(ink, 0.35), 0.7))
		for k, values := range e.Reconstructed {
			q.Add(s.dots(p, values, schemes[k], shapes[k], 3-0.2*float64(k)))
		}
		q.Add(s.dots(p, e.Original, ink, draw.CircleGlyph{}, 1.35))
	} else {
		width := 0.7
		if len(e.Position) > 1200 {
			width = 0.45
		}
		// Wider lines below thinner ones show where they differ.
		for k, values := range e.Reconstructed {
			q.Add(s.curve(p, values, fade(schemes[k], 0.75), width*(3.2-0.8*float64(k))))
		}
		q.Add(s.curve(p, e.Original, ink, width))
	}
	return panel{p, q}
}

func (s sheet) dots(p pen, values text.Floats, c color.NRGBA, shape draw.GlyphDrawer, radius float64) layer {
	return func(dc draw.Canvas, x, y func(float64) vg.Length) {
		for i, at := range s.d.Elements.Position {
			if !finite(float64(values[i])) {
				continue
			}
			dc.DrawGlyph(draw.GlyphStyle{Color: c, Radius: p.len(radius), Shape: shape},
				vg.Point{X: x(float64(at)), Y: y(float64(values[i]))})
		}
	}
}

func (s sheet) errors(p pen) panel {
	e := &s.d.Elements
	p = p.head("Error", "reconstructed minus original")
	lo, hi := bounds(e.Error...)
	lo, hi = min(lo, 0), max(hi, 0)
	q := s.byElement(p, lo, hi)
	n := len(e.Error)
	for k, values := range e.Error {
		if len(e.Position) > fewPoints {
			width := 0.7
			if len(e.Position) > 1200 {
				width = 0.45
			}
			q.Add(s.curve(p, values, fade(schemes[k], 0.85), width))
			continue
		}
		q.Add(layer(func(dc draw.Canvas, x, y func(float64) vg.Length) {
			for i, at := range e.Position {
				if !finite(float64(values[i])) {
					continue
				}
				px := x(float64(at) + 0.3*(float64(k)-float64(n-1)/2))
				py := y(float64(values[i]))
				dc.StrokeLine2(p.line(schemes[k], 1), px, y(0), px, py)
				dc.DrawGlyph(draw.GlyphStyle{Color: schemes[k], Radius: p.len(2.2), Shape: shapes[k]}, vg.Point{X: px, Y: py})
			}
		}))
	}
	return panel{p, q}
}
