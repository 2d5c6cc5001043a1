//go:build !purego

// Sums of differences with AVX2.

#include "go_asm.h"
#include "textflag.h"
#include "kernels_avx2_amd64.h"

#define ACC      DI  // where the next sums go
#define OTHER    R10 // what is next to SRC of the other slice
#define GREATEST Y7  // the greatest differences
#define ABSOLUTE Y6  // mask of all but the sign

// ADD adds the 8 differences in Y0 to the lanes a and b of the magnitudes, and c and d of
// the squares.
#define ADD(a, b, c, d) \
	VANDPS       ABSOLUTE, Y0, Y0       \
	VMAXPS       GREATEST, Y0, GREATEST \
	VEXTRACTF128 $1, Y0, X1             \
	VCVTPS2PD    X0, Y0                 \
	VCVTPS2PD    X1, Y1                 \
	VADDPD       Y0, a, a               \
	VADDPD       Y1, b, b               \
	VFMADD231PD  Y0, Y0, c              \
	VFMADD231PD  Y1, Y1, d

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
// func differencesRunsAVX2(acc []sums, x, y []float32, run int)
//
// Y8 to Y11 hold the lanes of the magnitudes, Y12 to Y15 those of the squares. A
// difference that is NaN leaves the greatest as it is.
TEXT ·differencesRunsAVX2(SB), NOSPLIT, $0-80
	MOVQ acc_base+0(FP), ACC
	MOVQ x_base+24(FP), SRC
	MOVQ x_len+32(FP), LEFT
	MOVQ y_base+48(FP), OTHER
	MOVQ run+72(FP), RUN
	MOVL $0x7fffffff, AX
	VMOVD AX, X6
	VPBROADCASTD X6, ABSOLUTE

nextrun:
	MOVQ    RUN, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	VPXOR   Y7, Y7, Y7
	VPXOR   Y8, Y8, Y8
	VPXOR   Y9, Y9, Y9
	VPXOR   Y10, Y10, Y10
	VPXOR   Y11, Y11, Y11
	VPXOR   Y12, Y12, Y12
	VPXOR   Y13, Y13, Y13
	VPXOR   Y14, Y14, Y14
	VPXOR   Y15, Y15, Y15
	SUBQ    $16, N
	JB      tail

loop:
	VMOVUPS 0(OTHER), Y0
	VSUBPS  0(SRC), Y0, Y0
	ADD(Y8, Y9, Y12, Y13)
	VMOVUPS 32(OTHER), Y0
	VSUBPS  32(SRC), Y0, Y0
	ADD(Y10, Y11, Y14, Y15)
	ADDQ $64, SRC
	ADDQ $64, OTHER
	SUBQ $16, N
	JAE  loop

tail: // N + 16 elements, fewer than 16
	ADDQ $16, N
	JZ   fold
	CMPQ N, $8
	JB   tail8 // fewer than 8
	VMOVUPS (OTHER), Y0
	VSUBPS  (SRC), Y0, Y0
	ADD(Y8, Y9, Y12, Y13)
	ADDQ $32, SRC
	ADDQ $32, OTHER
	SUBQ $8, N
	JZ   fold
	LOAD_1_TO_7(SRC, N, Y3, X3, Y1, X1, second_x4, second_x)
	LOAD_1_TO_7(OTHER, N, Y0, X0, Y1, X1, second_y4, second_y)
	VSUBPS Y3, Y0, Y0
	ADD(Y10, Y11, Y14, Y15)
	JMP  past

tail8:
	LOAD_1_TO_7(SRC, N, Y3, X3, Y1, X1, first_x4, first_x)
	LOAD_1_TO_7(OTHER, N, Y0, X0, Y1, X1, first_y4, first_y)
	VSUBPS Y3, Y0, Y0
	ADD(Y8, Y9, Y12, Y13)

past:
	LEAQ (SRC)(N*4), SRC
	LEAQ (OTHER)(N*4), OTHER

fold:
	FOLD(Y8, Y9, Y10, Y11, X8, sums_abs(ACC))
	FOLD(Y12, Y13, Y14, Y15, X12, sums_sq(ACC))
	VEXTRACTF128 $1, GREATEST, X1
	VMAXPS       X1, X7, X0
	VPSHUFD      $0x4e, X0, X1
	VMAXPS       X1, X0, X0
	VPSHUFD      $0xb1, X0, X1
	VMAXPS       X1, X0, X0
	VMOVSS       X0, sums_max(ACC)
	MOVL         $0, sums_clipped(ACC)
	ADDQ  $sums__size, ACC
	TESTQ LEFT, LEFT
	JNZ   nextrun
	VZEROUPPER
	RET

//	for r := range rows {
//		for j := range cols {
//			d := absolute(y[r*stride+j] - x[r*stride+j])
//			abs[j] += float64(d)
//			sq[j] += float64(d) * float64(d)
//			max[j] = max(max[j], d)
//		}
//	}
//
// func differencesColumnsAVX2(abs, sq *float64, max, x, y *float32, rows, stride, cols int)
//
// cols is a multiple of 8. The kernel goes down the rows with 8 columns at a time. Y8 and Y9 hold
// their magnitudes, Y12 and Y13 their squares.
//
// Named above: OTHER, GREATEST, ABSOLUTE.
#define ABS_SUMS    R9  // the next 8 of abs
#define SQUARE_SUMS R11 // the next 8 of sq
#define MAXIMA      R12 // the next 8 of max
#define COLUMNS     BX  // columns left
#define ROWS_LEFT   DX  // rows left
#define STRIDE      R8  // bytes from row to row
TEXT ·differencesColumnsAVX2(SB), NOSPLIT, $0-64
	MOVQ abs+0(FP), ABS_SUMS
	MOVQ sq+8(FP), SQUARE_SUMS
	MOVQ max+16(FP), MAXIMA
	MOVQ stride+48(FP), STRIDE
	MOVQ cols+56(FP), COLUMNS
	MOVQ x+24(FP), R13
	MOVQ y+32(FP), R14
	SHLQ $2, STRIDE
	MOVL $0x7fffffff, AX
	VMOVD AX, X6
	VPBROADCASTD X6, ABSOLUTE

columns:
	MOVQ    R13, SRC
	MOVQ    R14, OTHER
	MOVQ    rows+40(FP), ROWS_LEFT
	VMOVUPD 0(ABS_SUMS), Y8
	VMOVUPD 32(ABS_SUMS), Y9
	VMOVUPD 0(SQUARE_SUMS), Y12
	VMOVUPD 32(SQUARE_SUMS), Y13
	VMOVUPS (MAXIMA), GREATEST

loop:
	VMOVUPS (OTHER), Y0
	VSUBPS  (SRC), Y0, Y0
	ADD(Y8, Y9, Y12, Y13)
	ADDQ STRIDE, SRC
	ADDQ STRIDE, OTHER
	DECQ ROWS_LEFT
	JNZ  loop
	VMOVUPD Y8, 0(ABS_SUMS)
	VMOVUPD Y9, 32(ABS_SUMS)
	VMOVUPD Y12, 0(SQUARE_SUMS)
	VMOVUPD Y13, 32(SQUARE_SUMS)
	VMOVUPS GREATEST, (MAXIMA)
	ADDQ $64, ABS_SUMS
	ADDQ $64, SQUARE_SUMS
	ADDQ $32, MAXIMA
	ADDQ $32, R13
	ADDQ $32, R14
	SUBQ $8, COLUMNS
	JNZ  columns
	VZEROUPPER
	RET
