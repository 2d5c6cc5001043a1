//go:build !purego

// Sums of errors with AVX2.

#include "textflag.h"
#include "kernels_avx2_amd64.h"

// EDGE sets t to the last x whose quotient rounds to bound or farther in, see
// "Edges of a grid" in kernels.go. out is the comparison that finds a quotient
// outside. What is still outside after the last step is added to the mask in Y2.
// It uses Y3 to Y5.
#define EDGE_STEP(bound, out, t) \
	VDIVPS   SCALE, t, Y3       \
	VROUNDPS $8, Y3, Y3         \
	VCMPPS   out, bound, Y3, Y3 \
	VPAND    Y4, Y3, Y3         \
	VPSUBD   Y3, t, t

#define EDGE(bound, half, out, outward, t) \
	VBROADCASTSS half, Y3           \
	VADDPS       bound, Y3, Y3      \
	VMULPS       SCALE, Y3, t       \
	VPSRAD       $31, t, Y4         \
	VPBROADCASTD INTEGER_ONE, Y5    \
	VPOR         Y5, Y4, Y4         \
	outward                         \
	VPADDD       Y4, t, t           \
	VPADDD       Y4, t, t           \
	EDGE_STEP(bound, out, t)        \
	EDGE_STEP(bound, out, t)        \
	EDGE_STEP(bound, out, t)        \
	EDGE_STEP(bound, out, t)        \
	EDGE_STEP(bound, out, t)        \
	EDGE_STEP(bound, out, t)        \
	VDIVPS       SCALE, t, Y3       \
	VROUNDPS     $8, Y3, Y3         \
	VCMPPS       out, bound, Y3, Y3 \
	VPOR         Y3, Y2, Y2

// UPWARD and DOWNWARD are the directions of EDGE. Toward +Inf adds 1 to the bits
// of a positive value and takes 1 off those of a negative one; toward -Inf the
// other way round.
#define UPWARD
#define DOWNWARD \
	VPXOR  Y5, Y5, Y5 \
	VPSUBD Y4, Y5, Y4

// EDGES prepares the scales in SCALE and the zero points in ZERO: reciprocals in
// RECIP and edges in LOWER and UPPER. The zero flag is clear if the kernel does
// not serve one of them.
#define EDGES(qmin, qmax) \
	PREPARE(qmin, qmax, ZERO_FARTHEST)        \
	EDGE(Y0, MINUS_HALF, $1, DOWNWARD, LOWER) \
	EDGE(Y1, HALF, $14, UPWARD, UPPER)        \
	VPTEST Y2, Y2

// DEVIATE sets e to |e| of the elements x, and m to a mask of those that were
// clamped to lo or hi, s being the scale and y its reciprocal.
#define DEVIATE(s, y, lo, hi, x, t, e, m) \
	VMAXPS       lo, x, t    \
	VMINPS       hi, t, t    \
	VCMPPS       $4, x, t, m \
	VMULPS       y, t, e     \
	VFNMADD231PS s, e, t     \
	VFMADD231PS  y, t, e     \
	VROUNDPS     $8, e, e    \
	VMULPS       s, e, e     \
	VSUBPS       x, e, e     \
	VANDPS       magnitude<>(SB), e, e

DATA magnitude<>+0(SB)/8, $0x7fffffff7fffffff
DATA magnitude<>+8(SB)/8, $0x7fffffff7fffffff
DATA magnitude<>+16(SB)/8, $0x7fffffff7fffffff
DATA magnitude<>+24(SB)/8, $0x7fffffff7fffffff
GLOBL magnitude<>(SB), RODATA|NOPTR, $32

// ADD_ERRORS adds |e| in Y2 to the lanes a and b and its square to c and d. It
// raises max to |e|, and counts what the mask in Y3 says was clamped.
#define ADD_ERRORS(max, clipped, a, b, c, d) \
	VPSUBD       Y3, clipped, clipped \
	VPMAXUD      Y2, max, max         \
	VCVTPS2PD    X2, Y0               \
	VEXTRACTF128 $1, Y2, X1           \
	VCVTPS2PD    X1, Y1               \
	VADDPD       Y0, a, a             \
	VADDPD       Y1, b, b             \
	VFMADD231PD  Y0, Y0, c            \
	VFMADD231PD  Y1, Y1, d

