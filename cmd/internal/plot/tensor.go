package plot

import (
	"fmt"
	"image/color"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	vgtext "gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// How many points are drawn singly, and up to where lines still have air.
const (
	fewPoints   = 120
	fewChannels = 32
	fewBands    = 48
	piece       = 64 // lines that are drawn at once
)

// A sheet is the panels of one tensor.
type sheet struct {
	r *report.Report
	t *report.Tensor
	d *report.Detail
	pen
}

// Tensor draws the sheet of a tensor: its elements and their errors, the
// channels, a histogram with the grids of codes, and the sweep of widths.
func Tensor(r *report.Report, d *report.Detail, o Options) *Figure {
	o.settle()
	t := &r.Tensors[d.Tensor]
	if o.Height == 0 {
		o.Height = o.Width * 1.52
	}
	return &Figure{
		Width: o.Width, Height: o.Height, scale: o.Scale,
		title: "Quantization of " + text.Clean(t.Name) + ". " + t.Verdict,
		draw: func(p pen) {
			s := sheet{r, t, d, p}
			if o.Title {
				s.Rectangle = s.frame()
			}
			s.panels()
		},
	}
}

// frame draws title, verdict and notes, and returns what room is left.
func (s sheet) frame() vg.Rectangle {
	in := s.Rectangle
	margin := s.len(22)
	in.Min.X += margin
	in.Max.X -= margin
	in.Max.Y -= margin
	in.Min.Y += s.len(14)
	width := in.Max.X - in.Min.X

	title := s.face(sizeTitle, true, ink)
	in.Max.Y -= s.len(sizeTitle)
	s.put(title, in.Min.X, in.Max.Y, clip(title, s.t.Name, width))
	about := s.face(sizeLabel+0.5, false, muted)
	in.Max.Y -= s.len(16)
	s.put(about, in.Min.X, in.Max.Y, clip(about, s.t.About()+" · "+s.r.Options.About(), width))
	verdict := s.face(sizeLabel+1, false, ink)
	for _, l := range wrap(verdict, s.t.Verdict, width) {
		in.Max.Y -= s.len(15)
		s.put(verdict, in.Min.X, in.Max.Y, l)
	}
	in.Max.Y -= s.len(10)

	note := s.face(sizeCaption, false, muted)
	lines := wrap(note, s.d.Note(), width)
	for i := range lines {
		s.put(note, in.Min.X, in.Min.Y, lines[len(lines)-1-i])
		in.Min.Y += s.len(11)
	}
	in.Min.Y += s.len(8)
	return in
}

// panels draws all panels into the room that there is.
func (s sheet) panels() {
	room := s.Rectangle
	room.Max.Y -= s.len(9)
	s.legend(room.Min.X, room.Max.Y)
	room.Max.Y -= s.len(14)
	gap := s.len(12)
	height := room.Max.Y - room.Min.Y - 4*gap
	y := room.Max.Y
	row := func(share float64, plots ...func(pen)) {
		h := height * vg.Length(share)
		w := (room.Max.X - room.Min.X - s.len(18)*vg.Length(len(plots)-1)) / vg.Length(len(plots))
		for i, f := range plots {
			x := room.Min.X + vg.Length(i)*(w+s.len(18))
			f(s.at(vg.Rectangle{Min: vg.Point{X: x, Y: y - h}, Max: vg.Point{X: x + w, Y: y}}))
		}
		y -= h + gap
	}
	var values, errors panel
	row(0.235, func(p pen) { values = s.elements(p) })
	row(0.185, func(p pen) { errors = s.errors(p) })
	left := max(values.left(), errors.left())
	values.show(left)
	errors.show(left)
	row(0.19, s.channels, s.histogram)
	row(0.20, s.methods, s.methodTable)
	row(0.19, s.sweepRMSE, s.sweepBytes)
}

// legend draws the key to all panels.
func (s sheet) legend(x, y vg.Length) {
	style := s.face(sizeLabel, false, ink)
	entry := func(c color.NRGBA, shape draw.GlyphDrawer, label string) {
		mid := y + s.len(2.8)
		s.StrokeLine2(s.line(c, 1.4), x, mid, x+s.len(18), mid)
		s.DrawGlyph(draw.GlyphStyle{Color: c, Radius: s.len(3), Shape: shape}, vg.Point{X: x + s.len(9), Y: mid})
		x += s.len(23)
		s.put(style, x, y, label)
		x += style.Width(label) + s.len(18)
	}
	entry(ink, draw.CircleGlyph{}, "original")
	for i, r := range s.t.Results {
		entry(schemes[i], shapes[i], r.Scheme.Label())
	}
}

// head writes the title of a panel, and returns a pen for the rest.
func (p pen) head(title, about string) pen {
	bold, plain := p.face(sizePanel, true, ink), p.face(sizeLabel, false, muted)
	y := p.Max.Y - p.len(sizePanel)
	p.put(bold, p.Min.X, y, title)
	x := p.Min.X + bold.Width(title) + p.len(7)
	p.put(plain, x, y, clip(plain, about, p.Max.X-x))
	p.Max.Y = y - p.len(7)
	return p
}

// show draws a plot below its title.
func (p pen) show(q *plot.Plot) { q.Draw(p.Canvas) }

// A panel is a plot that is yet to be drawn.
type panel struct {
	pen
	plot *plot.Plot
}

// left is where its data begin.
func (p panel) left() vg.Length { return p.plot.DataCanvas(p.Canvas).Min.X }

// show draws the panel so that its data begin at left, below those of another.
func (p panel) show(left vg.Length) {
	p.Min.X += left - p.left()
	p.plot.Draw(p.Canvas)
}

// A layer is a plotter made of a function.
type layer func(c draw.Canvas, x, y func(float64) vg.Length)

func (l layer) Plot(c draw.Canvas, q *plot.Plot) {
	x, y := q.Transforms(&c)
	l(c, x, y)
}

// grid draws a line at each mark of the Y axis.
func (p pen) grid(q *plot.Plot) layer {
	return func(c draw.Canvas, _, y func(float64) vg.Length) {
		for _, t := range q.Y.Tick.Marker.Ticks(q.Y.Min, q.Y.Max) {
			if t.Value < q.Y.Min || t.Value > q.Y.Max {
				continue
			}
			style := p.line(rule, 0.5)
			if t.Value == 0 {
				style.Color = axis
			}
			c.StrokeLine2(style, c.Min.X, y(t.Value), c.Max.X, y(t.Value))
		}
	}
}

// byElement prepares a plot against the position of elements, with the
// channels marked: by bands with their numbers, or by the marks of the axis.
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

// runs calls f with the points of each channel, or of all together where a
// channel has too few of them to be worth a line of its own.
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
			// In pieces, as the time that a PNG's rasterizer takes for a line grows
			// with the square of its crossings.
			for style := p.line(c, width); len(pts) > 1; pts = pts[min(piece, len(pts)-1):] {
				dc.StrokeLines(style, pts[:min(piece+1, len(pts))])
			}
		})
	}
}

