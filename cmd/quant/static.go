package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/a01592f9/quant/cmd/internal/convert"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/report"
)

// staticFlags are the flags of quant quantize that say how activations are quantized.
type staticFlags struct {
	activations bool
	kind        string
	mapping     string
	operators   []string
	reduced     bool
}

// staticNames are the flags that need --activations.
var staticNames = []string{"activation-type", "activation-mapping", "operators", "reduce-range"}

func (f *staticFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.activations, "activations", false, "ONNX: quantize activations too, with the ranges of --calibration; weights are then int8, per channel or per tensor")
	flags.StringVar(&f.kind, "activation-type", "uint8", "`type` of the codes of activations: uint8, int8, uint16 or int16; ONNX Runtime computes few operators with 16 bits")
	flags.StringVar(&f.mapping, "activation-mapping", "", "`name`: asymmetric or symmetric (default: symmetric for signed types)")
	flags.StringSliceVar(&f.operators, "operators", nil, "with --activations quantize nodes of these operators only, as `OPERATOR,…`; others than ONNX Runtime computes with codes get codes around them (default "+strings.Join(onnx.ActivationOperators(), ", ")+")")
	flags.BoolVar(&f.reduced, "reduce-range", false, "with --activations codes of weights from -64 to 64: for x86 processors without VNNI, where sums of 8-bit products saturate")
	completeWords(cmd, "activation-type", convert.ActivationTypes()...)
	completeWords(cmd, "activation-mapping", option.Mappings()...)
}

// checkStatic checks the flags if --activations is given.
func (f *convertFlags) checkStatic(kind convert.Kind, changed func(name string) bool) error {
	s, o := &f.static, &f.options
	if kind != convert.KindONNX {
		return usagef("--activations goes with ONNX, and the model is %s", kind)
	}
	if f.calibrated == "" {
		return usagef("--activations needs --calibration, a file with the ranges of activations: see docs/static.md")
	}
	for _, name := range []string{"bits", "type", "tensor-type", "group-size", "axis", "mapping", "unsigned", "narrow-range", "divisor", "scales", "plan"} {
		if changed(name) {
			return usagef("--%s does not go with --activations, where weights are symmetric int8", name)
		}
	}
	o.Granularity = cmp.Or(o.Granularity, option.PerChannel)
	if o.Granularity != option.PerChannel && o.Granularity != option.PerTensor {
		return usagef("--granularity %q does not go with --activations: it is per_channel or per_tensor", o.Granularity)
	}
	if !slices.Contains(convert.ActivationTypes(), s.kind) {
		return usagef("--activation-type %q is none of %s", s.kind, strings.Join(convert.ActivationTypes(), ", "))
	}
	symmetric := strings.HasPrefix(s.kind, "int")
	switch s.mapping {
	case "":
	case "symmetric", "asymmetric":
		symmetric = s.mapping == "symmetric"
	default:
		return usagef("--activation-mapping %q is neither asymmetric nor symmetric", s.mapping)
	}
	for _, op := range s.operators {
		if !onnx.KnownOperator(op) {
			return usagef("--operators: ONNX has no operator %q", op)
		}
	}
	if s.reduced && changed("method") {
		return usagef("--method does not go with --reduce-range")
	}
	if err := o.Validate(); err != nil {
		return &usageError{err}
	}
	o.Static = &convert.Static{Type: s.kind, Symmetric: symmetric, Reduced: s.reduced, Operators: s.operators}
	return nil
}

// addStatic adds the operators and activations of a result to a report.
func addStatic(c *report.Conversion, r *convert.Result) {
	if r.Operators == nil {
		return
	}
	s := &report.Static{Operators: []report.Operator{}, Activations: []report.Activation{}, Biases: []report.Bias{}}
	for _, o := range r.Operators {
		s.Operators = append(s.Operators, report.Operator{Name: o.Name, Op: o.Op, Integer: o.Integer, Folded: o.Folded, Reason: o.Reason})
	}
	for _, x := range r.Activations {
		s.Activations = append(s.Activations, report.Activation{Name: x.Name, Of: x.Of, DType: x.Type, Min: x.Min, Max: x.Max, Scale: x.Scale, ZeroPoint: x.Zero})
	}
	for _, b := range r.Biases {
		s.Biases = append(s.Biases, report.Bias{Name: b.Name, Node: b.Node, Widened: b.Widened})
	}
	c.Static = s
}
