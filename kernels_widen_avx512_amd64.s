//go:build !purego

// Widening floats of 16 bits with AVX-512.

#include "textflag.h"
#include "kernels_avx512_amd64.h"

//	for i, b := range src {
//		dst[i] = math.Float32frombits(uint32(b) << 16)
//	}
//
// func widenBFloat16AVX512(dst []float32, src []uint16)
TEXT ·widenBFloat16AVX512(SB), NOSPLIT, $0-48
	MOVQ dst_base+0(FP), DST
	MOVQ src_base+24(FP), SRC
	MOVQ src_len+32(FP), N
	SUBQ $16, N
	JB   tail

loop:
	VPMOVZXWD (SRC), Z0
	VPSLLD    $16, Z0, Z0
	VMOVDQU32 Z0, (DST)
	ADDQ $32, SRC
	ADDQ $64, DST
	SUBQ $16, N
	JAE  loop

tail:
	ADDQ $16, N
	MASK(N, K1)
	VMOVDQU16.Z (SRC), K1, Y0
	VPMOVZXWD   Y0, Z0
	VPSLLD      $16, Z0, Z0
	VMOVDQU32   Z0, K1, (DST)
	VZEROUPPER
	RET

//	for i, h := range src {
//		dst[i] = the float32 of the binary16 h // a NaN becomes quiet
//	}
//
// func widenFloat16AVX512(dst []float32, src []uint16)
TEXT ·widenFloat16AVX512(SB), NOSPLIT, $0-48
	MOVQ dst_base+0(FP), DST
	MOVQ src_base+24(FP), SRC
	MOVQ src_len+32(FP), N
	SUBQ $16, N
	JB   tail

loop:
	VCVTPH2PS (SRC), Z0
	VMOVUPS   Z0, (DST)
	ADDQ $32, SRC
	ADDQ $64, DST
	SUBQ $16, N
	JAE  loop

tail:
	ADDQ $16, N
	MASK(N, K1)
	VMOVDQU16.Z (SRC), K1, Y0
	VCVTPH2PS   Y0, Z0
	VMOVUPS     Z0, K1, (DST)
	VZEROUPPER
	RET
