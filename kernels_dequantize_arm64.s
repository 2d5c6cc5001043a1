//go:build !purego

// Dequantizing with NEON.
//
// A code becomes real without a conversion. Below the two upper bytes 0x4B 0x00 it
// is the float32 2^23 + b, b being the bits of the code, with the sign bit flipped
// where codes are signed; below 0xCB 0x00 it is -2^23 - b. SHIFT takes that off and
// the zero point with it. The sum is exact if SHIFT is, and SHIFT is exact if zero
// points that are not negative go with -2^23 (and b inverted), negative ones with
// 2^23. (A sum of 0 is +0 either way.)

#include "textflag.h"
#include "kernels_arm64.h"

// spreadBytes has for four codes each: the byte of the code, twice byte 0 of BASE,
// byte 3 of BASE.
DATA spreadBytes<>+0(SB)/8, $0x1310100113101000
DATA spreadBytes<>+8(SB)/8, $0x1310100313101002
DATA spreadBytes<>+16(SB)/8, $0x1310100513101004
DATA spreadBytes<>+24(SB)/8, $0x1310100713101006
DATA spreadBytes<>+32(SB)/8, $0x1310100913101008
DATA spreadBytes<>+40(SB)/8, $0x1310100B1310100A
DATA spreadBytes<>+48(SB)/8, $0x1310100D1310100C
DATA spreadBytes<>+56(SB)/8, $0x1310100F1310100E
GLOBL spreadBytes<>(SB), RODATA|NOPTR, $64

// The kernels that dequantize keep the scale elsewhere.
#undef SCALE
#undef SCALE_N
#define SCALE   V16
#define SCALE_N 16

// DEQUANTIZE_CONSTANTS prepares for codes from 0 to max, or signed ones with that
// sign bit. It uses R9.
#define DEQUANTIZE_CONSTANTS(max, sign) \
	MOVBU signed+104(FP), R9                 \
	NEG   R9, R9                             \
	AND   $sign, R9, FLIP_NEGATIVE           \
	MOVD  $((1<<23)+max), SHIFT_POSITIVE     \
	SUB   FLIP_NEGATIVE, SHIFT_POSITIVE      \
	MOVD  $-(1<<23), SHIFT_NEGATIVE          \
	SUB   FLIP_NEGATIVE, SHIFT_NEGATIVE      \
	EOR   $max, FLIP_NEGATIVE, FLIP_POSITIVE \
	MOVD  $minusIntegerBits, BASE_POSITIVE   \
	MOVD  $integerBits, BASE_NEGATIVE

// DEQUANTIZE_RUN_PARAMS reads the scale and the zero point of a run. It leaves the
// bits to flip in R9 and the base in R10, and uses R17.
#define DEQUANTIZE_RUN_PARAMS \
	VLD1R.P 4(SCALES), [SCALE.S4]                   \
	MOVW.P  4(ZEROS), R17                           \
	CMPW    $0, R17                                 \
	CSEL    GE, SHIFT_POSITIVE, SHIFT_NEGATIVE, R10 \
	SUBW    R17, R10                                \
	SCVTFWS R10, SHIFT_F                            \
	VDUP    SHIFT.S[0], SHIFT.S4                    \
	CSEL    GE, FLIP_POSITIVE, FLIP_NEGATIVE, R9    \
	CSEL    GE, BASE_POSITIVE, BASE_NEGATIVE, R10

// EXTEND puts the bytes in V0 below the base in V1. EXTEND8 flips codes first.
// EXTEND16 does so for the codes in V0 and V1 and the base in V2. V20 to V23 hold
// spreadBytes.
#define EXTEND8 \
	VEOR FLIP.B16, V0.B16, V0.B16 \
	EXTEND

#define EXTEND \
	VTBL V20.B16, [V0.B16, V1.B16], V4.B16 \
	VTBL V21.B16, [V0.B16, V1.B16], V5.B16 \
	VTBL V22.B16, [V0.B16, V1.B16], V6.B16 \
	VTBL V23.B16, [V0.B16, V1.B16], V7.B16

#define EXTEND16 \
	VEOR  FLIP.B16, V0.B16, V0.B16 \
	VEOR  FLIP.B16, V1.B16, V1.B16 \
	VZIP1 V2.H8, V0.H8, V4.H8      \
	VZIP2 V2.H8, V0.H8, V5.H8      \
	VZIP1 V2.H8, V1.H8, V6.H8      \
	VZIP2 V2.H8, V1.H8, V7.H8