// A core looks only so far ahead, and DEVIATE is a long chain. DEVIATE_BEGIN
// does half of it for the 8 elements at off, up to the quotient in Y2, and counts
// those that were clamped. DEVIATE_FINISH goes on from the rounded quotients of 8
// others in Y3, whose elements are at off, and adds. So a core has two chains to
// work on at once.
#define DEVIATE_BEGIN(off) \
	VMOVUPS      off(SRC), Y0          \
	VMAXPS       0(RUN_EDGES), Y0, Y1  \
	VMINPS       32(RUN_EDGES), Y1, Y1 \
	VCMPPS       $4, Y0, Y1, Y0        \
	VPSUBD       Y0, CLIPPED, CLIPPED  \
	VMULPS       RUN_RECIP, Y1, Y2     \
	VFNMADD231PS RUN_SCALE, Y2, Y1     \
	VFMADD231PS  RUN_RECIP, Y1, Y2

#define DEVIATE_FINISH(off, a, b, c, d) \
	VMULPS       RUN_SCALE, Y3, Y3       \
	VSUBPS       off(SRC), Y3, Y3        \
	VANDPS       magnitude<>(SB), Y3, Y3 \
	VPMAXUD      Y3, MAX, MAX            \
	VEXTRACTF128 $1, Y3, X1              \
	VCVTPS2PD    X3, Y3                  \
	VCVTPS2PD    X1, Y1                  \
	VADDPD       Y3, a, a                \
	VADDPD       Y1, b, b                \
	VFMADD231PD  Y3, Y3, c               \
	VFMADD231PD  Y1, Y1, d

//	for i := range acc { // abs, sq, greatest and clipped begin at 0 for each run
//		for j, x := range src[i*run : min((i+1)*run, len(src))] {
//			d, c := deviation(x, scale[i], float32(qmin-zero[i]), float32(qmax-zero[i]))
//			abs[j%lanes] += float64(d)
//			sq[j%lanes] += float64(d) * float64(d)
//			greatest, clipped = max(greatest, d), clipped+c
//		}
//		acc[i] = sums{fold(&abs), fold(&sq), greatest, clipped}
//	}
//
// func errorsRunsAVX2(acc []sums, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int
//
// It returns how many runs it did: all, or a multiple of 8 if it does not serve a
// scale among the next 8. Y8 to Y11 hold the lanes of sum |e|, Y12 to Y15 those of
// sum e². The frame holds scales at 0, reciprocals at 32, edges at 64 and 96, and
// from 128 on the edges of each run in all dwords, stored early enough for RUN_EDGES
// to read them without waiting.
#define ACC       DI  // where the next sums go
#define DONE      R13 // runs done
#define INDEX     R12 // which of the 8 prepared runs
#define FRAME     BX  // start of the frame, a multiple of 32
#define RUN_EDGES R15 // edges of the run, in the frame
#define LENGTH    R14 // elements of the run
#define RUN_SCALE Y7  // scale of the run
#define RUN_RECIP Y6  // reciprocal of the scale of the run
#define MAX       Y5  // bits of the greatest |e|
#define MAX_X     X5  // its lower half
#define CLIPPED   Y4  // count of clamped elements
#define CLIPPED_X X4  // its lower half
TEXT ·errorsRunsAVX2(SB), NOSPLIT, $672-120
	MOVQ acc_base+0(FP), ACC
	MOVQ src_base+24(FP), SRC
	MOVQ src_len+32(FP), LEFT
	MOVQ run+48(FP), RUN
	MOVQ scale_base+56(FP), SCALES
	MOVQ scale_len+64(FP), PARAMS_LEFT
	MOVQ zero_base+80(FP), ZEROS
	XORL DONE, DONE // runs done
	LEAQ 31(SP), FRAME
	ANDQ $~31, FRAME

params: // the parameters of the next 8 runs
	NEXT_PARAMS
	EDGES(qmin+104(FP), qmax+108(FP))
	JNE    done
	VMOVUPS SCALE, 0(FRAME)
	VMOVUPS RECIP, 32(FRAME)
	VMOVUPS LOWER, 64(FRAME)
	VMOVUPS UPPER, 96(FRAME)
	XORL   INDEX, INDEX
	LEAQ   128(FRAME), RUN_EDGES

