//go:build !purego

// Quantizing to codes of up to 8 bits with NEON.

#include "kernels_quantize_arm64.h"

// ADD_ZERO8 adds the zero points, whose lowest bits ZERO holds, to the lowest bits
// of codes.
#define ADD_ZERO8 VADD ZERO.B16, V0.B16, V0.B16

// PACK4 adds the zero points to the lowest bits of the codes in a and b, and leaves
// 4 bits of each in V0. It uses V1.
#define PACK4(a, b) \
	VUZP2 b.B16, a.B16, V1.B16    \
	VUZP1 b.B16, a.B16, V0.B16    \
	VADD  ZERO.B16, V1.B16, V1.B16 \
	VADD  ZERO.B16, V0.B16, V0.B16 \
	VSLI  $4, V1.B16, V0.B16

//	for j, x := range src {
//		s, z := scale[j/run], zero[j/run]
//		dst[j] = uint8(code(x, s, float32(qmin-z), float32(qmax-z)) + z)
//	}
//
// func quantizeInt8RunsNEON(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32)
TEXT ·quantizeInt8RunsNEON(SB), NOSPLIT, $0-112
	RUN_ARGUMENTS

nextrun:
	NEXT_RUN(done)
	VDUP ZERO_BITS, ZERO.B16
	SUBS $16, N
	BLT  short

loop: // 16 elements
	VLD1.P 64(SRC), [V0.S4, V1.S4, V2.S4, V3.S4]
	CBNZ   DIVIDES, divide
	QUANTIZE

narrow:
	NARROW8
	ADD_ZERO8
	VST1.P [V0.B16], 16(DST)
	SUBS   $16, N
	BGE    loop

tail: // N+16 elements are left
	CMN  $16, N
	BEQ  nextrun
	ADD  N<<2, SRC
	ADD  N, DST
	MOVD $0, N
	B    loop

divide:
	QUANTIZE_DIVIDE
	B narrow

short: // N+16 elements
	QUANTIZE_SHORT(tiny, divideshort, shortquantized)
	NARROW8
	ADD_ZERO8
	ADD    OFFSET1, DST, R9
	ADD    OFFSET2, DST, R13
	VST1   V0.S[0], (DST)
	ADD    N, DST
	VST1   V0.S[1], (R9)
	VST1   V0.S[2], (R13)
	VST1.P V0.S[3], 4(DST)
	B      nextrun

tiny: // N+4 elements
	QUANTIZE_TINY(dividetiny, tinyquantized)
	NARROW8
	ADD_ZERO8
	ADD    OFFSET1, DST, R9
	VST1   V0.B[0], (DST)
	ADD    N, DST
	VST1   V0.B[4], (R9)
	VST1.P V0.B[8], 1(DST)
	B      nextrun

done:
	RET

//	for j, x := range src {
//		s, z := scale[j/run], zero[j/run]
//		c := uint8(code(x, s, float32(qmin-z), float32(qmax-z))+z) & 15
//		dst[j/2] |= c << (j % 2 * 4) // into zeros
//	}
//
// func quantize4RunsNEON(dst []byte, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32)
//
// All runs have an even number of elements, 16 or more.
TEXT ·quantize4RunsNEON(SB), NOSPLIT, $0-112
	RUN_ARGUMENTS

nextrun:
	NEXT_RUN(done)
	VDUP ZERO_BITS, ZERO.B16
	CBNZ DIVIDES, divides
	SUBS $32, N
	BLT  rest

loop: // 32 elements
	VLD1.P 64(SRC), [V0.S4, V1.S4, V2.S4, V3.S4]
	QUANTIZE
	NARROW8
	VORR   V0.B16, V0.B16, V16.B16
	VLD1.P 64(SRC), [V0.S4, V1.S4, V2.S4, V3.S4]
	QUANTIZE
	NARROW8
	PACK4(V16, V0)
	VST1.P [V0.B16], 16(DST)
	SUBS   $32, N
	BGE    loop

rest: // N+32 elements are left
	ADDS $16, N
	BLT  tail

step: // 16 elements
	VLD1.P 64(SRC), [V0.S4, V1.S4, V2.S4, V3.S4]
	CBNZ   DIVIDES, divide
	QUANTIZE

