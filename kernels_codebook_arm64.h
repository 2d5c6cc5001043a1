// What the kernels of codebooks with NEON share: names of registers and macros.

#include "go_asm.h"
#include "textflag.h"
#include "kernels_arm64.h"

// All kernels take steps of 16 elements. A run or row of at least 16 elements whose length
// is no multiple of 16 ends with a step that overlaps the one before. The floats of a step
// are in four vectors, and their codes are in one.

// Names of registers that these kernels add. NAME_N is the number of the register NAME.
#define FORMAT     R5  // floatCode, or tables
#define START      R6  // first element of src
#define DIVIDES    R7  // set if QUOTIENT does not serve the run
#define TWICE      R7  // set if FACTOR * SCALE is not exact
#define ABSOLUTE   V31 // mask of all but the sign
#define EXPONENT   V30 // mask of the exponent
#define LARGEST    V29 // bits of the largest number of the format
#define LARGEST_F  F29 // its first lane
#define NORMAL     V28 // bits of its smallest normal number
#define PLACE      V27 // drop << 23
#define SIGN_BIT   V26 // sign bit of a code, in bytes
#define NAN_CODE   V25 // code of NaN, in bytes
#define MINUS      V24 // all ones if -0 has a code
#define TOP        V23 // how far the first byte of a float is moved up, which is negative
#define TOP_N      23  // its number
#define DROP       V22 // how far the first half of a float is moved up, which is negative
#define DROP_N     22  // its number
#define LEAST      V21 // (NORMAL + PLACE) >> drop, in bytes
#define LEVEL_1    V31 // limit in the middle of the table
#define LEVEL_1_N  31  // its number
#define LEVEL_2    V30 // bytes of the two beside it
#define LEVEL_3    V29 // bytes of the next four
#define LEVEL_4    V27 // bytes 0 and 1 of the last eight; V28 has bytes 2 and 3
#define PLACES     V26 // for each byte of a float, its place in the float
#define TABLE      V28 // bytes 0 of the 16 values; V29 to V31 have bytes 1 to 3
#define CODE_BITS  V27 // mask of a code of 4 bits, in bytes
#define FACTOR     V31 // 2^(127-bias)
#define FACTOR_F   F31 // its first lane
#define FACTOR_N   31  // its number
#define REST       V30 // mask of the upper half of a float that is a code
#define SPECIAL    V29 // first code that is no number, flipped, in bytes
#define SPECIAL_N  29  // its number
#define FLIP       V28 // what is flipped first, in bytes
#define KEEP       V27 // what is kept then, in bytes
#define NAUGHT     V26 // 0

// NEXT_RUN broadcasts the next scale, and sets N to the elements of its run, less 16.
#define NEXT_RUN \
	VLD1R.P 4(SCALES), [SCALE.S4] \
	CMP     RUN, LEFT             \
	CSEL    LT, LEFT, RUN, N      \
	SUB     N, LEFT               \
	SUB     $16, N

// ARGUMENTS loads what all these kernels take.
#define ARGUMENTS \
	MOVD dst+0(FP), DST       \
	MOVD src+8(FP), SRC       \
	MOVD n+16(FP), LEFT       \
	MOVD run+24(FP), RUN      \
	MOVD scale+32(FP), SCALES \
	MOVD f+40(FP), FORMAT

// SPREAD sets all lanes of v to a constant. It uses R9.
#define SPREAD(c, v) \
	MOVW $c, R9 \
	VDUP R9, v

