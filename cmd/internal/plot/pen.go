package plot

import (
	"image/color"
	"strings"

	vgtext "gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"

	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/cmd/internal/typeface"
)

// put writes a line of text.
func (p pen) put(s vgtext.Style, x, y vg.Length, t string) {
	p.FillText(s, vg.Point{X: x, Y: y}, t)
}

// fill fills a rectangle.
func (p pen) fill(c color.Color, x0, y0, x1, y1 vg.Length) {
	p.SetColor(c)
	p.Fill(vg.Rectangle{Min: vg.Point{X: x0, Y: y0}, Max: vg.Point{X: x1, Y: y1}}.Path())
}

// wrap divides text into lines of at most the given width.
func wrap(s vgtext.Style, t string, width vg.Length) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(t) {
		switch {
		case line == "":
			line = word
		case s.Width(line+" "+word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}

// elide shortens the names of tensors to a width, so that different names remain different. It
// also returns the width of the widest.
func elide(s vgtext.Style, names []string, width vg.Length) (short []string, widest vg.Length) {
	for _, n := range names {
		short = append(short, typeface.Legible(n))
	}
	short = text.Elide(short, func(t string) bool { return s.Width(t) <= width })
	for _, n := range short {
		widest = max(widest, s.Width(n))
	}
	return short, widest
}

// clip removes the middle of a text that is wider than width.
func clip(s vgtext.Style, t string, width vg.Length) string {
	return text.Middle(typeface.Legible(t), func(t string) bool { return s.Width(t) <= width })
}
