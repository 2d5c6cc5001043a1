// What the AVX2 kernels share: names of registers, constants and macros. The
// proofs are in kernels.go.

#include "kernels.h"

// Names of registers, the same for the same role in every kernel and on every
// architecture. A file adds names of its own above the kernel that needs them.
// Registers without a name hold intermediate values. NAME_X is the lower half
// of the register NAME.
#define SRC         SI  // first element that is not done
#define DST         DI  // where its result goes
#define LEFT        DX  // elements of src behind the run
#define RUN         R8  // length of a run
#define N           CX  // elements left of the run
#define SCALES      R9  // next scale
#define ZEROS       R10 // next zero point
#define PARAMS_LEFT R11 // scales and zero points left
#define SCALE       Y8  // scale
#define SCALE_X     X8  // its lower half
#define RECIP       Y9  // reciprocal of the scale, correctly rounded
#define LOWER       Y10 // lower bound of the clamp
#define UPPER       Y11 // upper bound of the clamp
#define ZERO        Y12 // zero point
#define ZERO_X      X12 // its lower half

// There are no byte masks, and masked stores are slow. Where a result may be
// stored twice, up to 32 elements are taken as their first and last half, which
// overlap: 16 to 32, 8 to 15, 4 to 7. Of 1 to 3 elements the first, the middle
// and the last are taken. A longer run ends with its last 32 elements.

// QUOTIENT sets q to x/s without a division, see "Exact quotients" in
// kernels.go, and uses up x. The bounds are those of x. QUOTIENT_WITH takes the
// parameters from other registers than the usual ones.
#define QUOTIENT(x, q) QUOTIENT_WITH(SCALE, RECIP, LOWER, UPPER, x, q)

#define QUOTIENT_WITH(s, y, lo, hi, x, q) \
	VMAXPS       lo, x, x \
	VMINPS       hi, x, x \
	VMULPS       y, x, q  \
	VFNMADD231PS s, q, x  \
	VFMADD231PS  y, x, q

// DIVIDE is QUOTIENT for any scale. The bounds are those of the quotient.
#define DIVIDE(x, q) DIVIDE_WITH(SCALE, RECIP, LOWER, UPPER, x, q)

#define DIVIDE_WITH(s, y, lo, hi, x, q) \
	VDIVPS s, x, q  \
	VMAXPS lo, q, q \
	VMINPS hi, q, q

// CODE rounds quotients and adds the zero points.
#define CODE(q) \
	VCVTPS2DQ q, q \
	VPADDD    ZERO, q, q

// Constants of one dword each, in memory.
#define ONE                 consts<>+0(SB)  // 1.0
#define SCALE_LEAST         consts<>+4(SB)  // least scale for QUOTIENT
#define SCALE_GREATEST      consts<>+8(SB)  // greatest scale for QUOTIENT
#define SIGNIFICAND         consts<>+12(SB) // mask of the significand; QUOTIENT excludes one of all ones
#define ZERO_FARTHEST       consts<>+16(SB) // farthest zero point for QUOTIENT
#define HALF                consts<>+20(SB) // 0.5
#define MINUS_HALF          consts<>+24(SB) // -0.5
#define INTEGER_ONE         consts<>+28(SB) // 1
#define SIGN                consts<>+32(SB) // sign bit of a float32
#define MAGNITUDE           consts<>+36(SB) // all other bits of a float32
#define SIGN_BYTES          consts<>+40(SB) // sign bit of each byte
#define SIGN_WORDS          consts<>+44(SB) // sign bit of each word
#define SIGN_CODE8          consts<>+48(SB) // sign bit of a code of 8 bits
#define SIGN_CODE16         consts<>+52(SB) // sign bit of a code of 16 bits
#define INFINITY            consts<>+56(SB) // +Inf
#define SHARE_LEAST         consts<>+60(SB) // least ratio of a scale to the greatest magnitude
#define NORMAL_LEAST        consts<>+64(SB) // least normal number, the least scale of all
#define ZERO_FARTHEST_WORDS consts<>+68(SB) // farthest zero point for SATURATE
#define QUOTIENT_LIMIT      consts<>+72(SB) // above all quotients that give a code
#define SCALE_SPAN          consts<>+76(SB) // greatest scale for QUOTIENT, less the least
#define FARTHEST_TWO_PARTS  consts<>+80(SB) // farthest zero point for two parts
#define TWO_PARTS_UNIT      consts<>+84(SB) // -1 at the place of SERVED_IN_TWO_PARTS
#define TWO_PARTS_NEAR      consts<>+88(SB) // 5 at that place

