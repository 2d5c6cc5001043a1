//go:build !purego

// Dequantizing with AVX-512.

#include "textflag.h"
#include "kernels_avx512_amd64.h"

// DEQUANTIZE turns codes of EXTEND8 or EXTEND16 into real values. Half an unsigned
// grid has been taken off them, as it is taken off the zero point in ZERO.
// DEQUANTIZE_WITH is for codes that are extended as their grid has it, and a zero
// point that nothing is taken off.
#define DEQUANTIZE(v) DEQUANTIZE_WITH(ZERO, v)

#define DEQUANTIZE_WITH(zero, v) \
	VPSUBD    zero, v, v \
	VCVTDQ2PS v, v       \
	VMULPS    SCALE, v, v

// DEQUANTIZE_4 stores the real values of 64 codes, which EXTEND extends with
// their sign or with zeros, as their grid has it.
#define DEQUANTIZE_4(EXTEND, STORE) \
	EXTEND 0(SRC), Z0               \
	EXTEND 16(SRC), Z1              \
	EXTEND 32(SRC), Z2              \
	EXTEND 48(SRC), Z3              \
	DEQUANTIZE_WITH(ZERO_PLAIN, Z0) \
	DEQUANTIZE_WITH(ZERO_PLAIN, Z1) \
	DEQUANTIZE_WITH(ZERO_PLAIN, Z2) \
	DEQUANTIZE_WITH(ZERO_PLAIN, Z3) \
	STORE Z0, 0(DST)                \
	STORE Z1, 64(DST)               \
	STORE Z2, 128(DST)              \
	STORE Z3, 192(DST)              \
	ADDQ  $64, SRC                  \
	ADDQ  $256, DST                 \
	SUBQ  $64, N

//	for j, c := range src {
//		q := int32(c) // int32(int8(c)) if signed
//		dst[j] = float32(q-zero[j/run]) * scale[j/run]
//	}
//
// func dequantizeInt8RunsAVX512(dst []float32, src []uint8, run int, scale []float32, zero []int32, signed, stream bool)
#define SIGNED     R12 // set for a signed grid
#define STREAM     R14 // set to store past the caches
#define ZERO_PLAIN Z19 // zero point without half the grid
#define FLIP       Z21 // sign bits of bytes for an unsigned grid, else 0
#define FLIP_X     X21 // its lowest quarter
#define FLIP_Y     Y21 // its lower half
#define OFFSET     Z22 // half the grid for an unsigned one, else 0, in dwords
TEXT ·dequantizeInt8RunsAVX512(SB), NOSPLIT, $0-106
	MOVQ    dst_base+0(FP), DST
	MOVQ    src_base+24(FP), SRC
	MOVQ    src_len+32(FP), LEFT
	MOVQ    run+48(FP), RUN
	MOVQ    scale_base+56(FP), SCALES
	MOVQ    zero_base+80(FP), ZEROS
	MOVBQZX stream+105(FP), STREAM
	MOVBQZX signed+104(FP), SIGNED
	VPXORD FLIP, FLIP, FLIP
	VPXORD  OFFSET, OFFSET, OFFSET
	TESTQ   SIGNED, SIGNED
	JNE     nextrun
	BROADCAST(signBytes, FLIP)
	BROADCAST(signCode8, OFFSET)

nextrun:
	MOVQ    RUN, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	VBROADCASTSS (SCALES), SCALE
	VPBROADCASTD (ZEROS), ZERO_PLAIN
	VPSUBD  OFFSET, ZERO_PLAIN, ZERO
	ADDQ    $4, SCALES
	ADDQ    $4, ZEROS
	TESTQ   STREAM, STREAM
	JNE     toaligned

whole:
	SUBQ $64, N
	JB   rest
	TESTQ SIGNED, SIGNED
	JE   unsigned

signed:
	DEQUANTIZE_4(VPMOVSXBD, VMOVUPS)
	JAE  signed
	JMP  rest

unsigned:
	DEQUANTIZE_4(VPMOVZXBD, VMOVUPS)
	JAE  unsigned

rest: // N + 64 elements, fewer than 64
	ADDQ $64, N
	SUBQ $16, N
	JB   tail