func (s sheet) elements(p pen) panel {
	e := &s.d.Elements
	p = p.head("Values", "original and what comes back, channel by channel")
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
		// Wider lines below thinner ones show where they part.
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
	p = p.head("Error", "what comes back minus the original")
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

func bounds(curves ...text.Floats) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, c := range curves {
		for _, v := range c {
			if finite(float64(v)) {
				lo, hi = min(lo, float64(v)), max(hi, float64(v))
			}
		}
	}
	if lo > hi {
		return 0, 0
	}
	return lo, hi
}

// finite reports whether a number can be drawn: errors of values near the
// largest float32 may be infinite.
func finite(v float64) bool { return !math.IsInf(v, 0) && !math.IsNaN(v) }

// fromZero prepares a plot with a Y axis from 0.
func (p pen) fromZero(most float64) *plot.Plot {
	q := p.blank()
	if most == 0 {
		most = 1
	}
	q.Y.Min, q.Y.Max = 0, most*1.08
	q.Y.Tick.Marker = ticks{5}
	return q
}

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
					// A bar without height would look like one that was forgotten.
					zero := p.face(sizeTick, false, schemes[k])
					zero.XAlign = vgtext.XCenter
					dc.FillText(zero, vg.Point{X: x(mid), Y: y(0) + p.len(2)}, "0")
				}
			}
		}))
	}
	p.show(q)
}

