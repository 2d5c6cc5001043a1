package plot

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"

	vgtext "gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"

	"github.com/a01592f9/quant/cmd/internal/report"
)

// A map of up to fewWeights weights has numbers in its cells. A map of more than manyWeights
// shows only the worst.
const (
	fewWeights  = 60
	manyWeights = 400
)

// A sweepMap has a row for each weight, and a column for each scheme.
type sweepMap struct {
	s     *report.Sweep
	shown []int
	row   float64 // points

	// weighted is true if the map shows weighted ratios: with an importance, and without a target,
	// which counts unweighted ones.
	weighted bool

	// draw sets these fields.
	series          []report.SweepSeries
	lo, hi          float64 // ratios of the first and the last colour
	left, cell, gap vg.Length
}

func newSweepMap(s *report.Sweep) sweepMap {
	m := sweepMap{s: s, row: 15, weighted: s.Summary.Weighted > 0 && s.Options.Target == nil}
	m.shown = m.worst(manyWeights)
	if !m.few() {
		m.row = 7.5
	}
	return m
}

func (m sweepMap) draw(p pen) {
	s := m.s
	p = p.head("Weights", m.about())
	m.lo, m.hi = m.extent()
	size := float64(sizeLabel)
	if !m.few() {
		size = 6
	}
	name := p.face(size, false, ink)
	var names []string
	for _, i := range m.shown {
		names = append(names, s.Weights[i].Name)
	}
	names, widest := elide(name, names, (p.Max.X-p.Min.X)*0.32)
	m.left = p.Min.X + widest + p.len(10)
	m.gap = p.len(7)
	m.series = s.Series()
	m.cell = (p.Max.X - m.left - m.gap*vg.Length(len(m.series)-1)) / vg.Length(len(s.Schemes))

	// The scale of colours is above the names.
	m.ramp(p, widest)
	y := m.heads(p)
	for n, i := range m.shown {
		y -= p.len(m.row)
		p.put(name, p.Min.X, y+p.len((m.row-size)/2+0.8), names[n])
		m.weight(p, i, y)
	}
}

// about returns the words above the map.
func (m sweepMap) about() string {
	s, ratios := m.s, "SQNR"
	if m.weighted {
		ratios = "weighted SQNR"
	}
	about := ratios + " in dB of each weight under each scheme, in the order of the file"
	if len(m.shown) < len(s.Weights) {
		about = fmt.Sprintf("%s of the %d of %d weights that lose most", ratios, len(m.shown), len(s.Weights))
	}
	if n := len(s.Weights) - s.Summary.Weighted; m.weighted && n > 0 {
		about += fmt.Sprintf("; unweighted of %d without an importance", n)
	}
	if s.Options.Target != nil {
		about += "; a frame is on the smallest that reaches the target"
		if s.Summary.Weighted > 0 {
			about += ", which counts unweighted errors"
		}
	}
	return about
}

// ratio returns the ratio that the map shows of a result.
func (m sweepMap) ratio(r *report.SweepError) float64 {
	if m.weighted && r.Weighted != nil {
		return float64(r.Weighted.SQNR)
	}
	return float64(r.SQNR)
}

