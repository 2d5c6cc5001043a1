//go:build !purego

// Sums of errors of two schemes with AVX-512 where no code has to be clamped.

#include "textflag.h"
#include "kernels_avx512_amd64.h"

// DEVIATE_ONE sets e to |e| of the elements x under one of the schemes, and max to the greatest
// so far.
#define DEVIATE_ONE(x, scale, recip, low, e, max) \
	VMULPS      low, x, e       \
	VFMADD231PS recip, x, e     \
	VRNDSCALEPS $8, e, e        \
	VMULPS      scale, e, e     \
	VSUBPS      x, e, e         \
	VPANDD      MAGNITUDE, e, e \
	VPMAXUD     e, max, max

// ADD_ONE adds |e| in the vector e, ye being its lower half, to the sums of one of the schemes.
#define ADD_ONE(e, ye, y, low, high, absLow, absHigh, sqLow, sqHigh) \
	VEXTRACTF64X4 $1, e, y             \
	VCVTPS2PD     ye, low              \
	VCVTPS2PD     y, high              \
	VADDPD        low, absLow, absLow  \
	VADDPD        high, absHigh, absHigh \
	VFMADD231PD   low, low, sqLow      \
	VFMADD231PD   high, high, sqHigh

// ERRORS_OF adds the errors of the elements in Z0 under both schemes.
#define ERRORS_OF \
	DEVIATE_ONE(Z0, SCALE, RECIP, RECIP_LOW, Z1, MAX)       \
	DEVIATE_ONE(Z0, SCALE_2, RECIP_2, RECIP_LOW_2, Z2, MAX_2) \
	ADD_ONE(Z1, Y1, Y3, Z4, Z5, ABS_LOW, ABS_HIGH, SQ_LOW, SQ_HIGH) \
	ADD_ONE(Z2, Y2, Y6, Z7, Z8, ABS_LOW_2, ABS_HIGH_2, SQ_LOW_2, SQ_HIGH_2)

// RING_TURN adds the |e| of one of the schemes that the ring holds at ring, and puts those of the
// elements in Z0 in their place. One chain of operations waits while the other goes on. A
// conversion to binary64 takes its upper half from memory without a shuffle.
#define RING_TURN(ring, scale, recip, low, e, max, a, b, absLow, absHigh, sqLow, sqHigh) \
	VCVTPS2PD   ring(RING), a         \
	VMULPS      low, Z0, e            \
	VCVTPS2PD   (ring+32)(RING), b    \
	VFMADD231PS recip, Z0, e          \
	VADDPD      a, absLow, absLow     \
	VRNDSCALEPS $8, e, e              \
	VADDPD      b, absHigh, absHigh   \
	VMULPS      scale, e, e           \
	VFMADD231PD a, a, sqLow           \
	VSUBPS      Z0, e, e              \
	VFMADD231PD b, b, sqHigh          \
	VPANDD      MAGNITUDE, e, e       \
	VPMAXUD     e, max, max           \
	VMOVUPS     e, ring(RING)

// RING_STEP is RING_TURN for both schemes. Errors of the first are at twice off in the ring, those
// of the second behind them.
#define RING_STEP(off) \
	RING_TURN((2*off), SCALE, RECIP, RECIP_LOW, Z1, MAX, Z4, Z5, ABS_LOW, ABS_HIGH, SQ_LOW, SQ_HIGH)               \
	RING_TURN((64+2*off), SCALE_2, RECIP_2, RECIP_LOW_2, Z2, MAX_2, Z7, Z8, ABS_LOW_2, ABS_HIGH_2, SQ_LOW_2, SQ_HIGH_2)

// TO_RING stores the errors of the elements in Z0 in the ring.
#define TO_RING(off) \
	DEVIATE_ONE(Z0, SCALE, RECIP, RECIP_LOW, Z1, MAX)         \
	VMOVUPS Z1, (2*off)(RING)                              \
	DEVIATE_ONE(Z0, SCALE_2, RECIP_2, RECIP_LOW_2, Z2, MAX_2) \
	VMOVUPS Z2, (64+2*off)(RING)

