//go:build !purego

// Quantizing to codes of up to 8 bits with AVX-512.

#include "textflag.h"
#include "kernels_avx512_amd64.h"

// SATURATE is QUOTIENT for codes of 8 bits, rounded to integers. Only the upper
// bound is applied to x, see "Saturation" in kernels.go. ZERO then holds words:
// the zero points for a grid that is moved so that it begins at -128. BACK holds
// bytes: what moves codes back. SATURATE_WITH takes the parameters from other
// registers than the usual ones.
#define SATURATE(x, q) \
	VMINPS       x, UPPER, x \
	VMULPS       RECIP, x, q \
	VFNMADD231PS SCALE, q, x \
	VFMADD231PS  RECIP, x, q \
	VCVTPS2DQ    q, q

#define SATURATE_WITH(x, s, y, hi, q) \
	VMINPS       x, hi, x \
	VMULPS       y, x, q  \
	VFNMADD231PS s, q, x  \
	VFMADD231PS  y, x, q  \
	VCVTPS2DQ    q, q

// SATURATE_TWO_PART is SATURATE with a reciprocal in two parts, RECIP and
// RECIP_LOW, see "Reciprocals in two parts" in kernels.go.
#define SATURATE_TWO_PART(x, q) \
	VMINPS      x, UPPER, x     \
	VMULPS      RECIP_LOW, x, q \
	VFMADD231PS RECIP, x, q     \
	VCVTPS2DQ   q, q

// ROUND_TWO_PART is SATURATE_TWO_PART without the bound.
#define ROUND_TWO_PART(x, q) \
	VMULPS      RECIP_LOW, x, q \
	VFMADD231PS RECIP, x, q     \
	VCVTPS2DQ   q, q

// UNBOUNDED_4 is BYTES_4 without the bound, and without BACK. LEAST collects the least quotients, as
// words.
#define UNBOUNDED_4 \
	ROUND_TWO_PART(Z0, Z4)   \
	ROUND_TWO_PART(Z1, Z5)   \
	ROUND_TWO_PART(Z2, Z6)   \
	ROUND_TWO_PART(Z3, Z7)   \
	VPACKSSDW Z5, Z4, Z4     \
	VPACKSSDW Z7, Z6, Z6     \
	VPMINSW   Z4, LEAST, LEAST \
	VPMINSW   Z6, LEAST, LEAST \
	VPADDSW   ZERO, Z4, Z4   \
	VPADDSW   ZERO, Z6, Z6   \
	VPACKSSWB Z6, Z4, Z4     \
	VPERMD    Z4, ORDER, Z4

// BYTES_4 turns the 64 elements in Z0 to Z3 into codes in Z4. BYTES_2 does so for
// the 32 elements in Z0 and Z1, BYTES_1 for the 16 elements in Z0.
#define BYTES_4(Q) \
	Q(Z0, Z4)               \
	Q(Z1, Z5)               \
	Q(Z2, Z6)               \
	Q(Z3, Z7)               \
	VPACKSSDW Z5, Z4, Z4    \
	VPACKSSDW Z7, Z6, Z6    \
	VPADDSW   ZERO, Z4, Z4  \
	VPADDSW   ZERO, Z6, Z6  \
	VPACKSSWB Z6, Z4, Z4    \
	VPERMD    Z4, ORDER, Z4 \
	VPADDB    BACK, Z4, Z4

#define BYTES_2 \
	SATURATE(Z0, Z4)             \
	SATURATE(Z1, Z5)             \
	VPACKSSDW Z5, Z4, Z4         \
	VPADDSW   ZERO, Z4, Z4       \
	VPMOVSWB  Z4, Y4             \
	VPERMD    Y4, ORDER_ONCE, Y4 \
	VPADDB    BACK_Y, Y4, Y4

#define BYTES_1 \
	SATURATE(Z0, Z4)         \
	VPMOVSDW  Z4, Y4         \
	VPADDSW   ZERO_Y, Y4, Y4 \
	VPMOVSWB  Y4, X4         \
	VPADDB    BACK_X, X4, X4

#define LOAD_4 \
	VMOVUPS 0(SRC), Z0   \
	VMOVUPS 64(SRC), Z1  \
	VMOVUPS 128(SRC), Z2 \
	VMOVUPS 192(SRC), Z3

