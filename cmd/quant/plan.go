package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/a01592f9/quant/cmd/internal/convert"
	"github.com/a01592f9/quant/cmd/internal/imatrix"
	"github.com/a01592f9/quant/cmd/internal/moments"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/plot"
	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// planFlags are the flags of quant plan. Some set fields of report.PlanOptions directly.
type planFlags struct {
	options     report.PlanOptions
	bits, sqnr  float64
	bytes       string
	target      string
	fixed       []string
	sensitivity string
	importance  string // path
	selection   option.Selection
	format      string
	output      string
	files       moreFiles
}

// planLong is the long help of quant plan.
const planLong = `Measure every candidate on every weight, and choose one for each weight, so that
the error is the least for a given number of bytes. No other plan is better,
unless the table says that the problem was too large for a proof: see
docs/planning.md.

The budget is one of --bits-per-weight, --bytes and --sqnr, which takes the
fewest bytes that reach a ratio. Bytes are those of codes, scales and zero
points of the weights that quant quantize would quantize. Tensors that it leaves
do not count.

A candidate is keep, which leaves a weight as it is; a type of GGUF such as
q4_k; or a scheme: int4 and channel, tensor or gSIZE for groups of SIZE, as in
int4:g32. :asymmetric and a method, as in int4:g32:minmax, may follow.
Floating-point candidates are fp8_e4m3 and fp8_e5m2 for onnxruntime, fp8_e4m3
for tensorrt, and fp8_e4m3, mxfp8, mxfp4 and nvfp4 for vllm. TensorRT has
symmetric int8 without groups, and int4 only in whole groups of 64 or 128. With
--for symmetric candidates have the divisor and the narrow range that quant
quantize --for has too.

--sensitivity makes errors of weights those of the outputs of their layers: with
an importance matrix or the diagonal of second moments as if input channels were
not correlated, with full second moments exactly. dB are then those of outputs.
Weights that are not in the file count as if their inputs had the mean square of
the others. All values of such a weight are in memory.

--importance decides how each candidate is made, --sensitivity which candidate
is chosen. With --importance scales by mse have the least error weighted by the
importance of the inputs (see quant compare --help), and the weighted ratio
stands beside the other one, which the plan goes by. Both may be given, also
with the same file: then the scales and the choice of candidates are for the
outputs of layers. quant quantize --plan needs the --importance of the plan.
Types of GGUF have scales by rules of their own, and get only the weighted
ratio.

The table says what was chosen, and what the next smaller and the next better
candidate of each weight would cost. A second table has one candidate for all
weights, next to the best plan of the same size. -o writes the plan as JSON,
which may be altered by hand. quant quantize --plan reads it.

` + overwriting

// planExample has the examples of quant plan.
const planExample = `  quant plan model.onnx --bits-per-weight 4.5 -o plan.json
  quant quantize model.onnx --plan plan.json -o small.onnx
  quant plan model.gguf --bytes 900M --for llama.cpp
  quant plan model.safetensors --sqnr 30 --candidates int4:g128,int8
  quant plan model.safetensors --bytes 900M --importance imatrix.gguf
  quant plan model.onnx --bits-per-weight 6 --alike '*attn*' --plot front.svg`

