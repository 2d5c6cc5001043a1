package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	library "github.com/a01592f9/quant"
	"github.com/a01592f9/quant/calibfile"
	"github.com/a01592f9/quant/cmd/internal/calibration"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/report"
)

func (a *app) calibrateCommand() *cobra.Command {
	f := calibrateFlags{scheme: library.Scheme{Bits: 8}}
	cmd := &cobra.Command{
		Use:     "calibrate FILES… -o calibration.json",
		Short:   "Choose the ranges of activations that come in batches",
		Long:    calibrateLong,
		Example: calibrateExample,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("FILES are missing")
			}
			return nil
		},
		RunE: a.start(func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd, args); err != nil {
				return err
			}
			return a.calibrate(cmd, args, &f)
		}),
		ValidArgsFunction: completeFile,
	}
	f.register(cmd)
	a.registerForce(cmd)
	return cmd
}

// states splits FILES into state files and batches. If all is true, all are state files.
func states(args []string, all bool) (states, batches []string, err error) {
	for _, in := range args {
		if all {
			states = append(states, in)
			continue
		}
		head := make([]byte, 4)
		if in != "-" {
			f, err := os.Open(in)
			if err != nil {
				return nil, nil, ofFile(in, err)
			}
			st, err := f.Stat()
			if err == nil && st.Mode().IsRegular() { // bytes read from a pipe would be lost
				_, _ = io.ReadFull(f, head)
			}
			f.Close()
		}
		if calibfile.IsState(head) {
			states = append(states, in)
		} else {
			batches = append(batches, in)
		}
	}
	return states, batches, nil
}

func (a *app) calibrate(cmd *cobra.Command, args []string, f *calibrateFlags) error {
	seen, args, err := momentFiles(args)
	if err != nil {
		return err
	}
	old, batches, err := states(args, f.merge)
	if err != nil {
		return err
	}
	if err := f.moments.checkFiles(f, seen, args, old); err != nil {
		return err
	}
	if err := f.keepInputs(seen, old, batches); err != nil {
		return err
	}
	if err := a.mayWrite(f.outputs()); err != nil {
		return err
	}
	if f.moments.path != "" {
		if err := a.observeMoments(cmd.Context(), f, seen, batches); err != nil || f.moments.only(f) {
			return err
		}
	}
	c, err := f.begin(cmd, old)
	if err != nil {
		return err
	}
	skipped, err := a.observe(cmd.Context(), c, batches)
	if errors.Is(err, library.ErrNotFinite) && len(old) == 0 {
		return fmt.Errorf("%w; --ignore-non-finite leaves out such values", err)
	}
	if err != nil {
		return err
	}
	if c.Len() == 0 {
		return nothingObserved(args, skipped, c, f.tensors)
	}
	return a.writeCalibration(c, skipped, f)
}

// begin returns the calibration that batches are added to. It merges the state files at the paths
// in old, or starts an empty calibration if there are none.
func (f *calibrateFlags) begin(cmd *cobra.Command, old []string) (*calibration.Calibration, error) {
	policy := library.RefuseNotFinite
	if f.ignore {
		policy = library.IgnoreNotFinite
	}
	reading, err := f.reading.reading()
	if err != nil {
		return nil, err
	}
	if len(old) == 0 {
		return calibration.New(calibration.Options{Scheme: f.scheme, Policy: policy, Name: f.name, Tensors: f.tensors, Reading: reading})
	}
	c, err := joined(old)
	if err != nil {
		return nil, err
	}
	if cmd.Flags().Changed("ignore-non-finite") && c.Options().Policy != policy {
		return nil, usagef("--ignore-non-finite: %s was made without it", old[0])
	}
	if g := c.Options().Scheme.Granularity; g != f.scheme.Granularity && (f.granularity != option.PerTensor || cmd.Flags().Changed("granularity")) {
		return nil, usagef("--granularity: %s is %v", old[0], g)
	}
	f.scheme = f.overridden(cmd, c.Options().Scheme)
	if err := f.scheme.Validate(); err != nil {
		return nil, &usageError{errors.New(strings.TrimPrefix(err.Error(), "quant: "))}
	}
	c.Observe(f.name, f.tensors, reading)
	return c, nil
}

// joined reads state files and merges them.
func joined(paths []string) (*calibration.Calibration, error) {
	var c *calibration.Calibration
	for _, path := range paths {
		next, err := calibration.ReadState(path)
		switch {
		case err != nil:
			return nil, ofFile(path, err)
		case c == nil:
			c = next
			continue
		}
		if err := c.Merge(next); err != nil {
			return nil, ofFile(path, err)
		}
	}
	return c, nil
}

