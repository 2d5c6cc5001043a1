package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/plot"
	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/sample"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// sweepFlags are the flags of quant sweep. Some set fields of report.SweepOptions directly.
type sweepFlags struct {
	options         report.SweepOptions
	bits            string
	schemes         string
	system          string // of --for
	alone           bool   // compare only the schemes of the list
	axis, groupAxis int
	target          float64
	weights         bool
	importance      string // path
	format          string
	output          string
	files           moreFiles
	reading         readingFlags
}

func (a *app) sweepCommand() *cobra.Command {
	f := sweepFlags{options: report.SweepOptions{Mapping: report.DefaultOptions().Mapping}}
	cmd := &cobra.Command{
		Use:   "sweep [FILE]",
		Short: "Compare widths and granularities: error and size of each",
		Long: `Quantize with codes of several widths, per tensor, per channel and in groups,
and list what each of these schemes loses and takes, from the smallest to the
largest. The mark ● is on schemes that no other beats in both.

SQNR is the signal to quantization noise ratio over all weights together: 10
log10 of the sum of their squares by the sum of the squared errors. Mean is the
mean over the weights, worst the weight with the lowest. Bytes are those of
codes, scales and zero points.

--schemes adds schemes of other formats, which quant compare --help describes.
With --for the schemes are all that a system has: see quant compare --help too.

With --importance the errors of a weight count as much as its inputs matter: see
quant compare --help. A column has the weighted ratio over all weights of the
file, mse chooses the least weighted error, and CSV and JSON have both errors of
each weight. The marks and --target go by the plain ratio.

With --target a line names the smallest scheme that reaches a ratio over all
weights. It also has the bytes of all weights if each has the smallest scheme
that reaches the ratio for that weight.

FILE is of any kind that quant compare reads, and tensors are chosen as there.

` + overwriting,
		Example: `  quant sweep model.safetensors
  quant sweep model.onnx --bits 3-6,8 --group-size 64 --target 30
  quant sweep model.safetensors --for vllm
  quant sweep model.gguf --mapping symmetric --weights
  quant sweep model.gguf --importance imatrix.gguf --method mse
  quant sweep model.safetensors --schemes nf4:g64,nvfp4,q4_k --plot sweep.svg
  quant sweep model.safetensors --csv sweep.csv --plot sweep.png`,
		Args: files(0, 1),
		RunE: a.start(func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			return a.sweep(cmd, args, &f)
		}),
		ValidArgsFunction: completeFile,
	}
	o, flags := &f.options, cmd.Flags()
	flags.SortFlags = false
	registerFor(cmd, &f.system)
	flags.StringVar(&f.bits, "bits", "2,3,4,5,6,8", "widths of a code: a `list` of numbers and ranges")
	flags.IntSliceVar(&o.GroupSizes, "group-size", []int{128, 32}, "`sizes` of groups; 0 is none")
	flags.StringVar(&f.schemes, "schemes", "", "a `list` of further schemes, with commas, each as a whole, "+schemesUsage)
	flags.StringVar(&o.Mapping, "mapping", o.Mapping, "`name`: asymmetric or symmetric")
	flags.BoolVar(&o.Unsigned, "unsigned", false, "codes from 0 up instead of around 0")
	flags.BoolVar(&o.NarrowRange, "narrow-range", false, "leave out the lowest code (signed, symmetric only)")
	flags.BoolVar(&o.ZeroInRange, "zero-in-range", false, "widen each range to hold 0, as ONNX and TFLite do")
	registerDivisor(cmd, &o.Divisor, &o.Scales, &o.SignedScale)
	flags.StringVar(&o.Method, "method", "minmax", methodUsage())
	flags.StringVar(&f.importance, "importance", "", importanceUsage)
	flags.IntVar(&f.axis, "axis", 0, "axis `i` has the channels, -1 is the last; without it that of the operator in the file, or else 0")
	flags.IntVar(&f.groupAxis, "group-axis", 0, "axis `i` along which groups run; without it the longest other one")
	flags.StringArrayVar(&o.Tensors, "tensor", nil, "sweep tensors whose name matches the `pattern`, as in quant compare; may be given several times")
	flags.Float64Var(&f.target, "target", 0, "name the scheme with the fewest bytes that has so many `dB` or more")
	flags.BoolVar(&f.weights, "weights", false, "list the weights too (CSV and JSON always do)")
	flags.StringVar(&f.format, "format", formatTable, "`name`: table, json or csv; without it the extension of --output decides")
	flags.StringVarP(&f.output, "output", "o", "", "write to a `file`")
	flags.StringVar(&f.files.csv, "csv", "", "write a CSV `file` too")
	flags.StringVar(&f.files.plot, "plot", "", "draw into a `file`, .svg or .png: ratio against size, and a map of all weights")
	f.reading.register(cmd)
	a.registerForce(cmd)
	completeTensors(cmd, "tensor")
	completeWords(cmd, "mapping", option.Mappings()...)
	completeWords(cmd, "method", option.MethodWords()...)
	completeWords(cmd, "format", sweepFormats...)
	return cmd
}

