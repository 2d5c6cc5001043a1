//go:build !purego

package quant

//go:noescape
func errorsInsideColumnsTwoAVX512(acc1, acc2 columnSums, sq *float64, src *float32, rows, stride int, scale1 []float32, zero1 []int32, scale2 []float32, zero2 []int32) int

// errorsInsideColumnsTwo has a kernel for AVX-512. It returns the number of columns that it has
// handled.
func errorsInsideColumnsTwo(acc1, acc2 columnSums, sq []float64, src []float32, rows, stride int, scale1 []float32, zero1 []int32, scale2 []float32, zero2 []int32) int {
	n := len(scale1)
	if active != avx512 || rows == 0 || n == 0 {
		return 0
	}
	var squares *float64
	if sq != nil {
		squares = &sq[:n][0]
	}
	return errorsInsideColumnsTwoAVX512(acc1.sub(n), acc2.sub(n), squares, &src[0], rows, stride, scale1, zero1[:n], scale2[:n], zero2[:n])
}
