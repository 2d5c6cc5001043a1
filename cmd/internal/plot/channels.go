package plot

import (
	"math"
	"strings"

	"gonum.org/v1/plot"
	vgtext "gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

func (s sheet) channels(p pen) {
	c := &s.d.Channels
	p = p.head("RMSE by channel", "")
	most := 0.0
	for _, rmse := range c.RMSE {
		for _, v := range rmse {
			if finite(float64(v)) {
				most = max(most, float64(v))
			}
		}
	}
	q := p.fromZero(most)
	q.X.Min, q.X.Max = -0.6, float64(c.Total)-0.4
	q.X.Label.Text = "channel"
	q.X.Tick.Marker = whole{10}
	q.Add(p.grid(q))
	n := len(c.RMSE)
	for k, rmse := range c.RMSE {
		q.Add(layer(func(dc draw.Canvas, x, y func(float64) vg.Length) {
			for i, at := range c.Index {
				v := float64(rmse[i])
				if !finite(v) {
					continue
				}
				if c.Total > fewChannels {
					radius := 1.6
					if len(c.Index) > 300 {
						radius = 0.8
					}
					dc.DrawGlyph(draw.GlyphStyle{Color: fade(schemes[k], 0.8), Radius: p.len(radius), Shape: draw.CircleGlyph{}},
						vg.Point{X: x(float64(at)), Y: y(v)})
					continue
				}
				width := 0.72 / float64(n)
				mid := float64(at) + width*(float64(k)-float64(n-1)/2)
				p.at(dc.Rectangle).fill(schemes[k], x(mid-width*0.46), y(0), x(mid+width*0.46), y(v))
				if v == 0 {
					// A zero is written, since a bar without height looks like a missing bar.
					zero := p.face(sizeTick, false, schemes[k])
					zero.XAlign = vgtext.XCenter
					dc.FillText(zero, vg.Point{X: x(mid), Y: y(0) + p.len(2)}, "0")
				}
			}
		}))
	}
	p.show(q)
}

// whole has marks at whole numbers.
type whole struct{ n int }

func (w whole) Ticks(lo, hi float64) []plot.Tick {
	var marks []plot.Tick
	for _, m := range round(lo, hi, w.n) {
		if m.at == math.Trunc(m.at) && m.at >= 0 {
			marks = append(marks, plot.Tick{Value: m.at, Label: strings.TrimSuffix(m.label, ".0")})
		}
	}
	return marks
}
