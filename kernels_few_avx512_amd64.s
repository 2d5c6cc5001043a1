//go:build !purego

// Errors of few elements with AVX-512.

#include "textflag.h"
#include "kernels_avx512_amd64.h"

#define MAGNITUDE Z21 // mask of the magnitude of a float32

//	for j, x := range src { // abs and e2 begin at 0
//		d, _ := deviation(x, scale, lo, hi)
//		abs[j%lanes] += float64(d)
//		e2[j%lanes] += float64(d)*float64(d)
//	}
//	return fold(&abs), fold(&e2)
//
// func errorsFewAVX512(src []float32, scale, lo, hi float32) (abs, sq float64)
//
// It divides: for few elements, divisions take less time than the edges of errorsRunsAVX512. Z24 and
// Z25 hold the lanes of sum |e|, Z26 and Z27 those of sum e².
TEXT ·errorsFewAVX512(SB), NOSPLIT, $0-56
	MOVQ src_base+0(FP), SRC
	MOVQ src_len+8(FP), LEFT
	VBROADCASTSS scale+24(FP), SCALE
	VBROADCASTSS lo+28(FP), LOWER
	VBROADCASTSS hi+32(FP), UPPER
	BROADCAST(magnitudeMask, MAGNITUDE)
	VPXORD Z24, Z24, Z24
	VPXORD Z25, Z25, Z25
	VPXORD Z26, Z26, Z26
	VPXORD Z27, Z27, Z27

next16:
	MOVQ    $16, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	MASK(N, K1)
	VMOVUPS.Z     (SRC), K1, Z0
	VDIVPS        SCALE, Z0, Z1
	VMAXPS        LOWER, Z1, Z1
	VMINPS        UPPER, Z1, Z1
	VRNDSCALEPS   $8, Z1, Z1
	VMULPS        SCALE, Z1, Z1
	VSUBPS        Z0, Z1, Z1
	VPANDD.Z      MAGNITUDE, Z1, K1, Z1
	VEXTRACTF64X4 $1, Z1, Y2
	VCVTPS2PD     Y1, Z3
	VCVTPS2PD     Y2, Z4
	VADDPD        Z3, Z24, Z24
	VADDPD        Z4, Z25, Z25
	VFMADD231PD   Z3, Z3, Z26
	VFMADD231PD   Z4, Z4, Z27
	ADDQ $64, SRC
	SUBQ $16, LEFT
	JGT  next16
	FOLD(Z24, Z25, Y24, X24, abs+40(FP))
	FOLD(Z26, Z27, Y26, X26, sq+48(FP))
	VZEROUPPER
	RET