narrow:
	NARROW8
	PACK4(V0, V0)
	VST1.P [V0.B8], 8(DST)
	SUBS   $16, N
	BGE    step

tail: // N+16 elements are left
	CMN  $16, N
	BEQ  nextrun
	ADD  N<<2, SRC
	ADD  N->1, DST
	MOVD $0, N
	B    step

divides:
	SUB $16, N
	B   step

divide:
	QUANTIZE_DIVIDE
	B narrow

done:
	RET

//	n := len(scale)
//	for i, x := range src[:rows*n] {
//		s, z := scale[i%n], zero[i%n]
//		dst[i] = uint8(code(x, s, float32(qmin-z), float32(qmax-z)) + z)
//	}
//
// func quantizeInt8ColumnsNEON(dst []uint8, src []float32, rows int, scale []float32, zero []int32, qmin, qmax int32)
//
// len(scale) is 16 or more, rows 1 or more.
TEXT ·quantizeInt8ColumnsNEON(SB), NOSPLIT, $0-112
	COLUMN_ARGUMENTS
	MOVD COLUMNS, DST_STRIDE
	COLUMN_CONSTANTS

columns: // 16 columns
	MOVD  ROWS, ROWS_LEFT
	MOVD  SRC_COLUMNS, ROW_SRC
	MOVD  DST_COLUMNS, ROW_DST
	COLUMN_PARAMS
	VUZP1 V1.H8, V0.H8, V4.H8
	VUZP1 V3.H8, V2.H8, V5.H8
	VUZP1 V5.B16, V4.B16, ZERO.B16
	CMP   $4, ROWS // a reciprocal pays from 4 rows on
	BLT   divide
	CHECK_PARAMS
	BHI   divide
	RECIPROCALS

loop: // a row
	VLD1.P (ROW_SRC)(STRIDE), [V0.S4, V1.S4, V2.S4, V3.S4]
	QUANTIZE_COLUMNS
	NARROW8
	ADD_ZERO8
	VST1.P [V0.B16], (ROW_DST)(DST_STRIDE)
	SUBS   $1, ROWS_LEFT
	BNE    loop

tail: // COLUMNS columns are left
	NEXT_COLUMNS(0, columns, done)

divide: // a row
	VLD1.P (ROW_SRC)(STRIDE), [V0.S4, V1.S4, V2.S4, V3.S4]
	QUANTIZE_COLUMNS_DIVIDE
	NARROW8
	ADD_ZERO8
	VST1.P [V0.B16], (ROW_DST)(DST_STRIDE)
	SUBS   $1, ROWS_LEFT
	BNE    divide
	B      tail

done:
	RET

// The kernels of groups prepare the parameters of four runs together: V28 has scales,
// V29 their reciprocals, V30 lower and V31 upper bounds of elements, V16 zero points.

// GROUP_PARAMS loads the parameters. It sets the flags to HI if QUOTIENT does not serve
// those of one run. It uses V4, V5, R9 and R10.
#define GROUP_PARAMS \
	VLD1 (SCALES), [V28.S4]               \
	VLD1 (ZEROS), [V16.S4]                \
	VSUB SCALE_LEASTS.S4, V28.S4, V4.S4   \
	VADD ZERO_FARTHESTS.S4, V16.S4, V5.S4 \
	VSUB V16.S4, GRID_MIN.S4, V30.S4      \
	VSUB V16.S4, GRID_MAX.S4, V31.S4      \
	VUMAXV_S4(4, 4)                       \
	VUMAXV_S4(5, 5)                       \
	VSCVTF_S4(30, 30)                     \
	VSCVTF_S4(31, 31)                     \
	VFDIV_S4(28, ONES_N, 29)              \
	VFMUL_S4(28, 30, 30)                  \
	VFMUL_S4(28, 31, 31)                  \
	FMOVS F4, R9                          \
	FMOVS F5, R10                         \
	CMPW  SCALE_SPAN, R9                  \
	CCMPW LS, R10, ZERO_SPAN, $2

// QUANTIZE_GROUP quantizes the run i of the four. b is 4*i, and the other arguments are
// a label and what stores 16 codes.
#define QUANTIZE_GROUP(i, b, loop, STORE) \
	VDUP   V28.S[i], SCALE.S4                    \
	VDUP   V29.S[i], RECIP.S4                    \
	VDUP   V30.S[i], LOWER.S4                    \
	VDUP   V31.S[i], UPPER.S4                    \
	VDUP   V16.B[b], ZERO.B16                    \
	MOVD   RUN, N                                \
