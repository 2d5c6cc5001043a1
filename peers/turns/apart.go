//go:build apart

package main

import "github.com/a01592f9/quant"

// dynamic is for revisions that have no dynamic calls.
func dynamic(dst []byte, p *quant.Params, t quant.Tensor, s quant.Scheme) error {
	if err := quant.CalibrateInto(p, t, s); err != nil {
		return err
	}
	return quant.QuantizeInto(dst, t, *p)
}
