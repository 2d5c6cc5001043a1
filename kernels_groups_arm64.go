//go:build !purego

package quant

// Groups: the loops around the NEON kernels of groups.

// Kernels of groups take a multiple of 4 complete runs. groupRun says which lengths they take.

//go:noescape
func rangeGroupsNEON(lo, hi, src []float32, run int) bool

// The kernels that quantize return the number of runs that they have handled. They stop before 4
// runs one of which needs a division.

//go:noescape
func quantizeGroups8NEON(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int

//go:noescape
func quantizeGroups4NEON(dst []byte, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int

// groupRun reports whether kernels of groups take runs of this length. In longer runs, preparing
// one at a time costs little.
func groupRun(run int) bool { return run <= 128 && run%16 == 0 }

// quantizeInt8InGroups quantizes groups. The kernel of runs handles those that the kernel of
// groups does not handle.
func quantizeInt8InGroups(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	for len(src) > 0 {
		if n := len(src) / run &^ 3; n > 0 {
			n = quantizeGroups8NEON(dst[:n*run], src[:n*run], run, scale[:n], zero[:n], qmin, qmax)
			if dst, src, scale, zero = dst[n*run:], src[n*run:], scale[n:], zero[n:]; len(src) == 0 {
				return
			}
		}
		k := min(4*run, len(src))
		quantizeInt8RunsNEON(dst[:k], src[:k], run, scale, zero, qmin, qmax)
		if len(src) == k {
			return
		}
		dst, src, scale, zero = dst[k:], src[k:], scale[4:], zero[4:]
	}
}

// quantize4InGroups is quantizeInt8InGroups for packed codes of 4 bits.
func quantize4InGroups(dst []byte, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	for len(src) > 0 {
		if n := len(src) / run &^ 3; n > 0 {
			n = quantizeGroups4NEON(dst[:n*run/2], src[:n*run], run, scale[:n], zero[:n], qmin, qmax)
			if dst, src, scale, zero = dst[n*run/2:], src[n*run:], scale[n:], zero[n:]; len(src) == 0 {
				return
			}
		}
		k := min(4*run, len(src))
		quantize4InRuns(dst, src[:k], run, scale, zero, qmin, qmax)
		if len(src) == k {
			return
		}
		dst, src, scale, zero = dst[k/2:], src[k:], scale[4:], zero[4:]
	}
}

// quantize4InRuns quantizes runs of an even number of elements, or one run. The definition handles
// what the kernel does not take.
func quantize4InRuns(dst []byte, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	n := wholeRuns(len(src), run) &^ 1
	if n > 0 {
		quantize4RunsNEON(dst[:n/2], src[:n], run, scale, zero, qmin, qmax)
	}
	if n < len(src) {
		quantize4RunsGeneric(dst[n/2:], src[n:], run, scale[n/run:], zero[n/run:], qmin, qmax)
	}
}