// FLOAT_CODE_CONSTANTS loads what FLOAT_CODES needs. It uses R9 to R12.
#define FLOAT_CODE_CONSTANTS \
	MOVWU floatCode_normal(FORMAT), R10  \
	MOVWU floatCode_largest(FORMAT), R11 \
	MOVWU floatCode_nan(FORMAT), R12     \
	VDUP  R10, NORMAL.S4                 \
	VDUP  R11, LARGEST.S4                \
	VDUP  R12, NAN_CODE.B16              \
	MOVWU floatCode_drop(FORMAT), R11    \
	LSL   $23, R11, R12                  \
	VDUP  R12, PLACE.S4                  \
	ADD   R12, R10                       \
	LSR   R11, R10                       \
	VDUP  R10, LEAST.B16                 \
	MOVD  $16, R9                        \
	SUB   R11, R9                        \
	VDUP  R9, DROP.H8                    \
	MOVWU floatCode_sign(FORMAT), R11    \
	MOVD  $1, R9                         \
	LSL   R11, R9                        \
	VDUP  R9, SIGN_BIT.B16               \
	SUB   $7, R11                        \
	VDUP  R11, TOP.B16                   \
	MOVWU floatCode_minus(FORMAT), R9    \
	VDUP  R9, MINUS.S4                   \
	SPREAD(magnitudeMask, ABSOLUTE.S4)   \
	SPREAD(infBits, EXPONENT.S4)

// FLOAT_QUOTIENTS sets V16 to V19 to the magnitudes of V0 to V3, which are quotients, and at
// most that of the largest number.
#define FLOAT_QUOTIENTS \
	VAND  ABSOLUTE.B16, V0.B16, V16.B16 \
	VAND  ABSOLUTE.B16, V1.B16, V17.B16 \
	VAND  ABSOLUTE.B16, V2.B16, V18.B16 \
	VAND  ABSOLUTE.B16, V3.B16, V19.B16 \
	VUMIN LARGEST.S4, V16.S4, V16.S4    \
	VUMIN LARGEST.S4, V17.S4, V17.S4    \
	VUMIN LARGEST.S4, V18.S4, V18.S4    \
	VUMIN LARGEST.S4, V19.S4, V19.S4

// FLOAT_RECIPROCAL does that for V0 to V3 that are elements, without a division. Instead of
// the quotient, the element is clamped, to the largest number times the scale. The quotient
// of that is the largest number or next to it, and has its code. NaN remains NaN.
//
// The proof of QUOTIENT holds for floating-point formats too: the boundary of two of their
// codes has few bits, and is a power of two only below the least subnormal number. The
// residual must be exact near a boundary. Boundaries are 2^-18 or more, so that residuals
// there are multiples of 2^(-19-23) * ulp(s), which is at least 2^-149 for s >= 2^-84. The
// largest number is below 2^17, so that no product overflows for s <= 2^100.
#define FLOAT_RECIPROCAL \
	VAND  ABSOLUTE.B16, V0.B16, V4.B16 \
	VAND  ABSOLUTE.B16, V1.B16, V5.B16 \
	VAND  ABSOLUTE.B16, V2.B16, V6.B16 \
	VAND  ABSOLUTE.B16, V3.B16, V7.B16 \
	VFMIN_S4(UPPER_N, 4, 4)            \
	VFMIN_S4(UPPER_N, 5, 5)            \
	VFMIN_S4(UPPER_N, 6, 6)            \
	VFMIN_S4(UPPER_N, 7, 7)            \
	VFMUL_S4(RECIP_N, 4, 16)           \
	VFMUL_S4(RECIP_N, 5, 17)           \
	VFMUL_S4(RECIP_N, 6, 18)           \
	VFMUL_S4(RECIP_N, 7, 19)           \
	VFMLS SCALE.S4, V16.S4, V4.S4      \
	VFMLS SCALE.S4, V17.S4, V5.S4      \
	VFMLS SCALE.S4, V18.S4, V6.S4      \
	VFMLS SCALE.S4, V19.S4, V7.S4      \
	VFMLA RECIP.S4, V4.S4, V16.S4      \
	VFMLA RECIP.S4, V5.S4, V17.S4      \
	VFMLA RECIP.S4, V6.S4, V18.S4      \
	VFMLA RECIP.S4, V7.S4, V19.S4

