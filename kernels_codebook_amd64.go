//go:build !purego

package quant

// The kernels of codebooks, and their dispatchers.

//go:noescape
func quantizeFloatsAVX512(dst *uint8, src *float32, n, run int, scale []float32, f *floatCode, stream bool)

//go:noescape
func prepareFloatsAVX512(buf, scale *float32, cols int, f *floatCode) bool

//go:noescape
func quantizeFloatsWideAVX512(dst *uint8, src *float32, rows, cols, stride int, scale *float32, f *floatCode, buf *float32)

//go:noescape
func quantizeSortedAVX512(dst *uint8, src *float32, n, run int, scale []float32, t *bookTables, packed, stream bool)

//go:noescape
func quantizeMirroredAVX512(dst *uint8, src *float32, n, run int, scale []float32, t *bookTables, packed, stream bool)

//go:noescape
func prepareTableAVX512(buf, scale *float32, cols int, t *bookTables)

//go:noescape
func quantizeSortedColumnsAVX512(dst *uint8, src *float32, rows, cols, stride int, scale *float32, f *bookTables, buf *float32)

//go:noescape
func quantizeMirroredColumnsAVX512(dst *uint8, src *float32, rows, cols, stride int, scale *float32, f *bookTables, buf *float32)

//go:noescape
func dequantizeTableAVX512(dst *float32, src *uint8, n, run int, scale *float32, t *bookTables, stream bool)

//go:noescape
func dequantizeFloatsAVX512(dst *float32, src *uint8, n, run int, scale *float32, f *floatCode, stream bool) int

//go:noescape
func quantizeFloatsAVX2(dst *uint8, src *float32, n, run int, scale *float32, f *floatCode)

//go:noescape
func prepareFloatsAVX2(buf, scale *float32, cols int, f *floatCode) bool

//go:noescape
func quantizeFloatsWideAVX2(dst *uint8, src *float32, rows, cols, stride int, scale *float32, f *floatCode, buf *float32)

//go:noescape
func prepareTableAVX2(buf, scale *float32, cols int, t *bookTables)

//go:noescape
func quantizeTableWideAVX2(dst *uint8, src *float32, rows, cols, stride int, scale *float32, f *bookTables, buf *float32)

//go:noescape
func quantizeTableAVX2(dst *uint8, src *float32, n, run int, scale *float32, f *bookTables)

//go:noescape
func dequantizeTableAVX2(dst *float32, src *uint8, n, run int, scale *float32, f *bookTables)

//go:noescape
func dequantizeFloatsAVX2(dst *float32, src *uint8, n, run int, scale *float32, f *floatCode) int

//go:noescape
func quantizeFloatsColumnsAVX512(dst *uint8, src *float32, rows, cols, stride int, scale *float32, f *floatCode)

//go:noescape
func dequantizeTableColumnsAVX512(dst *float32, src *uint8, rows, cols, stride int, scale *float32, f *bookTables)

//go:noescape
func dequantizeFloatsColumnsAVX512(dst *float32, src *uint8, rows, cols, stride int, scale *float32, f *floatCode) int

//go:noescape
func quantizeFloatsColumnsAVX2(dst *uint8, src *float32, rows, cols, stride int, scale *float32, f *floatCode)

//go:noescape
func quantizeTableColumnsAVX2(dst *uint8, src *float32, rows, cols, stride int, scale *float32, f *bookTables)

//go:noescape
func dequantizeTableColumnsAVX2(dst *float32, src *uint8, rows, cols, stride int, scale *float32, f *bookTables)

//go:noescape
func dequantizeFloatsColumnsAVX2(dst *float32, src *uint8, rows, cols, stride int, scale *float32, f *floatCode) int

// bookStep is the number of elements that these kernels handle at a time, for each set.
var bookStep = [...]int{avx2: 8, avx512: 16}

// quantizesFast reports whether there is a kernel that quantizes to b.
func (b *codebook) quantizesFast() bool { return active != generic && (b.float != nil || b.sorted) }

