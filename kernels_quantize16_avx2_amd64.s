//go:build !purego

// Quantizing to codes of up to 16 bits with AVX2.

#include "textflag.h"
#include "kernels_avx2_amd64.h"

// WORDS_2 turns the 16 elements in Y0 and Y1 into codes in Y4.
#define WORDS_2(Q) \
	Q(Y0, Y4)             \
	Q(Y1, Y5)             \
	CODE(Y4)              \
	CODE(Y5)              \
	VPACKSSDW Y5, Y4, Y4  \
	VPERMQ  $0xd8, Y4, Y4 \
	VPXOR   FLIP, Y4, Y4

// STORE_WORDS_8_TO_16, STORE_WORDS_4_TO_8 and STORE_WORDS_1_TO_3 store the codes
// of n elements.
#define STORE_WORDS_8_TO_16(Q, n) \
	VMOVUPS (SRC), Y0         \
	VMOVUPS -32(SRC)(n*4), Y1 \
	WORDS_2(Q)                \
	VMOVDQU X4, (DST)         \
	VEXTRACTI128 $1, Y4, -16(DST)(n*2)

#define STORE_WORDS_4_TO_8(Q, n) \
	VMOVUPS (SRC), X0                     \
	VINSERTF128 $1, -16(SRC)(n*4), Y0, Y0 \
	Q(Y0, Y4)                             \
	CODE(Y4)                              \
	VEXTRACTI128 $1, Y4, X5               \
	VPACKSSDW X5, X4, X4                  \
	VPXOR   FLIP_X, X4, X4                \
	VMOVQ   X4, (DST)                     \
	VMOVHPS X4, -8(DST)(n*2)

#define STORE_WORDS_1_TO_3(Q, n) \
	MOVQ    n, BX                         \
	SHRQ    $1, BX                        \
	VMOVSS  (SRC), X0                     \
	VINSERTPS $0x10, (SRC)(BX*4), X0, X0  \
	VINSERTPS $0x20, -4(SRC)(n*4), X0, X0 \
	Q(Y0, Y4)                             \
	CODE(Y4)                              \
	VPACKSSDW X4, X4, X4                  \
	VPXOR   FLIP_X, X4, X4                \
	VPEXTRW $0, X4, (DST)                 \
	VPEXTRW $1, X4, (DST)(BX*2)           \
	VPEXTRW $2, X4, -2(DST)(n*2)

//	for j, x := range src {
//		s, z := scale[j/run], zero[j/run]
//		dst[j] = uint16(code(x, s, float32(qmin-z), float32(qmax-z)) + z)
//	}
//
// func quantizeInt16RunsAVX2(dst []uint16, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool)
//
// An unsigned grid of 16 bits is moved down by 2^15, where the pack saturates, and
// FLIP moves its codes back.
#define INDEX   R12 // which of the 8 prepared runs
#define DIVIDES R13 // set if QUOTIENT does not serve one of the 8 runs
#define STREAM  R14 // set to store past the caches
#define FLIP    Y14 // sign bits of words for an unsigned grid of 16 bits, else 0
#define FLIP_X  X14 // its lower half
#define OFFSET  Y15 // 2^15 for an unsigned grid of 16 bits, else 0, in dwords
TEXT ·quantizeInt16RunsAVX2(SB), NOSPLIT, $160-113
	MOVQ    dst_base+0(FP), DST
	MOVQ    src_base+24(FP), SRC
	MOVQ    src_len+32(FP), LEFT
	MOVQ    run+48(FP), RUN
	MOVQ    scale_base+56(FP), SCALES
	MOVQ    scale_len+64(FP), PARAMS_LEFT
	MOVQ    zero_base+80(FP), ZEROS
	MOVBQZX stream+112(FP), STREAM
	VPXOR   FLIP, FLIP, FLIP
	VPXOR   OFFSET, OFFSET, OFFSET
	CMPL    qmax+108(FP), $32767
	JLE     params
	VPBROADCASTD SIGN_WORDS, FLIP
	VPBROADCASTD SIGN_CODE16, OFFSET

params:
	PREPARE_RUNS(qmin+104(FP), qmax+108(FP), ZERO_FARTHEST)
	XORL INDEX, INDEX

nextrun:
	TESTQ   LEFT, LEFT
	JZ      done
	CMPQ    INDEX, $8
	JE      params
	MOVQ    RUN, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	RUN_PARAMS
	INCQ    INDEX
	TESTB   DIVIDES, DIVIDES
	JNE     divide
	CMPQ    N, $16
	JBE     ends
	TESTQ   STREAM, STREAM
	JNE     toaligned

whole: // N elements, 16 at a time
	SUBQ $16, N

loop:
	VMOVUPS 0(SRC), Y0
	VMOVUPS 32(SRC), Y1
	WORDS_2(QUOTIENT)
	VMOVDQU Y4, (DST)
	ADDQ $64, SRC
	ADDQ $32, DST
	SUBQ $16, N
	JA   loop

tail: // 16 elements, N + 16 of them new
	LEAQ (SRC)(N*4), SRC
	LEAQ (DST)(N*2), DST
	MOVQ $16, N

ends:
	CMPQ N, $8
	JB   short8
	STORE_WORDS_8_TO_16(QUOTIENT, N)

advance:
	LEAQ (SRC)(N*4), SRC
	LEAQ (DST)(N*2), DST
	JMP  nextrun

short8:
	CMPQ N, $4
	JB   tiny
	STORE_WORDS_4_TO_8(QUOTIENT, N)
	JMP  advance

tiny:
	STORE_WORDS_1_TO_3(QUOTIENT, N)
	JMP  advance

