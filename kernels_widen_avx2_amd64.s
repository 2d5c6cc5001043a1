//go:build !purego

// Widening floats of 16 bits with AVX2.

#include "textflag.h"
#include "kernels_avx2_amd64.h"

// WIDEN_BFLOAT16 widens 8 elements.
#define WIDEN_BFLOAT16(src, y) \
	VPMOVZXWD src, y \
	VPSLLD    $16, y, y

//	for i, b := range src {
//		dst[i] = math.Float32frombits(uint32(b) << 16)
//	}
//
// func widenBFloat16AVX2(dst []float32, src []uint16)
//
// There are at least 8 elements; those that are taken twice do no harm.
TEXT ·widenBFloat16AVX2(SB), NOSPLIT, $0-48
	MOVQ dst_base+0(FP), DST
	MOVQ src_base+24(FP), SRC
	MOVQ src_len+32(FP), N
	SUBQ $16, N
	JB   tail

loop:
	WIDEN_BFLOAT16(0(SRC), Y0)
	WIDEN_BFLOAT16(16(SRC), Y1)
	VMOVDQU Y0, 0(DST)
	VMOVDQU Y1, 32(DST)
	ADDQ $32, SRC
	ADDQ $64, DST
	SUBQ $16, N
	JAE  loop

tail: // N + 16 elements, fewer than 16
	CMPQ N, $-8
	JLE  tail8
	WIDEN_BFLOAT16((SRC), Y0)
	VMOVDQU Y0, (DST)

tail8:
	WIDEN_BFLOAT16(16(SRC)(N*2), Y0)
	VMOVDQU Y0, 32(DST)(N*4)
	VZEROUPPER
	RET

//	for i, h := range src {
//		dst[i] = the float32 of the binary16 h // a NaN becomes quiet
//	}
//
// func widenFloat16AVX2(dst []float32, src []uint16)
//
// There are at least 8 elements; those that are taken twice do no harm.
TEXT ·widenFloat16AVX2(SB), NOSPLIT, $0-48
	MOVQ dst_base+0(FP), DST
	MOVQ src_base+24(FP), SRC
	MOVQ src_len+32(FP), N
	SUBQ $16, N
	JB   tail

loop:
	VCVTPH2PS 0(SRC), Y0
	VCVTPH2PS 16(SRC), Y1
	VMOVUPS Y0, 0(DST)
	VMOVUPS Y1, 32(DST)
	ADDQ $32, SRC
	ADDQ $64, DST
	SUBQ $16, N
	JAE  loop

tail:
	CMPQ N, $-8
	JLE  tail8
	VCVTPH2PS (SRC), Y0
	VMOVUPS Y0, (DST)

tail8:
	VCVTPH2PS 16(SRC)(N*2), Y0
	VMOVUPS Y0, 32(DST)(N*4)
	VZEROUPPER
	RET