loop16:
	EXTEND8(0, X0, Z0)
	DEQUANTIZE(Z0)
	VMOVUPS Z0, (DST)
	ADDQ $16, SRC
	ADDQ $64, DST
	SUBQ $16, N
	JAE  loop16

tail:
	ADDQ $16, N
	JZ   next
	MASK(N, K1)
	VMOVDQU8.Z (SRC), K1, X0
	VPXORD     FLIP_X, X0, X0
	VPMOVSXBD X0, Z0
	DEQUANTIZE(Z0)
	VMOVUPS   Z0, K1, (DST)
	ADDQ N, SRC
	LEAQ (DST)(N*4), DST

next:
	TESTQ LEFT, LEFT
	JNZ   nextrun
	VZEROUPPER
	RET

toaligned: // up to an aligned destination, for stores past the caches
	CMPQ N, $256
	JB   whole
	MOVQ DST, BX
	NEGQ BX
	ANDQ $63, BX
	JZ   aligned // an empty masked store would bring the line into the caches
	SHRQ $2, BX
	MASK(BX, K1)
	VMOVDQU8.Z (SRC), K1, X0
	VPXORD     FLIP_X, X0, X0
	VPMOVSXBD X0, Z0
	DEQUANTIZE(Z0)
	VMOVUPS   Z0, K1, (DST)
	ADDQ BX, SRC
	LEAQ (DST)(BX*4), DST
	SUBQ BX, N

aligned:
	SUBQ $64, N
	TESTQ SIGNED, SIGNED
	JE   streamunsigned

stream:
	DEQUANTIZE_4(VPMOVSXBD, VMOVNTPS)
	JAE  stream
	JMP  rest

streamunsigned:
	DEQUANTIZE_4(VPMOVZXBD, VMOVNTPS)
	JAE  streamunsigned
	JMP  rest

//	for j, c := range src {
//		q := int32(c) // int32(int16(c)) if signed
//		dst[j] = float32(q-zero[j/run]) * scale[j/run]
//	}
//
// func dequantizeInt16RunsAVX512(dst []float32, src []uint16, run int, scale []float32, zero []int32, signed, stream bool)
//
// Named above: STREAM, FLIP, OFFSET.
TEXT ·dequantizeInt16RunsAVX512(SB), NOSPLIT, $0-106
	MOVQ    dst_base+0(FP), DST
	MOVQ    src_base+24(FP), SRC
	MOVQ    src_len+32(FP), LEFT
	MOVQ    run+48(FP), RUN
	MOVQ    scale_base+56(FP), SCALES
	MOVQ    zero_base+80(FP), ZEROS
	MOVBQZX stream+105(FP), STREAM
	VPXORD FLIP, FLIP, FLIP
	VPXORD  OFFSET, OFFSET, OFFSET
	CMPB    signed+104(FP), $0
	JNE     nextrun
	BROADCAST(signWords, FLIP)
	BROADCAST(signCode16, OFFSET)

nextrun:
	MOVQ    RUN, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	VBROADCASTSS (SCALES), SCALE
	VPBROADCASTD (ZEROS), ZERO
	VPSUBD  OFFSET, ZERO, ZERO
	ADDQ    $4, SCALES
	ADDQ    $4, ZEROS
	SUBQ    $16, N
	JB      tail
	TESTQ   STREAM, STREAM
	JNE     toaligned

loop:
	EXTEND16(0, Y0, Z0)
	DEQUANTIZE(Z0)
	VMOVUPS Z0, (DST)
	ADDQ $32, SRC
	ADDQ $64, DST
	SUBQ $16, N
	JAE  loop

tail:
	ADDQ $16, N
	JZ   next
	MASK(N, K1)
	VMOVDQU16.Z (SRC), K1, Y0
	VPXORD     FLIP_Y, Y0, Y0
	VPMOVSXWD Y0, Z0
	DEQUANTIZE(Z0)
	VMOVUPS   Z0, K1, (DST)
	LEAQ (SRC)(N*2), SRC
	LEAQ (DST)(N*4), DST

next:
	TESTQ LEFT, LEFT
	JNZ   nextrun
	VZEROUPPER
	RET

