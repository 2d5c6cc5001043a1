// What the AVX-512 kernels share: names of registers, constants and macros. The
// proofs are in kernels.go.

#include "kernels.h"

// Names of registers, the same for the same role in every kernel and on every
// architecture. A file adds names of its own above the kernel that needs them.
// Registers without a name hold intermediate values. NAME_X and NAME_Y are the
// lowest quarter and the lower half of the register NAME.
#define SRC         SI  // first element that is not done
#define DST         DI  // where its result goes
#define LEFT        DX  // elements of src behind the run
#define RUN         R8  // length of a run
#define N           CX  // elements left of the run
#define SCALES      R9  // next scale
#define ZEROS       R10 // next zero point
#define PARAMS_LEFT R11 // scales and zero points left
#define SCALE       Z16 // scale
#define SCALE_X     X16 // its lowest quarter
#define RECIP       Z17 // reciprocal of the scale, correctly rounded
#define LOWER       Z18 // lower bound of the clamp
#define UPPER       Z19 // upper bound of the clamp
#define ZERO        Z20 // zero point
#define ZERO_Y      Y20 // its lower half

// Constants that PREPARE takes from registers, see CONSTANTS.
#define ONES          Z31 // 1.0
#define GRID_MIN      Z30 // qmin
#define GRID_MAX      Z29 // qmax
#define SCALE_LEAST   Z28 // least scale for QUOTIENT
#define SCALE_SPAN    Z27 // greatest scale for QUOTIENT, less the least
#define SIGNIFICAND   Z26 // mask of the significand; QUOTIENT excludes one of all ones
#define ZERO_FARTHEST Z25 // farthest zero point for QUOTIENT

// QUOTIENT sets q to x/s without a division, see "Exact quotients" in
// kernels.go, and uses up x. The bounds are those of x.
#define QUOTIENT(x, q) \
	VMAXPS       LOWER, x, x \
	VMINPS       UPPER, x, x \
	VMULPS       RECIP, x, q \
	VFNMADD231PS SCALE, q, x \
	VFMADD231PS  RECIP, x, q

// DIVIDE is QUOTIENT for any scale. The bounds are those of the quotient.
#define DIVIDE(x, q) \
	VDIVPS SCALE, x, q \
	VMAXPS LOWER, q, q \
	VMINPS UPPER, q, q

// CODE rounds quotients and adds the zero points.
#define CODE(q) \
	VCVTPS2DQ q, q \
	VPADDD    ZERO, q, q

// BROADCAST sets all dwords of z to a constant. It uses AX.
#define BROADCAST(c, z) \
	MOVL         $c, AX \
	VPBROADCASTD AX, z

// MASK sets k to the lowest n bits, n being a register below 32, and MASK64 is
// for one below 64. They use AX.
#define MASK(n, k) \
	MOVL  $-1, AX   \
	BZHIL n, AX, AX \
	KMOVD AX, k

#define MASK64(n, k) \
	MOVQ  $-1, AX   \
	BZHIQ n, AX, AX \
	KMOVQ AX, k

// CONSTANTS loads the constants that PREPARE uses.
#define CONSTANTS(qmin, qmax) \
	VPBROADCASTD qmin, GRID_MIN             \
	VPBROADCASTD qmax, GRID_MAX             \
	BROADCAST(oneBits, ONES)                \
	BROADCAST(scaleLeast, SCALE_LEAST)      \
	BROADCAST(scaleSpan, SCALE_SPAN)        \
	BROADCAST(significandMask, SIGNIFICAND) \
	BROADCAST(zeroFarthest19, ZERO_FARTHEST)

// PREPARE takes scales in SCALE and zero points in ZERO. It sets RECIP to the
// reciprocals, Z0 and Z1 to the lower and the upper bounds of the quotients, and
// K3 to the parameters that QUOTIENT does not serve: too small or too large a
// scale, a significand of all ones, or a zero point beyond ZERO_FARTHEST. It uses
// Z2 and K2.
#define PREPARE \
	VDIVPS    SCALE, ONES, RECIP        \
	VPSUBD    ZERO, GRID_MIN, Z0        \
	VPSUBD    ZERO, GRID_MAX, Z1        \
	VCVTDQ2PS Z0, Z0                    \
	VCVTDQ2PS Z1, Z1                    \
	VPSUBD    SCALE_LEAST, SCALE, Z2    \
	VPCMPUD   $6, SCALE_SPAN, Z2, K2    \
	VPANDD    SIGNIFICAND, SCALE, Z2    \
	VPCMPEQD  SIGNIFICAND, Z2, K3       \
	KORW      K2, K3, K3                \
	VPABSD    ZERO, Z2                  \
	VPCMPUD   $6, ZERO_FARTHEST, Z2, K2 \
	KORW      K2, K3, K3

// CHECK_TWO_PARTS adds to K3 the scales that a reciprocal in two parts does not serve where
// zero points are at most 255 in magnitude, see "Reciprocals in two parts" in kernels.go. near
// is 6, nearTwice 12 and low a mask of the lowest 15 bits. It uses Z2 and K2.
#define CHECK_TWO_PARTS(near, nearTwice, low) \
	VPADDD   near, SCALE, Z2       \
	VPANDD   low, Z2, Z2           \
	VPCMPUD  $2, nearTwice, Z2, K2 \
	VPTESTMD low, SCALE, K2, K2    \
	KORW     K2, K3, K3

