//go:build !purego

// Dequantizing with AVX2.

#include "textflag.h"
#include "kernels_avx2_amd64.h"

// DEQUANTIZE turns codes that are extended with zeros into real values. FLIP
// flips the sign bits of a signed grid, which adds half the grid to its codes,
// as it is added to the zero point in ZERO. DEQUANTIZE_WITH is for codes that
// are extended as their grid has it, and a zero point that nothing is added to.
#define DEQUANTIZE(v) \
	VPXOR     FLIP, v, v \
	DEQUANTIZE_WITH(ZERO, v)

#define DEQUANTIZE_WITH(zero, v) \
	VPSUBD    zero, v, v \
	VCVTDQ2PS v, v       \
	VMULPS    SCALE, v, v

// DEQUANTIZE_4 stores the real values of 32 codes, which EXTEND extends with
// their sign or with zeros, as their grid has it.
#define DEQUANTIZE_4(EXTEND, STORE) \
	EXTEND 0(SRC), Y0               \
	EXTEND 8(SRC), Y1               \
	EXTEND 16(SRC), Y2              \
	EXTEND 24(SRC), Y3              \
	DEQUANTIZE_WITH(ZERO_PLAIN, Y0) \
	DEQUANTIZE_WITH(ZERO_PLAIN, Y1) \
	DEQUANTIZE_WITH(ZERO_PLAIN, Y2) \
	DEQUANTIZE_WITH(ZERO_PLAIN, Y3) \
	STORE Y0, 0(DST)                \
	STORE Y1, 32(DST)               \
	STORE Y2, 64(DST)               \
	STORE Y3, 96(DST)               \
	ADDQ  $32, SRC                  \
	ADDQ  $128, DST                 \
	SUBQ  $32, N

//	for j, c := range src {
//		q := int32(c) // int32(int8(c)) if signed
//		dst[j] = float32(q-zero[j/run]) * scale[j/run]
//	}
//
// func dequantizeInt8RunsAVX2(dst []float32, src []uint8, run int, scale []float32, zero []int32, signed, stream bool)
#define STREAM     R14 // set to store past the caches
#define FLIP       Y14 // sign bit of a code for a signed grid, else 0, in dwords
#define ZERO_PLAIN Y13 // zero point without half the grid
TEXT ·dequantizeInt8RunsAVX2(SB), NOSPLIT, $0-106
	MOVQ    dst_base+0(FP), DST
	MOVQ    src_base+24(FP), SRC
	MOVQ    src_len+32(FP), LEFT
	MOVQ    run+48(FP), RUN
	MOVQ    scale_base+56(FP), SCALES
	MOVQ    zero_base+80(FP), ZEROS
	MOVBQZX stream+105(FP), STREAM
	VPXOR   FLIP, FLIP, FLIP
	CMPB    signed+104(FP), $0
	JEQ     nextrun
	VPBROADCASTD SIGN_CODE8, FLIP

nextrun:
	TESTQ   LEFT, LEFT
	JZ      done
	MOVQ    RUN, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	VBROADCASTSS (SCALES), SCALE
	VPBROADCASTD (ZEROS), ZERO_PLAIN
	VPADDD  FLIP, ZERO_PLAIN, ZERO
	ADDQ    $4, SCALES
	ADDQ    $4, ZEROS
	CMPQ    N, $32
	JBE     short
	TESTQ   STREAM, STREAM
	JNE     toaligned

whole: // N elements, 32 at a time
	SUBQ $32, N
	CMPB signed+104(FP), $0
	JEQ  unsigned

signed:
	DEQUANTIZE_4(VPMOVSXBD, VMOVUPS)
	JA   signed
	JMP  tail

unsigned:
	DEQUANTIZE_4(VPMOVZXBD, VMOVUPS)
	JA   unsigned

tail: // 32 elements, N + 32 of them new
	ADDQ N, SRC
	LEAQ (DST)(N*4), DST
	MOVQ $32, N

ends32:
	VPMOVZXBD 0(SRC), Y0
	VPMOVZXBD 8(SRC), Y1
	VPMOVZXBD -16(SRC)(N*1), Y2
	VPMOVZXBD -8(SRC)(N*1), Y3
	DEQUANTIZE(Y0)
	DEQUANTIZE(Y1)
	DEQUANTIZE(Y2)
	DEQUANTIZE(Y3)
	VMOVUPS Y0, 0(DST)
	VMOVUPS Y1, 32(DST)
	VMOVUPS Y2, -64(DST)(N*4)
	VMOVUPS Y3, -32(DST)(N*4)

advance:
	ADDQ N, SRC
	LEAQ (DST)(N*4), DST
	JMP  nextrun