//	for j, x := range src {
//		s, z := scale[j/run], zero[j/run]
//		dst[j] = uint8(code(x, s, float32(qmin-z), float32(qmax-z)) + z)
//	}
//
// func quantizeInt8RunsAVX512(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool)
//
// The grid is moved so that qmin becomes -128, where the last pack saturates, and
// BACK moves codes back. The bound on x limits them to qmax; where qmax becomes 127, long runs do
// without it, see "Saturation" in kernels.go. While codes are stored past the
// caches, elements are fetched that come next: those fetchedBytes ahead, or, in a dynamic call,
// which calibrates and quantizes up to dynamicElements at a time, those behind src. They are read
// from memory while codes are made. A fetch never faults.
#define INDEX      R12 // which of the 16 prepared runs
#define AHEAD      R15 // bytes from an element to the one that is fetched
#define DIVIDES    R13 // set if QUOTIENT does not serve one of the 16 runs
#define STREAM     R14 // set to store past the caches
#define ORDER_ONCE Y13 // packOrderOnce
#define RECIP_LOW  Z18 // second part of the reciprocal
#define ONES_X     X31 // lowest quarter of ONES
#define BACK       Z21 // qmin + 128, in bytes
#define BACK_X     X21 // its lowest quarter
#define BACK_Y     Y21 // its lower half
#define ORDER      Z23 // packOrderTwice
#define OFFSET     Z24 // qmin + 128, in dwords
#define STEPS      AX  // steps of 64 elements left of a piece
#define PIECE      R15 // first element of a piece
#define LEAST      Z22 // least quotients of a piece, as words
#define LOWEST     Z14 // the least word
TEXT ·quantizeInt8RunsAVX512(SB), NOSPLIT, $320-113
	MOVQ    dst_base+0(FP), DST
	MOVQ    src_base+24(FP), SRC
	MOVQ    src_len+32(FP), LEFT
	MOVQ    run+48(FP), RUN
	MOVQ    scale_base+56(FP), SCALES
	MOVQ    scale_len+64(FP), PARAMS_LEFT
	MOVQ    zero_base+80(FP), ZEROS
	MOVL    qmin+104(FP), BX
	MOVL    qmax+108(FP), CX
	MOVBQZX stream+112(FP), STREAM
	VMOVDQU32 packOrderTwice<>(SB), ORDER
	VMOVDQU32 packOrderOnce<>(SB), ORDER_ONCE
	BROADCAST(oneBits, ONES)
	BROADCAST(signWords, LOWEST)
	CMPQ LEFT, RUN
	JBE  one

several:
	CONSTANTS(BX, CX)
	BROADCAST(zeroFarthestWords, ZERO_FARTHEST) // SATURATE works on words
	SUBL $-128, BX
	VPBROADCASTB BX, BACK
	VPBROADCASTD BX, OFFSET

params: // the parameters of the next 16 runs
	PREPARE_RUNS
	XORL INDEX, INDEX

nextrun:
	TESTQ   LEFT, LEFT
	JZ      done
	CMPQ    INDEX, $16
	JE      params
	MOVQ    RUN, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	RUN_PARAMS
	VPBROADCASTW 256(SP)(INDEX*4), ZERO
	INCQ    INDEX
	TESTB   DIVIDES, DIVIDES
	JNE     divide
	TESTQ   STREAM, STREAM
	JNE     toaligned

whole: // N elements, 64 at a time
	SUBQ $64, N
	JB   rest
	CMPQ N, $192
	JAE  long

loop:
	LOAD_4
	BYTES_4(SATURATE)
	VMOVDQU64 Z4, (DST)
	ADDQ $256, SRC
	ADDQ $64, DST
	SUBQ $64, N
	JAE  loop

rest: // N + 64 elements, fewer than 64
	ADDQ $32, N
	JL   rest16
	VMOVUPS 0(SRC), Z0
	VMOVUPS 64(SRC), Z1
	BYTES_2
	VMOVDQU Y4, (DST)
	ADDQ $128, SRC
	ADDQ $32, DST
	SUBQ $32, N

