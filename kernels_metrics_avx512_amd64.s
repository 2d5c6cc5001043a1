//go:build !purego

// Metrics of channels with AVX-512, from the sums of their errors.

#include "textflag.h"
#include "kernels_avx512_amd64.h"

// artanhSeries has the coefficients of artanhTerms in internal/exact, the first one before them.
DATA artanhSeries<>+0(SB)/8, $(0.043478260869565216)
DATA artanhSeries<>+8(SB)/8, $(0.047619047619047616)
DATA artanhSeries<>+16(SB)/8, $(0.05263157894736842)
DATA artanhSeries<>+24(SB)/8, $(0.058823529411764705)
DATA artanhSeries<>+32(SB)/8, $(0.06666666666666667)
DATA artanhSeries<>+40(SB)/8, $(0.07692307692307693)
DATA artanhSeries<>+48(SB)/8, $(0.09090909090909091)
DATA artanhSeries<>+56(SB)/8, $(0.1111111111111111)
DATA artanhSeries<>+64(SB)/8, $(0.14285714285714285)
DATA artanhSeries<>+72(SB)/8, $(0.2)
DATA artanhSeries<>+80(SB)/8, $(0.3333333333333333)
DATA artanhSeries<>+88(SB)/8, $(1.0)
DATA artanhSeries<>+96(SB)/8, $(3.010299956639812)  // 10·log10 2
DATA artanhSeries<>+104(SB)/8, $(8.685889638065037) // 20/ln 10
GLOBL artanhSeries<>(SB), RODATA|NOPTR, $112

// TERM is a step of the series: a product, and a sum that is rounded after it.
#define TERM(off) \
	VMULPD      X2, SERIES, SERIES              \
	VADDPD.BCST off(CX), SERIES, SERIES

// STORE_CHANNELS stores six fields of four channels: two fields each in a, b and c, whose lanes are
// channels 0, 1, 4 and 5 of those from off on.
#define STORE_CHANNELS(a, b, c, xa, xb, xc, off) \
	VMOVUPD       xa, (off+0)(DST)          \
	VMOVUPD       xb, (off+16)(DST)         \
	VMOVUPD       xc, (off+32)(DST)         \
	VEXTRACTF64X2 $1, a, (off+48)(DST)      \
	VEXTRACTF64X2 $1, b, (off+64)(DST)      \
	VEXTRACTF64X2 $1, c, (off+80)(DST)      \
	VEXTRACTF64X2 $2, a, (off+192)(DST)     \
	VEXTRACTF64X2 $2, b, (off+208)(DST)     \
	VEXTRACTF64X2 $2, c, (off+224)(DST)     \
	VEXTRACTF64X2 $3, a, (off+240)(DST)     \
	VEXTRACTF64X2 $3, b, (off+256)(DST)     \
	VEXTRACTF64X2 $3, c, (off+272)(DST)

//	for i := range m {
//		m[i].set(&t[i], float64(n))
//		m[i].SQNR = exact.Decibels(squares[i] / t[i].sq)
//	}
//
// func channelMetricsAVX512(m []Metrics, t *tally, squares *float64, n int) int
//
// The number of channels is a multiple of 8. It returns how many it did: all, or a multiple of 8
// if one of the next 8 quotients is 0, subnormal or not finite. A vector has the channels in the
// order 0, 2, 1, 3, 4, 6, 5, 7, which unpacking leaves behind.
#define TALLIES  SI  // next tally
#define SQUARES  DX  // its sum x²
#define DONE     R8  // channels done
#define COUNT    R9  // channels left
#define ALL_N    Z16 // n as an integer
#define N_REAL   Z17 // n
#define ONE      Z18 // 1.0
#define FRACTION Z19 // mask of the significand
#define HALF     Z20 // exponent of 1/2
#define ROOT     Z21 // sqrt(1/2)
#define STEP     Z22 // one in the exponent
#define BIASED   Z23 // 1022
#define NORMAL   Z24 // 0x7fe
#define UNIT     Z25 // 1
#define X2       Z26 // s²
#define SERIES   Z27 // the series of artanh
#define ABS_SUM  Z8
#define SQ_SUM   Z9
#define GREATEST Z10
#define CLIPS    Z11
TEXT ·channelMetricsAVX512(SB), NOSPLIT, $0-56
	MOVQ m_base+0(FP), DST
	MOVQ m_len+8(FP), COUNT
	MOVQ t+24(FP), TALLIES
	MOVQ squares+32(FP), SQUARES
	MOVQ n+40(FP), AX
	VPBROADCASTQ AX, ALL_N
	VCVTQQ2PD ALL_N, N_REAL
	MOVQ $0x3ff0000000000000, AX
	VPBROADCASTQ AX, ONE
	MOVQ $0x000fffffffffffff, AX
	VPBROADCASTQ AX, FRACTION
	MOVQ $0x3fe0000000000000, AX
	VPBROADCASTQ AX, HALF
	MOVQ $0x3fe6a09e667f3bcd, AX
	VPBROADCASTQ AX, ROOT
	MOVQ $0x0010000000000000, AX
	VPBROADCASTQ AX, STEP
	MOVL $1022, AX
	VPBROADCASTQ AX, BIASED
	MOVL $0x7fe, AX
	VPBROADCASTQ AX, NORMAL
	MOVL $1, AX
	VPBROADCASTQ AX, UNIT
	LEAQ artanhSeries<>(SB), CX
	XORL DONE, DONE