DATA consts<>+0(SB)/4, $oneBits
DATA consts<>+4(SB)/4, $scaleLeast
DATA consts<>+8(SB)/4, $scaleGreatest
DATA consts<>+12(SB)/4, $significandMask
DATA consts<>+16(SB)/4, $zeroFarthest19
DATA consts<>+20(SB)/4, $halfBits
DATA consts<>+24(SB)/4, $minusHalfBits
DATA consts<>+28(SB)/4, $1
DATA consts<>+32(SB)/4, $signBit
DATA consts<>+36(SB)/4, $magnitudeMask
DATA consts<>+40(SB)/4, $signBytes
DATA consts<>+44(SB)/4, $signWords
DATA consts<>+48(SB)/4, $signCode8
DATA consts<>+52(SB)/4, $signCode16
DATA consts<>+56(SB)/4, $infBits
DATA consts<>+60(SB)/4, $shareLeast
DATA consts<>+64(SB)/4, $normalLeast
DATA consts<>+68(SB)/4, $zeroFarthestWords
DATA consts<>+72(SB)/4, $quotientLimit16
DATA consts<>+76(SB)/4, $scaleSpan
DATA consts<>+80(SB)/4, $zeroFarthestGroups
DATA consts<>+84(SB)/4, $(-1<<17)
DATA consts<>+88(SB)/4, $(5<<17)
GLOBL consts<>(SB), RODATA|NOPTR, $92

// packOrderTwice is the order of the 8 dwords that two packs in lanes of 128
// bits leave behind.
DATA packOrderTwice<>+0(SB)/8, $0x0000000400000000
DATA packOrderTwice<>+8(SB)/8, $0x0000000500000001
DATA packOrderTwice<>+16(SB)/8, $0x0000000600000002
DATA packOrderTwice<>+24(SB)/8, $0x0000000700000003
GLOBL packOrderTwice<>(SB), RODATA|NOPTR, $32

// MASK sets all bits of the first n dwords of y, n being a register of at most
// 8, and MASK_LAST those of the last n. ROTATION sets y to the order by which
// VPERMPS moves the last n dwords to the front. They use AX.
DATA tailMasks<>+0(SB)/8, $-1
DATA tailMasks<>+8(SB)/8, $-1
DATA tailMasks<>+16(SB)/8, $-1
DATA tailMasks<>+24(SB)/8, $-1
DATA tailMasks<>+32(SB)/8, $0
DATA tailMasks<>+40(SB)/8, $0
DATA tailMasks<>+48(SB)/8, $0
DATA tailMasks<>+56(SB)/8, $0
DATA tailMasks<>+64(SB)/8, $-1
DATA tailMasks<>+72(SB)/8, $-1
DATA tailMasks<>+80(SB)/8, $-1
DATA tailMasks<>+88(SB)/8, $-1
GLOBL tailMasks<>(SB), RODATA|NOPTR, $96

DATA tailRotations<>+0(SB)/8, $0x0000000100000000
DATA tailRotations<>+8(SB)/8, $0x0000000300000002
DATA tailRotations<>+16(SB)/8, $0x0000000500000004
DATA tailRotations<>+24(SB)/8, $0x0000000700000006
DATA tailRotations<>+32(SB)/8, $0x0000000100000000
DATA tailRotations<>+40(SB)/8, $0x0000000300000002
DATA tailRotations<>+48(SB)/8, $0x0000000500000004
DATA tailRotations<>+56(SB)/8, $0x0000000700000006
GLOBL tailRotations<>(SB), RODATA|NOPTR, $64

#define MASK(n, y) \
	LEAQ    tailMasks<>+32(SB), AX \
	NEGQ    n                      \
	VMOVDQU (AX)(n*4), y           \
	NEGQ    n

#define MASK_LAST(n, y) \
	LEAQ    tailMasks<>+32(SB), AX \
	VMOVDQU (AX)(n*4), y

#define ROTATION(n, y) \
	LEAQ    tailRotations<>+32(SB), AX \
	NEGQ    n                          \
	VMOVDQU (AX)(n*4), y               \
	NEGQ    n

// LOAD_1_TO_7 loads n dwords at p into y, n being a register from 1 to 7, and
// sets the others to 0. (Masked loads would do, but emulators let them fault
// beyond the mask, and processors are slow where they would fault.) x and tx
// are the lower halves of y and t. It uses AX. The other arguments are labels.
#define LOAD_1_TO_7(p, n, y, x, t, tx, under4, loaded) \
	CMPQ        n, $4                      \
	JB          under4                     \
	LEAQ        tailRotations<>+32(SB), AX \
	NEGQ        n                          \
	VMOVDQU     (AX)(n*4), y               \
	NEGQ        n                          \
	VMOVUPS     -16(p)(n*4), tx            \
	VPERMPS     t, y, t                    \
	VMOVUPS     (p), x                     \
	VINSERTF128 $1, tx, y, y               \
	JMP         loaded                     \
