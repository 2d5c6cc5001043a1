//go:build !purego

package quant

// Differences of columns.

//go:noescape
func differencesColumnsNEON(abs, sq *float64, max, x, y *float32, rows, stride, cols int)

// differencesColumns leaves the last columns, fewer than 8, to the definition.
func differencesColumns(acc columnSums, x, y []float32, rows, stride int) {
	n, whole := len(acc.abs), 0
	if active == neon && rows > 0 {
		whole = n &^ 7
	}
	if whole < n {
		differencesColumnsGeneric(acc.from(whole), from(x, whole), from(y, whole), rows, stride)
	}
	if whole == 0 {
		return
	}
	_, _ = x[(rows-1)*stride+n-1], y[(rows-1)*stride+n-1]
	for at := 0; rows > 0; at, rows = at+bandRows*stride, rows-bandRows {
		differencesColumnsNEON(&acc.abs[0], &acc.sq[0], &acc.max[0], &x[at], &y[at], min(rows, bandRows), stride, whole)
	}
}

// errorsFast reports whether there are kernels both to quantize so many columns to b and to dequantize
// them.
func (b *codebook) errorsFast(cols int) bool {
	return cols >= bookStep && b.quantizesFast() && b.dequantizesFast()
}
