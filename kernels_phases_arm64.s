//go:build !purego

// search.Low with NEON.

#include "textflag.h"
#include "kernels_arm64.h"

#define VMLA_H8(m, n, d)    WORD $(0x4E609400 | (m)<<16 | (n)<<5 | (d)) // mla vd.8h, vn.8h, vm.8h
#define VMLS_H8(m, n, d)    WORD $(0x6E609400 | (m)<<16 | (n)<<5 | (d)) // mls vd.8h, vn.8h, vm.8h
#define VSMULL_S4(m, n, d)  WORD $(0x0E60C000 | (m)<<16 | (n)<<5 | (d)) // smull vd.4s, vn.4h, vm.4h
#define VSMULL2_S4(m, n, d) WORD $(0x4E60C000 | (m)<<16 | (n)<<5 | (d)) // smull2 vd.4s, vn.8h, vm.8h
#define VSMLAL_S4(m, n, d)  WORD $(0x0E608000 | (m)<<16 | (n)<<5 | (d)) // smlal vd.4s, vn.4h, vm.4h
#define VSMLAL2_S4(m, n, d) WORD $(0x4E608000 | (m)<<16 | (n)<<5 | (d)) // smlal2 vd.4s, vn.8h, vm.8h

DATA phaseNumbers<>+0(SB)/8, $0x0003000200010000 // 0 to 7, in words
DATA phaseNumbers<>+8(SB)/8, $0x0007000600050004
DATA phaseNumbers<>+16(SB)/8, $0x0000000100000000 // 0 to 3, in dwords
DATA phaseNumbers<>+24(SB)/8, $0x0000000300000002
GLOBL phaseNumbers<>(SB), RODATA|NOPTR, $32

// WORDS8 sets d to the rounded products of the 8 values in V0 to V3 and by, modulo 2^16. It uses
// V4 to V7.
#define WORDS8(by, d) \
	VFMUL_D2(by, 0, 4)        \
	VFMUL_D2(by, 1, 5)        \
	VFMUL_D2(by, 2, 6)        \
	VFMUL_D2(by, 3, 7)        \
	VFADD_D2(ROUND_N, 4, 4)   \
	VFADD_D2(ROUND_N, 5, 5)   \
	VFADD_D2(ROUND_N, 6, 6)   \
	VFADD_D2(ROUND_N, 7, 7)   \
	VUZP1 V5.S4, V4.S4, V4.S4 \
	VUZP1 V7.S4, V6.S4, V6.S4 \
	VUZP1 V6.H8, V4.H8, d.H8

// BEGIN sets V0 and V2 to the phases of the two values of a pair at 8 steps, and V1 and V3 to their
// moves of 8 steps. It goes on to the next pair.
#define BEGIN \
	VLD4R.P 8(PAIR), [V0.H8, V1.H8, V2.H8, V3.H8] \
	VMLA_H8(NUMBERS_N, 1, 0)                      \
	VMLA_H8(NUMBERS_N, 3, 2)                      \
	VSHL    $3, V1.H8, V1.H8                      \
	VSHL    $3, V3.H8, V3.H8

// SQUARES adds the squares of the phases to the sums a of 4 steps and b of the next 4, as search.Low
// does. ABSOLUTE adds their magnitudes: that of a phase p is the lesser of p and 2^16-1-p, as integers
// without a sign. Both go on to the next 8 steps.
#define SQUARES(a, b) \
	VSMULL_S4(0, 0, 4)          \
	VSMULL2_S4(0, 0, 5)         \
	VSMLAL_S4(2, 2, 4)          \
	VSMLAL2_S4(2, 2, 5)         \
	VADD  V1.H8, V0.H8, V0.H8   \
	VADD  V3.H8, V2.H8, V2.H8   \
	VUSRA $13, V4.S4, a.S4      \
	VUSRA $13, V5.S4, b.S4

#define ABSOLUTE(a, b) \
	VEOR    V0.B16, ONES.B16, V4.B16 \
	VEOR    V2.B16, ONES.B16, V5.B16 \
	VUMIN   V0.H8, V4.H8, V4.H8      \
	VUMIN   V2.H8, V5.H8, V5.H8      \
	VADD    V5.H8, V4.H8, V4.H8      \
	VADD    V1.H8, V0.H8, V0.H8      \
	VADD    V3.H8, V2.H8, V2.H8      \
	VUADDW  V4.H4, a.S4, a.S4        \
	VUADDW2 V4.H8, b.S4, b.S4

// STEPS32 and STEPS64 do so for so many steps.
#define STEPS32(ADD_8) \
	ADD_8(V16, V17) \
	ADD_8(V18, V19) \
	ADD_8(V20, V21) \
	ADD_8(V22, V23)