// SECOND_PART sets z to the second part of RECIP, and needs ONES.
#define SECOND_PART(z) \
	VMOVAPS      ONES, z          \
	VFNMADD231PS SCALE, RECIP, z  \
	VMULPS       RECIP, z, z

// NEXT_PARAMS loads up to 16 scales and zero points into SCALE and ZERO. Missing
// scales are set to 1. It leaves their number in BX and their mask in K1.
#define NEXT_PARAMS \
	MOVQ         $16, BX             \
	CMPQ         PARAMS_LEFT, BX     \
	CMOVQLT      PARAMS_LEFT, BX     \
	MASK(BX, K1)                     \
	VMOVAPS      ONES, SCALE         \
	VMOVUPS      (SCALES), K1, SCALE \
	VMOVDQU32.Z  (ZEROS), K1, ZERO   \
	ADDQ         $64, SCALES         \
	ADDQ         $64, ZEROS          \
	SUBQ         BX, PARAMS_LEFT

// FOLD adds the 16 lanes in za and zb, the upper half to the lower, until one is
// left, and stores it. ya and xa are the lower half and quarter of za.
#define FOLD(za, zb, ya, xa, dst) \
	VADDPD        zb, za, za \
	VEXTRACTF64X4 $1, za, Y0 \
	VADDPD        Y0, ya, ya \
	VEXTRACTF64X2 $1, ya, X0 \
	VADDPD        X0, xa, xa \
	VPERMILPD     $1, xa, X0 \
	VADDSD        X0, xa, xa \
	VMOVSD        xa, dst

// EXTEND8 and EXTEND16 extend 16 codes with their sign. FLIP flips the top bit of
// the codes of an unsigned grid first, which takes half the grid off them.
#define EXTEND8(off, x, z) \
	VPXORD     off(SRC), FLIP_X, x \
	VPMOVSXBD x, z

#define EXTEND16(off, y, z) \
	VPXORD     off(SRC), FLIP_Y, y \
	VPMOVSXWD y, z

// packOrderTwice is the order of the 16 dwords that two packs in lanes of 128
// bits leave behind.
DATA packOrderTwice<>+0(SB)/8, $0x0000000400000000
DATA packOrderTwice<>+8(SB)/8, $0x0000000c00000008
DATA packOrderTwice<>+16(SB)/8, $0x0000000500000001
DATA packOrderTwice<>+24(SB)/8, $0x0000000d00000009
DATA packOrderTwice<>+32(SB)/8, $0x0000000600000002
DATA packOrderTwice<>+40(SB)/8, $0x0000000e0000000a
DATA packOrderTwice<>+48(SB)/8, $0x0000000700000003
DATA packOrderTwice<>+56(SB)/8, $0x0000000f0000000b
GLOBL packOrderTwice<>(SB), RODATA|NOPTR, $64

// packOrderOnce is the order of the 8 dwords that one pack to words in lanes of
// 128 bits leaves behind, when the words are then narrowed to bytes.
DATA packOrderOnce<>+0(SB)/8, $0x0000000200000000
DATA packOrderOnce<>+8(SB)/8, $0x0000000600000004
DATA packOrderOnce<>+16(SB)/8, $0x0000000300000001
DATA packOrderOnce<>+24(SB)/8, $0x0000000700000005
GLOBL packOrderOnce<>(SB), RODATA|NOPTR, $32

// PREPARE_RUNS prepares the parameters of 16 runs and stores them in the frame:
// scales at 0, reciprocals at 64, bounds at 128 and 192, and zero points less
// OFFSET at 256. The bounds are those of elements, or, if DIVIDES is set, those
// of quotients.
#define PREPARE_RUNS \
	NEXT_PARAMS                \
	PREPARE                    \
	VPSUBD  OFFSET, ZERO, ZERO \
	VMOVDQU32 ZERO, 256(SP)    \
	VMOVUPS SCALE, 0(SP)       \
	VMOVUPS RECIP, 64(SP)      \
	KTESTW  K3, K3             \
	SETNE   DIVIDES            \
	JNE     2(PC)              \
	VMULPS  SCALE, Z0, Z0      \
	VMOVUPS Z0, 128(SP)        \
	JNE     2(PC)              \
	VMULPS  SCALE, Z1, Z1      \
	VMOVUPS Z1, 192(SP)

// RUN_PARAMS loads the parameters of the run INDEX of the 16.
#define RUN_PARAMS \
	VBROADCASTSS 0(SP)(INDEX*4), SCALE   \
	VBROADCASTSS 64(SP)(INDEX*4), RECIP  \
	VBROADCASTSS 128(SP)(INDEX*4), LOWER \
	VBROADCASTSS 192(SP)(INDEX*4), UPPER \
	VPBROADCASTD 256(SP)(INDEX*4), ZERO