// FROM_RING adds what TO_RING stored at off.
#define FROM_RING(off) \
	ADD_FROM((2*off), Z4, Z5, ABS_LOW, ABS_HIGH, SQ_LOW, SQ_HIGH)               \
	ADD_FROM((64+2*off), Z7, Z8, ABS_LOW_2, ABS_HIGH_2, SQ_LOW_2, SQ_HIGH_2)

#define ADD_FROM(ring, a, b, absLow, absHigh, sqLow, sqHigh) \
	VCVTPS2PD   ring(RING), a       \
	VCVTPS2PD   (ring+32)(RING), b  \
	VADDPD      a, absLow, absLow   \
	VADDPD      b, absHigh, absHigh \
	VFMADD231PD a, a, sqLow         \
	VFMADD231PD b, b, sqHigh

// ROUND_ONE sets e to |e| of the elements whose magnitudes are in Z0, where the limit tells that
// their codes are right: see "Codes without a quotient" in kernels.go.
#define ROUND_ONE(scale, recip, shift, e) \
	VMOVAPS     Z0, e           \
	VFMADD213PS TWO_23, recip, e \
	VFMADD213PS shift, scale, e \
	VSUBPS      Z0, e, e        \
	VPANDD      MAGNITUDE, e, e

// RING_ROUND is RING_TURN with ROUND_ONE, without the greatest |e|.
#define RING_ROUND(ring, scale, recip, shift, e, a, b, absLow, absHigh, sqLow, sqHigh) \
	VCVTPS2PD   ring(RING), a         \
	VMOVAPS     Z0, e                 \
	VCVTPS2PD   (ring+32)(RING), b    \
	VFMADD213PS TWO_23, recip, e      \
	VADDPD      a, absLow, absLow     \
	VADDPD      b, absHigh, absHigh   \
	VFMADD213PS shift, scale, e       \
	VFMADD231PD a, a, sqLow           \
	VSUBPS      Z0, e, e              \
	VFMADD231PD b, b, sqHigh          \
	VPANDD      MAGNITUDE, e, e       \
	VMOVUPS     e, ring(RING)

// ROUND_STEP is RING_ROUND for both schemes and the elements off bytes from SRC on. It sets e1 and e2
// to their |e|.
#define ROUND_STEP(off, e1, e2) \
	VPANDD off(SRC), MAGNITUDE, Z0 \
	RING_ROUND((2*off), SCALE, RECIP, SHIFT, e1, Z4, Z5, ABS_LOW, ABS_HIGH, SQ_LOW, SQ_HIGH)               \
	RING_ROUND((64+2*off), SCALE_2, RECIP_2, SHIFT_2, e2, Z7, Z8, ABS_LOW_2, ABS_HIGH_2, SQ_LOW_2, SQ_HIGH_2)

// ROUND_TO_RING stores the |e| of both schemes in the ring, and in e1 and e2.
#define ROUND_TO_RING(off, e1, e2) \
	VPANDD  off(SRC), MAGNITUDE, Z0        \
	ROUND_ONE(SCALE, RECIP, SHIFT, e1)     \
	VMOVUPS e1, (2*off)(RING)              \
	ROUND_ONE(SCALE_2, RECIP_2, SHIFT_2, e2) \
	VMOVUPS e2, (64+2*off)(RING)

// GREATER raises the greatest |e| of a block.
#define GREATER \
	VPMAXUD Z1, BLOCK, BLOCK     \
	VPMAXUD Z2, BLOCK_2, BLOCK_2

// NEAR_HALF compares the greatest |e| of a block with the limits, and sets ZF unless one is reached.
#define NEAR_HALF \
	VPCMPUD.BCST $5, 128(SP), BLOCK, K1   \
	VPCMPUD.BCST $5, 132(SP), BLOCK_2, K2 \
	KORTESTW     K1, K2

// ROUNDED takes the greatest |e| of a block over, and goes on to the next block.
#define ROUNDED \
	VPMAXUD BLOCK, MAX, MAX       \
	VPMAXUD BLOCK_2, MAX_2, MAX_2 \
	ADDQ    $256, SRC             \
	SUBQ    $64, N