loop:                                                \
	VLD1.P 64(SRC), [V0.S4, V1.S4, V2.S4, V3.S4] \
	QUANTIZE                                     \
	NARROW8                                      \
	STORE                                        \
	SUBS   $16, N                                \
	BNE    loop

#define STORE8 \
	ADD_ZERO8 \
	VST1.P [V0.B16], 16(DST)

#define STORE4 \
	PACK4(V0, V0) \
	VST1.P [V0.B8], 8(DST)

// GROUP_CONSTANTS loads what GROUP_PARAMS and QUANTIZE need.
#define GROUP_CONSTANTS \
	CONSTANTS                             \
	VDUP ONE.S[0], ONES.S4                \
	VDUP SCALE_LEAST, SCALE_LEASTS.S4     \
	VDUP ZERO_FARTHEST, ZERO_FARTHESTS.S4 \
	VDUP QMIN, GRID_MIN.S4                \
	VDUP QMAX, GRID_MAX.S4

//	for j, x := range src {
//		s, z := scale[j/run], zero[j/run]
//		dst[j] = uint8(code(x, s, float32(qmin-z), float32(qmax-z)) + z)
//	}
//
// func quantizeGroups8NEON(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int
//
// len(scale) is a multiple of 4 and not 0, run one of 16. It returns how many runs it did:
// all, or those before four that have one which QUOTIENT does not serve.
#define RUNS R20 // runs left
TEXT ·quantizeGroups8NEON(SB), NOSPLIT, $0-120
	MOVD dst_base+0(FP), DST
	MOVD src_base+24(FP), SRC
	MOVD run+48(FP), RUN
	MOVD scale_base+56(FP), SCALES
	MOVD scale_len+64(FP), RUNS
	MOVD zero_base+80(FP), ZEROS
	MOVW qmin+104(FP), QMIN
	MOVW qmax+108(FP), QMAX
	GROUP_CONSTANTS

groups: // 4 runs
	GROUP_PARAMS
	BHI  done
	ADD  $16, SCALES
	ADD  $16, ZEROS
	QUANTIZE_GROUP(0, 0, loop1, STORE8)
	QUANTIZE_GROUP(1, 4, loop2, STORE8)
	QUANTIZE_GROUP(2, 8, loop3, STORE8)
	QUANTIZE_GROUP(3, 12, loop4, STORE8)
	SUBS $4, RUNS
	BNE  groups

done:
	MOVD scale_len+64(FP), R0
	SUB  RUNS, R0
	MOVD R0, ret+112(FP)
	RET

//	for j, x := range src {
//		s, z := scale[j/run], zero[j/run]
//		c := uint8(code(x, s, float32(qmin-z), float32(qmax-z))+z) & 15
//		dst[j/2] |= c << (j % 2 * 4) // into zeros
//	}
//
// func quantizeGroups4NEON(dst []byte, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int
//
// It takes and returns what quantizeGroups8NEON does.
//
// Named above: RUNS.
TEXT ·quantizeGroups4NEON(SB), NOSPLIT, $0-120
	MOVD dst_base+0(FP), DST
	MOVD src_base+24(FP), SRC
	MOVD run+48(FP), RUN
	MOVD scale_base+56(FP), SCALES
	MOVD scale_len+64(FP), RUNS
	MOVD zero_base+80(FP), ZEROS
	MOVW qmin+104(FP), QMIN
	MOVW qmax+108(FP), QMAX
	GROUP_CONSTANTS

groups: // 4 runs
	GROUP_PARAMS
	BHI  done
	ADD  $16, SCALES
	ADD  $16, ZEROS
	QUANTIZE_GROUP(0, 0, loop1, STORE4)
	QUANTIZE_GROUP(1, 4, loop2, STORE4)
	QUANTIZE_GROUP(2, 8, loop3, STORE4)
	QUANTIZE_GROUP(3, 12, loop4, STORE4)
	SUBS $4, RUNS
	BNE  groups

done:
	MOVD scale_len+64(FP), R0
	SUB  RUNS, R0
	MOVD R0, ret+112(FP)
	RET
