//go:build !apart

package main

import "github.com/a01592f9/quant"

func dynamic(dst []byte, p *quant.Params, t quant.Tensor, s quant.Scheme) error {
	return quant.QuantizeDynamicInto(dst, p, t, s, quant.RefuseNotFinite)
}
