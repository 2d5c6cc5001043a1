package plot

import (
	"image/color"
	"math"
	"slices"
	"strconv"

	vgtext "gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/a01592f9/quant/cmd/internal/report"
)

// Sweep draws the errors of schemes against their sizes, and a map of all weights and schemes.
func Sweep(s *report.Sweep, o Options) *Figure {
	o.settle()
	pt := func(x float64) vg.Length { return vg.Points(x * o.Scale) }
	m := newSweepMap(s)
	const curves = 300
	height := pt(curves) + pt(m.row)*vg.Length(len(m.shown)) + pt(92)
	if o.Title {
		height += pt(92)
	}
	return &Figure{
		Width: o.Width, Height: height, scale: o.Scale,
		title: "Sweep of " + report.Title(s.Source) + ": error and size of " + strconv.Itoa(len(s.Schemes)) + " schemes",
		draw: func(p pen) {
			if o.Title {
				p.Rectangle = framed(p, s.Source, s.About(), s.Verdict())
			}
			top := p
			top.Min.Y = top.Max.Y - p.len(curves)
			top.sizes(s)
			p.Max.Y = top.Min.Y - p.len(16)
			m.draw(p)
		},
	}
}

// framed writes the name of the source, the options and the verdict above a figure, and returns
// the space below.
func framed(p pen, source, about, verdict string) vg.Rectangle {
	in := heading(p, report.Title(source), about)
	width := in.Max.X - in.Min.X
	if verdict != "" {
		style := p.face(sizeLabel+0.5, false, ink)
		lines := wrap(style, verdict, width)
		in.Max.Y -= p.len(4)
		for _, l := range lines[:min(len(lines), 3)] {
			in.Max.Y -= p.len(13)
			p.put(style, in.Min.X, in.Max.Y, clip(style, l, width))
		}
	}
	in.Max.Y -= p.len(10)
	return in
}

// sizes draws the ratio over all weights against the bits that each takes.
func (p pen) sizes(s *report.Sweep) {
	p = p.head("Ratio against size", "all weights together; codes, scales and zero points; a ring is on what no other scheme beats in both")
	p = p.sizesKey(s)
	lo, hi, left, right := sizesExtent(s)
	if lo > hi {
		p.put(p.face(sizeLabel, false, muted), p.Min.X, p.Max.Y-p.len(16), "Nothing is lost under any scheme.")
		return
	}
	if t := s.Options.Target; t != nil {
		lo, hi = min(lo, *t), max(hi, *t)
	}
	q := p.blank()
	pad := max((hi-lo)*0.08, 1)
	q.Y.Min, q.Y.Max = lo-pad, hi+pad
	q.X.Min, q.X.Max = left-0.3, right+0.3
	q.X.Label.Text = "bits per weight"
	q.Y.Label.Text = "SQNR, dB"
	if s.Summary.Weighted > 0 {
		q.Y.Label.Text = "unweighted SQNR, dB"
	}
	q.Add(p.grid(q))
	q.Add(layer(func(c draw.Canvas, x, y func(float64) vg.Length) {
		if t := s.Options.Target; t != nil {
			dashed := p.line(muted, 0.8)
			dashed.Dashes = []vg.Length{p.len(4), p.len(3)}
			c.StrokeLine2(dashed, c.Min.X, y(*t), c.Max.X, y(*t))
			note := p.face(sizeTick, false, muted)
			c.FillText(note, vg.Point{X: c.Min.X + p.len(4), Y: y(*t) + p.len(3)}, "target")
		}
		at := func(k *report.SweepScheme) vg.Point {
			return vg.Point{X: x(float64(k.BitsPerWeight)), Y: y(float64(k.SQNR))}
		}
		p.sizesLines(c, s, at)
		p.sizesPoints(c, s, at)
	}))
	p.show(q)
}

// sizesKey draws the key of the series. It returns p without the space of the key.
func (p pen) sizesKey(s *report.Sweep) pen {
	style, x, y := p.face(sizeLabel, false, ink), p.Min.X, p.Max.Y-p.len(9)
	for g, of := range s.Series() {
		c := granularities[g%len(granularities)]
		p.StrokeLine2(p.line(c, 1.4), x, y+p.len(2.8), x+p.len(16), y+p.len(2.8))
		x += p.len(20)
		p.put(style, x, y, of.Label)
		x += style.Width(of.Label) + p.len(16)
	}
	p.Max.Y = y - p.len(8)
	return p
}

// sizesExtent returns the lowest and the highest finite ratio, and the smallest and the largest
// number of bits per weight. lo is above hi if no ratio is finite.
func sizesExtent(s *report.Sweep) (lo, hi, left, right float64) {
	lo, hi, left, right = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, c := range s.Schemes {
		left, right = min(left, float64(c.BitsPerWeight)), max(right, float64(c.BitsPerWeight))
		if v := float64(c.SQNR); finite(v) {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	return lo, hi, left, right
}

// sizesLines draws a line through the schemes of each series. Schemes of a list have no line.
func (p pen) sizesLines(c draw.Canvas, s *report.Sweep, at func(*report.SweepScheme) vg.Point) {
	for g, of := range s.Series() {
		if of.Listed {
			continue
		}
		var pts []vg.Point
		for i := of.First; i < of.End; i++ {
			if k := &s.Schemes[i]; finite(float64(k.SQNR)) {
				pts = append(pts, at(k))
			}
		}
		if len(pts) > 1 {
			c.StrokeLines(p.line(fade(granularities[g%len(granularities)], 0.8), 1.1), pts)
		}
	}
}

// sizesPoints draws the schemes themselves: rings, dots and labels.
func (p pen) sizesPoints(c draw.Canvas, s *report.Sweep, at func(*report.SweepScheme) vg.Point) {
	disc := func(col color.Color, radius float64, pt vg.Point) {
		c.DrawGlyph(draw.GlyphStyle{Color: col, Radius: p.len(radius), Shape: draw.CircleGlyph{}}, pt)
	}
	series := s.Series()
	var labelled []vg.Point
	for i := range s.Schemes {
		k := &s.Schemes[i]
		if !finite(float64(k.SQNR)) {
			continue
		}
		col := granularities[seriesOf(series, i)%len(granularities)]
		pt := at(k)
		if k.Pareto {
			disc(ink, 5.2, pt)
			disc(color.White, 4.3, pt)
		}
		disc(col, 3, pt)
		if s.Summary.Chosen != nil && *s.Summary.Chosen == i {
			label := p.face(sizeLabel, true, ink)
			label.XAlign = vgtext.XRight
			c.FillText(label, vg.Point{X: pt.X - p.len(8), Y: pt.Y + p.len(4)}, k.Label())
			continue
		}
		// Numbers that would overlap others are left out.
		if slices.ContainsFunc(labelled, func(o vg.Point) bool {
			return math.Hypot(float64(o.X-pt.X), float64(o.Y-pt.Y)) < float64(p.len(11))
		}) {
			continue
		}
		labelled = append(labelled, pt)
		label := p.face(sizeTick, false, col)
		c.FillText(label, vg.Point{X: pt.X + p.len(5), Y: pt.Y - p.len(9)}, k.Short())
	}
}
