//go:build !purego

// Quantizing to codes of up to 8 bits with AVX2.

#include "textflag.h"
#include "kernels_avx2_amd64.h"

// SATURATE is QUOTIENT for codes of 8 bits, rounded to integers. Only the upper
// bound is applied to x, see "Saturation" in kernels.go. ZERO then holds words:
// the zero points for a grid that is moved so that it begins at -128. BACK holds
// bytes: what moves codes back.
#define SATURATE(x, q) \
	VMINPS       x, UPPER, x \
	VMULPS       RECIP, x, q \
	VFNMADD231PS SCALE, q, x \
	VFMADD231PS  RECIP, x, q \
	VCVTPS2DQ    q, q

// SATURATE_TWO_PART is SATURATE with a reciprocal in two parts, RECIP and
// RECIP_LOW, see "Reciprocals in two parts" in kernels.go.
#define SATURATE_TWO_PART(x, q) \
	VMINPS      x, UPPER, x     \
	VMULPS      RECIP_LOW, x, q \
	VFMADD231PS RECIP, x, q     \
	VCVTPS2DQ   q, q

#define ADD_ZERO_WORDS(q) \
	VPADDSW ZERO, q, q

// DIVIDE_CODE makes codes, after which ADD_NOTHING is left to do.
#define DIVIDE_CODE(x, q) \
	DIVIDE(x, q) \
	CODE(q)

#define ADD_NOTHING(q)

// BYTES_4 turns the 32 elements in Y0 to Y3 into codes in Y4.
#define BYTES_4(Q) \
	Q(Y0, Y4)               \
	Q(Y1, Y5)               \
	Q(Y2, Y6)               \
	Q(Y3, Y7)               \
	VPACKSSDW Y5, Y4, Y4    \
	VPACKSSDW Y7, Y6, Y6    \
	ADD_ZERO_WORDS(Y4)      \
	ADD_ZERO_WORDS(Y6)      \
	VPACKSSWB Y6, Y4, Y4    \
	VPERMD    Y4, ORDER, Y4 \
	VPADDB    BACK, Y4, Y4

#define LOAD_4 \
	VMOVUPS 0(SRC), Y0  \
	VMOVUPS 32(SRC), Y1 \
	VMOVUPS 64(SRC), Y2 \
	VMOVUPS 96(SRC), Y3

// STORE_BYTES_8_TO_16, STORE_BYTES_4_TO_8 and STORE_BYTES_1_TO_3 store the codes
// of n elements. Q and W are SATURATE and ADD_ZERO_WORDS, or DIVIDE_CODE and
// ADD_NOTHING.
#define STORE_BYTES_8_TO_16(Q, W, n) \
	VMOVUPS (SRC), Y0         \
	VMOVUPS -32(SRC)(n*4), Y1 \
	Q(Y0, Y4)                 \
	Q(Y1, Y5)                 \
	VPACKSSDW Y5, Y4, Y4      \
	W(Y4)                     \
	VPACKSSWB Y4, Y4, Y4      \
	VEXTRACTI128 $1, Y4, X5   \
	VPUNPCKLDQ X5, X4, X4     \
	VPADDB  BACK_X, X4, X4    \
	VMOVQ   X4, (DST)         \
	VMOVHPS X4, -8(DST)(n*1)

#define STORE_BYTES_4_TO_8(Q, W, n) \
	VMOVUPS (SRC), X0                     \
	VINSERTF128 $1, -16(SRC)(n*4), Y0, Y0 \
	Q(Y0, Y4)                             \
	VEXTRACTI128 $1, Y4, X5               \
	VPACKSSDW X5, X4, X4                  \
	W(Y4)                                 \
	VPACKSSWB X4, X4, X4                  \
	VPADDB  BACK_X, X4, X4                \
	VMOVD   X4, (DST)                     \
	VPEXTRD $1, X4, -4(DST)(n*1)

#define STORE_BYTES_1_TO_3(Q, W, n) \
	MOVQ    n, BX                         \
	SHRQ    $1, BX                        \
	VMOVSS  (SRC), X0                     \
	VINSERTPS $0x10, (SRC)(BX*4), X0, X0  \
	VINSERTPS $0x20, -4(SRC)(n*4), X0, X0 \
	Q(Y0, Y4)                             \
	VPACKSSDW X4, X4, X4                  \
	W(Y4)                                 \
	VPACKSSWB X4, X4, X4                  \
	VPADDB  BACK_X, X4, X4                \
	VPEXTRB $0, X4, (DST)                 \
	VPEXTRB $1, X4, (DST)(BX*1)           \
	VPEXTRB $2, X4, -1(DST)(n*1)

