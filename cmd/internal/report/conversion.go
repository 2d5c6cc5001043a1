package report

import (
	"math"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/internal/summary"
)

// A Conversion lists the tensors of a model that was quantized or dequantized. Marshalled, it is
// the JSON of `quant quantize` and `quant dequantize`, which docs/json.md describes.
type Conversion struct {
	Source  string          `json:"source"`
	Kind    string          `json:"kind"`   // of the file: "onnx", "gguf" or "safetensors"
	Output  string          `json:"output"` // "" for a dry run that named none
	DryRun  bool            `json:"dry_run"`
	Weights []Converted     `json:"weights"`
	Left    []Left          `json:"left"`
	Total   ConversionTotal `json:"total"`

	Dequantized bool `json:"dequantized"` // it was dequantized
	Planned     bool `json:"-"`           // a plan says how each weight is quantized

	Importance string `json:"importance,omitempty"` // file with the importance of the inputs of weights; "" for none

	Static *Static `json:"static,omitempty"` // nil if only weights were quantized

	For  *Convention `json:"for,omitempty"`  // the system that --for names; nil for none
	Note string      `json:"note,omitempty"` // what the options cost without a gain
	FileNotes
}

// A Converted is a tensor that was quantized or dequantized.
type Converted struct {
	Name     string `json:"name"`
	Use      string `json:"use"`   // the operator that uses it; "" if the file does not have it
	DType    string `json:"dtype"` // in the output
	Shape    []int  `json:"shape"`
	Elements int64  `json:"elements"`
	Scheme   Scheme `json:"scheme"`

	Calibrated bool `json:"calibrated"` // scales and zero points are those of a calibration file

	Feedback bool   `json:"feedback"`          // rounded with error feedback
	Nearest  string `json:"nearest,omitempty"` // why it was not fitted to inputs, or without inputs by hqq, although that was asked for

	Before  int64    `json:"bytes_before"`
	After   int64    `json:"bytes_after"`      // with scales and zero points
	Metrics *Metrics `json:"errors,omitempty"` // nil if they were not measured

	Important bool      `json:"importance,omitempty"`      // its inputs have an importance
	Weighted  *Weighted `json:"weighted_errors,omitempty"` // nil without an importance, and if errors were not measured
}

// Add adds a tensor that has the scheme s. Its other fields are x's; m may be nil.
func (c *Conversion) Add(x Converted, s quant.Scheme, m *quant.Metrics) {
	x.Shape, x.Elements, x.Scheme = dims(x.Shape), elements(x.Shape), newScheme(s, false)
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

// A ConversionTotal has the sums over a model.
type ConversionTotal struct {
	Elements      int64       `json:"elements"`     // of the weights
	Before        int64       `json:"bytes_before"` // that the weights took
	After         int64       `json:"bytes_after"`
	BitsPerWeight text.Number `json:"bits_per_weight"`
	Compression   text.Number `json:"compression"` // bytes before by bytes after
	Left          int64       `json:"bytes_left"`  // of tensors that were copied
	FilesBefore   int64       `json:"file_bytes_before"`
	FilesAfter    int64       `json:"file_bytes_after"`
	SQNR          text.Number `json:"sqnr_db"` // of all weights together; null if they were not measured
}

// Sum adds up the tensors and sets Total.
func (c *Conversion) Sum() {
	t := &c.Total
	sums := summary.NewErrorSums(1)
	measured := len(c.Weights) > 0
	for _, w := range c.Weights {
		t.Elements += w.Elements
		t.Before += w.Before
		t.After += w.After
		if w.Metrics == nil {
			measured = false
			continue
		}
		sums.Add(w.Elements, func(int) (float64, float64) { return float64(w.Metrics.RMSE), float64(w.Metrics.SQNR) })
	}
	for _, l := range c.Left {
		t.Left += l.Bytes
	}
	t.BitsPerWeight, t.Compression, t.SQNR = unknown, unknown, unknown
	if t.Elements > 0 && t.After > 0 {
		t.BitsPerWeight = text.Number(8 * float64(t.After) / float64(t.Elements))
		t.Compression = text.Number(float64(t.Before) / float64(t.After))
	}
	if measured {
		t.SQNR = text.Number(sums.SQNR(0))
	}
}

// unknown stands for an unknown number: null in JSON.
var unknown = text.Number(math.NaN())