toaligned:
	CMPQ N, $256
	JB   loop
	MOVQ DST, BX
	NEGQ BX
	ANDQ $63, BX
	JZ   stream
	SHRQ $2, BX
	MASK(BX, K1)
	VMOVDQU16.Z (SRC), K1, Y0
	VPXORD     FLIP_Y, Y0, Y0
	VPMOVSXWD Y0, Z0
	DEQUANTIZE(Z0)
	VMOVUPS   Z0, K1, (DST)
	LEAQ (SRC)(BX*2), SRC
	LEAQ (DST)(BX*4), DST
	SUBQ BX, N

stream:
	EXTEND16(0, Y0, Z0)
	DEQUANTIZE(Z0)
	VMOVNTPS Z0, (DST)
	ADDQ $32, SRC
	ADDQ $64, DST
	SUBQ $16, N
	JAE  stream
	JMP  tail

// DEQUANTIZE_COLUMNS turns 16 codes of EXTEND8 or EXTEND16, of the columns from
// COLUMN on, into real values. DEQUANTIZE_COLUMNS_MASKED does so for the columns
// in K1.
#define DEQUANTIZE_COLUMNS(v) \
	VPADDD    OFFSET, v, v            \
	VPSUBD    (ZEROS)(COLUMN*4), v, v \
	VCVTDQ2PS v, v                    \
	VMULPS    (SCALES)(COLUMN*4), v, v

#define DEQUANTIZE_COLUMNS_MASKED(v) \
	VPADDD      OFFSET, v, v               \
	VMOVDQU32.Z (ZEROS)(COLUMN*4), K1, Z1  \
	VMOVUPS.Z   (SCALES)(COLUMN*4), K1, Z2 \
	VPSUBD      Z1, v, v                   \
	VCVTDQ2PS   v, v                       \
	VMULPS      Z2, v, v

//	for r := range rows {
//		for j, s := range scale {
//			q := int32(src[r*stride+j]) // int32(int8(…)) if signed
//			dst[r*stride+j] = float32(q-zero[j]) * s
//		}
//	}
//
// func dequantizeInt8ColumnsAVX512(dst *float32, src *uint8, rows, stride int, scale []float32, zero []int32, signed bool)
//
// It goes row by row, since its parameters need no preparation.
//
// Named above: FLIP, OFFSET.
#define ROWS_LEFT    CX  // rows left
#define COLUMNS      R11 // columns
#define COLUMN       R13 // columns of the row that are done
#define COLUMNS_LEFT DX  // columns of the row that are left
#define TAIL_COLUMNS R12 // columns that the last vector of a row has, fewer than 16, which K1 masks
#define GAP          R8  // elements from the end of the columns to the next row
TEXT ·dequantizeInt8ColumnsAVX512(SB), NOSPLIT, $0-81
	MOVQ dst+0(FP), DST
	MOVQ src+8(FP), SRC
	MOVQ rows+16(FP), ROWS_LEFT
	MOVQ scale_base+32(FP), SCALES
	MOVQ scale_len+40(FP), COLUMNS
	MOVQ zero_base+56(FP), ZEROS
	MOVQ stride+24(FP), GAP
	SUBQ COLUMNS, GAP // elements from the end of the columns to the next row
	VPXORD FLIP, FLIP, FLIP
	VPXORD OFFSET, OFFSET, OFFSET
	MOVQ COLUMNS, TAIL_COLUMNS
	ANDQ $15, TAIL_COLUMNS
	MASK(TAIL_COLUMNS, K1)
	CMPB signed+80(FP), $0
	JNE  row
	BROADCAST(signBytes, FLIP)
	BROADCAST(signCode8, OFFSET)

row:
	XORL COLUMN, COLUMN
	MOVQ COLUMNS, COLUMNS_LEFT
	SUBQ $16, COLUMNS_LEFT
	JB   tail

loop:
	EXTEND8(0, X0, Z0)
	DEQUANTIZE_COLUMNS(Z0)
	VMOVUPS Z0, (DST)
	ADDQ $16, SRC
	ADDQ $64, DST
	ADDQ $16, COLUMN
	SUBQ $16, COLUMNS_LEFT
	JAE  loop

tail:
	TESTQ TAIL_COLUMNS, TAIL_COLUMNS
	JZ    next
	VMOVDQU8.Z (SRC), K1, X0
	VPXORD    FLIP_X, X0, X0
	VPMOVSXBD X0, Z0
	DEQUANTIZE_COLUMNS_MASKED(Z0)
	VMOVUPS   Z0, K1, (DST)
	ADDQ TAIL_COLUMNS, SRC
	LEAQ (DST)(TAIL_COLUMNS*4), DST

