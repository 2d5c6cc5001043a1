package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	library "github.com/a01592f9/quant"
	"github.com/a01592f9/quant/calibfile"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/convert"
	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/moments"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/system"
	"github.com/a01592f9/quant/cmd/internal/text"
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

const convertExit = `

The output is there whole or not at all, whatever happens.
` + overwriting + `

Exit codes: 0 done, 1 failed on the data or a file, 2 wrong usage, 130
interrupted.`

func (a *app) quantizeCommand() *cobra.Command {
	f := convertFlags{options: convert.Options{Bits: 8}}
	cmd := &cobra.Command{
		Use:   "quantize MODEL -o OUT",
		Short: "Quantize the weights of a model file: ONNX, safetensors or GGUF",
		Long: `Quantize the weights of a model, and write a model of the same kind that
runtimes load:

  ONNX         integer weights with DequantizeLinear, for ONNX Runtime and
               others
  safetensors  the layout of compressed-tensors, for vLLM and transformers; OUT
               is a folder unless its name ends in .safetensors
  GGUF         Q8_0 (8 bits), Q4_0 (4 bits) or the --type, for llama.cpp; a
               model in parts becomes one file

The content of MODEL tells its kind. An index is of safetensors, and so is a
folder unless it holds a GGUF model.

Biases, norms, small tensors and what no operator computes with are left as they
are, and listed with the reason, unless --include has their names in full. Such
a name is quantized, or an error says why the format cannot hold it. Ranges are
widened to hold 0, and zero points have the type of the codes: these formats
want it so.

--activations quantizes an ONNX model statically: activations as well as
weights, with the ranges of a --calibration, so that ONNX Runtime computes in
integers. docs/static.md has the steps. --include and --exclude then have names
of nodes.

--dynamic quantizes the activations of an ONNX model while it runs, and needs no
calibration: Conv, MatMul, Gemm and LSTM compute in integers. docs/dynamic.md
has what is written, and what --matmulnbits writes. --include and --exclude then
have names or operators of nodes.

` + forHelp + `

--scheme names a scheme as quant compare --schemes does, instead of the flags
that say parts of it. Floating-point codes of safetensors are fp8_e4m3 per
tensor, fp8_e4m3:channel, fp8_e4m3:128x128 (in blocks of two axes), mxfp8, mxfp4
and nvfp4. Those of ONNX are fp8_e4m3, fp8_e5m2, fp8_e4m3fnuz, fp8_e5m2fnuz and
fp4, per tensor, per channel or in groups, with float32 scales. ONNX Runtime
1.30 runs all of them but fp4.

--method chooses ranges that clip: see quant compare --help. --method hqq needs
no data: it searches for scales and zero points with which few weights have
large errors and most have small ones, as HQQ does. --feedback rounds weights so
that the outputs of their layers change little, as GPTQ does: weights make up
for the errors of those before them. It needs the second moments of the inputs
of layers, from quant calibrate --moments. Weights without them get the nearest
values, and are listed with the reason. docs/planning.md has the steps. With
--calibration weights that the file has a name of get its scales and zero points
and, in ONNX, its scheme; the others are quantized as the flags say. GGUF knows
none of these.

--importance makes mse choose the least error of the outputs of a layer: see
quant compare --help.` + convertExit,
		Example: `  quant quantize model.onnx -o model.int8.onnx
  quant quantize model.onnx -o small.onnx --bits 4 --group-size 32 --method mse
  quant quantize model.safetensors -o quantized/ --for vllm --bits 4
  quant quantize model.safetensors -o quantized/ --scheme nvfp4
  quant quantize model.onnx -o model.fp8.onnx --scheme fp8_e4m3:channel
  quant quantize model.gguf -o model.q8_0.gguf
  quant quantize model.gguf -o small.gguf --type q4_k --tensor-type attn_v=q6_k
  quant quantize model.onnx -o small.onnx --bits 4 --feedback inputs.moments
  quant quantize model/ -o out/ --bits 4 --method mse --importance imatrix.gguf
  quant quantize model.onnx -o int8.onnx --activations --calibration ranges.json
  quant quantize model.onnx -o small.onnx --bits 4 --group-size 32 --matmulnbits
  quant quantize model.onnx -o int8.onnx --dynamic --exclude Conv
  quant quantize model.onnx -o out.onnx --exclude '*.embed*' --dry-run`,
		Args: models,
		RunE: a.start(func(cmd *cobra.Command, args []string) error {
			return a.convert(cmd, args[0], &f, convert.Quantize)
		}),
		ValidArgsFunction: completeFile,
	}
	o, flags := &f.options, cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.output, "output", "o", "", "`file` or folder to write")
	registerFor(cmd, &f.system)
	flags.StringVar(&f.scheme, "scheme", "", "a scheme that says all: `name` and parts as in quant compare --schemes, such as int4:sym:g128, fp8_e4m3:channel, mxfp4 or nvfp4; of GGUF a type")
	flags.IntVar(&o.Bits, "bits", o.Bits, "width `n` of a code, 2 to 16, as far as the format has it")
	flags.StringVar(&o.Type, "type", "", "GGUF: `type` of weights instead of --bits: "+strings.ToLower(gguf.Written()))
	flags.StringArrayVar(&f.types, "tensor-type", nil, "GGUF: another type for tensors whose name matches a regular expression, as `PATTERN=TYPE`: attn_v=q6_k; the first that matches counts; may be given several times")
	flags.StringVar(&o.Granularity, "granularity", "", "`name`: per_tensor, per_channel or group (default per_channel, or group with --group-size; what the format has)")
	flags.IntVar(&o.GroupSize, "group-size", 0, "groups of `n` values, along the longest axis other than the channels' (default 32)")
	flags.IntVar(&f.axis, "axis", 0, "axis `i` has the channels; -1 is the last (default: what the operator that uses a weight tells, or else 0)")
	flags.StringVar(&f.mapping, "mapping", "symmetric", "`name`: asymmetric or symmetric")
	flags.BoolVar(&o.Unsigned, "unsigned", false, "codes from 0 up instead of around 0")
	flags.BoolVar(&o.NarrowRange, "narrow-range", false, "leave out the lowest code (signed, symmetric only)")
	registerDivisor(cmd, &f.divisor, &f.scales)
	flags.StringVar(&f.method, "method", "minmax", methodUsage())
	flags.StringVar(&f.calibrated, "calibration", "", "take scales and zero points of tensors by their names from a `file` of quant calibrate")
	flags.StringVar(&f.importance, "importance", "", importanceUsage+"; with --method mse")
	flags.StringVar(&f.plan, "plan", "", "quantize each weight as a `file` of quant plan says, and no others")
	flags.StringVar(&f.feedback, "feedback", "", "round with error feedback, with the second moments of a `file` of quant calibrate --moments")
	f.static.register(cmd)
	f.register(cmd)
	a.registerForce(cmd)
	flags.BoolVar(&f.noErrors, "no-errors", false, "do not measure errors, which takes reading weights once more")
	completeWords(cmd, "mapping", option.Mappings()...)
	completeWords(cmd, "type", strings.Split(strings.ToLower(gguf.Written()), ", ")...)
	completeWords(cmd, "method", option.MethodWords()...)
	completeWords(cmd, "granularity", option.PerTensor, option.PerChannel, granularityGroup)
	return cmd
}

