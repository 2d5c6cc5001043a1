// What the kernels of codebooks with AVX2 share: names of registers and macros.

#include "go_asm.h"
#include "textflag.h"
#include "kernels_avx2_amd64.h"

// Names of registers that these kernels add.
#define FORMAT   AX  // floatCode, or tables
#define ABSOLUTE Y15 // mask of all but the sign
#define EXPONENT Y14 // mask of the exponent
#define LARGEST  0(SP) // bits of the largest number of the format
#define NORMAL   Y12 // bits of its smallest normal number
#define PLACE    32(SP) // drop << 23
#define SIGN_BIT 64(SP)  // sign bit of a code
#define NAN_CODE 96(SP)  // code of NaN
#define NO_MINUS 128(SP) // all ones if -0 has no code
#define DROP     160(SP) // how far an exponent is moved down
#define TOP      176(SP) // how far a sign is moved down
#define BOUND    Y13     // largest magnitude that is not clipped
#define LOW      Y11     // second part of the reciprocal
#define WHOLE    Y10     // first part of the reciprocal
#define POWER    Y9      // 2^drop
#define WEIGHTS  Y6      // 2^(drop-16) and 1, in words
#define BASE     192(SP) // what the codes are too large, in words
#define SIGNS    224(SP) // sign bit of a code, in bytes
#define WEIGHT_BITS 256(SP) // drop - 16
#define DIVISOR  Y5  // scale
#define TO_TOP   X7 // how far a sign is moved up
#define TO_PLACE X8 // how far it is then moved down
#define PRODUCT  Y9 // FACTOR times the scale
#define LEVEL_1  0(SP)  // limit in the middle of the table
#define LEVEL_2  32(SP) // the two beside it
#define LEVEL_3  64(SP) // the next four
#define LEVEL_4  96(SP) // the last eight
#define TABLE_NAN 128(SP) // code of NaN in a table
#define BELOW_CODE 160(SP) // mask of what is below a code in a word
#define FACTORS  Y6  // factor of the bins, divided by the scale
#define LO_BINS  Y15 // lower bytes of what bins 0 to 15 add
#define LO_BINS2 Y14 // those of bins 16 to 31
#define HI_BINS  Y13 // upper bytes of what bins 0 to 15 add
#define HI_BINS2 Y12 // those of bins 16 to 31
#define LO_INDEX Y11 // what makes indices of LO_BINS of bins: other bytes get their top bit
#define LO_INDEX2 Y10 // of LO_BINS2
#define HI_INDEX Y9  // of HI_BINS
#define HI_INDEX2 Y8 // of HI_BINS2
#define TABLE_LO Y15 // values 0 to 7
#define TABLE_HI Y14 // values 8 to 15
#define FACTOR   Y14 // 2^(127-bias)
#define REST     Y13 // mask of a sign and of what is below the exponents that a format lacks
#define SPECIAL  Y12 // first code that is no number, flipped, in bytes
#define SPECIAL_X X12 // its lower half
#define FLIP     Y11 // what is flipped first
#define FLIP_X   X11 // its lower half
#define KEEP     Y10 // what is kept then
#define KEEP_X   X10 // its lower half

// NEXT_RUN broadcasts the next scale, and sets N to the elements of its run.
#define NEXT_RUN \
	VBROADCASTSS (SCALES), DIVISOR \
	ADDQ         $4, SCALES        \
	MOVQ         RUN, N \
	CMPQ         LEFT, N \
	CMOVQLT      LEFT, N \
	SUBQ         N, LEFT

// ARGUMENTS loads what all these kernels take.
#define ARGUMENTS \
	MOVQ dst+0(FP), DST    \
	MOVQ src+8(FP), SRC    \
	MOVQ n+16(FP), LEFT     \
	MOVQ run+24(FP), RUN   \
	MOVQ scale+32(FP), SCALES \
	MOVQ f+40(FP), FORMAT

// BYTES stores the dwords of Y1, which are below 256, as bytes.
#define BYTES \
	VEXTRACTI128 $1, Y1, X2     \
	VPACKUSDW    X2, X1, X1     \
	VPACKUSWB    X1, X1, X1     \
	VMOVQ        X1, (DST)

