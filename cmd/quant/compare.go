package main

import (
	"context"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/sample"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// compareHelp is the long help of quant compare.
const compareHelp = `Compare quantization with one scale and zero point per tensor to one per
channel, and per group if asked for.

FILE is a model: ONNX, GGUF, or safetensors in one file, in shards (the index
file or the folder of these) or in a folder; NumPy's .npy or .npz; text (a line
or a semicolon for each channel, values separated by commas or spaces) or CSV.
The content of a file tells what it is. "-" is standard input. Without FILE the
built-in sample is compared.

In a file of several tensors each one of floating-point type and at least two
dimensions is compared. A tensor of one dimension is one channel. It is compared
only if it is alone in its file, or if --tensor has its name in full. The same
holds for a tensor of an ONNX model that no operator multiplies with or looks up
in. Tensors are read in pieces, so that a model may be larger than memory.

Channels are on the axis of the outputs of the operator that uses a weight. Only
ONNX files have operators: in other files channels are on axis 0. --axis sets
the axis for all tensors.

The numbers per channel are RMSE (root mean squared error) and SQNR (signal to
quantization noise ratio); the gain is the RMSE per tensor divided by that per
channel. "Clipped" counts values whose code had to be moved into the grid. Bytes
are those of codes, scales and zero points. For a model of more than 4 weights
the tables have the weights with the lowest SQNR per channel, and their worst
channels. --tensor NAME shows everything about one weight.

--csv, --pdf, --html and --plot write further files of the same comparison. The
PDF of a model has tables of all tensors; with --full it has a section of each
tensor too, and graphs of the 12 that gain most. HTML always has these graphs.
With --full they have more points, and a model of more than 40 tensors has the
sections of all of them. A graph of many values shows only some of them, the
extremes among them, and says so. Documents have the date, the version and the
command that made them; SOURCE_DATE_EPOCH sets the date.

With --against nothing is quantized: the tensors of FILE are measured against
those of the same names in the other file. Of quantized weights and biases of an
ONNX model, the dequantized values are compared. If --group-size is that of the
quantized file, the errors are exactly those that quant compare lists for it.

With --schemes any formats of codes are compared side by side: what each loses
over all weights, and the bits that a weight takes. A scheme is parts between
colons, as in int4:sym:g128:mse. The type of the codes is intBITS, uintBITS,
fp8_e4m3, fp8_e5m2, fp6_e3m2, fp6_e2m3, fp4 or nf4. g128 is groups of 128,
128x128 blocks of two axes, channel a scale for each channel, and none of these
one for the tensor. Further parts are sym, asym, narrow, zero, signed-scale, a
method, and divisor=half or each. scale=float16, bfloat16, e8m0_floor, e4m3 or
dynamic8 is the format in which scales are stored. mxfp4, mxfp6_e2m3,
mxfp6_e3m2, mxfp8, mxint8 and nvfp4 are such schemes by name. q4_0, q4_1, q5_0,
q5_1, q8_0, q4_k, q5_k, q6_k and iq4_nl are block formats of GGUF, with the
codes of llama.cpp's reference; a row of blocks is a channel, filled up with
zeros.

` + forHelp + `

--method says how ranges are chosen: minmax takes the smallest and the largest
value, percentile=99.99 leaves out the outer 0.01 % of the values,
magnitude=99.99 those of the 0.01 % largest magnitudes, at whichever end they
are. mse and mae look for the range with the least squared or absolute error,
and entropy for that whose codes are distributed as the values are. All but
minmax read a tensor several times. --plot of one tensor shows what each method
would choose.

With --importance the errors of a weight count as much as its inputs matter, and
weighted errors stand beside the others; mse chooses the least weighted error.
The file of --importance has the mean squares of the inputs: an importance
matrix of llama.cpp (llama-imatrix, GGUF or .dat), a file of quant calibrate
--moments, or an .npz or safetensors file with a vector for each weight. Names
are those of the weights. A model of transformers is matched with an importance
matrix of the same model in GGUF.

A tensor with NaN or infinities fails, and the others are compared.

` + overwriting + `

Exit codes: 0 done, 1 failed on the data or a file, 2 wrong usage, 130
interrupted.`

func (a *app) compareCommand() *cobra.Command {
	f := compareFlags{options: report.DefaultOptions(), exports: exports()}
	cmd := &cobra.Command{
		Use:   "compare [FILE]",
		Short: "Compare per-tensor with per-channel quantization",
		Long:  compareHelp,
		Example: `  quant compare
  quant compare weights.txt --bits 4 --mapping symmetric
  echo "1 2 3; 10 20 30" | quant compare -
  quant compare model.safetensors --tensor '*.weight' --group-size 32
  quant compare model.onnx --worst 10 --sort sqnr
  quant compare model.onnx --against dequantized.onnx
  quant compare model.safetensors --for vllm --bits 4
  quant compare model.gguf --importance imatrix.gguf --bits 4 --method mse
  quant compare model.safetensors --schemes int4:g128,nf4:g64,mxfp4,nvfp4,q4_k
  quant compare model.npz --axis -1 --format csv --channels
  quant compare model.safetensors --output report.json
  quant compare model.safetensors --pdf report.pdf --plot gain.svg`,
		Args: files(0, 1),
		RunE: a.start(func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("for") {
				block, err := f.checkFor(cmd)
				if err != nil {
					return err
				}
				if block != "" {
					return a.compareList(cmd, args, &f, []string{block})
				}
			}
			if cmd.Flags().Changed("schemes") {
				return a.compareSchemes(cmd, args, &f)
			}
			if err := f.check(cmd); err != nil {
				return err
			}
			return a.compare(cmd, args, &f)
		}),
		ValidArgsFunction: completeFile,
	}
	f.register(cmd)
	a.registerForce(cmd)
	return cmd
}