//	for j, x := range src {
//		s, z := scale[j/run], zero[j/run]
//		dst[j] = uint8(code(x, s, float32(qmin-z), float32(qmax-z)) + z)
//	}
//
// func quantizeInt8RunsAVX2(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool)
//
// The grid is moved so that qmin becomes -128, where the last pack saturates, and
// BACK moves codes back. The bound on x limits them to qmax.
#define INDEX     R12 // which of the 8 prepared runs
#define DIVIDES   R13 // set if QUOTIENT does not serve one of the 8 runs
#define STREAM    R14 // set to store past the caches
#define AHEAD     R15 // bytes from an element to the one that is fetched
#define RECIP_LOW Y10 // second part of the reciprocal
#define ORDER     Y13 // packOrderTwice
#define BACK      Y14 // qmin + 128, in bytes
#define BACK_X    X14 // its lower half
#define OFFSET    Y15 // qmin + 128, in dwords
#define OFFSET_X  X15 // its lower half
TEXT ·quantizeInt8RunsAVX2(SB), NOSPLIT, $160-113
	MOVQ    dst_base+0(FP), DST
	MOVQ    src_base+24(FP), SRC
	MOVQ    src_len+32(FP), LEFT
	MOVQ    run+48(FP), RUN
	MOVQ    scale_base+56(FP), SCALES
	MOVQ    scale_len+64(FP), PARAMS_LEFT
	MOVQ    zero_base+80(FP), ZEROS
	MOVBQZX stream+112(FP), STREAM
	VMOVDQU packOrderTwice<>(SB), ORDER
	MOVL    qmin+104(FP), AX
	ADDL    $128, AX
	VMOVD   AX, OFFSET_X
	VPBROADCASTB OFFSET_X, BACK
	VPBROADCASTD OFFSET_X, OFFSET

params: // the parameters of the next 8 runs
	PREPARE_RUNS(qmin+104(FP), qmax+108(FP), ZERO_FARTHEST_WORDS)
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
	TESTB   DIVIDES, DIVIDES
	JNE     divide
	VBROADCASTSS 0(SP)(INDEX*4), SCALE
	VBROADCASTSS 32(SP)(INDEX*4), RECIP
	VBROADCASTSS 96(SP)(INDEX*4), UPPER
	VPBROADCASTW 128(SP)(INDEX*4), ZERO
	INCQ    INDEX
	CMPQ    N, $32
	JBE     short
	TESTQ   STREAM, STREAM
	JNE     toaligned

whole: // N elements, 32 at a time
	SUBQ $32, N
	CMPQ N, $96
	JAE  long

loop:
	LOAD_4
	BYTES_4(SATURATE)
	VMOVDQU Y4, (DST)
	ADDQ $128, SRC
	ADDQ $32, DST
	SUBQ $32, N
	JA   loop

tail: // 32 elements, N + 32 of them new
	LEAQ (SRC)(N*4), SRC
	ADDQ N, DST
	MOVQ $32, N

ends32:
	VMOVUPS 0(SRC), Y0
	VMOVUPS 32(SRC), Y1
	VMOVUPS -64(SRC)(N*4), Y2
	VMOVUPS -32(SRC)(N*4), Y3
	BYTES_4(SATURATE)
	VMOVDQU X4, (DST)
	VEXTRACTI128 $1, Y4, -16(DST)(N*1)

advance:
	LEAQ (SRC)(N*4), SRC
	ADDQ N, DST
	JMP  nextrun

short:
	CMPQ N, $16
	JAE  ends32
	CMPQ N, $8
	JB   short8
	STORE_BYTES_8_TO_16(SATURATE, ADD_ZERO_WORDS, N)
	JMP  advance

short8:
	CMPQ N, $4
	JB   tiny
	STORE_BYTES_4_TO_8(SATURATE, ADD_ZERO_WORDS, N)
	JMP  advance

tiny:
	STORE_BYTES_1_TO_3(SATURATE, ADD_ZERO_WORDS, N)
	JMP  advance