rest16: // N + 32 elements, fewer than 32
	ADDQ $16, N
	JL   tail

	VMOVUPS (SRC), Z0
	BYTES_1
	VMOVDQU X4, (DST)
	ADDQ $64, SRC
	ADDQ $16, DST
	SUBQ $16, N

tail:
	ADDQ $16, N
	JZ   nextrun
	MASK(N, K1)
	VMOVUPS.Z (SRC), K1, Z0
	BYTES_1
	VMOVDQU8  X4, K1, (DST)
	LEAQ (SRC)(N*4), SRC
	ADDQ N, DST
	JMP  nextrun

long: // SATURATE_TWO_PART, if it serves the scale
	VMOVD SCALE_X, AX
	LEAL  6(AX), BX
	ANDL  $511, BX
	CMPL  BX, $12
	JA    twopart
	TESTL $511, AX
	JNE   loop

twopart:
	VMOVAPS      ONES, RECIP_LOW
	VFNMADD231PS SCALE, RECIP, RECIP_LOW
	VMULPS       RECIP, RECIP_LOW, RECIP_LOW
	MOVL qmax+108(FP), BX
	SUBL qmin+104(FP), BX
	CMPL BX, $255 // all bytes are codes, so packing bounds the codes
	JNE  twoloop

piece: // up to 16 steps without the bound
	MOVQ    N, STEPS
	SHRQ    $6, STEPS
	INCQ    STEPS
	MOVL    $16, BX
	CMPQ    STEPS, BX
	CMOVQGT BX, STEPS
	MOVQ    STEPS, BX
	SHLQ    $6, BX
	SUBQ    BX, N
	MOVQ    SRC, PIECE
	VPXORD  LEAST, LEAST, LEAST
	CMPL    qmin+104(FP), $0
	JE      unsignedloop

signedloop:
	LOAD_4
	UNBOUNDED_4
	VMOVDQU64 Z4, (DST)
	ADDQ $256, SRC
	ADDQ $64, DST
	DECQ STEPS
	JNZ  signedloop
	JMP  piecedone

unsignedloop:
	LOAD_4
	UNBOUNDED_4
	VPADDB BACK, Z4, Z4
	VMOVDQU64 Z4, (DST)
	ADDQ $256, SRC
	ADDQ $64, DST
	DECQ STEPS
	JNZ  unsignedloop

piecedone: // a quotient from 2^31 on looks like one below all codes: then once more, with the bound
	VPCMPEQW LOWEST, LEAST, K1
	KTESTD   K1, K1
	JNE      bounded
	TESTQ    N, N
	JGE      piece
	JMP      rest

bounded: // this piece and the rest of the run
	SUBQ PIECE, SRC
	SHRQ $2, SRC
	ADDQ SRC, N
	SUBQ SRC, DST
	MOVQ PIECE, SRC

twoloop:
	LOAD_4
	BYTES_4(SATURATE_TWO_PART)
	VMOVDQU64 Z4, (DST)
	ADDQ $256, SRC
	ADDQ $64, DST
	SUBQ $64, N
	JAE  twoloop
	JMP  rest

toaligned: // up to an aligned destination, for stores past the caches
	CMPQ N, $256
	JB   whole
	MOVQ DST, BX
	NEGQ BX
	ANDQ $63, BX
	JZ   aligned // an empty masked store would bring the line into the caches
	SUBQ BX, N

toaligned16:
	MOVQ    $16, R15
	CMPQ    BX, R15
	CMOVQLT BX, R15
	MASK(R15, K1)
	VMOVUPS.Z (SRC), K1, Z0
	BYTES_1
	VMOVDQU8  X4, K1, (DST)
	LEAQ (SRC)(R15*4), SRC
	ADDQ R15, DST
	SUBQ R15, BX
	JNZ  toaligned16

aligned:
	SUBQ $64, N
	MOVQ src_len+32(FP), AHEAD
	SHLQ $2, AHEAD
	CMPQ AHEAD, $(4*dynamicElements)
	JBE  stream
	MOVQ $fetchedBytes, AHEAD

