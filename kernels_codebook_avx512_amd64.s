//go:build !purego

// Codebooks with AVX-512: codes of floating-point formats by arithmetic, and tables of 16
// values by permutation.

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

//	for i, x := range src[:n] {
//		dst[i] = uint8(f.code(x / scale[i/run]))
//	}
//
// func quantizeFloatsAVX512(dst *uint8, src *float32, n, run int, scale []float32, f *floatCode)
//
// n and run are multiples of 16. The parameters of 16 runs are prepared at a time. The frame has
// their scales at 0, the two parts of their reciprocals at 64 and 128, and the bounds of their
// elements at 192.
#define DIVIDES R14 // set if PLACES does not serve one of the 16 runs
#define RUNS    R15 // runs of the 16 that are not done
TEXT ·quantizeFloatsAVX512(SB), NOSPLIT, $256-64
	MOVQ dst+0(FP), DST
	MOVQ src+8(FP), SRC
	MOVQ n+16(FP), LEFT
	MOVQ run+24(FP), RUN
	MOVQ scale_base+32(FP), SCALES
	MOVQ scale_len+40(FP), PARAMS_LEFT
	MOVQ f+56(FP), FORMAT
	FAST_CONSTANTS
	FLOAT_CODE_CONSTANTS

params: // the parameters of the next 16 runs
	MOVQ    $16, RUNS
	CMPQ    PARAMS_LEFT, RUNS
	CMOVQLT PARAMS_LEFT, RUNS
	SUBQ    RUNS, PARAMS_LEFT
	MASK(RUNS, K1)
	BROADCAST(oneBits, SCALE)
	VMOVUPS (SCALES), K1, SCALE
	ADDQ    $64, SCALES
	VMOVUPS SCALE, 0(SP)
	PREPARE_FLOATS
	VMOVUPS RECIP, 64(SP)
	VMOVUPS LOW, 128(SP)
	VMOVUPS BOUND, 192(SP)
	XORL    DIVIDES, DIVIDES
	KTESTW  K1, K1
	SETNE   DIVIDES
	MOVQ    SP, PARAMS
	TESTL   DIVIDES, DIVIDES
	JNE     nextrun
	CMPQ    RUN, $32
	JEQ     pairs
	CMPQ    RUN, $16
	JEQ     quads

nextrun:
	TESTQ   RUNS, RUNS
	JZ      nextparams
	DECQ    RUNS
	MOVQ    RUN, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	VBROADCASTSS 0(PARAMS), SCALE
	VBROADCASTSS 64(PARAMS), RECIP
	VBROADCASTSS 128(PARAMS), LOW
	VBROADCASTSS 192(PARAMS), BOUND
	ADDQ    $4, PARAMS
	TESTL   DIVIDES, DIVIDES
	JNE     divide
	SUBQ    $64, N
	JB      rest

first:
	LOAD_64
	JNE nan
	FIRST_64(VRANGEPS, VMULPS, VFMADD231PS, BOUND, BOUND, BOUND, BOUND, LOW, LOW, LOW, LOW, RECIP, RECIP, RECIP, RECIP)
	NEXT_64
	JB  last

loop:
	LOAD_64
	JNE nanlater
	STEP_64(VRANGEPS, VMULPS, VFMADD231PS, BOUND, BOUND, BOUND, BOUND, LOW, LOW, LOW, LOW, RECIP, RECIP, RECIP, RECIP)
	NEXT_64
	JAE loop

last:
	LAST_64

rest: // N + 64 elements, fewer than 64
	ADDQ $64, N
	JZ   nextrun

divide: // 16 elements at a time
	DIVIDE_16(0, SCALE)
	ADDQ $64, SRC
	ADDQ $16, DST
	SUBQ $16, N
	JNE  divide
	JMP  nextrun

nanlater:
	LAST_64

nan:
	DIVIDE_16(0, SCALE)
	DIVIDE_16(16, SCALE)
	DIVIDE_16(32, SCALE)
	DIVIDE_16(48, SCALE)
	NEXT_64
	JAE first
	JMP rest

