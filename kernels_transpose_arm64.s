//go:build !purego

// Transposing with NEON.

#include "textflag.h"
#include "kernels_arm64.h"

//	for r := range rows {
//		for j, x := range src[r*stride:][:cols] {
//			dst[j*rows+r] = x
//		}
//	}
//
// func transposeNEON(dst, src *float32, rows, cols, stride int)
//
// There are at least 4 rows and 4 columns. Squares of 4 by 4 go from left to right.
// The last square of a row, and those of the last rows, may overlap others.
#define DST_ROWS   R0 // first column of the next rows
#define SRC_ROWS   R1 // next rows
#define ROWS_LEFT  R2 // rows left
#define COLUMNS    R7 // columns left
#define STRIDE     R3 // bytes from row to row of src
#define DST_STRIDE R4 // bytes from row to row of dst
#define SQUARE_DST R5 // square in dst
#define SQUARE_SRC R6 // square in src
TEXT ·transposeNEON(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), DST_ROWS
	MOVD src+8(FP), SRC_ROWS
	MOVD rows+16(FP), ROWS_LEFT
	MOVD stride+32(FP), STRIDE
	LSL  $2, STRIDE
	LSL  $2, ROWS_LEFT, DST_STRIDE

rows: // the next 4 rows
	MOVD DST_ROWS, SQUARE_DST
	MOVD SRC_ROWS, SQUARE_SRC
	MOVD cols+24(FP), COLUMNS

square:
	MOVD   SQUARE_SRC, R8
	VLD1.P (R8)(STRIDE), [V0.S4]
	VLD1.P (R8)(STRIDE), [V1.S4]
	VLD1.P (R8)(STRIDE), [V2.S4]
	VLD1   (R8), [V3.S4]
	VZIP1  V2.S4, V0.S4, V4.S4 // 00 20 01 21
	VZIP2  V2.S4, V0.S4, V5.S4 // 02 22 03 23
	VZIP1  V3.S4, V1.S4, V6.S4 // 10 30 11 31
	VZIP2  V3.S4, V1.S4, V7.S4
	VZIP1  V6.S4, V4.S4, V0.S4 // 00 10 20 30
	VZIP2  V6.S4, V4.S4, V1.S4
	VZIP1  V7.S4, V5.S4, V2.S4
	VZIP2  V7.S4, V5.S4, V3.S4
	VST1.P [V0.S4], (SQUARE_DST)(DST_STRIDE)
	VST1.P [V1.S4], (SQUARE_DST)(DST_STRIDE)
	VST1.P [V2.S4], (SQUARE_DST)(DST_STRIDE)
	VST1.P [V3.S4], (SQUARE_DST)(DST_STRIDE)
	ADD    $16, SQUARE_SRC
	SUBS   $4, COLUMNS
	BEQ    nextrun
	CMP    $4, COLUMNS
	BGE    square
	SUB    $4, COLUMNS // the last 4
	ADD    COLUMNS<<2, SQUARE_SRC
	MADD   DST_STRIDE, SQUARE_DST, COLUMNS, SQUARE_DST
	MOVD   $4, COLUMNS
	B      square

nextrun:
	ADD  $16, DST_ROWS
	ADD  STRIDE<<2, SRC_ROWS
	SUBS $4, ROWS_LEFT
	BEQ  done
	CMP  $4, ROWS_LEFT
	BGE  rows
	SUB  $4, ROWS_LEFT
	ADD  ROWS_LEFT<<2, DST_ROWS
	MADD STRIDE, SRC_ROWS, ROWS_LEFT, SRC_ROWS
	MOVD $4, ROWS_LEFT
	B    rows

done:
	RET
