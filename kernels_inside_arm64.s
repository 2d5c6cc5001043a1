//go:build !purego

// Sums of errors with NEON where no code has to be clamped.

#include "kernels_errors_arm64.h"

// servedIn2 has what SERVED needs, as vectors of 4, and 1.0.
DATA servedIn2<>+0(SB)/4, $scaleLeast
DATA servedIn2<>+4(SB)/4, $scaleLeast
DATA servedIn2<>+8(SB)/4, $scaleLeast
DATA servedIn2<>+12(SB)/4, $scaleLeast
DATA servedIn2<>+16(SB)/4, $scaleSpan
DATA servedIn2<>+20(SB)/4, $scaleSpan
DATA servedIn2<>+24(SB)/4, $scaleSpan
DATA servedIn2<>+28(SB)/4, $scaleSpan
DATA servedIn2<>+32(SB)/4, $zeroFarthestGroups
DATA servedIn2<>+36(SB)/4, $zeroFarthestGroups
DATA servedIn2<>+40(SB)/4, $zeroFarthestGroups
DATA servedIn2<>+44(SB)/4, $zeroFarthestGroups
DATA servedIn2<>+48(SB)/4, $(2*zeroFarthestGroups)
DATA servedIn2<>+52(SB)/4, $(2*zeroFarthestGroups)
DATA servedIn2<>+56(SB)/4, $(2*zeroFarthestGroups)
DATA servedIn2<>+60(SB)/4, $(2*zeroFarthestGroups)
DATA servedIn2<>+64(SB)/4, $(1<<17)
DATA servedIn2<>+68(SB)/4, $(1<<17)
DATA servedIn2<>+72(SB)/4, $(1<<17)
DATA servedIn2<>+76(SB)/4, $(1<<17)
DATA servedIn2<>+80(SB)/4, $(6<<17)
DATA servedIn2<>+84(SB)/4, $(6<<17)
DATA servedIn2<>+88(SB)/4, $(6<<17)
DATA servedIn2<>+92(SB)/4, $(6<<17)
DATA servedIn2<>+96(SB)/4, $oneBits
DATA servedIn2<>+100(SB)/4, $oneBits
DATA servedIn2<>+104(SB)/4, $oneBits
DATA servedIn2<>+108(SB)/4, $oneBits
GLOBL servedIn2<>(SB), RODATA|NOPTR, $112

// LOAD_SERVED loads servedIn2 into V0 to V6. It uses R9.
#define LOAD_SERVED \
	MOVD   $servedIn2<>(SB), R9                   \
	VLD1.P 64(R9), [V0.S4, V1.S4, V2.S4, V3.S4]   \
	VLD1   (R9), [V4.S4, V5.S4, V6.S4]

// SERVED sets m, whose number is mn, to a mask of the scales s that a reciprocal in two parts serves
// where zero points are at most 255 in magnitude, see "Reciprocals in two parts" in kernels.go, and
// whose zero points z are, with the number zn. It shifts the lowest 15 bits of a significand to the
// top, where their magnitude is the distance from the nearest multiple of 2^15. A distance from 1 to
// 6, less 1, is less than 6. A significand of all ones has the distance 1. It uses z.
#define SERVED(s, z, zn, m, mn) \
	VSUB V0.S4, s.S4, m.S4    \
	VCMHS_S4(mn, 1, mn)       \
	VADD V2.S4, z.S4, z.S4    \
	VCMHS_S4(zn, 3, zn)       \
	VAND z.B16, m.B16, m.B16  \
	VSHL $17, s.S4, z.S4      \
	VABS_S4(zn, zn)           \
	VSUB V4.S4, z.S4, z.S4    \
	VCMHS_S4(5, zn, zn)       \
	VAND z.B16, m.B16, m.B16

