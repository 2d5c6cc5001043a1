package main

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"

	"github.com/spf13/cobra"

	"github.com/a01592f9/quant/calibfile"
	"github.com/a01592f9/quant/cmd/internal/calibration"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// sensitivityFlags are the flags of quant sensitivity.
type sensitivityFlags struct {
	calibrated string
	options    calibration.SensitivityOptions
	format     string
	output     string
	reading    readingFlags
}

func (a *app) sensitivityCommand() *cobra.Command {
	var f sensitivityFlags
	cmd := &cobra.Command{
		Use:   "sensitivity FILES… --calibration ranges.json",
		Short: "Measure what quantizing each activation loses",
		Long: `Quantize tensors that come in batches with the scales and zero points of a
calibration, and measure what that changes: for each tensor alone, over all of
its batches, the ones that lose most first. Those are the tensors to leave in
floating point, or to give more bits.

Each of FILES is a batch, or several, as quant calibrate takes them. Batches
that were not calibrated show what new data lose: values outside of the range
are clipped, and counted.

The SQNR is the signal to quantization noise ratio: a tensor of 8 bits has 30 to
45 dB commonly. The errors are those of one tensor each. Only running the model
tells how much they matter to its outputs.

` + overwriting + `

Exit codes: 0 done, 1 failed on the data or a file, 2 wrong usage, 130
interrupted.`,
		Example: `  quant sensitivity batches/*.npz --calibration ranges.json
  quant sensitivity held-out/*.npz --calibration ranges.json -o errors.csv`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return errors.New("FILES are missing")
			case slices.Contains(args, "-"):
				return errors.New("FILES are read from the disk, not from standard input")
			}
			return nil
		},
		RunE: a.start(func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd, args); err != nil {
				return err
			}
			return a.sensitivity(cmd, args, &f)
		}),
		ValidArgsFunction: completeFile,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.calibrated, "calibration", "", "`file` of quant calibrate")
	flags.StringVar(&f.options.Name, "name", "{stem}", "`name` of tensors that have none in their file, as in quant calibrate")
	flags.StringArrayVar(&f.options.Tensors, "tensor", nil, "only tensors whose name matches the `pattern`, as in quant compare; may be given several times")
	flags.StringVar(&f.format, "format", formatTable, "`name`: table, json or csv; without it the extension of --output decides")
	flags.StringVarP(&f.output, "output", "o", "", "write to a `file`")
	f.reading.register(cmd)
	a.registerForce(cmd)
	completeTensors(cmd, "tensor")
	completeWords(cmd, "format", formatTable, formatJSON, formatCSV)
	return cmd
}

// check returns a usage error for wrong flags, and sets the format.
func (f *sensitivityFlags) check(cmd *cobra.Command, args []string) (err error) {
	formats := []string{formatTable, formatJSON, formatCSV}
	if !cmd.Flags().Changed("format") {
		if f.format, err = formatOf(f.output, f.format, formats); err != nil {
			return err
		}
	}
	switch {
	case !slices.Contains(formats, f.format):
		return usagef("format %q is none of table, json and csv", f.format)
	case f.calibrated == "":
		return usagef("--calibration is missing: the file that quant calibrate has written")
	case cmd.Flags().Changed("output") && f.output == "":
		return usagef("--output needs the name of a file")
	}
	for _, p := range f.options.Tensors {
		if _, err := path.Match(p, ""); err != nil {
			return usagef("--tensor %q is not a pattern: %w", p, err)
		}
	}
	for _, in := range append([]string{f.calibrated}, args...) {
		if same(f.output, in) {
			return usagef("--output %s would overwrite a file that is read", f.output)
		}
	}
	f.options.Reading, err = f.reading.reading()
	return err
}

// sensitivity measures the quantization errors of activations, and writes a report.
func (a *app) sensitivity(cmd *cobra.Command, args []string, f *sensitivityFlags) error {
	if err := a.mayWrite([]output{{"output", f.output}}); err != nil {
		return err
	}
	file, err := readCalibration(f.calibrated)
	if err != nil {
		return err
	}
	bar := a.reading("measuring")
	m, err := await(cmd.Context(), func() (*calibration.Sensitivity, error) {
		return calibration.Measure(cmd.Context(), file, args, f.options, bar.Update)
	})
	bar.Stop()
	if err != nil {
		return err
	}
	if len(m.Errors) == 0 {
		return nothingMeasured(m, file, f)
	}
	s, err := sensitive(m, f)
	if err != nil {
		return err
	}
	return a.write(f.output, func(w io.Writer, color bool) error {
		switch f.format {
		case formatJSON:
			return text.WriteJSON(w, s)
		case formatCSV:
			return s.WriteCSV(w)
		}
		return s.WriteText(w, color, width(w))
	})
}

// nothingMeasured returns the error if no tensor has the name of one in the calibration.
func nothingMeasured(m *calibration.Sensitivity, file *calibfile.File, f *sensitivityFlags) error {
	var have []string
	for _, x := range m.Skipped {
		if name := text.Clean(x.Tensor); !slices.Contains(have, name) {
			have = append(have, name)
		}
	}
	if len(m.Unseen) == 0 {
		names := make([]string, len(file.Tensors))
		for i, t := range file.Tensors {
			names[i] = t.Name
		}
		return fmt.Errorf("%s: %w", f.calibrated, option.Unmatched("tensor", f.options.Tensors, names))
	}
	if len(have) == 0 {
		return fmt.Errorf("%s: no tensor of it is in the files", f.calibrated)
	}
	return fmt.Errorf("%s: no tensor of it is in the files: it has %s, and they have %s", f.calibrated, text.Names(m.Unseen), text.Names(have))
}

// sensitive returns the report of a sensitivity.
func sensitive(m *calibration.Sensitivity, f *sensitivityFlags) (*report.Sensitivity, error) {
	s := &report.Sensitivity{
		Calibration: f.calibrated, Files: m.Files,
		Tensors: []report.SensitiveTensor{}, Unseen: append([]string{}, m.Unseen...), Skipped: []report.SkippedBatch{},
	}
	for _, e := range m.Errors {
		scheme, err := e.Tensor.Scheme.Scheme()
		if err != nil {
			return nil, err
		}
		s.Tensors = append(s.Tensors, report.Sensitive(report.SensitiveTensor{
			Name: e.Tensor.Name, Batches: e.Batches, Elements: e.Values,
			Min: e.Tensor.Min, Max: e.Tensor.Max, Scale: e.Tensor.Scale, ZeroPoint: e.Tensor.ZeroPoint,
			MAE: text.Number(e.MAE), RMSE: text.Number(e.RMSE), MaxError: text.Number(e.MaxError), SQNR: text.Number(e.SQNR),
			Clipped: e.Clipped, Worst: report.WorstBatch{File: e.Worst, SQNR: text.Number(e.WorstSQNR)},
		}, scheme))
	}
	for _, x := range m.Skipped {
		s.Skipped = append(s.Skipped, report.SkippedBatch{File: x.File, Name: x.Tensor, Reason: x.Reason})
	}
	return s, nil
}
