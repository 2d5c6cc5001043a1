//go:build !purego

// Codebooks with AVX2: codes of floating-point formats by arithmetic, and tables of 16
// values by permutation. The kernels of columns are in kernels_codebookcolumns_avx2_amd64.s.

#include "kernels_codebook_avx2_amd64.h"

//	for i, x := range src[:n] {
//		dst[i] = uint8(f.code(x / scale[i/run]))
//	}
//
// func quantizeFloatsAVX2(dst *uint8, src *float32, n, run int, scale *float32, f *floatCode)
//
// n and run are multiples of 8. Scales that CODES_32 does not serve are divided by, 8 elements at a time, and so are the last
// elements of a run: see "Codebooks" in kernels.go.
TEXT ·quantizeFloatsAVX2(SB), NOSPLIT, $272-48
	ARGUMENTS
	FLOAT_CODE_CONSTANTS
	FAST_CONSTANTS

run:
	NEXT_RUN
	CMPQ  N, $32
	JB    divide
	MOVL  -4(SCALES), BX
	LEAL  -scaleLeast(BX), R10
	CMPL  R10, $scaleSpan
	JHI   divide
	TESTL $lowBits20, BX
	JEQ   fast
	ADDL  $6, BX
	ANDL  $lowBits20, BX
	CMPL  BX, $12
	JLS   divide

fast:
	VBROADCASTSS ONE, LOW
	VDIVPS       DIVISOR, LOW, WHOLE
	VFNMADD231PS DIVISOR, WHOLE, LOW
	VMULPS       WHOLE, LOW, LOW
	VMULPS       LARGEST, DIVISOR, BOUND

loop:
	LOAD_32
	JNE  divide // the rest of the run
	CODES_32(BOUND, BOUND, BOUND, BOUND, LOW, LOW, LOW, LOW, WHOLE, WHOLE, WHOLE, WHOLE)
	ADDQ $128, SRC
	ADDQ $32, DST
	SUBQ $32, N
	CMPQ N, $32
	JAE  loop
	TESTQ N, N
	JZ   nextrun

divide:
	VMOVUPS   (SRC), Y0
	VDIVPS    DIVISOR, Y0, Y0
	FLOAT_CODES
	BYTES
	ADDQ      $32, SRC
	ADDQ      $8, DST
	SUBQ      $8, N
	JNE       divide

nextrun:
	TESTQ     LEFT, LEFT
	JNE       run
	VZEROUPPER
	RET

//	for i, x := range src[:n] {
//		dst[i] = b.code(x / scale[i/run])
//	}
//
// func quantizeTableAVX2(dst *uint8, src *float32, n, run int, scale *float32, f *bookTables)
//
// n and run are multiples of 8. The codes of b are in the order of their values. The codes of 32
// elements come from bins: see "Bins of a table" in kernels.go. Elsewhere the index of a value is
// found bit by bit: each level of limits has the one that tells the next.
TEXT ·quantizeTableAVX2(SB), NOSPLIT, $192-48
	ARGUMENTS
	TABLE_CONSTANTS
	BIN_CONSTANTS

run:
	NEXT_RUN
	CMPQ N, $32
	JB   divide
	MOVL -4(SCALES), BX
	SUBL $scaleLeast, BX
	CMPL BX, $scaleSpan
	JHI  divide
	VBROADCASTSS bookTables_tableBins+tableBins_factor(FORMAT), FACTORS
	VDIVPS DIVISOR, FACTORS, FACTORS

loop:
	VMULPS 0(SRC), FACTORS, Y0
	VMULPS 32(SRC), FACTORS, Y1
	VMULPS 64(SRC), FACTORS, Y2
	VMULPS 96(SRC), FACTORS, Y3
	BIN_CODES(near)

next:
	ADDQ  $128, SRC
	ADDQ  $32, DST
	SUBQ  $32, N
	CMPQ  N, $32
	JAE   loop
	TESTQ N, N
	JZ    nextrun

divide:
	VMOVUPS   (SRC), Y0
	VDIVPS    DIVISOR, Y0, Y0
	TABLE_CODES
	BYTES
	ADDQ      $32, SRC
	ADDQ      $8, DST
	SUBQ      $8, N
	JNE       divide

