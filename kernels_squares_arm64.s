//go:build !purego

// Sums of squares with NEON.

#include "textflag.h"
#include "kernels_arm64.h"

// ADD_SQUARES adds the squares of V0 to V3 to the lanes of V24 to V31.
#define ADD_SQUARES \
	VFCVTL_D2(0, 4)              \
	VFCVTL2_D2(0, 5)             \
	VFCVTL_D2(1, 6)              \
	VFCVTL2_D2(1, 7)             \
	VFCVTL_D2(2, 16)             \
	VFCVTL2_D2(2, 17)            \
	VFCVTL_D2(3, 18)             \
	VFCVTL2_D2(3, 19)            \
	VFMLA V4.D2, V4.D2, V24.D2   \
	VFMLA V5.D2, V5.D2, V25.D2   \
	VFMLA V6.D2, V6.D2, V26.D2   \
	VFMLA V7.D2, V7.D2, V27.D2   \
	VFMLA V16.D2, V16.D2, V28.D2 \
	VFMLA V17.D2, V17.D2, V29.D2 \
	VFMLA V18.D2, V18.D2, V30.D2 \
	VFMLA V19.D2, V19.D2, V31.D2

//	for i := range acc {
//		var sq [lanes]float64
//		for j, x := range src[i*run : min((i+1)*run, len(src))] {
//			sq[j%lanes] += float64(x) * float64(x)
//		}
//		acc[i] = fold(&sq)
//	}
//
// func squaresRunsNEON(acc []float64, src []float32, run int)
//
// V24 to V31 hold the lanes.
#define ACC      R0  // where the next sum goes
#define RUNS     R21 // runs left
#define MASKS    R13 // tailMasks + 64
#define TAIL_SRC R12 // last elements of a run
TEXT ·squaresRunsNEON(SB), NOSPLIT, $64-56
	MOVD acc_base+0(FP), ACC
	MOVD acc_len+8(FP), RUNS
	MOVD src_base+24(FP), SRC
	MOVD src_len+32(FP), LEFT
	MOVD run+48(FP), RUN
	MOVD $tailMasks<>+64(SB), MASKS
	CBZ  RUNS, done

nextrun:
	CMP  RUN, LEFT
	CSEL LT, LEFT, RUN, N
	SUB  N, LEFT
	CLEAR(V24, V25, V26, V27, V28, V29, V30, V31)
	SUBS $16, N
	BLT  tail

loop: // 16 elements
	VLD1.P 64(SRC), [V0.S4, V1.S4, V2.S4, V3.S4]
	ADD_SQUARES
	SUBS   $16, N
	BGE    loop

tail: // N+16 elements are left
	ADDS $16, N, R9
	BEQ  fold
	LOAD_TAIL(copy, copied)
	VLD1 (TAIL_SRC), [V0.S4, V1.S4, V2.S4, V3.S4]
	MASK_TAIL(V0, V1, V2, V3)
	ADD_SQUARES

fold:
	FOLD(24, 25, 26, 27, 28, 29, 30, 31)
	FMOVD.P F24, 8(ACC)
	SUBS    $1, RUNS
	BNE     nextrun

done:
	RET

//	for r := range rows {
//		for j, x := range src[r*stride:][:len(acc)] {
//			acc[j] += float64(x) * float64(x)
//		}
//	}
//
// func squaresColumnsNEON(acc []float64, src []float32, rows, stride int)
//
// len(acc) is 16 or more, rows 1 or more. Where the last 16 columns overlap those
// before, V8 to V11 mask the columns that are not done. V24 to V31 hold the sums.
//
// Named above: ACC.
#define SRC_COLUMNS R1  // the columns in the first row
#define ROW_SRC     R9  // their next row
#define ROWS        R2  // rows
#define ROWS_LEFT   R10 // rows left
#define COLUMNS     R22 // columns left, less 16
#define NEW         R12 // columns that are not done
#define STRIDE      R3  // bytes from row to row
TEXT ·squaresColumnsNEON(SB), NOSPLIT, $0-64
	MOVD acc_base+0(FP), ACC
	MOVD acc_len+8(FP), COLUMNS
	MOVD src_base+24(FP), SRC_COLUMNS
	MOVD rows+48(FP), ROWS
	MOVD stride+56(FP), STRIDE
	LSL  $2, STRIDE
	SUB  $16, COLUMNS

columns: // 16 columns
	ADD  $64, ACC, R11
	MOVD SRC_COLUMNS, ROW_SRC
	MOVD ROWS, ROWS_LEFT
	VLD1 (ACC), [V24.D2, V25.D2, V26.D2, V27.D2]
	VLD1 (R11), [V28.D2, V29.D2, V30.D2, V31.D2]
	TBNZ $63, COLUMNS, masked

loop: // a row
	VLD1.P (ROW_SRC)(STRIDE), [V0.S4, V1.S4, V2.S4, V3.S4]
	ADD_SQUARES
	SUBS   $1, ROWS_LEFT
	BNE    loop

store:
	VST1.P [V24.D2, V25.D2, V26.D2, V27.D2], 64(ACC)
	VST1.P [V28.D2, V29.D2, V30.D2, V31.D2], 64(ACC)
	ADD    $64, SRC_COLUMNS
	SUBS   $16, COLUMNS
	BGE    columns

tail: // COLUMNS+16 columns are left, if COLUMNS >= -16
	ADDS $16, COLUMNS, NEW
	BLE  done
	ADD  COLUMNS<<3, ACC
	ADD  COLUMNS<<2, SRC_COLUMNS
	MOVD $tailMasks<>(SB), R13
	ADD  NEW<<2, R13
	VLD1 (R13), [V8.B16, V9.B16, V10.B16, V11.B16] // zeros for the columns not done
	VEOR V12.B16, V12.B16, V12.B16
	VCMEQ V12.S4, V8.S4, V8.S4
	VCMEQ V12.S4, V9.S4, V9.S4
	VCMEQ V12.S4, V10.S4, V10.S4
	VCMEQ V12.S4, V11.S4, V11.S4
	B    columns

masked: // a row
	VLD1.P (ROW_SRC)(STRIDE), [V0.S4, V1.S4, V2.S4, V3.S4]
	VAND   V8.B16, V0.B16, V0.B16
	VAND   V9.B16, V1.B16, V1.B16
	VAND   V10.B16, V2.B16, V2.B16
	VAND   V11.B16, V3.B16, V3.B16
	ADD_SQUARES
	SUBS   $1, ROWS_LEFT
	BNE    masked
	B      store

done:
	RET
