package plot

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/report/reporttest"
	"github.com/a01592f9/quant/cmd/internal/sample"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// figure builds the figure that the command would draw.
func figure(t *testing.T, src report.Source, o report.Options) *Figure {
	t.Helper()
	return New(reporttest.Build(t, src, o, 1))
}

// spoken returns what an SVG says, after having read all of it.
func spoken(t *testing.T, svg []byte) string {
	t.Helper()
	var words strings.Builder
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := d.Token()
		if err == io.EOF {
			return words.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		if c, ok := token.(xml.CharData); ok {
			words.Write(c)
		}
	}
}

func TestFigures(t *testing.T) {
	file, err := tensorfile.Read("", strings.NewReader(sample.Text), 0)
	if err != nil {
		t.Fatal(err)
	}
	many := make([]string, 100)
	for i := range many {
		many[i] = fmt.Sprintf("layer.%d.weight", i)
	}
	for name, test := range map[string]struct {
		src   report.Source
		group int
		want  []string
	}{
		"sample":   {file, 0, []string{"per tensor", "per channel", "Histogram", "15 codes", "256 codes", "All 20 elements are shown."}},
		"thinned":  {reporttest.Tensors([]string{"w"}, []int{60, 200}, reporttest.Wave(12000)), 0, []string{"of 12,000 elements are shown"}},
		"groups":   {reporttest.Tensors([]string{"w"}, []int{6, 20}, reporttest.Wave(120)), 5, []string{"groups of 5", "several grids"}},
		"channels": {reporttest.Tensors([]string{"w"}, []int{9000, 2}, reporttest.Wave(18000)), 0, []string{"of 9,000 channels are shown"}},
		"constant": {reporttest.Tensors([]string{"w"}, []int{2, 3}, make([]float32, 6)), 0, []string{"Nothing is lost at any width."}},
		"one":      {reporttest.Tensors([]string{"w"}, []int{1}, []float32{0.5}), 0, []string{"1 element"}},
		"huge":     {reporttest.Tensors([]string{"w"}, []int{2, 2}, []float32{-math.MaxFloat32, math.MaxFloat32, 1, 2}), 0, []string{"e38"}},
		"tiny":     {reporttest.Tensors([]string{"w"}, []int{2, 2}, []float32{1e-45, 3e-45, 2e-44, 0}), 0, []string{"e−45"}},
		"name":     {reporttest.Tensors([]string{"</text><script>β中" + strings.Repeat(".long", 99)}, []int{2, 3}, reporttest.Wave(6)), 0, []string{"</text><script>β[U+4E2D]", "…"}},
		"model":    {reporttest.Tensors(many, []int{2, 3}, reporttest.Wave(6)), 0, []string{"layer.7.weight", "gain", "All 100 tensors", "The curve shows all 100"}},
		"two":      {reporttest.Tensors(many[:2], []int{2, 3}, make([]float32, 6)), 3, []string{"exact", "1.00×", "All 2 tensors"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := report.DefaultOptions()
			o.GroupSize = test.group
			f := figure(t, test.src, o)
			var a, b bytes.Buffer
			if err := f.Write(&a, "svg"); err != nil {
				t.Fatal(err)
			}
			if err := f.WriteSVG(&b); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
				t.Errorf("the same figure is written differently: %v", err)
			}
			words := spoken(t, a.Bytes())
			for _, w := range test.want {
				if !strings.Contains(words, w) {
					t.Errorf("the SVG does not say %q", w)
				}
			}
			for _, bad := range []string{"NaN", "Inf", "script>alert", "http://", "https://"} {
				if strings.Contains(strings.ReplaceAll(a.String(), "http://www.w3.org/", ""), bad) {
					t.Errorf("the SVG has %s in it: %s", bad, words)
				}
			}
			if len(test.want) == 1 && name != "huge" {
				return // one picture in three is enough
			}
			b.Reset()
			if err := f.Write(&b, "png"); err != nil {
				t.Fatal(err)
			}
			img, err := png.Decode(&b)
			if err != nil {
				t.Fatal(err)
			}
			if w := img.Bounds().Dx(); math.Abs(float64(w)-float64(f.Width)*dpi/72) > 1 {
				t.Errorf("the PNG is %d wide", w)
			}
			// Something of each scheme is drawn in its colour.
			for _, c := range schemes[:2] {
				if name != "two" && !has(img, color.RGBA(c)) {
					t.Errorf("nothing has the colour %v", c)
				}
			}
		})
	}
	if err := (&Figure{}).Write(io.Discard, "bmp"); err == nil {
		t.Error("a format that there is none of is written")
	}
}

// has reports whether a pixel has an opaque colour.
func has(img image.Image, c color.RGBA) bool {
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y++ {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x++ {
			if color.RGBAModel.Convert(img.At(x, y)) == c {
				return true
			}
		}
	}
	return false
}

func TestMarks(t *testing.T) {
	for _, test := range []struct {
		lo, hi float64
		n      int
		want   string
	}{
		{0, 1, 5, "0 0.2 0.4 0.6 0.8 1.0"},
		{-1.7, 1.44, 5, "−1.5 −1.0 −0.5 0 0.5 1.0"},
		{0, 3.1e-5, 3, "0 1e−5 2e−5 3e−5"},
		{0, 2.5e-5, 5, "0 5e−6 1.0e−5 1.5e−5 2.0e−5 2.5e−5"},
		{0, 2e6, 4, "0 500k 1M 1.5M 2M"},
		{1, 1, 4, "1"},
		{0, 1e-320, 4, ""},
		{1, 1 + 1e-16, 4, "1"},
		{0, 1e308, 4, ""},
	} {
		var words []string
		for _, m := range round(test.lo, test.hi, test.n) {
			if m.at < test.lo-1e-9*math.Abs(test.lo) || m.at > test.hi*(1+1e-9) {
				t.Errorf("%v is not from %v to %v", m.at, test.lo, test.hi)
			}
			words = append(words, m.label)
		}
		if len(words) == 0 || len(words) > 12 {
			t.Errorf("%d marks from %v to %v", len(words), test.lo, test.hi)
		}
		if got := strings.Join(words, " "); test.want != "" && got != test.want {
			t.Errorf("from %v to %v: %s, not %s", test.lo, test.hi, got, test.want)
		}
	}
	for x, want := range map[float64]string{0: "0", math.Copysign(0, -1): "0", 80: "80", 1536: "1.536k", 2e9: "2G", 3e13: "30T", 1e20: "1e20", -2.5e-7: "−2.5e−7"} {
		if got := short(x); got != want {
			t.Errorf("%v is %s, not %s", x, got, want)
		}
	}
	for _, lo := range []float64{1e-40, 1e-6, 0.02, 3} {
		if n := len((decades{}).Ticks(lo, lo*1e5)); n < 2 || n > 12 {
			t.Errorf("%d marks from %v on", n, lo)
		}
	}
}