// SPREAD sets all dwords of y, the lowest quarter of which is x, to a constant.
#define SPREAD(c, x, y) \
	MOVL         $c, BX \
	VMOVD        BX, x  \
	VPBROADCASTD x, y

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

// SPILL stores the dwords of y, all of which become that of x, to the frame.
#define SPILL(x, y, to) \
	VPBROADCASTD x, y  \
	VMOVDQU      y, to

// FLOAT_CODE_CONSTANTS prepares what FLOAT_CODES needs.
#define FLOAT_CODE_CONSTANTS \
	VPBROADCASTD floatCode_normal(FORMAT), NORMAL \
	VPBROADCASTD floatCode_largest(FORMAT), Y0 \
	VMOVDQU Y0, LARGEST \
	VPBROADCASTD floatCode_nan(FORMAT), Y0 \
	VMOVDQU Y0, NAN_CODE \
	MOVL floatCode_drop(FORMAT), CX \
	VMOVD CX, X0 \
	VMOVDQU X0, DROP \
	SHLL $23, CX \
	VMOVD CX, X0 \
	SPILL(X0, Y0, PLACE) \
	MOVL floatCode_sign(FORMAT), CX \
	MOVL $1, BX \
	SHLL CX, BX \
	VMOVD BX, X0 \
	SPILL(X0, Y0, SIGN_BIT) \
	MOVL $31, BX \
	SUBL CX, BX \
	VMOVD BX, X0 \
	VMOVDQU X0, TOP \
	MOVL floatCode_minus(FORMAT), BX \
	NOTL BX \
	VMOVD BX, X0 \
	SPILL(X0, Y0, NO_MINUS) \
	SPREAD(0x7fffffff, X15, ABSOLUTE) \
	SPREAD(0x7f800000, X14, EXPONENT)

// FAST_CONSTANTS prepares what CODES_32 needs besides FLOAT_CODE_CONSTANTS.
#define FAST_CONSTANTS \
	MOVL floatCode_sign(FORMAT), CX \
	MOVL $1, BX \
	SHLL CX, BX \
	VMOVD BX, X0 \
	VPBROADCASTB X0, Y0 \
	VMOVDQU Y0, SIGNS \
	MOVL floatCode_drop(FORMAT), CX \
	LEAL 127(CX), BX \
	SHLL $23, BX \
	VMOVD BX, X9 \
	VPBROADCASTD X9, POWER \
	MOVL floatCode_normal(FORMAT), BX \
	SHRL $23, BX \
	ADDL CX, BX \
	SHLL $7, BX \
	VMOVD BX, X0 \
	VPBROADCASTW X0, Y0 \
	VMOVDQU Y0, BASE \
	SUBL $16, CX \
	VMOVD CX, X0 \
	VMOVDQU X0, WEIGHT_BITS \
	MOVL $1, BX \
	SHLL CX, BX \
	ORL  $0x10000, BX \
	VMOVD BX, X6 \
	VPBROADCASTD X6, WEIGHTS

// LOAD_32 loads 32 elements. The flags tell whether one is NaN: JNE jumps if so.
#define LOAD_32 \
	VMOVUPS 0(SRC), Y0     \
	VMOVUPS 32(SRC), Y1    \
	VMOVUPS 64(SRC), Y2    \
	VMOVUPS 96(SRC), Y3    \
	VCMPPS  $3, Y1, Y0, Y4 \
	VCMPPS  $3, Y3, Y2, Y7 \
	VORPS   Y7, Y4, Y4     \
	VPTEST  Y4, Y4

// PLACES leaves in x the code of its magnitude, times 2^(drop-16) and plus BASE, and in y that of
// y. It uses e and f. The bounds, the second and the first parts of the reciprocals follow, those
// of x first: registers or memory.
#define PLACES(x, y, e, f, bx, by, lx, ly, rx, ry) \
	VPAND       ABSOLUTE, x, x \
	VPAND       ABSOLUTE, y, y \
	VMINPS      bx, x, x       \
	VMINPS      by, y, y       \
	VMULPS      lx, x, e       \
	VMULPS      ly, y, f       \
	VFMADD231PS rx, x, e       \
	VFMADD231PS ry, y, f       \
	VPAND       EXPONENT, e, x \
	VPAND       EXPONENT, f, y \
	VPMAXUD     NORMAL, x, x   \
	VPMAXUD     NORMAL, y, y   \
	VFMADD231PS POWER, x, e    \
	VFMADD231PS POWER, y, f    \
	VPMADDWD    WEIGHTS, e, x  \
	VPMADDWD    WEIGHTS, f, y