nextparams:
	TESTQ LEFT, LEFT
	JNE   params
	VZEROUPPER
	RET

pairs: // two runs of 32 at a time, N + 64 elements of the runs whose parameters are prepared
	MOVQ    RUN, N
	IMULQ   RUNS, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	MOVQ    N, RUNS
	ANDQ    $63, RUNS
	ADDQ    RUNS, LEFT
	SUBQ    RUNS, N
	SUBQ    $64, N
	JB      pairrest

pairfirst:
	LOAD_64
	JNE  pairnan
	FIRST_64(VRANGEPS.BCST, VMULPS.BCST, VFMADD231PS.BCST, 192(PARAMS), 192(PARAMS), 196(PARAMS), 196(PARAMS), 128(PARAMS), 128(PARAMS), 132(PARAMS), 132(PARAMS), 64(PARAMS), 64(PARAMS), 68(PARAMS), 68(PARAMS))
	ADDQ $8, PARAMS
	NEXT_64
	JB   pairlast

pairloop:
	LOAD_64
	JNE  pairnanlater
	STEP_64(VRANGEPS.BCST, VMULPS.BCST, VFMADD231PS.BCST, 192(PARAMS), 192(PARAMS), 196(PARAMS), 196(PARAMS), 128(PARAMS), 128(PARAMS), 132(PARAMS), 132(PARAMS), 64(PARAMS), 64(PARAMS), 68(PARAMS), 68(PARAMS))
	ADDQ $8, PARAMS
	NEXT_64
	JAE  pairloop

pairlast:
	LAST_64

pairrest: // elements in RUNS, fewer than 64
	ADDQ RUN, RUNS
	DECQ RUNS
	SHRQ $5, RUNS
	JMP  nextrun

pairnanlater:
	LAST_64

pairnan:
	VBROADCASTSS 0(PARAMS), SCALE
	DIVIDE_16(0, SCALE)
	DIVIDE_16(16, SCALE)
	VBROADCASTSS 4(PARAMS), SCALE
	DIVIDE_16(32, SCALE)
	DIVIDE_16(48, SCALE)
	ADDQ $8, PARAMS
	NEXT_64
	JAE  pairfirst
	JMP  pairrest

quads: // four runs of 16 at a time, N + 64 elements of the runs whose parameters are prepared
	MOVQ    RUN, N
	IMULQ   RUNS, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	MOVQ    N, RUNS
	ANDQ    $63, RUNS
	ADDQ    RUNS, LEFT
	SUBQ    RUNS, N
	SUBQ    $64, N
	JB      quadrest

quadfirst:
	LOAD_64
	JNE  quadnan
	FIRST_64(VRANGEPS.BCST, VMULPS.BCST, VFMADD231PS.BCST, 192(PARAMS), 196(PARAMS), 200(PARAMS), 204(PARAMS), 128(PARAMS), 132(PARAMS), 136(PARAMS), 140(PARAMS), 64(PARAMS), 68(PARAMS), 72(PARAMS), 76(PARAMS))
	ADDQ $16, PARAMS
	NEXT_64
	JB   quadlast

quadloop:
	LOAD_64
	JNE  quadnanlater
	STEP_64(VRANGEPS.BCST, VMULPS.BCST, VFMADD231PS.BCST, 192(PARAMS), 196(PARAMS), 200(PARAMS), 204(PARAMS), 128(PARAMS), 132(PARAMS), 136(PARAMS), 140(PARAMS), 64(PARAMS), 68(PARAMS), 72(PARAMS), 76(PARAMS))
	ADDQ $16, PARAMS
	NEXT_64
	JAE  quadloop

quadlast:
	LAST_64

quadrest: // elements in RUNS, fewer than 64
	ADDQ RUN, RUNS
	DECQ RUNS
	SHRQ $4, RUNS
	JMP  nextrun