// DEQUANTIZE sets V4 to V7 to (V4 to V7 + SHIFT) * SCALE.
#define DEQUANTIZE \
	VFADD_S4(SHIFT_N, 4, 4) \
	VFADD_S4(SHIFT_N, 5, 5) \
	VFADD_S4(SHIFT_N, 6, 6) \
	VFADD_S4(SHIFT_N, 7, 7) \
	VFMUL_S4(SCALE_N, 4, 4) \
	VFMUL_S4(SCALE_N, 5, 5) \
	VFMUL_S4(SCALE_N, 6, 6) \
	VFMUL_S4(SCALE_N, 7, 7)

// STORE_SHORT stores the four vectors of a short step, STORE_1_TO_3 up to three
// single elements, the last of which is at N. They use R9 and R10.
#define STORE_SHORT \
	ADD    OFFSET1<<2, DST, R9  \
	ADD    OFFSET2<<2, DST, R10 \
	VST1   [V4.S4], (DST)       \
	ADD    N<<2, DST            \
	VST1   [V5.S4], (R9)        \
	VST1   [V6.S4], (R10)       \
	VST1.P [V7.S4], 16(DST)

#define STORE_1_TO_3 \
	ADD    OFFSET1<<2, DST, R9 \
	VST1   V4.S[0], (DST)      \
	ADD    N<<2, DST           \
	VST1   V5.S[0], (R9)       \
	VST1.P V6.S[0], 4(DST)

//	for j, c := range src {
//		q := int32(c) // int32(int8(c)) if signed
//		dst[j] = float32(q-zero[j/run]) * scale[j/run]
//	}
//
// func dequantizeInt8RunsNEON(dst []float32, src []uint8, run int, scale []float32, zero []int32, signed bool)
#define FLIP           V18 // bits to flip, in bytes
#define SHIFT          V17 // what takes the base and the zero point off
#define SHIFT_F        F17 // its first lane
#define SHIFT_N        17  // its number
#define OFFSET1        R6  // second vector of a short step
#define OFFSET2        R7  // third vector of a short step
#define SHIFT_POSITIVE R11 // 2^23 + max - sign, for a zero point that is not negative
#define SHIFT_NEGATIVE R12 // -2^23 - sign, for a negative one
#define FLIP_POSITIVE  R13 // bits to flip, likewise
#define FLIP_NEGATIVE  R14
#define BASE_POSITIVE  R15 // base, likewise
#define BASE_NEGATIVE  R16
TEXT ·dequantizeInt8RunsNEON(SB), NOSPLIT, $0-105
	MOVD dst_base+0(FP), DST
	MOVD src_base+24(FP), SRC
	MOVD src_len+32(FP), LEFT
	MOVD run+48(FP), RUN
	MOVD scale_base+56(FP), SCALES
	MOVD zero_base+80(FP), ZEROS
	DEQUANTIZE_CONSTANTS(0xFF, signCode8)
	MOVD $spreadBytes<>(SB), R9
	VLD1 (R9), [V20.B16, V21.B16, V22.B16, V23.B16]

nextrun:
	CBZ  LEFT, done
	CMP  RUN, LEFT
	CSEL LT, LEFT, RUN, N
	SUB  N, LEFT
	DEQUANTIZE_RUN_PARAMS
	VDUP R9, FLIP.B16
	VDUP R10, V1.S4
	SUBS $16, N
	BLT  short

loop: // 16 elements
	VLD1.P 16(SRC), [V0.B16]
	EXTEND8
	DEQUANTIZE
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(DST)
	SUBS   $16, N
	BGE    loop

tail: // N+16 elements are left
	CMN  $16, N
	BEQ  nextrun
	ADD  N, SRC
	ADD  N<<2, DST
	MOVD $0, N
	B    loop

short: // N+16 elements
	ADDS   $12, N
	BLT    tiny
	SHORT_OFFSETS
	ADD    OFFSET1, SRC, R9
	ADD    OFFSET2, SRC, R10
	VLD1   (SRC), V0.S[0]
	ADD    N, SRC
	VLD1   (R9), V0.S[1]
	VLD1   (R10), V0.S[2]
	VLD1.P 4(SRC), V0.S[3]
	EXTEND8
	DEQUANTIZE
	STORE_SHORT
	B      nextrun

tiny: // N+4 elements
	ADD    $3, N
	CMP    $1, N
	CSET   GE, OFFSET1
	ADD    OFFSET1, SRC, R9
	VLD1   (SRC), V0.B[0]
	ADD    N, SRC
	VLD1   (R9), V0.B[4]
	VLD1.P 1(SRC), V0.B[8]
	EXTEND8
	DEQUANTIZE
	STORE_1_TO_3
	B      nextrun

