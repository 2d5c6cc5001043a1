package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
)

// A Conversion says what became of the tensors of a model that was quantized
// or turned back. Marshalled, it is the JSON of `quant quantize` and `quant
// dequantize`, which docs/json.md describes.
type Conversion struct {
	Source  string          `json:"source"`
	Kind    string          `json:"kind"`   // of the file: "onnx", "gguf" or "safetensors"
	Output  string          `json:"output"` // "" for a dry run that named none
	DryRun  bool            `json:"dry_run"`
	Weights []Converted     `json:"weights"`
	Left    []Left          `json:"left"`
	Total   ConversionTotal `json:"total"`

	Dequantized bool `json:"dequantized"` // it was turned back
}

// A Converted is a tensor that was quantized or turned back.
type Converted struct {
	Name     string `json:"name"`
	Use      string `json:"use"`   // the operator that uses it; "" if the file does not tell
	DType    string `json:"dtype"` // in the output
	Shape    []int  `json:"shape"`
	Elements int64  `json:"elements"`
	Scheme   Scheme `json:"scheme"`

	Calibrated bool `json:"calibrated"` // scales and zero points are those of a calibration file

	Before  int64    `json:"bytes_before"`
	After   int64    `json:"bytes_after"`      // with scales and zero points
	Metrics *Metrics `json:"errors,omitempty"` // nil if they were not measured
}

// Add adds a tensor that has the scheme s. Its other fields are x's; m may be nil.
func (c *Conversion) Add(x Converted, s quant.Scheme, m *quant.Metrics) {
	x.Shape, x.Elements, x.Scheme = dims(x.Shape), elements(x.Shape), scheme(s, job{})
	if m != nil {
		own := metrics(*m)
		x.Metrics = &own
	}
	c.Weights = append(c.Weights, x)
}

// A Left is a tensor that was copied as it is.
type Left struct {
	Name   string `json:"name"`
	DType  string `json:"dtype"`
	Shape  []int  `json:"shape"`
	Bytes  int64  `json:"bytes"`
	Reason string `json:"reason"`
}

// A ConversionTotal is what all of it comes to.
type ConversionTotal struct {
	Elements      int64  `json:"elements"`     // of the weights
	Before        int64  `json:"bytes_before"` // that the weights took
	After         int64  `json:"bytes_after"`
	BitsPerWeight Number `json:"bits_per_weight"`
	Compression   Number `json:"compression"` // bytes before by bytes after
	Left          int64  `json:"bytes_left"`  // of tensors that were copied
	FilesBefore   int64  `json:"file_bytes_before"`
	FilesAfter    int64  `json:"file_bytes_after"`
	SQNR          Number `json:"sqnr_db"` // of all weights together; null if they were not measured
}

// Sum fills in the totals that the tensors come to.
func (c *Conversion) Sum() {
	t := &c.Total
	sums := newErrorSums(1)
	measured := len(c.Weights) > 0
	for _, w := range c.Weights {
		t.Elements += w.Elements
		t.Before += w.Before
		t.After += w.After
		if w.Metrics == nil {
			measured = false
			continue
		}
		sums.add(w.Elements, 1, func(int) (float64, float64) { return float64(w.Metrics.RMSE), float64(w.Metrics.SQNR) })
	}
	for _, l := range c.Left {
		t.Left += l.Bytes
	}
	t.BitsPerWeight, t.Compression, t.SQNR = unknown, unknown, unknown
	if t.Elements > 0 && t.After > 0 {
		t.BitsPerWeight = Number(8 * float64(t.After) / float64(t.Elements))
		t.Compression = Number(float64(t.Before) / float64(t.After))
	}
	if measured {
		t.SQNR = Number(sums.sqnr(0))
	}
}

// WriteText writes c for a terminal of so many columns, 0 if there is none.
func (c *Conversion) WriteText(w io.Writer, color bool, columns int) error {
	p := newPrinter(w, color, columns)
	p.print(bold, shorten(Clean(c.Source), p.columns-16))
	p.line(plain, "  "+c.Kind)
	if c.Output != "" {
		p.line(plain, "→ "+shorten(Clean(c.Output), p.columns-2))
	}
	if c.DryRun {
		p.line(dim, "nothing is written")
	}
	p.WriteByte('\n')
	if len(c.Weights) > 0 {
		c.writeWeights(p)
		p.WriteByte('\n')
	}
	c.writeLeft(p)
	c.writeTotal(p)
	return p.Flush()
}

