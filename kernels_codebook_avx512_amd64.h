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
#define RUNS     R15 // runs of the 16 that are prepared that are not done
#define ONE_INT  Z22 // 1
#define LEVEL_1  Z21 // limit in the middle of the table
#define LEVEL_2  Z18 // the two beside it
#define LEVEL_3  Z19 // the next four
#define LEVEL_4  Z20 // the last eight
#define BINS     Z30 // what takes words to codes, for each bin
#define BELOW_CODE Z29 // mask of what is below a code in a word
#define SIGN     Z28 // mask of the sign of a float32
#define AWAY     Z15 // awayFromZero
#define CODE_MAP Z13 // the codes in the order of their values
#define MAGNITUDE Z27 // mask of what is compared with limits
#define SIGN_CODE Z26 // 0, or the sign bit of a code
#define NIBBLES  Z24 // weights of two codes, in bytes
#define NIBBLES_X X24 // their lowest quarter
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

#define STORE_64(STORE) \
	VPERMD    WORDS_1, ORDER, WORDS_1 \
	STORE     WORDS_1, -64(DST)

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
	STORE_64(VMOVDQU64)

// STEP_64 does the last steps, and the first steps of the next 64 elements.
#define STEP_64(STORE, LIMIT, MUL, ADD, b0, b1, b2, b3, l0, l1, l2, l3, r0, r1, r2, r3) \
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
	STORE_64(STORE)                \
	ROUND                          \
	KEEP_SIGNS                     \
	PLACES

// DIVIDE_16 stores the codes of 16 elements off places after SRC, divided by what scale has.
#define DIVIDE_16(off, scale) \
	VMOVUPS (off*4)(SRC), Z0 \
	VDIVPS  scale, Z0, Z0    \
	FLOAT_CODES              \
	VPMOVDB Z1, off(DST)

// TABLE_CONSTANTS loads what kernels need that quantize to a table.
#define TABLE_CONSTANTS \
	VBROADCASTSS bookTables_limits+0(FORMAT), LEVEL_1 \
	VMOVUPS bookTables_limits+32(FORMAT), Y18 \
	VMOVUPS bookTables_limits+64(FORMAT), Y19 \
	VMOVUPS bookTables_limits+96(FORMAT), Y20 \
	VPBROADCASTD bookTables_tableBins+tableBins_magnitude(FORMAT), MAGNITUDE \
	VPBROADCASTD bookTables_tableBins+tableBins_sign(FORMAT), SIGN_CODE \
	VMOVDQU32 bookTables_tableBins+tableBins_bins(FORMAT), BINS \
	VMOVDQU32 packOrderTwice<>(SB), ORDER \
	BROADCAST(belowCodeWords, BELOW_CODE) \
	BROADCAST(signBit, SIGN) \
	BROADCAST(awayBits, AWAY) \
	VBROADCASTI32X4 bookTables_tableBins+tableBins_order(FORMAT), CODE_MAP \
	BROADCAST(weights4, NIBBLES) \
	BROADCAST(1, ONE_INT)

// PREPARE_TABLE takes scales in SCALE, and sets RECIP to the factor of the bins divided by them,
// or to NaN for scales that the bins do not serve. It uses Z0, Z1, K1 and AX.
#define PREPARE_TABLE \
	VBROADCASTSS bookTables_tableBins+tableBins_factor(FORMAT), Z0 \
	VDIVPS       SCALE, Z0, RECIP \
	BROADCAST(scaleLeast, Z1)     \
	VPSUBD       Z1, SCALE, Z0    \
	BROADCAST(scaleSpan, Z1)      \
	VPCMPUD      $6, Z1, Z0, K1   \
	VPTERNLOGD   $0xff, RECIP, RECIP, K1, RECIP

// LOAD_16_TIMES loads the 16 elements off bytes after SRC, and sets z to their products with what
// PREPARE_TABLE made of their scales. If that is a word of memory, MUL ends in .BCST.
#define LOAD_16_TIMES(off, MUL, y, z) \
	VMOVUPS off(SRC), z \
	MUL     y, z, z