quadnanlater:
	LAST_64

quadnan:
	VBROADCASTSS 0(PARAMS), SCALE
	DIVIDE_16(0, SCALE)
	VBROADCASTSS 4(PARAMS), SCALE
	DIVIDE_16(16, SCALE)
	VBROADCASTSS 8(PARAMS), SCALE
	DIVIDE_16(32, SCALE)
	VBROADCASTSS 12(PARAMS), SCALE
	DIVIDE_16(48, SCALE)
	ADDQ $16, PARAMS
	NEXT_64
	JAE  quadfirst
	JMP  quadrest

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
// mantissa, and multiplied by FACTOR, a power of two; that is exact, for subnormal numbers too.
// The product of FACTOR and the scale is exact as well, unless it is infinite. So the values are
// multiplied by that product, and rounded once.
TEXT ·dequantizeFloatsAVX512(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DST
	MOVQ src+8(FP), SRC
	MOVQ n+16(FP), LEFT
	MOVQ run+24(FP), RUN
	MOVQ scale+32(FP), SCALES
	MOVQ f+40(FP), FORMAT
	FLOAT_VALUE_CONSTANTS

run:
	NEXT_RUN
	VMULPS      FACTOR, SCALE, PRODUCT
	VFPCLASSPSX $0x99, X23, K1 // infinities and NaN
	KTESTW      K1, K1
	JNE         loop
	SUBQ        $64, N
	JB          half

loop64:
	VMOVDQU64 (SRC), Z2
	FLOAT_TEST(Z2, Z2, FLIP, KEEP, SPECIAL)
	JNE       special64
	VALUES_64(PRODUCT, PRODUCT, PRODUCT, PRODUCT)
	JAE       loop64

half: // N + 64 elements, fewer than 64
	ADDQ $32, N
	JL   quarter
	VMOVDQU (SRC), Y2
	FLOAT_TEST(Y2, Y2, FLIP_Y, KEEP_Y, SPECIAL_Y)
	JNE     special32
	FLOAT_VALUES(0, Z0)
	FLOAT_VALUES(16, Z1)
	VMULPS  PRODUCT, Z0, Z0
	VMULPS  PRODUCT, Z1, Z1
	VMOVUPS Z0, 0(DST)
	VMOVUPS Z1, 64(DST)
	ADDQ    $32, SRC
	ADDQ    $128, DST
	SUBQ    $32, N

quarter: // N + 32 elements, 0 or 16
	ADDQ $32, N
	JZ   nextrun

loop:
	VMOVDQU (SRC), X2
	FLOAT_TEST(X2, X2, FLIP_X, KEEP_X, SPECIAL_X)
	JNE     special
	MULTIPLY_16(SCALE)
	JNE     loop

nextrun:
	TESTQ LEFT, LEFT
	JNE   run
	JMP   special

special64:
	ADDQ $32, N

special32:
	ADDQ $32, N
	JMP  loop

special:
	SUBQ src+8(FP), SRC
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

//	for j, s := range scale[:cols] {
//		recip, low, bound := ...
//		buf[3*(j&^15)+j%16], buf[3*(j&^15)+16+j%16], buf[3*(j&^15)+32+j%16] = recip, low, bound
//	}
//
// func prepareFloatsAVX512(buf, scale *float32, cols int, f *floatCode) bool
//
// cols is a multiple of 16. It returns false if PLACES does not serve one of the scales.
TEXT ·prepareFloatsAVX512(SB), NOSPLIT, $0-33
	MOVQ buf+0(FP), DST
	MOVQ scale+8(FP), SCALES
	MOVQ cols+16(FP), N
	MOVQ f+24(FP), FORMAT

loop:
	VMOVUPS (SCALES), SCALE
	PREPARE_FLOATS
	KTESTW  K1, K1
	JNE     done
	VMOVUPS RECIP, 0(DST)
	VMOVUPS LOW, 64(DST)
	VMOVUPS BOUND, 128(DST)
	ADDQ    $64, SCALES
	ADDQ    $192, DST
	SUBQ    $16, N
	JNE     loop

done:
	TESTQ N, N
	SETEQ ret+32(FP)
	VZEROUPPER
	RET

//	for r := range rows {
//		for j, s := range scale[:cols] {
//			dst[r*stride+j] = uint8(f.code(src[r*stride+j] / s))
//		}
//	}
//
// func quantizeFloatsWideAVX512(dst *uint8, src *float32, rows, cols, stride int, scale *float32, f *floatCode, buf *float32)
//
// cols is a multiple of 64, and buf is what prepareFloatsAVX512 made of the scales.
TEXT ·quantizeFloatsWideAVX512(SB), NOSPLIT, $0-64
	COLUMNS
	FAST_CONSTANTS
	FLOAT_CODE_CONSTANTS

row:
	NEXT_ROW
	MOVQ buf+56(FP), PARAMS
	SUBQ $64, N

first:
	LOAD_64
	JNE nan
	FIRST_64(VRANGEPS, VMULPS, VFMADD231PS, 128(PARAMS), 320(PARAMS), 512(PARAMS), 704(PARAMS), 64(PARAMS), 256(PARAMS), 448(PARAMS), 640(PARAMS), 0(PARAMS), 192(PARAMS), 384(PARAMS), 576(PARAMS))
	ADDQ $256, SCALES
	ADDQ $768, PARAMS
	NEXT_64
	JB  last

loop:
	LOAD_64
	JNE nanlater
	STEP_64(VRANGEPS, VMULPS, VFMADD231PS, 128(PARAMS), 320(PARAMS), 512(PARAMS), 704(PARAMS), 64(PARAMS), 256(PARAMS), 448(PARAMS), 640(PARAMS), 0(PARAMS), 192(PARAMS), 384(PARAMS), 576(PARAMS))
	ADDQ $256, SCALES
	ADDQ $768, PARAMS
	NEXT_64
	JAE loop

last:
	LAST_64

nextrow:
	LEAQ (SRC)(RUN*4), SRC
	ADDQ RUN, DST
	DECQ LEFT
	JNE  row
	VZEROUPPER
	RET

nanlater:
	LAST_64

nan:
	DIVIDE_16(0, 0(SCALES))
	DIVIDE_16(16, 64(SCALES))
	DIVIDE_16(32, 128(SCALES))
	DIVIDE_16(48, 192(SCALES))
	ADDQ $256, SCALES
	ADDQ $768, PARAMS
	NEXT_64
	JAE  first
	JMP  nextrow

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

	SUBQ $64, N
	JB   rest

loop64:
	VMOVDQU64   (SRC), Z2
	FLOAT_TEST(Z2, Z2, FLIP, KEEP, SPECIAL)
	JNE         special
	VMULPS      0(SCALES), FACTOR, Z4
	VMULPS      64(SCALES), FACTOR, Z5
	VMULPS      128(SCALES), FACTOR, Z6
	VMULPS      192(SCALES), FACTOR, Z7
	VRANGEPS    $3, Z4, Z5, Z0 // the larger magnitude
	VRANGEPS    $3, Z6, Z7, Z1
	VRANGEPS    $3, Z0, Z1, Z0
	VFPCLASSPSZ $0x99, Z0, K1
	KORTESTW    K1, K1
	JNE         rest
	VALUES_64(Z4, Z5, Z6, Z7)
	LEAQ        256(SCALES), SCALES
	JAE         loop64

rest: // N + 64 elements
	ADDQ $64, N
	JZ   nextrow

loop:
	VMOVDQU (SRC), X2
	FLOAT_TEST(X2, X2, FLIP_X, KEEP_X, SPECIAL_X)
	JNE     special
	VMOVUPS (SCALES), SCALE
	ADDQ    $64, SCALES
	MULTIPLY_16(SCALE)
	JNE     loop

nextrow:
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
