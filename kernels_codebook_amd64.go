//go:build !purego

package quant

// The kernels of codebooks, and what hands them runs.

//go:noescape
func quantizeFloatsAVX512(dst *uint8, src *float32, n, run int, scale *float32, f *floatCode)

//go:noescape
func quantizeTableAVX512(dst *uint8, src *float32, n, run int, scale *float32, t *bookTables)

//go:noescape
func dequantizeTableAVX512(dst *float32, src *uint8, n, run int, scale *float32, t *bookTables)

//go:noescape
func dequantizeFloatsAVX512(dst *float32, src *uint8, n, run int, scale *float32, f *floatCode) int

//go:noescape
func quantizeFloatsAVX2(dst *uint8, src *float32, n, run int, scale *float32, f *floatCode)

//go:noescape
func quantizeTableAVX2(dst *uint8, src *float32, n, run int, scale *float32, f *bookTables)

//go:noescape
func dequantizeTableAVX2(dst *float32, src *uint8, n, run int, scale *float32, f *bookTables)

//go:noescape
func dequantizeFloatsAVX2(dst *float32, src *uint8, n, run int, scale *float32, f *floatCode) int

// bookStep is how many elements these kernels do at once.
var bookStep = [...]int{avx2: 8, avx512: 16}

// quantizesFast reports whether there is a kernel that quantizes to b.
func (b *codebook) quantizesFast() bool { return active != generic && (b.float != nil || b.sorted) }

// dequantizesFast reports whether there is a kernel that dequantizes from b.
func (b *codebook) dequantizesFast() bool {
	return active != generic && (b.small || b.float != nil && b.float.special != 0)
}

func quantizeBookRuns(dst []uint8, src []float32, run int, scale []float32, b *codebook) {
	dst = dst[:len(src)]
	if !b.quantizesFast() {
		quantizeBookRunsGeneric(dst, src, run, scale, b)
		return
	}
	step := bookStep[active]
	if run >= len(src) || run%step == 0 {
		whole := len(src) &^ (step - 1)
		quantizeBookWhole(dst, src[:whole], min(run, whole), scale, b)
		if whole < len(src) {
			quantizeBookRunsGeneric(dst[whole:], src[whole:], run, scale[whole/run:], b)
		}
		return
	}
	for i := 0; len(src) > 0; i++ {
		n := min(run, len(src))
		whole := n &^ (step - 1)
		quantizeBookWhole(dst, src[:whole], whole, scale[i:], b)
		quantizeBookRunsGeneric(dst[whole:n], src[whole:n], run, scale[i:], b)
		dst, src = dst[n:], src[n:]
	}
}

// quantizeBookWhole quantizes runs in whole steps of the kernels.
func quantizeBookWhole(dst []uint8, src []float32, run int, scale []float32, b *codebook) {
	switch {
	case len(src) == 0:
	case b.float != nil && active == avx512:
		quantizeFloatsAVX512(&dst[0], &src[0], len(src), run, &scale[0], b.float)
	case b.float != nil:
		quantizeFloatsAVX2(&dst[0], &src[0], len(src), run, &scale[0], b.float)
	case active == avx512:
		quantizeTableAVX512(&dst[0], &src[0], len(src), run, &scale[0], &b.tables)
	default:
		quantizeTableAVX2(&dst[0], &src[0], len(src), run, &scale[0], &b.tables)
	}
}

func dequantizeBookRuns(dst []float32, src []uint8, run int, scale []float32, b *codebook) {
	dst = dst[:len(src)]
	if !b.dequantizesFast() {
		dequantizeBookRunsGeneric(dst, src, run, scale, b)
		return
	}
	step := bookStep[active]
	if run >= len(src) || run%step == 0 {
		whole := len(src) &^ (step - 1)
		dequantizeBookWhole(dst, src[:whole], min(run, whole), scale, b)
		if whole < len(src) {
			dequantizeBookRunsGeneric(dst[whole:], src[whole:], run, scale[whole/run:], b)
		}
		return
	}
	for i := 0; len(src) > 0; i++ {
		n := min(run, len(src))
		whole := n &^ (step - 1)
		dequantizeBookWhole(dst, src[:whole], whole, scale[i:], b)
		dequantizeBookRunsGeneric(dst[whole:n], src[whole:n], run, scale[i:], b)
		dst, src = dst[n:], src[n:]
	}
}

// dequantizeBookWhole dequantizes runs in whole steps of the kernels. A kernel of
// floating-point numbers stops before a step in which a code is no number; the definition
// does that step.
func dequantizeBookWhole(dst []float32, src []uint8, run int, scale []float32, b *codebook) {
	switch {
	case len(src) == 0:
		return
	case b.small && active == avx512:
		dequantizeTableAVX512(&dst[0], &src[0], len(src), run, &scale[0], &b.tables)
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
			done = dequantizeFloatsAVX512(&dst[at], &src[at], n, min(run, n), &s[0], b.float)
		} else {
			done = dequantizeFloatsAVX2(&dst[at], &src[at], n, min(run, n), &s[0], b.float)
		}
		if at += done; done < n {
			dequantizeBookRunsGeneric(dst[at:at+step], src[at:at+step], run, scale[at/run:], b)
			at += step
		}
	}
}