short:
	CMPQ N, $16
	JAE  ends32
	CMPQ N, $8
	JB   short8
	VPMOVZXBD 0(SRC), Y0
	VPMOVZXBD -8(SRC)(N*1), Y1
	DEQUANTIZE(Y0)
	DEQUANTIZE(Y1)
	VMOVUPS Y0, (DST)
	VMOVUPS Y1, -32(DST)(N*4)
	JMP  advance

short8:
	CMPQ N, $4
	JB   tiny
	VPMOVZXBD 0(SRC), X0
	VPMOVZXBD -4(SRC)(N*1), X1
	DEQUANTIZE(Y0)
	DEQUANTIZE(Y1)
	VMOVUPS X0, (DST)
	VMOVUPS X1, -16(DST)(N*4)
	JMP  advance

tiny:
	MOVQ N, BX
	SHRQ $1, BX
	VPXOR   X0, X0, X0
	VPINSRB $0, (SRC), X0, X0
	VPINSRB $4, (SRC)(BX*1), X0, X0
	VPINSRB $8, -1(SRC)(N*1), X0, X0
	DEQUANTIZE(Y0)
	VMOVSS  X0, (DST)
	VEXTRACTPS $1, X0, (DST)(BX*4)
	VEXTRACTPS $2, X0, -4(DST)(N*4)
	JMP  advance

toaligned: // up to an aligned destination, for stores past the caches
	CMPQ N, $256
	JB   whole
	MOVQ DST, BX
	NEGQ BX
	ANDQ $63, BX
	JZ   aligned // another store would bring the line into the caches
	SHRQ $2, BX
	VPMOVZXBD 0(SRC), Y0
	VPMOVZXBD 8(SRC), Y1
	DEQUANTIZE(Y0)
	DEQUANTIZE(Y1)
	VMOVUPS Y0, 0(DST)
	VMOVUPS Y1, 32(DST)
	ADDQ BX, SRC
	LEAQ (DST)(BX*4), DST
	SUBQ BX, N

aligned:
	SUBQ $32, N
	CMPB signed+104(FP), $0
	JEQ  streamunsigned

stream:
	DEQUANTIZE_4(VPMOVSXBD, VMOVNTPS)
	JA   stream
	JMP  tail

streamunsigned:
	DEQUANTIZE_4(VPMOVZXBD, VMOVNTPS)
	JA   streamunsigned
	JMP  tail

done:
	VZEROUPPER
	RET

//	for j, c := range src {
//		q := int32(c) // int32(int16(c)) if signed
//		dst[j] = float32(q-zero[j/run]) * scale[j/run]
//	}
//
// func dequantizeInt16RunsAVX2(dst []float32, src []uint16, run int, scale []float32, zero []int32, signed, stream bool)
//
// Named above: STREAM, FLIP.
TEXT ·dequantizeInt16RunsAVX2(SB), NOSPLIT, $0-106
	MOVQ    dst_base+0(FP), DST
	MOVQ    src_base+24(FP), SRC
	MOVQ    src_len+32(FP), LEFT
	MOVQ    run+48(FP), RUN
	MOVQ    scale_base+56(FP), SCALES
	MOVQ    zero_base+80(FP), ZEROS
	MOVBQZX stream+105(FP), STREAM
	VPXOR   FLIP, FLIP, FLIP
	CMPB    signed+104(FP), $0
	JEQ     nextrun
	VPBROADCASTD SIGN_CODE16, FLIP

nextrun:
	TESTQ   LEFT, LEFT
	JZ      done
	MOVQ    RUN, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	VBROADCASTSS (SCALES), SCALE
	VPBROADCASTD (ZEROS), ZERO
	VPADDD  FLIP, ZERO, ZERO
	ADDQ    $4, SCALES
	ADDQ    $4, ZEROS
	CMPQ    N, $16
	JBE     short
	TESTQ   STREAM, STREAM
	JNE     toaligned

whole: // N elements, 16 at a time
	SUBQ $16, N

loop:
	VPMOVZXWD 0(SRC), Y0
	VPMOVZXWD 16(SRC), Y1
	DEQUANTIZE(Y0)
	DEQUANTIZE(Y1)
	VMOVUPS Y0, 0(DST)
	VMOVUPS Y1, 32(DST)
	ADDQ $32, SRC
	ADDQ $64, DST
	SUBQ $16, N
	JA   loop

tail: // 16 elements, N + 16 of them new
	LEAQ (SRC)(N*2), SRC
	LEAQ (DST)(N*4), DST
	MOVQ $16, N

ends16:
	VPMOVZXWD 0(SRC), Y0
	VPMOVZXWD -16(SRC)(N*2), Y1
	DEQUANTIZE(Y0)
	DEQUANTIZE(Y1)
	VMOVUPS Y0, (DST)
	VMOVUPS Y1, -32(DST)(N*4)

advance:
	LEAQ (SRC)(N*2), SRC
	LEAQ (DST)(N*4), DST
	JMP  nextrun