loop: // 8 channels
	CMPQ COUNT, $8
	JLT  done
	VMOVUPD 0(TALLIES), Z0
	VMOVUPD 64(TALLIES), Z1
	VMOVUPD 128(TALLIES), Z2
	VMOVUPD 192(TALLIES), Z3
	VUNPCKLPD Z1, Z0, Z4 // sums and maxima, in turn
	VUNPCKHPD Z1, Z0, Z5 // squares and counts
	VUNPCKLPD Z3, Z2, Z6
	VUNPCKHPD Z3, Z2, Z7
	VSHUFF64X2 $0x88, Z6, Z4, ABS_SUM
	VSHUFF64X2 $0xdd, Z6, Z4, GREATEST
	VSHUFF64X2 $0x88, Z7, Z5, SQ_SUM
	VSHUFF64X2 $0xdd, Z7, Z5, CLIPS
	VMOVUPD (SQUARES), Z0
	VPERMPD $0xd8, Z0, Z0
	VDIVPD SQ_SUM, Z0, Z0

	VPSRLQ $52, Z0, Z1 // the logarithm: see internal/exact
	VPSUBQ UNIT, Z1, Z2
	VPCMPUQ $1, NORMAL, Z2, K1
	KMOVB K1, AX
	CMPB AX, $0xff
	JNE  done
	VPANDQ FRACTION, Z0, Z2
	VPORQ  HALF, Z2, Z2
	VPCMPUQ $1, ROOT, Z2, K1 // below sqrt(1/2)
	VPADDQ STEP, Z2, K1, Z2
	VPSUBQ BIASED, Z1, Z1
	VPSUBQ UNIT, Z1, K1, Z1
	VCVTQQ2PD Z1, Z1
	VSUBPD ONE, Z2, Z3
	VADDPD ONE, Z2, Z2
	VDIVPD Z2, Z3, Z3
	VMULPD Z3, Z3, X2
	VBROADCASTSD 0(CX), SERIES
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
	VMULPD SERIES, Z3, Z3
	VMULPD.BCST 104(CX), Z3, Z3
	VMULPD.BCST 96(CX), Z1, Z1
	VADDPD Z3, Z1, Z7

	VDIVPD N_REAL, ABS_SUM, Z0
	VDIVPD N_REAL, SQ_SUM, Z1
	VSQRTPD Z1, Z1
	VPMOVQD GREATEST, Y2
	VCVTPS2PD Y2, Z2
	VUNPCKLPD Z0, ALL_N, Z3
	VUNPCKHPD Z0, ALL_N, Z4
	VUNPCKLPD Z2, Z1, Z5
	VUNPCKHPD Z2, Z1, Z6
	VUNPCKLPD CLIPS, Z7, Z8
	VUNPCKHPD CLIPS, Z7, Z9
	STORE_CHANNELS(Z3, Z5, Z8, X3, X5, X8, 0)
	STORE_CHANNELS(Z4, Z6, Z9, X4, X6, X9, 96)
	ADDQ $384, DST
	ADDQ $256, TALLIES
	ADDQ $64, SQUARES
	ADDQ $8, DONE
	SUBQ $8, COUNT
	JMP  loop

done:
	MOVQ DONE, ret+48(FP)
	VZEROUPPER
	RET
