package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/a01592f9/quant/cmd/internal/bench"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// benchFlags are the flags of quant bench.
type benchFlags struct {
	options bench.Options
	sizes   []string
	against string // path of an earlier report; "" for none
	format  string
	output  string
}

// benchLong is the long help of quant bench.
const benchLong = `Measure how many elements a second the library takes on this machine: their
range, quantizing, dequantizing, and the comparison of per tensor with per
channel, which has rows of 4096 values, or as many columns. "Columns" are 512
channels on the last axis.

Each operation is measured in turns with reading and with copying the same
float32 values, and of each the best of several rounds counts, so that what
other programs do meanwhile hardly matters to the ratios. To copy is Go's
copy. To read is to compare one half of the values with the other, which is
the same, by bytes.Equal: Go's compiler uses no vector instructions, but that
function does.

With --against it compares the ratios with those of an earlier report, in JSON,
and fails if both ratios of an operation are more than 15 % smaller. The report
should be of the same kind of processor. docs/bench.json of the repository is
of an Intel Emerald Rapids with AVX-512.

It takes 10 bytes of memory for each element of the largest size.

` + overwriting

// benchExample has the examples of quant bench.
const benchExample = `  quant bench
  quant bench --size 2^20,2^22 --procs 2
  quant bench --time 2s --format json --output bench.json
  quant bench --against bench.json`

func (a *app) benchCommand() *cobra.Command {
	f := benchFlags{options: bench.DefaultOptions()}
	cmd := &cobra.Command{
		Use:     "bench",
		Short:   "Measure the speed of the library on this machine",
		Long:    benchLong,
		Example: benchExample,
		Args:    cobra.NoArgs,
		RunE: a.start(func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			return a.bench(cmd.Context(), &f)
		}),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	f.register(cmd)
	a.registerForce(cmd)
	return cmd
}

// register adds the flags of quant bench to its command.
func (f *benchFlags) register(cmd *cobra.Command) {
	o, flags := &f.options, cmd.Flags()
	flags.SortFlags = false
	flags.StringSliceVar(&f.sizes, "size", []string{"4096", "262144", "2^26"}, "`n` elements, a multiple of 4096; may be several")
	flags.DurationVar(&o.Time, "time", o.Time, "`duration` of each measurement")
	flags.IntVar(&o.Procs, "procs", o.Procs, "use up to `n` cores")
	flags.StringVar(&f.against, "against", "", "fail if an operation is slower than in the report in a `file`")
	flags.StringVar(&f.format, "format", formatTable, "`name`: table or json; without it the extension of --output decides")
	flags.StringVarP(&f.output, "output", "o", "", "write to a `file`")
	completeWords(cmd, "format", formatTable, formatJSON)
}

// check returns a usage error for wrong flags, and completes the options.
func (f *benchFlags) check(cmd *cobra.Command) error {
	if err := tableOrJSON(cmd, &f.format, f.output); err != nil {
		return err
	}
	o := &f.options
	if cmd.Flags().Changed("size") {
		o.Sizes = nil
		for _, s := range f.sizes {
			n, ok := parseSize(s)
			if !ok {
				return usagef("size %q is not a number", s)
			}
			o.Sizes = append(o.Sizes, n)
		}
	}
	if err := o.Validate(); err != nil {
		return &usageError{err}
	}
	return nil
}

// bench measures, writes the report, and compares it with an earlier one.
func (a *app) bench(ctx context.Context, f *benchFlags) error {
	if err := a.mayWrite([]output{{"output", f.output}}, f.against); err != nil {
		return err
	}
	var earlier *bench.Report
	if f.against != "" {
		var err error
		if earlier, err = bench.ReadReport(f.against); err != nil {
			return ofFile(f.against, err)
		}
	}
	bar := a.progress("measuring")
	r, err := await(ctx, func() (*bench.Report, error) {
		return bench.Run(ctx, f.options, bar.Update)
	})
	bar.Stop()
	if err != nil {
		return err
	}
	err = a.write(f.output, func(w io.Writer, _ bool) error {
		if f.format == formatJSON {
			return text.WriteJSON(w, r)
		}
		return r.WriteText(w)
	})
	if err != nil || earlier == nil {
		return err
	}
	slower, common, err := r.Against(earlier)
	if err != nil {
		return fmt.Errorf("%s: %w", f.against, err)
	}
	if len(slower) > 0 {
		return bench.SlowerError(f.against, slower, common)
	}
	return nil
}

// parseSize reads a number, or a power of two such as 2^26.
func parseSize(s string) (int, bool) {
	if e, ok := strings.CutPrefix(s, "2^"); ok {
		n, err := strconv.ParseUint(e, 10, 8)
		if err != nil || n > 30 {
			return 0, false
		}
		return 1 << n, true
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}