// dequantizesFast reports whether there is a kernel that dequantizes from b.
func (b *codebook) dequantizesFast() bool {
	return active != generic && (b.small || b.float != nil)
}

func quantizeBookRuns(dst []uint8, src []float32, run int, scale []float32, b *codebook, stream bool) {
	dst = dst[:len(src)]
	if !b.quantizesFast() {
		quantizeBookRunsGeneric(dst, src, run, scale, b)
		return
	}
	step := bookStep[active]
	if run >= len(src) || run%step == 0 {
		whole := len(src) &^ (step - 1)
		quantizeBookWhole(dst, src[:whole], min(run, whole), scale, b, stream)
		if whole < len(src) {
			quantizeBookRunsGeneric(dst[whole:], src[whole:], run, scale[whole/run:], b)
		}
		return
	}
	for i := 0; len(src) > 0; i++ {
		n := min(run, len(src))
		whole := n &^ (step - 1)
		quantizeBookWhole(dst, src[:whole], whole, scale[i:], b, stream)
		quantizeBookRunsGeneric(dst[whole:n], src[whole:n], run, scale[i:], b)
		dst, src = dst[n:], src[n:]
	}
}

// quantizeBookWhole quantizes the elements of runs that are complete steps of the kernels.
func quantizeBookWhole(dst []uint8, src []float32, run int, scale []float32, b *codebook, stream bool) {
	switch {
	case len(src) == 0:
	case active == avx512:
		scale = scale[:(len(src)+run-1)/run]
		switch {
		case b.sorted:
			quantizeSortedAVX512(&dst[0], &src[0], len(src), run, scale, &b.tables, false, stream)
		case b.mirrored:
			quantizeMirroredAVX512(&dst[0], &src[0], len(src), run, scale, &b.tables, false, stream)
		default:
			quantizeFloatsAVX512(&dst[0], &src[0], len(src), run, scale, b.float, stream)
		}
	case b.float != nil:
		quantizeFloatsAVX2(&dst[0], &src[0], len(src), run, &scale[0], b.float)
	default:
		quantizeTableAVX2(&dst[0], &src[0], len(src), run, &scale[0], &b.tables)
	}
}

// quantizeBookPacked has a kernel for AVX-512, for tables of 16 values and runs of complete steps.
// It returns false, and stores nothing, without a kernel.
func quantizeBookPacked(dst []byte, src []float32, run int, scale []float32, b *codebook) bool {
	if active != avx512 || b.bits != 4 || !b.sorted && !b.mirrored || run < len(src) && run%bookStep[avx512] != 0 {
		return false
	}
	dst = dst[:(len(src)+1)/2]
	whole := len(src) &^ (bookStep[avx512] - 1)
	if whole > 0 {
		run := min(run, whole)
		scale := scale[:(whole+run-1)/run]
		if b.sorted {
			quantizeSortedAVX512(&dst[0], &src[0], whole, run, scale, &b.tables, true, false)
		} else {
			quantizeMirroredAVX512(&dst[0], &src[0], whole, run, scale, &b.tables, true, false)
		}
	}
	if whole < len(src) {
		quantizeBookPackedGeneric(dst[whole/2:], src[whole:], run, scale[whole/run:], b)
	}
	return true
}

func dequantizeBookRuns(dst []float32, src []uint8, run int, scale []float32, b *codebook, stream bool) {
	dst = dst[:len(src)]
	if !b.dequantizesFast() {
		dequantizeBookRunsGeneric(dst, src, run, scale, b)
		return
	}
	step := bookStep[active]
	if run >= len(src) || run%step == 0 {
		whole := len(src) &^ (step - 1)
		dequantizeBookWhole(dst, src[:whole], min(run, whole), scale, b, stream)
		if whole < len(src) {
			dequantizeBookRunsGeneric(dst[whole:], src[whole:], run, scale[whole/run:], b)
		}
		return
	}
	for i := 0; len(src) > 0; i++ {
		n := min(run, len(src))
		whole := n &^ (step - 1)
		dequantizeBookWhole(dst, src[:whole], whole, scale[i:], b, stream)
		dequantizeBookRunsGeneric(dst[whole:n], src[whole:n], run, scale[i:], b)
		dst, src = dst[n:], src[n:]
	}
}