// CODES_32 stores the codes of the elements in Y0 to Y3. Its arguments are the bounds, the second
// and the first parts of the reciprocals of each 8 elements.
#define CODES_32(b0, b1, b2, b3, l0, l1, l2, l3, r0, r1, r2, r3) \
	VPACKSSDW Y1, Y0, Y7          \
	VPACKSSDW Y3, Y2, Y8          \
	VPACKSSWB Y8, Y7, Y7          \
	PLACES(Y0, Y1, Y4, Y8, b0, b1, l0, l1, r0, r1) \
	VPACKSSDW Y1, Y0, Y0          \
	PLACES(Y2, Y3, Y4, Y8, b2, b3, l2, l3, r2, r3) \
	VPACKSSDW Y3, Y2, Y2          \
	VPSUBW    BASE, Y0, Y0        \
	VPSUBW    BASE, Y2, Y2        \
	VPSRLW    WEIGHT_BITS, Y0, Y0 \
	VPSRLW    WEIGHT_BITS, Y2, Y2 \
	VPACKUSWB Y2, Y0, Y0          \
	VPXOR     Y1, Y1, Y1          \
	VPCMPGTB  Y7, Y1, Y7          \
	VPCMPEQB  Y1, Y0, Y3          \
	VPAND     SIGNS, Y7, Y7       \
	VPAND     NO_MINUS, Y3, Y3    \
	VPANDN    Y7, Y3, Y7          \
	VPOR      Y7, Y0, Y0          \
	VMOVDQU   packOrderTwice<>(SB), Y1 \
	VPERMD    Y0, Y1, Y0          \
	VMOVDQU   Y0, (DST)

// FLOAT_CODES makes codes in Y1 of the quotients in Y0.
#define FLOAT_CODES \
	VPAND     ABSOLUTE, Y0, Y1 \
	VCMPPS    $3, Y0, Y0, Y4 \
	VPMINUD   LARGEST, Y1, Y1 \
	VPAND     EXPONENT, Y1, Y2 \
	VPMAXUD   NORMAL, Y2, Y2 \
	VPADDD    PLACE, Y2, Y3 \
	VADDPS    Y3, Y1, Y1 \
	VPSUBD    Y3, Y1, Y1 \
	VPSUBD    NORMAL, Y2, Y2 \
	VPSRLD    DROP, Y2, Y2 \
	VPADDD    Y2, Y1, Y1 \
	VPSRLD    TOP, Y0, Y0 \
	VPAND     SIGN_BIT, Y0, Y0 \
	VPXOR     Y3, Y3, Y3 \
	VPCMPEQD  Y3, Y1, Y3 \
	VPAND     NO_MINUS, Y3, Y3 \
	VPANDN    Y0, Y3, Y0 \
	VPOR      Y0, Y1, Y1 \
	VBLENDVPS Y4, NAN_CODE, Y1, Y1

// TABLE_CONSTANTS prepares what TABLE_CODES needs.
#define TABLE_CONSTANTS \
	VBROADCASTSS bookTables_limits+0(FORMAT), Y0 \
	VMOVUPS Y0, LEVEL_1 \
	VMOVUPS bookTables_limits+32(FORMAT), Y0 \
	VMOVUPS Y0, LEVEL_2 \
	VMOVUPS bookTables_limits+64(FORMAT), Y0 \
	VMOVUPS Y0, LEVEL_3 \
	VMOVUPS bookTables_limits+96(FORMAT), Y0 \
	VMOVUPS Y0, LEVEL_4 \
	VPBROADCASTD bookTables_nan(FORMAT), Y0 \
	VMOVDQU Y0, TABLE_NAN

