package main

import (
	"cmp"
	"strings"

	"github.com/spf13/cobra"

	library "github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/convert"
	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/option"
)

// The checks of the flags of quant quantize and quant dequantize, and the options that follow from
// the flags.

// check returns a usage error for wrong flags, and completes the options for a kind of file.
func (f *convertFlags) check(cmd *cobra.Command, kind convert.Kind) error {
	o, changed := &f.options, cmd.Flags().Changed
	switch {
	case f.format != formatTable && f.format != formatJSON:
		return usagef("format %q is neither table nor json", f.format)
	case f.output == "" && (changed("output") || !f.dry):
		return usagef("--output is missing: the name of the file to write")
	}
	o.Measure = !f.noErrors
	if cmd.Name() != "quantize" {
		return nil
	}
	if err := f.checkParts(kind, changed); err != nil {
		return err
	}
	switch {
	case f.static.dynamic:
		return f.checkDynamic(kind, changed)
	case f.static.activations:
		return f.checkStatic(kind, changed)
	case changed("plan"):
		return f.checkPlan(changed)
	}
	if changed("axis") {
		o.Axis = &f.axis
	}
	if changed("scheme") {
		return f.checkScheme(kind, changed)
	}
	return f.checkGranularity(kind, changed)
}

// checkParts checks the flags that say parts of a scheme, and those that name files.
func (f *convertFlags) checkParts(kind convert.Kind, changed func(name string) bool) error {
	o := &f.options
	var err error
	if o.HalfQuadratic = f.method == methodHQQ; o.HalfQuadratic {
		o.Range = library.LeastSquares // where the search begins
	} else if o.Range, err = option.ParseMethod(f.method); err != nil {
		return usagef("--method: %w, or hqq", err)
	}
	if err := f.checkFeedback(kind, changed); err != nil {
		return err
	}
	if changed("for") {
		if err := f.checkFor(kind, changed); err != nil {
			return err
		}
	}
	if err := o.SetMapping(f.mapping); err != nil {
		return &usageError{err}
	}
	if o.Divisor, err = option.ParseDivisor(f.divisor); err != nil {
		return usagef("--divisor: %w", err)
	}
	if o.Scales, err = option.ParseScales(f.scales); err != nil {
		return usagef("--scales: %w", err)
	}
	if changed("calibration") && f.calibrated == "" {
		return usagef("--calibration needs the name of a file")
	}
	if err := f.checkImportance(kind, changed); err != nil {
		return err
	}
	return f.static.checkNames(changed)
}

// checkGranularity checks the flags of the granularity and those of the kind of file, and completes
// the options.
func (f *convertFlags) checkGranularity(kind convert.Kind, changed func(name string) bool) error {
	o := &f.options
	if changed("group-size") && o.GroupSize <= 0 {
		return usagef("--group-size %d is not positive", o.GroupSize)
	}
	if o.Granularity == granularityGroup {
		o.Granularity = option.PerGroup
	}
	switch {
	case o.Granularity == "" && (changed("group-size") || f.static.nbits):
		o.Granularity = option.PerGroup
	case o.Granularity != "" && o.Granularity != option.PerGroup && changed("group-size"):
		return usagef("--group-size goes with --granularity group, not with %s", o.Granularity)
	}
	if f.static.nbits && kind != convert.KindONNX {
		return f.checkNBits(kind)
	}
	if kind == convert.KindGGUF {
		return f.checkGGUF(changed) // the format defines the rest
	}
	for _, name := range []string{"type", "tensor-type"} {
		if changed(name) {
			return usagef("--%s goes with GGUF, and the model is %s", name, kind)
		}
	}
	o.Granularity = cmp.Or(o.Granularity, option.PerChannel)
	if o.Granularity == option.PerGroup {
		o.GroupSize = cmp.Or(o.GroupSize, defaultGroup)
	}
	if err := o.Validate(); err != nil {
		return &usageError{err}
	}
	if f.static.nbits {
		return f.checkNBits(kind)
	}
	return nil
}

