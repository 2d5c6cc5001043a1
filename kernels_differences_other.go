//go:build purego || (!amd64 && !arm64)

package quant

// Differences of columns where there is no kernel for them.

func differencesColumns(acc columnSums, x, y []float32, rows, stride int) {
	differencesColumnsGeneric(acc, x, y, rows, stride)
}

// errorsFast reports whether errors of columns are computed faster from codes. They are not.
func (b *codebook) errorsFast(int) bool { return false }
