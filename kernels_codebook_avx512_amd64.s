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
#define SPECIAL  Z28 // first code that is no number

// NEXT_RUN broadcasts the next scale, and sets N to the elements of its run.
#define NEXT_RUN \
	VBROADCASTSS (SCALES), SCALE \
	ADDQ         $4, SCALES      \
	MOVQ         RUN, N          \
	CMPQ         LEFT, N         \
	CMOVQLT      LEFT, N         \
	SUBQ         N, LEFT

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
	VPBROADCASTD floatCode_normal(FORMAT), NORMAL
	VPBROADCASTD floatCode_largest(FORMAT), LARGEST
	VPBROADCASTD floatCode_nan(FORMAT), NAN_CODE
	MOVL floatCode_drop(FORMAT), CX
	VMOVD CX, DROP
	SHLL $23, CX
	VPBROADCASTD CX, PLACE
	MOVL floatCode_sign(FORMAT), CX
	MOVL $1, BX
	SHLL CX, BX
	VPBROADCASTD BX, SIGN_BIT
	MOVL $31, BX
	SUBL CX, BX
	VMOVD BX, TOP
	MOVL floatCode_minus(FORMAT), BX
	KMOVW BX, MINUS
	BROADCAST(0x7fffffff, ABSOLUTE)
	BROADCAST(0x7f800000, EXPONENT)

run:
	NEXT_RUN

loop:
	VMOVUPS  (SRC), Z0
	VDIVPS   SCALE, Z0, Z0
	VPANDD   ABSOLUTE, Z0, Z1
	VCMPPS   $3, Z0, Z0, K1     // NaN
	VPMINUD  LARGEST, Z1, Z1
	VPANDD   EXPONENT, Z1, Z2
	VPMAXUD  NORMAL, Z2, Z2
	VPADDD   PLACE, Z2, Z3
	VADDPS   Z3, Z1, Z1
	VPSUBD   Z3, Z1, Z1
	VPSUBD   NORMAL, Z2, Z2
	VPSRLD   DROP, Z2, Z2
	VPADDD   Z2, Z1, Z1
	VPSRLD   TOP, Z0, Z0
	VPANDD   SIGN_BIT, Z0, Z0
	VPTESTMD Z1, Z1, K2
	KORW     MINUS, K2, K2
	VPORD    Z0, Z1, K2, Z1
	VMOVDQA32 NAN_CODE, K1, Z1
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
	VBROADCASTSS bookTables_limits+0(FORMAT), LEVEL_1
	VMOVUPS bookTables_limits+32(FORMAT), Y18
	VMOVUPS bookTables_limits+64(FORMAT), Y19
	VMOVUPS bookTables_limits+96(FORMAT), Y20
	VPBROADCASTD bookTables_nan(FORMAT), NAN_CODE
	BROADCAST(1, ONE_INT)

run:
	NEXT_RUN

loop:
	VMOVUPS     (SRC), Z0
	VDIVPS      SCALE, Z0, Z0
	VCMPPS      $3, Z0, Z0, K1       // NaN
	VCMPPS      $30, LEVEL_1, Z0, K2 // above
	VMOVDQA32.Z ONE_INT, K2, Z1
	VPERMPS     LEVEL_2, Z1, Z2
	VPADDD      Z1, Z1, Z1
	VCMPPS      $30, Z2, Z0, K2
	VPADDD      ONE_INT, Z1, K2, Z1
	VPERMPS     LEVEL_3, Z1, Z2
	VPADDD      Z1, Z1, Z1
	VCMPPS      $30, Z2, Z0, K2
	VPADDD      ONE_INT, Z1, K2, Z1
	VPERMPS     LEVEL_4, Z1, Z2
	VPADDD      Z1, Z1, Z1
	VCMPPS      $30, Z2, Z0, K2
	VPADDD      ONE_INT, Z1, K2, Z1
	VMOVDQA32   NAN_CODE, K1, Z1
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
	VMOVUPS bookTables_values(FORMAT), TABLE

run:
	NEXT_RUN

loop:
	VPMOVZXBD (SRC), Z0
	VPERMPS   TABLE, Z0, Z0
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
//		if c&rest >= special {
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
	MOVL floatCode_drop(FORMAT), CX
	VMOVD CX, DROP
	MOVL floatCode_sign(FORMAT), CX
	MOVL $1, BX
	SHLL CX, BX
	DECL BX
	VPBROADCASTD BX, REST
	MOVL $31, BX
	SUBL CX, BX
	VMOVD BX, TOP
	MOVL floatCode_normal(FORMAT), BX
	ADDL $(126<<23), BX
	VPBROADCASTD BX, FACTOR
	VPBROADCASTD floatCode_special(FORMAT), SPECIAL
	BROADCAST(0x80000000, ABSOLUTE)
	MOVQ src+8(FP), BX

run:
	NEXT_RUN

loop:
	VPMOVZXBD  (SRC), Z0
	VPANDD     REST, Z0, Z1
	VPCMPUD    $5, SPECIAL, Z1, K1 // not below
	KORTESTW   K1, K1
	JNE        special
	VPSLLD     TOP, Z0, Z0
	VPSLLD     DROP, Z1, Z1
	VPANDD     ABSOLUTE, Z0, Z0    // the sign
	VMULPS     FACTOR, Z1, Z1
	VPORD      Z0, Z1, Z1
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
