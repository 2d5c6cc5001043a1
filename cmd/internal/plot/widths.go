package plot

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/a01592f9/quant/cmd/internal/report"
)

// byBits prepares the X axis of bit widths, and marks the width in the options.
func (s sheet) byBits(p pen, q *plot.Plot) {
	q.X.Min, q.X.Max = 1.6, 16.4
	q.X.Label.Text = "bits"
	var marks list
	for b := 2; b <= 16; b += 2 {
		marks = append(marks, plot.Tick{Value: float64(b), Label: strconv.Itoa(b)})
	}
	q.X.Tick.Marker = marks
	q.Add(layer(func(c draw.Canvas, x, _ func(float64) vg.Length) {
		at := float64(s.r.Options.Bits)
		p.at(c.Rectangle).fill(band, x(at-0.35), c.Min.Y, x(at+0.35), c.Max.Y)
	}))
}

// sweep draws a number for each scheme against the bit width.
func (s sheet) sweep(p pen, q *plot.Plot, value func(report.SweepResult) float64, drawn func(float64) bool) {
	for k := range s.t.Results {
		q.Add(layer(func(c draw.Canvas, x, y func(float64) vg.Length) {
			var pts []vg.Point
			for _, point := range s.d.Sweep {
				if v := value(point.Results[k]); drawn(v) {
					pts = append(pts, vg.Point{X: x(float64(point.Bits)), Y: y(v)})
				}
			}
			if len(pts) > 1 {
				c.StrokeLines(p.line(schemes[k], 1), pts)
			}
			for _, pt := range pts {
				c.DrawGlyph(draw.GlyphStyle{Color: schemes[k], Radius: p.len(2.2), Shape: shapes[k]}, pt)
			}
		}))
	}
	p.show(q)
}

func (s sheet) sweepRMSE(p pen) {
	rmse := func(r report.SweepResult) float64 { return float64(r.Counted()) }
	positive := func(v float64) bool { return v > 0 && finite(v) }
	lo, hi, zero := math.Inf(1), 0.0, false
	for _, point := range s.d.Sweep {
		for _, r := range point.Results {
			if v := rmse(r); positive(v) {
				lo, hi = min(lo, v), max(hi, v)
			} else {
				zero = true
			}
		}
	}
	about := "for every width of a code"
	if zero {
		about = "where anything is lost"
	}
	title := "RMSE against width"
	if s.t.Results[0].Weighted != nil {
		title, about = "Weighted RMSE against width", "with the importance of the inputs; "+about
	}
	p = p.head(title, about)
	if hi == 0 {
		p.put(p.face(sizeLabel, false, muted), p.Min.X, p.Max.Y-p.len(16), "Nothing is lost at any width.")
		return
	}
	q := p.blank()
	q.Y.Min, q.Y.Max = lo/1.5, hi*1.5
	q.Y.Scale = plot.LogScale{}
	q.Y.Tick.Marker = decades{}
	s.byBits(p, q)
	q.Add(p.grid(q))
	s.sweep(p, q, rmse, positive)
}

func (s sheet) sweepBytes(p pen) {
	size := func(r report.SweepResult) float64 { return float64(r.TotalBytes) }
	most := 0.0
	for _, point := range s.d.Sweep {
		for _, r := range point.Results {
			most = max(most, size(r))
		}
	}
	p = p.head("Bytes against width", "codes, scales and zero points; float32: "+short(float64(4*s.t.Elements)))
	q := p.fromZero(most)
	q.Y.Tick.Marker = compact{5}
	s.byBits(p, q)
	q.Add(p.grid(q))
	s.sweep(p, q, size, func(float64) bool { return true })
}

// compact has the marks of an axis of counts, written as 20k or 3M.
type compact struct{ n int }

func (b compact) Ticks(lo, hi float64) []plot.Tick {
	var marks []plot.Tick
	for _, m := range round(lo, hi, b.n) {
		marks = append(marks, plot.Tick{Value: m.at, Label: short(m.at)})
	}
	return marks
}