stream:
	PREFETCHT0 0(SRC)(AHEAD*1)
	PREFETCHT0 64(SRC)(AHEAD*1)
	PREFETCHT0 128(SRC)(AHEAD*1)
	PREFETCHT0 192(SRC)(AHEAD*1)
	LOAD_4
	BYTES_4(SATURATE)
	VMOVNTDQ  Z4, (DST)
	ADDQ $256, SRC
	ADDQ $64, DST
	SUBQ $64, N
	JAE  stream
	JMP  rest

one: // PREPARE by scalars, which is faster for one run, if SATURATE serves its parameters
	TESTQ LEFT, LEFT
	JZ    done
	MOVL  (SCALES), AX
	MOVL  (ZEROS), R12
	LEAL  -scaleLeast(AX), R13
	CMPL  R13, $scaleSpan
	JA    several
	ANDL  $significandMask, AX
	CMPL  AX, $significandMask
	JEQ   several
	LEAL  zeroFarthestWords(R12), R13
	CMPL  R13, $(2*zeroFarthestWords)
	JA    several
	VBROADCASTSS (SCALES), SCALE
	VDIVPS SCALE_X, ONES_X, X0
	VBROADCASTSS X0, RECIP
	SUBL  R12, CX
	VPXOR X1, X1, X1
	VCVTSI2SSL CX, X1, X1
	VMULSS SCALE_X, X1, X1
	VBROADCASTSS X1, UPPER
	SUBL  $-128, BX
	SUBL  BX, R12
	VPBROADCASTW R12, ZERO
	VPBROADCASTB BX, BACK
	MOVQ  LEFT, N
	XORL  LEFT, LEFT
	TESTQ STREAM, STREAM
	JZ    whole
	JMP   toaligned

divide: // 16 elements at a time
	VPBROADCASTD 252(SP)(INDEX*4), ZERO
	SUBQ $16, N
	JB   dividetail

divideloop:
	VMOVUPS (SRC), Z0
	DIVIDE(Z0, Z4)
	CODE(Z4)
	VPMOVDB Z4, X4
	VPADDB  BACK_X, X4, X4
	VMOVDQU X4, (DST)
	ADDQ $64, SRC
	ADDQ $16, DST
	SUBQ $16, N
	JAE  divideloop

dividetail:
	ADDQ $16, N
	JZ   nextrun
	MASK(N, K1)
	VMOVUPS.Z (SRC), K1, Z0
	DIVIDE(Z0, Z4)
	CODE(Z4)
	VPMOVDB   Z4, X4
	VPADDB    BACK_X, X4, X4
	VMOVDQU8  X4, K1, (DST)
	LEAQ (SRC)(N*4), SRC
	ADDQ N, DST
	JMP  nextrun

done:
	VZEROUPPER
	RET

//	for r := range rows {
//		for j, s := range scale {
//			x, z := src[r*stride+j], zero[j]
//			dst[r*stride+j] = uint8(code(x, s, float32(qmin-z), float32(qmax-z)) + z)
//		}
//	}
//
// func quantizeInt8ColumnsAVX512(dst *uint8, src *float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32)
//
// It takes up to 16 columns at a time down the rows, with the parameters in
// registers. K1 masks the columns.
#define COLUMN     R13 // columns done
#define QMIN       R14 // qmin
#define QMAX       R15 // qmax
#define STRIDE     R8  // bytes from row to row of src
#define DST_STRIDE R12 // bytes from row to row of dst
#define ROWS_LEFT  CX  // rows left
TEXT ·quantizeInt8ColumnsAVX512(SB), NOSPLIT, $0-88
	MOVQ scale_base+32(FP), SCALES
	MOVQ scale_len+40(FP), PARAMS_LEFT
	MOVQ zero_base+56(FP), ZEROS
	MOVL qmin+80(FP), QMIN
	MOVL qmax+84(FP), QMAX
	CONSTANTS(QMIN, QMAX)
	MOVQ stride+24(FP), DST_STRIDE // bytes from row to row of dst
	LEAQ (DST_STRIDE*4), STRIDE
	XORL COLUMN, COLUMN