under4:                                        \
	CMPQ        n, $2                      \
	VMOVSS      (p), x                     \
	JB          loaded                     \
	VMOVSD      (p), x                     \
	JEQ         loaded                     \
	VINSERTPS   $0x20, 8(p), x, x          \
loaded:

// MASK_QUADS widens the mask of 8 dwords in y to those of 4 quadwords each in a
// and b. x and xb are the lower halves of y and b.
#define MASK_QUADS(y, x, a, b, xb) \
	VPMOVSXDQ    x, a      \
	VEXTRACTI128 $1, y, xb \
	VPMOVSXDQ    xb, b

// PREPARE takes scales in SCALE and zero points in ZERO. It sets RECIP to the
// reciprocals, Y0 and Y1 to the lower and the upper bounds of the quotients, and
// Y2 to a mask of the parameters that QUOTIENT does not serve: too small or too
// large a scale, a significand of all ones, or a zero point beyond farthest. It
// uses Y3 and Y4.
#define PREPARE(qmin, qmax, farthest) \
	VBROADCASTSS ONE, RECIP          \
	VDIVPS       SCALE, RECIP, RECIP \
	VPBROADCASTD qmin, Y0            \
	VPBROADCASTD qmax, Y1            \
	VPSUBD       ZERO, Y0, Y0        \
	VPSUBD       ZERO, Y1, Y1        \
	VCVTDQ2PS    Y0, Y0              \
	VCVTDQ2PS    Y1, Y1              \
	VPBROADCASTD SCALE_LEAST, Y2     \
	VPCMPGTD     SCALE, Y2, Y2       \
	VPBROADCASTD SCALE_GREATEST, Y3  \
	VPCMPGTD     Y3, SCALE, Y3       \
	VPOR         Y3, Y2, Y2          \
	VPBROADCASTD SIGNIFICAND, Y3     \
	VPAND        Y3, SCALE, Y4       \
	VPCMPEQD     Y3, Y4, Y3          \
	VPOR         Y3, Y2, Y2          \
	VPABSD       ZERO, Y3            \
	VPBROADCASTD farthest, Y4        \
	VPCMPGTD     Y4, Y3, Y3          \
	VPOR         Y3, Y2, Y2

// SERVED_IN_TWO_PARTS sets m to a mask of the scales s that a reciprocal in two parts serves where
// zero points are at most 255 in magnitude, see "Reciprocals in two parts" in kernels.go, and whose
// zero points z are. It shifts the lowest 15 bits of a significand to the top, where their magnitude
// is the distance from the nearest multiple of 2^15: a distance from 1 to 6, less 1, is at most 5.
// A significand of all ones has the distance 1. It uses z and t.
#define SERVED_IN_TWO_PARTS(s, z, m, t) \
	VPBROADCASTD SCALE_LEAST, t          \
	VPSUBD       t, s, m                 \
	VPBROADCASTD SCALE_SPAN, t           \
	VPMAXUD      t, m, m                 \
	VPCMPEQD     t, m, m                 \
	VPABSD       z, z                    \
	VPBROADCASTD FARTHEST_TWO_PARTS, t   \
	VPCMPGTD     t, z, z                 \
	VPANDN       m, z, m                 \
	VPSLLD       $17, s, z               \
	VPABSD       z, z                    \
	VPBROADCASTD TWO_PARTS_UNIT, t       \
	VPADDD       t, z, z                 \
	VPBROADCASTD TWO_PARTS_NEAR, t       \
	VPMINUD      z, t, t                 \
	VPCMPEQD     z, t, t                 \
	VPANDN       m, t, m

// TWO_PARTS sets y to the reciprocals of the scales s, and low to their second parts.
#define TWO_PARTS(s, y, low) \
	VBROADCASTSS ONE, low      \
	VDIVPS       s, low, y     \
	VFNMADD231PS s, y, low     \
	VMULPS       y, low, low

// magnitudes masks the magnitudes of 8 float32.
DATA magnitudes<>+0(SB)/8, $0x7fffffff7fffffff
DATA magnitudes<>+8(SB)/8, $0x7fffffff7fffffff
DATA magnitudes<>+16(SB)/8, $0x7fffffff7fffffff
DATA magnitudes<>+24(SB)/8, $0x7fffffff7fffffff
GLOBL magnitudes<>(SB), RODATA|NOPTR, $32

