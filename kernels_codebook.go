package quant

// The errors of codebooks, computed with other kernels.

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
			quantizeBookRuns(codes[:n], src[:n], run, scale[:k], b)
			dequantizeBookRuns(back[:n], codes[:n], run, scale[:k], b)
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
		if key(lo[0]/s) >= b.lowest && key(hi[0]/s) <= b.highest {
			continue
		}
		for _, v := range x {
			if k := key(v / s); k < b.lowest || k > b.highest {
				acc[i].clipped++
			}
		}
	}
}