columns:
	TESTQ PARAMS_LEFT, PARAMS_LEFT
	JZ    done
	NEXT_PARAMS // leaves the number of columns in BX
	PREPARE
	MOVQ dst+0(FP), DST
	ADDQ COLUMN, DST
	MOVQ src+8(FP), SRC
	LEAQ (SRC)(COLUMN*4), SRC
	ADDQ BX, COLUMN
	MOVQ rows+16(FP), ROWS_LEFT
	VMOVAPS Z0, LOWER
	VMOVAPS Z1, UPPER
	KTESTW K3, K3
	JNE    divide
	VMULPS SCALE, Z0, LOWER
	VMULPS SCALE, Z1, UPPER
	CMPQ   BX, $16
	JNE    loop

whole:
	VMOVUPS (SRC), Z0
	QUOTIENT(Z0, Z4)
	CODE(Z4)
	VPMOVDB Z4, X4
	VMOVDQU X4, (DST)
	ADDQ STRIDE, SRC
	ADDQ DST_STRIDE, DST
	DECQ ROWS_LEFT
	JNZ  whole
	JMP  columns

loop:
	VMOVUPS.Z (SRC), K1, Z0
	QUOTIENT(Z0, Z4)
	CODE(Z4)
	VPMOVDB  Z4, X4
	VMOVDQU8 X4, K1, (DST)
	ADDQ STRIDE, SRC
	ADDQ DST_STRIDE, DST
	DECQ ROWS_LEFT
	JNZ  loop
	JMP  columns

divide:
	VMOVUPS.Z (SRC), K1, Z0
	DIVIDE(Z0, Z4)
	CODE(Z4)
	VPMOVDB  Z4, X4
	VMOVDQU8 X4, K1, (DST)
	ADDQ STRIDE, SRC
	ADDQ DST_STRIDE, DST
	DECQ ROWS_LEFT
	JNZ  divide
	JMP  columns

done:
	VZEROUPPER
	RET

// PREPARE_COLUMNS prepares 16 columns and stores their parameters at off and every
// 256 bytes on from BUF: scales, reciprocals, upper bounds of elements, and zero
// points less OFFSET. K4 collects the columns that SATURATE_WITH does not serve.
#define PREPARE_COLUMNS(off) \
	VMOVUPS   off(SCALES), SCALE    \
	VMOVDQU32 off(ZEROS), ZERO      \
	PREPARE                         \
	KORW      K3, K4, K4            \
	VMULPS    SCALE, Z1, Z1         \
	VPSUBD    OFFSET, ZERO, ZERO    \
	VMOVUPS   SCALE, (0+off)(BUF)   \
	VMOVUPS   RECIP, (256+off)(BUF) \
	VMOVUPS   Z1, (512+off)(BUF)    \
	VMOVDQU32 ZERO, (768+off)(BUF)

//	for j, s := range scale[:len(scale)&^63] {
//		b, z := buf[j/64*256+j%64:], zero[j]
//		b[0], b[64], b[128] = s, 1/s, float32(qmax-z)*s
//		b[192] = math.Float32frombits(uint32(z - (qmin + 128)))
//	}
//
// func prepareWideAVX512(buf *float32, scale []float32, zero []int32, qmin, qmax int32) int
//
// It prepares 64 columns at a time, 256 floats for each 64, and returns how many it
// did: all whole 64, or fewer if SATURATE_WITH does not serve a scale.
//
// Named above: QMIN, QMAX, OFFSET.
#define BUF  R12 // where the next parameters go
#define DONE R13 // columns done
TEXT ·prepareWideAVX512(SB), NOSPLIT, $0-72
	MOVQ buf+0(FP), BUF
	MOVQ scale_base+8(FP), SCALES
	MOVQ scale_len+16(FP), PARAMS_LEFT
	MOVQ zero_base+32(FP), ZEROS
	MOVL qmin+56(FP), QMIN
	MOVL qmax+60(FP), QMAX
	XORL DONE, DONE
	CONSTANTS(QMIN, QMAX)
	BROADCAST(zeroFarthestWords, ZERO_FARTHEST) // SATURATE works on words
	SUBL $-128, QMIN
	VPBROADCASTD QMIN, OFFSET

