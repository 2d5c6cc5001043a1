//go:build !purego

// Quantizing to codes of up to 16 bits with NEON.

#include "kernels_quantize_arm64.h"

// ADD_ZERO16 adds the zero points, whose lowest bits ZERO holds, to the lowest
// bits of codes.
#define ADD_ZERO16 \
	VADD ZERO.H8, V0.H8, V0.H8 \
	VADD ZERO.H8, V1.H8, V1.H8

//	for j, x := range src {
//		s, z := scale[j/run], zero[j/run]
//		dst[j] = uint16(code(x, s, float32(qmin-z), float32(qmax-z)) + z)
//	}
//
// func quantizeInt16RunsNEON(dst []uint16, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32)
TEXT ·quantizeInt16RunsNEON(SB), NOSPLIT, $0-112
	RUN_ARGUMENTS

nextrun:
	NEXT_RUN(done)
	VDUP ZERO_BITS, ZERO.H8
	SUBS $16, N
	BLT  short

loop: // 16 elements
	VLD1.P 64(SRC), [V0.S4, V1.S4, V2.S4, V3.S4]
	CBNZ   DIVIDES, divide
	QUANTIZE

narrow:
	NARROW16
	ADD_ZERO16
	VST1.P [V0.H8, V1.H8], 32(DST)
	SUBS   $16, N
	BGE    loop

tail: // N+16 elements are left
	CMN  $16, N
	BEQ  nextrun
	ADD  N<<2, SRC
	ADD  N<<1, DST
	MOVD $0, N
	B    loop

divide:
	QUANTIZE_DIVIDE
	B narrow

short: // N+16 elements
	QUANTIZE_SHORT(tiny, divideshort, shortquantized)
	NARROW16
	ADD_ZERO16
	ADD    OFFSET1<<1, DST, R9
	ADD    OFFSET2<<1, DST, R13
	VST1   V0.D[0], (DST)
	ADD    N<<1, DST
	VST1   V0.D[1], (R9)
	VST1   V1.D[0], (R13)
	VST1.P V1.D[1], 8(DST)
	B      nextrun

tiny: // N+4 elements
	QUANTIZE_TINY(dividetiny, tinyquantized)
	NARROW16
	ADD_ZERO16
	ADD    OFFSET1<<1, DST, R9
	VST1   V0.H[0], (DST)
	ADD    N<<1, DST
	VST1   V0.H[4], (R9)
	VST1.P V1.H[0], 2(DST)
	B      nextrun

done:
	RET

//	n := len(scale)
//	for i, x := range src[:rows*n] {
//		s, z := scale[i%n], zero[i%n]
//		dst[i] = uint16(code(x, s, float32(qmin-z), float32(qmax-z)) + z)
//	}
//
// func quantizeInt16ColumnsNEON(dst []uint16, src []float32, rows int, scale []float32, zero []int32, qmin, qmax int32)
//
// len(scale) is 16 or more, rows 1 or more. V14 holds the zero points of the last 8
// of the 16 columns.
TEXT ·quantizeInt16ColumnsNEON(SB), NOSPLIT, $0-112
	COLUMN_ARGUMENTS
	LSL  $1, COLUMNS, DST_STRIDE
	COLUMN_CONSTANTS

columns: // 16 columns
	MOVD  ROWS, ROWS_LEFT
	MOVD  SRC_COLUMNS, ROW_SRC
	MOVD  DST_COLUMNS, ROW_DST
	COLUMN_PARAMS
	VUZP1 V1.H8, V0.H8, ZERO.H8
	VUZP1 V3.H8, V2.H8, V14.H8
	CMP   $4, ROWS // a reciprocal pays from 4 rows on
	BLT   divide
	CHECK_PARAMS
	BHI   divide
	RECIPROCALS

loop: // a row
	VLD1.P (ROW_SRC)(STRIDE), [V0.S4, V1.S4, V2.S4, V3.S4]
	QUANTIZE_COLUMNS
	NARROW16
	VADD   ZERO.H8, V0.H8, V0.H8
	VADD   V14.H8, V1.H8, V1.H8
	VST1.P [V0.H8, V1.H8], (ROW_DST)(DST_STRIDE)
	SUBS   $1, ROWS_LEFT
	BNE    loop

tail: // COLUMNS columns are left
	NEXT_COLUMNS(1, columns, done)

divide: // a row
	VLD1.P (ROW_SRC)(STRIDE), [V0.S4, V1.S4, V2.S4, V3.S4]
	QUANTIZE_COLUMNS_DIVIDE
	NARROW16
	VADD   ZERO.H8, V0.H8, V0.H8
	VADD   V14.H8, V1.H8, V1.H8
	VST1.P [V0.H8, V1.H8], (ROW_DST)(DST_STRIDE)
	SUBS   $1, ROWS_LEFT
	BNE    divide
	B      tail

done:
	RET