// extent returns the ratios of the first and the last colour.
func (m sweepMap) extent() (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, i := range m.shown {
		results := m.s.Weights[i].Results
		for k := range results {
			if v := m.ratio(&results[k]); finite(v) {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
	}
	if lo > hi {
		lo, hi = 0, 1
	}
	return max(lo, hi-90), max(hi, lo+1)
}

// few reports whether cells have space for numbers.
func (m sweepMap) few() bool { return len(m.shown) <= fewWeights }

// at returns the left end of the column of scheme k.
func (m sweepMap) at(k int) vg.Length {
	return m.left + m.cell*vg.Length(k) + m.gap*vg.Length(seriesOf(m.series, k))
}

// heads draws the heads of the columns, and returns their lower end.
func (m sweepMap) heads(p pen) vg.Length {
	s := m.s
	label, tick := p.face(sizeLabel, true, ink), p.face(sizeTick, false, muted)
	label.XAlign, tick.XAlign = vgtext.XCenter, vgtext.XCenter
	y := p.Max.Y - p.len(9)
	for g, of := range m.series {
		label.Color = granularities[g%len(granularities)]
		p.put(label, (m.at(of.First)+m.at(of.End-1)+m.cell)/2, y, of.Label)
	}
	y -= p.len(12)
	for k, c := range s.Schemes {
		p.put(tick, m.at(k)+m.cell/2, y, clip(tick, c.Short(), m.cell))
	}
	return y - p.len(5)
}

// weight draws the cells of weight i. Their lower edge is at y.
func (m sweepMap) weight(p pen, i int, y vg.Length) {
	x := &m.s.Weights[i]
	for k := range x.Results {
		v := m.ratio(&x.Results[k])
		c := m.shade(v)
		p.fill(c, m.at(k), y, m.at(k)+m.cell, y+p.len(m.row))
		if m.few() && m.cell > p.len(15) {
			number := p.face(7, false, inkOn(c))
			number.XAlign = vgtext.XCenter
			p.put(number, m.at(k)+m.cell/2, y+p.len((m.row-7)/2+0.6), decibelWord(v))
		}
		if x.Choice != nil && *x.Choice == k {
			m.frame(p, k, y)
		}
	}
}

// decibelWord writes a ratio for a cell.
func decibelWord(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "ex."
	case math.IsInf(v, -1):
		return "−∞"
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// frame draws a frame in the cell of scheme k.
func (m sweepMap) frame(p pen, k int, y vg.Length) {
	inset := p.len(0.7)
	p.SetLineStyle(p.line(ink, min(1.2, m.row/7)))
	var path vg.Path
	path.Move(vg.Point{X: m.at(k) + inset, Y: y + inset})
	path.Line(vg.Point{X: m.at(k) + m.cell - inset, Y: y + inset})
	path.Line(vg.Point{X: m.at(k) + m.cell - inset, Y: y + p.len(m.row) - inset})
	path.Line(vg.Point{X: m.at(k) + inset, Y: y + p.len(m.row) - inset})
	path.Close()
	p.Stroke(path)
}

// ramp draws the scale of colours.
func (m sweepMap) ramp(p pen, width vg.Length) {
	lo, hi := m.lo, m.hi
	width = max(min(width, p.len(150)), p.len(60))
	top := p.Max.Y - p.len(2)
	const steps = 48
	for i := range steps {
		v := lo + (hi-lo)*(float64(i)+0.5)/steps
		from := p.Min.X + width*vg.Length(i)/steps
		p.fill(m.shade(v), from, top-p.len(8), from+width/steps+p.len(0.2), top)
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

// The colours of the map, from the lowest ratio to the highest: light to dark in one hue.
// Ratios below a target have another hue.
var (
	blues   = []color.NRGBA{{0xf2, 0xf7, 0xfc, 0xff}, {0xc3, 0xdc, 0xef, 0xff}, {0x7a, 0xb6, 0xdd, 0xff}, {0x2b, 0x83, 0xba, 0xff}, {0x0b, 0x4a, 0x82, 0xff}}
	oranges = []color.NRGBA{{0xa6, 0x36, 0x03, 0xff}, {0xe6, 0x70, 0x2b, 0xff}, {0xfd, 0xb0, 0x7a, 0xff}, {0xfe, 0xe6, 0xd2, 0xff}}
)

func (m sweepMap) shade(v float64) color.NRGBA {
	lo, hi := m.lo, m.hi
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

// between returns a colour of a scale, from x = 0 at its beginning to x = 1 at its end.
func between(scale []color.NRGBA, x float64) color.NRGBA {
	x = min(max(x, 0), 1) * float64(len(scale)-1)
	i := min(int(x), len(scale)-2)
	f := x - float64(i)
	mix := func(a, b uint8) uint8 { return uint8(float64(a) + (float64(b)-float64(a))*f + 0.5) }
	a, b := scale[i], scale[i+1]
	return color.NRGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 0xff}
}

// inkOn returns the colour of text that is most readable on c.
func inkOn(c color.NRGBA) color.Color {
	if 0.299*float64(c.R)+0.587*float64(c.G)+0.114*float64(c.B) < 140 {
		return color.White
	}
	return ink
}

// worst returns the given number of weights with the lowest ratio under the first scheme per
// channel, in the order of the source.
func (m sweepMap) worst(most int) []int {
	s := m.s
	index := make([]int, len(s.Weights))
	for i := range index {
		index[i] = i
	}
	if len(index) <= most {
		return index
	}
	k := s.Series()[min(1, len(s.Series())-1)].First
	slices.SortStableFunc(index, func(a, b int) int {
		x, y := m.ratio(&s.Weights[a].Results[k]), m.ratio(&s.Weights[b].Results[k])
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

// seriesOf returns the index of the series with scheme k.
func seriesOf(series []report.SweepSeries, k int) int {
	return slices.IndexFunc(series, func(of report.SweepSeries) bool { return k < of.End })
}