// BIN_CONSTANTS prepares what FIND needs.
#define BIN_CONSTANTS \
	SPREAD(belowCodeWords, X0, Y0) \
	VMOVDQU Y0, BELOW_CODE \
	VBROADCASTI128 bookTables_tableBins+tableBins_bytes+0(FORMAT), LO_BINS \
	VBROADCASTI128 bookTables_tableBins+tableBins_bytes+16(FORMAT), LO_BINS2 \
	VBROADCASTI128 bookTables_tableBins+tableBins_bytes+32(FORMAT), HI_BINS \
	VBROADCASTI128 bookTables_tableBins+tableBins_bytes+48(FORMAT), HI_BINS2 \
	SPREAD(0x80708070, X11, LO_INDEX) \
	SPREAD(0x80f080f0, X10, LO_INDEX2) \
	SPREAD(0x70807080, X9, HI_INDEX) \
	SPREAD(0xf080f080, X8, HI_INDEX2)

// ADD_BYTES adds to the words in w the bytes that a table has for their bins. It uses t.
#define ADD_BYTES(index, table, w, bin, t) \
	VPADDB  index, bin, t \
	VPSHUFB t, table, t   \
	VPADDW  t, w, w

// FIND adds to the words in w what their bins have, so that their upper 4 bits are the codes. It
// uses bin and t.
#define FIND(w, bin, t) \
	VPSRLW $11, w, bin                      \
	ADD_BYTES(LO_INDEX, LO_BINS, w, bin, t)   \
	ADD_BYTES(LO_INDEX2, LO_BINS2, w, bin, t) \
	VPSLLW $8, bin, bin                     \
	ADD_BYTES(HI_INDEX, HI_BINS, w, bin, t)   \
	ADD_BYTES(HI_INDEX2, HI_BINS2, w, bin, t)

// BIT finds the next bit of the indices in Y1.
#define BIT(level) \
	VPERMPS level, Y1, Y2    \
	VCMPPS  $30, Y2, Y0, Y2  \
	VPADDD  Y1, Y1, Y1       \
	VPSUBD  Y2, Y1, Y1

// TABLE_CODES makes codes in Y1 of the quotients in Y0.
#define TABLE_CODES \
	VCMPPS    $3, Y0, Y0, Y4 \
	VCMPPS    $30, LEVEL_1, Y0, Y2 \
	VPXOR     Y1, Y1, Y1 \
	VPSUBD    Y2, Y1, Y1 \
	BIT(LEVEL_2) \
	BIT(LEVEL_3) \
	BIT(LEVEL_4) \
	VBLENDVPS Y4, TABLE_NAN, Y1, Y1

// BIN_CODES stores the codes of 32 elements, whose products with their factors are in Y0 to Y3: see
// "Bins of a table" in kernels.go. It jumps if one is next to a limit.
#define BIN_CODES(near) \
	VCVTPS2DQ Y0, Y0                   \
	VCVTPS2DQ Y1, Y1                   \
	VCVTPS2DQ Y2, Y2                   \
	VCVTPS2DQ Y3, Y3                   \
	VPACKSSDW Y1, Y0, Y0               \
	VPACKSSDW Y3, Y2, Y2               \
	FIND(Y0, Y1, Y3)                   \
	FIND(Y2, Y4, Y7)                   \
	VMOVDQU   BELOW_CODE, Y3           \
	VPAND     Y3, Y0, Y1               \
	VPAND     Y3, Y2, Y4               \
	VPMINUW   Y4, Y1, Y1               \
	VPXOR     Y3, Y3, Y3               \
	VPCMPEQW  Y3, Y1, Y1               \
	VPTEST    Y1, Y1                   \
	JNE       near                     \
	VPSRLW    $12, Y0, Y0              \
	VPSRLW    $12, Y2, Y2              \
	VPACKUSWB Y2, Y0, Y0               \
	VMOVDQU   packOrderTwice<>(SB), Y1 \
	VPERMD    Y0, Y1, Y0               \
	VMOVDQU   Y0, (DST)