next:
	ADDQ GAP, SRC
	LEAQ (DST)(GAP*4), DST
	DECQ ROWS_LEFT
	JNZ  row
	VZEROUPPER
	RET

//	for r := range rows {
//		for j, s := range scale[:len(scale)&^63] {
//			q := int32(src[r*len(scale)+j]) // int32(int8(…)) if signed
//			dst[r*len(scale)+j] = float32(q-zero[j]) * s
//		}
//	}
//
// func dequantizeInt8WideAVX512(dst *float32, src *uint8, rows int, scale []float32, zero []int32, signed, stream bool)
//
// It takes 64 columns at a time down the rows. len(scale) is at least 64, and columns
// behind the last whole 64 are left out. Stores go past the caches only where rows
// are whole lines of a cache. Z8 to Z11 hold scales, Z12 to Z15 zero points.
//
// Named above: COLUMNS, ROWS_LEFT, STREAM, FLIP, OFFSET.
#define DST_COLUMNS BX  // the columns in the first row of dst
#define SRC_COLUMNS DX  // the columns in the first row of src
#define STRIDE      R13 // bytes from row to row of src
#define DST_STRIDE  R8  // bytes from row to row of dst
TEXT ·dequantizeInt8WideAVX512(SB), NOSPLIT, $0-74
	MOVQ dst+0(FP), DST_COLUMNS
	MOVQ src+8(FP), SRC_COLUMNS
	MOVQ scale_base+24(FP), SCALES
	MOVQ scale_len+32(FP), COLUMNS
	MOVQ zero_base+48(FP), ZEROS
	VPXORD FLIP, FLIP, FLIP
	VPXORD OFFSET, OFFSET, OFFSET
	MOVQ COLUMNS, STRIDE
	LEAQ (COLUMNS*4), DST_STRIDE
	// Stores go past the caches only if all rows are whole lines of a cache.
	MOVBQZX stream+73(FP), STREAM
	MOVQ DST_COLUMNS, AX
	ORQ  DST_STRIDE, AX
	ANDQ $63, AX
	JZ   2(PC)
	XORL STREAM, STREAM
	CMPB signed+72(FP), $0
	JNE  columns
	BROADCAST(signBytes, FLIP)
	BROADCAST(signCode8, OFFSET)

columns:
	VMOVUPS 0(SCALES), Z8
	VMOVUPS 64(SCALES), Z9
	VMOVUPS 128(SCALES), Z10
	VMOVUPS 192(SCALES), Z11
	VMOVDQU32 0(ZEROS), Z12
	VMOVDQU32 64(ZEROS), Z13
	VMOVDQU32 128(ZEROS), Z14
	VMOVDQU32 192(ZEROS), Z15
	VPSUBD OFFSET, Z12, Z12
	VPSUBD OFFSET, Z13, Z13
	VPSUBD OFFSET, Z14, Z14
	VPSUBD OFFSET, Z15, Z15
	MOVQ DST_COLUMNS, DST
	MOVQ SRC_COLUMNS, SRC
	MOVQ rows+16(FP), ROWS_LEFT
	TESTQ STREAM, STREAM
	JNE  stream

loop:
	EXTEND8(0, X0, Z0)
	EXTEND8(16, X1, Z1)
	EXTEND8(32, X2, Z2)
	EXTEND8(48, X3, Z3)
	PREFETCHT0 64(SRC)
	VPSUBD Z12, Z0, Z0
	VPSUBD Z13, Z1, Z1
	VPSUBD Z14, Z2, Z2
	VPSUBD Z15, Z3, Z3
	VCVTDQ2PS Z0, Z0
	VCVTDQ2PS Z1, Z1
	VCVTDQ2PS Z2, Z2
	VCVTDQ2PS Z3, Z3
	VMULPS Z8, Z0, Z0
	VMULPS Z9, Z1, Z1
	VMULPS Z10, Z2, Z2
	VMULPS Z11, Z3, Z3
	VMOVUPS Z0, 0(DST)
	VMOVUPS Z1, 64(DST)
	VMOVUPS Z2, 128(DST)
	VMOVUPS Z3, 192(DST)
	ADDQ STRIDE, SRC
	ADDQ DST_STRIDE, DST
	DECQ ROWS_LEFT
	JNZ  loop