long: // SATURATE_TWO_PART, if it serves the scale
	VMOVD SCALE_X, AX
	LEAL  6(AX), BX
	ANDL  $511, BX
	CMPL  BX, $12
	JA    twopart
	TESTL $511, AX
	JNE   loop

twopart:
	VBROADCASTSS ONE, RECIP_LOW
	VFNMADD231PS SCALE, RECIP, RECIP_LOW
	VMULPS       RECIP, RECIP_LOW, RECIP_LOW

twoloop:
	LOAD_4
	BYTES_4(SATURATE_TWO_PART)
	VMOVDQU Y4, (DST)
	ADDQ $128, SRC
	ADDQ $32, DST
	SUBQ $32, N
	JA   twoloop
	JMP  tail

toaligned: // up to an aligned destination, for stores past the caches
	CMPQ N, $256
	JB   whole
	MOVQ DST, BX
	NEGQ BX
	ANDQ $31, BX
	JZ   aligned // another store would bring the line into the caches
	LOAD_4
	BYTES_4(SATURATE)
	VMOVDQU Y4, (DST)
	LEAQ (SRC)(BX*4), SRC
	ADDQ BX, DST
	SUBQ BX, N

aligned:
	SUBQ $32, N
	MOVQ src_len+32(FP), AHEAD
	SHLQ $2, AHEAD
	CMPQ AHEAD, $(4*dynamicElements)
	JBE  stream
	MOVQ $fetchedBytes, AHEAD

stream: // with fetches as in quantizeInt8RunsAVX512
	PREFETCHT0 0(SRC)(AHEAD*1)
	PREFETCHT0 64(SRC)(AHEAD*1)
	LOAD_4
	BYTES_4(SATURATE)
	VMOVNTDQ Y4, (DST)
	ADDQ $128, SRC
	ADDQ $32, DST
	SUBQ $32, N
	JA   stream
	JMP  tail

divide: // 16 elements at a time
	RUN_PARAMS
	INCQ INDEX
	MOVQ $16, BX
	CMPQ N, BX
	JBE  divideends
	SUBQ BX, N

divideloop:
	STORE_BYTES_8_TO_16(DIVIDE_CODE, ADD_NOTHING, BX)
	ADDQ $64, SRC
	ADDQ $16, DST
	SUBQ $16, N
	JA   divideloop
	LEAQ (SRC)(N*4), SRC
	ADDQ N, DST
	MOVQ BX, N

divideends:
	CMPQ N, $8
	JB   divideshort
	STORE_BYTES_8_TO_16(DIVIDE_CODE, ADD_NOTHING, N)
	JMP  advance

divideshort:
	CMPQ N, $4
	JB   dividetiny
	STORE_BYTES_4_TO_8(DIVIDE_CODE, ADD_NOTHING, N)
	JMP  advance

dividetiny:
	STORE_BYTES_1_TO_3(DIVIDE_CODE, ADD_NOTHING, N)
	JMP  advance

done:
	VZEROUPPER
	RET

// STORE_BYTES stores the codes of two vectors, which COLUMN_WORDS left in Y1.
#define STORE_BYTES \
	VPACKSSWB    Y1, Y1, Y1     \
	VEXTRACTI128 $1, Y1, X3     \
	VPUNPCKLDQ   X3, X1, X1     \
	VPXOR        FLIP_X, X1, X1 \
	VMOVQ        X1, (DST)      \
	VMOVHPS      X1, (DST)(DISTANCE*1)

//	n := len(scale)
//	for i, x := range src[:rows*n] {
//		s, z := scale[i%n], zero[i%n]
//		dst[i] = uint8(code(x, s, float32(qmin-z), float32(qmax-z)) + z)
//	}
//
// func quantizeInt8ColumnsAVX2(dst *uint8, src *float32, rows int, scale []float32, zero []int32, qmin, qmax int32)
//
// There are at least 8 columns. An unsigned grid of 8 bits is moved down by 128,
// and FLIP moves its codes back.
#define COLUMN     R13 // columns done
#define COLUMNS    R11 // columns
#define DISTANCE   BX  // from the first vector of columns to the second
#define STRIDE     R8  // bytes from row to row of src
#define DST_STRIDE R12 // bytes from row to row of dst
#define ROWS_LEFT  CX  // rows left
#undef ORDER
#define ORDER      Y4  // packOrderTwice
#define FLIP       Y5  // sign bits of bytes for an unsigned grid of 8 bits, else 0
#define FLIP_X     X5  // its lower half
TEXT ·quantizeInt8ColumnsAVX2(SB), NOSPLIT, $224-80
	MOVQ scale_base+24(FP), SCALES
	MOVQ scale_len+32(FP), COLUMNS
	MOVQ zero_base+48(FP), ZEROS
	MOVQ COLUMNS, DST_STRIDE // bytes from row to row of dst
	LEAQ (COLUMNS*4), STRIDE
	XORL COLUMN, COLUMN
	VPXOR FLIP, FLIP, FLIP
	VPXOR Y0, Y0, Y0
	CMPL qmax+76(FP), $127
	JLE  shifted
	VPBROADCASTD SIGN_BYTES, FLIP
	VPBROADCASTD SIGN_CODE8, Y0

