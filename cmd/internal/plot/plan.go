package plot

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// Plan draws the front of a plan, which is the best ratio for each size, with the plan itself
// and the candidates for all weights.
func Plan(p *report.Plan, o Options) *Figure {
	o.settle()
	pt := func(x float64) vg.Length { return vg.Points(x * o.Scale) }
	height := pt(330)
	if o.Title {
		height += pt(92)
	}
	return &Figure{
		Width: o.Width, Height: height, scale: o.Scale,
		title: "Plan of " + text.Clean(p.Source) + ": error and size",
		draw: func(c pen) {
			if o.Title {
				c.Rectangle = framed(c, p.Source, p.About(), p.Verdict())
			}
			c.front(p)
		},
	}
}

// planBounds returns the limits of the axes of a front.
func planBounds(p *report.Plan) (left, right, lo, hi float64) {
	left, right, lo, hi = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	add := func(x report.PlanPoint) {
		if v := x.Shown(); finite(v) {
			left, right = min(left, float64(x.BitsPerWeight)), max(right, float64(x.BitsPerWeight))
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	for _, r := range p.Recipes {
		add(r.PlanPoint)
	}
	// The front continues to the size of float32, but the axis ends near the largest candidate
	// and the plan, which would otherwise have little space.
	most := max(right, 1.25*float64(p.Summary.BitsPerWeight))
	for _, x := range p.Front {
		if float64(x.BitsPerWeight) <= most {
			add(x)
		}
	}
	return left, right, lo, hi
}

// frontWords returns the words above a front, and the label of its ratios. With an importance the
// ratios are weighted.
func frontWords(r *report.Plan) (about, ratios string) {
	switch n, all := r.Summary.Weighted, len(r.Weights); {
	case n == 0:
		return "the best ratio for each size; all weights together; a point is one candidate for all weights, and the ring is the plan", "SQNR, dB"
	case n < all:
		about = fmt.Sprintf("weighted ratios of %d of %d weights", n, all)
	default:
		about = "weighted ratios"
	}
	return about + "; the plans have the best unweighted ratio; a point is one candidate for all, the ring is the plan", "weighted SQNR, dB"
}

// front draws the ratio against the bits of each weight.
func (p pen) front(r *report.Plan) {
	about, ratios := frontWords(r)
	p = p.head("Front", about)
	left, right, lo, hi := planBounds(r)
	if lo > hi {
		p.put(p.face(sizeLabel, false, muted), p.Min.X, p.Max.Y-p.len(16), "Nothing is lost under any plan.")
		return
	}
	q := p.blank()
	pad := max((hi-lo)*0.08, 1)
	q.Y.Min, q.Y.Max = lo-pad, hi+pad
	q.X.Min, q.X.Max = left-0.3, right+0.3
	q.X.Label.Text = "bits per weight"
	q.Y.Label.Text = ratios
	q.Add(p.grid(q))
	q.Add(layer(func(c draw.Canvas, x, y func(float64) vg.Length) {
		at := func(v report.PlanPoint) vg.Point {
			return vg.Point{X: x(float64(v.BitsPerWeight)), Y: y(v.Shown())}
		}
		var curve []vg.Point
		for _, v := range r.Front {
			if finite(v.Shown()) && float64(v.BitsPerWeight) <= q.X.Max {
				next := at(v)
				if n := len(curve); n > 0 { // the plan before is that of the sizes up to this one
					curve = append(curve, vg.Point{X: next.X, Y: curve[n-1].Y})
				}
				curve = append(curve, next)
			}
		}
		if len(curve) > 1 {
			c.StrokeLines(p.line(schemes[0], 1.4), curve)
		}
		var labels []vg.Point
		for _, v := range r.Recipes {
			if !finite(v.Shown()) {
				continue
			}
			pt := at(v.PlanPoint)
			c.DrawGlyph(draw.GlyphStyle{Color: schemes[1], Radius: p.len(3), Shape: draw.CircleGlyph{}}, pt)
			style, name := p.face(sizeTick, false, schemes[1]), text.Clean(v.Name)
			place := vg.Point{X: pt.X + p.len(5), Y: pt.Y - p.len(9)}
			if width := style.Width(name); place.X+width > c.Max.X {
				place.X = pt.X - p.len(5) - width
			}
			// A label that would overlap another is drawn below its point.
			for slices.ContainsFunc(labels, func(o vg.Point) bool {
				return math.Abs(float64(o.X-place.X)) < float64(p.len(60)) && math.Abs(float64(o.Y-place.Y)) < float64(p.len(8))
			}) {
				place.Y -= p.len(8)
			}
			labels = append(labels, place)
			c.FillText(style, place, name)
		}
		now := report.PlanPoint{BitsPerWeight: r.Summary.BitsPerWeight, SQNR: r.Summary.SQNR, WeightedSQNR: r.Summary.WeightedSQNR}
		if finite(now.Shown()) {
			pt := at(now)
			c.DrawGlyph(draw.GlyphStyle{Color: ink, Radius: p.len(5.2), Shape: draw.CircleGlyph{}}, pt)
			c.DrawGlyph(draw.GlyphStyle{Color: color.White, Radius: p.len(4.3), Shape: draw.CircleGlyph{}}, pt)
			c.DrawGlyph(draw.GlyphStyle{Color: schemes[0], Radius: p.len(3), Shape: draw.CircleGlyph{}}, pt)
		}
	}))
	p.show(q)
}