// FLOAT_CODES makes codes in V16 of the magnitudes of quotients in V16 to V19. V0 to V3 have
// their signs, and are NaN where they are.
//
// Codes are bytes, and so are the terms that they are sums of. All bits of the place are in
// the upper half of a float, and moved down by drop they are the exponent of the code and
// a constant, which LEAST takes off.
#define FLOAT_CODES \
	VAND   EXPONENT.B16, V16.B16, V4.B16 \
	VAND   EXPONENT.B16, V17.B16, V5.B16 \
	VAND   EXPONENT.B16, V18.B16, V6.B16 \
	VAND   EXPONENT.B16, V19.B16, V7.B16 \
	VUMAX  NORMAL.S4, V4.S4, V4.S4       \
	VUMAX  NORMAL.S4, V5.S4, V5.S4       \
	VUMAX  NORMAL.S4, V6.S4, V6.S4       \
	VUMAX  NORMAL.S4, V7.S4, V7.S4       \
	VADD   PLACE.S4, V4.S4, V4.S4        \
	VADD   PLACE.S4, V5.S4, V5.S4        \
	VADD   PLACE.S4, V6.S4, V6.S4        \
	VADD   PLACE.S4, V7.S4, V7.S4        \
	VFADD_S4(4, 16, 16)                  \
	VFADD_S4(5, 17, 17)                  \
	VFADD_S4(6, 18, 18)                  \
	VFADD_S4(7, 19, 19)                  \
	VUZP2  V5.H8, V4.H8, V4.H8           \
	VUZP2  V7.H8, V6.H8, V5.H8           \
	VUSHL_H8(DROP_N, 4, 4)               \
	VUSHL_H8(DROP_N, 5, 5)               \
	VUZP1  V5.B16, V4.B16, V4.B16        \
	VUZP1  V17.H8, V16.H8, V16.H8        \
	VUZP1  V19.H8, V18.H8, V17.H8        \
	VUZP1  V17.B16, V16.B16, V16.B16     \
	VADD   V4.B16, V16.B16, V16.B16      \
	VSUB   LEAST.B16, V16.B16, V16.B16   \
	VUZP2  V1.H8, V0.H8, V4.H8           \
	VUZP2  V3.H8, V2.H8, V5.H8           \
	VUZP2  V5.B16, V4.B16, V4.B16        \
	VUSHL_B16(TOP_N, 4, 4)               \
	VCMTST V16.B16, V16.B16, V5.B16      \
	VAND   SIGN_BIT.B16, V4.B16, V4.B16  \
	VORR   MINUS.B16, V5.B16, V5.B16     \
	VAND   V5.B16, V4.B16, V4.B16        \
	VORR   V4.B16, V16.B16, V16.B16      \
	NAN_CODES

// NAN_CODES replaces the codes in V16 of those of V0 to V3 that are NaN.
#define NAN_CODES \
	VFCMEQ_S4(0, 0, 0)                \
	VFCMEQ_S4(1, 1, 1)                \
	VFCMEQ_S4(2, 2, 2)                \
	VFCMEQ_S4(3, 3, 3)                \
	NARROW8                           \
	VBIF V0.B16, NAN_CODE.B16, V16.B16

// TABLE_CONSTANTS loads what TABLE_CODES needs. It uses R9, R10 and V0 to V5. The bytes 0 of
// all limits of a level stand before their bytes 1, and so on.
#define TABLE_CONSTANTS \
	ADD   $bookTables_limits, FORMAT, R10         \
	VLD1R (R10), [LEVEL_1.S4]                     \
	ADD   $32, R10                                \
	VLD4.P 32(R10), [V0.B8, V1.B8, V2.B8, V3.B8]  \
	VZIP1 V1.H8, V0.H8, V4.H8                     \
	VZIP1 V3.H8, V2.H8, V5.H8                     \
	VZIP1 V5.S4, V4.S4, LEVEL_2.S4                \
	VLD4.P 32(R10), [V0.B8, V1.B8, V2.B8, V3.B8]  \
	VZIP1 V1.S4, V0.S4, V4.S4                     \
	VZIP1 V3.S4, V2.S4, V5.S4                     \
	VZIP1 V5.D2, V4.D2, LEVEL_3.D2                \
	VLD4.P 32(R10), [V0.B8, V1.B8, V2.B8, V3.B8]  \
	VZIP1 V1.D2, V0.D2, V27.D2                    \
	VZIP1 V3.D2, V2.D2, V28.D2                    \
	MOVWU bookTables_nan(FORMAT), R9              \
	VDUP  R9, NAN_CODE.B16                        \
	SPREAD(placesInFloat, PLACES.S4)