func (a *app) planCommand() *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{
		Use:     "plan MODEL",
		Short:   "Choose how each weight of a model is quantized, under a budget",
		Long:    planLong,
		Example: planExample,
		Args:    models,
		RunE: a.start(func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			return a.plan(cmd, args, &f)
		}),
		ValidArgsFunction: completeFile,
	}
	o, flags := &f.options, cmd.Flags()
	flags.SortFlags = false
	flags.Float64Var(&f.bits, "bits-per-weight", 0, "the budget: at most so many `bits` for each value")
	flags.StringVar(&f.bytes, "bytes", "", "the budget: a `size` such as 900M; K, M and G are powers of 1000")
	flags.Float64Var(&f.sqnr, "sqnr", 0, "the ratio to reach, in `dB`, with the fewest bytes")
	flags.StringSliceVar(&o.Candidates, "candidates", nil, "`list` of candidates (default: those of the target)")
	flags.StringVar(&f.target, "for", "", "`name` of what runs the model: onnxruntime, tensorrt, vllm or llama.cpp (default: the one for the kind of file)")
	flags.StringVar(&o.Objective, "objective", report.PlanSum, "`name`: sum (of squared errors), relative (to the squares of the values of each weight) or worst (weight)")
	flags.StringVar(&o.Mapping, "mapping", "symmetric", "`name` of candidates that name none: asymmetric or symmetric")
	flags.StringVar(&o.Method, "method", "mse", methodUsage())
	flags.StringArrayVar(&f.fixed, "fix", nil, "weights whose name matches a pattern have a candidate, as `PATTERN=CANDIDATE`; may be given several times")
	flags.StringArrayVar(&o.Alike, "alike", nil, "weights whose name matches the `pattern` have the same candidate; may be given several times")
	flags.IntVar(&o.MaxKinds, "max-kinds", 0, "at most `n` different candidates (default any number)")
	flags.StringVar(&f.sensitivity, "sensitivity", "", "what the errors of weights do, from a `file`: second moments of quant calibrate --moments, an importance matrix of llama.cpp (.dat or .gguf), or a CSV file of pattern and factor")
	flags.StringVar(&f.importance, "importance", "", importanceUsage)
	flags.StringArrayVar(&f.selection.Include, "include", nil, "only tensors whose name matches the `pattern`")
	flags.StringArrayVar(&f.selection.Exclude, "exclude", nil, "no tensors whose name matches the `pattern`")
	flags.StringVar(&f.format, "format", formatTable, "`name` of what is printed: table, json or csv")
	flags.StringVarP(&f.output, "output", "o", "", "write the plan to a `file`, as JSON")
	flags.StringVar(&f.files.csv, "csv", "", "write a CSV `file` too")
	flags.StringVar(&f.files.plot, "plot", "", "draw the front into a `file`, .svg or .png")
	a.registerForce(cmd)
	completeTensors(cmd, "include", "exclude", "alike")
	completeWords(cmd, "for", report.PlanTargets...)
	completeWords(cmd, "objective", report.PlanObjectives...)
	completeWords(cmd, "mapping", option.Mappings()...)
	completeWords(cmd, "method", option.MethodWords()...)
	completeWords(cmd, "format", sweepFormats...)
	return cmd
}

// check returns a usage error for wrong flags, and completes the options.
func (f *planFlags) check(cmd *cobra.Command) error {
	o, changed := &f.options, cmd.Flags().Changed
	if changed("bits-per-weight") {
		o.BitsPerWeight = &f.bits
	}
	if changed("sqnr") {
		o.SQNR = &f.sqnr
	}
	if changed("bytes") {
		n, err := parseBytes(f.bytes)
		if err != nil {
			return usagef("--bytes: %w", err)
		}
		o.Bytes = &n
	}
	if o.BitsPerWeight == nil && o.SQNR == nil && o.Bytes == nil {
		return usagef("a plan needs a budget: --bits-per-weight 4.5, --bytes 900M, or --sqnr 30")
	}
	for flag, value := range map[string]string{"importance": f.importance, "sensitivity": f.sensitivity} {
		if changed(flag) && value == "" {
			return usagef("--%s needs the name of a file", flag)
		}
	}
	o.Target, o.Conforms = report.PlanTarget(f.target), changed("for")
	for _, rule := range f.fixed {
		i := strings.LastIndexByte(rule, '=')
		if i <= 0 {
			return usagef("--fix %q: want PATTERN=CANDIDATE, such as lm_head.weight=int8", rule)
		}
		o.Fixed = append(o.Fixed, report.PlanRule{Pattern: rule[:i], Candidate: rule[i+1:]})
	}
	if changed("candidates") {
		// The schemes of --fix have to be candidates too.
		for _, r := range o.Fixed {
			if !slices.Contains(o.Candidates, r.Candidate) {
				return usagef("--fix %s=%s: it is none of the --candidates", r.Pattern, r.Candidate)
			}
		}
	}
	if err := f.files.check(changed, f.output); err != nil {
		return err
	}
	if ext := extension(f.output); f.output != "" && ext != "" && ext != ".json" {
		return usagef("--output %s: a plan is JSON, and its name ends in .json; --csv and --plot write other forms", f.output)
	}
	if !slices.Contains(sweepFormats, f.format) {
		return usagef("format %q is none of %s", f.format, strings.Join(sweepFormats, ", "))
	}
	return nil
}

