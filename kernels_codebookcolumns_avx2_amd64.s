//go:build !purego

// Columns of codebooks with AVX2.

#include "kernels_codebook_avx2_amd64.h"

//	for r := range rows {
//		for j, s := range scale[:cols] {
//			dst[r*stride+j] = uint8(f.code(src[r*stride+j] / s))
//		}
//	}
//
// func quantizeFloatsColumnsAVX2(dst *uint8, src *float32, rows, cols, stride int, scale *float32, f *floatCode)
//
// cols is a multiple of 8.
TEXT ·quantizeFloatsColumnsAVX2(SB), NOSPLIT, $192-56
	COLUMNS
	FLOAT_CODE_CONSTANTS

row:
	NEXT_ROW

loop:
	VMOVUPS (SRC), Y0
	VDIVPS  (SCALES), Y0, Y0
	FLOAT_CODES
	BYTES
	ADDQ    $32, SRC
	ADDQ    $32, SCALES
	ADDQ    $8, DST
	SUBQ    $8, N
	JNE     loop
	LEAQ    (SRC)(RUN*4), SRC
	ADDQ    RUN, DST
	DECQ    LEFT
	JNE     row
	VZEROUPPER
	RET

//	for j, s := range scale[:cols] {
//		recip, low, bound := ...
//		buf[3*(j&^7)+j%8], buf[3*(j&^7)+8+j%8], buf[3*(j&^7)+16+j%8] = recip, low, bound
//	}
//
// func prepareFloatsAVX2(buf, scale *float32, cols int, f *floatCode) bool
//
// cols is a multiple of 8. It returns false if CODES_32 does not serve one of the scales: see
// "Codebooks" in kernels.go.
TEXT ·prepareFloatsAVX2(SB), NOSPLIT, $0-33
	MOVQ buf+0(FP), DST
	MOVQ scale+8(FP), SCALES
	MOVQ cols+16(FP), N
	MOVQ f+24(FP), FORMAT
	VBROADCASTSS ONE, Y15
	VPBROADCASTD SCALE_LEAST, Y14
	SPREAD(scaleSpan, X13, Y13)
	SPREAD(lowBits20, X12, Y12)
	SPREAD(6, X11, Y11)
	SPREAD(12, X10, Y10)
	VPBROADCASTD floatCode_largest(FORMAT), Y9
	VPXOR Y8, Y8, Y8

loop:
	VMOVUPS   (SCALES), Y0
	VPSUBD    Y14, Y0, Y1
	VPMAXUD   Y13, Y1, Y1
	VPCMPEQD  Y13, Y1, Y1 // from 2^-100 to 2^100
	VPADDD    Y11, Y0, Y2
	VPAND     Y12, Y2, Y2
	VPCMPGTD  Y10, Y2, Y2 // far from a multiple of 2^20
	VPAND     Y12, Y0, Y3
	VPCMPEQD  Y8, Y3, Y3  // or one
	VPOR      Y3, Y2, Y2
	VPAND     Y2, Y1, Y1
	VMOVMSKPS Y1, BX
	CMPL      BX, $255
	JNE       done
	VDIVPS       Y0, Y15, Y1
	VMOVAPS      Y15, Y2
	VFNMADD231PS Y0, Y1, Y2
	VMULPS       Y1, Y2, Y2
	VMULPS       Y9, Y0, Y3
	VMOVUPS   Y1, 0(DST)
	VMOVUPS   Y2, 32(DST)
	VMOVUPS   Y3, 64(DST)
	ADDQ      $32, SCALES
	ADDQ      $96, DST
	SUBQ      $8, N
	JNE       loop

done:
	TESTQ N, N
	SETEQ ret+32(FP)
	VZEROUPPER
	RET

// DIVIDE_8 stores the codes of 8 elements off places after SRC, divided by their scales.
#define DIVIDE_8(off) \
	VMOVUPS (off*4)(SRC), Y0             \
	VDIVPS  (off*4)(SCALES), Y0, Y0      \
	FLOAT_CODES                          \
	VEXTRACTI128 $1, Y1, X2              \
	VPACKUSDW    X2, X1, X1              \
	VPACKUSWB    X1, X1, X1              \
	VMOVQ        X1, off(DST)