// LOAD_16_AWAY is LOAD_16_TIMES for codes that are a sign and a magnitude. It takes the products
// away from zero: to their magnitudes it adds AWAY. FMA is VFMADD132PS.
#define LOAD_16_AWAY(off, FMA, y, z) \
	VMOVUPS    off(SRC), z       \
	VMOVAPS    z, Z0             \
	VPTERNLOGD $0xea, AWAY, SIGN, Z0 \
	FMA        y, Z0, z

// FIND_64 makes words of the products in Z4 to Z7. A word tells its bin. The kernel adds to the words
// what their bins have, so that the upper 4 bits of words in Z4 and Z6 are the indices of the
// nearest values. K1 and K2 have the words next to a limit, and the flags tell whether there are
// any: JNE jumps if so.
#define FIND_64 \
	VCVTPS2DQ Z4, Z4          \
	VCVTPS2DQ Z5, Z5          \
	VCVTPS2DQ Z6, Z6          \
	VCVTPS2DQ Z7, Z7          \
	VPACKSSDW Z5, Z4, Z4      \
	VPACKSSDW Z7, Z6, Z6      \
	VPSRLW    $11, Z4, Z5     \
	VPSRLW    $11, Z6, Z7     \
	VPERMW    BINS, Z5, Z5    \
	VPERMW    BINS, Z7, Z7    \
	VPADDW    Z5, Z4, Z4      \
	VPADDW    Z7, Z6, Z6      \
	VPTESTNMW BELOW_CODE, Z4, K1 \
	VPTESTNMW BELOW_CODE, Z6, K2 \
	KORTESTD  K1, K2

// FIND_16 does so for the products in Z4.
#define FIND_16 \
	VCVTPS2DQ Z4, Z4          \
	VPACKSSDW Z4, Z4, Z4      \
	VPSRLW    $11, Z4, Z5     \
	VPERMW    BINS, Z5, Z5    \
	VPADDW    Z5, Z4, Z4      \
	VPTESTNMW BELOW_CODE, Z4, K1 \
	KORTESTD  K1, K1

// INDICES_64 leaves in Z4 the upper 4 bits of the words in Z4 and Z6, and INDICES_16 those of the
// words in Z4. MAPPED_64 and MAPPED_16 turn them into codes.
#define INDICES_64 \
	VPSRLW    $12, Z4, Z4 \
	VPSRLW    $12, Z6, Z6 \
	VPACKUSWB Z6, Z4, Z4  \
	VPERMD    Z4, ORDER, Z4

#define INDICES_16 \
	VPSRLW    $12, Z4, Z4 \
	VPACKUSWB Z4, Z4, Z4  \
	VPERMD    Z4, ORDER, Z4

#define MAPPED_64 \
	INDICES_64          \
	VPSHUFB   Z4, CODE_MAP, Z4

#define MAPPED_16 \
	INDICES_16          \
	VPSHUFB   Z4, CODE_MAP, Z4

// TABLE_CODES makes codes in Z1 of the quotients in Z0. The index of a value is found bit by
// bit: each level of limits has the one that tells the next.
#define TABLE_CODES \
	VCMPPS      $3, Z0, Z0, K1 \
	VPSRLD      $28, Z0, Z3 \
	VPANDD      SIGN_CODE, Z3, Z3 \
	VPANDD      MAGNITUDE, Z0, Z0 \
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
	VPORD       Z3, Z1, Z1 \
	VPBROADCASTD bookTables_nan(FORMAT), K1, Z1

// DIVIDE_TABLE makes codes in X1 of the 16 elements off places after SRC, divided by scale.
#define DIVIDE_TABLE(off, scale) \
	VMOVUPS (off*4)(SRC), Z0 \
	VDIVPS  scale, Z0, Z0    \
	TABLE_CODES              \
	VPMOVDB Z1, X1

