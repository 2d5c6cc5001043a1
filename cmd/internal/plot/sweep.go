package plot

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"

	vgtext "gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// granularities are the colours of a sweep's lines: those of the schemes, and
// more for groups of several sizes.
var granularities = append(slices.Clone(schemes),
	color.NRGBA{0xcc, 0x79, 0xa7, 0xff}, color.NRGBA{0xe6, 0x9f, 0x00, 0xff}, color.NRGBA{0x56, 0xb4, 0xe9, 0xff})

// Up to fewWeights a map has numbers in its cells, and of more than manyWeights
// it shows the worst.
const (
	fewWeights  = 60
	manyWeights = 400
)

// Sweep draws what schemes lose against what they take, and a map of all
// weights and schemes.
func Sweep(s *report.Sweep, o Options) *Figure {
	o.settle()
	pt := func(x float64) vg.Length { return vg.Points(x * o.Scale) }
	shown := worstOf(s, manyWeights)
	m := sweepMap{s: s, shown: shown, row: 15}
	if len(shown) > fewWeights {
		m.row = 7.5
	}
	const curves = 300
	height := pt(curves) + pt(m.row)*vg.Length(len(shown)) + pt(92)
	if o.Title {
		height += pt(92)
	}
	return &Figure{
		Width: o.Width, Height: height, scale: o.Scale,
		title: "Sweep of " + text.Clean(s.Source) + ": error and size of " + strconv.Itoa(len(s.Schemes)) + " schemes",
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

// framed puts the name of a source, its options and what to make of it above a
// figure, and returns what is left.
func framed(p pen, source, about, verdict string) vg.Rectangle {
	in := heading(p, source, about)
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
	series := s.Series()
	// The key.
	style, x, y := p.face(sizeLabel, false, ink), p.Min.X, p.Max.Y-p.len(9)
	for g, of := range series {
		c := granularities[g%len(granularities)]
		p.StrokeLine2(p.line(c, 1.4), x, y+p.len(2.8), x+p.len(16), y+p.len(2.8))
		x += p.len(20)
		p.put(style, x, y, of.Label)
		x += style.Width(of.Label) + p.len(16)
	}
	p.Max.Y = y - p.len(8)

	lo, hi, left, right := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, c := range s.Schemes {
		left, right = min(left, float64(c.BitsPerWeight)), max(right, float64(c.BitsPerWeight))
		if v := float64(c.SQNR); finite(v) {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
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
	q.Add(p.grid(q))
	q.Add(layer(func(c draw.Canvas, x, y func(float64) vg.Length) {
		if t := s.Options.Target; t != nil {
			dashed := p.line(muted, 0.8)
			dashed.Dashes = []vg.Length{p.len(4), p.len(3)}
			c.StrokeLine2(dashed, c.Min.X, y(*t), c.Max.X, y(*t))
			note := p.face(sizeTick, false, muted)
			c.FillText(note, vg.Point{X: c.Min.X + p.len(4), Y: y(*t) + p.len(3)}, "target")
		}
		for g, of := range series {
			if of.Listed {
				continue // nothing lies between two schemes of a list
			}
			col := granularities[g%len(granularities)]
			var pts []vg.Point
			for _, k := range s.Schemes[of.First:of.End] {
				if finite(float64(k.SQNR)) {
					pts = append(pts, vg.Point{X: x(float64(k.BitsPerWeight)), Y: y(float64(k.SQNR))})
				}
			}
			if len(pts) > 1 {
				c.StrokeLines(p.line(fade(col, 0.8), 1.1), pts)
			}
		}
		var labelled []vg.Point
		for i, k := range s.Schemes {
			if !finite(float64(k.SQNR)) {
				continue
			}
			col := granularities[seriesOf(series, i)%len(granularities)]
			pt := vg.Point{X: x(float64(k.BitsPerWeight)), Y: y(float64(k.SQNR))}
			if k.Pareto {
				c.DrawGlyph(draw.GlyphStyle{Color: ink, Radius: p.len(5.2), Shape: draw.CircleGlyph{}}, pt)
				c.DrawGlyph(draw.GlyphStyle{Color: color.White, Radius: p.len(4.3), Shape: draw.CircleGlyph{}}, pt)
			}
			c.DrawGlyph(draw.GlyphStyle{Color: col, Radius: p.len(3), Shape: draw.CircleGlyph{}}, pt)
			if s.Summary.Chosen != nil && *s.Summary.Chosen == i {
				label := p.face(sizeLabel, true, ink)
				label.XAlign = vgtext.XRight
				c.FillText(label, vg.Point{X: pt.X - p.len(8), Y: pt.Y + p.len(4)}, k.Label())
				continue
			}
			// Numbers that would lie on others are left out.
			if slices.ContainsFunc(labelled, func(o vg.Point) bool {
				return math.Hypot(float64(o.X-pt.X), float64(o.Y-pt.Y)) < float64(p.len(11))
			}) {
				continue
			}
			labelled = append(labelled, pt)
			label := p.face(sizeTick, false, col)
			c.FillText(label, vg.Point{X: pt.X + p.len(5), Y: pt.Y - p.len(9)}, k.Short())
		}
	}))
	p.show(q)
}

// seriesOf returns which of the series has scheme k.
func seriesOf(series []report.SweepSeries, k int) int {
	return slices.IndexFunc(series, func(of report.SweepSeries) bool { return k < of.End })
}

// worstOf lists at most so many weights, in the order of the source: those with
// the lowest ratio under the first scheme per channel.
func worstOf(s *report.Sweep, most int) []int {
	index := make([]int, len(s.Weights))
	for i := range index {
		index[i] = i
	}
	if len(index) <= most {
		return index
	}
	k := s.Series()[min(1, len(s.Series())-1)].First
	slices.SortStableFunc(index, func(a, b int) int {
		x, y := s.Weights[a].Results[k].SQNR, s.Weights[b].Results[k].SQNR
		if x < y {
			return -1
		} else if x > y {
			return 1
		}
		return 0
	})
	index = index[:most]
	slices.Sort(index)
	return index
}

// A sweepMap has a row for each weight, and a column for each scheme.
type sweepMap struct {
	s     *report.Sweep
	shown []int
	row   float64 // points
}

func (m sweepMap) draw(p pen) {
	s := m.s
	about := "SQNR in dB of each weight under each scheme, in the order of the file"
	if len(m.shown) < len(s.Weights) {
		about = fmt.Sprintf("SQNR of the %d of %d weights that lose most", len(m.shown), len(s.Weights))
	}
	if s.Options.Target != nil {
		about += "; a frame is on the smallest that reaches the target"
	}
	p = p.head("Weights", about)
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, i := range m.shown {
		for _, r := range s.Weights[i].Results {
			if v := float64(r.SQNR); finite(v) {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
	}
	if lo > hi {
		lo, hi = 0, 1
	}
	lo, hi = max(lo, hi-90), max(hi, lo+1)

	few := len(m.shown) <= fewWeights
	size := float64(sizeLabel)
	if !few {
		size = 6
	}
	name := p.face(size, false, ink)
	limit, widest := (p.Max.X-p.Min.X)*0.32, vg.Length(0)
	for _, i := range m.shown {
		widest = max(widest, name.Width(clip(name, s.Weights[i].Name, limit)))
	}
	left := p.Min.X + widest + p.len(10)
	series := s.Series()
	gap := p.len(7)
	cell := (p.Max.X - left - gap*vg.Length(len(series)-1)) / vg.Length(len(s.Schemes))
	at := func(k int) vg.Length { return left + cell*vg.Length(k) + gap*vg.Length(seriesOf(series, k)) }

	// The scale of colours, above the names.
	m.ramp(p, lo, hi, widest)
	label, tick := p.face(sizeLabel, true, ink), p.face(sizeTick, false, muted)
	label.XAlign, tick.XAlign = vgtext.XCenter, vgtext.XCenter
	y := p.Max.Y - p.len(9)
	for g, of := range series {
		label.Color = granularities[g%len(granularities)]
		p.put(label, (at(of.First)+at(of.End-1)+cell)/2, y, of.Label)
	}
	y -= p.len(12)
	for k, c := range s.Schemes {
		p.put(tick, at(k)+cell/2, y, clip(tick, c.Short(), cell))
	}
	y -= p.len(5)
	for _, i := range m.shown {
		x := &s.Weights[i]
		y -= p.len(m.row)
		p.put(name, p.Min.X, y+p.len((m.row-size)/2+0.8), clip(name, x.Name, limit))
		for k, r := range x.Results {
			v := float64(r.SQNR)
			c := m.shade(v, lo, hi)
			p.fill(c, at(k), y, at(k)+cell, y+p.len(m.row))
			if few && cell > p.len(15) {
				number := p.face(7, false, inkOn(c))
				number.XAlign = vgtext.XCenter
				word := strconv.FormatFloat(v, 'f', 0, 64)
				switch {
				case math.IsInf(v, 1):
					word = "ex."
				case math.IsInf(v, -1):
					word = "−∞"
				}
				p.put(number, at(k)+cell/2, y+p.len((m.row-7)/2+0.6), word)
			}
			if x.Choice != nil && *x.Choice == k {
				inset := p.len(0.7)
				p.SetLineStyle(p.line(ink, min(1.2, m.row/7)))
				var path vg.Path
				path.Move(vg.Point{X: at(k) + inset, Y: y + inset})
				path.Line(vg.Point{X: at(k) + cell - inset, Y: y + inset})
				path.Line(vg.Point{X: at(k) + cell - inset, Y: y + p.len(m.row) - inset})
				path.Line(vg.Point{X: at(k) + inset, Y: y + p.len(m.row) - inset})
				path.Close()
				p.Stroke(path)
			}
		}
	}
}

// ramp draws what the colours mean.
func (m sweepMap) ramp(p pen, lo, hi float64, width vg.Length) {
	width = max(min(width, p.len(150)), p.len(60))
	top := p.Max.Y - p.len(2)
	const steps = 48
	for i := range steps {
		v := lo + (hi-lo)*(float64(i)+0.5)/steps
		from := p.Min.X + width*vg.Length(i)/steps
		p.fill(m.shade(v, lo, hi), from, top-p.len(8), from+width/steps+p.len(0.2), top)
	}
	tick := p.face(sizeTick, false, muted)
	p.put(tick, p.Min.X, top-p.len(18), strconv.FormatFloat(lo, 'f', 0, 64)+" dB")
	tick.XAlign = vgtext.XRight
	p.put(tick, p.Min.X+width, top-p.len(18), strconv.FormatFloat(hi, 'f', 0, 64)+" dB")
	if t := m.s.Options.Target; t != nil && *t > lo && *t < hi {
		at := p.Min.X + width*vg.Length((*t-lo)/(hi-lo))
		p.StrokeLine2(p.line(ink, 0.8), at, top-p.len(10), at, top+p.len(2))
	}
}

// Colours of the map, from the lowest ratio to the highest: in one hue, light to
// dark. What falls short of a target is in another.
var (
	blues   = []color.NRGBA{{0xf2, 0xf7, 0xfc, 0xff}, {0xc3, 0xdc, 0xef, 0xff}, {0x7a, 0xb6, 0xdd, 0xff}, {0x2b, 0x83, 0xba, 0xff}, {0x0b, 0x4a, 0x82, 0xff}}
	oranges = []color.NRGBA{{0xa6, 0x36, 0x03, 0xff}, {0xe6, 0x70, 0x2b, 0xff}, {0xfd, 0xb0, 0x7a, 0xff}, {0xfe, 0xe6, 0xd2, 0xff}}
)

func (m sweepMap) shade(v, lo, hi float64) color.NRGBA {
	v = min(max(v, lo), hi)
	t := m.s.Options.Target
	switch {
	case t == nil:
		return between(blues, (v-lo)/(hi-lo))
	case v < *t:
		return between(oranges, (v-lo)/max(*t-lo, 1e-9))
	}
	return between(blues, (v-*t)/max(hi-*t, 1e-9))
}

// between returns a colour of a scale, x being 0 at its beginning and 1 at its
// end.
func between(scale []color.NRGBA, x float64) color.NRGBA {
	x = min(max(x, 0), 1) * float64(len(scale)-1)
	i := min(int(x), len(scale)-2)
	f := x - float64(i)
	mix := func(a, b uint8) uint8 { return uint8(float64(a) + (float64(b)-float64(a))*f + 0.5) }
	a, b := scale[i], scale[i+1]
	return color.NRGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 0xff}
}

// inkOn returns the colour of text that is read best on another.
func inkOn(c color.NRGBA) color.Color {
	if 0.299*float64(c.R)+0.587*float64(c.G)+0.114*float64(c.B) < 140 {
		return color.White
	}
	return ink
}