short:
	CMPQ N, $8
	JAE  ends16
	CMPQ N, $4
	JB   tiny
	VPMOVZXWD 0(SRC), X0
	VPMOVZXWD -8(SRC)(N*2), X1
	DEQUANTIZE(Y0)
	DEQUANTIZE(Y1)
	VMOVUPS X0, (DST)
	VMOVUPS X1, -16(DST)(N*4)
	JMP  advance

tiny:
	MOVQ N, BX
	SHRQ $1, BX
	VPXOR   X0, X0, X0
	VPINSRW $0, (SRC), X0, X0
	VPINSRW $2, (SRC)(BX*2), X0, X0
	VPINSRW $4, -2(SRC)(N*2), X0, X0
	DEQUANTIZE(Y0)
	VMOVSS  X0, (DST)
	VEXTRACTPS $1, X0, (DST)(BX*4)
	VEXTRACTPS $2, X0, -4(DST)(N*4)
	JMP  advance

toaligned:
	CMPQ N, $256
	JB   whole
	MOVQ DST, BX
	NEGQ BX
	ANDQ $63, BX
	JZ   aligned
	SHRQ $2, BX
	VPMOVZXWD 0(SRC), Y0
	VPMOVZXWD 16(SRC), Y1
	DEQUANTIZE(Y0)
	DEQUANTIZE(Y1)
	VMOVUPS Y0, 0(DST)
	VMOVUPS Y1, 32(DST)
	LEAQ (SRC)(BX*2), SRC
	LEAQ (DST)(BX*4), DST
	SUBQ BX, N

aligned:
	SUBQ $16, N

stream:
	VPMOVZXWD 0(SRC), Y0
	VPMOVZXWD 16(SRC), Y1
	DEQUANTIZE(Y0)
	DEQUANTIZE(Y1)
	VMOVNTPS Y0, 0(DST)
	VMOVNTPS Y1, 32(DST)
	ADDQ $32, SRC
	ADDQ $64, DST
	SUBQ $16, N
	JA   stream
	JMP  tail

done:
	VZEROUPPER
	RET

// The kernels of columns go row by row, since their parameters need no
// preparation.

// DEQUANTIZE_COLUMNS turns the 8 codes of size bytes from column i on into real
// values. EXTEND is signed or unsigned. DEQUANTIZE_COLUMNS_TO stores them by
// STORE.
#define DEQUANTIZE_COLUMNS(EXTEND, size, i, v) DEQUANTIZE_COLUMNS_TO(VMOVUPS, EXTEND, size, i, v)

#define DEQUANTIZE_COLUMNS_TO(STORE, EXTEND, size, i, v) \
	EXTEND    (SRC)(i*size), v    \
	VPSUBD    (ZEROS)(i*4), v, v  \
	VCVTDQ2PS v, v                \
	VMULPS    (SCALES)(i*4), v, v \
	STORE     v, (DST)(i*4)

// DEQUANTIZE_ROWS does ROWS_LEFT rows of at least 8 columns: 16 at a time, as long as
// they begin below LAST16; then the last 16 or, of fewer, the first and the last
// 8. The other arguments are labels.
#define DEQUANTIZE_ROWS(EXTEND, size, row, loop, rest) \
	LEAQ -8(COLUMNS), LAST8                       \
	XORL LAST16, LAST16                           \
	LEAQ -16(COLUMNS), AX                         \
	CMPQ COLUMNS, $16                             \
	CMOVQGT AX, LAST16                            \
row:                                                  \
	XORL COLUMN, COLUMN                           \
	MOVQ $8, COLUMN2                              \
	TESTQ LAST16, LAST16                          \
	JZ   rest                                     \
loop:                                                 \
	DEQUANTIZE_COLUMNS(EXTEND, size, COLUMN, Y0)  \
	DEQUANTIZE_COLUMNS(EXTEND, size, COLUMN2, Y1) \
	ADDQ $16, COLUMN                              \
	ADDQ $16, COLUMN2                             \
	CMPQ COLUMN, LAST16                           \
	JB   loop                                     \
rest:                                                 \
	DEQUANTIZE_COLUMNS(EXTEND, size, LAST16, Y0)  \
	DEQUANTIZE_COLUMNS(EXTEND, size, LAST8, Y1)   \
	LEAQ (SRC)(COLUMNS*size), SRC                 \
	LEAQ (DST)(COLUMNS*4), DST                    \
	DECQ ROWS_LEFT                                \
	JNZ  row

// DEQUANTIZE_ROWS_STREAM is DEQUANTIZE_ROWS past the caches, for at least 32
// columns: 8 up to an aligned destination, 16 at a time, and the last 16.
#define DEQUANTIZE_ROWS_STREAM(EXTEND, size, row, aligned, loop, next) \
	LEAQ -8(COLUMNS), LAST8                                    \
	LEAQ -16(COLUMNS), LAST16                                  \
