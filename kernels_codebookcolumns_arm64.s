//go:build !purego

// Codebooks with NEON: codes of floating-point formats by arithmetic, and tables of 16
// values by permutation. These are the kernels of columns.

#include "kernels_codebook_arm64.h"

// COLUMNS loads what kernels of columns take: LEFT has the rows, and RUN the elements of a row
// that are not done.
#define COLUMNS \
	MOVD dst+0(FP), DST     \
	MOVD src+8(FP), SRC     \
	MOVD rows+16(FP), LEFT  \
	MOVD cols+24(FP), N     \
	MOVD stride+32(FP), RUN \
	SUB  N, RUN             \
	MOVD f+48(FP), FORMAT

// NEXT_ROW goes back to the scale of the first column, and sets N to the elements of a row,
// less 16.
#define NEXT_ROW \
	MOVD scale+40(FP), SCALES \
	MOVD cols+24(FP), N       \
	SUB  $16, N

// BY_COLUMNS multiplies V4 to V7 by V16 to V19.
#define BY_COLUMNS \
	VFMUL_S4(16, 4, 4) \
	VFMUL_S4(17, 5, 5) \
	VFMUL_S4(18, 6, 6) \
	VFMUL_S4(19, 7, 7)

// DIVIDE_COLUMNS divides V0 to V3 by V4 to V7.
#define DIVIDE_COLUMNS \
	VFDIV_S4(4, 0, 0) \
	VFDIV_S4(5, 1, 1) \
	VFDIV_S4(6, 2, 2) \
	VFDIV_S4(7, 3, 3)

// ROW_OF_CODES_STORED stores the codes in V16. If N+16 elements of the row are left, which are 1 to 15,
// the last step overlaps the one before. It goes on at loop, or at row with the next row.
#define ROW_OF_CODES_STORED \
	VST1.P [V16.B16], 16(DST) \
	SUBS   $16, N             \
	BGE    loop               \
	CMN  $16, N               \
	BEQ  next                 \
	ADD  N<<2, SRC            \
	ADD  N<<2, SCALES         \
	ADD  N, DST               \
	MOVD $0, N                \
	B    loop                 \
next:                         \
	ADD  RUN<<2, SRC          \
	ADD  RUN, DST             \
	SUBS $1, LEFT             \
	BNE  row

// ROW_OF_VALUES_STORED does that with the values in V4 to V7.
#define ROW_OF_VALUES_STORED \
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(DST) \
	SUBS   $16, N                                \
	BGE    loop                                  \
	CMN  $16, N                                  \
	BEQ  next                                    \
	ADD  N, SRC                                  \
	ADD  N<<2, SCALES                            \
	ADD  N<<2, DST                               \
	MOVD $0, N                                   \
	B    loop                                    \
next:                                            \
	ADD  RUN, SRC                                \
	ADD  RUN<<2, DST                             \
	SUBS $1, LEFT                                \
	BNE  row

//	for r := range rows {
//		for j, s := range scale[:cols] {
//			dst[r*stride+j] = uint8(f.code(src[r*stride+j] / s))
//		}
//	}
//
// func quantizeFloatsColumnsNEON(dst *uint8, src *float32, rows, cols, stride int, scale *float32, f *floatCode)
//
// cols is 16 or more, rows 1 or more.
TEXT ·quantizeFloatsColumnsNEON(SB), NOSPLIT, $0-56
	COLUMNS
	FLOAT_CODE_CONSTANTS

row:
	NEXT_ROW

loop: // 16 elements
	VLD1.P 64(SRC), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(SCALES), [V4.S4, V5.S4, V6.S4, V7.S4]
	DIVIDE_COLUMNS
	FLOAT_QUOTIENTS
	FLOAT_CODES
	ROW_OF_CODES_STORED
	RET

//	for r := range rows {
//		for j, s := range scale[:cols] {
//			dst[r*stride+j] = b.code(src[r*stride+j] / s)
//		}
//	}
//
// func quantizeTableColumnsNEON(dst *uint8, src *float32, rows, cols, stride int, scale *float32, f *bookTables)
//
// cols is 16 or more, rows 1 or more. The codes of b are in the order of their values.
TEXT ·quantizeTableColumnsNEON(SB), NOSPLIT, $0-56
	COLUMNS
	TABLE_CONSTANTS

row:
	NEXT_ROW

loop: // 16 elements
	VLD1.P 64(SRC), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(SCALES), [V4.S4, V5.S4, V6.S4, V7.S4]
	DIVIDE_COLUMNS
	TABLE_CODES
	ROW_OF_CODES_STORED
	RET

//	for r := range rows {
//		for j, s := range scale[:cols] {
//			dst[r*stride+j] = t.values[src[r*stride+j]%16] * s
//		}
//	}
//
// func dequantizeTableColumnsNEON(dst *float32, src *uint8, rows, cols, stride int, scale *float32, f *bookTables)
//
// cols is 16 or more, rows 1 or more.
TEXT ·dequantizeTableColumnsNEON(SB), NOSPLIT, $0-56
	COLUMNS
	VALUE_CONSTANTS

row:
	NEXT_ROW

loop: // 16 elements
	VLD1.P 16(SRC), [V0.B16]
	TABLE_VALUES
	VLD1.P 64(SCALES), [V16.S4, V17.S4, V18.S4, V19.S4]
	BY_COLUMNS
	ROW_OF_VALUES_STORED
	RET

//	for r := range rows {
//		for j, s := range scale[:cols] {
//			if c := src[r*stride+j]; (c^flip)&keep >= special {
//				return r
//			}
//			dst[r*stride+j] = f.value(src[r*stride+j]) * s
//		}
//	}
//
// func dequantizeFloatsColumnsNEON(dst *float32, src *uint8, rows, cols, stride int, scale *float32, f *floatCode) int
//
// cols is 16 or more, rows 1 or more.
TEXT ·dequantizeFloatsColumnsNEON(SB), NOSPLIT, $0-64
	COLUMNS
	FLOAT_VALUE_CONSTANTS

row:
	NEXT_ROW

loop: // 16 elements
	VLD1.P 16(SRC), [V0.B16]
	FLOAT_TEST
	CBNZ   R9, special
	FLOAT_VALUES
	VLD1.P 64(SCALES), [V16.S4, V17.S4, V18.S4, V19.S4]
	BY(FACTOR_N)
	BY_COLUMNS
	ROW_OF_VALUES_STORED

special:
	MOVD rows+16(FP), R9
	SUB  LEFT, R9
	MOVD R9, ret+56(FP)
	RET
