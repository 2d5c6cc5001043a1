//go:build !purego

// Metrics of channels with AVX2, from the sums of their errors.

#include "textflag.h"
#include "kernels_avx2_amd64.h"

// metricsConsts has the constants of channelMetricsAVX2, the coefficients of artanhTerms in
// internal/exact first.
#define TEN_LOG_2   96(CONSTS)  // 10·log10 2
#define TWENTY_LOG  104(CONSTS) // 20/ln 10
#define ALL_ONES    112(CONSTS) // an exponent of all ones
#define SHIFTER     120(CONSTS) // 2^52: a float64 whose last place is 1
#define SHIFTED     128(CONSTS) // 2^52 + 1022
DATA metricsConsts<>+0(SB)/8, $(0.043478260869565216)
DATA metricsConsts<>+8(SB)/8, $(0.047619047619047616)
DATA metricsConsts<>+16(SB)/8, $(0.05263157894736842)
DATA metricsConsts<>+24(SB)/8, $(0.058823529411764705)
DATA metricsConsts<>+32(SB)/8, $(0.06666666666666667)
DATA metricsConsts<>+40(SB)/8, $(0.07692307692307693)
DATA metricsConsts<>+48(SB)/8, $(0.09090909090909091)
DATA metricsConsts<>+56(SB)/8, $(0.1111111111111111)
DATA metricsConsts<>+64(SB)/8, $(0.14285714285714285)
DATA metricsConsts<>+72(SB)/8, $(0.2)
DATA metricsConsts<>+80(SB)/8, $(0.3333333333333333)
DATA metricsConsts<>+88(SB)/8, $(1.0)
DATA metricsConsts<>+96(SB)/8, $(3.010299956639812)
DATA metricsConsts<>+104(SB)/8, $(8.685889638065037)
DATA metricsConsts<>+112(SB)/8, $0x7ff
DATA metricsConsts<>+120(SB)/8, $0x4330000000000000
DATA metricsConsts<>+128(SB)/8, $0x43300000000003fe
GLOBL metricsConsts<>(SB), RODATA|NOPTR, $136

// TERM is a step of the series: a product, and a sum that is rounded after it.
#define TERM(off) \
	VBROADCASTSD off(CONSTS), Y15     \
	VMULPD       X_SQUARED, SERIES, SERIES \
	VADDPD       Y15, SERIES, SERIES

// STORE_CHANNELS stores six fields of two channels: two fields each in a, b and c, whose lanes are
// the channels at off and off + 96.
#define STORE_CHANNELS(a, b, c, xa, xb, xc, off) \
	VMOVUPD      xa, (off+0)(DST)      \
	VMOVUPD      xb, (off+16)(DST)     \
	VMOVUPD      xc, (off+32)(DST)     \
	VEXTRACTF128 $1, a, (off+96)(DST)  \
	VEXTRACTF128 $1, b, (off+112)(DST) \
	VEXTRACTF128 $1, c, (off+128)(DST)

//	for i := range m {
//		m[i].set(&t[i], float64(n))
//		m[i].SQNR = exact.Decibels(squares[i] / t[i].sq)
//	}
//
// func channelMetricsAVX2(m []Metrics, t *tally, squares *float64, n int) int
//
// The number of channels is a multiple of 4. It returns how many it did: all, or a multiple of 4
// if one of the next 4 quotients is 0, subnormal or not finite.
#define TALLIES  SI  // next tally
#define SQUARES  DX  // its sum x²
#define CONSTS   CX  // metricsConsts
#define DONE     R8  // channels done
#define COUNT    R9  // channels left
#define X_SQUARED Y2  // s²
#define SERIES   Y0  // the series of artanh
#define ABS_SUM  Y3  // sum |e|
#define SQ_SUM   Y4  // sum e²
#define GREATEST Y6  // greatest |e|
#define CLIPS    Y7  // clipped elements
#define UNIT     Y8  // 1.0
#define FRACTION Y9  // mask of the significand
#define HALF_EXP Y10 // exponent of 1/2
#define ROOT     Y11 // sqrt(1/2)
#define STEP     Y12 // one in the exponent
#define N_REAL   Y13 // n
#define ALL_N    Y14 // n as an integer
TEXT ·channelMetricsAVX2(SB), NOSPLIT, $0-56
	MOVQ m_base+0(FP), DST
	MOVQ m_len+8(FP), COUNT
	MOVQ t+24(FP), TALLIES
	MOVQ squares+32(FP), SQUARES
	VPBROADCASTQ n+40(FP), ALL_N
	VXORPD       X0, X0, X0
	VCVTSI2SDQ   n+40(FP), X0, X0
	VBROADCASTSD X0, N_REAL
	MOVQ $0x3ff0000000000000, AX
	VMOVQ AX, X0
	VPBROADCASTQ X0, UNIT
	MOVQ $0x000fffffffffffff, AX
	VMOVQ AX, X0
	VPBROADCASTQ X0, FRACTION
	MOVQ $0x3fe0000000000000, AX
	VMOVQ AX, X0
	VPBROADCASTQ X0, HALF_EXP
	MOVQ $0x3fe6a09e667f3bcd, AX
	VMOVQ AX, X0
	VPBROADCASTQ X0, ROOT
	MOVQ $0x0010000000000000, AX
	VMOVQ AX, X0
	VPBROADCASTQ X0, STEP
	LEAQ metricsConsts<>(SB), CONSTS
	XORL DONE, DONE

