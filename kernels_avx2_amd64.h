// Macros that the AVX2 kernels share.

// Registers that the kernels agree on, beside SI for the source,
// DI for the destination, DX for elements left and R8 for the run length:
//
//	Y8  scale
//	Y9  reciprocal of the scale, correctly rounded
//	Y10 lower bound of the clamp
//	Y11 upper bound
//	Y12 zero point
//
// There are no byte masks, and masked stores are slow. Where a result may be
// stored twice, up to 32 elements are taken as their first and last half, which
// overlap: 16 to 32, 8 to 15, 4 to 7. Of 1 to 3 elements these are the first,
// the one in the middle and the last. A longer run ends with its last 32.

// QUOTIENT gets x/s without a division: see EXACT QUOTIENTS in the macros of
// AVX-512 for how and when.
#define QUOTIENT(x, q) QUOTIENTBY(Y8, Y9, Y10, Y11, x, q)

#define QUOTIENTBY(s, y, lo, hi, x, q) \
	VMAXPS       lo, x, x \
	VMINPS       hi, x, x \
	VMULPS       y, x, q  \
	VFNMADD231PS s, q, x  \
	VFMADD231PS  y, x, q

// DIVIDE is QUOTIENT for any scale; its bounds are those of the quotient.
#define DIVIDE(x, q) DIVIDEBY(Y8, Y9, Y10, Y11, x, q)

#define DIVIDEBY(s, y, lo, hi, x, q) \
	VDIVPS s, x, q  \
	VMAXPS lo, q, q \
	VMINPS hi, q, q

// CODE turns quotients into codes.
#define CODE(q) \
	VCVTPS2DQ q, q      \
	VPADDD    Y12, q, q

// Constants of one dword each.
#define ONE          consts<>+0(SB)  /* 1.0 */
#define LEAST        consts<>+4(SB)  /* 2^-100, the least scale for QUOTIENT */
#define GREATEST     consts<>+8(SB)  /* 2^100, the greatest */
#define ALLONES      consts<>+12(SB) /* the significand that it excludes */
#define FARTHEST     consts<>+16(SB) /* 2^19, the farthest zero point for it */
#define HALF         consts<>+20(SB) /* 0.5 */
#define MINUSHALF    consts<>+24(SB) /* -0.5 */
#define UNIT         consts<>+28(SB) /* the integer 1 */
#define SIGN         consts<>+32(SB) /* of a float32 */
#define MAGNITUDE    consts<>+36(SB) /* all other bits */
#define FLIP8        consts<>+40(SB) /* the sign of each byte */
#define FLIP16       consts<>+44(SB) /* the sign of each word */
#define SIGN8        consts<>+48(SB) /* the sign of a code of 8 bits */
#define SIGN16       consts<>+52(SB) /* the sign of a code of 16 bits */
#define INFINITY     consts<>+56(SB) /* the bits of +Inf */
#define FARTHEST8    consts<>+68(SB) /* 32000, the farthest zero point for SATURATE */
#define BEYOND       consts<>+72(SB) /* 2^16, beyond all quotients that give a code */
#define SHARE        consts<>+60(SB) /* 2^-22, the least scale to a magnitude of 1 */
#define LEASTNORMAL  consts<>+64(SB) /* 2^-126, the least scale of all */

DATA consts<>+0(SB)/4, $0x3f800000
DATA consts<>+4(SB)/4, $0x0d800000
DATA consts<>+8(SB)/4, $0x71800000
DATA consts<>+12(SB)/4, $0x007fffff
DATA consts<>+16(SB)/4, $0x00080000
DATA consts<>+20(SB)/4, $0x3f000000
DATA consts<>+24(SB)/4, $0xbf000000
DATA consts<>+28(SB)/4, $0x00000001
DATA consts<>+32(SB)/4, $0x80000000
DATA consts<>+36(SB)/4, $0x7fffffff
DATA consts<>+40(SB)/4, $0x80808080
DATA consts<>+44(SB)/4, $0x80008000
DATA consts<>+48(SB)/4, $0x00000080
DATA consts<>+52(SB)/4, $0x00008000
DATA consts<>+56(SB)/4, $0x7f800000
DATA consts<>+60(SB)/4, $0x34800000
DATA consts<>+64(SB)/4, $0x00800000
DATA consts<>+68(SB)/4, $0x00007d00
DATA consts<>+72(SB)/4, $0x47800000
GLOBL consts<>(SB), RODATA|NOPTR, $76

// Of the 8 dwords that two in-lane packs leave behind, the order.
DATA packOrder256<>+0(SB)/8, $0x0000000400000000
DATA packOrder256<>+8(SB)/8, $0x0000000500000001
DATA packOrder256<>+16(SB)/8, $0x0000000600000002
DATA packOrder256<>+24(SB)/8, $0x0000000700000003
GLOBL packOrder256<>(SB), RODATA|NOPTR, $32