// dequantizeBookWhole dequantizes the elements of runs that are complete steps of the kernels. A
// kernel of floating-point formats stops before a step with a code that is not a number. The
// definition handles that step.
func dequantizeBookWhole(dst []float32, src []uint8, run int, scale []float32, b *codebook, stream bool) {
	switch {
	case len(src) == 0:
		return
	case b.small && active == avx512:
		dequantizeTableAVX512(&dst[0], &src[0], len(src), run, &scale[0], &b.tables, stream)
		return
	case b.small:
		dequantizeTableAVX2(&dst[0], &src[0], len(src), run, &scale[0], &b.tables)
		return
	}
	step := bookStep[active]
	for at := 0; at < len(src); {
		n, s := len(src)-at, scale[at/run:]
		if at%run > 0 {
			n = min(n, run-at%run)
		}
		done := 0
		if active == avx512 {
			done = dequantizeFloatsAVX512(&dst[at], &src[at], n, min(run, n), &s[0], b.float, stream)
		} else {
			done = dequantizeFloatsAVX2(&dst[at], &src[at], n, min(run, n), &s[0], b.float)
		}
		if at += done; done < n {
			dequantizeBookRunsGeneric(dst[at:at+step], src[at:at+step], run, scale[at/run:], b)
			at += step
		}
	}
}

func quantizeBookColumns(dst []uint8, src []float32, scale []float32, b *codebook) {
	dst = dst[:len(src)]
	n := len(scale)
	rows := len(src) / max(1, n)
	whole := n
	if active != generic {
		whole = n &^ (bookStep[active] - 1)
	}
	if !b.quantizesFast() || rows == 0 || whole == 0 {
		quantizeBookColumnsGeneric(dst, src, scale, b)
		return
	}
	switch {
	case active == avx512 && (b.sorted || b.mirrored):
		quantizeTableColumns(dst, src, rows, whole, scale, b)
	case active == avx512:
		if done := quantizeFloatsWide(dst, src, rows, whole, scale, b.float); done < whole {
			quantizeFloatsColumnsAVX512(&dst[done], &src[done], rows, whole-done, n, &scale[done], b.float)
		}
	case b.float != nil:
		if done := quantizeFloatsWide(dst, src, rows, whole, scale, b.float); done < whole {
			quantizeFloatsColumnsAVX2(&dst[done], &src[done], rows, whole-done, n, &scale[done], b.float)
		}
	default:
		if done := quantizeTableWide(dst, src, rows, whole, scale, b); done < whole {
			quantizeTableColumnsAVX2(&dst[done], &src[done], rows, whole-done, n, &scale[done], &b.tables)
		}
	}
	for r := 0; whole < n && r < rows; r++ {
		quantizeBookColumnsGeneric(dst[r*n+whole:(r+1)*n], src[r*n+whole:(r+1)*n], scale[whole:], b)
	}
	quantizeBookColumnsGeneric(dst[rows*n:], src[rows*n:], scale, b)
}

// quantizeTableColumns quantizes the first cols columns to the codes of a table.
func quantizeTableColumns(dst []uint8, src []float32, rows, cols int, scale []float32, b *codebook) {
	buf := preparedColumns.Get().(*[]float32)
	defer preparedColumns.Put(buf)
	*buf = resize(*buf, cols)
	prepareTableAVX512(&(*buf)[0], &scale[0], cols, &b.tables)
	if b.sorted {
		quantizeSortedColumnsAVX512(&dst[0], &src[0], rows, cols, len(scale), &scale[0], &b.tables, &(*buf)[0])
	} else {
		quantizeMirroredColumnsAVX512(&dst[0], &src[0], rows, cols, len(scale), &scale[0], &b.tables, &(*buf)[0])
	}
}

