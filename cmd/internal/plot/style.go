package plot

import (
	"image/color"
	"math"
	"slices"
	"strconv"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	vgtext "gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The colours are distinguishable with any kind of colour vision (they are similar to those of
// Okabe and Ito). They differ in lightness, for printing in grey.
var (
	ink    = color.NRGBA{0x1c, 0x23, 0x2b, 0xff} // text, and the original
	muted  = color.NRGBA{0x5b, 0x66, 0x73, 0xff} // secondary text
	rule   = color.NRGBA{0xdd, 0xe2, 0xe8, 0xff} // grid
	axis   = color.NRGBA{0x9a, 0xa5, 0xb1, 0xff} // lines of axes
	band   = color.NRGBA{0xf4, 0xf6, 0xf9, 0xff} // every other channel
	filler = color.NRGBA{0xb8, 0xc4, 0xd2, 0xff} // bars of a histogram

	schemes = []color.NRGBA{
		{0x00, 0x72, 0xb2, 0xff}, // per tensor: blue, as on the calculator's page
		{0xd5, 0x5e, 0x00, 0xff}, // per channel: vermilion
		{0x00, 0x9e, 0x73, 0xff}, // per group: bluish green
	}
	shapes = []draw.GlyphDrawer{box{}, triangle{}, diamond{}}
)

// fade returns a colour with the given opacity.
func fade(c color.NRGBA, opacity float64) color.NRGBA {
	c.A = uint8(255*opacity + 0.5)
	return c
}

// Sizes of text in a figure of full size, in points.
const (
	sizeTitle   = 15
	sizePanel   = 10
	sizeLabel   = 8.5
	sizeTick    = 8
	sizeCaption = 8
)

// handler draws text without markup.
var handler = vgtext.Plain{Fonts: font.DefaultCache}

// A pen draws on a canvas at a scale.
type pen struct {
	draw.Canvas
	scale float64
}

func (p pen) len(points float64) vg.Length { return vg.Points(points * p.scale) }

func (p pen) face(size float64, bold bool, c color.Color) vgtext.Style {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: p.len(size)}
	if bold {
		f.Weight = xfont.WeightBold
	}
	return vgtext.Style{Color: c, Font: f, Handler: handler, XAlign: vgtext.XLeft, YAlign: vgtext.YBottom}
}

func (p pen) line(c color.Color, width float64) draw.LineStyle {
	return draw.LineStyle{Color: c, Width: p.len(width)}
}

// at returns p for a part of its canvas.
func (p pen) at(r vg.Rectangle) pen {
	p.Rectangle = r
	return p
}

// blank returns a plot in the style of this package.
func (p pen) blank() *plot.Plot {
	q := plot.New()
	q.TextHandler = handler
	q.BackgroundColor = nil
	for _, a := range []*plot.Axis{&q.X, &q.Y} {
		a.Padding = 0
		a.Label.TextStyle.Font = p.face(sizeLabel, false, muted).Font
		a.Label.TextStyle.Color = muted
		a.Label.TextStyle.Handler = handler
		a.Label.Padding = p.len(3)
		a.LineStyle = p.line(axis, 0.6)
		a.Tick.Label.Font = p.face(sizeTick, false, muted).Font
		a.Tick.Label.Color = muted
		a.Tick.Label.Handler = handler
		a.Tick.LineStyle = p.line(axis, 0.6)
		a.Tick.Length = p.len(3)
		a.Tick.Marker = ticks{6}
	}
	q.Y.LineStyle.Width = 0
	q.Y.Tick.LineStyle.Width = 0
	q.Y.Tick.Length = p.len(4)
	q.Y.Padding = p.len(3)
	return q
}

// ticks has about n marks at round numbers.
type ticks struct{ n int }

func (t ticks) Ticks(lo, hi float64) []plot.Tick {
	var marks []plot.Tick
	for _, v := range round(lo, hi, t.n) {
		marks = append(marks, plot.Tick{Value: v.at, Label: v.label})
	}
	return marks
}

// A mark is a number on an axis.
type mark struct {
	at    float64
	label string
}