func (c *Conversion) writeWeights(p *printer) {
	t := &table{left: 4, names: true, head: []string{"weight", "type", "shape", "use", "before", "after"}}
	used, measured := false, false
	for _, x := range c.Weights {
		use := Clean(x.Use)
		if x.Scheme.Axis != nil {
			use = strings.TrimSpace(fmt.Sprintf("%s %d", use, *x.Scheme.Axis))
		}
		used = used || use != ""
		measured = measured || x.Metrics != nil
		t.rows = append(t.rows, []cell{
			{Clean(x.Name), plain}, {Clean(x.DType), plain}, {shorten(shapeText(x.Shape), 16), plain}, {use, plain},
			{briefly(x.Before), plain}, {briefly(x.After), plain},
		})
	}
	if measured {
		t.head = append(t.head, "RMSE", "SQNR, dB", "clipped")
		for i, x := range c.Weights {
			if x.Metrics == nil {
				t.rows[i] = append(t.rows[i], cell{"-", plain}, cell{"-", plain}, cell{"-", plain})
				continue
			}
			t.rows[i] = append(t.rows[i], cell{fit(float64(x.Metrics.RMSE)), plain},
				cell{decibels(float64(x.Metrics.SQNR)), plain}, cell{briefly(int64(x.Metrics.Clipped)), plain})
		}
		t.optional = []int{8, 6}
	}
	if !used {
		t.drop(3)
	}
	t.write(p)
}

// writeLeft lists what was left by the reasons why.
func (c *Conversion) writeLeft(p *printer) {
	var reasons []string
	by := map[string][]Left{}
	for _, l := range c.Left {
		if by[l.Reason] == nil {
			reasons = append(reasons, l.Reason)
		}
		by[l.Reason] = append(by[l.Reason], l)
	}
	if len(reasons) == 0 {
		return
	}
	p.line(bold, "left as they are")
	for _, reason := range reasons {
		all := by[reason]
		bytes := int64(0)
		var names []string
		for _, l := range all {
			bytes += l.Bytes
			names = append(names, shorten(Clean(l.Name), p.columns/2))
		}
		for _, l := range wrap(fmt.Sprintf("%s, %s: %s", plural(int64(len(all)), "tensor"), plural(bytes, "byte"), Clean(reason)), p.columns, "  ") {
			p.line(plain, l)
		}
		p.line(dim, "  "+someOf(names, p.columns-2))
	}
	p.WriteByte('\n')
}

// someOf lists as many names as have room in a line.
func someOf(names []string, columns int) string {
	for n := len(names); n > 1; n-- {
		s := strings.Join(names[:n], ", ")
		if rest := len(names) - n; rest > 0 {
			s += fmt.Sprintf(" and %s more", count(int64(rest)))
		}
		if width(s) <= columns {
			return s
		}
	}
	if rest := len(names) - 1; rest > 0 {
		return fmt.Sprintf("%s and %s more", names[0], count(int64(rest)))
	}
	return names[0]
}

func (c *Conversion) writeTotal(p *printer) {
	t := c.Total
	verb := "quantized"
	if c.Dequantized {
		verb = "turned into floating-point numbers"
	}
	text := fmt.Sprintf("%s %s", plural(int64(len(c.Weights)), "weight"), verb)
	if len(c.Weights) > 0 {
		text += fmt.Sprintf(": %s → %s bytes", count(t.Before), count(t.After))
		if !c.Dequantized {
			text += fmt.Sprintf(" (%s bits per weight, scales included; %s smaller)", num(float64(t.BitsPerWeight), 3), times(float64(t.Compression)))
		}
		if t.SQNR == t.SQNR {
			text += fmt.Sprintf(", SQNR %s dB", decibels(float64(t.SQNR)))
		}
	}
	if n := c.calibrated(); n > 0 {
		text += fmt.Sprintf(". Of %s, scales and zero points are those of the calibration", count(int64(n)))
	}
	text += "."
	switch n := int64(len(c.Left)); n {
	case 0:
	case 1:
		text += " 1 tensor left as it is."
	default:
		text += fmt.Sprintf(" %s left as they are.", plural(n, "tensor"))
	}
	if t.FilesAfter > 0 {
		text += fmt.Sprintf(" The files: %s → %s bytes.", count(t.FilesBefore), count(t.FilesAfter))
	}
	if c.axes() {
		text += " The number after an operator is the axis of the scales, or along which groups run."
	}
	if n := c.ungrouped(); n > 0 {
		text += fmt.Sprintf(" Axes too short for groups: %s got a scale for each channel instead.", plural(n, "weight"))
	}
	p.paragraph(plain, text)
}

// ungrouped counts the weights that have no groups where others have some.
func (c *Conversion) ungrouped() int64 {
	grouped, n := false, int64(0)
	for _, x := range c.Weights {
		grouped = grouped || x.Scheme.GroupSize != nil
		if x.Scheme.Axis != nil && x.Scheme.GroupSize == nil {
			n++
		}
	}
	if !grouped || c.Dequantized {
		return 0
	}
	return n
}

// calibrated is how many weights have the parameters of a calibration file.
func (c *Conversion) calibrated() int {
	n := 0
	for _, x := range c.Weights {
		if x.Calibrated {
			n++
		}
	}
	return n
}

// axes reports whether any weight has several scales.
func (c *Conversion) axes() bool {
	return slices.ContainsFunc(c.Weights, func(x Converted) bool { return x.Scheme.Axis != nil && x.Use != "" })
}

// unknown is a number that there is not: null in JSON.
var unknown = Number(math.NaN())