var sweepFormats = []string{formatTable, formatJSON, formatCSV}

// check returns a usage error for wrong flags, and completes the options.
func (f *sweepFlags) check(cmd *cobra.Command) error {
	o, changed := &f.options, cmd.Flags().Changed
	var err error
	if changed("for") && !f.alone {
		if err := f.checkFor(changed); err != nil {
			return err
		}
	}
	if changed("schemes") && !f.alone {
		if o.Schemes, err = splitSchemes(f.schemes); err != nil {
			return err
		}
	}
	if !f.alone {
		if o.Bits, err = parseBits(f.bits); err != nil {
			return usagef("--bits %q: %w", f.bits, err)
		}
	}
	o.GroupSizes = slices.DeleteFunc(o.GroupSizes, func(n int) bool { return n == 0 })
	if len(o.GroupSizes) == 0 {
		o.GroupSizes = nil
	}
	if changed("axis") {
		o.Axis = &f.axis
	}
	if changed("group-axis") {
		o.GroupAxis = &f.groupAxis
	}
	if changed("target") {
		o.Target = &f.target
	}
	if changed("importance") && f.importance == "" {
		return usagef("--importance needs the name of a file")
	}
	if err := o.Validate(); err != nil {
		return &usageError{err}
	}
	if err := f.files.check(changed, f.output); err != nil {
		return err
	}
	if !changed("format") {
		if f.format, err = formatOf(f.output, f.format, sweepFormats); err != nil {
			return err
		}
	}
	if !slices.Contains(sweepFormats, f.format) {
		return usagef("format %q is none of %s", f.format, strings.Join(sweepFormats, ", "))
	}
	return nil
}

// checkFor sets the list of schemes to those of the system of --for.
func (f *sweepFlags) checkFor(changed func(flag string) bool) error {
	s, err := parseFor(f.system, changed, "schemes", "bits", "group-size", "mapping", "unsigned", "narrow-range", "zero-in-range", "divisor", "scales", "signed-scale")
	if err != nil {
		return err
	}
	method, err := option.ParseMethod(f.options.Method)
	switch {
	case err != nil:
		return usagef("--method: %w", err)
	case s.Weights[0].Block != "" && changed("method"):
		return usagef("--method does not go with --for %s, whose types of GGUF say how codes are made", s.Name)
	}
	f.options.Schemes, f.options.GroupSizes, f.alone = s.Schemes(method), nil, true
	return nil
}

// parseBits parses a list of bit widths such as "2-4,8".
func parseBits(list string) ([]int, error) {
	var bits []int
	for _, part := range strings.Split(list, ",") {
		first, last, ranged := strings.Cut(strings.TrimSpace(part), "-")
		from, err := strconv.Atoi(first)
		to := from
		if err == nil && ranged {
			to, err = strconv.Atoi(last)
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("%q is neither a number nor a range as 2-8", part)
		case from > to:
			return nil, fmt.Errorf("%q is no range: the smaller width comes first", part)
		case from < 2 || to > 16:
			return nil, fmt.Errorf("%s bits: a code has 2 to 16", part)
		}
		for b := from; b <= to; b++ {
			bits = append(bits, b)
		}
	}
	return bits, nil
}

func (a *app) sweep(cmd *cobra.Command, args []string, f *sweepFlags) error {
	reading, err := f.reading.reading()
	if err != nil {
		return err
	}
	if f.importance != "" {
		file, err := readImportance(f.importance)
		if err != nil {
			return err
		}
		f.options.SetImportance(file)
	}
	in, err := a.open(cmd.Context(), args, reading)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := a.mayWrite(f.files.outputs(f.output), append(in.read(), f.importance)...); err != nil {
		return err
	}
	bar := a.reading("sweeping")
	s, err := await(cmd.Context(), func() (*report.Sweep, error) {
		return report.BuildSweep(cmd.Context(), in.name, in, f.options, bar.Update)
	})
	bar.Stop()
	if err != nil {
		return err
	}
	err = a.writeFiles(f.files, s.WriteCSV, func() *plot.Figure { return plot.Sweep(s, plot.Options{Title: true}) })
	if err != nil {
		return err
	}
	err = a.write(f.output, func(w io.Writer, color bool) error {
		switch f.format {
		case formatJSON:
			return text.WriteJSON(w, s)
		case formatCSV:
			return s.WriteCSV(w)
		}
		o := report.SweepTextOptions{Color: color, Columns: width(w), Weights: f.weights}
		if in.path == "" && in.name == sample.Name {
			o.Note = builtIn
		}
		return s.WriteText(w, o)
	})
	if err != nil {
		return err
	}
	return s.Err()
}