next:
	ADDQ $256, SCALES
	ADDQ $256, ZEROS
	ADDQ $256, DST_COLUMNS
	ADDQ $64, SRC_COLUMNS
	SUBQ $64, COLUMNS
	CMPQ COLUMNS, $64
	JAE  columns
	VZEROUPPER
	RET

stream:
	EXTEND8(0, X0, Z0)
	EXTEND8(16, X1, Z1)
	EXTEND8(32, X2, Z2)
	EXTEND8(48, X3, Z3)
	PREFETCHT0 64(SRC)
	VPSUBD Z12, Z0, Z0
	VPSUBD Z13, Z1, Z1
	VPSUBD Z14, Z2, Z2
	VPSUBD Z15, Z3, Z3
	VCVTDQ2PS Z0, Z0
	VCVTDQ2PS Z1, Z1
	VCVTDQ2PS Z2, Z2
	VCVTDQ2PS Z3, Z3
	VMULPS Z8, Z0, Z0
	VMULPS Z9, Z1, Z1
	VMULPS Z10, Z2, Z2
	VMULPS Z11, Z3, Z3
	VMOVNTPS Z0, 0(DST)
	VMOVNTPS Z1, 64(DST)
	VMOVNTPS Z2, 128(DST)
	VMOVNTPS Z3, 192(DST)
	ADDQ STRIDE, SRC
	ADDQ DST_STRIDE, DST
	DECQ ROWS_LEFT
	JNZ  stream
	JMP  next

//	n := len(scale)
//	for i, c := range src[:rows*n] {
//		q := int32(c) // int32(int16(c)) if signed
//		dst[i] = float32(q-zero[i%n]) * scale[i%n]
//	}
//
// func dequantizeInt16ColumnsAVX512(dst *float32, src *uint16, rows int, scale []float32, zero []int32, signed bool)
//
// It goes row by row, since its parameters need no preparation.
//
// Named above: ROWS_LEFT, COLUMNS, COLUMN, COLUMNS_LEFT, TAIL_COLUMNS, FLIP, OFFSET.
TEXT ·dequantizeInt16ColumnsAVX512(SB), NOSPLIT, $0-73
	MOVQ dst+0(FP), DST
	MOVQ src+8(FP), SRC
	MOVQ rows+16(FP), ROWS_LEFT
	MOVQ scale_base+24(FP), SCALES
	MOVQ scale_len+32(FP), COLUMNS
	MOVQ zero_base+48(FP), ZEROS
	VPXORD FLIP, FLIP, FLIP
	VPXORD OFFSET, OFFSET, OFFSET
	MOVQ COLUMNS, TAIL_COLUMNS
	ANDQ $15, TAIL_COLUMNS
	MASK(TAIL_COLUMNS, K1)
	CMPB signed+72(FP), $0
	JNE  row
	BROADCAST(signWords, FLIP)
	BROADCAST(signCode16, OFFSET)

row:
	XORL COLUMN, COLUMN
	MOVQ COLUMNS, COLUMNS_LEFT
	SUBQ $16, COLUMNS_LEFT
	JB   tail

loop:
	EXTEND16(0, Y0, Z0)
	DEQUANTIZE_COLUMNS(Z0)
	VMOVUPS Z0, (DST)
	ADDQ $32, SRC
	ADDQ $64, DST
	ADDQ $16, COLUMN
	SUBQ $16, COLUMNS_LEFT
	JAE  loop

tail:
	TESTQ TAIL_COLUMNS, TAIL_COLUMNS
	JZ    next
	VMOVDQU16.Z (SRC), K1, Y0
	VPXORD    FLIP_Y, Y0, Y0
	VPMOVSXWD Y0, Z0
	DEQUANTIZE_COLUMNS_MASKED(Z0)
	VMOVUPS   Z0, K1, (DST)
	LEAQ (SRC)(TAIL_COLUMNS*2), SRC
	LEAQ (DST)(TAIL_COLUMNS*4), DST

next:
	DECQ ROWS_LEFT
	JNZ  row
	VZEROUPPER
	RET
