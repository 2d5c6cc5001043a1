package main

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// notAgainst are the flags of quant compare that do not go with --against.
var notAgainst = []string{
	"bits", "unsigned", "mapping", "narrow-range", "zero-in-range", "method", "codes", "worst", "pdf", "html", "plot",
}

// checkAgainst is check for a comparison of two files.
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

// compareAgainst compares two files.
func (a *app) compareAgainst(cmd *cobra.Command, in *input, f *compareFlags) error {
	other, err := a.open(cmd.Context(), []string{f.against}, tensorfile.Reading{})
	if err != nil {
		return err
	}
	defer other.Close()
	for _, x := range []struct{ flag, path string }{{"output", f.output}, {"csv", f.path("csv")}} {
		if err := other.overwrittenBy(x.flag, x.path); err != nil {
			return err
		}
	}
	bar := a.reading("comparing")
	d, err := await(cmd.Context(), func() (*report.Difference, error) {
		return report.BuildDifference(cmd.Context(), in.name, other.name, in, other, f.options, bar.Update)
	})
	bar.Stop()
	if err != nil {
		return err
	}
	d.Sort(f.sort)
	if path := f.path("csv"); path != "" {
		if err := a.write(path, func(w io.Writer, _ bool) error { return d.WriteCSV(w, true) }); err != nil {
			return err
		}
	}
	err = a.write(f.output, func(w io.Writer, color bool) error {
		switch f.format {
		case formatJSON:
			return text.WriteJSON(w, d)
		case formatCSV:
			return d.WriteCSV(w, f.channels)
		}
		return d.WriteText(w, color, width(w))
	})
	if err != nil {
		return err
	}
	return d.Err()
}
