package main

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/a01592f9/quant/cmd/internal/htmlreport"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/pdf"
	"github.com/a01592f9/quant/cmd/internal/plot"
	"github.com/a01592f9/quant/cmd/internal/report"
)

// compareFlags are the flags of quant compare. Some set fields of report.Options directly.
type compareFlags struct {
	reading    readingFlags
	options    report.Options
	axis       int
	groupAxis  int
	channels   bool
	against    string
	weights    string // path of the file with importances
	schemes    string
	system     string             // of --for
	convention *report.Convention // of the system; nil without --for
	sort       string
	worst      int
	format     string
	output     string
	exports    []export
	full       bool
	origin     report.Origin // when and how the report was made
}

// An export is another file that a report can be written to, besides the output.
type export struct {
	flag    string
	path    string
	usage   string
	endings []string

	// details reports whether write needs the details of tensors.
	details func(r *report.Report, f *compareFlags) bool
	write   func(w io.Writer, r *report.Report, details []*report.Detail, f *compareFlags) error
}

// mostDrawn is the number of tensors of a model whose graphs a document shows: those that gain
// most. Its tables list all tensors.
const mostDrawn = 12

// exports returns the kinds of files that a report can be exported to.
func exports() []export {
	return []export{{
		flag: "csv", endings: endings[formatCSV], usage: "write a CSV `file`: a row for each tensor and scheme, and for each of their channels",
		details: func(*report.Report, *compareFlags) bool { return false },
		write: func(w io.Writer, r *report.Report, _ []*report.Detail, _ *compareFlags) error {
			return report.WriteCSV(w, r, true)
		},
	}, {
		flag: "pdf", endings: []string{".pdf"}, usage: "write a PDF `file` with tables and graphs",
		details: func(r *report.Report, f *compareFlags) bool { return f.full || len(r.Tensors) == 1 },
		write: func(w io.Writer, r *report.Report, d []*report.Detail, f *compareFlags) error {
			return pdf.Write(w, r, d, pdf.Options{Channels: f.channels, Full: f.full, Origin: f.origin})
		},
	}, {
		flag: "html", endings: []string{".html", ".htm"}, usage: "write an HTML `file` with tables and interactive graphs, which needs no other file and no internet",
		details: func(*report.Report, *compareFlags) bool { return true },
		write: func(w io.Writer, r *report.Report, d []*report.Detail, f *compareFlags) error {
			return htmlreport.Write(w, r, d, htmlreport.Options{Channels: f.channels, Full: f.full, Origin: f.origin})
		},
	}, {
		flag: "plot", endings: []string{".svg", ".png"}, usage: "draw into a `file`, .svg or .png: of one tensor its values, errors, channels, histogram and a sweep of widths; of several the gain of each",
		details: func(r *report.Report, _ *compareFlags) bool { return len(r.Tensors) == 1 },
		write: func(w io.Writer, r *report.Report, d []*report.Detail, f *compareFlags) error {
			return plot.New(r, d).Write(w, plotFormat(f.path("plot")))
		},
	}}
}

// register adds the flags of quant compare to its command.
func (f *compareFlags) register(cmd *cobra.Command) {
	o, flags := &f.options, cmd.Flags()
	flags.SortFlags = false
	registerFor(cmd, &f.system)
	flags.IntVar(&o.Bits, "bits", o.Bits, "width `n` of a code, 2 to 16")
	flags.BoolVar(&o.Unsigned, "unsigned", false, "codes from 0 up instead of around 0")
	flags.StringVar(&o.Mapping, "mapping", o.Mapping, "`name`: asymmetric or symmetric")
	flags.IntVar(&f.axis, "axis", 0, "axis `i` has the channels, -1 is the last; without it that of the operator in the file, or else 0")
	flags.BoolVar(&o.NarrowRange, "narrow-range", false, "leave out the lowest code (signed, symmetric only)")
	flags.BoolVar(&o.ZeroInRange, "zero-in-range", false, "widen each range to hold 0, as ONNX and TFLite do")
	registerDivisor(cmd, &o.Divisor, &o.Scales, &o.SignedScale)
	flags.StringVar(&o.Method, "method", o.Method, methodUsage())
	flags.IntVar(&o.GroupSize, "group-size", 0, "compare groups of `n` values too; they run along the longest axis other than --axis (the last of equals)")
	flags.IntVar(&f.groupAxis, "group-axis", 0, "axis `i` along which groups run instead")
	flags.StringArrayVar(&o.Tensors, "tensor", nil, "compare tensors whose name matches the `pattern`: * is any text, ? any character, [a-c] one of some; may be given several times")
	flags.BoolVar(&f.channels, "channels", false, "list all channels of large tensors (JSON always does)")
	flags.BoolVar(&o.Codes, "codes", false, "add codes and reconstructed values (table and JSON)")
	flags.StringVar(&f.against, "against", "", "measure FILE against the tensors of the same names in another `file` instead: quantized and dequantized, say")
	flags.StringVar(&f.weights, "importance", "", importanceUsage)
	flags.StringVar(&f.schemes, "schemes", "", "compare the schemes of a `list` instead, "+schemesUsage)
	flags.StringVar(&f.sort, "sort", "gain", "order of weights in tables by `key`: gain, name, file, rmse, sqnr or bytes")
	flags.IntVar(&f.worst, "worst", 0, "name the `n` worst weights, and their worst channels")
	flags.StringVar(&f.format, "format", formatTable, "`name`: table, json, csv or markdown; without it the extension of --output decides")
	flags.StringVarP(&f.output, "output", "o", "", "write to a `file`")
	for i := range f.exports {
		e := &f.exports[i]
		flags.StringVar(&e.path, e.flag, "", e.usage)
	}
	flags.BoolVar(&f.full, "full", false, "PDF and HTML of a model: a section of each tensor, and graphs with more points")
	f.reading.register(cmd)
	completeTensors(cmd, "tensor")
	completeWords(cmd, "mapping", option.Mappings()...)
	completeWords(cmd, "format", compareFormats...)
	completeWords(cmd, "method", option.MethodWords()...)
	completeWords(cmd, "sort", report.Sorts...)
}

