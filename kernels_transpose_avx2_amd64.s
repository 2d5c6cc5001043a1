//go:build !purego

// Transposing with AVX2.

#include "textflag.h"
#include "kernels_avx2_amd64.h"

// TRANSPOSE_4_BY_8 transposes 4 columns of 8 rows, off bytes from SQUARE_SRC and
// SQUARE_SRC4 on, into a to d.
#define TRANSPOSE_4_BY_8(off, a, xa, b, xb, c, xc, d, xd) \
	VMOVUPS     off(SQUARE_SRC), xa                   \
	VMOVUPS     off(SQUARE_SRC)(STRIDE*1), xb         \
	VMOVUPS     off(SQUARE_SRC)(STRIDE*2), xc         \
	VMOVUPS     off(SQUARE_SRC)(STRIDE3*1), xd        \
	VINSERTF128 $1, off(SQUARE_SRC4), a, a            \
	VINSERTF128 $1, off(SQUARE_SRC4)(STRIDE*1), b, b  \
	VINSERTF128 $1, off(SQUARE_SRC4)(STRIDE*2), c, c  \
	VINSERTF128 $1, off(SQUARE_SRC4)(STRIDE3*1), d, d \
	VUNPCKLPS   b, a, Y8                              \
	VUNPCKHPS   b, a, Y9                              \
	VUNPCKLPS   d, c, Y10                             \
	VUNPCKHPS   d, c, Y11                             \
	VUNPCKLPD   Y10, Y8, a                            \
	VUNPCKHPD   Y10, Y8, b                            \
	VUNPCKLPD   Y11, Y9, c                            \
	VUNPCKHPD   Y11, Y9, d

//	for r := range rows {
//		for j, x := range src[r*stride:][:cols] {
//			dst[j*rows+r] = x
//		}
//	}
//
// func transposeAVX2(dst, src *float32, rows, cols, stride int)
//
// There are at least 8 rows and 8 columns. Squares of 8 by 8 go from left to right.
// The last square of a row, and those of the last rows, may overlap others. A
// processor does not foresee reads of rows that lie far apart: so the first lines of
// the rows that come 16 later are prefetched.
#define DST_ROWS    R13 // first column of the next rows
#define SRC_ROWS    R14 // next rows
#define ROWS_LEFT   DX  // rows left
#define COLUMNS     CX  // columns left
#define STRIDE      R8  // bytes of 1 row of src
#define STRIDE3     R9  // bytes of 3 rows of src
#define DST_STRIDE  R10 // bytes of 1 row of dst
#define DST_STRIDE3 R11 // bytes of 3 rows of dst
#define SQUARE_SRC  SI  // square in src
#define SQUARE_SRC4 R12 // its fifth row
#define SQUARE_DST  DI  // square in dst
#define SQUARE_DST4 BX  // its fifth row
TEXT ·transposeAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DST_ROWS
	MOVQ src+8(FP), SRC_ROWS
	MOVQ rows+16(FP), ROWS_LEFT
	MOVQ stride+32(FP), STRIDE
	SHLQ $2, STRIDE
	LEAQ (STRIDE)(STRIDE*2), STRIDE3
	LEAQ (ROWS_LEFT*4), DST_STRIDE
	LEAQ (DST_STRIDE)(DST_STRIDE*2), DST_STRIDE3

rows: // the next 8 rows
	LEAQ (SRC_ROWS)(STRIDE*8), SQUARE_SRC
	LEAQ (SQUARE_SRC)(STRIDE*8), SQUARE_SRC
	LEAQ (SQUARE_SRC)(STRIDE*4), SQUARE_DST
	PREFETCHT0 (SQUARE_SRC)
	PREFETCHT0 (SQUARE_SRC)(STRIDE*1)
	PREFETCHT0 (SQUARE_SRC)(STRIDE*2)
	PREFETCHT0 (SQUARE_SRC)(STRIDE3*1)
	PREFETCHT0 (SQUARE_DST)
	PREFETCHT0 (SQUARE_DST)(STRIDE*1)
	PREFETCHT0 (SQUARE_DST)(STRIDE*2)
	PREFETCHT0 (SQUARE_DST)(STRIDE3*1)
	MOVQ DST_ROWS, SQUARE_DST
	MOVQ SRC_ROWS, SQUARE_SRC
	MOVQ cols+24(FP), COLUMNS

square:
	LEAQ (SQUARE_SRC)(STRIDE*4), SQUARE_SRC4
	LEAQ (SQUARE_DST)(DST_STRIDE*4), SQUARE_DST4
	TRANSPOSE_4_BY_8(0, Y0, X0, Y1, X1, Y2, X2, Y3, X3)
	TRANSPOSE_4_BY_8(16, Y4, X4, Y5, X5, Y6, X6, Y7, X7)
	VMOVUPS Y0, (SQUARE_DST)
	VMOVUPS Y1, (SQUARE_DST)(DST_STRIDE*1)
	VMOVUPS Y2, (SQUARE_DST)(DST_STRIDE*2)
	VMOVUPS Y3, (SQUARE_DST)(DST_STRIDE3*1)
	VMOVUPS Y4, (SQUARE_DST4)
	VMOVUPS Y5, (SQUARE_DST4)(DST_STRIDE*1)
	VMOVUPS Y6, (SQUARE_DST4)(DST_STRIDE*2)
	VMOVUPS Y7, (SQUARE_DST4)(DST_STRIDE3*1)
	ADDQ $32, SQUARE_SRC
	LEAQ (SQUARE_DST)(DST_STRIDE*8), SQUARE_DST
	SUBQ $8, COLUMNS
	JZ   next
	CMPQ COLUMNS, $8
	JAE  square
	LEAQ -32(SQUARE_SRC)(COLUMNS*4), SQUARE_SRC // the last 8
	SUBQ $8, COLUMNS
	MOVQ DST_STRIDE, AX
	IMULQ COLUMNS, AX
	ADDQ AX, SQUARE_DST
	MOVQ $8, COLUMNS
	JMP  square

next:
	ADDQ $32, DST_ROWS
	LEAQ (SRC_ROWS)(STRIDE*8), SRC_ROWS
	SUBQ $8, ROWS_LEFT
	JZ   done
	CMPQ ROWS_LEFT, $8
	JAE  rows
	SUBQ $8, ROWS_LEFT
	LEAQ (DST_ROWS)(ROWS_LEFT*4), DST_ROWS
	MOVQ STRIDE, AX
	IMULQ ROWS_LEFT, AX
	ADDQ AX, SRC_ROWS
	MOVQ $8, ROWS_LEFT
	JMP  rows

done:
	VZEROUPPER
	RET
