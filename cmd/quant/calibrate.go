package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	library "github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/calibration"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/report"
)

// calibrateFlags are the flags of quant calibrate.
type calibrateFlags struct {
	scheme      library.Scheme
	method      string
	mapping     string
	granularity string
	axis        int
	groupSize   int
	name        string
	tensors     []string
	ignore      bool
	merge       bool
	state       string
	output      string
	format      string
	reading     readingFlags
}

func (a *app) calibrateCommand() *cobra.Command {
	f := calibrateFlags{scheme: library.Scheme{Bits: 8}}
	cmd := &cobra.Command{
		Use:   "calibrate FILES… -o calibration.json",
		Short: "Choose the ranges of activations that come in batches",
		Long: `Observe tensors that come in batches, activations for instance, and choose a
range for each, from which its scale and zero point follow.

Each of FILES is a batch, or several: .npz and .safetensors have a tensor for
each name, .npy one, which --name says the name of. "-" is standard input: .npy
files one after the other, as numpy.save writes them to a pipe. Tensors of one
name in several files are batches of the same tensor. They may differ in shape,
but not in the number of channels. Files are read in pieces, several at a time.

Methods, which choose about the smallest and the largest value that was seen:

  minmax        these two
  percentile=P  without the outer (100-P) percent of them, half at each end
  magnitude=P   without the (100-P) percent of the largest magnitudes
  mse           the range with the least squared error
  mae           the range with the least absolute error
  entropy       the range whose codes are distributed most as the values are
  ema=M         averages of those two over batches, M the weight of a batch

All but ema give the same result whatever the order of the batches. With
groups, or with ema, an array of standard input that is larger than 64 MiB goes
through a temporary file.

A text or CSV file is a batch too. What of a file was left out is listed; with
--format json, on standard error.

--state keeps what was seen, to be merged with that of others: with --merge
FILES are states, and the result is that of all batches together, to the last
bit. Among batches states may stand too, to go on where they ended. A state has
the scheme that it was made for; --method, --bits, --unsigned, --mapping,
--narrow-range and --zero-in-range may choose another, as far as it goes: what
was kept for minmax knows no other method.

The calibration file is for quant quantize --calibration and for programs: see
docs/calibration-file.md.

Exit codes: 0 done, 1 failed on the data or a file, 2 wrong usage, 130
interrupted.`,
		Example: `  quant calibrate batches/*.npz --method percentile=99.99 -o calibration.json
  quant calibrate act/*.npy --name relu1 --method mse --bits 4 -o relu1.json
  python3 dump.py | quant calibrate - --name relu1 --method mae -o relu1.json
  quant calibrate part1/*.npz --method mse --state part1.state
  quant calibrate --merge part*.state -o calibration.json`,
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
	s, flags := &f.scheme, cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.output, "output", "o", "", "write the calibration to a `file`, replacing it in one\nstep")
	flags.StringVar(&f.method, "method", "minmax", "`name` of the way to choose ranges: minmax,\npercentile=P, magnitude=P, mse, mae, entropy, ema=M\n")
	flags.IntVar(&s.Bits, "bits", s.Bits, "width `n` of a code, 2 to 16")
	flags.BoolVar(&s.Unsigned, "unsigned", false, "codes from 0 up instead of around 0")
	flags.StringVar(&f.mapping, "mapping", "asymmetric", "`name`: asymmetric or symmetric")
	flags.BoolVar(&s.NarrowRange, "narrow-range", false, "leave out the lowest code (signed, symmetric only)")
	flags.BoolVar(&s.ZeroInRange, "zero-in-range", true, "widen each range to hold 0, as runtimes need\n")
	flags.StringVar(&f.granularity, "granularity", "", "`name`: per_tensor, per_channel or group (default\nper_tensor, or group with --group-size)")
	flags.IntVar(&f.axis, "axis", 0, "axis `i` has the channels, or is cut into groups; -1\nis the last (default 0; for groups -1)")
	flags.IntVar(&f.groupSize, "group-size", 0, "groups of `n` values (default 32)")
	flags.StringVar(&f.name, "name", "{stem}", "`name` of tensors that have none in their file: {stem}\nis that of the file, {folder} that of its folder\n")
	flags.StringArrayVar(&f.tensors, "tensor", nil, "only tensors whose name matches the `pattern`, as in\nquant compare; may be given several times")
	flags.BoolVar(&f.ignore, "ignore-non-finite", false, "leave out NaN and infinities, and count them,\ninstead of failing")
	flags.StringVar(&f.state, "state", "", "keep what was seen in a `file`, to be merged")
	flags.BoolVar(&f.merge, "merge", false, "FILES are states: join them")
	flags.StringVar(&f.format, "format", formatTable, "`name` of the output format: table or json; json\nis the calibration file")
	f.reading.register(cmd)
	completeWords(cmd, "mapping", option.Mappings()...)
	completeWords(cmd, "granularity", option.PerTensor, option.PerChannel, granularityGroup)
	completeWords(cmd, "method", option.MethodWords()...)
	completeWords(cmd, "format", formatTable, formatJSON)
	return cmd
}

