//go:build !purego

// Sums of errors with NEON.

#include "kernels_errors_arm64.h"

// ROUND_TO_GRID rounds the quotients of V0 to V3 and clamps the integers to the
// grid, in V0 to V3. Lanes of V4 to V7 become ones where that changed nothing,
// else zeros. FMIN and FMAX keep NaN. The bounds are those of the quotient.
#define ROUND_TO_GRID \
	QUOTIENT                \
	VFRINTN_S4(4, 4)        \
	VFRINTN_S4(5, 5)        \
	VFRINTN_S4(6, 6)        \
	VFRINTN_S4(7, 7)        \
	VFMAX_S4(LOWER_N, 4, 0) \
	VFMAX_S4(LOWER_N, 5, 1) \
	VFMAX_S4(LOWER_N, 6, 2) \
	VFMAX_S4(LOWER_N, 7, 3) \
	VFMIN_S4(UPPER_N, 0, 0) \
	VFMIN_S4(UPPER_N, 1, 1) \
	VFMIN_S4(UPPER_N, 2, 2) \
	VFMIN_S4(UPPER_N, 3, 3) \
	VFCMEQ_S4(0, 4, 4)      \
	VFCMEQ_S4(1, 5, 5)      \
	VFCMEQ_S4(2, 6, 6)      \
	VFCMEQ_S4(3, 7, 7)

// COUNT_KEPT takes the lanes that were not clamped off KEPT.
#define COUNT_KEPT \
	VADD V4.S4, KEPT.S4, KEPT.S4 \
	VADD V5.S4, KEPT.S4, KEPT.S4 \
	VADD V6.S4, KEPT.S4, KEPT.S4 \
	VADD V7.S4, KEPT.S4, KEPT.S4

// DEVIATE sets V0 to V3, integers, to |V0 to V3 * scale - x|, x being in V4 to V7.
#define DEVIATE \
	VFMUL_S4(SCALE_N, 0, 0) \
	VFMUL_S4(SCALE_N, 1, 1) \
	VFMUL_S4(SCALE_N, 2, 2) \
	VFMUL_S4(SCALE_N, 3, 3) \
	VFABD_S4(4, 0, 0)       \
	VFABD_S4(5, 1, 1)       \
	VFABD_S4(6, 2, 2)       \
	VFABD_S4(7, 3, 3)

//	for i := range acc { // abs, sq, greatest and clipped begin at 0 for each run
//		for j, x := range src[i*run : min((i+1)*run, len(src))] {
//			d, c := deviation(x, scale[i], float32(qmin-zero[i]), float32(qmax-zero[i]))
//			abs[j%lanes] += float64(d)
//			sq[j%lanes] += float64(d) * float64(d)
//			greatest, clipped = max(greatest, d), clipped+c
//		}
//		acc[i] = sums{fold(&abs), fold(&sq), greatest, clipped}
//	}
//
// func errorsRunsNEON(acc []sums, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int
//
// It returns how many runs it did. If these are not all, QUOTIENT does not serve the
// next: because of its parameters, or of x that are not finite or so large that
// x/scale is not finite. V16 to V23 hold the lanes of sum |e|, V24 to V31 those of
// sum e².
#define KEPT   V13 // minus the count of elements that were not clamped
#define KEPT_F   F13 // its first lane
TEXT ·errorsRunsNEON(SB), NOSPLIT, $64-120
	MOVD  acc_base+0(FP), ACC
	MOVD  acc_len+8(FP), RUNS
	MOVD  src_base+24(FP), SRC
	MOVD  src_len+32(FP), LEFT
	MOVD  run+48(FP), RUN
	MOVD  scale_base+56(FP), SCALES
	MOVD  zero_base+80(FP), ZEROS
	MOVW  qmin+104(FP), QMIN
	MOVW  qmax+108(FP), QMAX
	MOVD  $tailMasks<>+64(SB), MASKS
	MOVW  $scaleLeast, SCALE_LEAST
	MOVW  $scaleSpan, SCALE_SPAN
	MOVW  $zeroFarthest16, ZERO_FARTHEST
	LSL   $1, ZERO_FARTHEST, ZERO_SPAN
	CBZ   RUNS, done

