//go:build !purego

// Codebooks with AVX-512: codes of floating-point formats by arithmetic, and tables of 16
// values by permutation.

#include "go_asm.h"
#include "textflag.h"
#include "kernels_avx512_amd64.h"

// Names of registers that these kernels add.
#define FORMAT   AX  // floatCode, or tables
#define ABSOLUTE Z31 // mask of all but the sign
#define EXPONENT Z30 // mask of the exponent
#define LARGEST  Z29 // bits of the largest number of the format
#define NORMAL   Z28 // bits of its smallest normal number
#define PLACE    Z27 // drop << 23
#define SIGN_BIT     Z26 // sign bit of a code
#define NAN_CODE Z25 // code of NaN
#define DROP     X24 // how far an exponent is moved down
#define TOP      X23 // how far a sign is moved down
#define MINUS    K3  // all ones if -0 has a code
#define ONE_INT  Z22 // 1
#define LEVEL_1  Z21 // limit in the middle of the table
#define LEVEL_2  Z18 // the two beside it
#define LEVEL_3  Z19 // the next four
#define LEVEL_4  Z20 // the last eight
#define TABLE    Z31 // 16 values
#define FACTOR   Z30 // 2^(127-bias)
#define REST     Z29 // mask of a code without its sign
#define SPECIAL  Z28 // first code that is no number, flipped
#define FLIP     Z27 // what is flipped first
#define KEEP     Z26 // what is kept then

// NEXT_RUN broadcasts the next scale, and sets N to the elements of its run.
#define NEXT_RUN \
	VBROADCASTSS (SCALES), SCALE \
	ADDQ         $4, SCALES      \
	MOVQ         RUN, N          \
	CMPQ         LEFT, N         \
	CMOVQLT      LEFT, N         \
	SUBQ         N, LEFT

// COLUMNS loads what kernels of columns take: LEFT has the rows, and RUN the elements of a row
// that are not done.
#define COLUMNS \
	MOVQ dst+0(FP), DST      \
	MOVQ src+8(FP), SRC      \
	MOVQ rows+16(FP), LEFT   \
	MOVQ stride+32(FP), RUN  \
	SUBQ cols+24(FP), RUN    \
	MOVQ f+48(FP), FORMAT

// NEXT_ROW goes back to the scale of the first column, and sets N to the elements of a row.
#define NEXT_ROW \
	MOVQ scale+40(FP), SCALES \
	MOVQ cols+24(FP), N

// FLOAT_CODE_CONSTANTS loads what FLOAT_CODES needs.
#define FLOAT_CODE_CONSTANTS \
	VPBROADCASTD floatCode_normal(FORMAT), NORMAL \
	VPBROADCASTD floatCode_largest(FORMAT), LARGEST \
	VPBROADCASTD floatCode_nan(FORMAT), NAN_CODE \
	MOVL floatCode_drop(FORMAT), CX \
	VMOVD CX, DROP \
	SHLL $23, CX \
	VPBROADCASTD CX, PLACE \
	MOVL floatCode_sign(FORMAT), CX \
	MOVL $1, BX \
	SHLL CX, BX \
	VPBROADCASTD BX, SIGN_BIT \
	MOVL $31, BX \
	SUBL CX, BX \
	VMOVD BX, TOP \
	MOVL floatCode_minus(FORMAT), BX \
	KMOVW BX, MINUS \
	BROADCAST(0x7fffffff, ABSOLUTE) \
	BROADCAST(0x7f800000, EXPONENT)

// FLOAT_CODES makes codes in Z1 of the quotients in Z0.
#define FLOAT_CODES \
	VPANDD   ABSOLUTE, Z0, Z1 \
	VCMPPS   $3, Z0, Z0, K1 \
	VPMINUD  LARGEST, Z1, Z1 \
	VPANDD   EXPONENT, Z1, Z2 \
	VPMAXUD  NORMAL, Z2, Z2 \
	VPADDD   PLACE, Z2, Z3 \
	VADDPS   Z3, Z1, Z1 \
	VPSUBD   Z3, Z1, Z1 \
	VPSUBD   NORMAL, Z2, Z2 \
	VPSRLD   DROP, Z2, Z2 \
	VPADDD   Z2, Z1, Z1 \
	VPSRLD   TOP, Z0, Z0 \
	VPANDD   SIGN_BIT, Z0, Z0 \
	VPTESTMD Z1, Z1, K2 \
	KORW     MINUS, K2, K2 \
	VPORD    Z0, Z1, K2, Z1 \
	VMOVDQA32 NAN_CODE, K1, Z1

