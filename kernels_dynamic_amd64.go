//go:build !purego

package quant

import "math"

// Dynamic quantization of groups: the loop around the AVX-512 kernel.

//go:noescape
func dynamicGroups8AVX512(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, steps, hullMin, hullMax float32, zeroMin, zeroMax int32, symmetric, stream, unsigned bool) int

//go:noescape
func dynamicRuns8AVX512(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, steps, hullMin, hullMax float32, zeroMin, zeroMax int32, symmetric, stream, unsigned bool, together, ahead int) int

const (
	// leastDynamicRun is the least length of runs that quantizeDynamicRuns takes besides groups.
	leastDynamicRun = 128

	// leastDynamicAlone is the least length of the only run of a call for which quantizeDynamicRuns
	// is faster than two kernels.
	leastDynamicAlone = 2048

	// dynamicBatch is the number of elements whose ranges dynamicRuns8AVX512 makes before their codes.
	dynamicBatch = 4096

	// fetchedRow is the distance in bytes from the elements whose codes dynamicRuns8AVX512 makes to
	// those that it fetches, for runs longer than a batch. In other runs the next batch is fetched.
	fetchedRow = 2048
)

// hasDynamicRuns reports whether quantizeDynamicRuns has a kernel for runs of this length.
func hasDynamicRuns(run int) bool {
	return active == avx512 && (run >= leastDynamicRun || groupRun(run) && run != 16)
}

// dynamicRunsPay reports whether quantizeDynamicRuns is faster for a few runs of this length than two
// kernels are. It prepares sixteen parameters at a time.
func dynamicRunsPay(run, runs int) bool {
	return hasDynamicRuns(run) && (runs >= 16 || run >= leastDynamicRun && (runs > 1 || run >= leastDynamicAlone))
}

// dynamicApart returns the number of runs of which quantizeDynamicRuns may handle none because it
// does not serve one of them.
func dynamicApart(run int) int {
	if groupRun(run) {
		return 16
	}
	return 1
}

// quantizeDynamicRuns has kernels for AVX-512, for complete runs of 32, 64, and at least leastDynamicRun
// elements. One takes sixteen groups of 32, 64 or 128 elements at a time, the other takes all other runs.
// Codes are stored past the caches only where a run is whole lines of a cache. quantizeDynamicRuns
// returns the number of runs that it has handled. It may store parameters of runs behind those.
func quantizeDynamicRuns(dst []uint8, src []float32, run int, scale []float32, zero []int32, rule *dynamicRule, stream bool) int {
	n := len(src) / run
	if n == 0 || !hasDynamicRuns(run) || stream && run%64 > 0 && run != 32 {
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
	groups := 0
	if groupRun(run) && n >= 16 {
		groups = n &^ 15
		done := dynamicGroups8AVX512(dst[:groups*run], src[:groups*run], run, scale[:groups], zero[:groups],
			float32(rule.qmin), rule.steps, hullMin, hullMax, zeroMin, zeroMax, rule.symmetric, stream, rule.qmin == 0)
		if done < groups || done == n {
			return done
		}
	}
	together, ahead := max(1, min(dynamicBatch/run, 16)), fetchedRow
	if run <= dynamicBatch {
		ahead = 4 * together * run
	}
	dst, src, scale, zero = dst[groups*run:n*run], src[groups*run:n*run], scale[groups:n], zero[groups:n]
	return groups + dynamicRuns8AVX512(dst, src, run, scale, zero,
		float32(rule.qmin), rule.steps, hullMin, hullMax, zeroMin, zeroMax, rule.symmetric, stream && run%64 == 0, rule.qmin == 0, together, ahead)
}
