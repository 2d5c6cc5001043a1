// What the kernels of codebooks with AVX-512 share: names of registers and macros.

#include "go_asm.h"
#include "textflag.h"
#include "kernels_avx512_amd64.h"

// Names of registers that these kernels add.
#define FORMAT   R12 // floatCode, or tables
#define ABSOLUTE Z31 // mask of all but the sign
#define EXPONENT Z30 // mask of the exponent
#define NORMAL   Z28 // bits of its smallest normal number
#define SIGN_BIT     Z26 // sign bit of a code
#define DROP     X24 // how far an exponent is moved down
#define TOP      X23 // how far a sign is moved down
#define MINUS    K3  // all ones if -0 has a code
#define LOW      Z18 // second part of the reciprocal
#define BOUND    Z19 // largest magnitude that is not clipped
#define SPREAD   Z20 // 2^drop
#define WEIGHTS  Z21 // 2^(drop-16) and 1, in words
#define BASE     Z22 // what PLACES is too large, in words
#define SIGNS    Z15 // sign bit of a code, in bytes
#define ORDER    Z14 // packOrderTwice
#define WEIGHT_BITS Z12 // drop - 16, in words
#define LEAST_SIGNED Z11 // least code of a magnitude that has a sign, in bytes
#define WORDS_1  Z25 // PLACES of 32 elements, as words
#define WORDS_2  Z29 // those of the next 32
#define MINUSES  K4  // which of these 64 elements are negative
#define PARAMS   R13 // what has the parameters of a run
#define ONE_INT  Z22 // 1
#define LEVEL_1  Z21 // limit in the middle of the table
#define LEVEL_2  Z18 // the two beside it
#define LEVEL_3  Z19 // the next four
#define LEVEL_4  Z20 // the last eight
#define TABLE    Z31 // 16 values
#define FACTOR   Z30 // 2^(127-bias)
#define REST     Z29 // mask of a sign and of what is below the exponents that a format lacks
#define SPECIAL  Z28 // first code that is no number, flipped, in bytes
#define SPECIAL_X X28 // its lowest quarter
#define SPECIAL_Y Y28 // its lower half
#define FLIP     Z27 // what is flipped first
#define FLIP_X   X27 // its lowest quarter
#define FLIP_Y   Y27 // its lower half
#define KEEP     Z26 // what is kept then
#define KEEP_X   X26 // its lowest quarter
#define KEEP_Y   Y26 // its lower half
#define TO_TOP   Z25 // how far a sign is moved up
#define TO_PLACE Z24 // how far it is then moved down
#define PRODUCT  Z23 // FACTOR times the scale

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
	MOVL floatCode_drop(FORMAT), CX \
	VMOVD CX, DROP \
	ADDL $127, CX \
	SHLL $23, CX \
	VPBROADCASTD CX, SPREAD \
	MOVL floatCode_sign(FORMAT), CX \
	MOVL $1, BX \
	SHLL CX, BX \
	VPBROADCASTD BX, SIGN_BIT \
	MOVL $31, BX \
	SUBL CX, BX \
	VMOVD BX, TOP \
	MOVLQSX floatCode_minus(FORMAT), BX \
	KMOVQ BX, MINUS \
	BROADCAST(0x7fffffff, ABSOLUTE) \
	BROADCAST(0x7f800000, EXPONENT)

// FLOAT_CODES makes codes in Z1 of the quotients in Z0.
#define FLOAT_CODES \
	VPANDD   ABSOLUTE, Z0, Z1 \
	VCMPPS   $3, Z0, Z0, K1 \
	VPMINUD.BCST floatCode_largest(FORMAT), Z1, Z1 \
	VPANDD   EXPONENT, Z1, Z2 \
	VPMAXUD  NORMAL, Z2, Z2 \
	VMULPS   SPREAD, Z2, Z3 \
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
	VPBROADCASTD floatCode_nan(FORMAT), K1, Z1