loop: // 4 channels
	CMPQ COUNT, $4
	JLT  done
	VMOVUPD 0(TALLIES), Y0
	VMOVUPD 32(TALLIES), Y1
	VMOVUPD 64(TALLIES), Y2
	VMOVUPD 96(TALLIES), Y3
	VUNPCKLPD Y1, Y0, Y4 // sums and maxima
	VUNPCKHPD Y1, Y0, Y5 // squares and counts
	VUNPCKLPD Y3, Y2, Y6
	VUNPCKHPD Y3, Y2, Y7
	VPERM2F128 $0x20, Y6, Y4, ABS_SUM
	VPERM2F128 $0x31, Y6, Y4, GREATEST
	VPERM2F128 $0x20, Y7, Y5, SQ_SUM
	VPERM2F128 $0x31, Y7, Y5, CLIPS
	VMOVUPD (SQUARES), Y0
	VDIVPD SQ_SUM, Y0, Y0

	VPSRLQ $52, Y0, Y1 // the logarithm: see internal/exact
	VPXOR Y2, Y2, Y2
	VPCMPGTQ Y2, Y1, Y2
	VPBROADCASTQ ALL_ONES, Y5
	VPCMPGTQ Y1, Y5, Y5
	VPAND Y5, Y2, Y2
	VMOVMSKPD Y2, AX
	CMPL AX, $0xf
	JNE  done
	VPAND FRACTION, Y0, Y2
	VPOR HALF_EXP, Y2, Y2
	VPCMPGTQ Y2, ROOT, Y5 // below sqrt(1/2)
	VPADDQ Y5, Y1, Y1
	VPAND STEP, Y5, Y5
	VPADDQ Y5, Y2, Y2
	VBROADCASTSD SHIFTER, Y15
	VORPD Y15, Y1, Y1
	VBROADCASTSD SHIFTED, Y15
	VSUBPD Y15, Y1, Y1
	VSUBPD UNIT, Y2, Y5
	VADDPD UNIT, Y2, Y2
	VDIVPD Y2, Y5, Y5
	VMULPD Y5, Y5, X_SQUARED
	VBROADCASTSD 0(CONSTS), SERIES
	TERM(8)
	TERM(16)
	TERM(24)
	TERM(32)
	TERM(40)
	TERM(48)
	TERM(56)
	TERM(64)
	TERM(72)
	TERM(80)
	TERM(88)
	VMULPD SERIES, Y5, Y5
	VBROADCASTSD TWENTY_LOG, Y15
	VMULPD Y15, Y5, Y5
	VBROADCASTSD TEN_LOG_2, Y15
	VMULPD Y15, Y1, Y1
	VADDPD Y5, Y1, Y5

	VDIVPD N_REAL, ABS_SUM, Y3
	VDIVPD N_REAL, SQ_SUM, Y4
	VSQRTPD Y4, Y4
	VEXTRACTF128 $1, GREATEST, X0
	VSHUFPS $0x88, X0, X6, X6
	VCVTPS2PD X6, Y6
	VUNPCKLPD Y3, ALL_N, Y0
	VUNPCKHPD Y3, ALL_N, Y3
	VUNPCKLPD Y6, Y4, Y1
	VUNPCKHPD Y6, Y4, Y4
	VUNPCKLPD CLIPS, Y5, Y2
	VUNPCKHPD CLIPS, Y5, Y5
	STORE_CHANNELS(Y0, Y1, Y2, X0, X1, X2, 0)
	STORE_CHANNELS(Y3, Y4, Y5, X3, X4, X5, 48)
	ADDQ $192, DST
	ADDQ $128, TALLIES
	ADDQ $32, SQUARES
	ADDQ $4, DONE
	SUBQ $4, COUNT
	JMP  loop

done:
	MOVQ DONE, ret+48(FP)
	VZEROUPPER
	RET