// BITS finds the next bit of the indices in b for the limits in l, and leaves the indices in
// l. Each byte has its place in the float above the bits of the index, so that it is the
// place of that byte of the limit in the next level.
#define BITS(l0, l1, l2, l3, n0, n1, n2, n3, b0, b1, b2, b3) \
	VFCMGT_S4(n0, 0, n0)      \
	VFCMGT_S4(n1, 1, n1)      \
	VFCMGT_S4(n2, 2, n2)      \
	VFCMGT_S4(n3, 3, n3)      \
	VSLI $1, b0.B16, l0.B16   \
	VSLI $1, b1.B16, l1.B16   \
	VSLI $1, b2.B16, l2.B16   \
	VSLI $1, b3.B16, l3.B16

// LIMITS looks up the limits of the indices in b. LIMITS_OF_TWO does that in two registers.
#define LIMITS(level, b0, b1, b2, b3, l0, l1, l2, l3) \
	VTBL b0.B16, [level], l0.B16 \
	VTBL b1.B16, [level], l1.B16 \
	VTBL b2.B16, [level], l2.B16 \
	VTBL b3.B16, [level], l3.B16

#define LIMITS_OF_TWO(level, more, b0, b1, b2, b3, l0, l1, l2, l3) \
	VTBL b0.B16, [level, more], l0.B16 \
	VTBL b1.B16, [level, more], l1.B16 \
	VTBL b2.B16, [level, more], l2.B16 \
	VTBL b3.B16, [level, more], l3.B16

// TABLE_CODES makes codes in V16 of the quotients in V0 to V3.
#define TABLE_CODES \
	VFCMGT_S4(LEVEL_1_N, 0, 4)                                                  \
	VFCMGT_S4(LEVEL_1_N, 1, 5)                                                  \
	VFCMGT_S4(LEVEL_1_N, 2, 6)                                                  \
	VFCMGT_S4(LEVEL_1_N, 3, 7)                                                  \
	VSLI  $1, PLACES.B16, V4.B16                                                \
	VSLI  $1, PLACES.B16, V5.B16                                                \
	VSLI  $1, PLACES.B16, V6.B16                                                \
	VSLI  $1, PLACES.B16, V7.B16                                                \
	LIMITS(LEVEL_2.B16, V4, V5, V6, V7, V16, V17, V18, V19)                   \
	BITS(V16, V17, V18, V19, 16, 17, 18, 19, V4, V5, V6, V7)                    \
	LIMITS(LEVEL_3.B16, V16, V17, V18, V19, V4, V5, V6, V7)                   \
	BITS(V4, V5, V6, V7, 4, 5, 6, 7, V16, V17, V18, V19)                        \
	LIMITS_OF_TWO(V27.B16, V28.B16, V4, V5, V6, V7, V16, V17, V18, V19)         \
	BITS(V16, V17, V18, V19, 16, 17, 18, 19, V4, V5, V6, V7)                    \
	VUZP1 V17.H8, V16.H8, V16.H8                                                \
	VUZP1 V19.H8, V18.H8, V17.H8                                                \
	VUZP1 V17.B16, V16.B16, V16.B16                                             \
	NAN_CODES

// VALUE_CONSTANTS loads what TABLE_VALUES needs. It uses R9.
#define VALUE_CONSTANTS \
	ADD  $bookTables_values, FORMAT, R9            \
	VLD4 (R9), [V28.B16, V29.B16, V30.B16, V31.B16] \
	VMOVI $0x0F, CODE_BITS.B16

