//go:build !purego

package quant

// Differences of columns, and the kernels behind them.

//go:noescape
func differencesColumnsAVX512(abs, sq *float64, max, x, y *float32, rows, stride, cols int)

//go:noescape
func differencesColumnsAVX2(abs, sq *float64, max, x, y *float32, rows, stride, cols int)

// differencesColumns leaves the columns that are no whole step of a kernel to the definition.
func differencesColumns(acc columnSums, x, y []float32, rows, stride int) {
	n, whole := len(acc.abs), 0
	if active != generic && rows > 0 {
		whole = n &^ (bookStep[active] - 1)
	}
	if whole > 0 {
		_, _ = x[(rows-1)*stride+n-1], y[(rows-1)*stride+n-1]
		if active == avx512 {
			differencesColumnsAVX512(&acc.abs[0], &acc.sq[0], &acc.max[0], &x[0], &y[0], rows, stride, whole)
		} else {
			differencesColumnsAVX2(&acc.abs[0], &acc.sq[0], &acc.max[0], &x[0], &y[0], rows, stride, whole)
		}
	}
	if whole < n {
		differencesColumnsGeneric(acc.from(whole), from(x, whole), from(y, whole), rows, stride)
	}
}

// errorsFast reports whether there are kernels both to quantize columns to b and to dequantize them.
func (b *codebook) errorsFast(int) bool { return b.quantizesFast() && b.dequantizesFast() }
