package plot

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	vgtext "gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// MaxRows is the largest number of tensors that all have rows in an overview. For more tensors
// there is a curve, and rows for those at its ends.
const MaxRows = 60

// ends is the number of tensors with rows at each end of the curve.
const ends = 20

const rowHeight = 17 // points

// Overview draws the signal to noise ratio of each tensor of a report under each scheme.
func Overview(r *report.Report, o Options) *Figure {
	o.settle()
	if len(r.Tensors) > MaxRows {
		return distribution(r, o)
	}
	return Rows(r, r.Summary.ByGain, o)
}

// Rows draws a row for each of some tensors.
func Rows(r *report.Report, shown []int, o Options) *Figure {
	o.settle()
	pt := func(x float64) vg.Length { return vg.Points(x * o.Scale) }
	height := pt(rowHeight)*vg.Length(len(shown)) + pt(54)
	if o.Title {
		height += pt(88)
	}
	return &Figure{
		Width: o.Width, Height: height, scale: o.Scale,
		title: fmt.Sprintf("Quantization of %s: signal to quantization noise ratio of %d tensors", report.Title(r.Source), len(shown)),
		draw: func(p pen) {
			if o.Title {
				p.Rectangle = overviewFrame(p, r)
			}
			p = p.key(r)
			p.rows(r, shown, newRatios(r, shown))
		},
	}
}

// distribution draws all tensors in the order of their ratio, and rows for those with the
// largest and the smallest gain.
func distribution(r *report.Report, o Options) *Figure {
	pt := func(x float64) vg.Length { return vg.Points(x * o.Scale) }
	const curve, head = 250, 52
	height := pt(curve+16) + 2*(pt(rowHeight)*ends+pt(head))
	if o.Title {
		height += pt(88)
	}
	return &Figure{
		Width: o.Width, Height: height, scale: o.Scale,
		title: fmt.Sprintf("Quantization of %s: signal to quantization noise ratio of %d tensors", report.Title(r.Source), len(r.Tensors)),
		draw: func(p pen) {
			if o.Title {
				p.Rectangle = overviewFrame(p, r)
			}
			p = p.key(r)
			all := newRatios(r, r.Summary.ByGain)
			top := p
			top.Min.Y = top.Max.Y - p.len(curve-14)
			top.curve(r, all)
			p.Max.Y = top.Min.Y - p.len(16)
			for _, part := range []struct {
				title, about string
				index        []int
			}{
				{"Gain", "the tensors whose RMSE a scale for each channel divides by most", r.Summary.ByGain[:ends]},
				{"Loss", "the tensors with the lowest ratio per channel", byRatio(r)[:ends]},
			} {
				q := p
				q.Min.Y = q.Max.Y - p.len(head) - p.len(rowHeight)*ends
				p.Max.Y = q.Min.Y
				q = q.head(part.title, part.about)
				q.rows(r, part.index, all)
			}
		},
	}
}

// byRatio returns the tensors in ascending order of the ratio per channel.
func byRatio(r *report.Report) []int {
	index := slices.Clone(r.Summary.ByGain)
	slices.SortStableFunc(index, func(a, b int) int {
		return cmp.Compare(r.Tensors[a].Results[1].SQNR, r.Tensors[b].Results[1].SQNR)
	})
	return index
}

// heading writes the source and the description of a sheet, and returns the space below.
func heading(p pen, source, says string) vg.Rectangle {
	in := p.Rectangle
	margin := p.len(22)
	in.Min.X += margin
	in.Max.X -= margin
	in.Max.Y -= margin
	in.Min.Y += p.len(14)
	width := in.Max.X - in.Min.X
	title := p.face(sizeTitle, true, ink)
	in.Max.Y -= p.len(sizeTitle)
	p.put(title, in.Min.X, in.Max.Y, clip(title, source, width))
	about := p.face(sizeLabel+0.5, false, muted)
	in.Max.Y -= p.len(16)
	p.put(about, in.Min.X, in.Max.Y, clip(about, says, width))
	return in
}