// path returns the file that the flag of an export names.
func (f *compareFlags) path(flag string) string {
	for _, e := range f.exports {
		if e.flag == flag {
			return e.path
		}
	}
	return ""
}

// outputs lists the files to write.
func (f *compareFlags) outputs() []output {
	all := []output{{"output", f.output}}
	for _, e := range f.exports {
		all = append(all, output{e.flag, e.path})
	}
	return all
}

// check returns a usage error for wrong flags, and sets the format.
func (f *compareFlags) check(cmd *cobra.Command) error {
	if cmd.Flags().Changed("axis") {
		f.options.Axis = &f.axis
	}
	if cmd.Flags().Changed("group-axis") {
		f.options.GroupAxis = &f.groupAxis
	}
	if cmd.Flags().Changed("against") {
		if err := f.checkAgainst(cmd); err != nil {
			return err
		}
	}
	if cmd.Flags().Changed("group-size") && f.options.GroupSize <= 0 {
		return usagef("--group-size %d is not positive", f.options.GroupSize)
	}
	if err := f.options.Validate(); err != nil {
		return &usageError{err}
	}
	if cmd.Flags().Changed("output") && f.output == "" {
		return usagef("--output needs the name of a file")
	}
	if cmd.Flags().Changed("importance") && f.weights == "" {
		return usagef("--importance needs the name of a file")
	}
	for i, e := range f.exports {
		if cmd.Flags().Changed(e.flag) && e.path == "" {
			return usagef("--%s needs the name of a file", e.flag)
		}
		if e.path == "" {
			continue
		}
		if format := plotFormat(e.path); e.flag == "plot" && !slices.Contains(plot.Formats, format) {
			return usagef("--plot %s: the name has to end in .svg or .png", e.path)
		}
		if err := checkEnding(e.flag, e.path, e.endings...); err != nil {
			return err
		}
		if same(e.path, f.output) {
			return usagef("--%s and --output name the same file", e.flag)
		}
		for _, other := range f.exports[:i] {
			if same(e.path, other.path) {
				return usagef("--%s and --%s name the same file", e.flag, other.flag)
			}
		}
	}
	if !cmd.Flags().Changed("format") && !same(f.output, f.against) {
		var err error
		if f.format, err = formatOf(f.output, f.format, compareFormats); err != nil {
			return err
		}
	}
	if !slices.Contains(compareFormats, f.format) {
		return usagef("format %q is none of %s", f.format, strings.Join(compareFormats, ", "))
	}
	if !slices.Contains(report.Sorts, f.sort) {
		return usagef("--sort %q is none of %s", f.sort, strings.Join(report.Sorts, ", "))
	}
	if f.worst < 0 {
		return usagef("--worst %d is negative", f.worst)
	}
	// Only JSON, --channels and CSV list all channels. Other output saves the memory.
	f.options.Few = f.format != formatJSON && !f.channels && f.path("csv") == ""
	if f.options.Codes && f.format != formatJSON && f.format != formatTable {
		return usagef("--codes goes with the formats table and json, not with %s", f.format)
	}
	return nil
}

// notAgainst are the flags of quant compare that cannot be combined with --against.
var notAgainst = []string{
	"bits", "unsigned", "mapping", "narrow-range", "zero-in-range", "divisor", "scales", "signed-scale", "method", "codes", "worst", "pdf", "html", "plot", "importance",
}

// checkAgainst checks the flags if --against is given, like check.
func (f *compareFlags) checkAgainst(cmd *cobra.Command) error {
	wrong := ""
	for _, name := range notAgainst {
		if cmd.Flags().Changed(name) {
			wrong = name
		}
	}
	switch {
	case wrong != "":
		return usagef("--%s does not go with --against, which quantizes nothing", wrong)
	case f.against == "":
		return usagef("--against needs the name of a file")
	case f.format == formatMarkdown:
		return usagef("--against goes with the formats table, json and csv, not with markdown")
	case !cmd.Flags().Changed("sort"):
		f.sort = "sqnr"
	case !slices.Contains(report.DifferenceSorts, f.sort):
		return usagef("with --against, --sort is one of %s, not %s", strings.Join(report.DifferenceSorts, ", "), f.sort)
	}
	return nil
}