nextrun:
	CMP     RUN, LEFT
	CSEL    LT, LEFT, RUN, N
	SUB     N, LEFT
	MOVD    N, LENGTH
	MOVWU.P 4(SCALES), R9
	MOVW.P  4(ZEROS), R11
	VDUP    R9, SCALE.S4
	FMOVS   $1.0, RECIP_F
	FDIVS   SCALE_F, RECIP_F, RECIP_F
	SUBW    R11, QMIN, R10
	SUBW    R11, QMAX, R12
	SCVTFWS R10, LOWER_F
	SCVTFWS R12, UPPER_F
	VDUP    RECIP.S[0], RECIP.S4
	VDUP    LOWER.S[0], LOWER.S4
	VDUP    UPPER.S[0], UPPER.S4
	SUBW    SCALE_LEAST, R9
	ADDW    ZERO_FARTHEST, R11
	CMPW    SCALE_SPAN, R9
	CCMPW   LS, R11, ZERO_SPAN, $2
	BHI     done
	VEOR    MAX.B16, MAX.B16, MAX.B16
	VEOR    KEPT.B16, KEPT.B16, KEPT.B16
	CLEAR(V16, V17, V18, V19, V20, V21, V22, V23)
	CLEAR(V24, V25, V26, V27, V28, V29, V30, V31)
	SUBS    $16, N
	BLT     tail

loop: // 16 elements
	VLD1   (SRC), [V0.S4, V1.S4, V2.S4, V3.S4]
	ROUND_TO_GRID
	COUNT_KEPT
	VLD1.P 64(SRC), [V4.S4, V5.S4, V6.S4, V7.S4]
	DEVIATE
	ADD_ERRORS
	SUBS   $16, N
	BGE    loop

tail: // N+16 elements are left
	ADDS $16, N, R9
	BEQ  fold
	LOAD_TAIL(copy, copied)
	VLD1 (TAIL_SRC), [V0.S4, V1.S4, V2.S4, V3.S4]
	ROUND_TO_GRID
	MASK_TAIL(V4, V5, V6, V7)
	COUNT_KEPT
	VLD1 (TAIL_SRC), [V4.S4, V5.S4, V6.S4, V7.S4]
	DEVIATE
	MASK_TAIL(V0, V1, V2, V3)
	ADD_ERRORS

fold:
	FOLD(16, 17, 18, 19, 20, 21, 22, 23)
	FOLD(24, 25, 26, 27, 28, 29, 30, 31)
	VFMAXV_S4(MAX_N, MAX_N)
	FCMPS   MAX_F, MAX_F
	BVS     done
	VADDV   KEPT.S4, KEPT
	FMOVS   KEPT_F, R9
	ADDW    LENGTH, R9
	FMOVD   F16, (ACC)
	FMOVD   F24, 8(ACC)
	FMOVS   MAX_F, 16(ACC)
	MOVW    R9, 20(ACC)
	ADD     $24, ACC
	SUBS    $1, RUNS
	BNE     nextrun

done:
	MOVD acc_len+8(FP), R0
	SUB  RUNS, R0
	MOVD R0, ret+112(FP)
	RET

// The kernels of columns go down the rows of 8 columns, with their sums in
// registers. Where the last columns overlap those before, masks keep the columns
// that are done from being added twice.

// ROUND_TO_GRID_2, COUNT_KEPT_2 and DEVIATE_2 do for the two vectors V0 and V1 what
// those without 2 do for four. The masks are in V2 and V3, and so is x. V8 and V9 hold
// scales, V10 and V11 their reciprocals, V12 and V13 lower and V14 and V15 upper
// bounds, V26 and V27 minus the counts of elements that were not clamped.
#define ROUND_TO_GRID_2 \
	VFMUL_S4(10, 0, 2)         \
	VFMUL_S4(11, 1, 3)         \
	VFMLS V8.S4, V2.S4, V0.S4  \
	VFMLS V9.S4, V3.S4, V1.S4  \
	VFMLA V10.S4, V0.S4, V2.S4 \
	VFMLA V11.S4, V1.S4, V3.S4 \
	VFRINTN_S4(2, 2)           \
	VFRINTN_S4(3, 3)           \
	VFMAX_S4(12, 2, 0)         \
	VFMAX_S4(13, 3, 1)         \
	VFMIN_S4(14, 0, 0)         \
	VFMIN_S4(15, 1, 1)         \
	VFCMEQ_S4(0, 2, 2)         \
	VFCMEQ_S4(1, 3, 3)