// SECOND_PARTS sets the second parts of the reciprocals of the run.
#define SECOND_PARTS \
	BROADCAST(oneBits, ONES)                   \
	SECOND_PART_OF(SCALE, RECIP, RECIP_LOW)    \
	SECOND_PART_OF(SCALE_2, RECIP_2, RECIP_LOW_2)

// SHIFTS sets what SECOND_PARTS has overwritten: 2^23, and the multiples of the scales that it becomes.
#define SHIFTS \
	BROADCAST(minusTwo23, TWO_23)       \
	VMULPS TWO_23, SCALE, SHIFT         \
	VMULPS TWO_23, SCALE_2, SHIFT_2     \
	VPANDD MAGNITUDE, TWO_23, TWO_23

// SQUARES_OF adds the squares of elements to X2_LOW and X2_HIGH, the operands being halves of 8.
#define SQUARES_OF(a, b) \
	VCVTPS2PD   a, Z9             \
	VCVTPS2PD   b, Z10            \
	VFMADD231PD Z9, Z9, X2_LOW    \
	VFMADD231PD Z10, Z10, X2_HIGH

// PREPARE_SCHEME prepares 16 scales and zero points, and stores the reciprocals of the scales at
// off in the frame. K3 tells the scales that the kernel does not serve.
#define PREPARE_SCHEME(off) \
	PREPARE                                     \
	CHECK_TWO_PARTS(NEAR, NEAR_TWICE, LOW_BITS) \
	VMOVUPS RECIP, off(SP)

// RUN_LIMIT stores the limit of |e| of the run DONE at off in the frame. scale has the scale of the
// run. zeros are its scheme's zero points.
#define RUN_LIMIT(zeros, scale, off) \
	MOVQ   zeros, AX          \
	VMOVD  (AX)(DONE*4), X0   \
	VPABSD X0, X0             \
	VPSLLD $2, X0, X0         \
	MOVL   $nearHalf, AX      \
	VMOVD  AX, X1             \
	VPSUBD X0, X1, X0         \
	VMULSS scale, X0, X0      \
	VMOVSS X0, off(SP)

// SECOND_PART_OF is SECOND_PART for the scales and reciprocals in registers.
#define SECOND_PART_OF(scale, recip, z) \
	VMOVAPS      ONES, z         \
	VFNMADD231PS scale, recip, z \
	VMULPS       recip, z, z

// STORE_SUMS stores the sums of a run at p, m being the lower half of max.
#define STORE_SUMS(p, absLow, absHigh, yAbs, xAbs, sqLow, sqHigh, ySq, xSq, max, yMax, xMax) \
	FOLD(absLow, absHigh, yAbs, xAbs, 0(p)) \
	FOLD(sqLow, sqHigh, ySq, xSq, 8(p))     \
	VEXTRACTI64X4 $1, max, Y0               \
	VPMAXUD       Y0, yMax, yMax            \
	VEXTRACTI32X4 $1, yMax, X0              \
	VPMAXUD       X0, xMax, xMax            \
	VPSHUFD       $0x4e, xMax, X0           \
	VPMAXUD       X0, xMax, xMax            \
	VPSHUFD       $0xb1, xMax, X0           \
	VPMAXUD       X0, xMax, xMax            \
	VMOVD         xMax, 16(p)               \
	MOVL          $0, 20(p)                 \
	ADDQ          $24, p

