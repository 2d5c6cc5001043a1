package plot

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	vgtext "gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// methodColors are the colours of methods. There are fewer colours than methods, but the order
// and the names in the graph identify them too.
var methodColors = []color.NRGBA{
	{0x5b, 0x66, 0x73, 0xff}, {0x00, 0x72, 0xb2, 0xff}, {0xd5, 0x5e, 0x00, 0xff}, {0x00, 0x9e, 0x73, 0xff}, {0xa0, 0x4c, 0x88, 0xff}, {0x8a, 0x6d, 0x00, 0xff},
}

// methods draws the ranges of all methods below a histogram of all values. The counts are
// logarithmic, so that the tails are visible.
func (s sheet) methods(p pen) {
	m := &s.d.Methods
	p = p.head("Range by method", "with one scale for all values"+s.unweighted())
	if len(m.Ranges) == 0 || len(m.Counts) == 0 {
		return
	}
	most := int64(1)
	for _, n := range m.Counts {
		most = max(most, n)
	}
	q := p.blank()
	lo, hi := float64(m.Min), float64(m.Max)
	if lo == hi {
		pad := max(math.Abs(lo)*0.1, 1e-30)
		lo, hi = lo-pad, hi+pad
	}
	q.X.Min, q.X.Max = lo, hi
	for _, r := range m.Ranges {
		if finite(float64(r.From)) && finite(float64(r.To)) {
			q.X.Min, q.X.Max = min(q.X.Min, float64(r.From)), max(q.X.Max, float64(r.To))
		}
	}
	pad := (q.X.Max - q.X.Min) * 0.02
	q.X.Min -= pad
	q.X.Max += pad
	q.X.Tick.Marker = ticks{6}
	q.X.Label.Text = "value; bars of counts on a logarithmic scale"
	// There are decades above 0, and a strip for each method below.
	top := math.Log10(float64(most)) + 0.3
	strip := top * 0.11
	q.Y.Min, q.Y.Max = -strip*(float64(len(m.Ranges))+0.4), top
	var marks list
	for e := 0.0; e <= top; e += max(1, math.Round(top/4)) {
		marks = append(marks, plot.Tick{Value: e, Label: short(math.Pow(10, e))})
	}
	q.Y.Tick.Marker = marks
	q.Add(p.grid(q))
	q.Add(layer(func(dc draw.Canvas, x, y func(float64) vg.Length) {
		width := (hi - lo) / float64(len(m.Counts))
		for i, n := range m.Counts {
			if n > 0 { // a single value has a low bar
				from := lo + float64(i)*width
				p.at(dc.Rectangle).fill(filler, x(from), y(0), x(from+width), y(math.Log10(float64(n))+0.12))
			}
		}
		for i, r := range m.Ranges {
			from, to := float64(r.From), float64(r.To)
			if !finite(from) || !finite(to) {
				continue
			}
			c := methodColor(i)
			at := y(-strip * (float64(i) + 0.7))
			dc.StrokeLine2(p.line(c, 2.4), x(from), at, x(to), at)
			for _, end := range []float64{from, to} {
				style := p.line(fade(c, 0.8), 0.7)
				style.Dashes = []vg.Length{p.len(2), p.len(2)}
				dc.StrokeLine2(style, x(end), at, x(end), y(top))
				dc.StrokeLine2(p.line(c, 1.4), x(end), at-p.len(3), x(end), at+p.len(3))
			}
		}
	}))
	p.show(q)
}

func methodColor(i int) color.NRGBA { return methodColors[i%len(methodColors)] }

// unweighted says that a graph leaves the importance of the inputs out, or "" if there is none.
func (s sheet) unweighted() string {
	if s.t.Results[0].Weighted == nil {
		return ""
	}
	return ", without the importance of the inputs"
}

// methodTable writes the errors of each method, with the least of each kind in bold.
func (s sheet) methodTable(p pen) {
	m := &s.d.Methods
	p = p.head("Errors by method", "per tensor"+s.unweighted()+"; the least is bold")
	if len(m.Ranges) == 0 {
		return
	}
	mae := m.Least(func(r *report.MethodResult) text.Number { return r.MAE })
	rmse := m.Least(func(r *report.MethodResult) text.Number { return r.RMSE })
	width := p.Max.X - p.Min.X
	columns := []float64{0.46, 0.62, 0.82, 1}
	line := min(p.len(16), (p.Max.Y-p.Min.Y)/vg.Length(len(m.Ranges)+1))
	y := p.Max.Y - line
	right := func(column int, y vg.Length, t string, bold bool, c color.Color) {
		style := p.face(sizeLabel, bold, c)
		style.XAlign = vgtext.XRight
		p.put(style, p.Min.X+width*vg.Length(columns[column]), y, t)
	}
	for i, h := range []string{"RMSE", "MAE", "SQNR, dB", "clipped"} {
		right(i, y, h, false, muted)
	}
	for i := range m.Ranges {
		r := &m.Ranges[i]
		y -= line
		p.SetColor(methodColor(i))
		p.at(p.Rectangle).fill(methodColor(i), p.Min.X, y+p.len(1), p.Min.X+p.len(6), y+p.len(7))
		p.put(p.face(sizeLabel, false, ink), p.Min.X+p.len(10), y, r.Method)
		right(0, y, text.Digits(r.RMSE, 4), r.RMSE == m.Ranges[rmse].RMSE, ink)
		right(1, y, text.Digits(r.MAE, 4), r.MAE == m.Ranges[mae].MAE, ink)
		right(2, y, text.Decibels(r.SQNR), r.RMSE == m.Ranges[rmse].RMSE, ink)
		right(3, y, text.Count(int64(r.Clipped)), false, ink)
	}
}
