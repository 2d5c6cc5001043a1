package pdf

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"strconv"

	"codeberg.org/go-pdf/fpdf"
	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// A canvas is a canvas of gonum.org/v1/plot on the current page of a document, in points, with
// its origin at any place. It draws vectors and text.
type canvas struct {
	doc   *fpdf.Fpdf
	state state
	stack []state
	count *int // number of images
}

// A state is what Push saves.
type state struct {
	m      matrix
	color  color.NRGBA
	width  vg.Length
	dash   []float64
	offset float64
}

// A matrix maps x, y to a·x + c·y + e, b·x + d·y + f.
type matrix struct{ a, b, c, d, e, f float64 }

// newCanvas returns a canvas with its origin, the lower left corner, at x, y of the page. y
// counts from the top of the page.
func newCanvas(doc *fpdf.Fpdf, x, y float64) *canvas {
	c := &canvas{doc: doc, count: new(int)}
	c.state.m = matrix{1, 0, 0, -1, x, y}
	vg.Initialize(c)
	doc.SetLineJoinStyle("round")
	return c
}

// done restores the settings of the document.
func (c *canvas) done() {
	c.doc.SetAlpha(1, "Normal")
	c.doc.SetDashPattern(nil, 0)
	c.doc.SetLineJoinStyle("miter")
}

func (c *canvas) SetLineWidth(w vg.Length) { c.state.width = w }

func (c *canvas) SetLineDash(pattern []vg.Length, offset vg.Length) {
	c.state.dash = nil
	for _, d := range pattern {
		c.state.dash = append(c.state.dash, d.Points())
	}
	c.state.offset = offset.Points()
}

func (c *canvas) SetColor(col color.Color) {
	if col == nil {
		col = color.Black
	}
	c.state.color = color.NRGBAModel.Convert(col).(color.NRGBA)
}

func (m matrix) mul(n matrix) matrix {
	return matrix{
		m.a*n.a + m.c*n.b, m.b*n.a + m.d*n.b,
		m.a*n.c + m.c*n.d, m.b*n.c + m.d*n.d,
		m.a*n.e + m.c*n.f + m.e, m.b*n.e + m.d*n.f + m.f,
	}
}

func (c *canvas) Rotate(rad float64) {
	sin, cos := math.Sincos(rad)
	c.state.m = c.state.m.mul(matrix{cos, sin, -sin, cos, 0, 0})
}

func (c *canvas) Translate(pt vg.Point) {
	c.state.m = c.state.m.mul(matrix{1, 0, 0, 1, pt.X.Points(), pt.Y.Points()})
}

func (c *canvas) Scale(x, y float64) { c.state.m = c.state.m.mul(matrix{x, 0, 0, y, 0, 0}) }

func (c *canvas) Push() { c.stack = append(c.stack, c.state) }

func (c *canvas) Pop() {
	c.state = c.stack[len(c.stack)-1]
	c.stack = c.stack[:len(c.stack)-1]
}

// at returns the place of a point on the page.
func (c *canvas) at(pt vg.Point) (x, y float64) {
	m, px, py := c.state.m, pt.X.Points(), pt.Y.Points()
	return m.a*px + m.c*py + m.e, m.b*px + m.d*py + m.f
}

// zoom returns the factor of lengths.
func (c *canvas) zoom() float64 {
	m := c.state.m
	return math.Sqrt(math.Abs(m.a*m.d - m.b*m.c))
}

func (c *canvas) Stroke(p vg.Path) {
	if c.state.width <= 0 || c.state.color.A == 0 || len(p) == 0 {
		return
	}
	col := c.state.color
	c.doc.SetDrawColor(int(col.R), int(col.G), int(col.B))
	c.doc.SetAlpha(opacity(col), "Normal")
	c.doc.SetLineWidth(c.state.width.Points() * c.zoom())
	c.doc.SetDashPattern(c.state.dash, c.state.offset)
	c.path(p)
	c.doc.DrawPath("D")
}

