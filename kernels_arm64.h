// What the NEON kernels share: names of registers, constants and macros. The
// proofs that other instruction sets share are in kernels.go.

#include "kernels.h"

// Names of registers, the same for the same role in every kernel and on every
// architecture. A file adds names of its own above the kernel that needs them.
// Registers without a name hold intermediate values. NAME_F is the first lane of
// the register NAME, NAME_N its number, which encoded instructions take.
#define SRC           R1  // first element that is not done
#define DST           R0  // where its result goes
#define LEFT          R2  // elements of src behind the run
#define RUN           R3  // length of a run
#define N             R8  // elements left of the run
#define SCALES        R4  // next scale
#define ZEROS         R5  // next zero point
#define SCALE         V8  // scale
#define SCALE_F       F8  // its first lane
#define SCALE_N       8   // its number
#define RECIP         V9  // reciprocal of the scale, correctly rounded
#define RECIP_F       F9  // its first lane
#define RECIP_N       9   // its number
#define LOWER         V10 // lower bound of the clamp
#define LOWER_F       F10 // its first lane
#define LOWER_N       10  // its number
#define UPPER         V11 // upper bound of the clamp
#define UPPER_F       F11 // its first lane
#define UPPER_N       11  // its number
#define QMIN          R6  // qmin
#define QMAX          R7  // qmax
#define SCALE_LEAST   R14 // least scale for QUOTIENT
#define SCALE_SPAN    R15 // greatest scale for QUOTIENT, less the least
#define ZERO_FARTHEST R16 // farthest zero point for QUOTIENT
#define ZERO_SPAN     R17 // twice that

// A run whose length is no multiple of a step ends with a step that overlaps the
// one before: the same elements give the same results. A run shorter than a step
// is one step whose four vectors overlap as they must.