#define COUNT_KEPT_2 \
	VADD V2.S4, V26.S4, V26.S4 \
	VADD V3.S4, V27.S4, V27.S4

#define DEVIATE_2 \
	VFMUL_S4(8, 0, 0) \
	VFMUL_S4(9, 1, 1) \
	VFABD_S4(2, 0, 0) \
	VFABD_S4(3, 1, 1)

//	for r := range rows {
//		for j, x := range src[r*stride:][:len(scale)] {
//			d, c := deviation(x, scale[j], float32(qmin-zero[j]), float32(qmax-zero[j]))
//			abs[j] += float64(d)
//			sq[j] += float64(d) * float64(d)
//			max[j] = max(max[j], d)
//			clipped[j] += c
//		}
//	}
//
// func errorsColumnsNEON(abs, sq []float64, max []float32, clipped []uint32, src []float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32) int
//
// len(scale) is 8 or more, rows 1 or more. It returns how many columns it did: all,
// or those before the first eight (or fewer, if they are the last) that have one
// which QUOTIENT does not serve. V28 and V29 mask the columns that are not done.
#define CLIPPEDS R8 // clipped
TEXT ·errorsColumnsNEON(SB), NOSPLIT, $0-200
	MOVD abs_base+0(FP), ABS
	MOVD sq_base+24(FP), SQ
	MOVD max_base+48(FP), MAXS
	MOVD clipped_base+72(FP), CLIPPEDS
	MOVD src_base+96(FP), SRC_COLUMNS
	MOVD rows+120(FP), ROWS
	MOVD stride+128(FP), STRIDE
	LSL  $2, STRIDE
	MOVD scale_base+136(FP), SCALES
	MOVD scale_len+144(FP), COLUMNS
	MOVD zero_base+160(FP), ZEROS
	MOVW qmin+184(FP), QMIN
	MOVW qmax+188(FP), QMAX
	MOVW $scaleLeast, SCALE_LEAST
	MOVW $scaleSpan, SCALE_SPAN
	MOVW $zeroFarthest16, ZERO_FARTHEST
	LSL  $1, ZERO_FARTHEST, ZERO_SPAN
	MOVD $8, NEW
	SUB  $8, COLUMNS

columns: // 8 columns
	VLD1   (SCALES), [V8.S4, V9.S4]
	VLD1   (ZEROS), [V0.S4, V1.S4]
	VDUP   QMIN, V4.S4
	VDUP   QMAX, V5.S4
	VSUB   V0.S4, V4.S4, V12.S4
	VSUB   V1.S4, V4.S4, V13.S4
	VSUB   V0.S4, V5.S4, V14.S4
	VSUB   V1.S4, V5.S4, V15.S4
	VSCVTF_S4(12, 12)
	VSCVTF_S4(13, 13)
	VSCVTF_S4(14, 14)
	VSCVTF_S4(15, 15)
	VDUP   SCALE_LEAST, V2.S4
	VDUP   ZERO_FARTHEST, V3.S4
	VSUB   V2.S4, V8.S4, V4.S4
	VSUB   V2.S4, V9.S4, V5.S4
	VADD   V3.S4, V0.S4, V0.S4
	VADD   V3.S4, V1.S4, V1.S4
	VUMAX  V4.S4, V5.S4, V4.S4
	VUMAX  V0.S4, V1.S4, V0.S4
	VUMAXV_S4(4, 4)
	VUMAXV_S4(0, 0)
	FMOVS  F4, R9
	FMOVS  F0, R10
	CMPW   SCALE_SPAN, R9
	CCMPW  LS, R10, ZERO_SPAN, $2
	BHI    done
	FMOVS  $1.0, F4
	VDUP   V4.S[0], V4.S4
	VFDIV_S4(8, 4, 10)
	VFDIV_S4(9, 4, 11)
	VLD1   (ABS), [V16.D2, V17.D2, V18.D2, V19.D2]
	VLD1   (SQ), [V20.D2, V21.D2, V22.D2, V23.D2]
	VLD1   (MAXS), [V24.S4, V25.S4]
	VEOR   V26.B16, V26.B16, V26.B16
	VEOR   V27.B16, V27.B16, V27.B16
	MOVD   SRC_COLUMNS, ROW_SRC
	MOVD   ROWS, ROWS_LEFT
	MOVD   $tailMasks<>+32(SB), R13
	ADD    NEW<<2, R13
	VLD1   (R13), [V28.B16, V29.B16] // zeros for the columns not done
	VCMEQ  V27.S4, V28.S4, V28.S4
	VCMEQ  V27.S4, V29.S4, V29.S4
	CMP    $8, NEW
	BLT    masked