next:
	SUBQ $64, PARAMS_LEFT
	JB   done
	KXORW  K4, K4, K4
	PREPARE_COLUMNS(0)
	PREPARE_COLUMNS(64)
	PREPARE_COLUMNS(128)
	PREPARE_COLUMNS(192)
	KTESTW K4, K4
	JNE    done
	ADDQ $256, SCALES
	ADDQ $256, ZEROS
	ADDQ $1024, BUF
	ADDQ $64, DONE
	JMP  next

done:
	MOVQ DONE, ret+64(FP)
	VZEROUPPER
	RET

// ROW_OF_CODES makes the codes of 64 columns of a row, and goes on to the next row. It fetches the
// elements that are FETCHED bytes farther. A fetch never faults.
#define ROW_OF_CODES(STORE) \
	VMOVUPS 0(SRC), Z0                    \
	VMOVUPS 64(SRC), Z1                   \
	VMOVUPS 128(SRC), Z2                  \
	VMOVUPS 192(SRC), Z3                  \
	PREFETCHT0 0(SRC)(FETCHED*1)          \
	PREFETCHT0 64(SRC)(FETCHED*1)         \
	PREFETCHT0 128(SRC)(FETCHED*1)        \
	PREFETCHT0 192(SRC)(FETCHED*1)        \
	SATURATE_WITH(Z0, Z8, Z12, Z16, Z4)   \
	SATURATE_WITH(Z1, Z9, Z13, Z17, Z5)   \
	SATURATE_WITH(Z2, Z10, Z14, Z18, Z6)  \
	SATURATE_WITH(Z3, Z11, Z15, Z19, Z7)  \
	VPACKSSDW Z5, Z4, Z4                  \
	VPACKSSDW Z7, Z6, Z6                  \
	VPADDSW   Z20, Z4, Z4                 \
	VPADDSW   Z21, Z6, Z6                 \
	VPACKSSWB Z6, Z4, Z4                  \
	VPERMD    Z4, ORDER, Z4               \
	VPADDB    BACK, Z4, Z4                \
	STORE     Z4, (DST)                   \
	ADDQ STRIDE, SRC                      \
	ADDQ DST_STRIDE, DST                  \
	DECQ ROWS_LEFT

//	for r := range rows {
//		for j, x := range src[r*stride:][:cols] { // s and z are in buf
//			dst[r*stride+j] = uint8(code(x, s, float32(qmin-z), float32(qmax-z)) + z)
//		}
//	}
//
// func quantizeInt8WideAVX512(dst *uint8, src *float32, rows, stride, cols int, buf *float32, qmin int32, ahead int, stream bool)
//
// It takes 64 columns at a time down the rows; cols is a multiple of 64. buf holds
// their parameters as prepareWideAVX512 leaves them, from which s and z are known.
// Codes are moved and bounded as in quantizeInt8RunsAVX512. The elements that are ahead
// bytes farther are fetched while these are done. Stores go past the caches only where
// rows are whole lines of a cache. Z8 to Z11 hold scales, Z12 to Z15 reciprocals, Z16
// to Z19 upper bounds, Z20 and Z21 zero points in words.
//
// Named above: STRIDE, BUF, ROWS_LEFT, STREAM.
#define DST_COLUMNS BX  // the columns in the first row of dst
#define SRC_COLUMNS DX  // the columns in the first row of src
#undef DST_STRIDE
#define DST_STRIDE  R13 // bytes from row to row of dst
#define COLUMNS     R11 // columns left
#define FETCHED     R9  // bytes from an element to the one that is fetched
#undef ORDER
#define ORDER       Z28 // packOrderTwice
#undef BACK
#define BACK        Z29 // qmin + 128, in bytes
#undef BACK_X
#define BACK_X      X29 // its lowest quarter
#undef BACK_Y
#define BACK_Y      Y29 // its lower half
TEXT ·quantizeInt8WideAVX512(SB), NOSPLIT, $0-65
	MOVQ dst+0(FP), DST_COLUMNS
	MOVQ src+8(FP), SRC_COLUMNS
	MOVQ stride+24(FP), DST_STRIDE
	MOVQ cols+32(FP), COLUMNS
	MOVQ buf+40(FP), BUF
	MOVQ ahead+56(FP), FETCHED
	MOVBQZX stream+64(FP), STREAM
	LEAQ (DST_STRIDE*4), STRIDE
	MOVQ DST_COLUMNS, AX // past the caches if all rows are whole lines of a cache
	ORQ  DST_STRIDE, AX
	ANDQ $63, AX
	JZ   2(PC)
	XORL STREAM, STREAM
	VMOVDQU32 packOrderTwice<>(SB), ORDER
	MOVL    qmin+48(FP), AX
	SUBL    $-128, AX
	VPBROADCASTB AX, BACK

