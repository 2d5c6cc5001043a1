package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/a01592f9/quant/cmd/internal/bench"
	"github.com/a01592f9/quant/cmd/internal/text"
)

func (a *app) benchCommand() *cobra.Command {
	o := bench.DefaultOptions()
	var sizes []string
	var format, to, against string
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure the speed of the library on this machine",
		Long: `Measure how many elements a second the library takes on this machine: their
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
of a Zen 5 with AVX-512.

It takes 10 bytes of memory for each element of the largest size.

` + overwriting,
		Example: `  quant bench
  quant bench --size 2^20,2^22 --procs 2
  quant bench --time 2s --format json --output bench.json
  quant bench --against bench.json`,
		Args: cobra.NoArgs,
		RunE: a.start(func(cmd *cobra.Command, _ []string) error {
			if err := tableOrJSON(cmd, &format, to); err != nil {
				return err
			}
			if cmd.Flags().Changed("size") {
				o.Sizes = nil
				for _, s := range sizes {
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
			if err := a.mayWrite([]output{{"output", to}}); err != nil {
				return err
			}
			var earlier *bench.Report
			if against != "" {
				var err error
				if earlier, err = bench.ReadReport(against); err != nil {
					return err
				}
			}
			bar := a.progress("measuring")
			r, err := await(cmd.Context(), func() (*bench.Report, error) {
				return bench.Run(cmd.Context(), o, bar.Update)
			})
			bar.Stop()
			if err != nil {
				return err
			}
			err = a.write(to, func(w io.Writer, _ bool) error {
				if format == formatJSON {
					return text.WriteJSON(w, r)
				}
				return r.WriteText(w)
			})
			if err != nil || earlier == nil {
				return err
			}
			slower, common, err := r.Against(earlier)
			if err != nil {
				return fmt.Errorf("%s: %w", against, err)
			}
			if len(slower) > 0 {
				return bench.SlowerError(against, slower, common)
			}
			return nil
		}),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringSliceVar(&sizes, "size", []string{"4096", "262144", "2^26"}, "`n` elements, a multiple of 4096; may be several")
	flags.DurationVar(&o.Time, "time", o.Time, "`duration` of each measurement")
	flags.IntVar(&o.Procs, "procs", o.Procs, "use up to `n` cores")
	flags.StringVar(&against, "against", "", "fail if an operation is slower than in the report in a `file`")
	flags.StringVar(&format, "format", formatTable, "`name`: table or json; without it the extension of --output decides")
	flags.StringVarP(&to, "output", "o", "", "write to a `file`")
	a.registerForce(cmd)
	completeWords(cmd, "format", formatTable, formatJSON)
	return cmd
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
