package main

import (
	"strings"

	"github.com/spf13/cobra"

	library "github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/convert"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/system"
)

// The flag --for gives the commands the scheme of a system. Beside it --bits, --granularity and
// --group-size choose among what the system has, and --axis and --method are free. Any other flag
// of a scheme has to agree with the system.

// forHelp is the part of the long help of a command that explains --for.
const forHelp = `--for SYSTEM gives compare, sweep, calibrate and quantize the same scheme: the
one of the system, by the presets of quant diff --presets. Systems are
onnxruntime and tensorrt, for which quantize writes ONNX; vllm, safetensors;
llama.cpp, GGUF; and tflite, xnnpack, pytorch, torchao and mlx, for which it
writes no file. Beside it --bits, --granularity and --group-size choose among
what the system has, and --method is free. Any other flag that contradicts it is
an error.`

// registerFor adds the flag --for to a command.
func registerFor(cmd *cobra.Command, target *string) {
	cmd.Flags().StringVar(target, "for", "", "`system` whose scheme it is: "+strings.Join(system.Names(), ", "))
	completeWords(cmd, "for", system.Names()...)
}

// parseFor returns the system of --for. The flags of a list do not go with it.
func parseFor(name string, changed func(flag string) bool, without ...string) (system.System, error) {
	s, err := system.Parse(name)
	if err != nil {
		return s, usagef("--for: %w", err)
	}
	for _, flag := range without {
		if changed(flag) {
			return s, usagef("--%s does not go with --for, which says the scheme", flag)
		}
	}
	return s, nil
}

// A schemeFlags has the values of the flags of a scheme beside --for.
type schemeFlags struct {
	mapping, divisor, scales *string
	unsigned, narrow, signed *bool
	zero                     *bool // nil for a command that always has 0 in ranges
}

// set sets the flags to those of x, the scheme of a system. A flag that was given has to agree.
func (f schemeFlags) set(s system.System, x library.Scheme, changed func(flag string) bool) error {
	words := func(flag string, value *string, want string) error {
		if value == nil {
			return nil
		}
		if changed(flag) && *value != want {
			return usagef("--%s %s contradicts --for %s, which has %s", flag, *value, s.Name, want)
		}
		*value = want
		return nil
	}
	switches := func(flag string, value *bool, want bool, has string) error {
		if value == nil {
			return nil
		}
		if changed(flag) && *value != want {
			return usagef("--%s=%t contradicts --for %s, %s", flag, *value, s.Name, has)
		}
		*value = want
		return nil
	}
	signs := map[bool]string{false: "whose codes are signed", true: "whose codes run from 0 up"}
	lowest := map[bool]string{false: "which has the lowest code too", true: "which leaves out the lowest code"}
	positive := map[bool]string{false: "whose scales are positive", true: "whose scales may be negative"}
	zeros := map[bool]string{false: "whose ranges need not hold 0", true: "whose ranges hold 0"}
	for _, err := range []error{
		words("mapping", f.mapping, x.Mapping.String()),
		words("divisor", f.divisor, x.Divisor.String()),
		words("scales", f.scales, x.Scales.String()),
		switches("unsigned", f.unsigned, x.Unsigned, signs[x.Unsigned]),
		switches("narrow-range", f.narrow, x.NarrowRange, lowest[x.NarrowRange]),
		switches("signed-scale", f.signed, x.SignedScale, positive[x.SignedScale]),
	} {
		if err != nil {
			return err
		}
	}
	if x.Mapping == library.Symmetric {
		return nil // 0 is in every range
	}
	return switches("zero-in-range", f.zero, x.ZeroInRange, zeros[x.ZeroInRange])
}

// chosenFor returns the weights of a system under the flags that choose among them. A group size
// that is not positive is left to the checks of the command.
func chosenFor(s system.System, changed func(flag string) bool, bits int, granularity string, group int) (system.Weights, error) {
	if !changed("bits") {
		bits = 0
	}
	w, err := s.Of(bits)
	if err != nil {
		return w, usagef("--for %s: %w", s.Name, err)
	}
	switch {
	case granularity == granularityGroup, granularity == "" && changed("group-size"):
		granularity = option.PerGroup
	case granularity == "":
		return w, nil
	}
	if changed("group-size") && group <= 0 {
		return w, nil
	}
	if w, err = w.With(s, granularity, group); err != nil {
		return w, usagef("--for %s: %w", s.Name, err)
	}
	return w, nil
}

// setWeights sets the options of a conversion to the weights of a system, and the flags of a scheme.
func setWeights(o *convert.Options, flags schemeFlags, s system.System, changed func(flag string) bool) (*report.Convention, error) {
	w, err := chosenFor(s, changed, o.Bits, o.Granularity, o.GroupSize)
	if err != nil {
		return nil, err
	}
	c := report.NewConvention(s, w, o.Range)
	if w.Block != "" {
		if !changed("type") {
			o.Type = w.Block
		} else {
			c.Preset, c.Scheme = "", o.Type
		}
		return c, nil
	}
	if err := flags.set(s, w.Scheme, changed); err != nil {
		return nil, err
	}
	o.Bits, o.WholeGroups = w.Bits, w.WholeGroups
	if o.Granularity == "" || o.Granularity == granularityGroup {
		o.Granularity = w.Granularity()
	}
	if !changed("group-size") {
		o.GroupSize = w.Group
	}
	return c, nil
}