row:                                                               \
	MOVQ DST, COLUMN                                           \
	NEGQ COLUMN                                                \
	ANDQ $31, COLUMN                                           \
	JZ   aligned                                               \
	SHRQ $2, COLUMN                                            \
	XORL COLUMN2, COLUMN2                                      \
	DEQUANTIZE_COLUMNS(EXTEND, size, COLUMN2, Y0)              \
aligned:                                                           \
	LEAQ 8(COLUMN), COLUMN2                                    \
loop:                                                              \
	DEQUANTIZE_COLUMNS_TO(VMOVNTPS, EXTEND, size, COLUMN, Y0)  \
	DEQUANTIZE_COLUMNS_TO(VMOVNTPS, EXTEND, size, COLUMN2, Y1) \
	ADDQ $16, COLUMN                                           \
	ADDQ $16, COLUMN2                                          \
	CMPQ COLUMN, LAST16                                        \
	JBE  loop                                                  \
	CMPQ COLUMN, COLUMNS                                       \
	JEQ  next                                                  \
	DEQUANTIZE_COLUMNS(EXTEND, size, LAST16, Y0)               \
	DEQUANTIZE_COLUMNS(EXTEND, size, LAST8, Y1)                \
next:                                                              \
	LEAQ (SRC)(COLUMNS*size), SRC                              \
	LEAQ (DST)(COLUMNS*4), DST                                 \
	DECQ ROWS_LEFT                                             \
	JNZ  row

//	n := len(scale)
//	for i, c := range src[:rows*n] {
//		q := int32(c) // int32(int8(c)) if signed
//		dst[i] = float32(q-zero[i%n]) * scale[i%n]
//	}
//
// func dequantizeInt8ColumnsAVX2(dst *float32, src *uint8, rows int, scale []float32, zero []int32, signed, stream bool)
//
// There are at least 8 columns, and 32 if stream is set.
#define COLUMNS   R11 // columns
#define ROWS_LEFT CX  // rows left
#define COLUMN    R13 // column of a row
#define COLUMN2   BX  // column of the vector after that
#define LAST16    R12 // where the last 16 columns begin
#define LAST8     R15 // where the last 8 columns begin
TEXT ·dequantizeInt8ColumnsAVX2(SB), NOSPLIT, $0-74
	MOVQ dst+0(FP), DST
	MOVQ src+8(FP), SRC
	MOVQ rows+16(FP), ROWS_LEFT
	MOVQ scale_base+24(FP), SCALES
	MOVQ scale_len+32(FP), COLUMNS
	MOVQ zero_base+48(FP), ZEROS
	CMPB stream+73(FP), $0
	JNE  stream
	CMPB signed+72(FP), $0
	JEQ  unsigned
	DEQUANTIZE_ROWS(VPMOVSXBD, 1, row, loop, rest)
	VZEROUPPER
	RET

unsigned:
	DEQUANTIZE_ROWS(VPMOVZXBD, 1, rowu, loopu, restu)
	VZEROUPPER
	RET

stream:
	CMPB signed+72(FP), $0
	JEQ  streamunsigned
	DEQUANTIZE_ROWS_STREAM(VPMOVSXBD, 1, rowp, alignedp, loopp, nextp)
	VZEROUPPER
	RET

streamunsigned:
	DEQUANTIZE_ROWS_STREAM(VPMOVZXBD, 1, rowpu, alignedpu, looppu, nextpu)
	VZEROUPPER
	RET

//	n := len(scale)
//	for i, c := range src[:rows*n] {
//		q := int32(c) // int32(int16(c)) if signed
//		dst[i] = float32(q-zero[i%n]) * scale[i%n]
//	}
//
// func dequantizeInt16ColumnsAVX2(dst *float32, src *uint16, rows int, scale []float32, zero []int32, signed bool)
//
// There are at least 8 columns.
//
// Named above: COLUMNS, ROWS_LEFT, COLUMN, COLUMN2, LAST16, LAST8.
TEXT ·dequantizeInt16ColumnsAVX2(SB), NOSPLIT, $0-73
	MOVQ dst+0(FP), DST
	MOVQ src+8(FP), SRC
	MOVQ rows+16(FP), ROWS_LEFT
	MOVQ scale_base+24(FP), SCALES
	MOVQ scale_len+32(FP), COLUMNS
	MOVQ zero_base+48(FP), ZEROS
	CMPB signed+72(FP), $0
	JEQ  unsigned
	DEQUANTIZE_ROWS(VPMOVSXWD, 2, row, loop, rest)
	VZEROUPPER
	RET

unsigned:
	DEQUANTIZE_ROWS(VPMOVZXWD, 2, rowu, loopu, restu)
	VZEROUPPER
	RET