func overviewFrame(p pen, r *report.Report) vg.Rectangle {
	in := heading(p, report.Title(r.Source), r.Options.About())
	width := in.Max.X - in.Min.X
	in.Max.Y -= p.len(12)
	note := p.face(sizeCaption, false, muted)
	lines := wrap(note, OverviewNote(r), width)
	for i, l := range reverse(lines) {
		p.put(note, in.Min.X, in.Min.Y+p.len(11)*vg.Length(i), l)
	}
	in.Min.Y += p.len(18)
	return in
}

func reverse(s []string) []string {
	for i, k := 0, len(s)-1; i < k; i, k = i+1, k-1 {
		s[i], s[k] = s[k], s[i]
	}
	return s
}

// OverviewNote describes an overview in a sentence.
func OverviewNote(r *report.Report) string {
	n := len(r.Summary.ByGain)
	if n > MaxRows {
		return fmt.Sprintf("The curve shows all %d tensors; the %d that gain most, and the %d with the lowest ratio, are named below it. 6 dB are a factor of 2 in RMSE.",
			n, ends, ends)
	}
	return fmt.Sprintf("All %d tensors are shown", n) +
		", first those whose RMSE one scale for each channel divides by most (the gain); 6 dB are a factor of 2."
}

// ratios is the range of signal to noise ratios on an axis.
type ratios struct{ lo, hi float64 }