// Limits for the graphs of a report on a model: points of a graph, and histograms of channels for
// a tensor. --full removes the limits.
const (
	briefPoints     = 800
	briefHistograms = 8
)

// export writes the other files that flags name, besides the output.
func (a *app) export(ctx context.Context, in *input, r *report.Report, f *compareFlags) error {
	var details []*report.Detail
	if slices.ContainsFunc(f.exports, func(e export) bool { return e.path != "" && e.details(r, f) }) {
		o := report.DetailOptions{}
		if len(r.Tensors) > 1 && !f.full { // keep the document small
			o.Points, o.Histograms = briefPoints, briefHistograms
		}
		bar := a.reading("drawing")
		var err error
		details, err = await(ctx, func() ([]*report.Detail, error) {
			return r.Details(ctx, in, mostDrawn, o, bar.Update)
		})
		bar.Stop()
		if err != nil {
			return err
		}
	}
	for _, e := range f.exports {
		if e.path == "" {
			continue
		}
		err := a.write(e.path, func(w io.Writer, _ bool) error { return e.write(w, r, details, f) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *app) compare(cmd *cobra.Command, args []string, f *compareFlags) error {
	reading, err := f.reading.reading()
	if err != nil {
		return err
	}
	if f.origin, err = a.origin(); err != nil {
		return err
	}
	if f.weights != "" {
		file, err := readImportance(f.weights)
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
	if f.against != "" {
		return a.compareAgainst(cmd, in, f)
	}
	if err := a.mayWrite(f.outputs(), append(in.read(), f.weights)...); err != nil {
		return err
	}
	bar := a.reading("comparing")
	r, err := await(cmd.Context(), func() (*report.Report, error) {
		return report.Build(cmd.Context(), in.name, in, f.options, bar.Update)
	})
	bar.Stop()
	if err != nil {
		return err
	}
	r.For = f.convention
	if err := r.Sort(f.sort); err != nil {
		return err
	}
	if err := a.export(cmd.Context(), in, r, f); err != nil {
		return err
	}
	err = a.write(f.output, func(w io.Writer, color bool) error {
		switch f.format {
		case formatJSON:
			return text.WriteJSON(w, r)
		case formatCSV:
			return report.WriteCSV(w, r, f.channels)
		case formatMarkdown:
			return report.WriteMarkdown(w, r, f.channels, f.origin)
		}
		o := report.TextOptions{Color: color, Columns: width(w), Channels: f.channels}
		if cmd.Flags().Changed("worst") {
			o.Worst = &f.worst
		}
		if in.path == "" && in.name == sample.Name {
			o.Note = builtIn
		}
		return report.WriteText(w, r, o)
	})
	if err != nil {
		return err
	}
	return r.Err()
}
