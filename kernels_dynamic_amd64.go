//go:build !purego

package quant

import "math"

// Dynamic quantization of groups: the loop around the AVX-512 kernel.

//go:noescape
func dynamicGroups8AVX512(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, steps, hullMin, hullMax float32, zeroMin, zeroMax int32, symmetric, stream, unsigned bool) int

// hasDynamicRuns reports whether quantizeDynamicRuns has a kernel for runs of this length.
func hasDynamicRuns(run int) bool { return active == avx512 && groupRun(run) && run != 16 }

// quantizeDynamicRuns has a kernel for AVX-512, for complete groups of 32, 64 and 128 elements. It returns
// the number of runs that it has handled. It may store parameters of runs behind those.
func quantizeDynamicRuns(dst []uint8, src []float32, run int, scale []float32, zero []int32, rule *dynamicRule, stream bool) int {
	n := len(src) / run &^ 15
	if n == 0 || !hasDynamicRuns(run) {
		return 0
	}
	hullMin, hullMax := float32(math.MaxFloat32), float32(-math.MaxFloat32)
	zeroMin, zeroMax := int32(math.MinInt32), int32(math.MaxInt32)
	switch {
	case rule.symmetric:
		zeroMin, zeroMax = rule.zero, rule.zero
	case rule.zeroInRange:
		hullMin, hullMax, zeroMin, zeroMax = 0, 0, rule.qmin, rule.qmin+255
	}
	return dynamicGroups8AVX512(dst[:n*run], src[:n*run], run, scale[:n], zero[:n],
		float32(rule.qmin), rule.steps, hullMin, hullMax, zeroMin, zeroMax, rule.symmetric, stream, rule.qmin == 0)
}
