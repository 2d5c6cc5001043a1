// Package convert turns model files into quantized ones that runtimes load,
// and those back into float32.
package convert

import (
	"os"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/calibfile"
	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/option"
)

// Options say how weights are quantized, and which.
type Options struct {
	Bits        int
	Unsigned    bool
	Mapping     quant.Mapping
	Granularity string // option.PerTensor, PerChannel or PerGroup
	GroupSize   int    // of PerGroup
	Axis        *int   // of the channels; nil for what the file tells, else 0
	NarrowRange bool
	Format      quant.Format      // of codes: floats instead of integers, whose width is Bits
	Scales      quant.ScaleFormat // in which scales are stored
	Range       quant.Method      // that chooses the ranges of weights
	Calibration *calibfile.File   // whose parameters weights of its names get instead; may be nil
	Measure     bool              // whether Weight.Metrics is wanted: it costs reading each weight once more

	Type        string     // of GGUF, such as q4_k; "" for the one that Bits say
	TensorTypes gguf.Rules // of GGUF: other types for tensors by their names

	Static *Static // of ONNX: activations are quantized too, and Calibration has their ranges; nil without

	Plan Plan // how each tensor is quantized, instead of all that is above; nil without

	Include []string // patterns of names, as option.Match has them; none for all
	Exclude []string // and of those to leave; these win

	otherNames []string // of Include, the patterns that match no weight of a layer
}

// A Result says what became of each tensor of a file.
type Result struct {
	Weights []Weight // quantized (or dequantized)
	Left    []Left   // copied as they are
	Read    int64    // bytes of all files that the model is in, and that are copied with it

	// Choosable are the names of those left that Options.Include picks if it
	// spells them out.
	Choosable []string

	LeftOut []LeftOut // what the model's files hold that is not in the new one

	// Of Options.Static.
	Operators   []Operator
	Activations []Activation
	Biases      []Bias
}

// A LeftOut is something in a file that was not copied.
type LeftOut struct{ Name, Reason string }

// A Weight is a tensor that was quantized.
type Weight struct {
	Name          string
	Use           string // the operator that uses it, if known
	Shape         []int
	Axis          int    // of the scales of channels or of groups; -1 if there is one scale
	Type          string // of its codes, as the format calls it: int8, Q8_0; or of the floats that codes became
	Scheme        quant.Scheme
	Calibrated    bool  // the parameters are those of a calibration file
	Before, After int64 // bytes in the files, scales and zero points included

	Metrics *quant.Metrics // of the reconstructed values; nil if not measured
}

// A Left is a tensor that was copied as it is.
type Left struct {
	Name   string
	DType  string
	Shape  []int
	Bytes  int64
	Reason string // why
}

// sizeOf is the length of all files that are there.
func sizeOf(paths ...string) int64 {
	n := int64(0)
	for _, path := range paths {
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() {
			n += st.Size()
		}
	}
	return n
}

// Progress is told how many bytes of the input's total are done. It may be nil.
type Progress func(done, total int64)

// selection is what the patterns of names pick.
func (o *Options) selection() option.Selection {
	return option.Selection{Include: o.Include, Exclude: o.Exclude}
}
