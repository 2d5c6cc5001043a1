//go:build !purego

// Sums of differences with NEON.

#include "textflag.h"
#include "kernels_arm64.h"

// ADD_DIFFERENCES is ADD_ALL for differences, and raises GREATEST to them. FMAXNM passes over NaN.
#define ADD_DIFFERENCES ADD_ALL(VFMAXNM_S4, GREATEST_N)

//	for i := range acc {
//		var abs, sq [lanes]float64
//		a := sums{}
//		for j := i * run; j < min((i+1)*run, len(x)); j++ {
//			d := absolute(y[j] - x[j])
//			abs[(j-i*run)%lanes] += float64(d)
//			sq[(j-i*run)%lanes] += float64(d) * float64(d)
//			a.max = max(a.max, d)
//		}
//		a.abs, a.sq = fold(&abs), fold(&sq)
//		acc[i] = a
//	}
//
// func differencesRunsNEON(acc []sums, x, y []float32, run int)
//
// V16 to V23 hold the lanes of the magnitudes, V24 to V31 those of the squares. The last
// elements of a run, fewer than lanes, are copied to the stack, with zeros behind them.
#define ACC        R0  // where the next sums go
#define OTHER      R5  // what is next to SRC of the other slice
#define RUNS       R21 // runs left
#define GREATEST   V12 // the greatest differences
#define GREATEST_F F12 // its first lane
#define GREATEST_N 12  // its number
TEXT ·differencesRunsNEON(SB), NOSPLIT, $128-80
	MOVD acc_base+0(FP), ACC
	MOVD acc_len+8(FP), RUNS
	MOVD x_base+24(FP), SRC
	MOVD x_len+32(FP), LEFT
	MOVD y_base+48(FP), OTHER
	MOVD run+72(FP), RUN
	CBZ  RUNS, done

nextrun:
	CMP  RUN, LEFT
	CSEL LT, LEFT, RUN, N
	SUB  N, LEFT
	VEOR GREATEST.B16, GREATEST.B16, GREATEST.B16
	CLEAR(V16, V17, V18, V19, V20, V21, V22, V23)
	CLEAR(V24, V25, V26, V27, V28, V29, V30, V31)
	SUBS $16, N
	BLT  tail

loop: // 16 elements
	VLD1.P 64(SRC), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(OTHER), [V4.S4, V5.S4, V6.S4, V7.S4]

add:
	VFABD_S4(4, 0, 0)
	VFABD_S4(5, 1, 1)
	VFABD_S4(6, 2, 2)
	VFABD_S4(7, 3, 3)
	ADD_DIFFERENCES
	SUBS $16, N
	BGE  loop

tail: // N+16 elements are left; none if N is -16 or, after a tail, -32
	ADDS $16, N
	BLE  fold
	CLEAR(V0, V1, V2, V3, V4, V5, V6, V7)
	MOVD $buf-128(SP), R9
	ADD  $64, R9, R10
	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R9)
	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R10)

copy:
	MOVWU.P 4(SRC), R11
	MOVWU.P 4(OTHER), R12
	MOVW.P  R11, 4(R9)
	MOVW.P  R12, 4(R10)
	SUBS    $1, N
	BNE     copy
	MOVD    $buf-128(SP), R9
	ADD     $64, R9, R10
	VLD1    (R9), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1    (R10), [V4.S4, V5.S4, V6.S4, V7.S4]
	MOVD    $-16, N
	B       add

fold:
	FOLD(16, 17, 18, 19, 20, 21, 22, 23)
	FOLD(24, 25, 26, 27, 28, 29, 30, 31)
	VFMAXV_S4(GREATEST_N, GREATEST_N)
	FMOVD F16, (ACC)
	FMOVD F24, 8(ACC)
	FMOVS GREATEST_F, 16(ACC)
	MOVW  ZR, 20(ACC)
	ADD   $24, ACC
	SUBS  $1, RUNS
	BNE   nextrun

done:
	RET

//	for r := range rows {
//		for j := range cols {
//			d := absolute(y[r*stride+j] - x[r*stride+j])
//			abs[j] += float64(d)
//			sq[j] += float64(d) * float64(d)
//			if d > max[j] {
//				max[j] = d
//			}
//		}
//	}
//
// func differencesColumnsNEON(abs, sq *float64, max, x, y *float32, rows, stride, cols int)
//
// cols is a multiple of 8 and not 0, rows 1 or more. V16 to V19 hold the sums of the magnitudes, V20
// to V23 those of the squares.
#define ABS       R2  // sums of the magnitudes of the next columns
#define SQ        R3  // sums of their squares
#define MAXS      R4  // their greatest differences
#define ROWS      R6  // rows
#define STRIDE    R7  // bytes from row to row
#define COLUMNS   R20 // columns left
#define ROW_SRC   R9  // next row of x
#define ROW_OTHER R10 // next row of y
#define ROWS_LEFT R11 // rows left
TEXT ·differencesColumnsNEON(SB), NOSPLIT, $0-64
	MOVD abs+0(FP), ABS
	MOVD sq+8(FP), SQ
	MOVD max+16(FP), MAXS
	MOVD x+24(FP), SRC
	MOVD y+32(FP), OTHER
	MOVD rows+40(FP), ROWS
	MOVD stride+48(FP), STRIDE
	MOVD cols+56(FP), COLUMNS
	LSL  $2, STRIDE

columns: // 8 columns
	VLD1 (ABS), [V16.D2, V17.D2, V18.D2, V19.D2]
	VLD1 (SQ), [V20.D2, V21.D2, V22.D2, V23.D2]
	VLD1 (MAXS), [V24.S4, V25.S4]
	MOVD SRC, ROW_SRC
	MOVD OTHER, ROW_OTHER
	MOVD ROWS, ROWS_LEFT

loop: // a row
	VLD1.P (ROW_SRC)(STRIDE), [V0.S4, V1.S4]
	VLD1.P (ROW_OTHER)(STRIDE), [V2.S4, V3.S4]
	VFABD_S4(2, 0, 0)
	VFABD_S4(3, 1, 1)
	VFCVTL_D2(0, 4)
	VFCVTL2_D2(0, 5)
	VFCVTL_D2(1, 6)
	VFCVTL2_D2(1, 7)
	VFADD_D2(4, 16, 16)
	VFADD_D2(5, 17, 17)
	VFADD_D2(6, 18, 18)
	VFADD_D2(7, 19, 19)
	VFMLA  V4.D2, V4.D2, V20.D2
	VFMLA  V5.D2, V5.D2, V21.D2
	VFMLA  V6.D2, V6.D2, V22.D2
	VFMLA  V7.D2, V7.D2, V23.D2
	VFMAXNM_S4(0, 24, 24)
	VFMAXNM_S4(1, 25, 25)
	SUBS   $1, ROWS_LEFT
	BNE    loop
	VST1.P [V16.D2, V17.D2, V18.D2, V19.D2], 64(ABS)
	VST1.P [V20.D2, V21.D2, V22.D2, V23.D2], 64(SQ)
	VST1.P [V24.S4, V25.S4], 32(MAXS)
	ADD    $32, SRC
	ADD    $32, OTHER
	SUBS   $8, COLUMNS
	BNE    columns
	RET