toaligned: // up to an aligned destination, for stores past the caches
	CMPQ N, $256
	JB   whole
	MOVQ DST, BX
	NEGQ BX
	ANDQ $31, BX
	JZ   aligned // another store would bring the line into the caches
	SHRQ $1, BX
	VMOVUPS 0(SRC), Y0
	VMOVUPS 32(SRC), Y1
	WORDS_2(QUOTIENT)
	VMOVDQU Y4, (DST)
	LEAQ (SRC)(BX*4), SRC
	LEAQ (DST)(BX*2), DST
	SUBQ BX, N

aligned:
	SUBQ $16, N

stream: // with fetches as in quantizeInt16RunsAVX512
	PREFETCHT0 fetchedBytes(SRC)
	VMOVUPS 0(SRC), Y0
	VMOVUPS 32(SRC), Y1
	WORDS_2(QUOTIENT)
	VMOVNTDQ Y4, (DST)
	ADDQ $64, SRC
	ADDQ $32, DST
	SUBQ $16, N
	JA   stream
	JMP  tail

divide:
	CMPQ N, $16
	JBE  divideends
	SUBQ $16, N

divideloop:
	VMOVUPS 0(SRC), Y0
	VMOVUPS 32(SRC), Y1
	WORDS_2(DIVIDE)
	VMOVDQU Y4, (DST)
	ADDQ $64, SRC
	ADDQ $32, DST
	SUBQ $16, N
	JA   divideloop
	LEAQ (SRC)(N*4), SRC
	LEAQ (DST)(N*2), DST
	MOVQ $16, N

divideends:
	CMPQ N, $8
	JB   divideshort
	STORE_WORDS_8_TO_16(DIVIDE, N)
	JMP  advance

divideshort:
	CMPQ N, $4
	JB   dividetiny
	STORE_WORDS_4_TO_8(DIVIDE, N)
	JMP  advance

dividetiny:
	STORE_WORDS_1_TO_3(DIVIDE, N)
	JMP  advance

done:
	VZEROUPPER
	RET

// STORE_WORDS stores the codes of two vectors, which COLUMN_WORDS left in Y1.
#define STORE_WORDS \
	VPERMQ       $0xd8, Y1, Y1 \
	VPXOR        FLIP, Y1, Y1  \
	VMOVDQU      X1, (DST)     \
	VEXTRACTI128 $1, Y1, (DST)(DISTANCE*2)

//	n := len(scale)
//	for i, x := range src[:rows*n] {
//		s, z := scale[i%n], zero[i%n]
//		dst[i] = uint16(code(x, s, float32(qmin-z), float32(qmax-z)) + z)
//	}
//
// func quantizeInt16ColumnsAVX2(dst *uint16, src *float32, rows int, scale []float32, zero []int32, qmin, qmax int32)
//
// There are at least 8 columns.
#define COLUMN     R13 // columns done
#define COLUMNS    R11 // columns
#define DISTANCE   BX  // from the first vector of columns to the second
#define STRIDE     R8  // bytes from row to row of src
#define DST_STRIDE R12 // bytes from row to row of dst
#define ROWS_LEFT  CX  // rows left
#undef FLIP
#define FLIP       Y5  // sign bits of words for an unsigned grid of 16 bits, else 0
#undef FLIP_X
#define FLIP_X     X5  // its lower half
TEXT ·quantizeInt16ColumnsAVX2(SB), NOSPLIT, $224-80
	MOVQ scale_base+24(FP), SCALES
	MOVQ scale_len+32(FP), COLUMNS
	MOVQ zero_base+48(FP), ZEROS
	LEAQ (COLUMNS*2), DST_STRIDE
	LEAQ (COLUMNS*4), STRIDE
	XORL COLUMN, COLUMN
	VPXOR FLIP, FLIP, FLIP
	VPXOR Y0, Y0, Y0
	CMPL qmax+76(FP), $32767
	JLE  shifted
	VPBROADCASTD SIGN_WORDS, FLIP
	VPBROADCASTD SIGN_CODE16, Y0

shifted:
	VMOVDQU Y0, 192(SP)
	MOVQ $8, DISTANCE
	CMPQ COLUMNS, $16
	JAE  columns
	LEAQ -8(COLUMNS), DISTANCE

columns:
	PREPARE_COLUMNS(qmin+72(FP), qmax+76(FP))
	MOVQ dst+0(FP), DST
	LEAQ (DST)(COLUMN*2), DST
	MOVQ src+8(FP), SRC
	LEAQ (SRC)(COLUMN*4), SRC
	MOVQ rows+16(FP), ROWS_LEFT
	JNE  divide
	BOUND_ELEMENTS

loop:
	COLUMN_WORDS(QUOTIENT, QUOTIENT_WITH, (SRC), (SRC)(DISTANCE*4), Y1, Y2)
	STORE_WORDS
	ADDQ STRIDE, SRC
	ADDQ DST_STRIDE, DST
	DECQ ROWS_LEFT
	JNZ  loop

next:
	LEAQ 8(COLUMN)(DISTANCE*1), COLUMN
	CMPQ COLUMN, COLUMNS
	JEQ  done
	LEAQ -16(COLUMNS), AX
	CMPQ COLUMN, AX
	CMOVQGT AX, COLUMN
	JMP  columns

divide:
	COLUMN_WORDS(DIVIDE, DIVIDE_WITH, (SRC), (SRC)(DISTANCE*4), Y1, Y2)
	STORE_WORDS
	ADDQ STRIDE, SRC
	ADDQ DST_STRIDE, DST
	DECQ ROWS_LEFT
	JNZ  divide
	JMP  next

done:
	VZEROUPPER
	RET
