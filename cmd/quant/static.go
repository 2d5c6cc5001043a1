package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/a01592f9/quant/cmd/internal/convert"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/system"
)

// staticFlags are the flags of quant quantize that say how activations are quantized.
type staticFlags struct {
	activations bool
	dynamic     bool
	nbits       bool
	accuracy    int
	kind        string
	mapping     string
	operators   []string
	reduced     bool
	unfolded    bool
}

// staticNames are the flags that need --activations.
var staticNames = []string{"activation-type", "activation-mapping", "no-fold"}

// nbitsNames are the flags that do not go with --matmulnbits.
var nbitsNames = []string{"activations", "dynamic", "plan", "scheme", "for", "axis", "calibration"}

// codesNames are the flags that need --activations or --dynamic.
var codesNames = []string{"operators", "reduce-range"}

func (f *staticFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.activations, "activations", false, "ONNX: quantize activations too, with the ranges of --calibration; weights are then int8, per channel or per tensor")
	flags.BoolVar(&f.dynamic, "dynamic", false, "ONNX: quantize activations while the model runs, without a calibration; weights are then of 8 bits, and Conv, MatMul, Gemm and LSTM compute in integers")
	flags.BoolVar(&f.nbits, "matmulnbits", false, "ONNX: write weights of MatMul and Gemm, and no others, for MatMulNBits of ONNX Runtime: in groups, of 2, 4 or 8 bits")
	flags.IntVar(&f.accuracy, "accuracy-level", 0, "with --matmulnbits: `n` is 1 to compute in float32, 4 to round the other operand to int8, 0 for the runtime's choice")
	flags.StringVar(&f.kind, "activation-type", "uint8", "`type` of the codes of activations: uint8, int8, uint16 or int16; ONNX Runtime computes few operators with 16 bits")
	flags.StringVar(&f.mapping, "activation-mapping", "", "`name`: asymmetric or symmetric (default: symmetric for signed types)")
	flags.StringSliceVar(&f.operators, "operators", nil, "with --activations or --dynamic quantize nodes of the operators in a `list` only, such as Conv,MatMul; with --activations others than ONNX Runtime computes with codes get codes around them (default "+strings.Join(onnx.ActivationOperators(), ", ")+"; of --dynamic "+strings.Join(onnx.DynamicOperators(), ", ")+")")
	flags.BoolVar(&f.reduced, "reduce-range", false, "with --activations or --dynamic codes of weights from -64 to 64: for x86 processors without VNNI, where sums of 8-bit products saturate")
	flags.BoolVar(&f.unfolded, "no-fold", false, "with --activations leave each BatchNormalization, instead of folding it into the Conv, ConvTranspose or Gemm before it")
	completeWords(cmd, "activation-type", convert.ActivationTypes()...)
	completeWords(cmd, "activation-mapping", option.Mappings()...)
}

// checkNames returns a usage error for flags that do not go with each other.
func (f *staticFlags) checkNames(changed func(name string) bool) error {
	for _, name := range nbitsNames {
		if f.nbits && changed(name) {
			return usagef("--%s does not go with --matmulnbits", name)
		}
	}
	if changed("accuracy-level") && !f.nbits {
		return usagef("--accuracy-level goes with --matmulnbits")
	}
	for _, name := range staticNames {
		if changed(name) && !f.activations && !f.dynamic { // checkDynamic has another error
			return usagef("--%s goes with --activations", name)
		}
	}
	for _, name := range codesNames {
		if changed(name) && !f.activations && !f.dynamic {
			return usagef("--%s goes with --activations or --dynamic", name)
		}
	}
	return nil
}

// setFor sets the type and the mapping of activations to those of a system.
func (f *staticFlags) setFor(s system.System, changed func(flag string) bool) error {
	x, err := s.Activation()
	if err != nil {
		return usagef("--for %s: %w", s.Name, err)
	}
	kind := "int8"
	if x.Unsigned {
		kind = "uint8"
	}
	for _, v := range []struct {
		flag, want string
		value      *string
	}{{"activation-type", kind, &f.kind}, {"activation-mapping", x.Mapping.String(), &f.mapping}} {
		if changed(v.flag) && *v.value != v.want {
			return usagef("--%s %s contradicts --for %s, which has %s", v.flag, *v.value, s.Name, v.want)
		}
		*v.value = v.want
	}
	return nil
}

// addStatic adds the operators and activations of a result to a report.
func addStatic(c *report.Conversion, r *convert.Result) {
	if r.Operators == nil {
		return
	}
	s := &report.Static{Running: r.Dynamic, Normalizations: r.Normalizations, Operators: []report.Operator{}, Activations: []report.Activation{}, Biases: []report.Bias{}}
	for _, o := range r.Operators {
		s.Operators = append(s.Operators, report.Operator{Name: o.Name, Op: o.Op, Integer: o.Integer, Folded: o.Folded, Reason: o.Reason})
	}
	for _, x := range r.Activations {
		s.Activations = append(s.Activations, report.Activation{Name: x.Name, Of: x.Of, DType: x.Type, Min: x.Min, Max: x.Max, Scale: x.Scale, ZeroPoint: x.Zero})
	}
	for _, b := range r.Biases {
		s.Biases = append(s.Biases, report.Bias{Name: b.Name, Node: b.Node, Widened: b.Widened})
	}
	for _, x := range r.Unfolded {
		s.Unfolded = append(s.Unfolded, report.FloatNode(x))
	}
	c.Static = s
}
