package main

import (
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// compareAgainst compares two files. The weights of a quantized ONNX model are compared by their
// reconstructed values, under the names that its operators give them.
func (a *app) compareAgainst(cmd *cobra.Command, in *input, f *compareFlags) error {
	other, err := a.open(cmd.Context(), []string{f.against}, tensorfile.Reading{})
	if err != nil {
		return err
	}
	defer other.Close()
	if err := a.mayWrite(f.outputs(), slices.Concat(in.read(), other.read())...); err != nil {
		return err
	}
	src, err := reconstruct(in)
	if err != nil {
		return err
	}
	defer src.Close()
	against, err := reconstruct(other)
	if err != nil {
		return err
	}
	defer against.Close()
	bar := a.reading("comparing")
	d, err := await(cmd.Context(), func() (*report.Difference, error) {
		return report.BuildDifference(cmd.Context(), in.name, other.name, src, against, f.options, bar.Update)
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
