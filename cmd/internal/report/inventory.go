package report

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// An Inventory lists the tensors of a source. Marshalled, it is the JSON of
// `quant inspect`, which docs/json.md describes.
type Inventory struct {
	Source   string      `json:"source"`
	Kind     string      `json:"kind"` // of the file: "npy", "safetensors", …
	Elements int64       `json:"elements"`
	Bytes    int64       `json:"bytes"`
	DTypes   []DTypeSize `json:"dtypes"` // those that take most first
	Tensors  []Item      `json:"tensors"`
}

// A DTypeSize is what all tensors of one type come to.
type DTypeSize struct {
	DType    string `json:"dtype"`
	Tensors  int    `json:"tensors"`
	Elements int64  `json:"elements"`
	Bytes    int64  `json:"bytes"`
}

// An Item is one tensor of an Inventory. The numbers from Min on are nil for
// one that is not of a floating-point type; those from Min to Outliers are of
// its finite values, and Min to StdDev nil if it has none.
type Item struct {
	Name     string  `json:"name"`
	DType    string  `json:"dtype"`
	Shape    []int   `json:"shape"`
	Elements int64   `json:"elements"`
	Bytes    int64   `json:"bytes"`
	Floating bool    `json:"floating"`
	Use      string  `json:"use"`    // the operator that uses it; "" if the file does not tell
	Axis     *int    `json:"axis"`   // of the output channels; nil if the file does not tell
	File     string  `json:"file"`   // that holds the values; "" for the one that was opened
	Offset   *int64  `json:"offset"` // of the values in it; nil if they are not there as they are
	Min      *Float  `json:"min"`
	Max      *Float  `json:"max"`
	Mean     *Number `json:"mean"`
	StdDev   *Number `json:"std_dev"`
	Zeros    *int64  `json:"zeros"`
	Outliers *int64  `json:"outliers"` // farther than OutlierDevs standard deviations from the mean
	NaN      *int64  `json:"nan"`
	Inf      *int64  `json:"inf"`
	Error    string  `json:"error,omitempty"` // why its values could not be read
}

// OutlierDevs is how many standard deviations from the mean an outlier begins.
// Of a normal distribution 2 values in 10⁹ lie beyond.
const OutlierDevs = 6

// newItem returns what is known of a tensor without reading it.
func newItem(info tensorfile.Info) Item {
	item := Item{
		Name: info.Name, DType: info.DType, Shape: dims(info.Shape), Elements: elements(info.Shape),
		Bytes: info.Bytes, Floating: info.Floating, Use: info.Use, File: info.File,
	}
	if info.Axis != tensorfile.NoAxis && info.Use != "" {
		item.Axis = &info.Axis
	}
	if info.Offset >= 0 && info.Bytes > 0 {
		item.Offset = &info.Offset
	}
	return item
}

// NewInventory lists tensors without reading them.
func NewInventory(name, kind string, infos []tensorfile.Info) *Inventory {
	v := &Inventory{Source: name, Kind: kind, Tensors: []Item{}, DTypes: []DTypeSize{}}
	for _, info := range infos {
		item := newItem(info)
		v.add(item)
		v.Tensors = append(v.Tensors, item)
	}
	slices.SortStableFunc(v.DTypes, func(a, b DTypeSize) int { return cmp.Compare(b.Bytes, a.Bytes) })
	return v
}

// Inspect lists the tensors of src, and reads those of floating-point types in
// pieces, on all cores.
func Inspect(ctx context.Context, name, kind string, src Source, progress Progress) (*Inventory, error) {
	infos := src.Tensors()
	v := NewInventory(name, kind, infos)
	var jobs []job
	for i, info := range infos {
		if info.Floating {
			jobs = append(jobs, newJob(i, info))
		}
	}
	w := newWork(ctx, src, progress, jobs)
	w.each(func(i int) {
		item := &v.Tensors[jobs[i].index]
		if err := item.measure(w, jobs[i]); err != nil {
			item.Error = err.Error()
		}
	})
	return v, ctx.Err()
}