// REDO replaces in Z4 the codes of 16 of 64 elements if mask has one of the words in AX: the
// quarter place of Z4. A word has the place that VPACKSSDW gave it.
#define REDO(mask, off, scale, place, done) \
	TESTL $mask, AX                 \
	JEQ   done                      \
	DIVIDE_TABLE(off, scale)        \
	VINSERTI32X4 $place, X1, Z4, Z4 \
done:

// REDO_64 makes codes in Z4 of the words in Z4 and Z6, and divides where the masks K1 and K2 have
// a word. s0 to s3 are the scales.
#define REDO_64(CODES_64, s0, s1, s2, s3) \
	KUNPCKDQ K1, K2, K3           \
	KMOVQ    K3, AX               \
	CODES_64                      \
	REDO(0x0f0f0f0f, 0, s0, 0, redone0)  \
	REDO(0xf0f0f0f0, 16, s1, 1, redone1) \
	SHRQ     $32, AX              \
	REDO(0x0f0f0f0f, 32, s2, 2, redone2) \
	REDO(0xf0f0f0f0, 48, s3, 3, redone3)

// TABLE_RUNS is a kernel of runs, for one kind of table.
//
// The parameters of 16 runs are prepared at a time: the frame has their scales at 0, and what
// PREPARE_TABLE makes of them at 64. Runs of 32 elements are done two at a time, and runs of 16
// four at a time: PARAMS, AT_1, AT_2 and AT_3 tell where the parameters of each 16 of the next 64
// elements are. In other runs they are the same. Where a limit is too near, 16
// elements are divided. The arguments packed and stream are two bytes, one behind the other.
#define AT_1 BX  // from PARAMS to the parameters of the second 16 elements
#define AT_2 R10 // of the third
#define AT_3 R14 // of the fourth
#define AT   R8  // of the next 16 elements of a rest
#define TABLE_RUNS(LOAD, MUL, CODES_64, CODES_16) \
	MOVQ dst+0(FP), DST                 \
	MOVQ src+8(FP), SRC                 \
	MOVQ n+16(FP), LEFT                 \
	MOVQ run+24(FP), RUN                \
	MOVQ scale_base+32(FP), SCALES      \
	MOVQ scale_len+40(FP), PARAMS_LEFT  \
	MOVQ t+56(FP), FORMAT               \
	TABLE_CONSTANTS                     \
params:                                     \
	MOVQ    $16, RUNS                   \
	CMPQ    PARAMS_LEFT, RUNS           \
	CMOVQLT PARAMS_LEFT, RUNS           \
	SUBQ    RUNS, PARAMS_LEFT           \
	MASK(RUNS, K1)                      \
	BROADCAST(oneBits, SCALE)           \
	VMOVUPS (SCALES), K1, SCALE         \
	ADDQ    $64, SCALES                 \
	VMOVUPS SCALE, 0(SP)                \
	PREPARE_TABLE                       \
	VMOVUPS RECIP, 64(SP)               \
	MOVQ    SP, PARAMS                  \
	XORL    AT_1, AT_1                  \
	XORL    AT_2, AT_2                  \
	XORL    AT_3, AT_3                  \
	CMPQ    RUN, $32                    \
	JEQ     pairs                       \
	CMPQ    RUN, $16                    \
	JEQ     quads                       \
	SUBQ    $4, PARAMS                  \
nextrun:                                    \
	TESTQ   RUNS, RUNS                  \
	JZ      nextparams                  \
	DECQ    RUNS                        \
	ADDQ    $4, PARAMS                  \
	MOVQ    RUN, N                      \
	CMPQ    LEFT, N                     \
	CMOVQLT LEFT, N                     \
	SUBQ    N, LEFT                     \
	SUBQ    $64, N                      \
	JB      rest                        \