// writeCalibration writes the report, and the state and the calibration file if flags ask for
// them.
func (a *app) writeCalibration(c *calibration.Calibration, skipped []calibration.Skipped, f *calibrateFlags) error {
	file, err := c.File(f.scheme)
	if err != nil {
		return err
	}
	if f.state != "" {
		state, err := c.State()
		if err != nil {
			return err
		}
		err = a.write(f.state, func(w io.Writer, _ bool) error {
			_, err := w.Write(state)
			return err
		})
		if err != nil {
			return err
		}
	}
	if f.output != "" {
		if err := a.write(f.output, func(w io.Writer, _ bool) error { return file.Write(w) }); err != nil {
			return err
		}
	}
	if f.format == formatJSON { // the JSON does not list skipped tensors
		for _, line := range skippedLines(skipped) {
			a.complain(line)
		}
	}
	return a.write("", func(w io.Writer, color bool) error {
		if f.format == formatJSON {
			return file.Write(w)
		}
		return report.WriteCalibration(w, aboutScheme(f.scheme), calibrated(file), skippedLines(skipped), color, width(w))
	})
}

// observe adds the tensors of files to c. The path "-" stands for standard input.
func (a *app) observe(ctx context.Context, c *calibration.Calibration, paths []string) ([]calibration.Skipped, error) {
	var all []calibration.Skipped
	for len(paths) > 0 {
		n := slices.Index(paths, "-")
		if n < 0 {
			n = len(paths)
		}
		bar := a.reading("calibrating")
		skipped, err := await(ctx, func() ([]calibration.Skipped, error) {
			if n == 0 {
				return c.Stream(ctx, a.stdin, "stdin", bar.Update)
			}
			return c.Files(ctx, paths[:n], bar.Update)
		})
		bar.Stop()
		if err != nil {
			return nil, err
		}
		all = append(all, skipped...)
		paths = paths[max(n, 1):]
	}
	return all, nil
}

// nothingObserved returns the error for files that have no tensor to observe.
func nothingObserved(args []string, skipped []calibration.Skipped, c *calibration.Calibration, patterns []string) error {
	switch {
	case len(skipped) > 0 && skipped[0].Tensor != "":
		s := skipped[0]
		return fmt.Errorf("%s: tensor %q cannot be observed: %s", s.File, s.Tensor, s.Reason)
	case len(patterns) > 0:
		return fmt.Errorf("%s: %w", args[0], option.Unmatched("tensor", patterns, c.Passed()))
	}
	return fmt.Errorf("%s: there are no tensors in it", args[0])
}

// aboutScheme describes a scheme on one line.
func aboutScheme(s library.Scheme) string {
	sign := "signed"
	if s.Unsigned {
		sign = "unsigned"
	}
	text := fmt.Sprintf("%d-bit %s codes, %v mapping, %v, method %v", s.Bits, sign, s.Mapping, s.Granularity, s.Method)
	if s.NarrowRange {
		text += ", narrow range"
	}
	if s.ZeroInRange {
		text += ", zero in range"
	}
	return text
}

// calibrated returns the rows of the report's table for a calibration file.
func calibrated(f *calibfile.File) []report.Calibrated {
	var all []report.Calibrated
	for i := range f.Tensors {
		t := &f.Tensors[i]
		x := report.Calibrated{
			Name: t.Name, Shape: t.ShapeText(), Batches: t.Batches, Values: t.Counts.Finite, Others: t.Counts.Others(),
			Seen:  [2]float32{slices.Min(t.SeenMin), slices.Max(t.SeenMax)},
			Range: [2]float32{slices.Min(t.Min), slices.Max(t.Max)},
			Scale: t.Scale, ZeroPoint: t.ZeroPoint, Clipped: math.NaN(),
		}
		if t.Clipped != nil {
			x.Clipped = *t.Clipped
		}
		all = append(all, x)
	}
	return all
}

// skippedLines returns a line for each different reason why a tensor was skipped.
func skippedLines(all []calibration.Skipped) []string {
	var lines []string
	seen := make(map[string]bool)
	for _, s := range all {
		name := s.Tensor
		if name == "" {
			name = s.File
		}
		if line := fmt.Sprintf("%s: %s", name, s.Reason); !seen[line] {
			seen[line] = true
			lines = append(lines, line)
		}
	}
	return lines
}
