//go:build !purego

package quant

// Quantizing groups: the loops around the kernels of AVX2 and AVX-512.

// The AVX2 kernels take a multiple of 8 complete runs, those of AVX-512 a multiple of 16. They
// return the number of runs that they have handled, and stop before 8 or 16 runs one of which has
// parameters that they do not serve.

//go:noescape
func quantizeGroups8AVX2(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int

//go:noescape
func quantizeGroups4AVX2(dst []byte, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int

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

// quantize4Runs has kernels for groups. For large output, which is stored without using the caches,
// packing codes from a buffer is faster, so callers do not use it then.
func quantize4Runs(dst []byte, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) bool {
	if !inGroups(len(src), run) {
		return false
	}
	quantize4InGroups(dst[:packedLen(int64(len(src)), 4)], src, run, scale, zero, qmin, qmax)
	return true
}

// quantize4InGroups is quantizeInt8InGroups for packed codes of 4 bits.
func quantize4InGroups(dst []byte, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	step := groupStep()
	for len(src) > 0 {
		if n := len(src) / run &^ (step - 1); n > 0 {
			if active == avx2 {
				n = quantizeGroups4AVX2(dst[:n*run/2], src[:n*run], run, scale[:n], zero[:n], qmin, qmax)
			} else {
				n = quantizeGroups4AVX512(dst[:n*run/2], src[:n*run], run, scale[:n], zero[:n], qmin, qmax)
			}
			if dst, src, scale, zero = dst[n*run/2:], src[n*run:], scale[n:], zero[n:]; len(src) == 0 {
				return
			}
		}
		k := min(step*run, len(src))
		quantize4RunsBuffered(dst, src[:k], run, scale, zero, qmin, qmax)
		if len(src) == k {
			return
		}
		dst, src, scale, zero = dst[k/2:], src[k:], scale[step:], zero[step:]
	}
}

// quantize4RunsBuffered quantizes up to 16 runs of up to 128 elements to a buffer, and then packs
// the codes.
func quantize4RunsBuffered(dst []byte, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	var buf [16 * 128]uint8
	codes := buf[:len(src)]
	quantizeInt8Alone(codes, src, run, scale, zero[:len(scale)], qmin, qmax)
	pack8(dst, codes, 4, false)
}