loop:                                       \
	LOAD(0, MUL, 64(PARAMS), Z4)            \
	LOAD(64, MUL, 64(PARAMS)(AT_1*1), Z5)   \
	LOAD(128, MUL, 64(PARAMS)(AT_2*1), Z6)  \
	LOAD(192, MUL, 64(PARAMS)(AT_3*1), Z7)  \
	FIND_64                             \
	JNE     near                        \
	CODES_64                            \
store:                                      \
	CMPW    packed+64(FP), $0           \
	JNE     other                       \
bytes:                                      \
	VMOVDQU64 Z4, (DST)                 \
	ADDQ    $64, DST                    \
next:                                       \
	ADDQ    $256, SRC                   \
	LEAQ    (PARAMS)(AT_2*2), PARAMS    \
	SUBQ    $64, N                      \
	JAE     loop                        \
rest:                                       \
	ADDQ    $64, N                      \
	JZ      nextrun                     \
	XORL    AT, AT                      \
rest16:                                     \
	LOAD(0, MUL, 64(PARAMS)(AT*1), Z4)  \
	FIND_16                             \
	JNE     near16                      \
	CODES_16                            \
store16:                                    \
	CMPB    packed+64(FP), $0           \
	JNE     nibbles16                   \
	VMOVDQU X4, (DST)                   \
	ADDQ    $16, DST                    \
next16:                                     \
	ADDQ    $64, SRC                    \
	MOVQ    AT_1, AT                    \
	MOVQ    AT_2, AT_1                  \
	SUBQ    $16, N                      \
	JNE     rest16                      \
	MOVQ    run+24(FP), RUN             \
	JMP     nextrun                     \
other:                                      \
	CMPB    packed+64(FP), $0           \
	JNE     nibbles                     \
	TESTQ   $63, DST                    \
	JNE     bytes                       \
	VMOVNTDQ Z4, (DST)                  \
	ADDQ    $64, DST                    \
	JMP     next                        \
nibbles:                                    \
	VPMADDUBSW NIBBLES, Z4, Z4          \
	VPMOVWB Z4, Y4                      \
	VMOVDQU Y4, (DST)                   \
	ADDQ    $32, DST                    \
	JMP     next                        \
nibbles16:                                  \
	VPMADDUBSW NIBBLES_X, X4, X4        \
	VPMOVWB X4, X4                      \
	VMOVQ   X4, (DST)                   \
	ADDQ    $8, DST                     \
	JMP     next16                      \
pairs:                                      \
	MOVQ    $4, AT_2                    \
	JMP     several                     \
quads:                                      \
	MOVQ    $4, AT_1                    \
	MOVQ    $8, AT_2                    \
several:                                    \
	LEAQ    (AT_1)(AT_2*1), AT_3        \
	MOVQ    RUN, N                      \
	IMULQ   RUNS, N                     \
	CMPQ    LEFT, N                     \
	CMOVQLT LEFT, N                     \
	SUBQ    N, LEFT                     \
	XORL    RUNS, RUNS                  \
	SUBQ    $64, N                      \
	JAE     loop                        \
	JMP     rest                        \
near:                                       \
	VBROADCASTSS (PARAMS), Z8           \
	VBROADCASTSS (PARAMS)(AT_1*1), Z9   \
	VBROADCASTSS (PARAMS)(AT_2*1), Z10  \
	VBROADCASTSS (PARAMS)(AT_3*1), Z11  \
	REDO_64(CODES_64, Z8, Z9, Z10, Z11)           \
	JMP     store                       \
near16:                                     \
	VBROADCASTSS (PARAMS)(AT*1), Z8     \
	DIVIDE_TABLE(0, Z8)                 \
	VMOVDQA X1, X4                      \
	JMP     store16                     \
nextparams:                                 \
	TESTQ   LEFT, LEFT                  \
	JNE     params                      \
	VZEROUPPER                          \
	RET

