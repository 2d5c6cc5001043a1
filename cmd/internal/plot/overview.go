package plot

import (
	"fmt"
	"math"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/a01592f9/quant/cmd/internal/report"
)

// MaxOverview is how many tensors an overview shows.
const MaxOverview = 60

// Overview draws the gain of each tensor of a report: its signal to noise
// ratio under each scheme. Of many tensors those that gain most are shown.
func Overview(r *report.Report, o Options) *Figure {
	o.settle()
	shown := r.Summary.ByGain[:min(len(r.Summary.ByGain), MaxOverview)]
	pt := func(x float64) vg.Length { return vg.Points(x * o.Scale) }
	height := pt(17)*vg.Length(len(shown)) + pt(54)
	if o.Title {
		height += pt(88)
	}
	return &Figure{
		Width: o.Width, Height: height, scale: o.Scale,
		title: fmt.Sprintf("Quantization of %s: signal to quantization noise ratio of %d tensors", report.Clean(r.Source), len(shown)),
		draw: func(p pen) {
			if o.Title {
				p.Rectangle = overviewFrame(p, r, len(shown))
			}
			overview(p, r, shown)
		},
	}
}

func overviewFrame(p pen, r *report.Report, shown int) vg.Rectangle {
	in := p.Rectangle
	margin := p.len(22)
	in.Min.X += margin
	in.Max.X -= margin
	in.Max.Y -= margin
	in.Min.Y += p.len(14)
	width := in.Max.X - in.Min.X
	title := p.face(sizeTitle, true, ink)
	in.Max.Y -= p.len(sizeTitle)
	p.put(title, in.Min.X, in.Max.Y, clip(title, r.Source, width))
	about := p.face(sizeLabel+0.5, false, muted)
	in.Max.Y -= p.len(16)
	p.put(about, in.Min.X, in.Max.Y, clip(about, r.Options.About(), width))
	in.Max.Y -= p.len(12)
	note := p.face(sizeCaption, false, muted)
	for i, l := range reverse(wrap(note, OverviewNote(r), width)) {
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

// OverviewNote says in a sentence what an overview shows.
func OverviewNote(r *report.Report) string {
	n := len(r.Summary.ByGain)
	s := fmt.Sprintf("All %d tensors are shown", n)
	if n > MaxOverview {
		s = fmt.Sprintf("%d of %d tensors are shown", MaxOverview, n)
	}
	return s + ", first those whose RMSE one scale for each channel divides by most (the gain); 6 dB are a factor of 2."
}

// overview draws a row for each tensor: a dot for each scheme, joined by a line.
func overview(p pen, r *report.Report, shown []int) {
	name := p.face(sizeLabel, false, ink)
	widest := vg.Length(0)
	limit := (p.Max.X - p.Min.X) * 0.38
	for _, i := range shown {
		widest = max(widest, name.Width(clip(name, r.Tensors[i].Name, limit)))
	}
	left, right := p.Min.X+widest+p.len(24), p.Max.X-p.len(66)

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
	lo, hi = lo-pad, hi+pad
	exact := right - p.len(4) // where nothing is lost
	x := func(v float64) vg.Length {
		if math.IsInf(v, 1) {
			return exact
		}
		if math.IsInf(v, -1) {
			return left
		}
		return left + (right-p.len(34)-left)*vg.Length((v-lo)/(hi-lo))
	}

	// The key, and the axis.
	y := p.Max.Y - p.len(9)
	s := sheet{r: r, t: &r.Tensors[0], pen: p}
	s.overviewLegend(p.Min.X, y)
	y -= p.len(20)
	tick := p.face(sizeTick, false, muted)
	head := tick
	head.XAlign = text.XRight
	p.put(head, p.Max.X, y, "gain")
	tick.XAlign = text.XCenter
	bottom := y - p.len(4) - p.len(17)*vg.Length(len(shown))
	for _, m := range round(lo, hi, 8) {
		p.put(tick, x(m.at), y, m.label+" dB")
		p.StrokeLine2(p.line(rule, 0.5), x(m.at), y-p.len(4), x(m.at), bottom)
	}
	p.put(tick, exact, y, "exact")
	y -= p.len(4)
	for n, i := range shown {
		t := &r.Tensors[i]
		if n%2 == 0 {
			p.fill(fade(band, 0.7), p.Min.X-p.len(4), y-p.len(17), p.Max.X+p.len(4), y)
		}
		y -= p.len(17)
		p.put(name, p.Min.X, y+p.len(5), clip(name, t.Name, limit))
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
		gain.XAlign = text.XRight
		p.put(gain, p.Max.X, y+p.len(5), report.Times(t.Results[1].Gain.RMSEFactor))
	}
}

func (s sheet) overviewLegend(x, y vg.Length) {
	style := s.face(sizeLabel, false, ink)
	for k, res := range s.t.Results {
		s.DrawGlyph(draw.GlyphStyle{Color: schemes[k], Radius: s.len(3.4), Shape: draw.CircleGlyph{}},
			vg.Point{X: x + s.len(4), Y: y + s.len(2.8)})
		x += s.len(12)
		s.put(style, x, y, res.Scheme.Label())
		x += style.Width(res.Scheme.Label()) + s.len(16)
	}
	about := s.face(sizeLabel, false, muted)
	s.put(about, x, y, "signal to quantization noise ratio: more is better")
}