edges: // the edges of each run, in all dwords
	VBROADCASTSS 64(FRAME)(INDEX*4), Y0
	VBROADCASTSS 96(FRAME)(INDEX*4), Y1
	VMOVUPS Y0, 0(RUN_EDGES)
	VMOVUPS Y1, 32(RUN_EDGES)
	ADDQ   $64, RUN_EDGES
	INCQ   INDEX
	CMPQ   INDEX, $8
	JB     edges
	XORL   INDEX, INDEX
	LEAQ   128(FRAME), RUN_EDGES

nextrun:
	MOVQ    RUN, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	MOVQ    N, LENGTH
	VBROADCASTSS 0(FRAME)(INDEX*4), RUN_SCALE
	VBROADCASTSS 32(FRAME)(INDEX*4), RUN_RECIP
	VPXOR  CLIPPED, CLIPPED, CLIPPED
	VPXOR  MAX, MAX, MAX
	VPXOR  SCALE, SCALE, SCALE
	VPXOR  RECIP, RECIP, RECIP
	VPXOR  LOWER, LOWER, LOWER
	VPXOR  UPPER, UPPER, UPPER
	VPXOR  ZERO, ZERO, ZERO
	VPXOR  Y13, Y13, Y13
	VPXOR  Y14, Y14, Y14
	VPXOR  Y15, Y15, Y15
	SUBQ   $16, N
	JB     tail

	DEVIATE_BEGIN(0)

loop:
	VROUNDPS $8, Y2, Y3
	DEVIATE_BEGIN(32)
	DEVIATE_FINISH(0, SCALE, RECIP, ZERO, Y13)
	VROUNDPS $8, Y2, Y3
	ADDQ $64, SRC
	SUBQ $16, N
	JB   last
	DEVIATE_BEGIN(0)
	DEVIATE_FINISH(-32, LOWER, UPPER, Y14, Y15)
	JMP  loop

last:
	DEVIATE_FINISH(-32, LOWER, UPPER, Y14, Y15)

tail: // N + 16 elements, fewer than 16
	ADDQ $8, N
	JL   tail8 // fewer than 8
	VMOVUPS 0(SRC), Y0
	DEVIATE(RUN_SCALE, RUN_RECIP, 0(RUN_EDGES), 32(RUN_EDGES), Y0, Y1, Y2, Y3)
	ADD_ERRORS(MAX, CLIPPED, SCALE, RECIP, ZERO, Y13)
	ADDQ $32, SRC
	TESTQ N, N
	JZ   fold
	LOAD_TAIL(Y0, Y3)
	DEVIATE(RUN_SCALE, RUN_RECIP, 0(RUN_EDGES), 32(RUN_EDGES), Y0, Y1, Y2, Y3)
	MASK(N, Y0)
	VPAND Y0, Y2, Y2
	VPAND Y0, Y3, Y3
	ADD_ERRORS(MAX, CLIPPED, LOWER, UPPER, Y14, Y15)
	JMP  fold

tail8:
	ADDQ $8, N
	JZ   fold
	CMPQ LENGTH, $8
	JB   tinyrun
	LOAD_TAIL(Y0, Y3)

masked: // N elements in Y0
	DEVIATE(RUN_SCALE, RUN_RECIP, 0(RUN_EDGES), 32(RUN_EDGES), Y0, Y1, Y2, Y3)
	MASK(N, Y0)
	VPAND Y0, Y2, Y2
	VPAND Y0, Y3, Y3
	ADD_ERRORS(MAX, CLIPPED, SCALE, RECIP, ZERO, Y13)

fold:
	FOLD_TO_2(SCALE, RECIP, LOWER, UPPER, SCALE_X, X0)
	FOLD_TO_2(ZERO, Y13, Y14, Y15, ZERO_X, X1)
	VHADDPD ZERO_X, SCALE_X, SCALE_X
	VMOVUPD SCALE_X, 0(ACC)
	REDUCE(VPMAXUD, MAX, MAX_X, X0)
	REDUCE(VPADDD, CLIPPED, CLIPPED_X, X1)
	VMOVD   MAX_X, 16(ACC)
	VMOVD   CLIPPED_X, 20(ACC)
	ADDQ    $24, ACC
	INCQ    DONE
	INCQ    INDEX
	ADDQ    $64, RUN_EDGES
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
	MOVQ DONE, ret+112(FP)
	VZEROUPPER
	RET

