//go:build !purego

// Sums of errors with AVX2 where no code has to be clamped.

#include "textflag.h"
#include "kernels_avx2_amd64.h"

// TO_RING stores |e| of the 8 elements off bytes from SRC on at off in the ring.
#define TO_RING(off) \
	VMOVUPS off(SRC), Y0                                         \
	DEVIATE_INSIDE(RUN_SCALE, RUN_RECIP, RECIP_LOW, Y0, Y1, MAX) \
	VMOVUPS Y1, (96+off)(FRAME)

// FROM_RING adds what TO_RING stored at off to the lanes a and b, and its square to c and d.
#define FROM_RING(off, a, b, c, d) ADD_STORED((96+off)(FRAME), (112+off)(FRAME), a, b, c, d)

// ADD_INSIDE adds the errors of the elements in Y0 to the lanes a and b, and their squares to c
// and d.
#define ADD_INSIDE(a, b, c, d) \
	DEVIATE_INSIDE(RUN_SCALE, RUN_RECIP, RECIP_LOW, Y0, Y1, MAX) \
	ADD_DEVIATIONS(Y1, X1, a, b, c, d)

//	for i := range acc { // abs, e2 and greatest begin at 0 for each run
//		for j, x := range src[i*run : min((i+1)*run, len(src))] {
//			d, _ := deviation(x, scale[i], float32(qmin-zero[i]), float32(qmax-zero[i]))
//			abs[j%lanes] += float64(d)
//			e2[j%lanes] += float64(d) * float64(d)
//			greatest = max(greatest, d)
//		}
//		acc[i] = sums{fold(&abs), fold(&e2), greatest, 0}
//	}
//
// func errorsInsideRunsAVX2(acc []sums, src []float32, run int, scale []float32, zero []int32) int
//
// No element has a code outside of a grid of up to 8 bits, whatever that grid is. It returns how
// many runs it did: all, or a multiple of 8 if it does not serve a scale among the next 8. Y8 to
// Y11 hold the lanes of sum |e|, Y12 to Y15 those of sum e². The frame holds scales at 0,
// reciprocals at 32, their second parts at 64, and a ring of four vectors of |e| at 96: each is
// added one turn after it was stored.
#define ACC       DI  // where the next sums go
#define DONE      R13 // runs done
#define INDEX     R12 // which of the 8 prepared runs
#define FRAME     BX  // start of the frame, a multiple of 32
#define LENGTH    R14 // elements of the run
#define RUN_SCALE Y7  // scale of the run
#define RUN_RECIP Y6  // reciprocal of the scale of the run
#define RECIP_LOW Y4  // second part of the reciprocal
#define MAX       Y5  // bits of the greatest |e|
#define MAX_X     X5  // its lower half
TEXT ·errorsInsideRunsAVX2(SB), NOSPLIT, $256-112
	MOVQ acc_base+0(FP), ACC
	MOVQ src_base+24(FP), SRC
	MOVQ src_len+32(FP), LEFT
	MOVQ run+48(FP), RUN
	MOVQ scale_base+56(FP), SCALES
	MOVQ scale_len+64(FP), PARAMS_LEFT
	MOVQ zero_base+80(FP), ZEROS
	XORL DONE, DONE
	LEAQ 31(SP), FRAME
	ANDQ $~31, FRAME

params: // the parameters of the next 8 runs
	NEXT_PARAMS
	SERVED_IN_TWO_PARTS(SCALE, ZERO, Y2, Y3)
	VMOVMSKPS Y2, AX
	CMPL    AX, $0xff
	JNE     done
	TWO_PARTS(SCALE, RECIP, Y0)
	VMOVUPS SCALE, 0(FRAME)
	VMOVUPS RECIP, 32(FRAME)
	VMOVUPS Y0, 64(FRAME)
	XORL    INDEX, INDEX