// MASK sets all bits of the first n dwords of y, n being a register of at most
// 8, and LASTMASK those of the last n. ROTATION gives VPERMPS the order that
// moves the last n dwords to the front. They use AX.
DATA masks<>+0(SB)/8, $-1
DATA masks<>+8(SB)/8, $-1
DATA masks<>+16(SB)/8, $-1
DATA masks<>+24(SB)/8, $-1
DATA masks<>+32(SB)/8, $0
DATA masks<>+40(SB)/8, $0
DATA masks<>+48(SB)/8, $0
DATA masks<>+56(SB)/8, $0
DATA masks<>+64(SB)/8, $-1
DATA masks<>+72(SB)/8, $-1
DATA masks<>+80(SB)/8, $-1
DATA masks<>+88(SB)/8, $-1
GLOBL masks<>(SB), RODATA|NOPTR, $96
DATA rotations<>+0(SB)/8, $0x0000000100000000
DATA rotations<>+8(SB)/8, $0x0000000300000002
DATA rotations<>+16(SB)/8, $0x0000000500000004
DATA rotations<>+24(SB)/8, $0x0000000700000006
DATA rotations<>+32(SB)/8, $0x0000000100000000
DATA rotations<>+40(SB)/8, $0x0000000300000002
DATA rotations<>+48(SB)/8, $0x0000000500000004
DATA rotations<>+56(SB)/8, $0x0000000700000006
GLOBL rotations<>(SB), RODATA|NOPTR, $64

#define MASK(n, y) \
	LEAQ    masks<>+32(SB), AX \
	NEGQ    n                  \
	VMOVDQU (AX)(n*4), y       \
	NEGQ    n

#define LASTMASK(n, y) \
	LEAQ    masks<>+32(SB), AX \
	VMOVDQU (AX)(n*4), y

#define ROTATION(n, y) \
	LEAQ    rotations<>+32(SB), AX \
	NEGQ    n                      \
	VMOVDQU (AX)(n*4), y           \
	NEGQ    n

// FEW loads n dwords at p into y, n being a register from 1 to 7; the others
// become 0. (Masked loads would do, but emulators let them fault beyond the
// mask, and processors are slow where they would.) The lower halves of y and t
// are x and tx. It uses AX.
#define FEW(p, n, y, x, t, tx) \
	CMPQ        n, $4              \
	JB          10(PC)             \
	LEAQ        rotations<>+32(SB), AX \
	NEGQ        n                  \
	VMOVDQU     (AX)(n*4), y       \
	NEGQ        n                  \
	VMOVUPS     -16(p)(n*4), tx    \
	VPERMPS     t, y, t            \
	VMOVUPS     (p), x             \
	VINSERTF128 $1, tx, y, y       \
	JMP         7(PC)              \
	CMPQ        n, $2              \
	VMOVSS      (p), x             \
	JB          4(PC)              \
	VMOVSD      (p), x             \
	JEQ         2(PC)              \
	VINSERTPS   $0x20, 8(p), x, x

// HALVES widens the mask of 8 dwords in y, whose lower half is x, to those of
// its quadwords in a and b, whose lower half is xb.
#define HALVES(y, x, a, b, xb) \
	VPMOVSXDQ    x, a      \
	VEXTRACTI128 $1, y, xb \
	VPMOVSXDQ    xb, b

// PREPARE takes scales in Y8 and zero points in Y12, and sets Y9 to the
// reciprocals, Y0 and Y1 to the bounds lo and hi of the quotient, and Y2 to a
// mask of those for which QUOTIENT must not be used, zero points beyond farthest
// among them. It uses Y3 and Y4.
#define PREPARE(qmin, qmax, farthest) \
	VBROADCASTSS ONE, Y9       \
	VDIVPS       Y8, Y9, Y9    \
	VPBROADCASTD qmin, Y0      \
	VPBROADCASTD qmax, Y1      \
	VPSUBD       Y12, Y0, Y0   \
	VPSUBD       Y12, Y1, Y1   \
	VCVTDQ2PS    Y0, Y0        \
	VCVTDQ2PS    Y1, Y1        \
	VPBROADCASTD LEAST, Y2     \
	VPCMPGTD     Y8, Y2, Y2    \
	VPBROADCASTD GREATEST, Y3  \
	VPCMPGTD     Y3, Y8, Y3    \
	VPOR         Y3, Y2, Y2    \
	VPBROADCASTD ALLONES, Y3   \
	VPAND        Y3, Y8, Y4    \
	VPCMPEQD     Y3, Y4, Y3    \
	VPOR         Y3, Y2, Y2    \
	VPABSD       Y12, Y3       \
	VPBROADCASTD farthest, Y4  \
	VPCMPGTD     Y4, Y3, Y3    \
	VPOR         Y3, Y2, Y2

// NEXT8 loads the next up to 8 scales and zero points, of R11 that are left,
// at R9 and R10; scales that are not there are 1. Its labels are few and ready.
#define NEXT8(few, ready) \
	CMPQ         R11, $8               \
	JB           few                   \
	VMOVUPS      (R9), Y8              \
	VMOVDQU      (R10), Y12            \
	ADDQ         $32, R9               \
	ADDQ         $32, R10              \
	SUBQ         $8, R11               \
	JMP          ready                 \
few:                                   \
	FEW(R9, R11, Y8, X8, Y0, X0)       \
	FEW(R10, R11, Y12, X12, Y0, X0)    \
	MASK(R11, Y3)                      \
	VBROADCASTSS ONE, Y0               \
	VBLENDVPS    Y3, Y8, Y0, Y8        \
	XORL         R11, R11              \
ready:

// HALVED adds the 16 lanes in ya to yd, of which xa is the lower half of ya, the
// upper half to the lower, until two are left in xa. FOLD goes on to one, and
// stores it.
#define HALVED(ya, yb, yc, yd, xa, t) \
	VADDPD       yc, ya, ya \
	VADDPD       yd, yb, yb \
	VADDPD       yb, ya, ya \
	VEXTRACTF128 $1, ya, t  \
	VADDPD       t, xa, xa

#define FOLD(ya, yb, yc, yd, xa, dst) \
	HALVED(ya, yb, yc, yd, xa, X0) \
	VPERMILPD    $1, xa, X0 \
	VADDSD       X0, xa, xa \
	VMOVSD       xa, dst