// whole are marks at whole numbers.
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

func (s sheet) histogram(p pen) {
	h, of := &s.d.Histogram, "all values"
	if c := s.d.FocusHistogram(); c != nil && s.t.Channels > 1 {
		h, of = c, fmt.Sprintf("channel %d", *c.Channel)
	}
	// After the title each grid tells in its colour how many codes there are.
	bold, plain := p.face(sizePanel, true, ink), p.face(sizeLabel, false, muted)
	x := p.Min.X + bold.Width("Histogram") + p.len(7)
	y := p.Max.Y - p.len(sizePanel)
	p.put(plain, x, y, of)
	x += plain.Width(of) + p.len(9)
	for k, g := range h.Grids {
		style := p.face(sizeLabel, false, schemes[k])
		label := codes(g)
		p.put(style, x, y, label)
		x += style.Width(label) + p.len(9)
	}
	p = p.head("Histogram", "")

	most := int64(0)
	for _, c := range h.Counts {
		most = max(most, c)
	}
	q := p.fromZero(float64(most))
	lo, hi := float64(h.Min), float64(h.Max)
	if lo == hi {
		pad := max(math.Abs(lo)*0.1, 1e-30)
		lo, hi = lo-pad, hi+pad
	}
	q.X.Min, q.X.Max = lo, hi
	for _, g := range h.Grids {
		for _, v := range g.Values { // the outer ones may lie beyond the values
			if finite(float64(v)) {
				q.X.Min, q.X.Max = min(q.X.Min, float64(v)), max(q.X.Max, float64(v))
			}
		}
	}
	pad := (q.X.Max - q.X.Min) * 0.03
	q.X.Min -= pad
	q.X.Max += pad
	q.X.Tick.Marker = ticks{6}
	q.Y.Tick.Marker = whole{4}
	// Below the bars each grid has a strip.
	strip := float64(most) * 0.12
	q.Y.Min = -strip * (float64(len(h.Grids)) + 0.3)
	q.X.Label.Text = "value; the ticks below the bars are what codes stand for"
	q.Add(p.grid(q))
	q.Add(layer(func(dc draw.Canvas, x, y func(float64) vg.Length) {
		width := (hi - lo) / float64(len(h.Counts))
		for i, n := range h.Counts {
			if n == 0 {
				continue
			}
			gap := p.len(0.3)
			from, to := lo+float64(i)*width, lo+float64(i+1)*width
			if len(h.Counts) == 1 {
				from, to = lo+width*0.4, lo+width*0.6
			}
			p.at(dc.Rectangle).fill(filler, x(from)+gap, y(0), x(to)-gap, y(float64(n)))
		}
		for k, g := range h.Grids {
			top, bottom := y(-strip*(float64(k)+0.3)), y(-strip*(float64(k)+1))
			for _, v := range g.Values {
				if finite(float64(v)) {
					dc.StrokeLine2(p.line(schemes[k], 0.5), x(float64(v)), bottom, x(float64(v)), top)
				}
			}
			if g.Codes > 0 && len(g.Values) == 0 { // too many to draw
				p.at(dc.Rectangle).fill(fade(schemes[k], 0.5), x(lo), bottom, x(hi), top)
			}
		}
	}))
	p.show(q)
}

func codes(g report.Grid) string {
	switch g.Codes {
	case 0:
		return "several grids"
	case 1:
		return "1 code"
	}
	return text.Count(int64(g.Codes)) + " codes"
}

// byBits prepares the X axis of a sweep, with the width that was asked for marked.
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

// sweep draws a number of each scheme against the width of a code.
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
	rmse := func(r report.SweepResult) float64 { return float64(r.RMSE) }
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
	p = p.head("RMSE against width", about)
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

// compact are marks of an axis of counts, written as 20k or 3M.
type compact struct{ n int }

func (b compact) Ticks(lo, hi float64) []plot.Tick {
	var marks []plot.Tick
	for _, m := range round(lo, hi, b.n) {
		marks = append(marks, plot.Tick{Value: m.at, Label: short(m.at)})
	}
	return marks
}