// quantizeTableWide quantizes columns to the codes of a table with AVX2, 32 at a time, with factors
// that are prepared for all rows. It returns the number of columns that it has handled.
func quantizeTableWide(dst []uint8, src []float32, rows, cols int, scale []float32, b *codebook) int {
	if cols &^= 31; rows == 1 || cols == 0 {
		return 0
	}
	buf := preparedColumns.Get().(*[]float32)
	defer preparedColumns.Put(buf)
	*buf = resize(*buf, cols)
	prepareTableAVX2(&(*buf)[0], &scale[0], cols, &b.tables)
	quantizeTableWideAVX2(&dst[0], &src[0], rows, cols, len(scale), &scale[0], &b.tables, &(*buf)[0])
	return cols
}

// quantizeFloatsWide quantizes columns, 32 or 64 at a time, with parameters that are prepared for
// all rows. It returns the number of columns that it has handled.
func quantizeFloatsWide(dst []uint8, src []float32, rows, cols int, scale []float32, f *floatCode) int {
	if cols &^= 4*bookStep[active] - 1; rows == 1 || cols == 0 {
		return 0
	}
	buf := preparedColumns.Get().(*[]float32)
	defer preparedColumns.Put(buf)
	*buf = resize(*buf, 3*cols)
	b := &(*buf)[0]
	switch {
	case active == avx512 && prepareFloatsAVX512(b, &scale[0], cols, f):
		quantizeFloatsWideAVX512(&dst[0], &src[0], rows, cols, len(scale), &scale[0], f, b)
	case active == avx2 && prepareFloatsAVX2(b, &scale[0], cols, f):
		quantizeFloatsWideAVX2(&dst[0], &src[0], rows, cols, len(scale), &scale[0], f, b)
	default:
		return 0
	}
	return cols
}

func dequantizeBookColumns(dst []float32, src []uint8, scale []float32, b *codebook) {
	dst = dst[:len(src)]
	n := len(scale)
	rows := len(src) / max(1, n)
	whole := n
	if active != generic {
		whole = n &^ (bookStep[active] - 1)
	}
	if !b.dequantizesFast() || rows == 0 || whole == 0 {
		dequantizeBookColumnsGeneric(dst, src, scale, b)
		return
	}
	dequantizeBookRows(dst, src, rows, whole, scale, b)
	for r := 0; whole < n && r < rows; r++ {
		dequantizeBookColumnsGeneric(dst[r*n+whole:(r+1)*n], src[r*n+whole:(r+1)*n], scale[whole:], b)
	}
	dequantizeBookColumnsGeneric(dst[rows*n:], src[rows*n:], scale, b)
}

// dequantizeBookRows dequantizes the first cols elements of each row, in complete steps of the
// kernels. A kernel of floating-point formats stops at a row with a code that is not a number.
// The definition handles that row.
func dequantizeBookRows(dst []float32, src []uint8, rows, cols int, scale []float32, b *codebook) {
	n := len(scale)
	switch {
	case b.small && active == avx512:
		dequantizeTableColumnsAVX512(&dst[0], &src[0], rows, cols, n, &scale[0], &b.tables)
		return
	case b.small:
		dequantizeTableColumnsAVX2(&dst[0], &src[0], rows, cols, n, &scale[0], &b.tables)
		return
	}
	for r := 0; r < rows; r++ {
		if active == avx512 {
			r += dequantizeFloatsColumnsAVX512(&dst[r*n], &src[r*n], rows-r, cols, n, &scale[0], b.float)
		} else {
			r += dequantizeFloatsColumnsAVX2(&dst[r*n], &src[r*n], rows-r, cols, n, &scale[0], b.float)
		}
		if r < rows {
			dequantizeBookColumnsGeneric(dst[r*n:r*n+cols], src[r*n:r*n+cols], scale[:cols], b)
		}
	}
}