// check returns a usage error for flags that contradict each other or are out of
// range, and completes the scheme.
func (f *calibrateFlags) check(cmd *cobra.Command, args []string) error {
	s, changed := &f.scheme, cmd.Flags().Changed
	var err error
	if s.Method, err = library.ParseMethod(f.method); err != nil {
		return usagef("--method: %s", strings.TrimPrefix(err.Error(), "quant: "))
	}
	switch f.mapping {
	case library.Asymmetric.String():
	case library.Symmetric.String():
		s.Mapping = library.Symmetric
	default:
		return usagef("mapping %q is neither asymmetric nor symmetric", f.mapping)
	}
	switch {
	case changed("group-size") && f.groupSize <= 0:
		return usagef("--group-size %d is not positive", f.groupSize)
	case f.granularity == "" && changed("group-size"):
		f.granularity = option.PerGroup
	case f.granularity == granularityGroup:
		f.granularity = option.PerGroup
	case f.granularity == "" && changed("axis"):
		f.granularity = option.PerChannel
	case f.granularity == "":
		f.granularity = option.PerTensor
	}
	switch f.granularity {
	case option.PerTensor:
		if changed("axis") {
			return usagef("--axis does not go with --granularity per_tensor")
		}
	case option.PerChannel:
		s.Granularity = library.PerChannel(f.axis)
	case option.PerGroup:
		if !changed("axis") {
			f.axis = -1
		}
		if f.groupSize == 0 {
			f.groupSize = defaultGroup
		}
		s.Granularity = library.PerGroup(f.axis, f.groupSize)
	default:
		return usagef("granularity %q is none of %s, %s and %s", f.granularity, option.PerTensor, option.PerChannel, granularityGroup)
	}
	if f.granularity != option.PerGroup && changed("group-size") {
		return usagef("--group-size goes with --granularity group, not with %s", f.granularity)
	}
	if err := s.Validate(); err != nil {
		return &usageError{errors.New(strings.TrimPrefix(err.Error(), "quant: "))}
	}
	for _, p := range f.tensors {
		if _, err := path.Match(p, ""); err != nil {
			return usagef("--tensor %q is not a pattern: %w", p, err)
		}
	}
	named := []struct{ flag, path string }{{"output", f.output}, {"state", f.state}}
	for _, x := range named {
		if changed(x.flag) && x.path == "" {
			return usagef("--%s needs the name of a file", x.flag)
		}
		for _, in := range args {
			if in != "-" && x.flag == "output" && same(x.path, in) {
				return usagef("--output %s would overwrite a file that is read", x.path)
			}
		}
	}
	dashes := 0
	for _, in := range args {
		if in == "-" {
			dashes++
		}
	}
	switch {
	case same(f.output, f.state):
		return usagef("--output and --state name the same file")
	case f.output == "" && f.state == "" && f.format != formatJSON:
		return usagef("--output is missing: the name of the calibration file to write")
	case f.format != formatTable && f.format != formatJSON:
		return usagef("format %q is neither table nor json", f.format)
	case dashes > 1:
		return usagef("standard input can be read once only")
	case f.merge && dashes > 0:
		return usagef("--merge joins files, not standard input")
	}
	if f.merge {
		for _, name := range []string{"granularity", "axis", "group-size", "name", "tensor", "ignore-non-finite", "separator", "decimal", "skip-rows", "skip-columns"} {
			if changed(name) {
				return usagef("--%s does not go with --merge: states have been made already", name)
			}
		}
	}
	return nil
}