// TABLE_CONSTANTS loads what TABLE_CODES needs.
#define TABLE_CONSTANTS \
	VBROADCASTSS bookTables_limits+0(FORMAT), LEVEL_1 \
	VMOVUPS bookTables_limits+32(FORMAT), Y18 \
	VMOVUPS bookTables_limits+64(FORMAT), Y19 \
	VMOVUPS bookTables_limits+96(FORMAT), Y20 \
	VPBROADCASTD bookTables_nan(FORMAT), NAN_CODE \
	BROADCAST(1, ONE_INT)

// TABLE_CODES makes codes in Z1 of the quotients in Z0.
#define TABLE_CODES \
	VCMPPS      $3, Z0, Z0, K1 \
	VCMPPS      $30, LEVEL_1, Z0, K2 \
	VMOVDQA32.Z ONE_INT, K2, Z1 \
	VPERMPS     LEVEL_2, Z1, Z2 \
	VPADDD      Z1, Z1, Z1 \
	VCMPPS      $30, Z2, Z0, K2 \
	VPADDD      ONE_INT, Z1, K2, Z1 \
	VPERMPS     LEVEL_3, Z1, Z2 \
	VPADDD      Z1, Z1, Z1 \
	VCMPPS      $30, Z2, Z0, K2 \
	VPADDD      ONE_INT, Z1, K2, Z1 \
	VPERMPS     LEVEL_4, Z1, Z2 \
	VPADDD      Z1, Z1, Z1 \
	VCMPPS      $30, Z2, Z0, K2 \
	VPADDD      ONE_INT, Z1, K2, Z1 \
	VMOVDQA32   NAN_CODE, K1, Z1

// VALUE_CONSTANTS loads what TABLE_VALUES needs.
#define VALUE_CONSTANTS \
	VMOVUPS bookTables_values(FORMAT), TABLE

// TABLE_VALUES looks up the values of the codes at SRC, in Z0.
#define TABLE_VALUES \
	VPMOVZXBD (SRC), Z0 \
	VPERMPS   TABLE, Z0, Z0

// FLOAT_VALUE_CONSTANTS loads what FLOAT_TEST and FLOAT_VALUES need.
#define FLOAT_VALUE_CONSTANTS \
	MOVL floatCode_drop(FORMAT), CX \
	VMOVD CX, DROP \
	MOVL floatCode_sign(FORMAT), CX \
	MOVL $1, BX \
	SHLL CX, BX \
	DECL BX \
	VPBROADCASTD BX, REST \
	MOVL $31, BX \
	SUBL CX, BX \
	VMOVD BX, TOP \
	MOVL floatCode_normal(FORMAT), BX \
	ADDL $(126<<23), BX \
	VPBROADCASTD BX, FACTOR \
	VPBROADCASTD floatCode_special(FORMAT), SPECIAL \
	VPBROADCASTD floatCode_flip(FORMAT), FLIP \
	VPBROADCASTD floatCode_keep(FORMAT), KEEP \
	BROADCAST(0x80000000, ABSOLUTE)

// FLOAT_TEST loads the codes at SRC in Z0, and clears the zero flag if one is no number.
#define FLOAT_TEST \
	VPMOVZXBD  (SRC), Z0 \
	VPXORD     FLIP, Z0, Z2 \
	VPANDD     REST, Z0, Z1 \
	VPANDD     KEEP, Z2, Z2 \
	VPCMPUD    $5, SPECIAL, Z2, K1 \
	KORTESTW   K1, K1

// FLOAT_VALUES makes the values of codes in Z1.
#define FLOAT_VALUES \
	VPSLLD     TOP, Z0, Z0 \
	VPSLLD     DROP, Z1, Z1 \
	VPANDD     ABSOLUTE, Z0, Z0 \
	VMULPS     FACTOR, Z1, Z1 \
	VPORD      Z0, Z1, Z1

