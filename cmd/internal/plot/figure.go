// Package plot draws the graphs of a report: a sheet of panels for one tensor, or an overview
// of many tensors. A Figure can be written as SVG and PNG, or drawn on a canvas of
// gonum.org/v1/plot/vg, such as a page of a PDF.
package plot

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A Figure is a drawing of a certain size.
type Figure struct {
	Width, Height vg.Length
	title         string
	draw          func(p pen)
	scale         float64
}

// Full is the width of a figure of its own. If a figure is narrower, its text and lines are
// smaller in proportion.
const Full = 760 * vg.Length(1)

// Options say how a figure is laid out.
type Options struct {
	Width  vg.Length // 0 for Full
	Height vg.Length // of a tensor's sheet; 0 for the height that fits the width
	Title  bool      // whether the figure has the title, the verdict and notes
	Scale  float64   // factor of text and lines; 0 for 1
}

func (o *Options) settle() {
	if o.Width == 0 {
		o.Width = Full
	}
	if o.Scale == 0 {
		o.Scale = 1
	}
}

// Draw draws f with its lower left corner at the origin of c.
func (f *Figure) Draw(c vg.Canvas) {
	f.draw(pen{draw.Canvas{Canvas: c, Rectangle: vg.Rectangle{Max: vg.Point{X: f.Width, Y: f.Height}}}, f.scale})
}

// WriteSVG writes f as SVG.
func (f *Figure) WriteSVG(w io.Writer) error {
	c := vgsvg.New(f.Width, f.Height)
	f.background(c)
	f.Draw(c)
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return err
	}
	// Systems without the typeface use one with the same widths.
	svg := strings.ReplaceAll(b.String(), "font-family:Liberation Sans;", "font-family:Liberation Sans,Arimo,Arial,Helvetica,sans-serif;")
	// The name is for screen readers.
	svg = strings.Replace(svg, "<svg ", "<svg role=\"img\" aria-label=\""+escape(f.title)+"\" ", 1)
	_, err := io.WriteString(w, svg)
	return err
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace

// dpi is the resolution of a PNG: two pixels for each pixel of an ordinary screen.
const dpi = 192

// WritePNG writes f as PNG.
func (f *Figure) WritePNG(w io.Writer) error {
	c := vgimg.NewWith(vgimg.UseWH(f.Width, f.Height), vgimg.UseDPI(dpi))
	f.background(c)
	f.Draw(c)
	_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(w)
	return err
}

// Formats are the formats of Write.
var Formats = []string{"svg", "png"}

// Write writes f in a format.
func (f *Figure) Write(w io.Writer, format string) error {
	switch format {
	case "svg":
		return f.WriteSVG(w)
	case "png":
		return f.WritePNG(w)
	}
	return fmt.Errorf("plot: there is no format %q", format)
}

func (f *Figure) background(c vg.Canvas) {
	c.SetColor(color.White)
	c.Fill(vg.Rectangle{Max: vg.Point{X: f.Width, Y: f.Height}}.Path())
}