//	for k, acc := range [][]sums{acc1, acc2} {
//		scale, zero := [][]float32{scale1, scale2}[k], [][]int32{zero1, zero2}[k]
//		for i := range acc { // abs, e2, x2 and greatest begin at 0 for each run
//			for j, x := range src[i*run : min((i+1)*run, len(src))] {
//				d, _ := deviation(x, scale[i], float32(qmin[k]-zero[i]), float32(qmax[k]-zero[i]))
//				abs[j%lanes] += float64(d)
//				e2[j%lanes], x2[j%lanes] = e2[j%lanes]+float64(d)*float64(d), x2[j%lanes]+float64(x)*float64(x)
//				greatest = max(greatest, d)
//			}
//			acc[i], sq[i] = sums{fold(&abs), fold(&e2), greatest, 0}, fold(&x2) // sq unless it is nil
//		}
//	}
//
// func errorsInsideTwoAVX512(acc1, acc2 []sums, sq []float64, src []float32, run int, scale1 []float32, zero1 []int32, scale2 []float32, zero2 []int32) int
//
// It is errorsInsideRunsAVX512 for two schemes: an element is loaded once, and a core has the
// chains of both sums to work on. It returns how many runs it did: all, or a multiple of 16 if
// it does not serve a scale among the next 16. The frame holds the reciprocals of the first
// scheme at 0, those of the second at 64, limits of |e| at 128 and 132, and from RING on four times
// a vector of |e| of each scheme: each is added one turn after it was stored.
//
// A block of 64 elements is first rounded without a quotient. If one of its |e| is near half a step,
// the block is done again with the quotients, before anything is added. Data of which many elements
// are halfway between two codes use up RETRIES. All blocks after that are done with quotients only.
#define ACC         DI  // where the next sums of the first scheme go
#define ACC_2       R14 // those of the second scheme
#define DONE        R13 // runs done
#define INDEX       R12 // which of the 16 prepared runs
#define SQ          BX  // sq, to tell whether it is nil
#define NEAR        Z22 // 6, while parameters are prepared
#define NEAR_TWICE  Z23 // 12, likewise
#define LOW_BITS    Z24 // mask of the lowest 15 bits, likewise
#define RECIP_LOW   Z18 // second part of the reciprocal
#define SHIFT       Z18 // -2^23 times the scale, where no quotients are made
#define SCALE_2     Z19 // scale of the second scheme
#define SCALE_2_X   X19 // its lowest quarter
#define RECIP_2     Z12 // its reciprocal
#define RECIP_LOW_2 Z13 // the second part of that
#define SHIFT_2     Z13 // -2^23 times the second scale
#define TWO_23      Z31 // 2^23
#define BLOCK       Z3  // bits of the greatest |e| of a block
#define BLOCK_2     Z6  // those of the second scheme
#define MAGNITUDE   Z30 // mask of the magnitude of a float32
#define X2_LOW      Z14 // lanes of sum x²
#define X2_HIGH     Z15
#define ABS_LOW     Z24 // lanes of sum |e|
#define ABS_HIGH    Z25
#define SQ_LOW      Z26 // lanes of sum e²
#define SQ_HIGH     Z27
#define MAX         Z28 // bits of the greatest |e|
#define ABS_LOW_2   Z20 // those of the second scheme
#define ABS_HIGH_2  Z21
#define SQ_LOW_2    Z22
#define SQ_HIGH_2   Z23
#define MAX_2       Z29
#define RING        R15 // the ring in the frame, a multiple of 64
#define RETRIES     136(SP) // blocks that may still be done twice
TEXT ·errorsInsideTwoAVX512(SB), NOSPLIT, $720-208
	MOVQ acc1_base+0(FP), ACC
	MOVQ acc2_base+24(FP), ACC_2
	MOVQ src_base+72(FP), SRC
	MOVQ src_len+80(FP), LEFT
	MOVQ run+96(FP), RUN
	MOVQ scale1_base+104(FP), SCALES
	MOVQ scale1_len+112(FP), PARAMS_LEFT
	MOVQ zero1_base+128(FP), ZEROS
	XORL DONE, DONE
	LEAQ (144+63)(SP), RING
	ANDQ $~63, RING
	MOVQ LEFT, AX // one block in 16, and two more
	SHRQ $10, AX
	ADDQ $2, AX
	MOVQ AX, RETRIES

