//go:build !purego

package quant

// Quantizing groups: the loops around the kernels of AVX2 and AVX-512.

// The AVX2 kernels take a multiple of 8 complete runs, those of AVX-512 a multiple of 16. They
// return the number of runs that they have handled, and stop before 8 or 16 runs one of which has
// parameters that they do not serve.

//go:noescape
func quantizeGroups8AVX2(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int

// groupRun reports whether kernels of groups take runs of this length.
func groupRun(run int) bool { return run == 16 || run == 32 || run == 64 || run == 128 }

// groupStep returns the number of groups that a kernel takes at a time.
func groupStep() int {
	if active == avx2 {
		return 8
	}
	return 16
}

// inGroups reports whether a kernel of groups takes n elements in runs of run.
func inGroups(n, run int) bool {
	return active != generic && groupRun(run) && n >= groupStep()*run
}

// quantizeInt8InGroups quantizes groups. The kernel of runs handles those that the kernel of groups
// does not handle.
func quantizeInt8InGroups(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	step := groupStep()
	for len(src) > 0 {
		if n := len(src) / run &^ (step - 1); n > 0 {
			if active == avx2 {
				n = quantizeGroups8AVX2(dst[:n*run], src[:n*run], run, scale[:n], zero[:n], qmin, qmax)
			} else {
				n = quantizeGroups8AVX512(dst[:n*run], src[:n*run], run, scale[:n], zero[:n], qmin, qmax)
			}
			if dst, src, scale, zero = dst[n*run:], src[n*run:], scale[n:], zero[n:]; len(src) == 0 {
				return
			}
		}
		k := min(step*run, len(src))
		quantizeInt8Alone(dst[:k], src[:k], run, scale, zero[:len(scale)], qmin, qmax)
		dst, src, scale, zero = dst[k:], src[k:], scale[(k+run-1)/run:], zero[(k+run-1)/run:]
	}
}

// quantizeInt8Alone quantizes runs with the kernel that takes one run at a time.
func quantizeInt8Alone(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	if active == avx2 {
		quantizeInt8RunsAVX2(dst, src, run, scale, zero, qmin, qmax, false)
	} else {
		quantizeInt8RunsAVX512(dst, src, run, scale, zero, qmin, qmax, false)
	}
}