// FAST_CONSTANTS loads what CODES_64 needs besides FLOAT_CODE_CONSTANTS.
#define FAST_CONSTANTS \
	VMOVDQU32 packOrderTwice<>(SB), ORDER \
	MOVL floatCode_drop(FORMAT), CX \
	MOVL floatCode_normal(FORMAT), BX \
	SHRL $23, BX \
	ADDL CX, BX \
	SHLL $7, BX \
	VPBROADCASTW BX, BASE \
	SUBL $16, CX \
	VPBROADCASTW CX, WEIGHT_BITS \
	MOVL $1, BX \
	SHLL CX, BX \
	ORL  $0x10000, BX \
	VPBROADCASTD BX, WEIGHTS \
	MOVL floatCode_sign(FORMAT), CX \
	MOVL $1, BX \
	SHLL CX, BX \
	VPBROADCASTB BX, SIGNS \
	MOVL floatCode_minus(FORMAT), BX \
	INCL BX \
	VPBROADCASTB BX, LEAST_SIGNED

// PREPARE_FLOATS takes scales in SCALE. It sets RECIP, LOW and BOUND, and K1 to the scales that
// PLACES does not serve, see "Codebooks" in kernels.go. It uses Z0, K2 and AX.
#define PREPARE_FLOATS \
	BROADCAST(oneBits, LOW)             \
	VDIVPS       SCALE, LOW, RECIP      \
	VFNMADD231PS SCALE, RECIP, LOW      \
	VMULPS       RECIP, LOW, LOW        \
	VMULPS.BCST  floatCode_largest(FORMAT), SCALE, BOUND \
	MOVL         $-scaleLeast, AX       \
	VPBROADCASTD AX, Z0                 \
	VPADDD       SCALE, Z0, Z0          \
	MOVL         $scaleSpan, AX         \
	VPBROADCASTD AX, Z1                 \
	VPCMPUD      $6, Z1, Z0, K1         \
	MOVL         $6, AX                 \
	VPBROADCASTD AX, Z0                 \
	VPADDD       SCALE, Z0, Z0          \
	MOVL         $lowBits20, AX         \
	VPBROADCASTD AX, Z1                 \
	VPANDD       Z1, Z0, Z0             \
	VPTESTMD     Z1, SCALE, K2          \
	MOVL         $12, AX                \
	VPBROADCASTD AX, Z1                 \
	VPCMPUD      $2, Z1, Z0, K2, K2     \
	KORW         K2, K1, K1

// LOAD_64 loads 64 elements. The flags tell whether one is NaN: JNE jumps if so.
#define LOAD_64 \
	VMOVUPS  0(SRC), Z0     \
	VMOVUPS  64(SRC), Z1    \
	VMOVUPS  128(SRC), Z2   \
	VMOVUPS  192(SRC), Z3   \
	VCMPPS   $3, Z1, Z0, K1 \
	VCMPPS   $3, Z3, Z2, K2 \
	KORTESTW K1, K2

// NEXT_64 goes on by 64 elements.
#define NEXT_64 \
	ADDQ $256, SRC \
	ADDQ $64, DST  \
	SUBQ $64, N

// The codes of 64 elements take many steps that wait for one another, and a core looks only so
// far ahead. So the last steps of 64 elements stand between the first steps of the next 64.
//
// The first steps leave in Z4 to Z7 the codes of the magnitudes of the elements in Z0 to Z3, times
// 2^(drop-16) and plus BASE. In MINUSES they leave the signs. The parameters of each 16 elements
// are registers or memory. If they are words of memory, the instructions end in .BCST.
#define BOUNDED(LIMIT, b0, b1, b2, b3) \
	LIMIT $10, b0, Z0, Z4 \
	LIMIT $10, b1, Z1, Z5 \
	LIMIT $10, b2, Z2, Z6 \
	LIMIT $10, b3, Z3, Z7

#define LOW_PARTS(MUL, l0, l1, l2, l3) \
	MUL l0, Z4, Z8  \
	MUL l1, Z5, Z9  \
	MUL l2, Z6, Z10 \
	MUL l3, Z7, Z13

#define QUOTIENTS(ADD, r0, r1, r2, r3) \
	ADD r0, Z4, Z8  \
	ADD r1, Z5, Z9  \
	ADD r2, Z6, Z10 \
	ADD r3, Z7, Z13

#define PACK_SIGNS \
	VPACKSSDW Z1, Z0, Z0 \
	VPACKSSDW Z3, Z2, Z2 \
	VPACKSSWB Z2, Z0, Z0

