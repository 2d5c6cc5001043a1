//go:build !purego

#include "textflag.h"
#include "kernels_avx512_amd64.h"

// COLLECT reads a run of R12 vectors and the rest that K1 masks, R8 bytes in
// all, into its greatest signed, greatest unsigned and least unsigned bits.
#define COLLECT(sm, um, un, loop, tail) \
	VMOVDQA32   Z30, sm         \
	VPXORD      um, um, um      \
	VPTERNLOGD  $0xff, un, un, un \
	MOVQ        R12, CX         \
	MOVQ        SI, R13         \
	TESTQ       CX, CX          \
	JZ          tail            \
loop:                           \
	VMOVDQU32   (R13), Z0       \
	VPMAXSD     Z0, sm, sm      \
	VPMAXUD     Z0, um, um      \
	VPMINUD     Z0, un, un      \
	ADDQ        $64, R13        \
	DECQ        CX              \
	JNZ         loop            \
tail:                           \
	VMOVDQU32.Z (R13), K1, Z0   \
	VPMAXSD     Z0, sm, K1, sm  \
	VPMAXUD     Z0, um, K1, um  \
	VPMINUD     Z0, un, K1, un  \
	ADDQ        R8, SI

// FOUR reduces four vectors to the four dwords of x, by OP.
#define FOUR(OP, a, b, c, d, y, x) \
	VPUNPCKLDQ  b, a, Z0     \
	VPUNPCKHDQ  b, a, Z1     \
	OP          Z0, Z1, Z1   \
	VPUNPCKLDQ  d, c, Z2     \
	VPUNPCKHDQ  d, c, Z3     \
	OP          Z2, Z3, Z3   \
	VPUNPCKLQDQ Z3, Z1, Z0   \
	VPUNPCKHQDQ Z3, Z1, Z1   \
	OP          Z0, Z1, Z1   \
	VEXTRACTI64X4 $1, Z1, Y0 \
	OP          Y0, Y1, Y1   \
	VEXTRACTI128 $1, Y1, X0  \
	OP          X0, X1, x

// func rangeShortAVX512(lo, hi, src []float32, run int) bool
//
// rangeRunsAVX512 for short runs, four at a time: len(lo) is a multiple of 4,
// and all runs are whole.
TEXT ·rangeShortAVX512(SB), NOSPLIT, $0-81
	MOVQ lo_base+0(FP), R9
	MOVQ lo_len+8(FP), DX
	MOVQ hi_base+24(FP), R10
	MOVQ src_base+48(FP), SI
	MOVQ run+72(FP), R8
	MOVQ R8, R12
	ANDQ $15, R12
	MASK(R12, K1)
	MOVQ R8, R12
	SHRQ $4, R12
	SHLQ $2, R8
	BROADCAST(0x80000000, Z30)
	BROADCAST(0x7f800000, Z29)
	BROADCAST(0xff800000, Z28)
	VPXORD Z31, Z31, Z31
	KXORW  K4, K4, K4 // what is not finite

four:
	COLLECT(Z8, Z12, Z16, loop0, tail0)
	COLLECT(Z9, Z13, Z17, loop1, tail1)
	COLLECT(Z10, Z14, Z18, loop2, tail2)
	COLLECT(Z11, Z15, Z19, loop3, tail3)
	FOUR(VPMAXSD, Z8, Z9, Z10, Z11, Y4, X4)
	FOUR(VPMAXUD, Z12, Z13, Z14, Z15, Y5, X5)
	FOUR(VPMINUD, Z16, Z17, Z18, Z19, Y6, X6)
	VPCMPD    $5, X29, X4, K2 // not less
	VPCMPUD   $5, X28, X5, K3
	KORW      K2, K4, K4
	KORW      K3, K4, K4
	VPMOVD2M  X4, K2 // nothing that is not negative
	VPMOVD2M  X5, K3 // something negative
	VMOVDQA32 X6, K2, X4
	VMOVDQA32 X5, K3, X6
	VADDPS    X31, X4, X4 // -0 becomes +0
	VADDPS    X31, X6, X6
	VMOVUPS   X6, (R9)
	VMOVUPS   X4, (R10)
	ADDQ $16, R9
	ADDQ $16, R10
	SUBQ $4, DX
	JNZ  four
	KTESTW K4, K4
	SETEQ  ret+80(FP)
	VZEROUPPER
	RET
