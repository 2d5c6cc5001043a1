//go:build !purego

package quant

//go:noescape
func errorsInsideColumnsTwoAVX512(acc1, acc2 columnSums, sq *float64, src *float32, rows, stride int, scale1 []float32, zero1 []int32, scale2 []float32, zero2 []int32) int

//go:noescape
func errorsInsideColumnsTwoAVX2(acc1, acc2 columnSums, sq *float64, src *float32, rows, stride int, scale1 []float32, zero1 []int32, scale2 []float32, zero2 []int32) int

// errorsInsideColumnsTwo has kernels for AVX-512 and AVX2. It returns the number of columns that it
// has handled.
func errorsInsideColumnsTwo(acc1, acc2 columnSums, sq []float64, src []float32, rows, stride int, scale1 []float32, zero1 []int32, scale2 []float32, zero2 []int32) int {
	n := len(scale1)
	if active == generic || rows == 0 || n < leastColumns[active] {
		return 0
	}
	var squares *float64
	if sq != nil {
		squares = &sq[:n][0]
	}
	if active == avx2 {
		return errorsInsideColumnsTwoAVX2(acc1.sub(n), acc2.sub(n), squares, &src[0], rows, stride, scale1, zero1[:n], scale2[:n], zero2[:n])
	}
	return errorsInsideColumnsTwoAVX512(acc1.sub(n), acc2.sub(n), squares, &src[0], rows, stride, scale1, zero1[:n], scale2[:n], zero2[:n])
}

// errorsInsideColumns has kernels for AVX-512 and AVX2. It returns the number of columns that it has
// handled.
func errorsInsideColumns(acc columnSums, src []float32, rows, stride int, scale []float32, zero []int32) int {
	if active == generic || rows == 0 || len(scale) < leastColumns[active] {
		return 0
	}
	if active == avx2 {
		return errorsInsideColumnsAVX2(&acc.abs[0], &acc.sq[0], &acc.max[0], &src[0], rows, stride, scale, zero[:len(scale)])
	}
	return errorsInsideColumnsAVX512(&acc.abs[0], &acc.sq[0], &acc.max[0], &src[0], rows, stride, scale, zero[:len(scale)])
}