params: // the parameters of the next 16 runs
	XORL BX, BX // bounds are not used
	CONSTANTS(BX, BX)
	BROADCAST(zeroFarthestGroups, ZERO_FARTHEST)
	BROADCAST(6, NEAR)
	BROADCAST(12, NEAR_TWICE)
	BROADCAST(lowBits15, LOW_BITS)
	NEXT_PARAMS // leaves the mask in K1
	PREPARE_SCHEME(0)
	KTESTW K3, K3
	JNE    done
	MOVQ scale2_base+152(FP), BX
	VMOVAPS     ONES, SCALE
	VMOVUPS     (BX)(DONE*4), K1, SCALE
	MOVQ zero2_base+176(FP), BX
	VMOVDQU32.Z (BX)(DONE*4), K1, ZERO
	PREPARE_SCHEME(64)
	KTESTW K3, K3
	JNE    done
	BROADCAST(magnitudeMask, MAGNITUDE)
	XORL INDEX, INDEX

nextrun:
	MOVQ    RUN, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	MOVQ scale1_base+104(FP), AX
	MOVQ scale2_base+152(FP), BX
	VBROADCASTSS (AX)(DONE*4), SCALE
	VBROADCASTSS 0(SP)(INDEX*4), RECIP
	VBROADCASTSS (BX)(DONE*4), SCALE_2
	VBROADCASTSS 64(SP)(INDEX*4), RECIP_2
	RUN_LIMIT(zero1_base+128(FP), SCALE_X, 128)
	RUN_LIMIT(zero2_base+176(FP), SCALE_2_X, 132)
	VPXORD ABS_LOW, ABS_LOW, ABS_LOW
	VPXORD ABS_HIGH, ABS_HIGH, ABS_HIGH
	VPXORD SQ_LOW, SQ_LOW, SQ_LOW
	VPXORD SQ_HIGH, SQ_HIGH, SQ_HIGH
	VPXORD ABS_LOW_2, ABS_LOW_2, ABS_LOW_2
	VPXORD ABS_HIGH_2, ABS_HIGH_2, ABS_HIGH_2
	VPXORD SQ_LOW_2, SQ_LOW_2, SQ_LOW_2
	VPXORD SQ_HIGH_2, SQ_HIGH_2, SQ_HIGH_2
	VPXORD X2_LOW, X2_LOW, X2_LOW
	VPXORD X2_HIGH, X2_HIGH, X2_HIGH
	VPXORD MAX, MAX, MAX
	VPXORD MAX_2, MAX_2, MAX_2
	MOVQ   sq_base+48(FP), SQ
	SUBQ   $64, N
	JB     rest
	CMPQ   RETRIES, $0
	JEQ    quotients

	SHIFTS
	ROUND_TO_RING(0, BLOCK, BLOCK_2)
	ROUND_TO_RING(64, Z1, Z2)
	GREATER
	ROUND_TO_RING(128, Z1, Z2)
	GREATER
	ROUND_TO_RING(192, Z1, Z2)
	GREATER
	TESTQ SQ, SQ
	JEQ   check
	SQUARES_OF(0(SRC), 32(SRC))
	SQUARES_OF(64(SRC), 96(SRC))
	SQUARES_OF(128(SRC), 160(SRC))
	SQUARES_OF(192(SRC), 224(SRC))
	JMP   checksquares

round: // 64 elements without quotients
	ROUND_STEP(0, BLOCK, BLOCK_2)
	ROUND_STEP(64, Z1, Z2)
	GREATER
	ROUND_STEP(128, Z1, Z2)
	GREATER
	ROUND_STEP(192, Z1, Z2)
	GREATER

check:
	NEAR_HALF
	JNE  retry
	ROUNDED
	JAE  round
	JMP  emptyring

roundsquares: // likewise, with their squares
	ROUND_STEP(0, BLOCK, BLOCK_2)
	SQUARES_OF(0(SRC), 32(SRC))
	ROUND_STEP(64, Z1, Z2)
	SQUARES_OF(64(SRC), 96(SRC))
	GREATER
	ROUND_STEP(128, Z1, Z2)
	SQUARES_OF(128(SRC), 160(SRC))
	GREATER
	ROUND_STEP(192, Z1, Z2)
	SQUARES_OF(192(SRC), 224(SRC))
	GREATER

checksquares:
	NEAR_HALF
	JNE  retry
	ROUNDED
	JAE  roundsquares
	JMP  emptyring