loop: // a row
	VLD1   (ROW_SRC), [V0.S4, V1.S4]
	ROUND_TO_GRID_2
	COUNT_KEPT_2
	VLD1.P (ROW_SRC)(STRIDE), [V2.S4, V3.S4]
	DEVIATE_2
	ADD_ERRORS_2
	SUBS   $1, ROWS_LEFT
	BNE    loop

store:
	VFMAX_S4(24, 25, 4)
	VFMAXV_S4(4, 4)
	FCMPS  F4, F4
	BVS    done
	VLD1   (CLIPPEDS), [V0.S4, V1.S4]
	VDUP   ROWS, V4.S4
	VAND   V28.B16, V4.B16, V5.B16
	VAND   V29.B16, V4.B16, V6.B16
	VADD   V5.S4, V26.S4, V26.S4
	VADD   V6.S4, V27.S4, V27.S4
	VADD   V26.S4, V0.S4, V0.S4
	VADD   V27.S4, V1.S4, V1.S4
	VST1.P [V16.D2, V17.D2, V18.D2, V19.D2], 64(ABS)
	VST1.P [V20.D2, V21.D2, V22.D2, V23.D2], 64(SQ)
	VST1.P [V24.S4, V25.S4], 32(MAXS)
	VST1.P [V0.S4, V1.S4], 32(CLIPPEDS)
	ADD    $32, SCALES
	ADD    $32, ZEROS
	ADD    $32, SRC_COLUMNS
	SUBS   $8, COLUMNS
	BGE    columns

tail: // COLUMNS+8 columns are left
	MOVD COLUMNS, R23
	ADDS $8, COLUMNS, NEW
	MOVD $0, COLUMNS
	BEQ  done
	ADD  R23<<3, ABS
	ADD  R23<<3, SQ
	ADD  R23<<2, MAXS
	ADD  R23<<2, CLIPPEDS
	ADD  R23<<2, SCALES
	ADD  R23<<2, ZEROS
	ADD  R23<<2, SRC_COLUMNS
	B    columns

masked: // a row
	VLD1   (ROW_SRC), [V0.S4, V1.S4]
	ROUND_TO_GRID_2
	VAND   V28.B16, V2.B16, V2.B16
	VAND   V29.B16, V3.B16, V3.B16
	COUNT_KEPT_2
	VLD1.P (ROW_SRC)(STRIDE), [V2.S4, V3.S4]
	DEVIATE_2
	VAND   V28.B16, V0.B16, V0.B16
	VAND   V29.B16, V1.B16, V1.B16
	ADD_ERRORS_2
	SUBS   $1, ROWS_LEFT
	BNE    masked
	B      store

done:
	MOVD scale_len+144(FP), R0
	SUB  COLUMNS, R0
	SUB  NEW, R0
	MOVD R0, ret+192(FP)
	RET