// add counts a tensor among those of its type.
func (v *Inventory) add(x Item) {
	v.Elements += x.Elements
	v.Bytes += x.Bytes
	for i := range v.DTypes {
		if d := &v.DTypes[i]; d.DType == x.DType {
			d.Tensors++
			d.Elements += x.Elements
			d.Bytes += x.Bytes
			return
		}
	}
	v.DTypes = append(v.DTypes, DTypeSize{x.DType, 1, x.Elements, x.Bytes})
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

// WriteText writes v for a terminal of so many columns, 0 if there is none.
func (v *Inventory) WriteText(w io.Writer, color bool, columns int) error {
	p := newPrinter(w, color, columns)
	t := &table{
		left: 4, names: true, head: []string{"tensor", "type", "shape", "use", "bytes", "min", "max", "std dev", "outliers", "zeros", "NaN", "Inf"},
	}
	used := false
	for _, x := range v.Tensors {
		use := Clean(x.Use)
		if x.Axis != nil {
			use += fmt.Sprintf(" %d", *x.Axis)
		}
		used = used || use != ""
		t.rows = append(t.rows, []cell{
			{Clean(x.Name), plain}, {Clean(x.DType), plain}, {shorten(shapeText(x.Shape), 16), plain}, {use, plain},
			{briefly(x.Bytes), plain}, {optionalFloat(x.Min), plain}, {optionalFloat(x.Max), plain}, {optionalNumber(x.StdDev), plain},
			counted(x.Outliers, plain), counted(x.Zeros, plain), counted(x.NaN, red), counted(x.Inf, red),
		})
	}
	t.optional, t.pressed = []int{7}, []int{3, 9}
	if !used {
		for i := range t.rows {
			t.rows[i] = slices.Delete(t.rows[i], 3, 4)
		}
		t.head = slices.Delete(t.head, 3, 4)
		t.left, t.optional, t.pressed = 3, []int{6}, []int{8}
	}
	p.print(bold, shorten(Clean(v.Source), p.columns-16))
	p.line(plain, "  "+Clean(v.Kind))
	p.WriteByte('\n')
	if len(t.rows) > 0 {
		t.write(p)
		p.WriteByte('\n')
	}
	if len(v.DTypes) > 1 {
		sum := &table{left: 1, head: []string{"type", "tensors", "values", "bytes", "of all"}}
		for _, d := range v.DTypes {
			part := "0%"
			if v.Bytes > 0 {
				part = percent(share(d.Bytes, v.Bytes))
			}
			sum.rows = append(sum.rows, []cell{{Clean(d.DType), plain}, {count(int64(d.Tensors)), plain}, {count(d.Elements), plain}, {count(d.Bytes), plain}, {part, plain}})
		}
		sum.write(p)
		p.WriteByte('\n')
	}
	text := fmt.Sprintf("%s, %s, %s.", plural(int64(len(v.Tensors)), "tensor"), plural(v.Elements, "value"), plural(v.Bytes, "byte"))
	if len(t.rows) > 0 {
		text += fmt.Sprintf(" Outliers are values more than %d standard deviations from the mean.", OutlierDevs)
	}
	if used {
		text += " The number after an operator is the axis of the output channels."
	}
	p.paragraph(plain, text)
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

func optionalNumber(x *Number) string {
	if x == nil {
		return "-"
	}
	return fit(float64(*x))
}

// counted is a count, in a style if it is not zero.
func counted(n *int64, s style) cell {
	switch {
	case n == nil:
		return cell{"-", plain}
	case *n > 0:
		return cell{briefly(*n), s}
	}
	return cell{"0", plain}
}

// Bad says how many values of a tensor are not finite, "" if all are.
func (x *Item) Bad() string {
	var parts []string
	if x.NaN != nil && *x.NaN > 0 {
		parts = append(parts, count(*x.NaN)+" NaN")
	}
	if x.Inf != nil && *x.Inf > 0 {
		parts = append(parts, count(*x.Inf)+" Inf")
	}
	return strings.Join(parts, ", ")
}
