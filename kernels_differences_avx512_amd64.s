//go:build !purego

// Sums of differences with AVX-512.

#include "go_asm.h"
#include "textflag.h"
#include "kernels_avx512_amd64.h"

#define ACC      DI  // where the next sums go
#define OTHER    R9  // what is next to SRC of the other slice
#define GREATEST Z23 // the greatest differences
#define ABSOLUTE Z22 // mask of all but the sign

// ADD adds the differences in Z0, the lower half of which is Y0, to the sums.
#define ADD \
	VPANDD        ABSOLUTE, Z0, Z0        \
	VMAXPS        GREATEST, Z0, GREATEST  \
	VEXTRACTF64X4 $1, Z0, Y1              \
	VCVTPS2PD     Y0, Z0                  \
	VCVTPS2PD     Y1, Z1                  \
	VADDPD        Z0, Z24, Z24            \
	VADDPD        Z1, Z25, Z25            \
	VFMADD231PD   Z0, Z0, Z26             \
	VFMADD231PD   Z1, Z1, Z27

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
// func differencesRunsAVX512(acc []sums, x, y []float32, run int)
//
// Z24 and Z25 hold the lanes of the magnitudes, Z26 and Z27 those of the squares. A
// difference that is NaN leaves the greatest as it is.
TEXT ·differencesRunsAVX512(SB), NOSPLIT, $0-80
	MOVQ acc_base+0(FP), ACC
	MOVQ x_base+24(FP), SRC
	MOVQ x_len+32(FP), LEFT
	MOVQ y_base+48(FP), OTHER
	MOVQ run+72(FP), RUN
	BROADCAST(0x7fffffff, ABSOLUTE)

nextrun:
	MOVQ    RUN, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	VPXORD  Z23, Z23, Z23
	VPXORD  Z24, Z24, Z24
	VPXORD  Z25, Z25, Z25
	VPXORD  Z26, Z26, Z26
	VPXORD  Z27, Z27, Z27
	SUBQ    $16, N
	JB      tail

loop:
	VMOVUPS (OTHER), Z0
	VSUBPS  (SRC), Z0, Z0
	ADD
	ADDQ $64, SRC
	ADDQ $64, OTHER
	SUBQ $16, N
	JAE  loop

tail:
	ADDQ $16, N
	JZ   fold
	MASK(N, K1)
	VMOVUPS.Z (OTHER), K1, Z0
	VMOVUPS.Z (SRC), K1, Z1
	VSUBPS    Z1, Z0, Z0
	ADD
	LEAQ (SRC)(N*4), SRC
	LEAQ (OTHER)(N*4), OTHER

fold:
	FOLD(Z24, Z25, Y24, X24, sums_abs(ACC))
	FOLD(Z26, Z27, Y26, X26, sums_sq(ACC))
	VEXTRACTF64X4 $1, GREATEST, Y0
	VMAXPS        Y0, Y23, Y0
	VEXTRACTF128  $1, Y0, X1
	VMAXPS        X1, X0, X0
	VPSHUFD       $0x4e, X0, X1
	VMAXPS        X1, X0, X0
	VPSHUFD       $0xb1, X0, X1
	VMAXPS        X1, X0, X0
	VMOVSS        X0, sums_max(ACC)
	MOVL          $0, sums_clipped(ACC)
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
// func differencesColumnsAVX512(abs, sq *float64, max, x, y *float32, rows, stride, cols int)
//
// cols is a multiple of 16. The kernel goes down the rows with 16 columns at a time. Z24 and Z25
// hold their magnitudes, Z26 and Z27 their squares.
//
// Named above: OTHER, GREATEST, ABSOLUTE.
#define ABS_SUMS    R10 // the next 16 of abs
#define SQUARE_SUMS R11 // the next 16 of sq
#define MAXIMA      R12 // the next 16 of max
#define COLUMNS     BX  // columns left
#define ROWS_LEFT   DX  // rows left
#define STRIDE      R8  // bytes from row to row
TEXT ·differencesColumnsAVX512(SB), NOSPLIT, $0-64
	MOVQ abs+0(FP), ABS_SUMS
	MOVQ sq+8(FP), SQUARE_SUMS
	MOVQ max+16(FP), MAXIMA
	MOVQ stride+48(FP), STRIDE
	MOVQ cols+56(FP), COLUMNS
	MOVQ x+24(FP), R13
	MOVQ y+32(FP), R14
	SHLQ $2, STRIDE
	BROADCAST(0x7fffffff, ABSOLUTE)

columns:
	MOVQ    R13, SRC
	MOVQ    R14, OTHER
	MOVQ    rows+40(FP), ROWS_LEFT
	VMOVUPD 0(ABS_SUMS), Z24
	VMOVUPD 64(ABS_SUMS), Z25
	VMOVUPD 0(SQUARE_SUMS), Z26
	VMOVUPD 64(SQUARE_SUMS), Z27
	VMOVUPS (MAXIMA), GREATEST

loop:
	VMOVUPS (OTHER), Z0
	VSUBPS  (SRC), Z0, Z0
	ADD
	ADDQ STRIDE, SRC
	ADDQ STRIDE, OTHER
	DECQ ROWS_LEFT
	JNZ  loop
	VMOVUPD Z24, 0(ABS_SUMS)
	VMOVUPD Z25, 64(ABS_SUMS)
	VMOVUPD Z26, 0(SQUARE_SUMS)
	VMOVUPD Z27, 64(SQUARE_SUMS)
	VMOVUPS GREATEST, (MAXIMA)
	ADDQ $128, ABS_SUMS
	ADDQ $128, SQUARE_SUMS
	ADDQ $64, MAXIMA
	ADDQ $64, R13
	ADDQ $64, R14
	SUBQ $16, COLUMNS
	JNZ  columns
	VZEROUPPER
	RET
