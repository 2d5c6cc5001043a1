//go:build !purego

package quant

// The kernels of codebooks, and their dispatchers.

// These kernels take runs and rows of at least bookStep elements.

//go:noescape
func quantizeFloatsNEON(dst *uint8, src *float32, n, run int, scale *float32, f *floatCode)

//go:noescape
func quantizeTableNEON(dst *uint8, src *float32, n, run int, scale *float32, f *bookTables)

//go:noescape
func dequantizeTableNEON(dst *float32, src *uint8, n, run int, scale *float32, f *bookTables)

//go:noescape
func dequantizeFloatsNEON(dst *float32, src *uint8, n, run int, scale *float32, f *floatCode) int

//go:noescape
func quantizeFloatsColumnsNEON(dst *uint8, src *float32, rows, cols, stride int, scale *float32, f *floatCode)

//go:noescape
func quantizeTableColumnsNEON(dst *uint8, src *float32, rows, cols, stride int, scale *float32, f *bookTables)

//go:noescape
func dequantizeTableColumnsNEON(dst *float32, src *uint8, rows, cols, stride int, scale *float32, f *bookTables)

//go:noescape
func dequantizeFloatsColumnsNEON(dst *float32, src *uint8, rows, cols, stride int, scale *float32, f *floatCode) int

// bookStep is the number of elements that these kernels handle at a time.
const bookStep = 16

// quantizesFast reports whether there is a kernel that quantizes to b.
func (b *codebook) quantizesFast() bool { return active != generic && (b.float != nil || b.sorted) }

// dequantizesFast reports whether there is a kernel that dequantizes from b.
func (b *codebook) dequantizesFast() bool {
	return active != generic && (b.small || b.float != nil)
}

// wholeRuns returns the number of elements of the runs that have at least bookStep elements, of
// n elements in runs of run.
func wholeRuns(n, run int) int {
	if min(run, n) < bookStep {
		return 0
	}
	if last := n % run; last < bookStep {
		return n - last
	}
	return n
}

func quantizeBookRuns(dst []uint8, src []float32, run int, scale []float32, b *codebook, _ bool) {
	dst = dst[:len(src)]
	n := 0
	if b.quantizesFast() {
		n = wholeRuns(len(src), run)
	}
	switch {
	case n == 0:
	case b.float != nil:
		quantizeFloatsNEON(&dst[0], &src[0], n, run, &scale[0], b.float)
	default:
		quantizeTableNEON(&dst[0], &src[0], n, run, &scale[0], &b.tables)
	}
	if n < len(src) {
		quantizeBookRunsGeneric(dst[n:], src[n:], run, scale[n/run:], b)
	}
}

func dequantizeBookRuns(dst []float32, src []uint8, run int, scale []float32, b *codebook, _ bool) {
	dst = dst[:len(src)]
	n := 0
	if b.dequantizesFast() {
		n = wholeRuns(len(src), run)
	}
	switch {
	case n == 0:
	case b.small:
		dequantizeTableNEON(&dst[0], &src[0], n, run, &scale[0], &b.tables)
	default:
		dequantizeBookFloats(dst[:n], src[:n], run, scale, b)
	}
	if n < len(src) {
		dequantizeBookRunsGeneric(dst[n:], src[n:], run, scale[n/run:], b)
	}
}

// dequantizeBookFloats dequantizes runs of floating-point codes. The kernel stops before a step
// with a code that is not a number. The definition handles that step, and a rest of a run that is
// shorter than a step.
func dequantizeBookFloats(dst []float32, src []uint8, run int, scale []float32, b *codebook) {
	for at := 0; at < len(src); {
		n := len(src) - at
		if at%run > 0 {
			n = min(n, run-at%run)
		}
		done := 0
		if n >= bookStep {
			done = dequantizeFloatsNEON(&dst[at], &src[at], n, min(run, n), &scale[at/run], b.float)
		}
		at += done
		if k := min(n-done, run-at%run, bookStep); k > 0 {
			dequantizeBookRunsGeneric(dst[at:at+k], src[at:at+k], k, scale[at/run:], b)
			at += k
		}
	}
}

func quantizeBookColumns(dst []uint8, src []float32, scale []float32, b *codebook) {
	dst = dst[:len(src)]
	n := len(scale)
	rows := len(src) / max(1, n)
	if !b.quantizesFast() || rows == 0 || n < bookStep {
		quantizeBookColumnsGeneric(dst, src, scale, b)
		return
	}
	if b.float != nil {
		quantizeFloatsColumnsNEON(&dst[0], &src[0], rows, n, n, &scale[0], b.float)
	} else {
		quantizeTableColumnsNEON(&dst[0], &src[0], rows, n, n, &scale[0], &b.tables)
	}
	quantizeBookColumnsGeneric(dst[rows*n:], src[rows*n:], scale, b)
}

func dequantizeBookColumns(dst []float32, src []uint8, scale []float32, b *codebook) {
	dst = dst[:len(src)]
	n := len(scale)
	rows := len(src) / max(1, n)
	if !b.dequantizesFast() || rows == 0 || n < bookStep {
		dequantizeBookColumnsGeneric(dst, src, scale, b)
		return
	}
	dequantizeBookRows(dst, src, rows, scale, b)
	dequantizeBookColumnsGeneric(dst[rows*n:], src[rows*n:], scale, b)
}

// dequantizeBookRows dequantizes complete rows. The kernel of floating-point formats stops at a
// row with a code that is not a number. The definition handles that row.
func dequantizeBookRows(dst []float32, src []uint8, rows int, scale []float32, b *codebook) {
	n := len(scale)
	if b.small {
		dequantizeTableColumnsNEON(&dst[0], &src[0], rows, n, n, &scale[0], &b.tables)
		return
	}
	for r := 0; r < rows; r++ {
		r += dequantizeFloatsColumnsNEON(&dst[r*n], &src[r*n], rows-r, n, n, &scale[0], b.float)
		if r < rows {
			dequantizeBookColumnsGeneric(dst[r*n:(r+1)*n], src[r*n:(r+1)*n], scale, b)
		}
	}
}