#define EXPONENTS \
	VPANDD EXPONENT, Z8, Z4  \
	VPANDD EXPONENT, Z9, Z5  \
	VPANDD EXPONENT, Z10, Z6 \
	VPANDD EXPONENT, Z13, Z7

#define NORMALS \
	VPMAXUD NORMAL, Z4, Z4 \
	VPMAXUD NORMAL, Z5, Z5 \
	VPMAXUD NORMAL, Z6, Z6 \
	VPMAXUD NORMAL, Z7, Z7

#define ROUND \
	VFMADD231PS SPREAD, Z4, Z8  \
	VFMADD231PS SPREAD, Z5, Z9  \
	VFMADD231PS SPREAD, Z6, Z10 \
	VFMADD231PS SPREAD, Z7, Z13

#define PLACES \
	VPMADDWD WEIGHTS, Z8, Z4  \
	VPMADDWD WEIGHTS, Z9, Z5  \
	VPMADDWD WEIGHTS, Z10, Z6 \
	VPMADDWD WEIGHTS, Z13, Z7

#define KEEP_SIGNS \
	VPMOVB2M Z0, MINUSES

// The last steps store the codes before DST.
#define PACK_WORDS \
	VPACKSSDW Z5, Z4, WORDS_1 \
	VPACKSSDW Z7, Z6, WORDS_2

#define TAKE_BASE \
	VPSUBW BASE, WORDS_1, WORDS_1 \
	VPSUBW BASE, WORDS_2, WORDS_2

#define TAKE_WEIGHT \
	VPSRLVW WEIGHT_BITS, WORDS_1, WORDS_1 \
	VPSRLVW WEIGHT_BITS, WORDS_2, WORDS_2

#define PACK_BYTES \
	VPACKUSWB WORDS_2, WORDS_1, WORDS_1

#define ADD_SIGNS \
	VPCMPUB $5, LEAST_SIGNED, WORDS_1, MINUSES, K2 \
	VPADDB  SIGNS, WORDS_1, K2, WORDS_1

#define STORE_64 \
	VPERMD    WORDS_1, ORDER, WORDS_1 \
	VMOVDQU64 WORDS_1, -64(DST)

// FIRST_64 does the first steps.
#define FIRST_64(LIMIT, MUL, ADD, b0, b1, b2, b3, l0, l1, l2, l3, r0, r1, r2, r3) \
	BOUNDED(LIMIT, b0, b1, b2, b3) \
	LOW_PARTS(MUL, l0, l1, l2, l3) \
	PACK_SIGNS                     \
	QUOTIENTS(ADD, r0, r1, r2, r3) \
	KEEP_SIGNS                     \
	EXPONENTS                      \
	NORMALS                        \
	ROUND                          \
	PLACES

// LAST_64 does the last steps.
#define LAST_64 \
	PACK_WORDS  \
	TAKE_BASE   \
	TAKE_WEIGHT \
	PACK_BYTES  \
	ADD_SIGNS   \
	STORE_64

// STEP_64 does the last steps, and the first steps of the next 64 elements.
#define STEP_64(LIMIT, MUL, ADD, b0, b1, b2, b3, l0, l1, l2, l3, r0, r1, r2, r3) \
	PACK_WORDS                     \
	BOUNDED(LIMIT, b0, b1, b2, b3) \
	TAKE_BASE                      \
	LOW_PARTS(MUL, l0, l1, l2, l3) \
	TAKE_WEIGHT                    \
	PACK_SIGNS                     \
	QUOTIENTS(ADD, r0, r1, r2, r3) \
	PACK_BYTES                     \
	EXPONENTS                      \
	ADD_SIGNS                      \
	NORMALS                        \
	STORE_64                       \
	ROUND                          \
	KEEP_SIGNS                     \
	PLACES

// DIVIDE_16 stores the codes of 16 elements off places after SRC, divided by what scale has.
#define DIVIDE_16(off, scale) \
	VMOVUPS (off*4)(SRC), Z0 \
	VDIVPS  scale, Z0, Z0    \
	FLOAT_CODES              \
	VPMOVDB Z1, off(DST)