// The Go assembler has few vector instructions for floats. These macros encode
// what is missing. As in native instructions the destination is last, but
// registers are numbers: V3 is 3. The comment on each is the Arm spelling, which
// TestEncodings decodes the word back to.
#define VFADD_S4(m, n, d)   WORD $(0x4E20D400 | (m)<<16 | (n)<<5 | (d)) // fadd vd.4s, vn.4s, vm.4s
#define VFSUB_S4(m, n, d)   WORD $(0x4EA0D400 | (m)<<16 | (n)<<5 | (d)) // fsub vd.4s, vn.4s, vm.4s
#define VFMUL_S4(m, n, d)   WORD $(0x6E20DC00 | (m)<<16 | (n)<<5 | (d)) // fmul vd.4s, vn.4s, vm.4s
#define VFDIV_S4(m, n, d)   WORD $(0x6E20FC00 | (m)<<16 | (n)<<5 | (d)) // fdiv vd.4s, vn.4s, vm.4s
#define VFABD_S4(m, n, d)   WORD $(0x6EA0D400 | (m)<<16 | (n)<<5 | (d)) // fabd vd.4s, vn.4s, vm.4s
#define VFMAX_S4(m, n, d)   WORD $(0x4E20F400 | (m)<<16 | (n)<<5 | (d)) // fmax vd.4s, vn.4s, vm.4s
#define VFMIN_S4(m, n, d)   WORD $(0x4EA0F400 | (m)<<16 | (n)<<5 | (d)) // fmin vd.4s, vn.4s, vm.4s
#define VFMAXNM_S4(m, n, d) WORD $(0x4E20C400 | (m)<<16 | (n)<<5 | (d)) // fmaxnm vd.4s, vn.4s, vm.4s
#define VFCMEQ_S4(m, n, d)  WORD $(0x4E20E400 | (m)<<16 | (n)<<5 | (d)) // fcmeq vd.4s, vn.4s, vm.4s
#define VFMAXP_S4(m, n, d)  WORD $(0x6E20F400 | (m)<<16 | (n)<<5 | (d)) // fmaxp vd.4s, vn.4s, vm.4s
#define VFMINP_S4(m, n, d)  WORD $(0x6EA0F400 | (m)<<16 | (n)<<5 | (d)) // fminp vd.4s, vn.4s, vm.4s
#define VFCMGT_S4(m, n, d)  WORD $(0x6EA0E400 | (m)<<16 | (n)<<5 | (d)) // fcmgt vd.4s, vn.4s, vm.4s
#define VCMHS_S4(m, n, d)   WORD $(0x6EA03C00 | (m)<<16 | (n)<<5 | (d)) // cmhs vd.4s, vn.4s, vm.4s
#define VCMHS_B16(m, n, d)  WORD $(0x6E203C00 | (m)<<16 | (n)<<5 | (d)) // cmhs vd.16b, vn.16b, vm.16b
#define VUSHL_B16(m, n, d)  WORD $(0x6E204400 | (m)<<16 | (n)<<5 | (d)) // ushl vd.16b, vn.16b, vm.16b
#define VUSHL_H8(m, n, d)   WORD $(0x6E604400 | (m)<<16 | (n)<<5 | (d)) // ushl vd.8h, vn.8h, vm.8h
#define VSSHL_H8(m, n, d)   WORD $(0x4E604400 | (m)<<16 | (n)<<5 | (d)) // sshl vd.8h, vn.8h, vm.8h
#define VFADD_D2(m, n, d)   WORD $(0x4E60D400 | (m)<<16 | (n)<<5 | (d)) // fadd vd.2d, vn.2d, vm.2d
#define VFMUL_D2(m, n, d)   WORD $(0x6E60DC00 | (m)<<16 | (n)<<5 | (d)) // fmul vd.2d, vn.2d, vm.2d
#define VABS_S4(n, d)       WORD $(0x4EA0B800 | (n)<<5 | (d)) // abs vd.4s, vn.4s
#define VFRINTN_S4(n, d)    WORD $(0x4E218800 | (n)<<5 | (d)) // frintn vd.4s, vn.4s
#define VFCVTNS_S4(n, d)    WORD $(0x4E21A800 | (n)<<5 | (d)) // fcvtns vd.4s, vn.4s
#define VSCVTF_S4(n, d)     WORD $(0x4E21D800 | (n)<<5 | (d)) // scvtf vd.4s, vn.4s
#define VFCVTL_D2(n, d)     WORD $(0x0E617800 | (n)<<5 | (d)) // fcvtl vd.2d, vn.2s
#define VFCVTL2_D2(n, d)    WORD $(0x4E617800 | (n)<<5 | (d)) // fcvtl2 vd.2d, vn.4s
#define VFCVTL_S4(n, d)     WORD $(0x0E217800 | (n)<<5 | (d)) // fcvtl vd.4s, vn.4h
#define VFCVTL2_S4(n, d)    WORD $(0x4E217800 | (n)<<5 | (d)) // fcvtl2 vd.4s, vn.8h
#define VFMAXV_S4(n, d)     WORD $(0x6E30F800 | (n)<<5 | (d)) // fmaxv sd, vn.4s
#define VFMINV_S4(n, d)     WORD $(0x6EB0F800 | (n)<<5 | (d)) // fminv sd, vn.4s
#define VUMAXV_S4(n, d)     WORD $(0x6EB0A800 | (n)<<5 | (d)) // umaxv sd, vn.4s
#define VUMINV_S4(n, d)     WORD $(0x6EB1A800 | (n)<<5 | (d)) // uminv sd, vn.4s
#define VUMAXV_B16(n, d)    WORD $(0x6E30A800 | (n)<<5 | (d)) // umaxv bd, vn.16b
#define VFADDP_D(n, d)      WORD $(0x7E70D800 | (n)<<5 | (d)) // faddp dd, vn.2d