func (c *canvas) Fill(p vg.Path) {
	if c.state.color.A == 0 || len(p) == 0 {
		return
	}
	col := c.state.color
	c.doc.SetFillColor(int(col.R), int(col.G), int(col.B))
	c.doc.SetAlpha(opacity(col), "Normal")
	c.path(p)
	c.doc.DrawPath("F")
}

func opacity(c color.NRGBA) float64 { return math.Round(float64(c.A)/255*100) / 100 }

// path adds p to the page without drawing it.
func (c *canvas) path(p vg.Path) {
	started := false
	for _, comp := range p {
		switch comp.Type {
		case vg.MoveComp:
			c.doc.MoveTo(c.at(comp.Pos))
			started = true
		case vg.LineComp:
			c.doc.LineTo(c.at(comp.Pos))
		case vg.CurveComp:
			x, y := c.at(comp.Pos)
			ax, ay := c.at(comp.Control[0])
			if len(comp.Control) == 1 {
				c.doc.CurveTo(ax, ay, x, y)
				continue
			}
			bx, by := c.at(comp.Control[1])
			c.doc.CurveBezierCubicTo(ax, ay, bx, by, x, y)
		case vg.ArcComp:
			c.arc(comp, started)
			started = true
		case vg.CloseComp:
			c.doc.ClosePath()
		}
	}
}

// arc draws an arc as Bézier curves of at most a quarter of a circle each.
func (c *canvas) arc(comp vg.PathComp, started bool) {
	n := int(math.Ceil(math.Abs(comp.Angle) / (math.Pi/2 + 1e-9)))
	if n == 0 {
		return
	}
	step := comp.Angle / float64(n)
	k := vg.Length(4.0 / 3 * math.Tan(step/4))
	on := func(angle float64) (at, along vg.Point) {
		sin, cos := math.Sincos(angle)
		s, t := vg.Length(sin)*comp.Radius, vg.Length(cos)*comp.Radius
		return vg.Point{X: comp.Pos.X + t, Y: comp.Pos.Y + s}, vg.Point{X: -s, Y: t}
	}
	from, along := on(comp.Start)
	if started {
		c.doc.LineTo(c.at(from))
	} else {
		c.doc.MoveTo(c.at(from))
	}
	for i := 1; i <= n; i++ {
		to, next := on(comp.Start + step*float64(i))
		ax, ay := c.at(vg.Point{X: from.X + k*along.X, Y: from.Y + k*along.Y})
		bx, by := c.at(vg.Point{X: to.X - k*next.X, Y: to.Y - k*next.Y})
		x, y := c.at(to)
		c.doc.CurveBezierCubicTo(ax, ay, bx, by, x, y)
		from, along = to, next
	}
}

func (c *canvas) FillString(f font.Face, pt vg.Point, text string) {
	if f.Font.Size == 0 || text == "" {
		return
	}
	style := ""
	if f.Font.Weight >= xfont.WeightSemiBold {
		style = "B"
	}
	col := c.state.color
	c.doc.SetTextColor(int(col.R), int(col.G), int(col.B))
	c.doc.SetAlpha(opacity(col), "Normal")
	c.doc.SetFont(family, style, f.Font.Size.Points()*c.zoom())
	x, y := c.at(pt)
	angle := -math.Atan2(c.state.m.b, c.state.m.a) * 180 / math.Pi
	if angle != 0 {
		c.doc.TransformBegin()
		c.doc.TransformRotate(angle, x, y)
	}
	c.doc.Text(x, y, text)
	if angle != 0 {
		c.doc.TransformEnd()
	}
}

// DrawImage does nothing: no plot of this package has an image.
func (c *canvas) DrawImage(rect vg.Rectangle, img image.Image) {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		c.doc.SetError(err)
		return
	}
	*c.count++
	name := "image" + strconv.Itoa(*c.count)
	o := fpdf.ImageOptions{ImageType: "png"}
	c.doc.RegisterImageOptionsReader(name, o, &b)
	x0, y0 := c.at(rect.Min)
	x1, y1 := c.at(rect.Max)
	c.doc.ImageOptions(name, min(x0, x1), min(y0, y1), math.Abs(x1-x0), math.Abs(y1-y0), false, o, 0, "")
}
