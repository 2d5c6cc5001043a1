package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/text"
)

func (a *app) inspectCommand() *cobra.Command {
	var format, to string
	var asText readingFlags
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "List the tensors of a file: type, shape, bytes, range, NaN and Inf",
		Long: `List the tensors of a file with type, shape, bytes, the range of the finite
values, and how many values are NaN or infinite.

FILE is of any kind that quant compare reads; "-" is standard input.

` + overwriting,
		Example: `  quant inspect model.safetensors
  quant inspect weights.npy --format json`,
		Args: files(1, 1),
		RunE: a.start(func(cmd *cobra.Command, args []string) error {
			if err := tableOrJSON(cmd, &format, to); err != nil {
				return err
			}
			reading, err := asText.reading()
			if err != nil {
				return err
			}
			in, err := a.open(cmd.Context(), args, reading)
			if err != nil {
				return err
			}
			defer in.Close()
			if err := a.mayWrite([]output{{"output", to}}, in.read()...); err != nil {
				return err
			}
			bar := a.reading("reading")
			v, err := await(cmd.Context(), func() (*report.Inventory, error) {
				return report.Inspect(cmd.Context(), in.name, in.Kind, in, bar.Update)
			})
			bar.Stop()
			if err != nil {
				return err
			}
			err = a.write(to, func(w io.Writer, color bool) error {
				if format == formatJSON {
					return text.WriteJSON(w, v)
				}
				return v.WriteText(w, color, width(w))
			})
			if err != nil {
				return err
			}
			return v.Err()
		}),
		ValidArgsFunction: completeFile,
	}
	cmd.Flags().StringVar(&format, "format", formatTable, "`name`: table or json; without it the extension of --output decides")
	cmd.Flags().StringVarP(&to, "output", "o", "", "write to a `file`")
	asText.register(cmd)
	a.registerForce(cmd)
	completeWords(cmd, "format", formatTable, formatJSON)
	return cmd
}
