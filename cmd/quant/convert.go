package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	library "github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/convert"
	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/moments"
	"github.com/a01592f9/quant/cmd/internal/system"
	"github.com/a01592f9/quant/cmd/internal/text"
)

func (a *app) quantizeCommand() *cobra.Command {
	f := convertFlags{options: convert.Options{Bits: 8}}
	cmd := &cobra.Command{
		Use:     "quantize MODEL -o OUT",
		Short:   "Quantize the weights of a model file: ONNX, safetensors or GGUF",
		Long:    quantizeLong,
		Example: quantizeExample,
		Args:    models,
		RunE: a.start(func(cmd *cobra.Command, args []string) error {
			return a.convert(cmd, args[0], &f, convert.Quantize)
		}),
		ValidArgsFunction: completeFile,
	}
	a.registerQuantize(cmd, &f)
	return cmd
}

func (a *app) dequantizeCommand() *cobra.Command {
	var f convertFlags
	cmd := &cobra.Command{
		Use:     "dequantize MODEL -o OUT",
		Short:   "Turn a quantized model file back into float32",
		Long:    dequantizeLong,
		Example: dequantizeExample,
		Args:    models,
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

// readFiles reads the files that flags name, besides the model, which is of a kind.
func (f *convertFlags) readFiles(kind convert.Kind) (err error) {
	if f.calibrated != "" {
		if f.options.Calibration, err = readCalibration(f.calibrated); err != nil {
			return err
		}
	}
	if f.plan != "" {
		var wanted string
		if f.options.Plan, wanted, err = readPlan(f.plan); err != nil {
			return err
		}
		if wanted != "" && f.importance == "" && kind != convert.KindGGUF {
			return usagef("--plan %s: it was made with --importance %s, which decides the scales: it is needed here too", f.plan, text.Clean(wanted))
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
		if f.plan == "" && (f.options.Scheme().Method != library.LeastSquares || f.options.HalfQuadratic) {
			return usagef("--importance goes with --method mse, which chooses the least weighted error")
		}
	}
	return nil
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
	if err := f.readFiles(kind); err != nil {
		return err
	}
	out, err := f.begin(kind, folder, a.force)
	if err != nil {
		return err
	}
	defer out.Abort()
	if err := out.Protect(f.calibrated, f.plan, f.feedback, f.importance); err != nil {
		return err
	}
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
