// Macros that the AVX-512 kernels share.

// Registers that the kernels agree on, beside SI for the source,
// DI for the destination, DX for elements left and R8 for the run length:
//
//	Z16 scale
//	Z17 reciprocal of the scale, correctly rounded
//	Z18 lower bound of the clamp
//	Z19 upper bound
//	Z20 zero point
//
// EXACT QUOTIENTS
//
// The code of x is round(RN(x/s)) + zero, RN being rounding to nearest even.
// QUOTIENT gets RN(x/s) for every x whose quotient is near a boundary between
// codes, without a division:
//
//	y = RN(1/s)   q0 = RN(x·y)   r = x - q0·s   q = RN(q0 + r·y)
//
// Scale x and s by powers of two so that both have integer significands X and
// S in [2^23, 2^24), and measure quotients Q = x/s in units of their last
// place. Let M be the midpoint of two neighbouring float32 next to Q. Since Q
// is never a midpoint, Q - M = ±D/(2S) with an integer D ≥ 1. With Y the
// significand of y, S·Y = 2^47 + η and |η| ≤ S/2. Then r is exact,
//
//	q0 + r·y - M = (Q - M) + (Q - q0)·η/2^47,
//
// and q = RN(x/s) if the last term is the smaller: |Q - q0|·|η|·S < D·2^46.
//
//   - If q0 is a neighbour of M, |Q - q0| ≤ 1/2 + D/(2S), and |η|·S ≤ S²/2:
//     the left side is at most S²/4 + S·D/4 < D·2^46, because S ≤ 2^24 - 1.
//     (That is Markstein's theorem.)
//   - Otherwise |Q - q0| < 3/2 + D/(2S), which is small enough for D ≥ 3. For a
//     smaller D the product x·y, which is Q·(1 + η/2^47), would have to lie a
//     whole unit from M, so that m·|η| ≥ 2^24 - 2 where m < 2 is the significand
//     of Q. With |η| ≤ S/2 that leaves only S = 2^24 - 1, a significand of all
//     ones, and Q next to a power of two.
//
// So the scale's significand must not be all ones. No step over- or underflows
// where a boundary is near if 2^-100 ≤ s ≤ 2^100, since there |x| ≥ s/2. The
// clamp is applied to x, with bounds RN(lo·s) and RN(hi·s), whose own quotients
// round to lo and hi if those are below 2^20; so the result needs none, x may
// be infinite, and NaN becomes the lower bound. Where a condition fails,
// kernels divide. TestExhaustive and TestBoundaries check all this.
//
// RECIPROCALS IN TWO PARTS
//
// Long runs to 8 bits do with one operation less (Brisebarre and Muller,
// Correctly rounded multiplication by arbitrary precision constants, 2008):
//
//	z = RN(y·RN(1 - s·y))   p = RN(x·y + RN(x·z))
//
// which gives the code that Q gives, not always RN(Q). Measure s and x as
// numbers in [1, 2), so that |1/s - y| ≤ 2^-25. The residual is exact, at most
// s·2^-25, and within 2^-49 of 1/s - y after the multiplication by y, which
// rounds by at most 2^-49 more, though z be subnormal; RN(x·z) by x·2^-49. So
//
//	|x·y + RN(x·z) - Q| ≤ E = 3·x·2^-49, and a little.
//
// p and RN(Q) can differ only if a midpoint M of two float32 is as near to Q. They
// are those two, so the codes differ only if one of the two is a boundary b,
// half of an odd integer B. Zero points of at most 32000 keep |B| below 2^16, so
// that with integer significands M is a multiple of 2^9 plus or minus 1, and
//
//	D = |X·2^24 - M·S| ≡ ±S (mod 2^9),  |Q - M| = D/(S·2^24) if Q ≥ 1
//	D = |X·2^25 - M·S| ≡ ±S (mod 2^9),  |Q - M| = D/(S·2^25) if Q < 1.
//
// As s and x are below 2, E < D/(S·2^25) if D > 6. D is not 0, a quotient never
// being a midpoint. So p serves if S modulo 2^9 is 0, or more than 6 from 0. (Of
// the others, hardly any has a boundary that is that near: with zero points in
// the grid, of all 2^23 significands, the one of all ones.)

#define QUOTIENT(x, q) \
	VMAXPS       Z18, x, x \
	VMINPS       Z19, x, x \
	VMULPS       Z17, x, q \
	VFNMADD231PS Z16, q, x \
	VFMADD231PS  Z17, x, q

// DIVIDE is QUOTIENT for any scale; its bounds are those of the quotient.
#define DIVIDE(x, q) \
	VDIVPS Z16, x, q \
	VMAXPS Z18, q, q \
	VMINPS Z19, q, q

// CODE turns quotients into codes.
#define CODE(q) \
	VCVTPS2DQ q, q      \
	VPADDD    Z20, q, q