nextrun:
	MOVQ    RUN, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	MOVQ    N, LENGTH
	VBROADCASTSS 0(FRAME)(INDEX*4), RUN_SCALE
	VBROADCASTSS 32(FRAME)(INDEX*4), RUN_RECIP
	VBROADCASTSS 64(FRAME)(INDEX*4), RECIP_LOW
	VPXOR  MAX, MAX, MAX
	VPXOR  SCALE, SCALE, SCALE
	VPXOR  RECIP, RECIP, RECIP
	VPXOR  LOWER, LOWER, LOWER
	VPXOR  UPPER, UPPER, UPPER
	VPXOR  ZERO, ZERO, ZERO
	VPXOR  Y13, Y13, Y13
	VPXOR  Y14, Y14, Y14
	VPXOR  Y15, Y15, Y15
	SUBQ   $32, N
	JB     rest

	TO_RING(0)
	TO_RING(32)
	TO_RING(64)
	TO_RING(96)
	JMP next

loop:
	FROM_RING(0, SCALE, RECIP, ZERO, Y13)
	TO_RING(0)
	FROM_RING(32, LOWER, UPPER, Y14, Y15)
	TO_RING(32)
	FROM_RING(64, SCALE, RECIP, ZERO, Y13)
	TO_RING(64)
	FROM_RING(96, LOWER, UPPER, Y14, Y15)
	TO_RING(96)

next:
	ADDQ $128, SRC
	SUBQ $32, N
	JAE  loop

	FROM_RING(0, SCALE, RECIP, ZERO, Y13)
	FROM_RING(32, LOWER, UPPER, Y14, Y15)
	FROM_RING(64, SCALE, RECIP, ZERO, Y13)
	FROM_RING(96, LOWER, UPPER, Y14, Y15)

rest: // N + 32 elements, fewer than 32
	ADDQ $16, N
	JL   tail
	VMOVUPS 0(SRC), Y0
	ADD_INSIDE(SCALE, RECIP, ZERO, Y13)
	VMOVUPS 32(SRC), Y0
	ADD_INSIDE(LOWER, UPPER, Y14, Y15)
	ADDQ $64, SRC
	SUBQ $16, N

tail: // N + 16 elements, fewer than 16
	ADDQ $8, N
	JL   tail8 // fewer than 8
	VMOVUPS 0(SRC), Y0
	ADD_INSIDE(SCALE, RECIP, ZERO, Y13)
	ADDQ $32, SRC
	TESTQ N, N
	JZ   fold
	LOAD_TAIL(Y0, Y3)
	ADD_INSIDE(LOWER, UPPER, Y14, Y15) // 0 has no error
	JMP  fold

tail8:
	ADDQ $8, N
	JZ   fold
	CMPQ LENGTH, $8
	JB   tinyrun
	LOAD_TAIL(Y0, Y3)

masked: // N elements in Y0
	ADD_INSIDE(SCALE, RECIP, ZERO, Y13)

fold:
	FOLD_TO_2(SCALE, RECIP, LOWER, UPPER, SCALE_X, X0)
	FOLD_TO_2(ZERO, Y13, Y14, Y15, ZERO_X, X1)
	VHADDPD ZERO_X, SCALE_X, SCALE_X
	VMOVUPD SCALE_X, 0(ACC)
	REDUCE(VPMAXUD, MAX, MAX_X, X0)
	VMOVD   MAX_X, 16(ACC)
	MOVL    $0, 20(ACC)
	ADDQ    $24, ACC
	INCQ    DONE
	INCQ    INDEX
	TESTQ   LEFT, LEFT
	JZ      done
	CMPQ    INDEX, $8
	JNE     nextrun
	JMP     params

tinyrun: // a run of fewer than 8 elements
	LOAD_1_TO_7(SRC, N, Y0, X0, Y1, X1, under4, loaded)
	LEAQ (SRC)(N*4), SRC
	JMP  masked

done:
	MOVQ DONE, ret+104(FP)
	VZEROUPPER
	RET