// DEVIATE_INSIDE sets V0 to V3 to |e|, e being the error of x in V0 to V3, whose codes are in the
// grid: n = round(x*RECIP + x*RECIP_LOW), |n*SCALE - x|. It uses V4 to V7.
#define DEVIATE_INSIDE \
	VFMUL_S4(RECIP_LOW_N, 0, 4)  \
	VFMUL_S4(RECIP_LOW_N, 1, 5)  \
	VFMUL_S4(RECIP_LOW_N, 2, 6)  \
	VFMUL_S4(RECIP_LOW_N, 3, 7)  \
	VFMLA RECIP.S4, V0.S4, V4.S4 \
	VFMLA RECIP.S4, V1.S4, V5.S4 \
	VFMLA RECIP.S4, V2.S4, V6.S4 \
	VFMLA RECIP.S4, V3.S4, V7.S4 \
	VFRINTN_S4(4, 4)             \
	VFRINTN_S4(5, 5)             \
	VFRINTN_S4(6, 6)             \
	VFRINTN_S4(7, 7)             \
	VFMUL_S4(SCALE_N, 4, 4)      \
	VFMUL_S4(SCALE_N, 5, 5)      \
	VFMUL_S4(SCALE_N, 6, 6)      \
	VFMUL_S4(SCALE_N, 7, 7)      \
	VFABD_S4(0, 4, 0)            \
	VFABD_S4(1, 5, 1)            \
	VFABD_S4(2, 6, 2)            \
	VFABD_S4(3, 7, 3)

//	for i := range acc { // abs, e2 and greatest begin at 0 for each run
//		for j, x := range src[i*run : min((i+1)*run, len(src))] {
//			d, _ := deviation(x, scale[i], float32(qmin-zero[i]), float32(qmax-zero[i]))
//			abs[j%lanes] += float64(d)
//			e2[j%lanes] += float64(d) * float64(d)
//			greatest = max(greatest, d)
//		}
//		acc[i] = sums{fold(&abs), fold(&e2), greatest, 0}
//	}
//
// func errorsInsideRunsNEON(acc []sums, src []float32, run int, scale []float32, zero []int32) int
//
// No element has a code outside of a grid of up to 8 bits, whatever that grid is. It returns how
// many runs it did: all, or a multiple of 4 if it does not serve a scale among the next 4. V16 to
// V23 hold the lanes of sum |e|, V24 to V31 those of sum e². The frame holds the last elements of a
// run, and the scales and the reciprocals in two parts of 4 runs.
#define RECIP_LOW   V10 // second part of the reciprocal
#define RECIP_LOW_N 10  // its number
#define PREPARED    R6  // runs left whose parameters are prepared
#define PARAMS      R7  // their parameters
TEXT ·errorsInsideRunsNEON(SB), NOSPLIT, $112-112
	MOVD acc_base+0(FP), ACC
	MOVD acc_len+8(FP), RUNS
	MOVD src_base+24(FP), SRC
	MOVD src_len+32(FP), LEFT
	MOVD run+48(FP), RUN
	MOVD scale_base+56(FP), SCALES
	MOVD zero_base+80(FP), ZEROS
	MOVD $tailMasks<>+64(SB), MASKS
	CBZ  RUNS, done

params: // the parameters of the next 4 runs
	MOVD   $4, PREPARED
	CMP    PREPARED, RUNS
	BLT    last
	VLD1.P 16(SCALES), [SCALE.S4]
	VLD1.P 16(ZEROS), [V7.S4]

prepare: // SCALE and V7
	LOAD_SERVED
	SERVED(SCALE, V7, 7, RECIP, RECIP_N)
	VUMINV_S4(RECIP_N, RECIP_N)
	FMOVS RECIP_F, R9
	CBZW  R9, done
	VFDIV_S4(SCALE_N, 6, RECIP_N)
	VFMLS SCALE.S4, RECIP.S4, V6.S4
	VFMUL_S4(RECIP_N, 6, RECIP_LOW_N)
	MOVD  $params-112(SP), PARAMS
	VST3  [V8.S4, V9.S4, V10.S4], (PARAMS) // SCALE, RECIP, RECIP_LOW

