//go:build !purego

// Metrics of channels with NEON, from the sums of their errors.

#include "textflag.h"
#include "kernels_arm64.h"

#define VFSUB_D2(m, n, d)   WORD $(0x4EE0D400 | (m)<<16 | (n)<<5 | (d)) // fsub vd.2d, vn.2d, vm.2d
#define VFDIV_D2(m, n, d)   WORD $(0x6E60FC00 | (m)<<16 | (n)<<5 | (d)) // fdiv vd.2d, vn.2d, vm.2d
#define VFCMGT_D2(m, n, d)  WORD $(0x6EE0E400 | (m)<<16 | (n)<<5 | (d)) // fcmgt vd.2d, vn.2d, vm.2d
#define VCMHS_D2(m, n, d)   WORD $(0x6EE03C00 | (m)<<16 | (n)<<5 | (d)) // cmhs vd.2d, vn.2d, vm.2d
#define VFSQRT_D2(n, d)     WORD $(0x6EE1F800 | (n)<<5 | (d)) // fsqrt vd.2d, vn.2d
#define VSCVTF_D2(n, d)     WORD $(0x4E61D800 | (n)<<5 | (d)) // scvtf vd.2d, vn.2d

// metricsTerms has the coefficients of artanhTerms in internal/exact, that of the highest power
// first, 20/ln 10 and 10*log10 2.
DATA metricsTerms<>+0(SB)/8, $(0.043478260869565216)
DATA metricsTerms<>+8(SB)/8, $(0.047619047619047616)
DATA metricsTerms<>+16(SB)/8, $(0.05263157894736842)
DATA metricsTerms<>+24(SB)/8, $(0.058823529411764705)
DATA metricsTerms<>+32(SB)/8, $(0.06666666666666667)
DATA metricsTerms<>+40(SB)/8, $(0.07692307692307693)
DATA metricsTerms<>+48(SB)/8, $(0.09090909090909091)
DATA metricsTerms<>+56(SB)/8, $(0.1111111111111111)
DATA metricsTerms<>+64(SB)/8, $(0.14285714285714285)
DATA metricsTerms<>+72(SB)/8, $(0.2)
DATA metricsTerms<>+80(SB)/8, $(0.3333333333333333)
DATA metricsTerms<>+88(SB)/8, $(1.0)
DATA metricsTerms<>+96(SB)/8, $(8.685889638065037)
DATA metricsTerms<>+104(SB)/8, $(3.010299956639812)
GLOBL metricsTerms<>(SB), RODATA|NOPTR, $112

// TERM is a step of the series of two vectors: products, and sums that are rounded after them.
#define TERM \
	VLD1R.P 8(TERMS), [V24.D2] \
	VFMUL_D2(6, 0, 0)          \
	VFMUL_D2(7, 1, 1)          \
	VFADD_D2(24, 0, 0)         \
	VFADD_D2(24, 1, 1)

// STORE_CHANNELS stores the fields of two channels. It uses V24 to V29.
#define STORE_CHANNELS(mae, rmse, max, sqnr, clipped) \
	VZIP1  mae.D2, ALL_N.D2, V24.D2                      \
	VZIP1  max.D2, rmse.D2, V25.D2                       \
	VZIP1  clipped.D2, sqnr.D2, V26.D2                   \
	VZIP2  mae.D2, ALL_N.D2, V27.D2                      \
	VZIP2  max.D2, rmse.D2, V28.D2                       \
	VZIP2  clipped.D2, sqnr.D2, V29.D2                   \
	VST1.P [V24.D2, V25.D2, V26.D2, V27.D2], 64(METRICS) \
	VST1.P [V28.D2, V29.D2], 32(METRICS)

//	for i := range m {
//		m[i].set(&t[i], float64(n))
//		m[i].SQNR = exact.Decibels(squares[i] / t[i].sq)
//	}
//
// func channelMetricsNEON(m []Metrics, t *tally, squares *float64, n int) int
//
// The number of channels is a multiple of 4. It returns how many it did: all, or a multiple of 4
// if one of the next 4 quotients is 0, subnormal or not finite. Each vector has two channels: V16
// to V19 the sums of the first two, V20 to V23 those of the others, V2 and V3 the exponents and
// then the decibels.
#define METRICS   R0  // next metrics
#define TALLIES   R1  // next tally
#define SQUARES   R2  // its sum x²
#define COUNT     R3  // channels left
#define TERMS     R9  // next of metricsTerms
#define UNIT      V8  // 1.0
#define UNIT_N    8   // its number
#define FRACTION  V9  // mask of the significand
#define HALF_EXP  V10 // exponent of 1/2
#define ROOT_N    11  // sqrt(1/2)
#define STEP      V12 // one in the exponent
#define N_REAL_N  13  // n
#define ALL_N     V14 // n as an integer
#define BIAS      V15 // 1022
#define LEAST     V30 // the least exponent
#define SPAN_N    31  // the greatest exponent, less the least
TEXT ·channelMetricsNEON(SB), NOSPLIT, $0-56
	MOVD m_base+0(FP), METRICS
	MOVD m_len+8(FP), COUNT
	MOVD t+24(FP), TALLIES
	MOVD squares+32(FP), SQUARES
	MOVD n+40(FP), R9
	VDUP R9, ALL_N.D2
	VSCVTF_D2(14, N_REAL_N)
	FMOVD $1.0, F8
	VDUP V8.D[0], UNIT.D2
	MOVD $0x000fffffffffffff, R9
	VDUP R9, FRACTION.D2
	MOVD $0x3fe0000000000000, R9
	VDUP R9, HALF_EXP.D2
	MOVD $0x3fe6a09e667f3bcd, R9
	VDUP R9, V11.D2
	MOVD $0x0010000000000000, R9
	VDUP R9, STEP.D2
	MOVD $1022, R9
	VDUP R9, BIAS.D2
	MOVD $1, R9
	VDUP R9, LEAST.D2
	MOVD $0x7fd, R9
	VDUP R9, V31.D2
	CBZ  COUNT, done