retry: // the block whose |e| are in the ring
	SECOND_PARTS
	VMOVUPS (SRC), Z0
	TO_RING(0)
	VMOVUPS 64(SRC), Z0
	TO_RING(64)
	VMOVUPS 128(SRC), Z0
	TO_RING(128)
	VMOVUPS 192(SRC), Z0
	TO_RING(192)
	DECQ  RETRIES
	JEQ   quotientsnext
	SHIFTS
	ADDQ  $256, SRC
	SUBQ  $64, N
	JB    emptyring
	TESTQ SQ, SQ
	JEQ   round
	JMP   roundsquares

quotients: // no block is done without quotients any more
	SECOND_PARTS
	VMOVUPS (SRC), Z0
	TO_RING(0)
	VMOVUPS 64(SRC), Z0
	TO_RING(64)
	VMOVUPS 128(SRC), Z0
	TO_RING(128)
	VMOVUPS 192(SRC), Z0
	TO_RING(192)
	TESTQ SQ, SQ
	JEQ   next
	SQUARES_OF(0(SRC), 32(SRC))
	SQUARES_OF(64(SRC), 96(SRC))
	SQUARES_OF(128(SRC), 160(SRC))
	SQUARES_OF(192(SRC), 224(SRC))

quotientsnext:
	TESTQ SQ, SQ
	JEQ   next
	JMP   nextsquares

loop:
	VMOVUPS (SRC), Z0
	RING_STEP(0)
	VMOVUPS 64(SRC), Z0
	RING_STEP(64)
	VMOVUPS 128(SRC), Z0
	RING_STEP(128)
	VMOVUPS 192(SRC), Z0
	RING_STEP(192)

next:
	ADDQ $256, SRC
	SUBQ $64, N
	JAE  loop
	JMP  emptyring

loopsquares:
	VMOVUPS (SRC), Z0
	RING_STEP(0)
	SQUARES_OF(0(SRC), 32(SRC))
	VMOVUPS 64(SRC), Z0
	RING_STEP(64)
	SQUARES_OF(64(SRC), 96(SRC))
	VMOVUPS 128(SRC), Z0
	RING_STEP(128)
	SQUARES_OF(128(SRC), 160(SRC))
	VMOVUPS 192(SRC), Z0
	RING_STEP(192)
	SQUARES_OF(192(SRC), 224(SRC))

nextsquares:
	ADDQ $256, SRC
	SUBQ $64, N
	JAE  loopsquares

emptyring:
	FROM_RING(0)
	FROM_RING(64)
	FROM_RING(128)
	FROM_RING(192)

rest: // N + 64 elements, fewer than 64
	ADDQ $64, N
	JZ   fold
	SECOND_PARTS
	SUBQ $16, N
	JL   tail

loop16:
	VMOVUPS (SRC), Z0
	SQUARES_OF(0(SRC), 32(SRC))
	ERRORS_OF
	ADDQ $64, SRC
	SUBQ $16, N
	JGE  loop16

tail: // N + 16 elements, fewer than 16
	ADDQ $16, N
	JZ   fold
	MASK(N, K1)
	VMOVUPS.Z (SRC), K1, Z0 // 0 has no error
	VEXTRACTF64X4 $1, Z0, Y11
	SQUARES_OF(Y0, Y11)
	ERRORS_OF
	LEAQ (SRC)(N*4), SRC

fold:
	TESTQ SQ, SQ
	JE    foldsums
	FOLD(X2_LOW, X2_HIGH, Y14, X14, (SQ)(DONE*8))

foldsums:
	STORE_SUMS(ACC, ABS_LOW, ABS_HIGH, Y24, X24, SQ_LOW, SQ_HIGH, Y26, X26, MAX, Y28, X28)
	STORE_SUMS(ACC_2, ABS_LOW_2, ABS_HIGH_2, Y20, X20, SQ_LOW_2, SQ_HIGH_2, Y22, X22, MAX_2, Y29, X29)
	INCQ  DONE
	INCQ  INDEX
	TESTQ LEFT, LEFT
	JZ    done
	CMPQ  INDEX, $16
	JNE   nextrun
	JMP   params

