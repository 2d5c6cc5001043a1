package main

import (
	"strings"

	"github.com/spf13/cobra"

	library "github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/convert"
	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/report"
)

// convertFlags are the flags of quant quantize and quant dequantize.
type convertFlags struct {
	options    convert.Options
	axis       int
	mapping    string
	divisor    string
	scales     string // format
	method     string
	system     string // of --for
	convention *report.Convention
	scheme     string // the whole scheme; "" if other flags give it
	calibrated string
	importance string   // path
	plan       string   // path of the file
	feedback   string   // path of the file
	types      []string // rules for the types of tensors in GGUF
	static     staticFlags
	noErrors   bool
	output     string
	dry        bool
	format     string
}

// methodHQQ is the --method of feedback.HalfQuadratic.
const methodHQQ = "hqq"

// registerQuantize adds the flags of quant quantize to its command.
func (a *app) registerQuantize(cmd *cobra.Command, f *convertFlags) {
	o, flags := &f.options, cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.output, "output", "o", "", "`file` or folder to write")
	registerFor(cmd, &f.system)
	flags.StringVar(&f.scheme, "scheme", "", "the whole scheme in one text: `name` and parts as in quant compare --schemes, such as int4:sym:g128, fp8_e4m3:channel, mxfp4 or nvfp4; of GGUF a type")
	flags.IntVar(&o.Bits, "bits", o.Bits, "width `n` of a code, 2 to 16, as far as the format has it")
	flags.StringVar(&o.Type, "type", "", "GGUF: `type` of weights instead of --bits: "+strings.ToLower(gguf.Written()))
	flags.StringArrayVar(&f.types, "tensor-type", nil, "GGUF: another type for tensors whose name matches a regular expression, as `PATTERN=TYPE`: attn_v=q6_k; the first that matches counts; may be given several times")
	flags.StringVar(&o.Granularity, "granularity", "", "`name`: per_tensor, per_channel or group (default per_channel, or group with --group-size; what the format has)")
	flags.IntVar(&o.GroupSize, "group-size", 0, "groups of `n` values, along the longest axis other than the channels' (default 32)")
	flags.IntVar(&f.axis, "axis", 0, "axis `i` has the channels; -1 is the last (default: what the operator that uses a weight tells, or else 0)")
	flags.StringVar(&f.mapping, "mapping", "symmetric", "`name`: asymmetric or symmetric")
	flags.BoolVar(&o.Unsigned, "unsigned", false, "codes from 0 up instead of around 0")
	flags.BoolVar(&o.NarrowRange, "narrow-range", false, "leave out the lowest code (signed, symmetric only)")
	registerDivisor(cmd, &f.divisor, &f.scales, &o.SignedScale)
	flags.StringVar(&f.method, "method", "minmax", methodUsage())
	flags.StringVar(&f.calibrated, "calibration", "", "take scales and zero points of tensors by their names from a `file` of quant calibrate")
	flags.StringVar(&f.importance, "importance", "", importanceUsage+"; with --method mse")
	flags.StringVar(&f.plan, "plan", "", "quantize each weight as a `file` of quant plan says, and no others")
	flags.StringVar(&f.feedback, "feedback", "", "round with error feedback, with the second moments of a `file` of quant calibrate --moments")
	f.static.register(cmd)
	f.register(cmd)
	a.registerForce(cmd)
	flags.BoolVar(&f.noErrors, "no-errors", false, "do not measure errors, so that weights are read once less")
	completeWords(cmd, "mapping", option.Mappings()...)
	completeWords(cmd, "type", strings.Split(strings.ToLower(gguf.Written()), ", ")...)
	completeWords(cmd, "method", option.MethodWords()...)
	completeWords(cmd, "granularity", option.PerTensor, option.PerChannel, granularityGroup)
	flags.Lookup("scales").Usage = scalesUsage()
}

// scalesUsage is the help of --scales: the formats that go with codes of integers, and where the
// others are.
func scalesUsage() string {
	var one, two []string
	for _, f := range library.ScaleFormats() {
		if convert.TwoLevels(f) {
			two = append(two, f.String())
		} else {
			one = append(one, f.String())
		}
	}
	return "`format` that scales are rounded to before codes are made: " + strings.Join(one, ", ") + "; " + strings.Join(two, " and ") +
		", which have a second level, do not go with integers: e4m3 goes with fp4, as in --scheme nvfp4"
}

// register adds the flags that both commands have.
func (f *convertFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.options.Include, "include", nil, "only tensors whose name matches the `pattern`: * is any text, ? any character, [a-c] one of some; may be given several times. A name in full also picks a tensor that is usually left, and so does in safetensors a pattern that matches no layer")
	flags.StringArrayVar(&f.options.Exclude, "exclude", nil, "no tensors whose name matches the `pattern`; it is stronger than --include")
	flags.BoolVar(&f.dry, "dry-run", false, "do everything, but write nothing")
	flags.StringVar(&f.format, "format", formatTable, "`name` of the output format: table or json")
	completeTensors(cmd, "include", "exclude")
	completeWords(cmd, "format", formatTable, formatJSON)
}
