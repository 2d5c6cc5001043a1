// Package convert quantizes model files for runtimes, and dequantizes them to float32.
package convert

import (
	"os"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/calibfile"
	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/importance"
	"github.com/a01592f9/quant/cmd/internal/moments"
	"github.com/a01592f9/quant/cmd/internal/option"
)

// Options say how to quantize weights, and which.
type Options struct {
	Bits        int
	Unsigned    bool
	Mapping     quant.Mapping
	Granularity string // option.PerTensor, option.PerChannel, option.PerGroup or option.PerBlock
	GroupSize   int    // elements of a group, for PerGroup
	WholeGroups bool   // for ONNX: leave weights that have no whole groups along one of the last two axes; a plan ignores it
	Block       [2]int // rows and columns of a block, for PerBlock
	Axis        *int   // axis of the channels; nil for the axis in the file, or 0 if there is none
	NarrowRange bool
	Format      quant.Format      // format of codes; Bits is the width of integer codes
	Scales      quant.ScaleFormat // format of scales; files of integers have them as float32 all the same
	Divisor     quant.Divisor     // of the symmetric mapping
	SignedScale bool              // scales may be negative
	Range       quant.Method      // method that chooses the ranges of weights
	Calibration *calibfile.File   // parameters for weights of the same names, instead of Range; may be nil
	Feedback    moments.State     // round with error feedback the weights whose inputs' second moments are here; may be nil
	Importance  *importance.File  // importance of the inputs of weights, for quant.LeastSquares; may be nil
	Measure     bool              // set Weight.Metrics; this reads each weight once more

	// HalfQuadratic searches for scales and zero points as feedback.HalfQuadratic does, beginning with
	// those of Range.
	HalfQuadratic bool

	Type        string     // for GGUF: the type, such as q4_k; "" for the type of Bits
	TensorTypes gguf.Rules // for GGUF: other types for some tensors, by name

	Static *Static // for ONNX: quantize activations too, with ranges from Calibration; may be nil

	Dynamic *Dynamic // for ONNX: quantize products dynamically; may be nil

	NBits *NBits // for ONNX: weights of MatMul and Gemm for MatMulNBits, and no others; may be nil

	Plan Plan // the choice for each tensor, instead of the options above; may be nil

	Include []string // patterns of names for option.Match; none to include all
	Exclude []string // patterns of names to leave out, even if included

	otherNames []string // patterns of Include that match no weight of a layer
}

// A Result says what was done with each tensor of a model.
type Result struct {
	Weights []Weight // tensors that were quantized or dequantized
	Left    []Left   // tensors that were copied unchanged
	Read    int64    // size of the model's files and of the files that were copied with it

	// Choosable are the names of tensors in Left that would be converted if Options.Include had
	// them in full.
	Choosable []string

	LeftOut []LeftOut // contents of the model's files that were not copied

	// Results for Options.Static and Options.Dynamic.
	Operators      []Operator
	Activations    []Activation
	Biases         []Bias
	Normalizations int         // number of BatchNormalization nodes that were folded, for Options.Static
	Unfolded       []FloatNode // those that could be folded but for values that are not finite
	Dynamic        int         // number of values that the model quantizes while it runs, for Options.Dynamic
}

// A LeftOut is something in a file that was not copied.
type LeftOut struct{ Name, Reason string }

// A Weight is a tensor that was quantized or dequantized.
type Weight struct {
	Name          string
	Use           string // the operator that uses it, if known
	Shape         []int
	Axis          int    // axis of the channels or groups; -1 if there is one scale
	Type          string // the format's name for the type of its codes, such as int8 or Q8_0, or of the dequantized values
	Scheme        quant.Scheme
	Calibrated    bool   // the parameters come from a calibration file
	Feedback      bool   // rounded with error feedback
	Nearest       string // why it has the nearest values, or the parameters of Options.Range, although Options asks for others; "" otherwise
	Before, After int64  // bytes in the files, with scales and zero points

	Important bool // its inputs have an importance
	Measured
}

// Measured are the errors of the reconstructed values of a weight.
type Measured struct {
	Metrics  *quant.Metrics         // nil if they were not measured
	Weighted *quant.WeightedMetrics // nil without an importance, and if Metrics is nil
}

// A Left is a tensor that was copied unchanged.
type Left struct {
	Name   string
	DType  string
	Shape  []int
	Bytes  int64
	Reason string // why it was left unchanged
}

// sizeOf returns the total size of the files that exist.
func sizeOf(paths ...string) int64 {
	n := int64(0)
	for _, path := range paths {
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() {
			n += st.Size()
		}
	}
	return n
}

// Progress receives the number of bytes done and the total. It may be nil.
type Progress func(done, total int64)

// selection returns the patterns of names as a Selection.
func (o *Options) selection() option.Selection {
	return option.Selection{Include: o.Include, Exclude: o.Exclude}
}