// DEVIATE_INSIDE sets e to |e| of the elements x, whose codes are in the grid, and max to the
// greatest so far. y and low are the reciprocal of the scale s in two parts.
#define DEVIATE_INSIDE(s, y, low, x, e, max) \
	VMULPS      low, x, e              \
	VFMADD231PS y, x, e                \
	VROUNDPS    $8, e, e               \
	VMULPS      s, e, e                \
	VSUBPS      x, e, e                \
	VANDPS      magnitudes<>(SB), e, e \
	VPMAXUD     e, max, max

// ADD_STORED adds |e| in two halves in memory to the lanes a and b, and their squares to c and d. It
// uses Y2 and Y3. A conversion takes the upper half from memory without a shuffle.
#define ADD_STORED(low, high, a, b, c, d) \
	VCVTPS2PD   low, Y2      \
	VCVTPS2PD   high, Y3     \
	VADDPD      Y2, a, a     \
	VADDPD      Y3, b, b     \
	VFMADD231PD Y2, Y2, c    \
	VFMADD231PD Y3, Y3, d

// ADD_DEVIATIONS adds |e| in the vector ye, xe being its lower half, to the lanes a and b, and their
// squares to c and d. It uses Y2 and Y3.
#define ADD_DEVIATIONS(ye, xe, a, b, c, d) \
	VEXTRACTF128 $1, ye, X3  \
	VCVTPS2PD    xe, Y2      \
	VCVTPS2PD    X3, Y3      \
	VADDPD       Y2, a, a    \
	VADDPD       Y3, b, b    \
	VFMADD231PD  Y2, Y2, c   \
	VFMADD231PD  Y3, Y3, d

// NEXT_PARAMS loads up to 8 scales and zero points into SCALE and ZERO. Missing
// scales are set to 1. A kernel can use it once, because of its labels.
#define NEXT_PARAMS \
	CMPQ         PARAMS_LEFT, $8                                                         \
	JB           partial                                                                 \
	VMOVUPS      (SCALES), SCALE                                                         \
	VMOVDQU      (ZEROS), ZERO                                                           \
	ADDQ         $32, SCALES                                                             \
	ADDQ         $32, ZEROS                                                              \
	SUBQ         $8, PARAMS_LEFT                                                         \
	JMP          prepared                                                                \
partial:                                                                                     \
	LOAD_1_TO_7(SCALES, PARAMS_LEFT, SCALE, SCALE_X, Y0, X0, scalesunder4, scalesloaded) \
	LOAD_1_TO_7(ZEROS, PARAMS_LEFT, ZERO, ZERO_X, Y0, X0, zerosunder4, zerosloaded)      \
	MASK(PARAMS_LEFT, Y3)                                                                \
	VBROADCASTSS ONE, Y0                                                                 \
	VBLENDVPS    Y3, SCALE, Y0, SCALE                                                    \
	XORL         PARAMS_LEFT, PARAMS_LEFT                                                \
prepared:

// LOAD_TAIL moves the last N elements of a run of at least 8, fewer than 8 and
// at SRC, to the front of y, and sets the others to 0. It advances SRC, and
// leaves the mask in m.
#define LOAD_TAIL(y, m) \
	LEAQ     (SRC)(N*4), SRC \
	ROTATION(N, y)           \
	VPERMPS  -32(SRC), y, y  \
	MASK(N, m)               \
	VANDPS   m, y, y

// FOLD_TO_2 adds the 16 lanes in ya to yd, the upper half to the lower, until
// two are left in xa, the lower half of ya. FOLD goes on to one lane, and stores
// it.
#define FOLD_TO_2(ya, yb, yc, yd, xa, t) \
	VADDPD       yc, ya, ya \
	VADDPD       yd, yb, yb \
	VADDPD       yb, ya, ya \
	VEXTRACTF128 $1, ya, t  \
	VADDPD       t, xa, xa

#define FOLD(ya, yb, yc, yd, xa, dst) \
	FOLD_TO_2(ya, yb, yc, yd, xa, X0) \
	VPERMILPD    $1, xa, X0           \
	VADDSD       X0, xa, xa           \
	VMOVSD       xa, dst

// REDUCE leaves op over all 8 dwords of y in each dword of x, its lower half.
#define REDUCE(op, y, x, t) \
	VEXTRACTI128 $1, y, t \
	op      t, x, x       \
	VPSHUFD $0x4e, x, t   \
	op      t, x, x       \
	VPSHUFD $0xb1, x, t   \
	op      t, x, x