done:
	RET

//	for j := range dst {
//		q := int32(packed[j/2]) >> (j % 2 * 4) & 15 // (q^8)-8 if signed
//		dst[j] = float32(q-zero[j/run]) * scale[j/run]
//	}
//
// func dequantize4RunsNEON(dst []float32, packed []byte, run int, scale []float32, zero []int32, signed bool)
//
// All runs have an even number of elements, 16 or more. The registers are those of
// dequantizeInt8RunsNEON.
//
// Named above: FLIP, SHIFT.
#define CODE_BITS V24 // the bits of a code
TEXT ·dequantize4RunsNEON(SB), NOSPLIT, $0-105
	MOVD  dst_base+0(FP), DST
	MOVD  dst_len+8(FP), LEFT
	MOVD  packed_base+24(FP), SRC
	MOVD  run+48(FP), RUN
	MOVD  scale_base+56(FP), SCALES
	MOVD  zero_base+80(FP), ZEROS
	DEQUANTIZE_CONSTANTS(0x0F, signCode4)
	VMOVI $0x0F, CODE_BITS.B16
	MOVD  $spreadBytes<>(SB), R9
	VLD1  (R9), [V20.B16, V21.B16, V22.B16, V23.B16]

nextrun:
	CBZ  LEFT, done
	CMP  RUN, LEFT
	CSEL LT, LEFT, RUN, N
	SUB  N, LEFT
	DEQUANTIZE_RUN_PARAMS
	ORR  R9<<4, R9
	VDUP R9, FLIP.B16
	VDUP R10, V1.S4
	SUBS $32, N
	BLT  rest

loop: // 32 elements
	VLD1.P 16(SRC), [V2.B16]
	VEOR   FLIP.B16, V2.B16, V2.B16
	VUSHR  $4, V2.B16, V3.B16
	VAND   CODE_BITS.B16, V2.B16, V2.B16
	VZIP1  V3.B16, V2.B16, V0.B16
	EXTEND
	DEQUANTIZE
	VZIP2  V3.B16, V2.B16, V0.B16
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(DST)
	EXTEND
	DEQUANTIZE
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(DST)
	SUBS   $32, N
	BGE    loop

rest: // N+32 elements are left
	ADDS $16, N
	BLT  tail

step: // 16 elements
	VLD1.P 8(SRC), [V2.B8]
	VEOR   FLIP.B16, V2.B16, V2.B16
	VUSHR  $4, V2.B16, V3.B16
	VAND   CODE_BITS.B16, V2.B16, V2.B16
	VZIP1  V3.B16, V2.B16, V0.B16
	EXTEND
	DEQUANTIZE
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(DST)
	SUBS   $16, N
	BGE    step

tail: // N+16 elements are left
	CMN  $16, N
	BEQ  nextrun
	ADD  N->1, SRC
	ADD  N<<2, DST
	MOVD $0, N
	B    step

done:
	RET

//	for j, c := range src {
//		q := int32(c) // int32(int16(c)) if signed
//		dst[j] = float32(q-zero[j/run]) * scale[j/run]
//	}
//
// func dequantizeInt16RunsNEON(dst []float32, src []uint16, run int, scale []float32, zero []int32, signed bool)
//
// The registers are those of dequantizeInt8RunsNEON.
//
// Named above: FLIP, SHIFT, OFFSET1, OFFSET2.
TEXT ·dequantizeInt16RunsNEON(SB), NOSPLIT, $0-105
	MOVD dst_base+0(FP), DST
	MOVD src_base+24(FP), SRC
	MOVD src_len+32(FP), LEFT
	MOVD run+48(FP), RUN
	MOVD scale_base+56(FP), SCALES
	MOVD zero_base+80(FP), ZEROS
	DEQUANTIZE_CONSTANTS(0xFFFF, signCode16)

nextrun:
	CBZ  LEFT, done
	CMP  RUN, LEFT
	CSEL LT, LEFT, RUN, N
	SUB  N, LEFT
	DEQUANTIZE_RUN_PARAMS
	LSR  $16, R10
	VDUP R9, FLIP.H8
	VDUP R10, V2.H8
	SUBS $16, N
	BLT  short

loop: // 16 elements
	VLD1.P 32(SRC), [V0.H8, V1.H8]
	EXTEND16
	DEQUANTIZE
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(DST)
	SUBS   $16, N
	BGE    loop

