package main

import (
	"context"
	"errors"
	"io"
	"path"

	"github.com/spf13/cobra"

	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/convert"
	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// observeFlags are the flags of quant observe.
type observeFlags struct {
	options convert.ObserveOptions
	output  string
	format  string
	dry     bool
}

func (a *app) observeCommand() *cobra.Command {
	var f observeFlags
	cmd := &cobra.Command{
		Use:   "observe MODEL.onnx -o OBSERVED.onnx",
		Short: "Make an ONNX model return the activations that need ranges",
		Long: `Write an ONNX model that returns, beside its own outputs, the tensors whose
ranges static quantization needs: what the operators take and compute that
runtimes compute with codes.

Any runtime runs the new model. Its outputs, and those inputs that are listed,
go under their names into .npz files, a file for each batch; quant calibrate
chooses the ranges. docs/observing.md has a script for onnxruntime-node and one
for Python.

Listed are the tensors that need ranges; those that have the range of another
tensor, since an operator only moves its values; and the nodes that stay in
floating point, with the reason. Nodes inside of If, Loop, Scan and functions
stay so.

--layers is for quant calibrate --moments: the model returns the inputs of
layers that have weights. Listed are these tensors, and the weights whose inputs
are not returned, with the reason.

A model that is quantized already is refused, and so is one without such a
tensor. Without --layers each BatchNormalization behind a Conv, ConvTranspose or
Gemm is folded into that, as quant quantize --activations does. The outputs that
the model had keep their places, and nothing else of the model changes; data in
other files go to OBSERVED.onnx.data.` + convertExit,
		Example: `  quant observe model.onnx -o observed.onnx
  quant observe model.onnx -o observed.onnx --nodes 'Conv' --nodes '/head/*'
  quant observe model.onnx --layers -o observed.onnx
  quant observe model.onnx --dry-run --format json`,
		Args: models,
		RunE: a.start(func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			return a.observeModel(cmd, args[0], &f)
		}),
		ValidArgsFunction: completeFile,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.output, "output", "o", "", "`file` to write")
	flags.StringArrayVar(&f.options.Nodes, "nodes", nil, "only nodes whose name or operator matches the `pattern`: * is any text, ? any character, [a-c] one of some; may be given several times")
	flags.StringArrayVar(&f.options.Exclude, "exclude-nodes", nil, "no nodes whose name or operator matches the `pattern`; it is stronger than --nodes")
	flags.BoolVar(&f.options.Layers, "layers", false, "return the inputs of layers that have weights, for quant calibrate --moments")
	flags.BoolVar(&f.options.Unfolded, "no-fold", false, "leave each BatchNormalization, instead of folding it into the Conv, ConvTranspose or Gemm before it; quant quantize then needs --no-fold too")
	flags.BoolVar(&f.dry, "dry-run", false, "do everything, but write nothing")
	flags.StringVar(&f.format, "format", formatTable, "`name` of the output format: table or json")
	a.registerForce(cmd)
	completeWords(cmd, "format", formatTable, formatJSON)
	return cmd
}

// check returns a usage error for wrong flags.
func (f *observeFlags) check(cmd *cobra.Command) error {
	switch {
	case f.format != formatTable && f.format != formatJSON:
		return usagef("format %q is neither table nor json", f.format)
	case f.output == "" && (cmd.Flags().Changed("output") || !f.dry):
		return usagef("--output is missing: the name of the file to write")
	}
	for _, x := range []struct {
		flag     string
		patterns []string
	}{{"nodes", f.options.Nodes}, {"exclude-nodes", f.options.Exclude}} {
		for _, p := range x.patterns {
			if _, err := path.Match(p, ""); err != nil {
				return usagef("--%s %q is not a pattern: %w", x.flag, p, err)
			}
		}
	}
	if f.options.Layers && len(f.options.Nodes)+len(f.options.Exclude) > 0 {
		return usagef("--nodes and --exclude-nodes do not go with --layers")
	}
	return checkEnding("output", f.output, convert.KindONNX.Extension())
}

// observeModel writes a model whose activations are outputs, and lists them.
func (a *app) observeModel(cmd *cobra.Command, in string, f *observeFlags) error {
	ctx := cmd.Context()
	kind, _, err := convert.KindOf(in)
	if err != nil {
		return ofFile(in, err)
	}
	if kind != convert.KindONNX {
		return ofFile(in, errors.New("only ONNX models tell their activations, and this is "+string(kind)))
	}
	out := atomicfile.Dry(f.output, false)
	if !f.dry {
		if out, err = atomicfile.New(f.output, a.force); err != nil {
			return err
		}
	}
	defer out.Abort()
	bar := a.reading("copying")
	r, err := convert.Observe(ctx, in, out, f.options, bar.Update)
	bar.Stop()
	if err == nil {
		err = out.Commit()
	}
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case err != nil:
		return ofFile(in, err)
	}
	v := observed(r, in, f)
	v.FilesAfter = out.Size()
	return a.write("", func(w io.Writer, color bool) error {
		if f.format == formatJSON {
			return text.WriteJSON(w, v)
		}
		return v.WriteText(w, color, width(w))
	})
}

// observed returns the report of an observation.
func observed(r *convert.Observation, in string, f *observeFlags) *report.Observation {
	v := &report.Observation{
		Source: in, Output: f.output, DryRun: f.dry, FilesBefore: r.Read, Normalizations: r.Normalizations,
		Tensors: []report.ObservedTensor{}, Shared: []report.SharedRange{}, Left: []report.FloatNode{},
	}
	for _, x := range r.Values {
		v.Tensors = append(v.Tensors, report.ObservedTensor{Name: x.Name, As: x.As, Made: x.Made, Uses: append([]string{}, x.Uses...)})
	}
	for _, x := range r.Shared {
		v.Shared = append(v.Shared, report.SharedRange(x))
	}
	for _, x := range r.Left {
		v.Left = append(v.Left, report.FloatNode(x))
	}
	for _, x := range r.Unfolded {
		v.Unfolded = append(v.Unfolded, report.FloatNode(x))
	}
	return v
}