loop: // 4 channels
	VLD1   (SQUARES), [V0.D2, V1.D2]
	VLD4.P 64(TALLIES), [V16.D2, V17.D2, V18.D2, V19.D2]
	VLD4.P 64(TALLIES), [V20.D2, V21.D2, V22.D2, V23.D2]
	VFDIV_D2(17, 0, 0)
	VFDIV_D2(21, 1, 1)

	// The logarithm: see internal/exact.
	VUSHR $52, V0.D2, V2.D2
	VUSHR $52, V1.D2, V3.D2
	VSUB  LEAST.D2, V2.D2, V4.D2
	VSUB  LEAST.D2, V3.D2, V5.D2
	VCMHS_D2(4, SPAN_N, 4)
	VCMHS_D2(5, SPAN_N, 5)
	VAND  V5.B16, V4.B16, V4.B16
	VUMINV_S4(4, 4)
	FMOVS F4, R9
	CBZW  R9, done
	VAND  FRACTION.B16, V0.B16, V0.B16
	VAND  FRACTION.B16, V1.B16, V1.B16
	VORR  HALF_EXP.B16, V0.B16, V0.B16
	VORR  HALF_EXP.B16, V1.B16, V1.B16
	VFCMGT_D2(0, ROOT_N, 4) // below sqrt(1/2)
	VFCMGT_D2(1, ROOT_N, 5)
	VADD  V4.D2, V2.D2, V2.D2
	VADD  V5.D2, V3.D2, V3.D2
	VAND  STEP.B16, V4.B16, V4.B16
	VAND  STEP.B16, V5.B16, V5.B16
	VADD  V4.D2, V0.D2, V0.D2
	VADD  V5.D2, V1.D2, V1.D2
	VSUB  BIAS.D2, V2.D2, V2.D2
	VSUB  BIAS.D2, V3.D2, V3.D2
	VSCVTF_D2(2, 2)
	VSCVTF_D2(3, 3)
	VFSUB_D2(UNIT_N, 0, 4)
	VFSUB_D2(UNIT_N, 1, 5)
	VFADD_D2(UNIT_N, 0, 0)
	VFADD_D2(UNIT_N, 1, 1)
	VFDIV_D2(0, 4, 4)
	VFDIV_D2(1, 5, 5)
	VFMUL_D2(4, 4, 6)
	VFMUL_D2(5, 5, 7)
	MOVD    $metricsTerms<>(SB), TERMS
	VLD1R.P 8(TERMS), [V0.D2]
	VORR    V0.B16, V0.B16, V1.B16
	TERM
	TERM
	TERM
	TERM
	TERM
	TERM
	TERM
	TERM
	TERM
	TERM
	TERM
	VLD1R.P 8(TERMS), [V24.D2] // 20/ln 10
	VLD1R   (TERMS), [V25.D2]  // 10*log10 2
	VFMUL_D2(0, 4, 4)
	VFMUL_D2(1, 5, 5)
	VFMUL_D2(24, 4, 4)
	VFMUL_D2(24, 5, 5)
	VFMUL_D2(25, 2, 2)
	VFMUL_D2(25, 3, 3)
	VFADD_D2(4, 2, 2)
	VFADD_D2(5, 3, 3)

	VFDIV_D2(N_REAL_N, 16, 16)
	VFDIV_D2(N_REAL_N, 20, 20)
	VFDIV_D2(N_REAL_N, 17, 17)
	VFDIV_D2(N_REAL_N, 21, 21)
	VFSQRT_D2(17, 17)
	VFSQRT_D2(21, 21)
	VUZP1 V22.S4, V18.S4, V24.S4
	VFCVTL_D2(24, 18)
	VFCVTL2_D2(24, 22)
	STORE_CHANNELS(V16, V17, V18, V2, V19)
	STORE_CHANNELS(V20, V21, V22, V3, V23)
	ADD  $32, SQUARES
	SUBS $4, COUNT
	BNE  loop

done:
	MOVD m_len+8(FP), R0
	SUB  COUNT, R0
	MOVD R0, ret+48(FP)
	RET
