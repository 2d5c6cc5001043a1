//go:build !purego

// Columns of codebooks with AVX-512.

#include "kernels_codebook_avx512_amd64.h"

//	for r := range rows {
//		for j, s := range scale[:cols] {
//			dst[r*stride+j] = uint8(f.code(src[r*stride+j] / s))
//		}
//	}
//
// func quantizeFloatsColumnsAVX512(dst *uint8, src *float32, rows, cols, stride int, scale *float32, f *floatCode)
//
// cols is a multiple of 16.
TEXT ·quantizeFloatsColumnsAVX512(SB), NOSPLIT, $0-56
	COLUMNS
	FLOAT_CODE_CONSTANTS

row:
	NEXT_ROW

loop:
	VMOVUPS (SRC), Z0
	VDIVPS  (SCALES), Z0, Z0
	FLOAT_CODES
	VPMOVDB  Z1, (DST)
	ADDQ    $64, SRC
	ADDQ    $64, SCALES
	ADDQ    $16, DST
	SUBQ    $16, N
	JNE     loop
	LEAQ    (SRC)(RUN*4), SRC
	ADDQ    RUN, DST
	DECQ    LEFT
	JNE     row
	VZEROUPPER
	RET

//	for j, s := range scale[:cols] {
//		recip, low, bound := ...
//		buf[3*(j&^15)+j%16], buf[3*(j&^15)+16+j%16], buf[3*(j&^15)+32+j%16] = recip, low, bound
//	}
//
// func prepareFloatsAVX512(buf, scale *float32, cols int, f *floatCode) bool
//
// cols is a multiple of 16. It returns false if PLACES does not serve one of the scales.
TEXT ·prepareFloatsAVX512(SB), NOSPLIT, $0-33
	MOVQ buf+0(FP), DST
	MOVQ scale+8(FP), SCALES
	MOVQ cols+16(FP), N
	MOVQ f+24(FP), FORMAT

loop:
	VMOVUPS (SCALES), SCALE
	PREPARE_FLOATS
	KTESTW  K1, K1
	JNE     done
	VMOVUPS RECIP, 0(DST)
	VMOVUPS LOW, 64(DST)
	VMOVUPS BOUND, 128(DST)
	ADDQ    $64, SCALES
	ADDQ    $192, DST
	SUBQ    $16, N
	JNE     loop

done:
	TESTQ N, N
	SETEQ ret+32(FP)
	VZEROUPPER
	RET

//	for r := range rows {
//		for j, s := range scale[:cols] {
//			dst[r*stride+j] = uint8(f.code(src[r*stride+j] / s))
//		}
//	}
//
// func quantizeFloatsWideAVX512(dst *uint8, src *float32, rows, cols, stride int, scale *float32, f *floatCode, buf *float32)
//
// cols is a multiple of 64, and buf is what prepareFloatsAVX512 made of the scales.
TEXT ·quantizeFloatsWideAVX512(SB), NOSPLIT, $0-64
	COLUMNS
	FAST_CONSTANTS
	FLOAT_CODE_CONSTANTS

row:
	NEXT_ROW
	MOVQ buf+56(FP), PARAMS
	SUBQ $64, N

first:
	LOAD_64
	JNE nan
	FIRST_64(VRANGEPS, VMULPS, VFMADD231PS, 128(PARAMS), 320(PARAMS), 512(PARAMS), 704(PARAMS), 64(PARAMS), 256(PARAMS), 448(PARAMS), 640(PARAMS), 0(PARAMS), 192(PARAMS), 384(PARAMS), 576(PARAMS))
	ADDQ $256, SCALES
	ADDQ $768, PARAMS
	NEXT_64
	JB  last

loop:
	LOAD_64
	JNE nanlater
	STEP_64(VMOVDQU64, VRANGEPS, VMULPS, VFMADD231PS, 128(PARAMS), 320(PARAMS), 512(PARAMS), 704(PARAMS), 64(PARAMS), 256(PARAMS), 448(PARAMS), 640(PARAMS), 0(PARAMS), 192(PARAMS), 384(PARAMS), 576(PARAMS))
	ADDQ $256, SCALES
	ADDQ $768, PARAMS
	NEXT_64
	JAE loop

last:
	LAST_64

nextrow:
	LEAQ (SRC)(RUN*4), SRC
	ADDQ RUN, DST
	DECQ LEFT
	JNE  row
	VZEROUPPER
	RET

nanlater:
	LAST_64

nan:
	DIVIDE_16(0, 0(SCALES))
	DIVIDE_16(16, 64(SCALES))
	DIVIDE_16(32, 128(SCALES))
	DIVIDE_16(48, 192(SCALES))
	ADDQ $256, SCALES
	ADDQ $768, PARAMS
	NEXT_64
	JAE  first
	JMP  nextrow

//	for j, s := range scale[:cols] {
//		buf[j] = t.factor / s // NaN if the bins do not serve s
//	}
//
// func prepareTableAVX512(buf, scale *float32, cols int, t *bookTables)
//
// cols is a multiple of 16.
TEXT ·prepareTableAVX512(SB), NOSPLIT, $0-32
	MOVQ buf+0(FP), DST
	MOVQ scale+8(FP), SCALES
	MOVQ cols+16(FP), N
	MOVQ t+24(FP), FORMAT

