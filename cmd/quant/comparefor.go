package main

import (
	"github.com/spf13/cobra"

	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/report"
)

// checkFor sets the options to the scheme of the system of --for. For a system whose codes are
// blocks it returns the type of these.
func (f *compareFlags) checkFor(cmd *cobra.Command) (block string, err error) {
	o, changed := &f.options, cmd.Flags().Changed
	s, err := parseFor(f.system, changed, "schemes", "against")
	if err != nil {
		return "", err
	}
	w, err := chosenFor(s, changed, o.Bits, "", o.GroupSize)
	if err != nil {
		return "", err
	}
	if w.Block != "" {
		for _, name := range notWithSchemes {
			if name != "bits" && name != "group-size" && changed(name) {
				return "", usagef("--%s does not go with --for %s, whose types of GGUF say how codes are made", name, s.Name)
			}
		}
		return w.Block, nil
	}
	flags := schemeFlags{mapping: &o.Mapping, divisor: &o.Divisor, scales: &o.Scales, unsigned: &o.Unsigned, narrow: &o.NarrowRange, signed: &o.SignedScale, zero: &o.ZeroInRange}
	if err := flags.set(s, w.Scheme, changed); err != nil {
		return "", err
	}
	method, err := option.ParseMethod(o.Method)
	if err != nil {
		return "", usagef("--method: %w", err)
	}
	o.Bits = w.Bits
	if !changed("group-size") {
		o.GroupSize = w.Group
	}
	f.convention = report.NewConvention(s, w, method)
	return "", nil
}
