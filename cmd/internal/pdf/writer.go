package pdf

import (
	"strings"

	"codeberg.org/go-pdf/fpdf"

	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/cmd/internal/typeface"
)

// Lengths on a page of A4, in points.
const (
	pageWidth  = 595.28
	pageHeight = 841.89
	margin     = 48.0
	top        = 50.0
	bottom     = 56.0
	inner      = pageWidth - 2*margin
	family     = "sans"
)

// A shade is a colour of text, a line or a background.
type shade [3]int

var (
	ink    = shade{0x1c, 0x23, 0x2b}
	muted  = shade{0x5b, 0x66, 0x73}
	faint  = shade{0xdd, 0xe2, 0xe8}
	band   = shade{0xf4, 0xf6, 0xf9}
	accent = shade{0x00, 0x72, 0xb2}
)

// A writer lays out a document from top to bottom.
type writer struct {
	*fpdf.Fpdf
	y float64 // the place of the next element
}

// page begins a new page.
func (d *writer) page() {
	d.AddPage()
	d.y = top
}

// need begins a new page unless the given height is left on this one.
func (d *writer) need(height float64) {
	if d.y+height > pageHeight-bottom {
		d.page()
	}
}

func (d *writer) font(style string, size float64, c shade) {
	d.SetFont(family, style, size)
	d.SetTextColor(c[0], c[1], c[2])
}

func (d *writer) rect(c shade, x, y, w, h float64) {
	d.SetFillColor(c[0], c[1], c[2])
	d.Rect(x, y, w, h, "F")
}

func (d *writer) rule(c shade, width, x0, x1, y float64) {
	d.SetDrawColor(c[0], c[1], c[2])
	d.SetLineWidth(width)
	d.Line(x0, y, x1, y)
}

// clip removes the middle of a text that is wider than width.
func (d *writer) clip(s string, width float64) string {
	return text.Middle(s, func(s string) bool { return d.GetStringWidth(s) <= width })
}

// wrap divides text into lines of at most the given width, at spaces. It divides longer words
// after a dot, a slash or a similar character, or else anywhere.
func (d *writer) wrap(s string, width float64) []string {
	width += 0.01 // a text of exactly this width must fit
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		switch {
		case line == "":
			line = word
		case d.GetStringWidth(line+" "+word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
		for d.GetStringWidth(line) > width {
			head, tail := d.split(line, width)
			lines = append(lines, head)
			line = tail
		}
	}
	return append(lines, line)
}

// split divides a word that is wider than width.
func (d *writer) split(word string, width float64) (head, tail string) {
	runes := []rune(word)
	n := 1
	for n < len(runes)-1 && d.GetStringWidth(string(runes[:n+1])) <= width {
		n++
	}
	for i := n; i > n/2; i-- {
		if strings.ContainsRune("./_-:", runes[i-1]) {
			n = i
			break
		}
	}
	return string(runes[:n]), string(runes[n:])
}

// paragraph writes text with the full width of the page.
func (d *writer) paragraph(style string, size float64, c shade, text string) {
	d.font(style, size, c)
	for _, l := range d.wrap(typeface.Legible(text), inner) {
		d.need(size * 1.4)
		d.font(style, size, c) // the footer of a page has another font
		d.y += size * 1.4
		d.Text(margin, d.y-size*0.35, l)
	}
}

// heading writes a heading, and keeps the given height below it on the same page.
func (d *writer) heading(size float64, text string, keep float64) {
	d.need(size*2.6 + keep)
	d.y += size * 0.9
	d.paragraph("B", size, ink, text)
	d.y += size * 0.3
}

// term writes a term, and its explanation from label on.
func (d *writer) term(style string, c shade, x [2]string, size, label float64) {
	d.font("", size, ink)
	lines := d.wrap(typeface.Legible(x[1]), inner-label)
	d.need(float64(len(lines)) * size * leading)
	d.font(style, size, c)
	d.Text(margin, d.y+size, x[0])
	d.font("", size, ink)
	for _, l := range lines {
		d.Text(margin+label, d.y+size, l)
		d.y += size * leading
	}
}

// leading is the distance between lines of terms, in units of the size of text.
const leading = 1.52