//	for r := range rows {
//		for j, x := range src[r*stride:][:len(scale)] {
//			d, c := deviation(x, scale[j], float32(qmin-zero[j]), float32(qmax-zero[j]))
//			abs[j] += float64(d)
//			sq[j] += float64(d) * float64(d)
//			max[j] = max(max[j], d)
//			clipped[j] += c
//		}
//	}
//
// func errorsColumnsAVX2(abs, sq *float64, max *float32, clipped *uint32, src *float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32) int
//
// It takes 8 columns at a time, of at least 8, and returns how many it did: all, or
// a multiple of 8 if it does not serve a scale among the next 8. The last 8 may
// overlap those before, and then only the others are stored. Y12 and Y13 hold
// sum |e|, Y14 and Y15 sum e².
//
// Named above: DONE, MAX, CLIPPED.
#define ABS       DI  // abs
#define SQ        DX  // sq
#define MAXS      R14 // max
#define CLIPPEDS  R15 // clipped
#define COLUMNS   R11 // columns
#define FIRST     R12 // first column of the 8
#define NEW       BX  // columns left, from DONE on
#define STRIDE    R8  // bytes from row to row
#define ROWS_LEFT CX  // rows left
TEXT ·errorsColumnsAVX2(SB), NOSPLIT, $0-120
	MOVQ scale_base+56(FP), SCALES
	MOVQ scale_len+64(FP), COLUMNS
	MOVQ zero_base+80(FP), ZEROS
	MOVQ stride+48(FP), STRIDE
	SHLQ $2, STRIDE
	MOVQ abs+0(FP), ABS
	MOVQ sq+8(FP), SQ
	XORL DONE, DONE // columns done

columns: // the 8 from FIRST on, NEW of which are new
	MOVQ COLUMNS, NEW
	SUBQ DONE, NEW
	JZ   done
	LEAQ -8(COLUMNS), FIRST
	CMPQ DONE, FIRST
	CMOVQLT DONE, FIRST
	VMOVUPS (SCALES)(FIRST*4), SCALE
	VMOVDQU (ZEROS)(FIRST*4), ZERO
	EDGES(qmin+104(FP), qmax+108(FP))
	JNE  done
	MOVQ max+16(FP), MAXS
	MOVQ clipped+24(FP), CLIPPEDS
	VMOVUPD 0(ABS)(FIRST*8), ZERO
	VMOVUPD 32(ABS)(FIRST*8), Y13
	VMOVUPD 0(SQ)(FIRST*8), Y14
	VMOVUPD 32(SQ)(FIRST*8), Y15
	VMOVDQU (MAXS)(FIRST*4), MAX
	VMOVDQU (CLIPPEDS)(FIRST*4), CLIPPED
	MOVQ src+32(FP), SRC
	LEAQ (SRC)(FIRST*4), SRC
	MOVQ rows+40(FP), ROWS_LEFT

loop: // down the rows
	VMOVUPS (SRC), Y0
	DEVIATE(SCALE, RECIP, LOWER, UPPER, Y0, Y1, Y2, Y3)
	ADD_ERRORS(MAX, CLIPPED, ZERO, Y13, Y14, Y15)
	ADDQ STRIDE, SRC
	DECQ ROWS_LEFT
	JNZ  loop
	CMPQ NEW, $8
	JB   last
	VMOVUPD ZERO, 0(ABS)(FIRST*8)
	VMOVUPD Y13, 32(ABS)(FIRST*8)
	VMOVUPD Y14, 0(SQ)(FIRST*8)
	VMOVUPD Y15, 32(SQ)(FIRST*8)
	VMOVDQU MAX, (MAXS)(FIRST*4)
	VMOVDQU CLIPPED, (CLIPPEDS)(FIRST*4)
	ADDQ $8, DONE
	JMP  columns

last:
	MASK_LAST(NEW, Y6)
	MASK_QUADS(Y6, X6, Y0, Y1, X1)
	VMASKMOVPD ZERO, Y0, 0(ABS)(FIRST*8)
	VMASKMOVPD Y13, Y1, 32(ABS)(FIRST*8)
	VMASKMOVPD Y14, Y0, 0(SQ)(FIRST*8)
	VMASKMOVPD Y15, Y1, 32(SQ)(FIRST*8)
	VPMASKMOVD MAX, Y6, (MAXS)(FIRST*4)
	VPMASKMOVD CLIPPED, Y6, (CLIPPEDS)(FIRST*4)
	MOVQ COLUMNS, DONE

done:
	MOVQ DONE, ret+112(FP)
	VZEROUPPER
	RET