#define STEPS64(ADD_8) \
	STEPS32(ADD_8)  \
	ADD_8(V24, V25) \
	ADD_8(V26, V27) \
	ADD_8(V28, V29) \
	ADD_8(V30, V31)

// COMPARE sets mask to which of 4 sums are at most their limits. It replaces the others by the largest
// integer, and lowers LEASTS to the rest. It goes on to the next 4 steps. sum_n and mask_n are the
// numbers of the registers. It uses V7.
#define COMPARE(sum, sum_n, mask, mask_n) \
	VCMHS_S4(sum_n, LIMITS_N, mask_n)         \
	VCMHS_S4(INDICES_N, LASTS_N, 7)           \
	VAND  V7.B16, mask.B16, mask.B16          \
	VBIF  mask.B16, ONES.B16, sum.B16         \
	VUMIN sum.S4, LEASTS.S4, LEASTS.S4        \
	VSUB  DOWN.S4, LIMITS.S4, LIMITS.S4       \
	VADD  FOURS.S4, INDICES.S4, INDICES.S4

#define COMPARE_16(a, an, b, bn, c, cn, d, dn, bits) \
	COMPARE(a, an, V0, 0) \
	COMPARE(b, bn, V1, 1) \
	COMPARE(c, cn, V2, 2) \
	COMPARE(d, dn, V3, 3) \
	WEIGH(bits)

// FIND_16 sets a bit for each of 16 sums that is the least.
#define FIND_16(a, b, c, d, bits) \
	VCMEQ a.S4, LEASTS.S4, V0.S4 \
	VCMEQ b.S4, LEASTS.S4, V1.S4 \
	VCMEQ c.S4, LEASTS.S4, V2.S4 \
	VCMEQ d.S4, LEASTS.S4, V3.S4 \
	WEIGH(bits)

// WEIGH makes bytes of the masks in V0 to V3, and keeps the bit of each byte's place in 8. BITS adds
// the bytes of V4 to V7 up to the bits of a register.
#define WEIGH(bits) \
	NARROW8                              \
	VAND V0.B16, WEIGHTS.B16, bits.B16

#define BITS(r) \
	VADDP V5.B16, V4.B16, V4.B16 \
	VADDP V7.B16, V6.B16, V6.B16 \
	VADDP V6.B16, V4.B16, V4.B16 \
	VADDP V4.B16, V4.B16, V4.B16 \
	FMOVD F4, r

//	search.Low(sums, memory, values, s, limit, down, squares)
//
// func lowNEON(sums *search.PhaseSums, values []float64, s search.Steps, limit, down uint32, squares bool) (low uint64, least int)
//
// V16 to V31 hold the sums of 4 steps each. The frame holds 8 values, some of which are 0, and the
// phases of 8 values at the first step, each followed by its move.
#define SUMS       R0  // sums
#define VALUES     R1  // next values
#define VALUES_LEFT       R2  // values left
#define PAIR       R3  // next pair of phases
#define COUNT      R4  // pairs left of 4
#define LAST       R5  // index of the last step
#define BY_SQUARES R6  // squares
#define LOW        R7  // result
#define NUMBERS    V8  // indices of 8 steps
#define NUMBERS_N  8   // its number
#define MID        V9  // s.Mid
#define MID_N      9   // its number
#define MOVE       V10 // s.Move
#define MOVE_N     10  // its number
#define ROUND      V11 // 0x1.8p52, whose last place is 2^0
#define ROUND_N    11  // its number
#define BACK       V12 // s.N/2
#define BACK_N     12  // its number
#define ONES       V15 // all bits
#define LIMITS     V8  // limits of 4 sums
#define LIMITS_N   8   // its number
#define DOWN       V9  // by how much limits fall in 4 steps
#define INDICES    V10 // indices of 4 steps
#define INDICES_N  10  // its number
#define FOURS      V11 // 4
#define LASTS      V12 // LAST
#define LASTS_N    12  // its number
#define LEASTS     V13 // least sums
#define LEASTS_N   13  // its number
#define WEIGHTS    V14 // bytes 1, 2, 4 and so on to 128, twice
TEXT ·lowNEON(SB), NOSPLIT, $96-88
	MOVD  values_base+8(FP), VALUES
	MOVD  values_len+16(FP), VALUES_LEFT
	FMOVD s_Mid+32(FP), F9
	FMOVD s_Move+40(FP), F10
	MOVD  s_N+48(FP), LAST
	MOVBU squares+64(FP), BY_SQUARES
	VDUP  V9.D[0], MID.D2
	VDUP  V10.D[0], MOVE.D2
	MOVD  $0x4338000000000000, R9
	VDUP  R9, ROUND.D2
	LSR   $1, LAST, R9
	VDUP  R9, BACK.H8
	MOVD  $-1, R9
	VDUP  R9, ONES.D2
	MOVD  $phaseNumbers<>(SB), R9
	VLD1  (R9), [NUMBERS.B16]
	CLEAR(V16, V17, V18, V19, V20, V21, V22, V23)
	CLEAR(V24, V25, V26, V27, V28, V29, V30, V31)