nextrun:
	TESTQ LEFT, LEFT
	JNE   run
	VZEROUPPER
	RET

near:
	DIVIDE_TABLE_8(0, DIVISOR)
	DIVIDE_TABLE_8(8, DIVISOR)
	DIVIDE_TABLE_8(16, DIVISOR)
	DIVIDE_TABLE_8(24, DIVISOR)
	JMP next

//	for i, c := range src[:n] {
//		dst[i] = t.values[c%16] * scale[i/run]
//	}
//
// func dequantizeTableAVX2(dst *float32, src *uint8, n, run int, scale *float32, f *bookTables)
//
// n and run are multiples of 8. The values are multiplied once for each run.
#define PRODUCTS_LO Y13 // values 0 to 7 times the scale
#define PRODUCTS_HI Y12 // values 8 to 15 times the scale
TEXT ·dequantizeTableAVX2(SB), NOSPLIT, $0-48
	ARGUMENTS
	VALUE_CONSTANTS

run:
	NEXT_RUN
	VMULPS DIVISOR, TABLE_LO, PRODUCTS_LO
	VMULPS DIVISOR, TABLE_HI, PRODUCTS_HI
	SUBQ   $32, N
	JB     rest

loop:
	TABLE_VALUES_32(PRODUCTS_LO, PRODUCTS_HI)
	STORE_VALUES_32
	JAE loop

rest: // N + 32 elements, fewer than 32
	ADDQ $32, N
	JZ   nextrun

rest8:
	TABLE_VALUES(0, PRODUCTS_LO, PRODUCTS_HI, Y0, Y4, Y6)
	VMOVUPS Y0, (DST)
	ADDQ    $8, SRC
	ADDQ    $32, DST
	SUBQ    $8, N
	JNE     rest8

nextrun:
	TESTQ LEFT, LEFT
	JNE   run
	VZEROUPPER
	RET

//	for i, c := range src[:n] {
//		if (c^flip)&keep >= special {
//			return i &^ 7
//		}
//		dst[i] = f.value(c) * scale[i/run]
//	}
//
// func dequantizeFloatsAVX2(dst *float32, src *uint8, n, run int, scale *float32, f *floatCode) int
//
// n and run are multiples of 8. A code is moved to where a float32 has its exponent and
// mantissa, and multiplied by FACTOR, a power of two; that is exact, for subnormal numbers too.
// The product of FACTOR and the scale is exact as well, unless it is infinite. So 32 values are
// multiplied by that product, and rounded once.
TEXT ·dequantizeFloatsAVX2(SB), NOSPLIT, $0-56
	ARGUMENTS
	FLOAT_VALUE_CONSTANTS

run:
	NEXT_RUN
	VMULPS FACTOR, DIVISOR, PRODUCT
	VMOVD  X9, BX
	ANDL   $magnitudeMask, BX
	CMPL   BX, $infBits
	JAE    loop
	SUBQ   $32, N
	JB     rest

loop32:
	VMOVDQU (SRC), Y0
	FLOAT_TEST(Y0, Y1, FLIP, KEEP, SPECIAL)
	JNE     special
	FLOAT_VALUES_32
	VMULPS  PRODUCT, Y0, Y0
	VMULPS  PRODUCT, Y1, Y1
	VMULPS  PRODUCT, Y2, Y2
	VMULPS  PRODUCT, Y3, Y3
	STORE_VALUES_32
	JAE     loop32

rest: // N + 32 elements, fewer than 32
	ADDQ $32, N
	JZ   nextrun
	JMP  loop

special: // one of 32 codes is no number
	ADDQ $32, N

loop:
	VMOVQ   (SRC), X0
	FLOAT_TEST(X0, X1, FLIP_X, KEEP_X, SPECIAL_X)
	JNE     done
	FLOAT_VALUES(0, Y0)
	VMULPS  FACTOR, Y0, Y0
	VMULPS  DIVISOR, Y0, Y0
	VMOVUPS Y0, (DST)
	ADDQ    $8, SRC
	ADDQ    $32, DST
	SUBQ    $8, N
	JNE     loop

nextrun:
	TESTQ LEFT, LEFT
	JNE   run

done:
	SUBQ src+8(FP), SRC
	MOVQ SRC, ret+48(FP)
	VZEROUPPER
	RET