// DIVIDE_TABLE_8 stores the codes of 8 elements off places after SRC, divided by scales.
#define DIVIDE_TABLE_8(off, scales) \
	VMOVUPS (off*4)(SRC), Y0    \
	VDIVPS  scales, Y0, Y0      \
	TABLE_CODES                 \
	VEXTRACTI128 $1, Y1, X2     \
	VPACKUSDW    X2, X1, X1     \
	VPACKUSWB    X1, X1, X1     \
	VMOVQ        X1, off(DST)

// VALUE_CONSTANTS loads what TABLE_VALUES needs.
#define VALUE_CONSTANTS \
	VMOVUPS bookTables_values+0(FORMAT), TABLE_LO \
	VMOVUPS bookTables_values+32(FORMAT), TABLE_HI

// TABLE_VALUES looks up the values of the 8 codes off bytes after SRC, in y. lo and hi are the
// values 0 to 7 and 8 to 15. It uses t and u.
#define TABLE_VALUES(off, lo, hi, y, t, u) \
	VPMOVZXBD off(SRC), t \
	VPERMPS   lo, t, y \
	VPERMPS   hi, t, u \
	VPSLLD    $28, t, t \
	VBLENDVPS t, u, y, y

// TABLE_VALUES_32 does so for 32 codes, in Y0 to Y3.
#define TABLE_VALUES_32(lo, hi) \
	TABLE_VALUES(0, lo, hi, Y0, Y4, Y6)   \
	TABLE_VALUES(8, lo, hi, Y1, Y7, Y8)   \
	TABLE_VALUES(16, lo, hi, Y2, Y9, Y10) \
	TABLE_VALUES(24, lo, hi, Y3, Y4, Y6)

// FLOAT_VALUE_CONSTANTS loads what FLOAT_TEST and FLOAT_VALUES need.
#define FLOAT_VALUE_CONSTANTS \
	MOVL floatCode_sign(FORMAT), CX \
	MOVL $31, BX \
	SUBL CX, BX \
	VMOVD BX, TO_TOP \
	SUBL floatCode_drop(FORMAT), BX \
	VMOVD BX, TO_PLACE \
	MOVL $1, BX \
	SHLL CX, BX \
	DECL BX \
	MOVL floatCode_drop(FORMAT), CX \
	SHLL CX, BX \
	ORL  $0x80000000, BX \
	VMOVD BX, X13 \
	VPBROADCASTD X13, REST \
	MOVL floatCode_normal(FORMAT), BX \
	ADDL $(126<<23), BX \
	VMOVD BX, X14 \
	VPBROADCASTD X14, FACTOR \
	VPBROADCASTB floatCode_special(FORMAT), SPECIAL \
	VPBROADCASTB floatCode_flip(FORMAT), FLIP \
	VPBROADCASTB floatCode_keep(FORMAT), KEEP

// FLOAT_TEST clears the zero flag if one of the codes in y is no number. y may be the lower half of
// a register, and the other arguments that of Y1, FLIP, KEEP and SPECIAL.
#define FLOAT_TEST(y, t, flip, keep, special) \
	VPXOR    flip, y, y    \
	VPAND    keep, y, y    \
	VPMAXUB  special, y, t \
	VPCMPEQB t, y, y       \
	VPTEST   y, y

// FLOAT_VALUES makes in y the values of the 8 codes off bytes after SRC, divided by FACTOR.
#define FLOAT_VALUES(off, y) \
	VPMOVZXBD off(SRC), y \
	VPSLLD    TO_TOP, y, y   \
	VPSRAD    TO_PLACE, y, y \
	VPAND     REST, y, y

// FLOAT_VALUES_32 does so for 32 codes, in Y0 to Y3.
#define FLOAT_VALUES_32 \
	FLOAT_VALUES(0, Y0)  \
	FLOAT_VALUES(8, Y1)  \
	FLOAT_VALUES(16, Y2) \
	FLOAT_VALUES(24, Y3)

// STORE_VALUES_32 stores the values in Y0 to Y3, and goes on by 32 codes.
#define STORE_VALUES_32 \
	VMOVUPS Y0, 0(DST)  \
	VMOVUPS Y1, 32(DST) \
	VMOVUPS Y2, 64(DST) \
	VMOVUPS Y3, 96(DST) \
	ADDQ    $32, SRC    \
	ADDQ    $128, DST   \
	SUBQ    $32, N