func newRatios(r *report.Report, shown []int) ratios {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, i := range shown {
		for _, res := range r.Tensors[i].Results {
			if v := float64(res.SQNR); !math.IsInf(v, 0) {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
	}
	if lo > hi {
		lo, hi = 0, 1
	}
	if hi-lo < 6 {
		lo, hi = lo-3, hi+3
	}
	pad := (hi - lo) * 0.04
	return ratios{lo - pad, hi + pad}
}

// on returns the place of a ratio on an axis. Infinite ratios are at exact.
func (x ratios) on(from, to, exact vg.Length) func(float64) vg.Length {
	return func(v float64) vg.Length {
		switch {
		case math.IsInf(v, 1):
			return exact
		case math.IsInf(v, -1):
			return from
		}
		return from + (to-from)*vg.Length((v-x.lo)/(x.hi-x.lo))
	}
}

// key draws the key of the schemes, and returns the space below it.
func (p pen) key(r *report.Report) pen {
	y := p.Max.Y - p.len(9)
	style, x := p.face(sizeLabel, false, ink), p.Min.X
	for k, res := range r.Tensors[0].Results {
		p.DrawGlyph(draw.GlyphStyle{Color: schemes[k], Radius: p.len(3.4), Shape: draw.CircleGlyph{}},
			vg.Point{X: x + p.len(4), Y: y + p.len(2.8)})
		x += p.len(12)
		p.put(style, x, y, res.Scheme.Label())
		x += style.Width(res.Scheme.Label()) + p.len(16)
	}
	about := p.face(sizeLabel, false, muted)
	p.put(about, x, y, "signal to quantization noise ratio: more is better")
	p.Max.Y = y - p.len(8)
	return p
}

// rows draws a row for each tensor: a dot for each scheme, joined by a line.
func (p pen) rows(r *report.Report, shown []int, scale ratios) {
	name := p.face(sizeLabel, false, ink)
	var names []string
	for _, i := range shown {
		names = append(names, r.Tensors[i].Name)
	}
	names, widest := elide(name, names, (p.Max.X-p.Min.X)*0.38)
	left, right := p.Min.X+widest+p.len(24), p.Max.X-p.len(66)
	exact := right - p.len(4) // the place of infinite ratios
	x := scale.on(left, right-p.len(34), exact)

	// The axis.
	y := p.Max.Y - p.len(12)
	tick := p.face(sizeTick, false, muted)
	head := tick
	head.XAlign = vgtext.XRight
	p.put(head, p.Max.X, y, "gain")
	tick.XAlign = vgtext.XCenter
	bottom := y - p.len(4) - p.len(rowHeight)*vg.Length(len(shown))
	for _, m := range round(scale.lo, scale.hi, 8) {
		p.put(tick, x(m.at), y, m.label+" dB")
		p.StrokeLine2(p.line(rule, 0.5), x(m.at), y-p.len(4), x(m.at), bottom)
	}
	p.put(tick, exact, y, "exact")
	y -= p.len(4)
	for n, i := range shown {
		t := &r.Tensors[i]
		if n%2 == 0 {
			p.fill(fade(band, 0.7), p.Min.X-p.len(4), y-p.len(rowHeight), p.Max.X+p.len(4), y)
		}
		y -= p.len(rowHeight)
		p.put(name, p.Min.X, y+p.len(5), names[n])
		mid := y + p.len(8.5)
		from, to := exact, left
		for _, res := range t.Results {
			at := x(float64(res.SQNR))
			from, to = min(from, at), max(to, at)
		}
		p.StrokeLine2(p.line(filler, 2), from, mid, to, mid)
		for k := range t.Results {
			p.DrawGlyph(draw.GlyphStyle{Color: schemes[k], Radius: p.len(3.4), Shape: draw.CircleGlyph{}},
				vg.Point{X: x(float64(t.Results[k].SQNR)), Y: mid})
		}
		gain := p.face(sizeLabel, true, ink)
		gain.XAlign = vgtext.XRight
		p.put(gain, p.Max.X, y+p.len(5), text.Times(t.Results[1].Gain.RMSEFactor))
	}
}

// curve draws all tensors side by side, in the order of their ratio per channel.
func (p pen) curve(r *report.Report, scale ratios) {
	p = p.head(fmt.Sprintf("All %s tensors", text.Count(int64(len(r.Tensors)))), "from the lowest ratio per channel to the highest")
	index := byRatio(r)
	left, right := p.Min.X+p.len(40), p.Max.X-p.len(6)
	bottom, top := p.Min.Y+p.len(26), p.Max.Y-p.len(18)
	exact := top + p.len(12)
	y := scale.on(bottom, top, exact)
	n := vg.Length(len(index))
	x := func(i int) vg.Length { return left + (right-left)*(vg.Length(i)+0.5)/n }

	tick := p.face(sizeTick, false, muted)
	tick.XAlign = vgtext.XRight
	tick.YAlign = vgtext.YCenter
	some := false
	for _, m := range round(scale.lo, scale.hi, 6) {
		p.put(tick, left-p.len(6), y(m.at), m.label+" dB")
		p.StrokeLine2(p.line(rule, 0.5), left, y(m.at), right, y(m.at))
	}
	for _, i := range index {
		for _, res := range r.Tensors[i].Results {
			some = some || math.IsInf(float64(res.SQNR), 1)
		}
	}
	if some {
		p.put(tick, left-p.len(6), exact, "exact")
		p.StrokeLine2(p.line(rule, 0.5), left, exact, right, exact)
	}
	p.StrokeLine2(p.line(axis, 0.6), left, bottom-p.len(4), right, bottom-p.len(4))
	tick.XAlign, tick.YAlign = vgtext.XCenter, vgtext.YTop
	for _, m := range round(1, float64(len(index)), 8) {
		if m.at >= 1 && m.at == math.Trunc(m.at) {
			p.put(tick, x(int(m.at)-1), bottom-p.len(7), m.label)
			p.StrokeLine2(p.line(axis, 0.6), x(int(m.at)-1), bottom-p.len(4), x(int(m.at)-1), bottom-p.len(7))
		}
	}
	label := p.face(sizeLabel, false, muted)
	label.XAlign = vgtext.XCenter
	p.put(label, (left+right)/2, p.Min.Y, "tensor, by rank")

	step := (right - left) / n
	radius := min(max(step*0.42, p.len(0.9)), p.len(2.6))
	for at, i := range index {
		t := &r.Tensors[i]
		lo, hi := exact, bottom
		for _, res := range t.Results {
			v := y(float64(res.SQNR))
			lo, hi = min(lo, v), max(hi, v)
		}
		p.StrokeLine2(draw.LineStyle{Color: fade(filler, 0.8), Width: min(step*0.5, p.len(1.4))}, x(at), lo, x(at), hi)
	}
	for k := range r.Tensors[0].Results {
		for at, i := range index {
			p.DrawGlyph(draw.GlyphStyle{Color: schemes[k], Radius: radius, Shape: draw.CircleGlyph{}},
				vg.Point{X: x(at), Y: y(float64(r.Tensors[i].Results[k].SQNR))})
		}
	}
}
