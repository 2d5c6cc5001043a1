package quant

// The errors of codebooks, computed with other kernels.

// errorsBookColumns is errorsBookColumnsGeneric. It quantizes to codes, dequantizes them, and adds
// the differences: there are kernels for all three. It handles a block of rows and columns at a
// time, whose codes and values stay in the first-level cache.
func errorsBookColumns(acc columnSums, src []float32, rows, stride int, scale []float32, b *codebook) {
	if rows < 2 || !b.errorsFast(len(scale)) {
		errorsBookColumnsGeneric(acc, src, rows, stride, scale, b)
		return
	}
	var w bookBlock
	for j := 0; j < len(scale); j += bookCols {
		cols := min(bookCols, len(scale)-j)
		for r := 0; r < rows; r += bookRows {
			w.addErrors(acc.from(j).sub(cols), src[r*stride+j:], min(bookRows, rows-r), stride, scale[j:j+cols], b)
		}
	}
}

// bookCols and bookRows are the sides of a block of errorsBookColumns.
const (
	bookCols = 128
	bookRows = 16
)

// A bookBlock has the memory that a block needs: its elements, codes and values, and the ranges of
// its columns.
type bookBlock struct {
	x, back [bookRows * bookCols]float32
	codes   [bookRows * bookCols]uint8
	lo, hi  [bookCols]float32
}

// addErrors adds the errors of a block to acc.
func (w *bookBlock) addErrors(acc columnSums, src []float32, rows, stride int, scale []float32, b *codebook) {
	cols := len(scale)
	n := rows * cols
	x, back, codes, lo, hi := w.x[:n], w.back[:n], w.codes[:n], w.lo[:cols], w.hi[:cols]
	for r := range rows {
		copy(x[r*cols:(r+1)*cols], src[r*stride:])
	}
	quantizeBookColumns(codes, x, scale, b)
	dequantizeBookColumns(back, codes, scale, b)
	differencesColumns(acc, x, back, rows, cols)
	clear(lo)
	clear(hi)
	rangeColumns(lo, hi, x, rows, cols)
	for j, s := range scale {
		if !b.clips(lo[j], hi[j], s) {
			continue
		}
		for r := range rows {
			if v := x[r*cols+j]; b.clips(v, v, s) {
				acc.clipped[j]++
			}
		}
	}
}

// clips reports whether the quotient of lo or that of hi is outside the values of b.
func (b *codebook) clips(lo, hi, scale float32) bool {
	return key(lo/scale) < b.lowest || key(hi/scale) > b.highest
}

// errorsBookRuns is errorsBookRunsGeneric. It quantizes to codes, dequantizes them, and computes
// the differences: there are kernels for all three.
func errorsBookRuns(acc []sums, src []float32, run int, scale []float32, b *codebook) {
	var codes [bookLen]uint8
	var back [bookLen]float32
	for len(acc) > 0 {
		k := max(1, min(len(acc), bookLen/run))
		n := min(k*run, len(src))
		if n > bookLen {
			errorsBookRunsGeneric(acc[:k], src[:n], run, scale, b)
		} else {
			quantizeBookRuns(codes[:n], src[:n], run, scale[:k], b, false)
			dequantizeBookRuns(back[:n], codes[:n], run, scale[:k], b, false)
			differencesRuns(acc[:k], src[:n], back[:n], run)
			countClipped(acc[:k], src[:n], run, scale, b)
		}
		acc, src, scale = acc[k:], src[n:], scale[k:]
	}
}

// bookLen is the largest number of elements that errorsBookRuns quantizes at a time.
const bookLen = blockLen

// countClipped stores in acc the number of elements of each run whose quotient is outside the
// values of b.
func countClipped(acc []sums, src []float32, run int, scale []float32, b *codebook) {
	for i := range acc {
		x, s := src[i*run:min((i+1)*run, len(src))], scale[i]
		acc[i].clipped = 0
		var lo, hi [1]float32
		rangeRuns(lo[:], hi[:], x, len(x))
		if !b.clips(lo[0], hi[0], s) {
			continue
		}
		for _, v := range x {
			if b.clips(v, v, s) {
				acc[i].clipped++
			}
		}
	}
}