columns:
	VMOVUPS 0(BUF), Z8
	VMOVUPS 64(BUF), Z9
	VMOVUPS 128(BUF), Z10
	VMOVUPS 192(BUF), Z11
	VMOVUPS 256(BUF), Z12
	VMOVUPS 320(BUF), Z13
	VMOVUPS 384(BUF), Z14
	VMOVUPS 448(BUF), Z15
	VMOVUPS 512(BUF), Z16
	VMOVUPS 576(BUF), Z17
	VMOVUPS 640(BUF), Z18
	VMOVUPS 704(BUF), Z19
	VMOVDQU32 768(BUF), Z20
	VMOVDQU32 896(BUF), Z21
	VPACKSSDW 832(BUF), Z20, Z20
	VPACKSSDW 960(BUF), Z21, Z21
	MOVQ rows+16(FP), ROWS_LEFT
	MOVQ DST_COLUMNS, DST
	MOVQ SRC_COLUMNS, SRC

	TESTQ STREAM, STREAM
	JNE   streamloop

loop:
	ROW_OF_CODES(VMOVDQU64)
	JNZ loop
	JMP nextcolumns

streamloop:
	ROW_OF_CODES(VMOVNTDQ)
	JNZ streamloop

nextcolumns:
	ADDQ $1024, BUF
	ADDQ $64, DST_COLUMNS
	ADDQ $256, SRC_COLUMNS
	SUBQ $64, COLUMNS
	JNZ  columns
	VZEROUPPER
	RET

// DIVIDE_COLUMNS leaves the codes of the 64 columns from COLUMN on in Z0. It
// divides, and saturates as SATURATE does: a quotient too small for an integer,
// and NaN, gives the least integer; LIMIT bounds those that are too large. Zero
// points are at most 32000 in magnitude. It fetches the elements of the same row 512 columns on.
#define DIVIDE_COLUMNS \
	PREFETCHT0 2048(SRC)                     \
	PREFETCHT0 2112(SRC)                     \
	PREFETCHT0 2176(SRC)                     \
	PREFETCHT0 2240(SRC)                     \
	VMOVUPS 0(SRC), Z0                       \
	VMOVUPS 64(SRC), Z1                      \
	VMOVUPS 128(SRC), Z2                     \
	VMOVUPS 192(SRC), Z3                     \
	VDIVPS  0(SCALES)(COLUMN*4), Z0, Z0      \
	VDIVPS  64(SCALES)(COLUMN*4), Z1, Z1     \
	VDIVPS  128(SCALES)(COLUMN*4), Z2, Z2    \
	VDIVPS  192(SCALES)(COLUMN*4), Z3, Z3    \
	VMOVDQU32 0(ZEROS)(COLUMN*4), Z8         \
	VMOVDQU32 128(ZEROS)(COLUMN*4), Z10      \
	VMINPS  Z0, LIMIT, Z0                    \
	VMINPS  Z1, LIMIT, Z1                    \
	VMINPS  Z2, LIMIT, Z2                    \
	VMINPS  Z3, LIMIT, Z3                    \
	VCVTPS2DQ Z0, Z0                         \
	VCVTPS2DQ Z1, Z1                         \
	VCVTPS2DQ Z2, Z2                         \
	VCVTPS2DQ Z3, Z3                         \
	VPACKSSDW 64(ZEROS)(COLUMN*4), Z8, Z8    \
	VPACKSSDW 192(ZEROS)(COLUMN*4), Z10, Z10 \
	VPACKSSDW Z1, Z0, Z0                     \
	VPACKSSDW Z3, Z2, Z2                     \
	VPSUBW    OFFSET, Z8, Z8                 \
	VPSUBW    OFFSET, Z10, Z10               \
	VPADDSW   Z8, Z0, Z0                     \
	VPADDSW   Z10, Z2, Z2                    \
	VPACKSSWB Z2, Z0, Z0                     \
	VPERMD    Z0, ORDER, Z0                  \
	VPMAXSB   BYTES_MIN, Z0, Z0              \
	VPMINSB   BYTES_MAX, Z0, Z0              \
	VPXORD    FLIP, Z0, Z0