// QUOTIENT sets V4 to V7 to the quotients of V0 to V3 and SCALE, correctly rounded
// as far as codes can tell, and uses up V0 to V3: q = x*y, r = x - q*s, q += r*y.
//
// This is the method of "Exact quotients" in kernels.go. Zero points are closer
// to 0 here, so that a significand of all ones is no exception. Why no code differs
// from that of the division x/s, for 2^-100 <= s <= 2^100 and bounds of the grid of
// at most 2^17 in magnitude: rounding gives different codes only if a midpoint m
// between a boundary b = k+1/2 of two codes and a float32 beside it lies between
// t = x/s and v = q + r*y, taken exactly. Let u be the spacing of floats there and
// S, Q in [1, 2) the significands of s and b; |y - 1/s| <= 2^-25 in units of the
// exponent of 1/s.
//   - x*y misses t by at most u*Q*S/4 < u*(1 - 2^-19), because b has at most 18
//     bits; so q, being rounded, is one of the two floats beside m. (At b = 1/2
//     the spacing halves below b, but there Q = 1 leaves room.)
//   - So |x - q*s| is about s*u/2. It is a multiple of ulp(q)*ulp(s) and less
//     than 2^24 of them, and at least 2^-149: r is exact.
//   - So |v - t| = |r|*|y - 1/s| <= S*(u/2)*2^-25*(1 + 2^-24).
//   - m has 25 bits, so x = m*s is impossible, and |x - m*s| is a multiple of
//     (u/2)*ulp(s): |t - m| >= (u/2)*2^-23/S.
//   - If m were between t and v, then S*S*(1 + 2^-24) >= 4, but S <= 2 - 2^-23.
// Where the quotient or a product is subnormal no boundary is near. If x*y
// overflows the result is NaN.
#define QUOTIENT \
	VFMUL_S4(RECIP_N, 0, 4)      \
	VFMUL_S4(RECIP_N, 1, 5)      \
	VFMUL_S4(RECIP_N, 2, 6)      \
	VFMUL_S4(RECIP_N, 3, 7)      \
	VFMLS SCALE.S4, V4.S4, V0.S4 \
	VFMLS SCALE.S4, V5.S4, V1.S4 \
	VFMLS SCALE.S4, V6.S4, V2.S4 \
	VFMLS SCALE.S4, V7.S4, V3.S4 \
	VFMLA RECIP.S4, V0.S4, V4.S4 \
	VFMLA RECIP.S4, V1.S4, V5.S4 \
	VFMLA RECIP.S4, V2.S4, V6.S4 \
	VFMLA RECIP.S4, V3.S4, V7.S4

// tailMasks tells what the last elements of a run, fewer than lanes, leave of
// sixteen lanes: from 4*n bytes before the zeros on, n lanes are kept.
DATA tailMasks<>+0(SB)/8, $-1
DATA tailMasks<>+8(SB)/8, $-1
DATA tailMasks<>+16(SB)/8, $-1
DATA tailMasks<>+24(SB)/8, $-1
DATA tailMasks<>+32(SB)/8, $-1
DATA tailMasks<>+40(SB)/8, $-1
DATA tailMasks<>+48(SB)/8, $-1
DATA tailMasks<>+56(SB)/8, $-1
DATA tailMasks<>+64(SB)/8, $0
DATA tailMasks<>+72(SB)/8, $0
DATA tailMasks<>+80(SB)/8, $0
DATA tailMasks<>+88(SB)/8, $0
DATA tailMasks<>+96(SB)/8, $0
DATA tailMasks<>+104(SB)/8, $0
DATA tailMasks<>+112(SB)/8, $0
DATA tailMasks<>+120(SB)/8, $0
GLOBL tailMasks<>(SB), RODATA|NOPTR, $128

// LOAD_TAIL points TAIL_SRC to 16 elements, the first R9 of which are those at SRC, and
// R9 to the masks that keep them. They stay in place if 16 elements of src are
// left, and are else copied to the stack. SRC moves behind them. MASKS is
// tailMasks + 64. It uses R10, R11 and R19.
#define LOAD_TAIL(copy, copied) \
	ADD     R9, LEFT, R10         \
	MOVD    SRC, TAIL_SRC         \
	ADD     R9<<2, SRC            \
	SUB     R9<<2, MASKS, R9      \
	CMP     $16, R10              \
	BGE     copied                \
	MOVD    TAIL_SRC, R11         \
	MOVD    $buf-64(SP), TAIL_SRC \
	MOVD    TAIL_SRC, R10         \
copy:                                 \
	MOVWU.P 4(R11), R19           \
	MOVW.P  R19, 4(R10)           \
	CMP     R11, SRC              \
	BNE     copy                  \
copied:

// MASK_TAIL sets lanes of four registers to zero, as the masks at R9 say. It uses
// R10, V14 and V15.
#define MASK_TAIL(a, b, c, d) \
	ADD  $32, R9, R10              \
	VLD1 (R9), [V14.B16, V15.B16]  \
	VAND V14.B16, a.B16, a.B16     \
	VAND V15.B16, b.B16, b.B16     \
	VLD1 (R10), [V14.B16, V15.B16] \
	VAND V14.B16, c.B16, c.B16     \
	VAND V15.B16, d.B16, d.B16

// CLEAR sets eight registers to zero.
#define CLEAR(a, b, c, d, e, f, g, h) \
	VEOR a.B16, a.B16, a.B16 \
	VEOR b.B16, b.B16, b.B16 \
	VEOR c.B16, c.B16, c.B16 \
	VEOR d.B16, d.B16, d.B16 \
	VEOR e.B16, e.B16, e.B16 \
	VEOR f.B16, f.B16, f.B16 \
	VEOR g.B16, g.B16, g.B16 \
	VEOR h.B16, h.B16, h.B16

// FOLD adds eight registers of two lanes each, the upper half to the lower, until
// one lane of the first is left.
#define FOLD(a, b, c, d, e, f, g, h) \
	VFADD_D2(e, a, a) \
	VFADD_D2(f, b, b) \
	VFADD_D2(g, c, c) \
	VFADD_D2(h, d, d) \
	VFADD_D2(c, a, a) \
	VFADD_D2(d, b, b) \
	VFADD_D2(b, a, a) \
	VFADDP_D(a, a)

// NARROW16 keeps the lowest 16 bits of V0 to V3 in V0 and V1. NARROW8 keeps 8
// bits in V0.
#define NARROW16 \
	VUZP1 V1.H8, V0.H8, V0.H8 \
	VUZP1 V3.H8, V2.H8, V1.H8

#define NARROW8 \
	NARROW16 \
	VUZP1 V1.B16, V0.B16, V0.B16

// SHORT_OFFSETS sets the offsets of the vectors of a short step of N+4 elements: 0,
// OFFSET1, OFFSET2, N.
#define SHORT_OFFSETS \
	MOVD $4, OFFSET1             \
	MOVD $8, OFFSET2             \
	CMP  N, OFFSET1              \
	CSEL LT, OFFSET1, N, OFFSET1 \
	CMP  N, OFFSET2              \
	CSEL LT, OFFSET2, N, OFFSET2

// ADD_ALL adds V0 to V3, magnitudes, to the lanes of V16 to V23 and their squares to those of
// V24 to V31, and raises most to them by GREATER. The squares are exact, so that VFMLA rounds
// once, as an addition does.
#define ADD_ALL(GREATER, most)     \
	VFCVTL_D2(0, 4)            \
	VFCVTL2_D2(0, 5)           \
	VFCVTL_D2(1, 6)            \
	VFCVTL2_D2(1, 7)           \
	VFADD_D2(4, 16, 16)        \
	VFADD_D2(5, 17, 17)        \
	VFADD_D2(6, 18, 18)        \
	VFADD_D2(7, 19, 19)        \
	VFMLA V4.D2, V4.D2, V24.D2 \
	VFMLA V5.D2, V5.D2, V25.D2 \
	VFMLA V6.D2, V6.D2, V26.D2 \
	VFMLA V7.D2, V7.D2, V27.D2 \
	GREATER(0, most, most)     \
	GREATER(1, most, most)     \
	VFCVTL_D2(2, 4)            \
	VFCVTL2_D2(2, 5)           \
	VFCVTL_D2(3, 6)            \
	VFCVTL2_D2(3, 7)           \
	VFADD_D2(4, 20, 20)        \
	VFADD_D2(5, 21, 21)        \
	VFADD_D2(6, 22, 22)        \
	VFADD_D2(7, 23, 23)        \
	VFMLA V4.D2, V4.D2, V28.D2 \
	VFMLA V5.D2, V5.D2, V29.D2 \
	VFMLA V6.D2, V6.D2, V30.D2 \
	VFMLA V7.D2, V7.D2, V31.D2 \
	GREATER(2, most, most)     \
	GREATER(3, most, most)