tail: // N+16 elements are left
	CMN  $16, N
	BEQ  nextrun
	ADD  N<<1, SRC
	ADD  N<<2, DST
	MOVD $0, N
	B    loop

short: // N+16 elements
	ADDS   $12, N
	BLT    tiny
	SHORT_OFFSETS
	ADD    OFFSET1<<1, SRC, R9
	ADD    OFFSET2<<1, SRC, R10
	VLD1   (SRC), V0.D[0]
	ADD    N<<1, SRC
	VLD1   (R9), V0.D[1]
	VLD1   (R10), V1.D[0]
	VLD1.P 8(SRC), V1.D[1]
	EXTEND16
	DEQUANTIZE
	STORE_SHORT
	B      nextrun

tiny: // N+4 elements
	ADD    $3, N
	CMP    $1, N
	CSET   GE, OFFSET1
	ADD    OFFSET1<<1, SRC, R9
	VLD1   (SRC), V0.H[0]
	ADD    N<<1, SRC
	VLD1   (R9), V0.H[4]
	VLD1.P 2(SRC), V1.H[0]
	EXTEND16
	DEQUANTIZE
	STORE_1_TO_3
	B      nextrun

done:
	RET

// The kernels of columns load the parameters of 16 columns and go down the rows.
// There 2^23 and the zero point are taken off one after the other, so that one base
// serves all zero points. V8 to V11 hold scales, V12 to V15 zero points, to which
// the sign bit has been added.

// DEQUANTIZE_COLUMN_CONSTANTS leaves the bits to flip in R9 and the base in R10.
#define DEQUANTIZE_COLUMN_CONSTANTS(sign) \
	MOVBU signed+104(FP), R9 \
	NEG   R9, R9             \
	AND   $sign, R9          \
	VDUP  R9, SIGNS.S4       \
	MOVW  $integerBits, R10  \
	VDUP  R10, BASE.S4       \
	SUB   $16, COLUMNS

// DEQUANTIZE_COLUMN_PARAMS loads the parameters.
#define DEQUANTIZE_COLUMN_PARAMS \
	VLD1.P 64(SCALES), [V8.S4, V9.S4, V10.S4, V11.S4]  \
	VLD1.P 64(ZEROS), [V12.S4, V13.S4, V14.S4, V15.S4] \
	VADD SIGNS.S4, V12.S4, V12.S4                      \
	VADD SIGNS.S4, V13.S4, V13.S4                      \
	VADD SIGNS.S4, V14.S4, V14.S4                      \
	VADD SIGNS.S4, V15.S4, V15.S4                      \
	VSCVTF_S4(12, 12)                                  \
	VSCVTF_S4(13, 13)                                  \
	VSCVTF_S4(14, 14)                                  \
	VSCVTF_S4(15, 15)

// DEQUANTIZE_COLUMNS sets V4 to V7 to (V4 to V7 - BASE - zero points) * scales.
#define DEQUANTIZE_COLUMNS \
	VFSUB_S4(BASE_N, 4, 4) \
	VFSUB_S4(BASE_N, 5, 5) \
	VFSUB_S4(BASE_N, 6, 6) \
	VFSUB_S4(BASE_N, 7, 7) \
	VFSUB_S4(12, 4, 4)     \
	VFSUB_S4(13, 5, 5)     \
	VFSUB_S4(14, 6, 6)     \
	VFSUB_S4(15, 7, 7)     \
	VFMUL_S4(8, 4, 4)      \
	VFMUL_S4(9, 5, 5)      \
	VFMUL_S4(10, 6, 6)     \
	VFMUL_S4(11, 7, 7)