// checkFor sets the options to the scheme of the system of --for, for a model of a kind.
func (f *convertFlags) checkFor(kind convert.Kind, changed func(flag string) bool) error {
	s, err := parseFor(f.system, changed, "scheme", "plan")
	switch {
	case err != nil:
		return err
	case s.File == "":
		return usagef("--for %s: quant quantize writes no file that %s reads; quant compare, sweep and diff show what it does", s.Name, s.Title)
	case s.File != string(kind):
		return usagef("--for %s: the model is %s, and %s reads %s", s.Name, kind, s.Title, s.File)
	case f.static.activations:
		return f.static.setFor(s, changed)
	}
	flags := schemeFlags{mapping: &f.mapping, divisor: &f.divisor, scales: &f.scales, unsigned: &f.options.Unsigned, narrow: &f.options.NarrowRange, signed: &f.options.SignedScale}
	f.convention, err = setWeights(&f.options, flags, s, changed)
	return err
}

// checkFeedback checks the flags if --feedback or --method hqq is given.
func (f *convertFlags) checkFeedback(kind convert.Kind, changed func(name string) bool) error {
	switch {
	case changed("feedback") && f.feedback == "":
		return usagef("--feedback needs the name of a file")
	case f.feedback != "" && f.options.HalfQuadratic:
		return usagef("--method hqq is for models without --feedback: the data say more")
	case f.feedback != "" && kind == convert.KindGGUF:
		return usagef("--feedback does not go with GGUF, whose types say how codes are made")
	case f.static.activations && (f.feedback != "" || f.options.HalfQuadratic):
		return usagef("--feedback and --method hqq do not go with --activations")
	case f.static.dynamic && (f.feedback != "" || f.options.HalfQuadratic):
		return usagef("--feedback and --method hqq do not go with --dynamic")
	}
	return nil
}

// checkImportance checks --importance of quant quantize.
func (f *convertFlags) checkImportance(kind convert.Kind, changed func(name string) bool) error {
	switch {
	case !changed("importance"):
		return nil
	case f.importance == "":
		return usagef("--importance needs the name of a file")
	case kind == convert.KindGGUF:
		return usagef("--importance does not go with GGUF, whose types say how codes are made")
	case f.static.activations:
		return usagef("--importance does not go with --activations")
	case f.static.dynamic:
		return usagef("--importance does not go with --dynamic")
	case f.feedback != "":
		return usagef("--importance does not go with --feedback, which uses the second moments themselves")
	}
	return nil
}

// checkPlan checks the flags if --plan is given. The plan says how weights are quantized.
func (f *convertFlags) checkPlan(changed func(name string) bool) error {
	if f.plan == "" {
		return usagef("--plan needs the name of a file")
	}
	for _, name := range []string{"scheme", "bits", "type", "tensor-type", "granularity", "group-size", "axis", "mapping", "unsigned", "narrow-range", "divisor", "scales", "signed-scale", "method", "calibration"} {
		if changed(name) {
			return usagef("--%s does not go with --plan, which says how each weight is quantized", name)
		}
	}
	f.options.Granularity = option.PerChannel // not used, but has to be valid
	return nil
}

// checkScheme checks the flags if --scheme is given.
func (f *convertFlags) checkScheme(kind convert.Kind, changed func(name string) bool) error {
	for _, name := range []string{"bits", "type", "tensor-type", "granularity", "group-size", "mapping", "unsigned", "narrow-range", "divisor", "scales", "signed-scale", "method"} {
		if changed(name) {
			return usagef("--%s does not go with --scheme, which says all of it", name)
		}
	}
	o := &f.options
	if kind == convert.KindGGUF {
		if changed("axis") || changed("calibration") {
			return usagef("--scheme of GGUF is a type, which says how codes are made: --axis and --calibration do not go with it")
		}
		o.Type = f.scheme
		if t, err := gguf.ParseType(f.scheme); err != nil || !t.Writable() {
			return usagef("--scheme %q: GGUF has the types %s", f.scheme, strings.ToLower(gguf.Written()))
		}
		return nil
	}
	if err := o.SetScheme(f.scheme); err != nil {
		return usagef("--scheme: %w", err)
	}
	return nil
}

// checkGGUF checks the flags for a GGUF model.
func (f *convertFlags) checkGGUF(changed func(name string) bool) error {
	for _, name := range []string{"mapping", "unsigned", "narrow-range", "divisor", "scales", "signed-scale", "axis", "method", "calibration"} {
		if changed(name) {
			return usagef("--%s does not go with GGUF, whose types say how codes are made", name)
		}
	}
	if changed("type") && changed("bits") {
		return usagef("--type says how many bits codes have: it does not go with --bits")
	}
	for _, s := range f.types {
		rule, err := gguf.ParseRule(s)
		if err != nil {
			return usagef("--tensor-type: %w", err)
		}
		f.options.TensorTypes = append(f.options.TensorTypes, rule)
	}
	return nil
}