//	for r := range rows {
//		for j, s := range scale[:cols] {
//			dst[r*stride+j] = uint8(f.code(src[r*stride+j] / s))
//		}
//	}
//
// func quantizeFloatsWideAVX2(dst *uint8, src *float32, rows, cols, stride int, scale *float32, f *floatCode, buf *float32)
//
// cols is a multiple of 32, and buf is what prepareFloatsAVX2 made of the scales.
#define PARAMS R10 // what prepareFloatsAVX2 made of the next scales
TEXT ·quantizeFloatsWideAVX2(SB), NOSPLIT, $272-64
	COLUMNS
	FLOAT_CODE_CONSTANTS
	FAST_CONSTANTS

row:
	NEXT_ROW
	MOVQ buf+56(FP), PARAMS

loop:
	LOAD_32
	JNE  nan
	CODES_32(64(PARAMS), 160(PARAMS), 256(PARAMS), 352(PARAMS), 32(PARAMS), 128(PARAMS), 224(PARAMS), 320(PARAMS), 0(PARAMS), 96(PARAMS), 192(PARAMS), 288(PARAMS))

next:
	ADDQ $128, SRC
	ADDQ $128, SCALES
	ADDQ $384, PARAMS
	ADDQ $32, DST
	SUBQ $32, N
	JNE  loop
	LEAQ (SRC)(RUN*4), SRC
	ADDQ RUN, DST
	DECQ LEFT
	JNE  row
	VZEROUPPER
	RET

nan:
	DIVIDE_8(0)
	DIVIDE_8(8)
	DIVIDE_8(16)
	DIVIDE_8(24)
	JMP next

//	for r := range rows {
//		for j, s := range scale[:cols] {
//			dst[r*stride+j] = b.code(src[r*stride+j] / s)
//		}
//	}
//
// func quantizeTableColumnsAVX2(dst *uint8, src *float32, rows, cols, stride int, scale *float32, f *bookTables)
//
// cols is a multiple of 8. The codes of b are in the order of their values.
TEXT ·quantizeTableColumnsAVX2(SB), NOSPLIT, $160-56
	COLUMNS
	TABLE_CONSTANTS

row:
	NEXT_ROW

loop:
	VMOVUPS (SRC), Y0
	VDIVPS  (SCALES), Y0, Y0
	TABLE_CODES
	BYTES
	ADDQ    $32, SRC
	ADDQ    $32, SCALES
	ADDQ    $8, DST
	SUBQ    $8, N
	JNE     loop
	LEAQ    (SRC)(RUN*4), SRC
	ADDQ    RUN, DST
	DECQ    LEFT
	JNE     row
	VZEROUPPER
	RET

//	for j, s := range scale[:cols] {
//		buf[j] = t.factor / s // NaN for scales outside of 2^-100 to 2^100
//	}
//
// func prepareTableAVX2(buf, scale *float32, cols int, t *bookTables)
//
// cols is a multiple of 8.
TEXT ·prepareTableAVX2(SB), NOSPLIT, $0-32
	MOVQ buf+0(FP), DST
	MOVQ scale+8(FP), SCALES
	MOVQ cols+16(FP), N
	MOVQ t+24(FP), FORMAT
	VBROADCASTSS bookTables_tableBins+tableBins_factor(FORMAT), Y7
	VPBROADCASTD SCALE_LEAST, Y6
	VPBROADCASTD SCALE_SPAN, Y5
	VPCMPEQD Y4, Y4, Y4

loop:
	VMOVUPS  (SCALES), Y0
	VDIVPS   Y0, Y7, Y1
	VPSUBD   Y6, Y0, Y0
	VPMAXUD  Y5, Y0, Y0
	VPCMPEQD Y5, Y0, Y0
	VPXOR    Y4, Y0, Y0
	VPOR     Y0, Y1, Y1
	VMOVUPS  Y1, (DST)
	ADDQ     $32, SCALES
	ADDQ     $32, DST
	SUBQ     $8, N
	JNE      loop
	VZEROUPPER
	RET

//	for r := range rows {
//		for j, s := range scale[:cols] {
//			dst[r*stride+j] = b.code(src[r*stride+j] / s)
//		}
//	}
//
// func quantizeTableWideAVX2(dst *uint8, src *float32, rows, cols, stride int, scale *float32, f *bookTables, buf *float32)
//
// cols is a multiple of 32, and buf is what prepareTableAVX2 made of the scales. The codes of b are in
// the order of their values. They come from bins. Where an element is next to a limit, 32 elements
// are divided.
TEXT ·quantizeTableWideAVX2(SB), NOSPLIT, $192-64
	COLUMNS
	TABLE_CONSTANTS
	BIN_CONSTANTS

row:
	NEXT_ROW
	MOVQ buf+56(FP), PARAMS

