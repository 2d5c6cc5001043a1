//go:build !purego

// Quantizing to codes of up to 16 bits with AVX-512.

#include "textflag.h"
#include "kernels_avx512_amd64.h"

//	for j, x := range src {
//		s, z := scale[j/run], zero[j/run]
//		dst[j] = uint16(code(x, s, float32(qmin-z), float32(qmax-z)) + z)
//	}
//
// func quantizeInt16RunsAVX512(dst []uint16, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool)
//
// While codes are stored past the caches, elements are fetched fetchedBytes ahead, as in
// quantizeInt8RunsAVX512.
#define INDEX   R12 // which of the 16 prepared runs
#define DIVIDES R13 // set if QUOTIENT does not serve one of the 16 runs
#define STREAM  R14 // set to store past the caches
#define OFFSET  Z24 // 0: the grid is not moved
TEXT ·quantizeInt16RunsAVX512(SB), NOSPLIT, $320-113
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
	CONSTANTS(BX, CX)
	VPXORD  OFFSET, OFFSET, OFFSET

params:
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
	INCQ    INDEX
	TESTB   DIVIDES, DIVIDES
	JNE     divide
	SUBQ    $16, N
	JB      tail
	TESTQ   STREAM, STREAM
	JNE     toaligned

loop:
	VMOVUPS   (SRC), Z0
	QUOTIENT(Z0, Z4)
	CODE(Z4)
	VPMOVDW   Z4, Y4
	VMOVDQU   Y4, (DST)
	ADDQ $64, SRC
	ADDQ $32, DST
	SUBQ $16, N
	JAE  loop

tail:
	ADDQ $16, N
	JZ   nextrun
	MASK(N, K1)
	VMOVUPS.Z (SRC), K1, Z0
	QUOTIENT(Z0, Z4)
	CODE(Z4)
	VPMOVDW   Z4, Y4
	VMOVDQU16 Y4, K1, (DST)
	LEAQ (SRC)(N*4), SRC
	LEAQ (DST)(N*2), DST
	JMP  nextrun

toaligned: // up to an aligned destination, for stores past the caches
	CMPQ N, $256
	JB   loop
	MOVQ DST, BX
	NEGQ BX
	ANDQ $31, BX
	JZ   stream // an empty masked store would bring the line into the caches
	SHRQ $1, BX
	MASK(BX, K1)
	VMOVUPS.Z (SRC), K1, Z0
	QUOTIENT(Z0, Z4)
	CODE(Z4)
	VPMOVDW   Z4, Y4
	VMOVDQU16 Y4, K1, (DST)
	LEAQ (SRC)(BX*4), SRC
	LEAQ (DST)(BX*2), DST
	SUBQ BX, N

stream:
	PREFETCHT0 fetchedBytes(SRC)
	VMOVUPS   (SRC), Z0
	QUOTIENT(Z0, Z4)
	CODE(Z4)
	VPMOVDW   Z4, Y4
	VMOVNTDQ  Y4, (DST)
	ADDQ $64, SRC
	ADDQ $32, DST
	SUBQ $16, N
	JAE  stream
	JMP  tail

divide:
	SUBQ $16, N
	JB   dividetail

divideloop:
	VMOVUPS   (SRC), Z0
	DIVIDE(Z0, Z4)
	CODE(Z4)
	VPMOVDW   Z4, Y4
	VMOVDQU   Y4, (DST)
	ADDQ $64, SRC
	ADDQ $32, DST
	SUBQ $16, N
	JAE  divideloop

dividetail:
	ADDQ $16, N
	JZ   nextrun
	MASK(N, K1)
	VMOVUPS.Z (SRC), K1, Z0
	DIVIDE(Z0, Z4)
	CODE(Z4)
	VPMOVDW   Z4, Y4
	VMOVDQU16 Y4, K1, (DST)
	LEAQ (SRC)(N*4), SRC
	LEAQ (DST)(N*2), DST
	JMP  nextrun

done:
	VZEROUPPER
	RET

//	n := len(scale)
//	for i, x := range src[:rows*n] {
//		s, z := scale[i%n], zero[i%n]
//		dst[i] = uint16(code(x, s, float32(qmin-z), float32(qmax-z)) + z)
//	}
//
// func quantizeInt16ColumnsAVX512(dst *uint16, src *float32, rows int, scale []float32, zero []int32, qmin, qmax int32)
//
// It takes up to 16 columns at a time down the rows, with the parameters in
// registers. K1 masks the columns.
#define COLUMN     R13 // columns done
#define QMIN       R14 // qmin
#define QMAX       R15 // qmax
#define STRIDE     R8  // bytes from row to row of src
#define DST_STRIDE R12 // bytes from row to row of dst
#define ROWS_LEFT  CX  // rows left
TEXT ·quantizeInt16ColumnsAVX512(SB), NOSPLIT, $0-80
	MOVQ scale_base+24(FP), SCALES
	MOVQ scale_len+32(FP), PARAMS_LEFT
	MOVQ zero_base+48(FP), ZEROS
	MOVL qmin+72(FP), QMIN
	MOVL qmax+76(FP), QMAX
	CONSTANTS(QMIN, QMAX)
	LEAQ (PARAMS_LEFT*2), DST_STRIDE
	LEAQ (PARAMS_LEFT*4), STRIDE
	XORL COLUMN, COLUMN

columns:
	TESTQ PARAMS_LEFT, PARAMS_LEFT
	JZ    done
	NEXT_PARAMS
	PREPARE
	MOVQ dst+0(FP), DST
	LEAQ (DST)(COLUMN*2), DST
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

loop:
	VMOVUPS.Z (SRC), K1, Z0
	QUOTIENT(Z0, Z4)
	CODE(Z4)
	VPMOVDW   Z4, Y4
	VMOVDQU16 Y4, K1, (DST)
	ADDQ STRIDE, SRC
	ADDQ DST_STRIDE, DST
	DECQ ROWS_LEFT
	JNZ  loop
	JMP  columns

divide:
	VMOVUPS.Z (SRC), K1, Z0
	DIVIDE(Z0, Z4)
	CODE(Z4)
	VPMOVDW   Z4, Y4
	VMOVDQU16 Y4, K1, (DST)
	ADDQ STRIDE, SRC
	ADDQ DST_STRIDE, DST
	DECQ ROWS_LEFT
	JNZ  divide
	JMP  columns

done:
	VZEROUPPER
	RET