// TABLE_VALUES looks up the values of the codes in V0, in V4 to V7.
#define TABLE_VALUES \
	VAND  CODE_BITS.B16, V0.B16, V0.B16 \
	VTBL  V0.B16, [V28.B16], V4.B16     \
	VTBL  V0.B16, [V29.B16], V5.B16     \
	VTBL  V0.B16, [V30.B16], V6.B16     \
	VTBL  V0.B16, [V31.B16], V7.B16     \
	VZIP1 V5.B16, V4.B16, V16.B16       \
	VZIP2 V5.B16, V4.B16, V17.B16       \
	VZIP1 V7.B16, V6.B16, V18.B16       \
	VZIP2 V7.B16, V6.B16, V19.B16       \
	VZIP1 V18.H8, V16.H8, V4.H8         \
	VZIP2 V18.H8, V16.H8, V5.H8         \
	VZIP1 V19.H8, V17.H8, V6.H8         \
	VZIP2 V19.H8, V17.H8, V7.H8

// FLOAT_VALUE_CONSTANTS loads what FLOAT_TEST and FLOAT_VALUES need. It uses R9 to R12.
#define FLOAT_VALUE_CONSTANTS \
	MOVWU floatCode_drop(FORMAT), R10   \
	MOVWU floatCode_sign(FORMAT), R11   \
	MOVD  $1, R9                        \
	LSL   R11, R9                       \
	SUB   $1, R9                        \
	SUB   $16, R10, R12                 \
	LSL   R12, R9                       \
	ORR   $signCode16, R9               \
	VDUP  R9, REST.H8                   \
	ADD   R11, R10                      \
	SUB   $31, R10                      \
	VDUP  R10, DROP.H8                  \
	MOVD  $7, R9                        \
	SUB   R11, R9                       \
	VDUP  R9, TOP.B16                   \
	MOVWU floatCode_normal(FORMAT), R9  \
	MOVD  $(126<<23), R10               \
	ADD   R10, R9                       \
	VDUP  R9, FACTOR.S4                 \
	MOVWU floatCode_special(FORMAT), R9 \
	VDUP  R9, SPECIAL.B16               \
	MOVWU floatCode_flip(FORMAT), R9    \
	VDUP  R9, FLIP.B16                  \
	MOVWU floatCode_keep(FORMAT), R9    \
	VDUP  R9, KEEP.B16                  \
	VEOR  NAUGHT.B16, NAUGHT.B16, NAUGHT.B16

// FLOAT_TEST sets R9 to something else than 0 if one of the codes in V0 is no number.
#define FLOAT_TEST \
	VEOR  FLIP.B16, V0.B16, V1.B16 \
	VAND  KEEP.B16, V1.B16, V1.B16 \
	VCMHS_B16(SPECIAL_N, 1, 1)     \
	VUMAXV_B16(1, 1)               \
	FMOVS F1, R9

// FLOAT_VALUES makes the values of the codes in V0, divided by FACTOR, in V4 to V7. A code is
// moved to where a float32 has its sign, exponent and mantissa, all in its upper half. To
// multiply that by a power of two is exact, for subnormal numbers too.
#define FLOAT_VALUES \
	VUSHL_B16(TOP_N, 0, 0)             \
	VZIP1 V0.B16, NAUGHT.B16, V1.B16   \
	VZIP2 V0.B16, NAUGHT.B16, V2.B16   \
	VSSHL_H8(DROP_N, 1, 1)             \
	VSSHL_H8(DROP_N, 2, 2)             \
	VAND  REST.B16, V1.B16, V1.B16     \
	VAND  REST.B16, V2.B16, V2.B16     \
	VZIP1 V1.H8, NAUGHT.H8, V4.H8      \
	VZIP2 V1.H8, NAUGHT.H8, V5.H8      \
	VZIP1 V2.H8, NAUGHT.H8, V6.H8      \
	VZIP2 V2.H8, NAUGHT.H8, V7.H8

// BY multiplies V4 to V7 by the register with the number n.
#define BY(n) \
	VFMUL_S4(n, 4, 4) \
	VFMUL_S4(n, 5, 5) \
	VFMUL_S4(n, 6, 6) \
	VFMUL_S4(n, 7, 7)

// DIVIDE divides V0 to V3 by SCALE.
#define DIVIDE \
	VFDIV_S4(SCALE_N, 0, 0) \
	VFDIV_S4(SCALE_N, 1, 1) \
	VFDIV_S4(SCALE_N, 2, 2) \
	VFDIV_S4(SCALE_N, 3, 3)
