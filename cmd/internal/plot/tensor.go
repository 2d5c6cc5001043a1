package plot

import (
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// Tensor draws the sheet of a tensor: its elements and their errors, the channels, a histogram
// with the grids of codes, and the errors for each bit width.
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

// frame draws the title, the verdict and notes, and returns the space below.
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

// panels draws all panels into the available space.
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

// legend draws the key of all panels.
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