done:
	MOVQ DONE, ret+200(FP)
	VZEROUPPER
	RET

// LOAD_COLUMNS loads the sums of 16 columns from p, and STORE_COLUMNS stores them. K1 masks the
// columns, K4 the upper 8 of them.
#define LOAD_COLUMNS(p, low, high) \
	VMOVUPD.Z 0(p)(DONE*8), K1, low   \
	VMOVUPD.Z 64(p)(DONE*8), K4, high

#define STORE_COLUMNS(p, low, high) \
	VMOVUPD low, K1, 0(p)(DONE*8)   \
	VMOVUPD high, K4, 64(p)(DONE*8)

// LOAD_ROW loads elements of a row into Z0, adds their squares, and goes on to the next row.
#define LOAD_ROW \
	VMOVUPS.Z   (SRC), K1, Z0      \
	VCVTPS2PD.Z (SRC), K1, Z9      \
	VCVTPS2PD.Z 32(SRC), K4, Z10   \
	ADDQ        STRIDE, SRC        \
	VFMADD231PD Z9, Z9, X2_LOW     \
	VFMADD231PD Z10, Z10, X2_HIGH

//	for r := range rows {
//		for j, x := range src[r*stride:][:len(scale1)] {
//			sq[j] += float64(x)*float64(x) // unless it is nil
//		}
//	}
//	for k, acc := range []columnSums{acc1, acc2} { // errorsInsideColumns
//		scale, zero := [][]float32{scale1, scale2}[k], [][]int32{zero1, zero2}[k]
//		for r := range rows {
//			for j, x := range src[r*stride:][:len(scale)] {
//				d, _ := deviation(x, scale[j], float32(qmin[k]-zero[j]), float32(qmax[k]-zero[j]))
//				acc.abs[j] += float64(d)
//				acc.sq[j] += float64(d) * float64(d)
//				acc.max[j] = max(acc.max[j], d)
//			}
//		}
//	}
//
// func errorsInsideColumnsTwoAVX512(acc1, acc2 columnSums, sq *float64, src *float32, rows, stride int, scale1 []float32, zero1 []int32, scale2 []float32, zero2 []int32) int
//
// It is errorsInsideColumnsAVX512 for two schemes, with sums of squares. The registers and the
// frame are those of errorsInsideTwoAVX512; the ring holds 4 rows.
#define STRIDE    R8 // bytes from row to row
#define ROWS_LEFT CX // rows left
TEXT ·errorsInsideColumnsTwoAVX512(SB), NOSPLIT, $704-328
	MOVQ scale1_base+224(FP), SCALES
	MOVQ scale1_len+232(FP), PARAMS_LEFT
	MOVQ zero1_base+248(FP), ZEROS
	MOVQ stride+216(FP), STRIDE
	SHLQ $2, STRIDE
	XORL DONE, DONE
	LEAQ (128+63)(SP), RING
	ANDQ $~63, RING

