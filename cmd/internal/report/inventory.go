package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// An Inventory lists the tensors of a source. Marshalled, it is the JSON of
// `quant inspect`, which docs/json.md describes.
type Inventory struct {
	Source   string      `json:"source"`
	Kind     string      `json:"kind"` // of the file: "npy", "safetensors", …
	Elements int64       `json:"elements"`
	Bytes    int64       `json:"bytes"`
	DTypes   []DTypeSize `json:"dtypes"` // the type that takes most bytes first
	Tensors  []Item      `json:"tensors"`
	FileNotes

	Activations []RoundedActivation `json:"activations,omitempty"` // that an ONNX model quantizes
}

// A DTypeSize has the sums over all tensors of one type.
type DTypeSize struct {
	DType    string `json:"dtype"`
	Tensors  int    `json:"tensors"`
	Elements int64  `json:"elements"`
	Bytes    int64  `json:"bytes"`
}

// An Item is one tensor of an Inventory. The numbers from Min on are nil for a tensor that is not
// of a floating-point type. Those from Min to Outliers describe its finite values; Min to StdDev
// are nil if it has no finite value.
type Item struct {
	Name     string       `json:"name"`
	DType    string       `json:"dtype"`
	Shape    []int        `json:"shape"`
	Elements int64        `json:"elements"`
	Bytes    int64        `json:"bytes"`
	Floating bool         `json:"floating"`
	Use      string       `json:"use"`    // the operator that uses it; "" if the file does not have it
	Axis     *int         `json:"axis"`   // of the output channels; nil if it is not known
	File     string       `json:"file"`   // that holds the values; "" for the one that was opened
	Offset   *int64       `json:"offset"` // of the values in it; nil if the file does not hold them in this form
	Min      *text.Float  `json:"min"`
	Max      *text.Float  `json:"max"`
	Mean     *text.Number `json:"mean"`
	StdDev   *text.Number `json:"std_dev"`
	Zeros    *int64       `json:"zeros"`
	Outliers *int64       `json:"outliers"` // farther than OutlierDevs standard deviations from the mean
	NaN      *int64       `json:"nan"`
	Inf      *int64       `json:"inf"`
	Error    string       `json:"error,omitempty"`   // why its values could not be read
	Unread   string       `json:"unread,omitempty"`  // why they are not read, if the type is not the reason
	Layout   string       `json:"layout,omitempty"`  // how several tensors of the file make this one
	PartOf   string       `json:"part_of,omitempty"` // the weight that it is a part of
}

// OutlierDevs is the distance from the mean, in standard deviations, beyond which a value is an
// outlier. In a normal distribution 2 values in 10⁹ are outliers.
const OutlierDevs = 6

// newItem returns the fields of a tensor that are known without reading it.
func newItem(info tensorfile.Info) Item {
	item := Item{
		Name: info.Name, DType: info.DType, Shape: dims(info.Shape), Elements: elements(info.Shape),
		Bytes: info.Bytes, Floating: info.Floating, Use: info.Use, File: info.File,
		Unread: info.Unread, Layout: info.Layout, PartOf: info.PartOf,
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

// Bad says how many values of a tensor are not finite; "" if all are finite.
func (x *Item) Bad() string {
	var parts []string
	if x.NaN != nil && *x.NaN > 0 {
		parts = append(parts, text.Count(*x.NaN)+" NaN")
	}
	if x.Inf != nil && *x.Inf > 0 {
		parts = append(parts, text.Count(*x.Inf)+" Inf")
	}
	return strings.Join(parts, ", ")
}
