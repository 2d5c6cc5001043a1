package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/convert"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/option"
)

// The checks of the flags of quant quantize that make operators of ONNX compute with codes.

// checkStatic checks the flags if --activations is given.
func (f *convertFlags) checkStatic(kind convert.Kind, changed func(name string) bool) error {
	s, o := &f.static, &f.options
	if kind != convert.KindONNX {
		return usagef("--activations goes with ONNX, and the model is %s", kind)
	}
	if f.calibrated == "" {
		return usagef("--activations needs --calibration, a file with the ranges of activations: see docs/static.md")
	}
	for _, name := range []string{"scheme", "bits", "type", "tensor-type", "group-size", "axis", "mapping", "unsigned", "narrow-range", "divisor", "scales", "signed-scale", "plan"} {
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
	o.Static = &convert.Static{Type: s.kind, Symmetric: symmetric, Reduced: s.reduced, Operators: s.operators, Unfolded: s.unfolded}
	return nil
}

// checkDynamic checks the flags if --dynamic is given.
func (f *convertFlags) checkDynamic(kind convert.Kind, changed func(name string) bool) error {
	s, o := &f.static, &f.options
	if kind != convert.KindONNX {
		return usagef("--dynamic goes with ONNX, and the model is %s", kind)
	}
	for _, name := range slices.Concat(staticNames, []string{"activations", "scheme", "bits", "type", "tensor-type", "group-size", "axis", "narrow-range", "divisor", "scales", "signed-scale", "for", "calibration", "plan"}) {
		if changed(name) {
			return usagef("--%s does not go with --dynamic", name)
		}
	}
	o.Granularity = cmp.Or(o.Granularity, option.PerChannel)
	if o.Granularity != option.PerChannel && o.Granularity != option.PerTensor {
		return usagef("--granularity %q does not go with --dynamic: it is per_channel or per_tensor", o.Granularity)
	}
	for _, op := range s.operators {
		if !slices.Contains(onnx.DynamicOperators(), op) {
			return usagef("--operators: --dynamic quantizes %s, not %q", strings.Join(onnx.DynamicOperators(), ", "), op)
		}
	}
	if s.reduced && (changed("method") || o.Unsigned || f.mapping != "symmetric") {
		return usagef("--reduce-range goes with symmetric int8 weights and --method minmax")
	}
	if err := o.Validate(); err != nil {
		return &usageError{err}
	}
	o.Dynamic = &convert.Dynamic{Reduced: s.reduced, Operators: s.operators}
	return nil
}

// checkNBits checks the flags if --matmulnbits is given, after the options are complete.
func (f *convertFlags) checkNBits(kind convert.Kind) error {
	if kind != convert.KindONNX {
		return usagef("--matmulnbits goes with ONNX, and the model is %s", kind)
	}
	o := &f.options
	if o.Granularity != option.PerGroup {
		return usagef("--matmulnbits needs --granularity group, not %s", o.Granularity)
	}
	o.NBits = &convert.NBits{Accuracy: f.static.accuracy}
	if err := o.CheckNBits(); err != nil {
		return &usageError{err}
	}
	return nil
}
