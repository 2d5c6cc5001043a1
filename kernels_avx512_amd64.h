// Macros that the AVX-512 kernels share.

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