loop:
	VMOVUPS 0(SRC), Y0
	VMOVUPS 32(SRC), Y1
	VMOVUPS 64(SRC), Y2
	VMOVUPS 96(SRC), Y3
	VMULPS  0(PARAMS), Y0, Y0
	VMULPS  32(PARAMS), Y1, Y1
	VMULPS  64(PARAMS), Y2, Y2
	VMULPS  96(PARAMS), Y3, Y3
	BIN_CODES(near)

next:
	ADDQ $128, SRC
	ADDQ $128, SCALES
	ADDQ $128, PARAMS
	ADDQ $32, DST
	SUBQ $32, N
	JNE  loop
	LEAQ (SRC)(RUN*4), SRC
	ADDQ RUN, DST
	DECQ LEFT
	JNE  row
	VZEROUPPER
	RET

near:
	DIVIDE_TABLE_8(0, 0(SCALES))
	DIVIDE_TABLE_8(8, 32(SCALES))
	DIVIDE_TABLE_8(16, 64(SCALES))
	DIVIDE_TABLE_8(24, 96(SCALES))
	JMP next

//	for r := range rows {
//		for j, s := range scale[:cols] {
//			dst[r*stride+j] = t.values[src[r*stride+j]%16] * s
//		}
//	}
//
// func dequantizeTableColumnsAVX2(dst *float32, src *uint8, rows, cols, stride int, scale *float32, f *bookTables)
//
// cols is a multiple of 8.
TEXT ·dequantizeTableColumnsAVX2(SB), NOSPLIT, $0-56
	COLUMNS
	VALUE_CONSTANTS

row:
	NEXT_ROW
	SUBQ $32, N
	JB   rest

loop:
	TABLE_VALUES_32(TABLE_LO, TABLE_HI)
	VMULPS 0(SCALES), Y0, Y0
	VMULPS 32(SCALES), Y1, Y1
	VMULPS 64(SCALES), Y2, Y2
	VMULPS 96(SCALES), Y3, Y3
	ADDQ   $128, SCALES
	STORE_VALUES_32
	JAE    loop

rest: // N + 32 elements, fewer than 32
	ADDQ $32, N
	JZ   nextrow

rest8:
	TABLE_VALUES(0, TABLE_LO, TABLE_HI, Y0, Y4, Y6)
	VMULPS  (SCALES), Y0, Y0
	VMOVUPS Y0, (DST)
	ADDQ    $8, SRC
	ADDQ    $32, SCALES
	ADDQ    $32, DST
	SUBQ    $8, N
	JNE     rest8

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
// func dequantizeFloatsColumnsAVX2(dst *float32, src *uint8, rows, cols, stride int, scale *float32, f *floatCode) int
//
// cols is a multiple of 8.
TEXT ·dequantizeFloatsColumnsAVX2(SB), NOSPLIT, $0-64
	COLUMNS
	FLOAT_VALUE_CONSTANTS

row:
	NEXT_ROW
	SUBQ $32, N
	JB   rest

loop32:
	VMOVDQU (SRC), Y0
	FLOAT_TEST(Y0, Y1, FLIP, KEEP, SPECIAL)
	JNE     special
	FLOAT_VALUES_32
	VMULPS  FACTOR, Y0, Y0
	VMULPS  FACTOR, Y1, Y1
	VMULPS  FACTOR, Y2, Y2
	VMULPS  FACTOR, Y3, Y3
	VMULPS  0(SCALES), Y0, Y0
	VMULPS  32(SCALES), Y1, Y1
	VMULPS  64(SCALES), Y2, Y2
	VMULPS  96(SCALES), Y3, Y3
	ADDQ    $128, SCALES
	STORE_VALUES_32
	JAE     loop32

rest: // N + 32 elements, fewer than 32
	ADDQ $32, N
	JZ   nextrow

loop:
	VMOVQ   (SRC), X0
	FLOAT_TEST(X0, X1, FLIP_X, KEEP_X, SPECIAL_X)
	JNE     special
	FLOAT_VALUES(0, Y0)
	VMULPS  FACTOR, Y0, Y0
	VMULPS  (SCALES), Y0, Y0
	VMOVUPS Y0, (DST)
	ADDQ    $32, SCALES
	ADDQ    $8, SRC
	ADDQ    $32, DST
	SUBQ    $8, N
	JNE     loop

nextrow:
	ADDQ RUN, SRC
	LEAQ (DST)(RUN*4), DST
	DECQ LEFT
	JNE  row

special:
	MOVQ rows+16(FP), BX
	SUBQ LEFT, BX
	MOVQ BX, ret+56(FP)
	VZEROUPPER
	RET
