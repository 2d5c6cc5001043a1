//go:build !purego

// Errors of few elements with AVX2.

#include "textflag.h"
#include "kernels_avx2_amd64.h"

#define STEP      Y4 // scale
#define LEAST     Y5 // lower bound of the quotients
#define GREATEST  Y6 // upper bound of the quotients
#define POSITIVE  Y7 // mask of the magnitude of a float32

// DEVIATE8 adds the errors of 8 elements, off bytes after SRC, to the lanes in a and b, and their
// squares to the lanes in c and d.
#define DEVIATE8(off, a, b, c, d) \
	VMOVUPS      off(SRC), Y0      \
	VDIVPS       STEP, Y0, Y1      \
	VMAXPS       LEAST, Y1, Y1     \
	VMINPS       GREATEST, Y1, Y1  \
	VROUNDPS     $8, Y1, Y1        \
	VMULPS       STEP, Y1, Y1      \
	VSUBPS       Y0, Y1, Y1        \
	VANDPS       POSITIVE, Y1, Y1  \
	VCVTPS2PD    X1, Y2            \
	VEXTRACTF128 $1, Y1, X1        \
	VCVTPS2PD    X1, Y3            \
	VADDPD       Y2, a, a          \
	VADDPD       Y3, b, b          \
	VFMADD231PD  Y2, Y2, c         \
	VFMADD231PD  Y3, Y3, d

//	for j, x := range src { // abs and e2 begin at 0
//		d, _ := deviation(x, scale, lo, hi)
//		abs[j%lanes] += float64(d)
//		e2[j%lanes] += float64(d)*float64(d)
//	}
//	return fold(&abs), fold(&e2)
//
// func errorsFewAVX2(src []float32, scale, lo, hi float32) (abs, sq float64)
//
// The number of elements is a multiple of 16. It divides: for few elements, divisions take less time
// than the edges of errorsRunsAVX2. Y8 to Y11 hold the lanes of sum |e|, Y12 to Y15 those of sum e².
TEXT ·errorsFewAVX2(SB), NOSPLIT, $0-56
	MOVQ src_base+0(FP), SRC
	MOVQ src_len+8(FP), DX
	VBROADCASTSS scale+24(FP), STEP
	VBROADCASTSS lo+28(FP), LEAST
	VBROADCASTSS hi+32(FP), GREATEST
	MOVL         $magnitudeMask, AX
	VMOVD        AX, X7
	VPBROADCASTD X7, POSITIVE
	VXORPS Y8, Y8, Y8
	VXORPS Y9, Y9, Y9
	VXORPS Y10, Y10, Y10
	VXORPS Y11, Y11, Y11
	VXORPS Y12, Y12, Y12
	VXORPS Y13, Y13, Y13
	VXORPS Y14, Y14, Y14
	VXORPS Y15, Y15, Y15

next16:
	DEVIATE8(0, Y8, Y9, Y12, Y13)
	DEVIATE8(32, Y10, Y11, Y14, Y15)
	ADDQ $64, SRC
	SUBQ $16, DX
	JNE  next16
	FOLD(Y8, Y9, Y10, Y11, X8, abs+40(FP))
	FOLD(Y12, Y13, Y14, Y15, X12, sq+48(FP))
	VZEROUPPER
	RET
