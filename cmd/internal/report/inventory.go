package report

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// An Inventory lists the tensors of a source. Marshalled, it is the JSON of
// `quant inspect`, which docs/json.md describes.
type Inventory struct {
	Source  string `json:"source"`
	Kind    string `json:"kind"` // of the file: "npy", "safetensors", …
	Tensors []Item `json:"tensors"`
}

// An Item is one tensor of an Inventory. Min, Max, NaN and Inf are nil for one
// that is not of a floating-point type; Min and Max are of its finite values,
// and nil if it has none.
type Item struct {
	Name     string `json:"name"`
	DType    string `json:"dtype"`
	Shape    []int  `json:"shape"`
	Elements int64  `json:"elements"`
	Bytes    int64  `json:"bytes"`
	Floating bool   `json:"floating"`
	Min      *Float `json:"min"`
	Max      *Float `json:"max"`
	NaN      *int64 `json:"nan"`
	Inf      *int64 `json:"inf"`
	Error    string `json:"error,omitempty"` // why its values could not be read
}

// Inspect lists the tensors of src, and reads those of floating-point types.
func Inspect(ctx context.Context, name, kind string, src Source, progress Progress) (*Inventory, error) {
	v := &Inventory{Source: name, Kind: kind, Tensors: []Item{}}
	var done, total int64
	for _, info := range src.Tensors() {
		if info.Floating {
			total += elements(info.Shape)
		}
	}
	progress.report(0, total)
	for i, info := range src.Tensors() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		item := Item{
			Name: info.Name, DType: info.DType, Shape: dims(info.Shape), Elements: elements(info.Shape),
			Bytes: info.Bytes, Floating: info.Floating,
		}
		if info.Floating {
			if data, err := src.Load(i); err != nil {
				item.Error = err.Error()
			} else {
				item.measure(data)
			}
			done += item.Elements
			progress.report(done, total)
		}
		v.Tensors = append(v.Tensors, item)
	}
	return v, nil
}

// measure fills in what the values say.
func (t *Item) measure(data []float32) {
	var nan, inf int64
	lo, hi := float32(math.Inf(1)), float32(math.Inf(-1))
	for _, x := range data {
		switch {
		case x != x:
			nan++
		case math.IsInf(float64(x), 0):
			inf++
		default:
			lo, hi = min(lo, x), max(hi, x)
		}
	}
	t.NaN, t.Inf = &nan, &inf
	if lo <= hi {
		a, b := Float(lo), Float(hi)
		t.Min, t.Max = &a, &b
	}
}

// Err returns an error if the values of some tensor could not be read.
func (v *Inventory) Err() error {
	for _, t := range v.Tensors {
		if t.Error != "" {
			return &TensorError{Source: v.Source, Tensor: t.Name, Reason: t.Error}
		}
	}
	return nil
}

// WriteText writes v for a terminal of 80 columns.
func (v *Inventory) WriteText(w io.Writer, color bool) error {
	p := &printer{Writer: bufio.NewWriter(w), color: color}
	t := &table{left: 3, head: []string{"tensor", "type", "shape", "bytes", "min", "max", "NaN", "Inf"}}
	var values, bytes int64
	for _, x := range v.Tensors {
		row := []cell{
			{Clean(x.Name), plain}, {Clean(x.DType), plain}, {shorten(shapeText(x.Shape), 16), plain},
			{count(x.Bytes), plain}, {optionalFloat(x.Min), plain}, {optionalFloat(x.Max), plain},
			bad(x.NaN), bad(x.Inf),
		}
		t.rows = append(t.rows, row)
		values += x.Elements
		bytes += x.Bytes
	}
	p.print(bold, shorten(Clean(v.Source), columns-16))
	p.line(plain, "  "+Clean(v.Kind))
	p.WriteByte('\n')
	if len(t.rows) > 0 {
		t.write(p)
		p.WriteByte('\n')
	}
	p.paragraph(plain, fmt.Sprintf("%s, %s, %s.", plural(int64(len(v.Tensors)), "tensor"), plural(values, "value"), plural(bytes, "byte")))
	for _, x := range v.Tensors {
		if x.Error != "" {
			p.paragraph(red, Clean(x.Name+": "+x.Error))
		}
	}
	return p.Flush()
}

func optionalFloat(x *Float) string {
	if x == nil {
		return "-"
	}
	return fit(float64(*x))
}

// bad is a number that should be zero.
func bad(n *int64) cell {
	switch {
	case n == nil:
		return cell{"-", plain}
	case *n > 0:
		s := strconv.FormatInt(*n, 10)
		if len(s) > 7 {
			s = strings.TrimSuffix(num(float64(*n), 3), "+")
		}
		return cell{s, red}
	}
	return cell{"0", plain}
}