nextrun:
	CMP     RUN, LEFT
	CSEL    LT, LEFT, RUN, N
	SUB     N, LEFT
	VLD3R.P 12(PARAMS), [V8.S4, V9.S4, V10.S4]
	VEOR    MAX.B16, MAX.B16, MAX.B16
	CLEAR(V16, V17, V18, V19, V20, V21, V22, V23)
	CLEAR(V24, V25, V26, V27, V28, V29, V30, V31)
	SUBS    $16, N
	BLT     tail

loop: // 16 elements
	VLD1.P 64(SRC), [V0.S4, V1.S4, V2.S4, V3.S4]
	DEVIATE_INSIDE
	ADD_ERRORS
	SUBS   $16, N
	BGE    loop

tail: // N+16 elements are left
	ADDS $16, N, R9
	BEQ  fold
	LOAD_TAIL(copy, copied)
	VLD1 (TAIL_SRC), [V0.S4, V1.S4, V2.S4, V3.S4]
	MASK_TAIL(V0, V1, V2, V3)
	DEVIATE_INSIDE // 0 has no error
	ADD_ERRORS

fold:
	FOLD(16, 17, 18, 19, 20, 21, 22, 23)
	FOLD(24, 25, 26, 27, 28, 29, 30, 31)
	VFMAXV_S4(MAX_N, MAX_N)
	FMOVD F16, (ACC)
	FMOVD F24, 8(ACC)
	FMOVS MAX_F, 16(ACC)
	MOVW  ZR, 20(ACC)
	ADD   $24, ACC
	SUBS  $1, RUNS
	BEQ   done
	SUBS  $1, PREPARED
	BNE   nextrun
	B     params

last: // 1 to 3 runs, the first of which has the other lanes, too
	VLD1R.P 4(SCALES), [SCALE.S4]
	VLD1R.P 4(ZEROS), [V7.S4]
	CMP     $2, RUNS
	BLT     prepare
	VLD1.P  4(SCALES), SCALE.S[1]
	VLD1.P  4(ZEROS), V7.S[1]
	BEQ     prepare
	VLD1    (SCALES), SCALE.S[2]
	VLD1    (ZEROS), V7.S[2]
	B       prepare

done:
	MOVD acc_len+8(FP), R0
	SUB  RUNS, R0
	MOVD R0, ret+104(FP)
	RET

// DEVIATE_INSIDE_2 is DEVIATE_INSIDE for V0 and V1, whose lanes are columns: V8 and V9 hold scales,
// V10 and V11 their reciprocals, V12 and V13 the second parts of these. It uses V2 and V3.
#define DEVIATE_INSIDE_2 \
	VFMUL_S4(12, 0, 2)         \
	VFMUL_S4(13, 1, 3)         \
	VFMLA V10.S4, V0.S4, V2.S4 \
	VFMLA V11.S4, V1.S4, V3.S4 \
	VFRINTN_S4(2, 2)           \
	VFRINTN_S4(3, 3)           \
	VFMUL_S4(8, 2, 2)          \
	VFMUL_S4(9, 3, 3)          \
	VFABD_S4(0, 2, 0)          \
	VFABD_S4(1, 3, 1)

//	for r := range rows {
//		for j, x := range src[r*stride:][:len(scale)] {
//			d, _ := deviation(x, scale[j], float32(qmin-zero[j]), float32(qmax-zero[j]))
//			abs[j] += float64(d)
//			sq[j] += float64(d) * float64(d)
//			max[j] = max(max[j], d)
//		}
//	}
//
// func errorsInsideColumnsNEON(abs, sq *float64, max *float32, src *float32, rows, stride int, scale []float32, zero []int32) int
//
// No element has a code outside of a grid of up to 8 bits, whatever that grid is. len(scale) is 8 or
// more, rows 1 or more. It returns how many columns it did: all, or those before the first eight (or
// fewer, if they are the last) that have one that it does not serve. V28 and V29 mask the columns
// that are not done.
TEXT ·errorsInsideColumnsNEON(SB), NOSPLIT, $0-104
	MOVD abs+0(FP), ABS
	MOVD sq+8(FP), SQ
	MOVD max+16(FP), MAXS
	MOVD src+24(FP), SRC_COLUMNS
	MOVD rows+32(FP), ROWS
	MOVD stride+40(FP), STRIDE
	LSL  $2, STRIDE
	MOVD scale_base+48(FP), SCALES
	MOVD scale_len+56(FP), COLUMNS
	MOVD zero_base+72(FP), ZEROS
	MOVD $8, NEW
	SUB  $8, COLUMNS