// states splits FILES into states and batches.
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
			if err == nil && st.Mode().IsRegular() { // a pipe would lose what is read
				_, _ = io.ReadFull(f, head)
			}
			f.Close()
		}
		if calibration.IsState(head) {
			states = append(states, in)
		} else {
			batches = append(batches, in)
		}
	}
	return states, batches, nil
}

func (a *app) calibrate(cmd *cobra.Command, args []string, f *calibrateFlags) error {
	old, batches, err := states(args, f.merge)
	if err != nil {
		return err
	}
	for _, in := range batches {
		if same(f.state, in) {
			return usagef("--state %s would overwrite a file that is read", f.state)
		}
	}
	policy := library.RefuseNotFinite
	if f.ignore {
		policy = library.IgnoreNotFinite
	}
	as, err := f.reading.reading()
	if err != nil {
		return err
	}
	o := calibration.Options{Scheme: f.scheme, Policy: policy, Name: f.name, Tensors: f.tensors, Reading: as}
	var c *calibration.Calibration
	for _, path := range old {
		next, err := calibration.ReadState(path)
		switch {
		case err != nil:
			return ofFile(path, err)
		case c == nil:
			c = next
			continue
		}
		if err := c.Merge(next); err != nil {
			return ofFile(path, err)
		}
	}
	if c == nil {
		if c, err = calibration.New(o); err != nil {
			return err
		}
	} else {
		if cmd.Flags().Changed("ignore-non-finite") && c.Options().Policy != policy {
			return usagef("--ignore-non-finite: %s was made without it", old[0])
		}
		if g := c.Options().Scheme.Granularity; g != f.scheme.Granularity && (f.granularity != option.PerTensor || cmd.Flags().Changed("granularity")) {
			return usagef("--granularity: %s is %v", old[0], g)
		}
		f.scheme = f.overridden(cmd, c.Options().Scheme)
		if err := f.scheme.Validate(); err != nil {
			return &usageError{errors.New(strings.TrimPrefix(err.Error(), "quant: "))}
		}
		c.Observe(f.name, f.tensors, as)
	}
	skipped, err := a.observe(cmd.Context(), c, batches)
	if err != nil {
		return err
	}
	if c.Len() == 0 {
		return nothingObserved(args, skipped, f.tensors)
	}
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
	if f.format == formatJSON { // which has no place for them
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

// overridden is the scheme of a state with what flags say about it.
func (f *calibrateFlags) overridden(cmd *cobra.Command, s library.Scheme) library.Scheme {
	changed := cmd.Flags().Changed
	if changed("method") {
		s.Method = f.scheme.Method
	}
	if changed("bits") {
		s.Bits = f.scheme.Bits
	}
	if changed("unsigned") {
		s.Unsigned = f.scheme.Unsigned
	}
	if changed("mapping") {
		s.Mapping = f.scheme.Mapping
	}
	if changed("narrow-range") {
		s.NarrowRange = f.scheme.NarrowRange
	}
	if changed("zero-in-range") {
		s.ZeroInRange = f.scheme.ZeroInRange
	}
	return s
}

// observe observes files and standard input.
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

// nothingObserved is the error for files without a tensor to observe.
func nothingObserved(args []string, skipped []calibration.Skipped, patterns []string) error {
	switch {
	case len(skipped) > 0 && skipped[0].Tensor != "":
		s := skipped[0]
		return fmt.Errorf("%s: tensor %q cannot be observed: %s", s.File, s.Tensor, s.Reason)
	case len(patterns) > 0:
		return fmt.Errorf("%s: no tensor matches %q", args[0], patterns[0])
	}
	return fmt.Errorf("%s: there are no tensors in it", args[0])
}

// aboutScheme describes a scheme in a line.
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

// calibrated is a calibration file as its table has it.
func calibrated(f *calibration.File) []report.Calibrated {
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

// skippedLines says which tensors were left out, and why, in a few lines.
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