// TABLE_COLUMNS is a kernel of columns, for one kind of table. Where a
// limit is too near, 16 elements are divided.
#define TABLE_COLUMNS(LOAD, MUL, CODES_64, CODES_16) \
	COLUMNS                           \
	TABLE_CONSTANTS                   \
row:                                      \
	NEXT_ROW                          \
	MOVQ buf+56(FP), PARAMS           \
	SUBQ $64, N                       \
	JB   rest                         \
loop:                                     \
	LOAD(0, MUL, 0(PARAMS), Z4)       \
	LOAD(64, MUL, 64(PARAMS), Z5)     \
	LOAD(128, MUL, 128(PARAMS), Z6)   \
	LOAD(192, MUL, 192(PARAMS), Z7)   \
	FIND_64                           \
	JNE  near                         \
	CODES_64                          \
	VMOVDQU64 Z4, (DST)               \
next:                                     \
	ADDQ $256, SRC                    \
	ADDQ $64, DST                     \
	ADDQ $256, SCALES                 \
	ADDQ $256, PARAMS                 \
	SUBQ $64, N                       \
	JAE  loop                         \
rest:                                     \
	ADDQ $64, N                       \
	JZ   nextrow                      \
rest16:                                   \
	LOAD(0, MUL, (PARAMS), Z4)        \
	FIND_16                           \
	JNE     near16                    \
	CODES_16                          \
	VMOVDQU X4, (DST)                 \
next16:                                   \
	ADDQ $64, SRC                     \
	ADDQ $16, DST                     \
	ADDQ $64, SCALES                  \
	ADDQ $64, PARAMS                  \
	SUBQ $16, N                       \
	JNE  rest16                       \
nextrow:                                  \
	LEAQ (SRC)(RUN*4), SRC            \
	ADDQ RUN, DST                     \
	DECQ LEFT                         \
	JNE  row                          \
	VZEROUPPER                        \
	RET                               \
near:                                     \
	REDO_64(CODES_64, 0(SCALES), 64(SCALES), 128(SCALES), 192(SCALES)) \
	VMOVDQU64 Z4, (DST)               \
	JMP  next                         \
near16:                                   \
	DIVIDE_TABLE(0, 0(SCALES))        \
	VMOVDQU X1, (DST)                 \
	JMP  next16

// VALUE_CONSTANTS loads what TABLE_VALUES needs.
#define VALUE_CONSTANTS \
	VMOVUPS bookTables_values(FORMAT), TABLE

// TABLE_VALUES looks up the values of the 16 codes off bytes after SRC in table, in z.
#define TABLE_VALUES(off, table, z) \
	VPMOVZXBD off(SRC), z \
	VPERMPS   table, z, z

// TABLE_VALUES_64 does so for 64 codes, in Z0 to Z3.
#define TABLE_VALUES_64(table) \
	TABLE_VALUES(0, table, Z0)  \
	TABLE_VALUES(16, table, Z1) \
	TABLE_VALUES(32, table, Z2) \
	TABLE_VALUES(48, table, Z3)

// STORE_VALUES_64 stores the values in Z0 to Z3, and goes on by 64 codes.
#define STORE_VALUES_64(STORE) \
	STORE   Z0, 0(DST)   \
	STORE   Z1, 64(DST)  \
	STORE   Z2, 128(DST) \
	STORE   Z3, 192(DST) \
	ADDQ    $64, SRC     \
	ADDQ    $256, DST    \
	SUBQ    $64, N

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
#define VALUES_64(STORE, s0, s1, s2, s3) \
	FLOAT_VALUES(0, Z0)     \
	FLOAT_VALUES(16, Z1)    \
	FLOAT_VALUES(32, Z2)    \
	FLOAT_VALUES(48, Z3)    \
	VMULPS  s0, Z0, Z0      \
	VMULPS  s1, Z1, Z1      \
	VMULPS  s2, Z2, Z2      \
	VMULPS  s3, Z3, Z3      \
	STORE_VALUES_64(STORE)