columns: // 8 columns
	VLD1   (SCALES), [V8.S4, V9.S4]
	VLD1   (ZEROS), [V10.S4, V11.S4]
	LOAD_SERVED
	SERVED(V8, V10, 10, V12, 12)
	SERVED(V9, V11, 11, V13, 13)
	VAND   V13.B16, V12.B16, V12.B16
	VUMINV_S4(12, 12)
	FMOVS  F12, R9
	CBZW   R9, done
	VORR   V6.B16, V6.B16, V7.B16
	VFDIV_S4(8, 6, 10)
	VFDIV_S4(9, 6, 11)
	VFMLS  V8.S4, V10.S4, V6.S4
	VFMLS  V9.S4, V11.S4, V7.S4
	VFMUL_S4(10, 6, 12)
	VFMUL_S4(11, 7, 13)
	VLD1   (ABS), [V16.D2, V17.D2, V18.D2, V19.D2]
	VLD1   (SQ), [V20.D2, V21.D2, V22.D2, V23.D2]
	VLD1   (MAXS), [V24.S4, V25.S4]
	MOVD   SRC_COLUMNS, ROW_SRC
	MOVD   ROWS, ROWS_LEFT
	CMP    $8, NEW
	BLT    last

loop: // a row
	VLD1.P (ROW_SRC)(STRIDE), [V0.S4, V1.S4]
	DEVIATE_INSIDE_2
	ADD_ERRORS_2
	SUBS   $1, ROWS_LEFT
	BNE    loop

store:
	VST1.P [V16.D2, V17.D2, V18.D2, V19.D2], 64(ABS)
	VST1.P [V20.D2, V21.D2, V22.D2, V23.D2], 64(SQ)
	VST1.P [V24.S4, V25.S4], 32(MAXS)
	ADD    $32, SCALES
	ADD    $32, ZEROS
	ADD    $32, SRC_COLUMNS
	SUBS   $8, COLUMNS
	BGE    columns

	// COLUMNS+8 columns are left.
	MOVD COLUMNS, R23
	ADDS $8, COLUMNS, NEW
	MOVD $0, COLUMNS
	BEQ  done
	ADD  R23<<3, ABS
	ADD  R23<<3, SQ
	ADD  R23<<2, MAXS
	ADD  R23<<2, SCALES
	ADD  R23<<2, ZEROS
	ADD  R23<<2, SRC_COLUMNS
	B    columns

last:
	VEOR V0.B16, V0.B16, V0.B16
	MOVD $tailMasks<>+32(SB), R11
	ADD  NEW<<2, R11
	VLD1 (R11), [V28.B16, V29.B16] // zeros for the columns not done
	VCMEQ V0.S4, V28.S4, V28.S4
	VCMEQ V0.S4, V29.S4, V29.S4

masked: // a row
	VLD1.P (ROW_SRC)(STRIDE), [V0.S4, V1.S4]
	VAND   V28.B16, V0.B16, V0.B16
	VAND   V29.B16, V1.B16, V1.B16
	DEVIATE_INSIDE_2 // 0 has no error
	ADD_ERRORS_2
	SUBS   $1, ROWS_LEFT
	BNE    masked
	B      store

done:
	MOVD scale_len+56(FP), R0
	SUB  COLUMNS, R0
	SUB  NEW, R0
	MOVD R0, ret+96(FP)
	RET