// BROADCAST sets all dwords of z to a constant.
#define BROADCAST(c, z) \
	MOVL         $c, AX \
	VPBROADCASTD AX, z

// MASK sets k to the lowest n bits, n being a register below 32; it uses AX.
#define MASK(n, k) \
	MOVL  $-1, AX     \
	BZHIL n, AX, AX   \
	KMOVD AX, k

// CONSTANTS loads what PREPARE and the kernels that quantize use:
//
//	Z31 1.0
//	Z30 the grid's qmin
//	Z29 the grid's qmax
//	Z28 bits of 2^-100
//	Z27 bits of 2^100 minus those of 2^-100
//	Z26 a significand of all ones
//	Z25 the largest zero point for which QUOTIENT is used, 2^19
#define CONSTANTS(qmin, qmax) \
	VPBROADCASTD qmin, Z30    \
	VPBROADCASTD qmax, Z29    \
	BROADCAST(0x3f800000, Z31) \
	BROADCAST(0x0d800000, Z28) \
	BROADCAST(0x64000000, Z27) \
	BROADCAST(0x007fffff, Z26) \
	BROADCAST(0x00080000, Z25)

// PREPARE takes scales in Z16 and zero points in Z20, and sets Z17 to the
// reciprocals, Z0 and Z1 to the bounds lo and hi of the quotient, and K3 to
// those for which QUOTIENT must not be used.
#define PREPARE \
	VDIVPS    Z16, Z31, Z17     \
	VPSUBD    Z20, Z30, Z0      \
	VPSUBD    Z20, Z29, Z1      \
	VCVTDQ2PS Z0, Z0            \
	VCVTDQ2PS Z1, Z1            \
	VPSUBD    Z28, Z16, Z2      \
	VPCMPUD   $6, Z27, Z2, K2   \
	VPANDD    Z26, Z16, Z2      \
	VPCMPEQD  Z26, Z2, K3       \
	KORW      K2, K3, K3        \
	VPABSD    Z20, Z2           \
	VPCMPUD   $6, Z25, Z2, K2   \
	KORW      K2, K3, K3

// NEXT16 loads the next up to 16 scales and zero points, of R11 that are left,
// at R9 and R10; scales that are not there are 1.
#define NEXT16 \
	MOVQ         $16, BX          \
	CMPQ         R11, BX          \
	CMOVQLT      R11, BX          \
	MASK(BX, K1)                  \
	VMOVAPS      Z31, Z16         \
	VMOVUPS      (R9), K1, Z16    \
	VMOVDQU32.Z  (R10), K1, Z20   \
	ADDQ         $64, R9          \
	ADDQ         $64, R10         \
	SUBQ         BX, R11

// FOLD adds the 16 lanes in za and zb, whose halves are ya and xa, and stores
// the sum: the upper half to the lower, until one is left.
#define FOLD(za, zb, ya, xa, dst) \
	VADDPD        zb, za, za  \
	VEXTRACTF64X4 $1, za, Y0  \
	VADDPD        Y0, ya, ya  \
	VEXTRACTF64X2 $1, ya, X0  \
	VADDPD        X0, xa, xa  \
	VPERMILPD     $1, xa, X0  \
	VADDSD        X0, xa, xa  \
	VMOVSD        xa, dst

// WIDEN8 and WIDEN16 sign-extend 16 codes. Those of an unsigned grid have
// their top bit flipped first, by Z21, which takes half the grid off them.
#define WIDEN8(off, x, z) \
	VPXORD     off(SI), X21, x \
	VPMOVSXBD x, z

#define WIDEN16(off, y, z) \
	VPXORD     off(SI), Y21, y \
	VPMOVSXWD y, z

// Of the 16 dwords that two in-lane packs leave behind, the order.
DATA packOrder512<>+0(SB)/8, $0x0000000400000000
DATA packOrder512<>+8(SB)/8, $0x0000000c00000008
DATA packOrder512<>+16(SB)/8, $0x0000000500000001
DATA packOrder512<>+24(SB)/8, $0x0000000d00000009
DATA packOrder512<>+32(SB)/8, $0x0000000600000002
DATA packOrder512<>+40(SB)/8, $0x0000000e0000000a
DATA packOrder512<>+48(SB)/8, $0x0000000700000003
DATA packOrder512<>+56(SB)/8, $0x0000000f0000000b
GLOBL packOrder512<>(SB), RODATA|NOPTR, $64

// Of the 8 dwords that one in-lane pack to words, then narrowed to bytes, leaves behind.
DATA packOrder256<>+0(SB)/8, $0x0000000200000000
DATA packOrder256<>+8(SB)/8, $0x0000000600000004
DATA packOrder256<>+16(SB)/8, $0x0000000300000001
DATA packOrder256<>+24(SB)/8, $0x0000000700000005
GLOBL packOrder256<>(SB), RODATA|NOPTR, $32