func (a *app) dequantizeCommand() *cobra.Command {
	var f convertFlags
	cmd := &cobra.Command{
		Use:   "dequantize MODEL -o OUT",
		Short: "Turn a quantized model file back into float32",
		Long: `Turn the quantized weights of a model back into float32, in a model of the same
kind: of ONNX what DequantizeLinear is applied to, of safetensors the layouts
of docs/reading.md, such as FP8 with scales, GPTQ and AWQ, of GGUF every type
that ggml has, and 16-bit floats. The rest is copied as it is.` + convertExit,
		Example: `  quant dequantize model.int8.onnx -o model.float.onnx
  quant dequantize model.q4_0.gguf -o model.f32.gguf`,
		Args: models,
		RunE: a.start(func(cmd *cobra.Command, args []string) error {
			f.noErrors = true
			return a.convert(cmd, args[0], &f, convert.Dequantize)
		}),
		ValidArgsFunction: completeFile,
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "`file` or folder to write")
	f.register(cmd)
	a.registerForce(cmd)
	return cmd
}

// models checks that a command has one argument, MODEL.
func models(_ *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return errors.New("MODEL is missing")
	case len(args) > 1:
		return fmt.Errorf("one MODEL at a time, not %d", len(args))
	}
	return nil
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
	if err := f.static.checkNames(changed); err != nil {
		return err
	}
	switch {
	case f.static.dynamic:
		return f.checkDynamic(kind, changed)
	case f.static.activations:
		return f.checkStatic(kind, changed)
	}
	if changed("plan") {
		return f.checkPlan(changed)
	}
	if changed("axis") {
		o.Axis = &f.axis
	}
	if changed("scheme") {
		return f.checkScheme(kind, changed)
	}
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
	flags := schemeFlags{mapping: &f.mapping, divisor: &f.divisor, scales: &f.scales, unsigned: &f.options.Unsigned, narrow: &f.options.NarrowRange}
	f.convention, err = setWeights(&f.options, flags, s, changed)
	return err
}