//	n := len(scale)
//	for i, c := range src[:rows*n] {
//		q := int32(c) // int32(int8(c)) if signed
//		dst[i] = float32(q-zero[i%n]) * scale[i%n]
//	}
//
// func dequantizeInt8ColumnsNEON(dst []float32, src []uint8, rows int, scale []float32, zero []int32, signed bool)
//
// len(scale) is 16 or more, rows 1 or more.
//
// Named above: FLIP.
#define DST_COLUMNS R0  // the columns in the first row of dst
#define SRC_COLUMNS R1  // the columns in the first row of src
#define ROW_DST     R10 // their next row of dst
#define ROW_SRC     R9  // their next row of src
#define ROWS        R2  // rows
#define ROWS_LEFT   R8  // rows left
#define COLUMNS     R3  // columns left, less 16
#define STRIDE      R20 // bytes from row to row of src
#define DST_STRIDE  R21 // bytes from row to row of dst
#define BASE        V16 // 2^23
#define BASE_N      16  // its number
#define SIGNS       V19 // the sign bit of a signed code, else 0
TEXT ·dequantizeInt8ColumnsNEON(SB), NOSPLIT, $0-105
	MOVD dst_base+0(FP), DST_COLUMNS
	MOVD src_base+24(FP), SRC_COLUMNS
	MOVD rows+48(FP), ROWS
	MOVD scale_base+56(FP), SCALES
	MOVD scale_len+64(FP), COLUMNS
	MOVD zero_base+80(FP), ZEROS
	MOVD COLUMNS, STRIDE
	LSL  $2, COLUMNS, DST_STRIDE
	DEQUANTIZE_COLUMN_CONSTANTS(signCode8)
	VDUP R9, FLIP.B16
	VDUP R10, V1.S4
	MOVD $spreadBytes<>(SB), R9
	VLD1 (R9), [V20.B16, V21.B16, V22.B16, V23.B16]

columns: // 16 columns
	MOVD ROWS, ROWS_LEFT
	MOVD SRC_COLUMNS, ROW_SRC
	MOVD DST_COLUMNS, ROW_DST
	DEQUANTIZE_COLUMN_PARAMS

loop: // a row
	VLD1.P (ROW_SRC)(STRIDE), [V0.B16]
	EXTEND8
	DEQUANTIZE_COLUMNS
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], (ROW_DST)(DST_STRIDE)
	SUBS   $1, ROWS_LEFT
	BNE    loop

tail: // COLUMNS columns are left
	ADD  $16, SRC_COLUMNS
	ADD  $64, DST_COLUMNS
	SUBS $16, COLUMNS
	BGE  columns
	CMN  $16, COLUMNS
	BEQ  done
	ADD  COLUMNS, SRC_COLUMNS
	ADD  COLUMNS<<2, SCALES
	ADD  COLUMNS<<2, ZEROS
	ADD  COLUMNS<<2, DST_COLUMNS
	MOVD $0, COLUMNS
	B    columns

done:
	RET

//	n := len(scale)
//	for i, c := range src[:rows*n] {
//		q := int32(c) // int32(int16(c)) if signed
//		dst[i] = float32(q-zero[i%n]) * scale[i%n]
//	}
//
// func dequantizeInt16ColumnsNEON(dst []float32, src []uint16, rows int, scale []float32, zero []int32, signed bool)
//
// len(scale) is 16 or more, rows 1 or more.
//
// Named above: DST_COLUMNS, SRC_COLUMNS, ROW_DST, ROW_SRC, ROWS, ROWS_LEFT, COLUMNS, STRIDE, DST_STRIDE, FLIP, BASE, SIGNS.
TEXT ·dequantizeInt16ColumnsNEON(SB), NOSPLIT, $0-105
	MOVD dst_base+0(FP), DST_COLUMNS
	MOVD src_base+24(FP), SRC_COLUMNS
	MOVD rows+48(FP), ROWS
	MOVD scale_base+56(FP), SCALES
	MOVD scale_len+64(FP), COLUMNS
	MOVD zero_base+80(FP), ZEROS
	LSL  $1, COLUMNS, STRIDE
	LSL  $2, COLUMNS, DST_STRIDE
	DEQUANTIZE_COLUMN_CONSTANTS(signCode16)
	LSR  $16, R10
	VDUP R9, FLIP.H8
	VDUP R10, V2.H8

columns: // 16 columns
	MOVD ROWS, ROWS_LEFT
	MOVD SRC_COLUMNS, ROW_SRC
	MOVD DST_COLUMNS, ROW_DST
	DEQUANTIZE_COLUMN_PARAMS

loop: // a row
	VLD1.P (ROW_SRC)(STRIDE), [V0.H8, V1.H8]
	EXTEND16
	DEQUANTIZE_COLUMNS
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], (ROW_DST)(DST_STRIDE)
	SUBS   $1, ROWS_LEFT
	BNE    loop

tail: // COLUMNS columns are left
	ADD  $32, SRC_COLUMNS
	ADD  $64, DST_COLUMNS
	SUBS $16, COLUMNS
	BGE  columns
	CMN  $16, COLUMNS
	BEQ  done
	ADD  COLUMNS<<1, SRC_COLUMNS
	ADD  COLUMNS<<2, SCALES
	ADD  COLUMNS<<2, ZEROS
	ADD  COLUMNS<<2, DST_COLUMNS
	MOVD $0, COLUMNS
	B    columns

done:
	RET