// parseBytes parses a number of bytes such as 900M.
func parseBytes(s string) (int64, error) {
	number, scale := s, 1.0
	if n := len(s); n > 0 {
		if i := strings.IndexByte("KMG", s[n-1]&^0x20); i >= 0 {
			number = s[:n-1]
			scale = []float64{1e3, 1e6, 1e9}[i]
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || !(v*scale >= 1 && v*scale < 1<<62) {
		return 0, fmt.Errorf("%q is no size such as 900M or 123456", s)
	}
	return int64(v * scale), nil
}

// targets are the runtimes for each kind of model.
var targets = map[convert.Kind]report.PlanTarget{
	convert.KindONNX: report.PlanONNXRuntime, convert.KindSafetensors: report.PlanVLLM, convert.KindGGUF: report.PlanLlamaCPP,
}

// pick finds the weights that quant quantize would quantize, and the target of the plan.
func (f *planFlags) pick(in string) error {
	kind, _, err := convert.KindOf(in)
	if err != nil {
		return ofFile(in, err)
	}
	o := &f.options
	switch {
	case o.Target == report.PlanAny:
		o.Target = targets[kind]
	case !slices.Contains(report.PlanTargets, string(o.Target)):
		return usagef("--for %s: it is none of %s", o.Target, strings.Join(report.PlanTargets, ", "))
	case o.Target.File() != string(kind):
		return usagef("--for %s: the model is %s, which is for %s", o.Target, kind, targets[kind])
	}
	s, err := convert.Select(kind, in, convert.Options{Include: f.selection.Include, Exclude: f.selection.Exclude})
	switch {
	case err != nil:
		return ofFile(in, err)
	case len(s.Names) == 0:
		return fmt.Errorf("%s: there is no weight to quantize%s", in, choices(s.Choosable, s.Left, kind))
	}
	if o.Names = s.Names; f.sensitivity != "" {
		if err := f.readSensitivity(in, kind); err != nil {
			return err
		}
	}
	if f.importance != "" {
		file, err := readImportance(f.importance)
		if err != nil {
			return err
		}
		o.SetImportance(file)
	}
	for _, l := range s.Left {
		o.Left = append(o.Left, report.Skipped{Name: l.Name, DType: l.DType, Shape: l.Shape, Bytes: l.Bytes, Reason: l.Reason})
	}
	return nil
}

// readSensitivity reads the file of --sensitivity: second moments of quant calibrate, an
// importance matrix of llama.cpp, or a CSV file of patterns and factors. in is the path of the
// model.
func (f *planFlags) readSensitivity(in string, kind convert.Kind) error {
	path := f.sensitivity
	head, err := headOf(path)
	if err != nil {
		return err
	}
	o := &f.options
	switch {
	case moments.IsState(head):
		o.Sensitivity = path
		o.Inputs, err = momentInputs(path, in, kind)
	case imatrix.Is(head):
		o.Sensitivity = path
		o.Inputs, err = imatrixInputs(path)
	default:
		o.Factors, err = readFactors(path)
	}
	return err
}

func (a *app) plan(cmd *cobra.Command, args []string, f *planFlags) error {
	if err := f.pick(args[0]); err != nil {
		return err
	}
	in, err := a.open(cmd.Context(), args, tensorfile.Reading{})
	if err != nil {
		return err
	}
	defer in.Close()
	if err := a.mayWrite(f.files.outputs(f.output), append(in.read(), f.sensitivity, f.importance)...); err != nil {
		return err
	}
	bar := a.reading("measuring")
	p, err := await(cmd.Context(), func() (*report.Plan, error) {
		return report.BuildPlan(cmd.Context(), in.name, in, f.options, bar.Update)
	})
	bar.Stop()
	var wrong *report.OptionError
	switch {
	case errors.As(err, &wrong):
		return &usageError{err}
	case err != nil:
		return ofFile(in.name, err)
	}
	if err := a.writePlan(p, f); err != nil {
		return err
	}
	err = a.write("", func(w io.Writer, color bool) error {
		switch f.format {
		case formatJSON:
			return text.WriteJSON(w, p)
		case formatCSV:
			return p.WriteCSV(w)
		}
		return p.WriteText(w, report.PlanTextOptions{Color: color, Columns: width(w)})
	})
	if err != nil {
		return err
	}
	return p.Err()
}

// writePlan writes the plan to the files that flags name.
func (a *app) writePlan(p *report.Plan, f *planFlags) error {
	if f.output != "" {
		if err := a.write(f.output, func(w io.Writer, _ bool) error { return text.WriteJSON(w, p) }); err != nil {
			return err
		}
	}
	return a.writeFiles(f.files, p.WriteCSV, func() *plot.Figure { return plot.Plan(p, plot.Options{Title: true}) })
}
