//go:build purego || !amd64

package quant

// hasDynamicRuns reports that there is no kernel here.
func hasDynamicRuns(int) bool { return false }

// dynamicRunsPay is not used here.
func dynamicRunsPay(run, runs int) bool { return false }

// dynamicApart is not used here.
func dynamicApart(int) int { return 1 }

// quantizeDynamicRuns has no kernel here.
func quantizeDynamicRuns([]uint8, []float32, int, []float32, []int32, *dynamicRule, bool) int {
	return 0
}
