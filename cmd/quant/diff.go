package main

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/preset"
)

// diffFlags are the flags of quant diff.
type diffFlags struct {
	options         report.CodesOptions
	between         string
	list            bool
	axis, groupAxis int
	format          string
	output          string
	csv             string
	reading         readingFlags
}

var diffFormats = []string{formatTable, formatJSON, formatCSV}

const diffHelp = `Quantize the weights of FILE in two ways, and count the codes that differ.

--between names the two: presets, which are how other systems quantize, bit for
bit, or schemes as quant compare --schemes has them. --presets lists the presets
with their sources. A preset may have a granularity, as in pytorch-int8:channel
or mlx-4bit:g32; without one it has that of its system. The axes of channels and
groups are those of quant compare.

Codes of the same width are compared, after 2^(bits-1) is subtracted from those
that run from 0 up. For schemes of other widths or formats, and for block
formats of GGUF, only values are compared.

The table has the tensors in which something differs: how many codes, how many
of them by one step, how many values and by how much, the channel and the index
in row-major order of the first, and the SQNR of both. Cost is what the second
loses beside the first, in dB.

With a second FILE nothing is quantized: the values of the tensors of the same
names are compared.

` + overwriting

func (a *app) diffCommand() *cobra.Command {
	var f diffFlags
	cmd := &cobra.Command{
		Use:   "diff FILE [FILE]",
		Short: "Count the codes in which two ways of quantizing differ",
		Long:  diffHelp,
		Example: `  quant diff model.onnx --between onnxruntime-int8,pytorch-int8
  quant diff model.safetensors --between int4:g32:sym,matmulnbits-4bit
  quant diff model.safetensors --between ggml-q4_0,q4_0 --tensor '*proj*'
  quant diff quantized.onnx dequantized.onnx --format json
  quant diff --presets`,
		Args: files(0, 2),
		RunE: a.start(func(cmd *cobra.Command, args []string) error {
			if f.list {
				if err := a.mayWrite(f.outputs()); err != nil {
					return err
				}
				return a.write(f.output, func(w io.Writer, color bool) error { return report.WritePresets(w, color, width(w)) })
			}
			between, err := f.check(cmd, args)
			if err != nil {
				return err
			}
			return a.diff(cmd, args, between, &f)
		}),
		ValidArgsFunction: completeFile,
	}
	o, flags := &f.options, cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.between, "between", "", "two presets or schemes: a `list` with a comma, as in onnxruntime-int8,pytorch-int8")
	flags.BoolVar(&f.list, "presets", false, "list the presets with their sources")
	flags.IntVar(&f.axis, "axis", 0, "axis `i` has the channels, -1 is the last; without it that of the operator in the file, or else 0")
	flags.IntVar(&f.groupAxis, "group-axis", 0, "axis `i` along which groups run; without it the longest other one")
	flags.StringArrayVar(&o.Tensors, "tensor", nil, "compare tensors whose name matches the `pattern`, as in quant compare; may be given several times")
	flags.StringArrayVar(&o.Exclude, "exclude", nil, "leave out tensors whose name matches the `pattern`; may be given several times")
	flags.StringVar(&f.format, "format", formatTable, "`name`: table, json or csv; without it the extension of --output decides")
	flags.StringVarP(&f.output, "output", "o", "", "write to a `file`")
	flags.StringVar(&f.csv, "csv", "", "write a CSV `file` too")
	f.reading.register(cmd)
	a.registerForce(cmd)
	completeTensors(cmd, "tensor")
	completeTensors(cmd, "exclude")
	completeWords(cmd, "format", diffFormats...)
	completeWords(cmd, "between", preset.Names()...)
	return cmd
}

// check returns a usage error for wrong flags, completes the options, and returns the two schemes
// of --between.
func (f *diffFlags) check(cmd *cobra.Command, args []string) (between [2]string, err error) {
	changed := cmd.Flags().Changed
	list := strings.Split(f.between, ",")
	switch {
	case len(args) == 0:
		return between, usagef("there is no FILE")
	case len(args) == 2 && changed("between"):
		return between, usagef("--between goes with one FILE, not with two")
	case len(args) == 1 && len(list) != 2:
		return between, usagef("--between needs two presets or schemes with a comma, as in onnxruntime-int8,pytorch-int8")
	case len(args) == 1:
		between = [2]string{strings.TrimSpace(list[0]), strings.TrimSpace(list[1])}
		if err := report.CheckBetween(between); err != nil {
			return between, usagef("--between: %w", err)
		}
	}
	if changed("axis") {
		f.options.Axis = &f.axis
	}
	if changed("group-axis") {
		f.options.GroupAxis = &f.groupAxis
	}
	if err := (option.Selection{Include: f.options.Tensors, Exclude: f.options.Exclude}).Validate(); err != nil {
		return between, &usageError{err}
	}
	for _, x := range f.outputs() {
		if changed(x.flag) && x.path == "" {
			return between, usagef("--%s needs the name of a file", x.flag)
		}
	}
	if same(f.output, f.csv) && f.csv != "" {
		return between, usagef("--output and --csv name the same file")
	}
	if err := checkEnding("csv", f.csv, endings[formatCSV]...); err != nil {
		return between, err
	}
	if !changed("format") {
		if f.format, err = formatOf(f.output, f.format, diffFormats); err != nil {
			return between, err
		}
	}
	if !slices.Contains(diffFormats, f.format) {
		return between, usagef("format %q is none of %s", f.format, strings.Join(diffFormats, ", "))
	}
	return between, nil
}

// outputs lists the files to write.
func (f *diffFlags) outputs() []output { return []output{{"output", f.output}, {"csv", f.csv}} }

func (a *app) diff(cmd *cobra.Command, args []string, between [2]string, f *diffFlags) error {
	reading, err := f.reading.reading()
	if err != nil {
		return err
	}
	in, err := a.open(cmd.Context(), args[:1], reading)
	if err != nil {
		return err
	}
	defer in.Close()
	var other *input
	if len(args) == 2 {
		if other, err = a.open(cmd.Context(), args[1:], tensorfile.Reading{}); err != nil {
			return err
		}
		defer other.Close()
		err = a.mayWrite(f.outputs(), slices.Concat(in.read(), other.read())...)
	} else {
		err = a.mayWrite(f.outputs(), in.read()...)
	}
	if err != nil {
		return err
	}
	bar := a.reading("comparing")
	d, err := await(cmd.Context(), func() (*report.Codes, error) {
		if other != nil {
			return report.BuildFileCodes(cmd.Context(), in.name, other.name, in, other, f.options, bar.Update)
		}
		return report.BuildCodes(cmd.Context(), in.name, between, in, f.options, bar.Update)
	})
	bar.Stop()
	if err != nil {
		return err
	}
	if f.csv != "" {
		if err := a.write(f.csv, func(w io.Writer, _ bool) error { return d.WriteCSV(w) }); err != nil {
			return err
		}
	}
	err = a.write(f.output, func(w io.Writer, color bool) error {
		switch f.format {
		case formatJSON:
			return text.WriteJSON(w, d)
		case formatCSV:
			return d.WriteCSV(w)
		}
		return d.WriteText(w, color, width(w))
	})
	if err != nil {
		return err
	}
	return d.Err()
}