// methodHQQ is the --method of feedback.HalfQuadratic.
const methodHQQ = "hqq"

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

// checkPlan checks the flags if --plan is given. The plan says how weights are quantized.
func (f *convertFlags) checkPlan(changed func(name string) bool) error {
	if f.plan == "" {
		return usagef("--plan needs the name of a file")
	}
	for _, name := range []string{"scheme", "bits", "type", "tensor-type", "granularity", "group-size", "axis", "mapping", "unsigned", "narrow-range", "divisor", "scales", "method", "calibration"} {
		if changed(name) {
			return usagef("--%s does not go with --plan, which says how each weight is quantized", name)
		}
	}
	f.options.Granularity = option.PerChannel // not used, but has to be valid
	return nil
}

// checkScheme checks the flags if --scheme is given.
func (f *convertFlags) checkScheme(kind convert.Kind, changed func(name string) bool) error {
	for _, name := range []string{"bits", "type", "tensor-type", "granularity", "group-size", "mapping", "unsigned", "narrow-range", "divisor", "scales", "method"} {
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
	for _, name := range []string{"mapping", "unsigned", "narrow-range", "divisor", "scales", "axis", "method", "calibration"} {
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

// begin opens the output for a model of a kind.
func (f *convertFlags) begin(kind convert.Kind, folder, force bool) (*atomicfile.Set, error) {
	ext := strings.ToLower(filepath.Ext(f.output))
	others := []convert.Kind{convert.KindONNX, convert.KindGGUF, convert.KindSafetensors}
	for _, other := range others {
		if ext == other.Extension() && other != kind {
			return nil, usagef("--output %s: the model is %s, and is written as such", f.output, kind)
		}
	}
	separated := strings.HasSuffix(f.output, "/") || strings.HasSuffix(f.output, string(filepath.Separator))
	if kind == convert.KindSafetensors {
		if folder && ext == kind.Extension() {
			return nil, usagef("--output %s: a model of several files is written to a folder", f.output)
		}
		folder = folder || ext != kind.Extension()
	} else if separated {
		return nil, usagef("--output %s: it is to be a file, not a folder", f.output)
	}
	if !folder {
		if err := checkEnding("output", f.output, kind.Extension()); err != nil {
			return nil, err
		}
	}
	if part, is := gguf.ParsePartName(filepath.Base(f.output)); is && kind == convert.KindGGUF && part.Count > 1 {
		return nil, usagef("--output %s: this is the name of a part, and the model is written as one file", f.output)
	}
	switch {
	case f.dry:
		return atomicfile.Dry(f.output, folder), nil
	case folder:
		return atomicfile.NewFolder(f.output, force)
	}
	return atomicfile.New(f.output, force)
}

// convert quantizes or dequantizes a model, and writes a report.
func (a *app) convert(cmd *cobra.Command, in string, f *convertFlags,
	work func(context.Context, convert.Kind, string, *atomicfile.Set, convert.Options, convert.Progress) (*convert.Result, error)) error {
	ctx := cmd.Context()
	kind, folder, err := convert.KindOf(in)
	if err != nil {
		return ofFile(in, err)
	}
	if err := f.check(cmd, kind); err != nil {
		return err
	}
	if f.calibrated != "" {
		if f.options.Calibration, err = readCalibration(f.calibrated); err != nil {
			return err
		}
	}
	if f.plan != "" {
		if f.options.Plan, err = readPlan(f.plan); err != nil {
			return err
		}
	}
	if f.feedback != "" {
		if f.options.Feedback, err = moments.Open(f.feedback); err != nil {
			return ofFile(f.feedback, err)
		}
	}
	if f.importance != "" {
		if f.options.Importance, err = readImportance(f.importance); err != nil {
			return err
		}
		if f.options.Scheme().Method != library.LeastSquares || f.options.HalfQuadratic {
			return usagef("--importance goes with --method mse, which chooses the least weighted error")
		}
	}
	out, err := f.begin(kind, folder, a.force)
	if err != nil {
		return err
	}
	defer out.Abort()
	bar := a.reading(map[string]string{"quantize": "quantizing", "dequantize": "dequantizing"}[cmd.Name()])
	result, err := work(ctx, kind, in, out, f.options, bar.Update)
	bar.Stop()
	nothing := err == nil && len(result.Weights) == 0 && len(result.Activations) == 0
	if err == nil && !nothing {
		err = out.Commit()
	}
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case err != nil:
		return ofFile(in, err)
	}
	c := conversion(result, in, kind, f)
	c.For = f.convention
	c.Dequantized, c.Planned = cmd.Name() != "quantize", f.plan != ""
	if !c.Dequantized && !nothing && f.plan == "" && !f.static.activations && !f.static.dynamic && kind != convert.KindGGUF {
		c.Note = strings.Join(system.Costs(f.options.Scheme(), f.stored(kind)), " ")
	}
	if !c.Dequantized && kind == convert.KindONNX {
		c.Note = cmp.Or(c.Note, float4(result.Weights))
	}
	c.Total.FilesBefore, c.Total.FilesAfter = result.Read, out.Size()
	if nothing {
		c.DryRun, c.Total.FilesAfter = true, 0
	}
	err = a.write("", func(w io.Writer, color bool) error {
		if f.format == formatJSON {
			return text.WriteJSON(w, c)
		}
		return c.WriteText(w, color, width(w))
	})
	if err == nil && nothing && (f.static.activations || f.static.dynamic) {
		err = fmt.Errorf("%s: there is no operator that can compute with codes, so nothing is written", in)
	} else if err == nil && nothing {
		err = fmt.Errorf("%s: there is no weight to %s, so nothing is written%s", in, cmd.Name(), choices(result.Choosable, result.Left, kind))
	}
	return err
}

// choices returns a hint: the --include that quantizes tensors which are left by default.
func choices(names []string, left []convert.Left, kind convert.Kind) string {
	if len(names) == 0 {
		return ""
	}
	prefix := names[0]
	for _, name := range names {
		for !strings.HasPrefix(name, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	prefix = prefix[:strings.LastIndexByte(prefix, '.')+1]
	layer := func(l convert.Left) bool {
		return strings.HasPrefix(l.Name, prefix) && strings.HasSuffix(l.Name, ".weight")
	}
	if kind == convert.KindSafetensors && len(names) > 1 && !slices.ContainsFunc(left, layer) && prefix != "" && !strings.ContainsAny(prefix, `*?[\`) {
		return fmt.Sprintf("; --include '%s*' picks %s that are left", prefix, text.Plural(len(names), "tensor"))
	}
	more := ""
	if n := len(names) - 1; n > 0 {
		more = fmt.Sprintf(", and so for %s more", text.Count(n))
	}
	return fmt.Sprintf("; --include '%s' picks one that is left%s", names[0], more)
}

// float4 returns a note if a weight of an ONNX model has floating-point codes of 4 bits, else "".
func float4(weights []convert.Weight) string {
	if !slices.ContainsFunc(weights, func(w convert.Weight) bool { return w.Type == "fp4_e2m1" }) {
		return ""
	}
	return "ONNX Runtime 1.30 does not run this model on a CPU: its DequantizeLinear has no FLOAT4E2M1 there."
}

// stored returns the kind of file as system.Costs takes it: MatMulNBits stores codes of 2 bits in 2.
func (f *convertFlags) stored(kind convert.Kind) string {
	if f.static.nbits && f.options.Bits == 2 {
		return ""
	}
	return string(kind)
}

// conversion returns the report of a result.
func conversion(r *convert.Result, in string, kind convert.Kind, f *convertFlags) *report.Conversion {
	c := &report.Conversion{
		Source: in, Kind: string(kind), Output: f.output, DryRun: f.dry,
		Weights: []report.Converted{}, Left: []report.Left{},
	}
	for _, w := range r.Weights {
		x := report.Converted{
			Name: w.Name, Use: w.Use, DType: w.Type, Shape: w.Shape, Calibrated: w.Calibrated, Important: w.Important, Before: w.Before, After: w.After,
			Feedback: w.Feedback, Nearest: w.Nearest,
		}
		if w.Weighted != nil {
			x.Weighted = report.NewWeighted(*w.Weighted)
		}
		c.Add(x, w.Scheme, w.Metrics)
	}
	if f.importance != "" {
		c.Importance = filepath.Base(f.importance)
	}
	for _, l := range r.Left {
		c.Left = append(c.Left, report.Left{
			Name: l.Name, DType: l.DType, Shape: slices.Clone(l.Shape), Bytes: l.Bytes, Reason: l.Reason,
		})
	}
	for _, x := range r.LeftOut {
		c.LeftOut = append(c.LeftOut, report.LeftOut{Name: x.Name, Reason: x.Reason})
	}
	addStatic(c, r)
	c.Sum()
	return c
}

// readCalibration reads the calibration file that a flag names.
func readCalibration(path string) (*calibfile.File, error) {
	f, err := calibfile.ReadFile(path)
	var cause *fs.PathError
	switch {
	case errors.As(err, &cause):
		return nil, fmt.Errorf("%s: %w", path, cause.Err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}
