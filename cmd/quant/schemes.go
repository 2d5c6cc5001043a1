package main

import (
	"github.com/spf13/cobra"

	"github.com/a01592f9/quant/cmd/internal/report"
)

// notWithSchemes are the flags of quant compare that cannot be combined with --schemes.
var notWithSchemes = []string{
	"bits", "unsigned", "mapping", "narrow-range", "zero-in-range", "divisor", "scales", "signed-scale", "method", "group-size", "codes", "channels", "against",
	"sort", "worst", "pdf", "html",
}

// compareSchemes compares a list of schemes side by side. It is a sweep of these schemes alone.
func (a *app) compareSchemes(cmd *cobra.Command, args []string, f *compareFlags) error {
	for _, name := range notWithSchemes {
		if cmd.Flags().Changed(name) {
			return usagef("--%s does not go with --schemes, in which each scheme says all", name)
		}
	}
	names, err := splitSchemes(f.schemes)
	if err != nil {
		return err
	}
	return a.compareList(cmd, args, f, names)
}

// compareList compares schemes of these names.
func (a *app) compareList(cmd *cobra.Command, args []string, f *compareFlags, names []string) error {
	s := sweepFlags{
		options: report.SweepOptions{Mapping: f.options.Mapping, Tensors: f.options.Tensors, Schemes: names},
		alone:   true,
		axis:    f.axis, groupAxis: f.groupAxis,
		format: f.format, output: f.output, files: moreFiles{csv: f.path("csv"), plot: f.path("plot")},
		importance: f.weights,
		reading:    f.reading,
	}
	if err := s.check(cmd); err != nil {
		return err
	}
	return a.sweep(cmd, args, &s)
}