shifted:
	VMOVDQU Y0, 192(SP)
	MOVQ $8, DISTANCE
	CMPQ COLUMNS, $16
	JAE  columns
	LEAQ -8(COLUMNS), DISTANCE

columns: // the next 16 columns, or the last 16
	PREPARE_COLUMNS(qmin+72(FP), qmax+76(FP))
	MOVQ dst+0(FP), DST
	LEAQ (DST)(COLUMN*1), DST
	MOVQ src+8(FP), SRC
	LEAQ (SRC)(COLUMN*4), SRC
	MOVQ rows+16(FP), ROWS_LEFT
	JNE  divide
	BOUND_ELEMENTS
	CMPQ DISTANCE, $8
	JNE  loop

	VMOVDQU packOrderTwice<>(SB), ORDER
	SUBQ $2, ROWS_LEFT
	JB   odd

two: // two rows at a time
	COLUMN_WORDS(QUOTIENT, QUOTIENT_WITH, 0(SRC), 32(SRC), Y1, Y2)
	COLUMN_WORDS(QUOTIENT, QUOTIENT_WITH, 0(SRC)(STRIDE*1), 32(SRC)(STRIDE*1), Y2, Y3)
	VPACKSSWB Y2, Y1, Y1
	VPERMD    Y1, ORDER, Y1
	VPXOR     FLIP, Y1, Y1
	VMOVDQU   X1, (DST)
	VEXTRACTI128 $1, Y1, (DST)(DST_STRIDE*1)
	LEAQ (SRC)(STRIDE*2), SRC
	LEAQ (DST)(DST_STRIDE*2), DST
	SUBQ $2, ROWS_LEFT
	JAE  two

odd:
	ADDQ $2, ROWS_LEFT
	JZ   next

loop:
	COLUMN_WORDS(QUOTIENT, QUOTIENT_WITH, (SRC), (SRC)(DISTANCE*4), Y1, Y2)
	STORE_BYTES
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
	STORE_BYTES
	ADDQ STRIDE, SRC
	ADDQ DST_STRIDE, DST
	DECQ ROWS_LEFT
	JNZ  divide
	JMP  next

done:
	VZEROUPPER
	RET

// DIVIDE_COLUMNS leaves the codes of the 32 columns from column i on in Y0. It
// divides, and saturates as SATURATE does: a quotient too small for an integer,
// and NaN, gives the least integer; LIMIT bounds those that are too large. Zero
// points are at most 32000 in magnitude.
#define DIVIDE_COLUMNS(i) \
	VMOVUPS   0(SRC)(i*4), Y0         \
	VMOVUPS   32(SRC)(i*4), Y1        \
	VMOVUPS   64(SRC)(i*4), Y2        \
	VMOVUPS   96(SRC)(i*4), Y3        \
	VDIVPS    0(SCALES)(i*4), Y0, Y0  \
	VDIVPS    32(SCALES)(i*4), Y1, Y1 \
	VDIVPS    64(SCALES)(i*4), Y2, Y2 \
	VDIVPS    96(SCALES)(i*4), Y3, Y3 \
	VMINPS    Y0, LIMIT, Y0           \
	VMINPS    Y1, LIMIT, Y1           \
	VMINPS    Y2, LIMIT, Y2           \
	VMINPS    Y3, LIMIT, Y3           \
	VCVTPS2DQ Y0, Y0                  \
	VCVTPS2DQ Y1, Y1                  \
	VCVTPS2DQ Y2, Y2                  \
	VCVTPS2DQ Y3, Y3                  \
	VMOVDQU   0(ZEROS)(i*4), Y4       \
	VMOVDQU   64(ZEROS)(i*4), Y5      \
	VPACKSSDW 32(ZEROS)(i*4), Y4, Y4  \
	VPACKSSDW 96(ZEROS)(i*4), Y5, Y5  \
	VPSUBW    OFFSET, Y4, Y4          \
	VPSUBW    OFFSET, Y5, Y5          \
	VPACKSSDW Y1, Y0, Y0              \
	VPACKSSDW Y3, Y2, Y2              \
	VPADDSW   Y4, Y0, Y0              \
	VPADDSW   Y5, Y2, Y2              \
	VPACKSSWB Y2, Y0, Y0              \
	VPERMD    Y0, ORDER, Y0           \
	VPMAXSB   BYTES_MIN, Y0, Y0       \
	VPMINSB   BYTES_MAX, Y0, Y0       \
	VPXOR     FLIP, Y0, Y0