//	for i, x := range src[:n] {
//		dst[i] = uint8(f.code(x / scale[i/run]))
//	}
//
// func quantizeFloatsAVX512(dst *uint8, src *float32, n, run int, scale *float32, f *floatCode)
//
// n and run are multiples of 16.
TEXT ·quantizeFloatsAVX512(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DST
	MOVQ src+8(FP), SRC
	MOVQ n+16(FP), LEFT
	MOVQ run+24(FP), RUN
	MOVQ scale+32(FP), SCALES
	MOVQ f+40(FP), FORMAT
	FLOAT_CODE_CONSTANTS

run:
	NEXT_RUN

loop:
	VMOVUPS  (SRC), Z0
	VDIVPS   SCALE, Z0, Z0
	FLOAT_CODES
	VPMOVDB  Z1, (DST)
	ADDQ     $64, SRC
	ADDQ     $16, DST
	SUBQ     $16, N
	JNE      loop
	TESTQ    LEFT, LEFT
	JNE      run
	VZEROUPPER
	RET

//	for i, x := range src[:n] {
//		dst[i] = b.code(x / scale[i/run])
//	}
//
// func quantizeTableAVX512(dst *uint8, src *float32, n, run int, scale *float32, t *bookTables)
//
// n and run are multiples of 16. The codes of b are in the order of their values. The index
// of a value is found bit by bit: each level of limits has the one that tells the next.
TEXT ·quantizeTableAVX512(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DST
	MOVQ src+8(FP), SRC
	MOVQ n+16(FP), LEFT
	MOVQ run+24(FP), RUN
	MOVQ scale+32(FP), SCALES
	MOVQ t+40(FP), FORMAT
	TABLE_CONSTANTS

run:
	NEXT_RUN

loop:
	VMOVUPS     (SRC), Z0
	VDIVPS      SCALE, Z0, Z0
	TABLE_CODES
	VPMOVDB     Z1, (DST)
	ADDQ        $64, SRC
	ADDQ        $16, DST
	SUBQ        $16, N
	JNE         loop
	TESTQ       LEFT, LEFT
	JNE         run
	VZEROUPPER
	RET

//	for i, c := range src[:n] {
//		dst[i] = t.values[c%16] * scale[i/run]
//	}
//
// func dequantizeTableAVX512(dst *float32, src *uint8, n, run int, scale *float32, t *bookTables)
//
// n and run are multiples of 16.
TEXT ·dequantizeTableAVX512(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DST
	MOVQ src+8(FP), SRC
	MOVQ n+16(FP), LEFT
	MOVQ run+24(FP), RUN
	MOVQ scale+32(FP), SCALES
	MOVQ t+40(FP), FORMAT
	VALUE_CONSTANTS

run:
	NEXT_RUN

loop:
	TABLE_VALUES
	VMULPS    SCALE, Z0, Z0
	VMOVUPS   Z0, (DST)
	ADDQ      $16, SRC
	ADDQ      $64, DST
	SUBQ      $16, N
	JNE       loop
	TESTQ     LEFT, LEFT
	JNE       run
	VZEROUPPER
	RET

//	for i, c := range src[:n] {
//		if (c^flip)&keep >= special {
//			return i &^ 15
//		}
//		dst[i] = f.value(c) * scale[i/run]
//	}
//
// func dequantizeFloatsAVX512(dst *float32, src *uint8, n, run int, scale *float32, f *floatCode) int
//
// n and run are multiples of 16. A code is moved to where a float32 has its exponent and
// mantissa, and multiplied by a power of two; that is exact, for subnormal numbers too.
TEXT ·dequantizeFloatsAVX512(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DST
	MOVQ src+8(FP), SRC
	MOVQ n+16(FP), LEFT
	MOVQ run+24(FP), RUN
	MOVQ scale+32(FP), SCALES
	MOVQ f+40(FP), FORMAT
	FLOAT_VALUE_CONSTANTS
	MOVQ src+8(FP), BX

run:
	NEXT_RUN

loop:
	FLOAT_TEST
	JNE        special
	FLOAT_VALUES
	VMULPS     SCALE, Z1, Z1
	VMOVUPS    Z1, (DST)
	ADDQ       $16, SRC
	ADDQ       $64, DST
	SUBQ       $16, N
	JNE        loop
	TESTQ      LEFT, LEFT
	JNE        run

special:
	SUBQ BX, SRC
	MOVQ SRC, ret+48(FP)
	VZEROUPPER
	RET

//	for r := range rows {
//		for j, s := range scale[:cols] {
//			dst[r*stride+j] = uint8(f.code(src[r*stride+j] / s))
//		}
//	}
//
// func quantizeFloatsColumnsAVX512(dst *uint8, src *float32, rows, cols, stride int, scale *float32, f *floatCode)
//
// cols is a multiple of 16.
TEXT ·quantizeFloatsColumnsAVX512(SB), NOSPLIT, $0-56
	COLUMNS
	FLOAT_CODE_CONSTANTS

row:
	NEXT_ROW

loop:
	VMOVUPS (SRC), Z0
	VDIVPS  (SCALES), Z0, Z0
	FLOAT_CODES
	VPMOVDB  Z1, (DST)
	ADDQ    $64, SRC
	ADDQ    $64, SCALES
	ADDQ    $16, DST
	SUBQ    $16, N
	JNE     loop
	LEAQ    (SRC)(RUN*4), SRC
	ADDQ    RUN, DST
	DECQ    LEFT
	JNE     row
	VZEROUPPER
	RET

//	for r := range rows {
//		for j, s := range scale[:cols] {
//			dst[r*stride+j] = b.code(src[r*stride+j] / s)
//		}
//	}
//
// func quantizeTableColumnsAVX512(dst *uint8, src *float32, rows, cols, stride int, scale *float32, f *bookTables)
//
// cols is a multiple of 16. The codes of b are in the order of their values.
TEXT ·quantizeTableColumnsAVX512(SB), NOSPLIT, $0-56
	COLUMNS
	TABLE_CONSTANTS

row:
	NEXT_ROW

loop:
	VMOVUPS (SRC), Z0
	VDIVPS  (SCALES), Z0, Z0
	TABLE_CODES
	VPMOVDB  Z1, (DST)
	ADDQ    $64, SRC
	ADDQ    $64, SCALES
	ADDQ    $16, DST
	SUBQ    $16, N
	JNE     loop
	LEAQ    (SRC)(RUN*4), SRC
	ADDQ    RUN, DST
	DECQ    LEFT
	JNE     row
	VZEROUPPER
	RET

//	for r := range rows {
//		for j, s := range scale[:cols] {
//			dst[r*stride+j] = t.values[src[r*stride+j]%16] * s
//		}
//	}
//
// func dequantizeTableColumnsAVX512(dst *float32, src *uint8, rows, cols, stride int, scale *float32, f *bookTables)
//
// cols is a multiple of 16.
TEXT ·dequantizeTableColumnsAVX512(SB), NOSPLIT, $0-56
	COLUMNS
	VALUE_CONSTANTS

row:
	NEXT_ROW

loop:
	TABLE_VALUES
	VMULPS  (SCALES), Z0, Z0
	VMOVUPS Z0, (DST)
	ADDQ    $16, SRC
	ADDQ    $64, SCALES
	ADDQ    $64, DST
	SUBQ    $16, N
	JNE     loop
	ADDQ    RUN, SRC
	LEAQ    (DST)(RUN*4), DST
	DECQ    LEFT
	JNE     row
	VZEROUPPER
	RET

//	for r := range rows {
//		for j, s := range scale[:cols] {
//			if c := src[r*stride+j]; (c^flip)&keep >= special {
//				return r
//			}
//			dst[r*stride+j] = f.value(src[r*stride+j]) * s
//		}
//	}
//
// func dequantizeFloatsColumnsAVX512(dst *float32, src *uint8, rows, cols, stride int, scale *float32, f *floatCode) int
//
// cols is a multiple of 16.
TEXT ·dequantizeFloatsColumnsAVX512(SB), NOSPLIT, $0-64
	COLUMNS
	FLOAT_VALUE_CONSTANTS

row:
	NEXT_ROW

loop:
	FLOAT_TEST
	JNE     special
	FLOAT_VALUES
	VMULPS  (SCALES), Z1, Z1
	VMOVUPS Z1, (DST)
	ADDQ    $16, SRC
	ADDQ    $64, SCALES
	ADDQ    $64, DST
	SUBQ    $16, N
	JNE     loop
	ADDQ    RUN, SRC
	LEAQ    (DST)(RUN*4), DST
	DECQ    LEFT
	JNE     row

special:
	MOVQ rows+16(FP), BX
	SUBQ LEFT, BX
	MOVQ BX, ret+56(FP)
	VZEROUPPER
	RET