// TABLE_CONSTANTS loads what TABLE_CODES needs.
#define TABLE_CONSTANTS \
	VBROADCASTSS bookTables_limits+0(FORMAT), LEVEL_1 \
	VMOVUPS bookTables_limits+32(FORMAT), Y18 \
	VMOVUPS bookTables_limits+64(FORMAT), Y19 \
	VMOVUPS bookTables_limits+96(FORMAT), Y20 \
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
	VPBROADCASTD bookTables_nan(FORMAT), K1, Z1

// VALUE_CONSTANTS loads what TABLE_VALUES needs.
#define VALUE_CONSTANTS \
	VMOVUPS bookTables_values(FORMAT), TABLE

// TABLE_VALUES looks up the values of the codes at SRC, in Z0.
#define TABLE_VALUES \
	VPMOVZXBD (SRC), Z0 \
	VPERMPS   TABLE, Z0, Z0

// FLOAT_VALUE_CONSTANTS loads what FLOAT_TEST and FLOAT_VALUES need.
#define FLOAT_VALUE_CONSTANTS \
	MOVL floatCode_sign(FORMAT), CX \
	MOVL $31, BX \
	SUBL CX, BX \
	VPBROADCASTD BX, TO_TOP \
	SUBL floatCode_drop(FORMAT), BX \
	VPBROADCASTD BX, TO_PLACE \
	MOVL $1, BX \
	SHLL CX, BX \
	DECL BX \
	MOVL floatCode_drop(FORMAT), CX \
	SHLL CX, BX \
	ORL  $0x80000000, BX \
	VPBROADCASTD BX, REST \
	MOVL floatCode_normal(FORMAT), BX \
	ADDL $(126<<23), BX \
	VPBROADCASTD BX, FACTOR \
	VPBROADCASTB floatCode_special(FORMAT), SPECIAL \
	VPBROADCASTB floatCode_flip(FORMAT), FLIP \
	VPBROADCASTB floatCode_keep(FORMAT), KEEP

// FLOAT_TEST tells whether one of the codes in z is no number: JNE jumps if so. z may be a half
// or a quarter of a register, and the other arguments that of Z2, FLIP, KEEP and SPECIAL.
#define FLOAT_TEST(z, t, flip, keep, special) \
	VPXORD   flip, z, t          \
	VPANDD   keep, t, t          \
	VPCMPUB  $5, special, t, K1  \
	KORTESTQ K1, K1

// FLOAT_VALUES makes in z the values of the 16 codes at off(SRC), divided by FACTOR.
#define FLOAT_VALUES(off, z) \
	VPMOVZXBD off(SRC), z     \
	VPSLLVD   TO_TOP, z, z    \
	VPSRAVD   TO_PLACE, z, z  \
	VPANDD    REST, z, z

// MULTIPLY_16 stores the values of 16 codes, with a product that may exceed all float32 numbers
// if it is multiplied by FACTOR in advance.
#define MULTIPLY_16(scale) \
	FLOAT_VALUES(0, Z0)      \
	VMULPS  FACTOR, Z0, Z0   \
	VMULPS  scale, Z0, Z0    \
	VMOVUPS Z0, (DST)        \
	ADDQ    $16, SRC         \
	ADDQ    $64, DST         \
	SUBQ    $16, N

// VALUES_64 stores the values of 64 codes. Its arguments are 2^(127-bias) times their scales.
#define VALUES_64(s0, s1, s2, s3) \
	FLOAT_VALUES(0, Z0)     \
	FLOAT_VALUES(16, Z1)    \
	FLOAT_VALUES(32, Z2)    \
	FLOAT_VALUES(48, Z3)    \
	VMULPS  s0, Z0, Z0      \
	VMULPS  s1, Z1, Z1      \
	VMULPS  s2, Z2, Z2      \
	VMULPS  s3, Z3, Z3      \
	VMOVUPS Z0, 0(DST)      \
	VMOVUPS Z1, 64(DST)     \
	VMOVUPS Z2, 128(DST)    \
	VMOVUPS Z3, 192(DST)    \
	ADDQ    $64, SRC        \
	ADDQ    $256, DST       \
	SUBQ    $64, N