//	for i, x := range src[:rows*cols] {
//		s, z := scale[i%cols], zero[i%cols]
//		dst[i] = uint8(code(x, s, float32(qmin-z), float32(qmax-z)) + z)
//	}
//
// func quantizeInt8RowsAVX2(dst *uint8, src *float32, rows, cols int, scale *float32, zero *int32, qmin, qmax int32)
//
// It goes row by row, past the caches, for tensors that the caches do not hold:
// there a division takes no longer than reading what it divides. There are at
// least 64 columns.
//
// Named above: COLUMNS, OFFSET.
#undef COLUMN
#define COLUMN      AX  // columns of the row that are done
#define LAST        R13 // where the last 32 columns begin
#undef ROWS_LEFT
#define ROWS_LEFT   R12 // rows left
#define BYTES_MIN   Y10 // qmin, in bytes, moved down for an unsigned grid
#define BYTES_MIN_X X10 // its lower half
#define BYTES_MAX   Y11 // qmax, likewise
#define BYTES_MAX_X X11 // its lower half
#define LIMIT       Y12 // QUOTIENT_LIMIT
#undef ORDER
#define ORDER       Y13 // packOrderTwice
#undef FLIP
#define FLIP        Y14 // sign bits of bytes for an unsigned grid, else 0
#undef FLIP_X
#define FLIP_X      X14 // its lower half
TEXT ·quantizeInt8RowsAVX2(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DST
	MOVQ src+8(FP), SRC
	MOVQ rows+16(FP), ROWS_LEFT
	MOVQ cols+24(FP), COLUMNS
	MOVQ scale+32(FP), SCALES
	MOVQ zero+40(FP), ZEROS
	MOVL qmin+48(FP), AX
	MOVL qmax+52(FP), BX
	VMOVD AX, BYTES_MIN_X
	VMOVD BX, BYTES_MAX_X
	VPBROADCASTB BYTES_MIN_X, BYTES_MIN
	VPBROADCASTB BYTES_MAX_X, BYTES_MAX
	VPXOR FLIP, FLIP, FLIP
	VPXOR OFFSET, OFFSET, OFFSET
	CMPL BX, $127
	JLE  signed
	VPBROADCASTD SIGN_BYTES, FLIP
	VPSRLW $8, FLIP, OFFSET

signed:
	VPXOR FLIP, BYTES_MIN, BYTES_MIN
	VPXOR FLIP, BYTES_MAX, BYTES_MAX
	VMOVDQU packOrderTwice<>(SB), ORDER
	VBROADCASTSS QUOTIENT_LIMIT, LIMIT
	LEAQ -32(COLUMNS), LAST // the last 32

row: // first up to an aligned destination
	MOVQ DST, COLUMN
	NEGQ COLUMN
	ANDQ $31, COLUMN
	JZ   stream
	XORL BX, BX
	DIVIDE_COLUMNS(BX)
	VMOVDQU Y0, (DST)

stream:
	DIVIDE_COLUMNS(COLUMN)
	VMOVNTDQ Y0, (DST)(COLUMN*1)
	ADDQ $32, COLUMN
	CMPQ COLUMN, LAST
	JBE  stream
	CMPQ COLUMN, COLUMNS
	JEQ  next
	DIVIDE_COLUMNS(LAST)
	VMOVDQU Y0, (DST)(LAST*1)

next:
	ADDQ COLUMNS, DST
	LEAQ (SRC)(COLUMNS*4), SRC
	DECQ ROWS_LEFT
	JNZ  row
	VZEROUPPER
	RET
