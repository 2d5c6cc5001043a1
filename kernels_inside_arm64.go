//go:build !purego

package quant

import "math"

// Errors of elements that are not clipped.

//go:noescape
func errorsInsideRunsNEON(acc []sums, src []float32, run int, scale []float32, zero []int32) int

//go:noescape
func errorsInsideColumnsNEON(abs, sq *float64, max *float32, src *float32, rows, stride int, scale []float32, zero []int32) int

// errorsInsideRuns returns the number of runs that it has handled. Where the kernel does not serve a
// scale, that of all errors handles 4 runs, with a grid that holds all codes, and twice as many if the
// kernel does not serve the next ones either.
func errorsInsideRuns(acc []sums, sq []float64, src []float32, run int, scale []float32, zero []int32) int {
	if active != neon {
		return 0
	}
	n, step := 0, 4
	for n < len(acc) {
		inside := errorsInsideRunsNEON(acc[n:], src[n*run:], run, scale[n:len(acc)], zero[n:len(acc)])
		if n += inside; inside > 0 {
			step = 4
		}
		k := min(step, len(acc)-n)
		x := src[min(n*run, len(src)):min((n+k)*run, len(src))]
		done := errorsRunsNEON(acc[n:n+k], x, run, scale[n:], zero[n:], math.MinInt16, math.MaxInt16)
		if n += done; done < k {
			break
		}
		step *= 2
	}
	if sq != nil && n > 0 {
		squaresRuns(sq[:n], src[:min(n*run, len(src))], run)
	}
	return n
}

// errorsInsideTwo has no kernel: the sums of two schemes need more registers than there are.
func errorsInsideTwo([]sums, []sums, []float64, []float32, int, []float32, []int32, []float32, []int32) int {
	return 0
}

// errorsInsideColumns returns the number of columns that it has handled.
func errorsInsideColumns(acc columnSums, src []float32, rows, stride int, scale []float32, zero []int32) int {
	if active != neon || rows == 0 || len(scale) < 8 {
		return 0
	}
	n := len(scale)
	for ; rows > 0; rows -= bandRows {
		n = errorsInsideColumnsNEON(&acc.abs[0], &acc.sq[0], &acc.max[0], &src[0], min(rows, bandRows), stride, scale[:n], zero[:n])
		if n == 0 {
			return 0
		}
		src = src[min(bandRows*stride, len(src)):]
	}
	return n
}

// errorsInsideColumnsTwo has no kernel, as errorsInsideTwo.
func errorsInsideColumnsTwo(columnSums, columnSums, []float64, []float32, int, int, []float32, []int32, []float32, []int32) int {
	return 0
}