columns: // up to 16 columns
	TESTQ PARAMS_LEFT, PARAMS_LEFT
	JZ    columnsdone
	XORL BX, BX // bounds are not used
	CONSTANTS(BX, BX)
	BROADCAST(zeroFarthestGroups, ZERO_FARTHEST)
	BROADCAST(6, NEAR)
	BROADCAST(12, NEAR_TWICE)
	BROADCAST(lowBits15, LOW_BITS)
	NEXT_PARAMS // leaves the mask in K1 and the number in BX
	PREPARE_SCHEME(0)
	KTESTW K3, K3
	JNE    columnsdone
	MOVQ scale2_base+272(FP), AX
	VMOVAPS     ONES, SCALE
	VMOVUPS     (AX)(DONE*4), K1, SCALE
	MOVQ zero2_base+296(FP), AX
	VMOVDQU32.Z (AX)(DONE*4), K1, ZERO
	PREPARE_SCHEME(64)
	KTESTW K3, K3
	JNE    columnsdone
	VMOVAPS SCALE, SCALE_2
	VMOVAPS RECIP, RECIP_2
	SECOND_PART_OF(SCALE_2, RECIP_2, RECIP_LOW_2)
	MOVQ scale1_base+224(FP), AX
	VMOVUPS.Z (AX)(DONE*4), K1, SCALE
	VMOVUPS 0(SP), RECIP
	SECOND_PART_OF(SCALE, RECIP, RECIP_LOW)
	BROADCAST(magnitudeMask, MAGNITUDE)
	KSHIFTRW $8, K1, K4
	MOVQ acc1_abs_base+0(FP), AX
	LOAD_COLUMNS(AX, ABS_LOW, ABS_HIGH)
	MOVQ acc1_sq_base+24(FP), AX
	LOAD_COLUMNS(AX, SQ_LOW, SQ_HIGH)
	MOVQ acc1_max_base+48(FP), AX
	VMOVDQU32.Z (AX)(DONE*4), K1, MAX
	MOVQ acc2_abs_base+96(FP), AX
	LOAD_COLUMNS(AX, ABS_LOW_2, ABS_HIGH_2)
	MOVQ acc2_sq_base+120(FP), AX
	LOAD_COLUMNS(AX, SQ_LOW_2, SQ_HIGH_2)
	MOVQ acc2_max_base+144(FP), AX
	VMOVDQU32.Z (AX)(DONE*4), K1, MAX_2
	MOVQ src+200(FP), SRC
	LEAQ (SRC)(DONE*4), SRC
	MOVQ rows+208(FP), ROWS_LEFT
	MOVQ sq+192(FP), AX
	TESTQ AX, AX
	JNE   rowssquares

rows: // down the rows
	VMOVUPS.Z (SRC), K1, Z0
	ERRORS_OF
	ADDQ STRIDE, SRC
	DECQ ROWS_LEFT
	JNZ  rows
	JMP  store

rowssquares:
	LOAD_COLUMNS(AX, X2_LOW, X2_HIGH)
	SUBQ $4, ROWS_LEFT
	JB   restrows
	LOAD_ROW
	TO_RING(0)
	LOAD_ROW
	TO_RING(64)
	LOAD_ROW
	TO_RING(128)
	LOAD_ROW
	TO_RING(192)
	SUBQ $4, ROWS_LEFT
	JB   emptyring

loopring: // 4 rows
	LOAD_ROW
	RING_STEP(0)
	LOAD_ROW
	RING_STEP(64)
	LOAD_ROW
	RING_STEP(128)
	LOAD_ROW
	RING_STEP(192)
	SUBQ $4, ROWS_LEFT
	JAE  loopring

emptyring:
	FROM_RING(0)
	FROM_RING(64)
	FROM_RING(128)
	FROM_RING(192)

restrows: // ROWS_LEFT + 4
	ADDQ $4, ROWS_LEFT
	JZ   storesquares

loopcolumns:
	LOAD_ROW
	ERRORS_OF
	DECQ ROWS_LEFT
	JNZ  loopcolumns

storesquares:
	STORE_COLUMNS(AX, X2_LOW, X2_HIGH)

store:
	MOVQ acc1_abs_base+0(FP), AX
	STORE_COLUMNS(AX, ABS_LOW, ABS_HIGH)
	MOVQ acc1_sq_base+24(FP), AX
	STORE_COLUMNS(AX, SQ_LOW, SQ_HIGH)
	MOVQ acc1_max_base+48(FP), AX
	VMOVDQU32 MAX, K1, (AX)(DONE*4)
	MOVQ acc2_abs_base+96(FP), AX
	STORE_COLUMNS(AX, ABS_LOW_2, ABS_HIGH_2)
	MOVQ acc2_sq_base+120(FP), AX
	STORE_COLUMNS(AX, SQ_LOW_2, SQ_HIGH_2)
	MOVQ acc2_max_base+144(FP), AX
	VMOVDQU32 MAX_2, K1, (AX)(DONE*4)
	ADDQ BX, DONE
	JMP  columns

columnsdone:
	MOVQ DONE, ret+320(FP)
	VZEROUPPER
	RET