values: // the next 8
	SUBS   $8, VALUES_LEFT
	BLT    few
	VLD1.P 64(VALUES), [V0.D2, V1.D2, V2.D2, V3.D2]

phases: // of the 8 values in V0 to V3
	WORDS8(MOVE_N, V14)
	WORDS8(MID_N, V13)
	VMLS_H8(BACK_N, 14, 13)
	MOVD $phases-32(SP), PAIR
	VST2 [V13.H8, V14.H8], (PAIR)
	MOVD $4, COUNT
	CBZ  BY_SQUARES, absolute
	CMP  $32, LAST
	BLT  squares32

squares64: // a pair
	BEGIN
	STEPS64(SQUARES)
	SUBS $1, COUNT
	BNE  squares64
	B    next

squares32: // a pair
	BEGIN
	STEPS32(SQUARES)
	SUBS $1, COUNT
	BNE  squares32
	B    next

absolute:
	CMP $32, LAST
	BLT absolute32

absolute64: // a pair
	BEGIN
	STEPS64(ABSOLUTE)
	SUBS $1, COUNT
	BNE  absolute64
	B    next

absolute32: // a pair
	BEGIN
	STEPS32(ABSOLUTE)
	SUBS $1, COUNT
	BNE  absolute32

next:
	CMP $0, VALUES_LEFT
	BGT values

	MOVD sums+0(FP), SUMS
	VST1.P [V16.S4, V17.S4, V18.S4, V19.S4], 64(SUMS)
	VST1.P [V20.S4, V21.S4, V22.S4, V23.S4], 64(SUMS)
	VST1.P [V24.S4, V25.S4, V26.S4, V27.S4], 64(SUMS)
	VST1   [V28.S4, V29.S4, V30.S4, V31.S4], (SUMS)
	MOVWU  limit+56(FP), R9
	MOVWU  down+60(FP), R10
	VMOV   R9, LIMITS.S[0]
	SUBW   R10, R9
	VMOV   R9, LIMITS.S[1]
	SUBW   R10, R9
	VMOV   R9, LIMITS.S[2]
	SUBW   R10, R9
	VMOV   R9, LIMITS.S[3]
	LSL    $2, R10
	VDUP   R10, DOWN.S4
	MOVD   $phaseNumbers<>+16(SB), R9
	VLD1   (R9), [INDICES.S4]
	MOVD   $4, R9
	VDUP   R9, FOURS.S4
	VDUP   LAST, LASTS.S4
	MOVD   $0x8040201008040201, R9
	VDUP   R9, WEIGHTS.D2
	VORR   ONES.B16, ONES.B16, LEASTS.B16
	COMPARE_16(V16, 16, V17, 17, V18, 18, V19, 19, V4)
	COMPARE_16(V20, 20, V21, 21, V22, 22, V23, 23, V5)
	COMPARE_16(V24, 24, V25, 25, V26, 26, V27, 27, V6)
	COMPARE_16(V28, 28, V29, 29, V30, 30, V31, 31, V7)
	BITS(LOW)
	MOVD   LOW, low+72(FP)
	CBZ    LOW, none
	VUMINV_S4(LEASTS_N, LEASTS_N)
	VDUP   LEASTS.S[0], LEASTS.S4
	FIND_16(V16, V17, V18, V19, V4)
	FIND_16(V20, V21, V22, V23, V5)
	FIND_16(V24, V25, V26, V27, V6)
	FIND_16(V28, V29, V30, V31, V7)
	BITS(LOW)
	RBIT   LOW, LOW
	CLZ    LOW, LOW

none:
	MOVD LOW, least+80(FP)
	RET

few: // VALUES_LEFT+8 values
	ADD  $8, VALUES_LEFT
	MOVD $tail-96(SP), R9
	CLEAR(V0, V1, V2, V3, V4, V5, V6, V7)
	VST1 [V0.D2, V1.D2, V2.D2, V3.D2], (R9)

copy:
	MOVD.P 8(VALUES), R10
	MOVD.P R10, 8(R9)
	SUBS   $1, VALUES_LEFT
	BNE    copy
	MOVD   $tail-96(SP), R9
	VLD1   (R9), [V0.D2, V1.D2, V2.D2, V3.D2]
	B      phases