// PREPARE_RUNS prepares the parameters of 8 runs and stores them in the frame:
// scales at 0, reciprocals at 32, bounds at 64 and 96, and zero points less
// OFFSET at 128. The bounds are those of elements, or, if DIVIDES is set, those
// of quotients.
#define PREPARE_RUNS(qmin, qmax, farthest) \
	NEXT_PARAMS                   \
	PREPARE(qmin, qmax, farthest) \
	VPSUBD  OFFSET, ZERO, ZERO    \
	VMOVDQU ZERO, 128(SP)         \
	VMOVUPS SCALE, 0(SP)          \
	VMOVUPS RECIP, 32(SP)         \
	VPTEST  Y2, Y2                \
	SETNE   DIVIDES               \
	JNE     2(PC)                 \
	VMULPS  SCALE, Y0, Y0         \
	VMOVUPS Y0, 64(SP)            \
	JNE     2(PC)                 \
	VMULPS  SCALE, Y1, Y1         \
	VMOVUPS Y1, 96(SP)

// RUN_PARAMS loads the parameters of the run INDEX of the 8.
#define RUN_PARAMS \
	VBROADCASTSS 0(SP)(INDEX*4), SCALE  \
	VBROADCASTSS 32(SP)(INDEX*4), RECIP \
	VBROADCASTSS 64(SP)(INDEX*4), LOWER \
	VBROADCASTSS 96(SP)(INDEX*4), UPPER \
	VPBROADCASTD 128(SP)(INDEX*4), ZERO

// Two vectors of 8 columns go down the rows together when they are quantized,
// DISTANCE columns apart. The last two may contain columns that are done, or
// overlap. The second vector has parameters of its own.
#define SCALE2 Y13
#define RECIP2 Y14
#define LOWER2 Y15
#define UPPER2 Y6
#define ZERO2  Y7

// PREPARE_COLUMNS prepares the parameters of both vectors. The zero flag is
// clear if QUOTIENT does not serve one of them. The frame holds at 192 what is
// taken off the zero points.
#define PREPARE_8_COLUMNS(i, qmin, qmax) \
	VMOVUPS (SCALES)(i*4), SCALE       \
	VMOVDQU (ZEROS)(i*4), ZERO         \
	PREPARE(qmin, qmax, ZERO_FARTHEST) \
	VPSUBD  192(SP), ZERO, ZERO

#define PREPARE_COLUMNS(qmin, qmax) \
	LEAQ    (COLUMN)(DISTANCE*1), AX      \
	PREPARE_8_COLUMNS(AX, qmin, qmax)     \
	VMOVUPS SCALE, 0(SP)                  \
	VMOVUPS RECIP, 32(SP)                 \
	VMOVUPS Y0, 64(SP)                    \
	VMOVUPS Y1, 96(SP)                    \
	VMOVDQU ZERO, 128(SP)                 \
	VMOVDQU Y2, 160(SP)                   \
	PREPARE_8_COLUMNS(COLUMN, qmin, qmax) \
	VPOR    160(SP), Y2, Y2               \
	VMOVAPS Y0, LOWER                     \
	VMOVAPS Y1, UPPER                     \
	VMOVUPS 0(SP), SCALE2                 \
	VMOVUPS 32(SP), RECIP2                \
	VMOVUPS 64(SP), LOWER2                \
	VMOVUPS 96(SP), UPPER2                \
	VMOVDQU 128(SP), ZERO2                \
	VPTEST  Y2, Y2

// BOUND_ELEMENTS turns the bounds of quotients into those of elements.
#define BOUND_ELEMENTS \
	VMULPS SCALE, LOWER, LOWER    \
	VMULPS SCALE, UPPER, UPPER    \
	VMULPS SCALE2, LOWER2, LOWER2 \
	VMULPS SCALE2, UPPER2, UPPER2

// COLUMN_WORDS leaves the codes of the 16 elements at a and b in q, as words in
// the order that a pack leaves behind. It uses Y0 and p.
#define COLUMN_WORDS(Q, QBY, a, b, q, p) \
	VMOVUPS a, Y0                              \
	Q(Y0, q)                                   \
	VMOVUPS b, Y0                              \
	QBY(SCALE2, RECIP2, LOWER2, UPPER2, Y0, p) \
	CODE(q)                                    \
	VCVTPS2DQ p, p                             \
	VPADDD    ZERO2, p, p                      \
	VPACKSSDW p, q, q