//	for r := range rows {
//		for j, s := range scale[:cols] {
//			x, z := src[r*stride+j], zero[j]
//			dst[r*stride+j] = uint8(code(x, s, float32(qmin-z), float32(qmax-z)) + z)
//		}
//	}
//
// func quantizeInt8RowsAVX512(dst *uint8, src *float32, rows, stride, cols int, scale *float32, zero *int32, qmin, qmax int32, stream bool)
//
// It goes row by row, in the order of memory, for tensors that the caches do not
// hold, and scales that quantizeInt8WideAVX512 does not serve. cols is a
// multiple of 64, and no zero point is beyond 32000 in magnitude. Stores go past the
// caches only where rows are whole lines of a cache.
//
// Named above: ROWS_LEFT, COLUMNS, COLUMN, STREAM.
#define GAP       R8  // elements from the end of the columns to the next row
#define BYTES_MAX Z14 // qmax, in bytes, moved down for an unsigned grid
#define BYTES_MIN Z15 // qmin, likewise
#define LIMIT     Z19 // above all quotients that give a code
#define FLIP      Z21 // sign bits of bytes for an unsigned grid, else 0
#define FLIP_X    X21 // its lowest quarter
#define FLIP_Y    Y21 // its lower half
#undef OFFSET
#define OFFSET    Z22 // 128 for an unsigned grid, else 0, in words
#undef ORDER
#define ORDER     Z23 // packOrderTwice
TEXT ·quantizeInt8RowsAVX512(SB), NOSPLIT, $0-65
	MOVQ dst+0(FP), DST
	MOVQ src+8(FP), SRC
	MOVQ rows+16(FP), ROWS_LEFT
	MOVQ stride+24(FP), GAP
	MOVQ cols+32(FP), COLUMNS
	MOVQ scale+40(FP), SCALES
	MOVQ zero+48(FP), ZEROS
	MOVL qmin+56(FP), BX
	MOVL qmax+60(FP), DX
	MOVBQZX stream+64(FP), STREAM
	BROADCAST(quotientLimit30, LIMIT) // 2^30
	VMOVDQU32 packOrderTwice<>(SB), ORDER
	VPXORD FLIP, FLIP, FLIP
	VPXORD OFFSET, OFFSET, OFFSET
	CMPL   DX, $127
	JLE    signed
	BROADCAST(signBytes, FLIP)
	BROADCAST((signCode8<<16 | signCode8), OFFSET)
	SUBL   $128, BX
	SUBL   $128, DX

signed:
	VPBROADCASTB BX, BYTES_MIN
	VPBROADCASTB DX, BYTES_MAX
	MOVQ DST, AX // past the caches if all rows are whole lines of a cache
	ORQ  GAP, AX
	ANDQ $63, AX
	JZ   2(PC)
	XORL STREAM, STREAM
	SUBQ COLUMNS, GAP // elements from the end of the columns to the next row

row:
	XORL COLUMN, COLUMN
	TESTQ STREAM, STREAM
	JNE  stream

loop:
	DIVIDE_COLUMNS
	VMOVDQU64 Z0, (DST)
	ADDQ $256, SRC
	ADDQ $64, DST
	ADDQ $64, COLUMN
	CMPQ COLUMN, COLUMNS
	JB   loop

next:
	LEAQ (SRC)(GAP*4), SRC
	ADDQ GAP, DST
	DECQ ROWS_LEFT
	JNZ  row
	VZEROUPPER
	RET

stream:
	DIVIDE_COLUMNS
	VMOVNTDQ Z0, (DST)
	ADDQ $256, SRC
	ADDQ $64, DST
	ADDQ $64, COLUMN
	CMPQ COLUMN, COLUMNS
	JB   stream
	JMP  next