loop:
	VMOVUPS (SCALES), SCALE
	PREPARE_TABLE
	VMOVUPS RECIP, (DST)
	ADDQ    $64, SCALES
	ADDQ    $64, DST
	SUBQ    $16, N
	JNE     loop
	VZEROUPPER
	RET

//	for r := range rows {
//		for j, s := range scale[:cols] {
//			dst[r*stride+j] = b.code(src[r*stride+j] / s)
//		}
//	}
//
// func quantizeSortedColumnsAVX512(dst *uint8, src *float32, rows, cols, stride int, scale *float32, f *bookTables, buf *float32)
//
// cols is a multiple of 16, and buf is what prepareTableAVX512 made of the scales. The codes of b
// are in the order of their values.
TEXT ·quantizeSortedColumnsAVX512(SB), NOSPLIT, $0-64
	TABLE_COLUMNS(LOAD_16_TIMES, VMULPS, INDICES_64, INDICES_16)

// func quantizeMirroredColumnsAVX512(dst *uint8, src *float32, rows, cols, stride int, scale *float32, f *bookTables, buf *float32)
//
// It is quantizeSortedColumnsAVX512 for codes that are a sign and a magnitude.
TEXT ·quantizeMirroredColumnsAVX512(SB), NOSPLIT, $0-64
	TABLE_COLUMNS(LOAD_16_AWAY, VFMADD132PS, MAPPED_64, MAPPED_16)

//	for r := range rows {
//		for j, s := range scale[:cols] {
//			dst[r*stride+j] = t.values[src[r*stride+j]%16] * s
//		}
//	}
//
// func dequantizeTableColumnsAVX512(dst *float32, src *uint8, rows, cols, stride int, scale *float32, f *bookTables)
//
// cols is a multiple of 16.
TEXT ·dequantizeTableColumnsAVX512(SB), NOSPLIT, $0-56
	COLUMNS
	VALUE_CONSTANTS

row:
	NEXT_ROW
	SUBQ $64, N
	JB   rest

loop:
	TABLE_VALUES_64(TABLE)
	VMULPS 0(SCALES), Z0, Z0
	VMULPS 64(SCALES), Z1, Z1
	VMULPS 128(SCALES), Z2, Z2
	VMULPS 192(SCALES), Z3, Z3
	ADDQ   $256, SCALES
	STORE_VALUES_64(VMOVUPS)
	JAE    loop

rest: // N + 64 elements, fewer than 64
	ADDQ $64, N
	JZ   nextrow

rest16:
	TABLE_VALUES(0, TABLE, Z0)
	VMULPS  (SCALES), Z0, Z0
	VMOVUPS Z0, (DST)
	ADDQ    $16, SRC
	ADDQ    $64, SCALES
	ADDQ    $64, DST
	SUBQ    $16, N
	JNE     rest16

nextrow:
	ADDQ RUN, SRC
	LEAQ (DST)(RUN*4), DST
	DECQ LEFT
	JNE  row
	VZEROUPPER
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
// func dequantizeFloatsColumnsAVX512(dst *float32, src *uint8, rows, cols, stride int, scale *float32, f *floatCode) int
//
// cols is a multiple of 16.
TEXT ·dequantizeFloatsColumnsAVX512(SB), NOSPLIT, $0-64
	COLUMNS
	FLOAT_VALUE_CONSTANTS

row:
	NEXT_ROW

	SUBQ $64, N
	JB   rest

loop64:
	VMOVDQU64   (SRC), Z2
	FLOAT_TEST(Z2, Z2, FLIP, KEEP, SPECIAL)
	JNE         special
	VMULPS      0(SCALES), FACTOR, Z4
	VMULPS      64(SCALES), FACTOR, Z5
	VMULPS      128(SCALES), FACTOR, Z6
	VMULPS      192(SCALES), FACTOR, Z7
	VRANGEPS    $3, Z4, Z5, Z0 // the larger magnitude
	VRANGEPS    $3, Z6, Z7, Z1
	VRANGEPS    $3, Z0, Z1, Z0
	VFPCLASSPSZ $0x99, Z0, K1
	KORTESTW    K1, K1
	JNE         rest
	VALUES_64(VMOVUPS, Z4, Z5, Z6, Z7)
	LEAQ        256(SCALES), SCALES
	JAE         loop64

rest: // N + 64 elements
	ADDQ $64, N
	JZ   nextrow

loop:
	VMOVDQU (SRC), X2
	FLOAT_TEST(X2, X2, FLIP_X, KEEP_X, SPECIAL_X)
	JNE     special
	VMOVUPS (SCALES), SCALE
	ADDQ    $64, SCALES
	MULTIPLY_16(SCALE)
	JNE     loop

nextrow:
	ADDQ    RUN, SRC
	LEAQ    (DST)(RUN*4), DST
	DECQ    LEFT
	JNE     row

special:
	MOVQ rows+16(FP), BX
	SUBQ LEFT, BX
	MOVQ BX, ret+56(FP)
	VZEROUPPER
	RET