// round returns about n round numbers from lo to hi.
func round(lo, hi float64, n int) []mark {
	if !(hi > lo) || math.IsInf(hi-lo, 0) {
		return []mark{{lo, short(lo)}}
	}
	raw := (hi - lo) / float64(n)
	exp := math.Floor(math.Log10(raw))
	step := math.Pow(10, exp)
	switch f := raw / step; {
	case f > 7:
		step *= 10
		exp++
	case f > 3.5:
		step *= 5
	case f > 1.5:
		step *= 2
	}
	if step == 0 || math.IsInf(step, 0) {
		return []mark{{lo, short(lo)}, {hi, short(hi)}}
	}
	var marks []mark
	first, last := math.Ceil(lo/step-1e-9), math.Floor(hi/step+1e-9)
	if last-first > 100 || first+1 == first { // the range is too narrow for its numbers
		return []mark{{lo, short(lo)}, {hi, short(hi)}}
	}
	most := max(math.Abs(first), math.Abs(last)) * step
	for i := first; i <= last; i++ {
		v := i * step
		label := ""
		switch {
		case i == 0:
			label = "0"
		case most >= 1e5 && most < 1e15:
			label = short(v)
		case most >= 1e15 || most < 1e-3:
			label = scientific(v, int(math.Floor(math.Log10(math.Abs(v))+1e-9))-int(exp))
		default:
			label = strconv.FormatFloat(v, 'f', max(0, -int(exp)), 64)
		}
		marks = append(marks, mark{v, minus(label)})
	}
	return marks
}

// short writes a number in few characters: 1.5e-7, 20k.
func short(v float64) string {
	a := math.Abs(v)
	switch {
	case a == 0:
		return "0" // without a sign
	case a >= 1e15 || a > 0 && a < 1e-3:
		m, e, _ := strings.Cut(scientific(v, 2), "e")
		return strings.TrimRight(strings.TrimRight(m, "0"), ".") + "e" + e
	case a >= 1e12:
		return minus(trim(v/1e12) + "T")
	case a >= 1e9:
		return minus(trim(v/1e9) + "G")
	case a >= 1e6:
		return minus(trim(v/1e6) + "M")
	case a >= 1e3:
		return minus(trim(v/1e3) + "k")
	}
	return minus(trim(v))
}

// scientific writes a number with the given number of decimals and a short exponent.
func scientific(v float64, decimals int) string {
	m, e, _ := strings.Cut(strconv.FormatFloat(v, 'e', max(0, decimals), 64), "e")
	n, err := strconv.Atoi(e)
	if err != nil {
		return minus(m + "e" + e)
	}
	return minus(m + "e" + strconv.Itoa(n))
}

func trim(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

// minus replaces hyphens by minus signs.
func minus(s string) string { return strings.ReplaceAll(s, "-", "−") }

// decades has the marks of a logarithmic axis.
type decades struct{}

func (decades) Ticks(lo, hi float64) []plot.Tick {
	if lo <= 0 || hi <= 0 {
		return nil
	}
	from, to := int(math.Floor(math.Log10(lo))), int(math.Ceil(math.Log10(hi)))
	steps := []float64{1}
	if to-from <= 2 {
		steps = []float64{1, 2, 5}
	}
	every := max(1, (to-from)/5)
	var marks []plot.Tick
	for e := from; e <= to; e++ {
		for _, s := range steps {
			v := s * math.Pow(10, float64(e))
			if v < lo || v > hi || (e-from)%every != 0 {
				continue
			}
			marks = append(marks, plot.Tick{Value: v, Label: short(v)})
		}
	}
	return marks
}

// list has given marks.
type list []plot.Tick

func (l list) Ticks(lo, hi float64) []plot.Tick { return l }

// The symbols are hollow, so that one is visible through another.
type (
	box      struct{}
	triangle struct{}
	diamond  struct{}
)

func (box) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	outline(c, s, at, [][2]vg.Length{{-0.9, -0.9}, {0.9, -0.9}, {0.9, 0.9}, {-0.9, 0.9}})
}

func (triangle) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	outline(c, s, at, [][2]vg.Length{{-1.15, -0.75}, {1.15, -0.75}, {0, 1.3}})
}

func (diamond) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	outline(c, s, at, [][2]vg.Length{{0, -1.25}, {1.25, 0}, {0, 1.25}, {-1.25, 0}})
}

func outline(c *draw.Canvas, s draw.GlyphStyle, at vg.Point, corners [][2]vg.Length) {
	var p vg.Path
	for i, k := range corners {
		pt := vg.Point{X: at.X + k[0]*s.Radius, Y: at.Y + k[1]*s.Radius}
		if i == 0 {
			p.Move(pt)
		} else {
			p.Line(pt)
		}
	}
	p.Close()
	c.SetLineStyle(draw.LineStyle{Color: s.Color, Width: s.Radius * 0.42})
	c.Stroke(p)
}

// granularities are the colours of the lines of a sweep: those of the schemes, and more for
// groups of other sizes.
var granularities = append(slices.Clone(schemes),
	color.NRGBA{0xcc, 0x79, 0xa7, 0xff}, color.NRGBA{0xe6, 0x9f, 0x00, 0xff}, color.NRGBA{0x56, 0xb4, 0xe9, 0xff})
