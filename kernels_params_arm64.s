//go:build !purego

// Parameters from ranges with NEON.

#include "textflag.h"
#include "kernels_arm64.h"

// MAGNITUDES sets V2 to max(|lo|, |hi|), for ranges from V0 to V1, and V3 to a mask of
// the ranges that contain only 0. A zero in V2 has any sign: it is only compared.
#define MAGNITUDES \
	VFSUB_S4(0, NAUGHT_N, 2)      \
	VFMAX_S4(1, 2, 2)             \
	VORR V0.B16, V1.B16, V3.B16   \
	VFCMEQ_S4(NAUGHT_N, 3, 3)

//	for i, v := range lo {
//		scale[i], zero[i] = asymmetricOf(v, hi[i], qmin, steps)
//	}
//
// func asymmetricParamsNEON(scale []float32, zero []int32, lo, hi []float32, qmin, steps float32)
//
// The number of ranges is a multiple of 4, and not 0.
#define ZEROS_DST    R5  // where the next zero points go
#define MINS         R1  // next minima
#define MAXS         R4  // next maxima
#define GRID_MIN     V16 // qmin
#define GRID_MIN_N   16  // its number
#define STEPS        V17 // steps
#define STEPS_N      17  // its number
#define ONES         V18 // 1.0
#define SHARES       V19 // least ratio of a scale to the greatest magnitude
#define SHARES_N     19  // its number
#define NORMALS      V20 // least normal number
#define NORMALS_N    20  // its number
#define INFINITIES   V21 // +Inf
#define INFINITIES_N 21  // its number
#define NAUGHT       V22 // 0
#define NAUGHT_N     22  // its number
TEXT ·asymmetricParamsNEON(SB), NOSPLIT, $0-104
	MOVD  scale_base+0(FP), DST
	MOVD  scale_len+8(FP), N
	MOVD  zero_base+24(FP), ZEROS_DST
	MOVD  lo_base+48(FP), MINS
	MOVD  hi_base+72(FP), MAXS
	FMOVS qmin+96(FP), F16
	FMOVS steps+100(FP), F17
	VDUP  GRID_MIN.S[0], GRID_MIN.S4
	VDUP  STEPS.S[0], STEPS.S4
	MOVW  $oneBits, R9
	VDUP  R9, ONES.S4
	MOVW  $shareLeast, R9
	VDUP  R9, SHARES.S4
	MOVW  $normalLeast, R9
	VDUP  R9, NORMALS.S4
	MOVW  $infBits, R9
	VDUP  R9, INFINITIES.S4
	VEOR  NAUGHT.B16, NAUGHT.B16, NAUGHT.B16

loop: // 4 ranges
	VLD1.P 16(MINS), [V0.S4]
	VLD1.P 16(MAXS), [V1.S4]
	MAGNITUDES
	VFSUB_S4(0, 1, 4)
	VFDIV_S4(STEPS_N, 4, 4)
	VFCMEQ_S4(INFINITIES_N, 4, 5)
	VUMAXV_S4(5, 6)
	FMOVS  F6, R9
	CBNZ   R9, overflow

least:
	VFMUL_S4(SHARES_N, 2, 2)
	VFMAX_S4(2, 4, 4)
	VFMAX_S4(NORMALS_N, 4, 4)
	VFDIV_S4(4, 0, 5)
	VFSUB_S4(5, GRID_MIN_N, 5)
	VFCVTNS_S4(5, 5)
	VBIT   V3.B16, ONES.B16, V4.B16
	VBIT   V3.B16, NAUGHT.B16, V5.B16
	VST1.P [V4.S4], 16(DST)
	VST1.P [V5.S4], 16(ZEROS_DST)
	SUBS   $4, N
	BNE    loop
	RET

overflow: // where a difference overflows, each end is divided first
	VFDIV_S4(STEPS_N, 0, 6)
	VFDIV_S4(STEPS_N, 1, 7)
	VFSUB_S4(6, 7, 7)
	VBIT V5.B16, V7.B16, V4.B16
	B    least

//	for i, v := range lo {
//		scale[i] = symmetricScale(v, hi[i], steps)
//	}
//
// func symmetricParamsNEON(scale, lo, hi []float32, steps float32)
//
// The number of ranges is a multiple of 4, and not 0.
//
// Named above: MINS, MAXS, STEPS, ONES, NORMALS, NAUGHT.
TEXT ·symmetricParamsNEON(SB), NOSPLIT, $0-76
	MOVD  scale_base+0(FP), DST
	MOVD  scale_len+8(FP), N
	MOVD  lo_base+24(FP), MINS
	MOVD  hi_base+48(FP), MAXS
	FMOVS steps+72(FP), F17
	VDUP  STEPS.S[0], STEPS.S4
	MOVW  $oneBits, R9
	VDUP  R9, ONES.S4
	MOVW  $normalLeast, R9
	VDUP  R9, NORMALS.S4
	VEOR  NAUGHT.B16, NAUGHT.B16, NAUGHT.B16

loop: // 4 ranges
	VLD1.P 16(MINS), [V0.S4]
	VLD1.P 16(MAXS), [V1.S4]
	MAGNITUDES
	VFDIV_S4(STEPS_N, 2, 2)
	VFMAX_S4(NORMALS_N, 2, 2)
	VBIT   V3.B16, ONES.B16, V2.B16
	VST1.P [V2.S4], 16(DST)
	SUBS   $4, N
	BNE    loop
	RET

//	for i, s := range scale {
//		b, z := math.Float32bits(s), uint32(zero[i]+maxZeroPoint)
//		bad |= (0x7f7fffff - b) | (b - 1) | z | (2*maxZeroPoint - z)
//	}
//
// func unusableParamsNEON(scale []float32, zero []int32) bool
//
// It reports whether the top bit of bad is set. Their number is a multiple of 4, and not 0.
TEXT ·unusableParamsNEON(SB), NOSPLIT, $0-49
	MOVD scale_base+0(FP), SCALES
	MOVD scale_len+8(FP), N
	MOVD zero_base+24(FP), ZEROS
	VEOR V0.B16, V0.B16, V0.B16
	MOVW $1, R9
	VDUP R9, V4.S4
	MOVW $largestBits, R9
	VDUP R9, V5.S4
	MOVW $zeroFarthest23, R9
	VDUP R9, V6.S4

loop: // 4 parameters
	VLD1.P 16(SCALES), [V1.S4]
	VLD1.P 16(ZEROS), [V3.S4]
	VSUB   V1.S4, V5.S4, V2.S4
	VSUB   V4.S4, V1.S4, V1.S4
	VORR   V1.B16, V2.B16, V2.B16
	VADD   V6.S4, V3.S4, V1.S4
	VSUB   V3.S4, V6.S4, V3.S4 // 2*maxZeroPoint - (zero+maxZeroPoint)
	VORR   V1.B16, V3.B16, V3.B16
	VORR   V2.B16, V0.B16, V0.B16
	VORR   V3.B16, V0.B16, V0.B16
	SUBS   $4, N
	BNE    loop
	VUMAXV_S4(0, 0)
	FMOVS F0, R9
	LSRW  $31, R9
	MOVB  R9, ret+48(FP)
	RET
