//go:build !purego

// Sums of errors with AVX-512 where no code has to be clamped.

#include "textflag.h"
#include "kernels_avx512_amd64.h"

// DEVIATE_INSIDE sets e to |e| of the elements x, whose codes are in the grid, and MAX to the
// greatest so far.
#define DEVIATE_INSIDE(x, e) \
	VMULPS      RECIP_LOW, x, e \
	VFMADD231PS RECIP, x, e     \
	VRNDSCALEPS $8, e, e        \
	VMULPS      SCALE, e, e     \
	VSUBPS      x, e, e         \
	VPANDD      MAGNITUDE, e, e \
	VPMAXUD     e, MAX, MAX

// TO_RING stores |e| of the 16 elements off bytes from SRC on at off in the ring.
#define TO_RING(off, x, e) \
	VMOVUPS off(SRC), x     \
	DEVIATE_INSIDE(x, e)    \
	VMOVUPS e, off(RING)

// FROM_RING adds what TO_RING stored at off. A conversion to 16 binary64 that reads memory
// takes one operation for each half, and one that reads a register two.
#define FROM_RING(off) \
	VCVTPS2PD   off(RING), Z4 \
	VCVTPS2PD   (32+off)(RING), Z5 \
	VADDPD      Z4, Z24, Z24      \
	VADDPD      Z5, Z25, Z25      \
	VFMADD231PD Z4, Z4, Z26       \
	VFMADD231PD Z5, Z5, Z27

// SQUARES_OF adds the squares of the 16 elements off bytes from SRC on to Z14 and Z15.
#define SQUARES_OF(off) \
	VCVTPS2PD   (0+off)(SRC), Z12  \
	VCVTPS2PD   (32+off)(SRC), Z13 \
	VFMADD231PD Z12, Z12, Z14      \
	VFMADD231PD Z13, Z13, Z15

//	for i := range acc { // abs, e2, x2 and greatest begin at 0 for each run
//		for j, x := range src[i*run : min((i+1)*run, len(src))] {
//			d, _ := deviation(x, scale[i], float32(qmin-zero[i]), float32(qmax-zero[i]))
//			abs[j%lanes] += float64(d)
//			e2[j%lanes], x2[j%lanes] = e2[j%lanes]+float64(d)*float64(d), x2[j%lanes]+float64(x)*float64(x)
//			greatest = max(greatest, d)
//		}
//		acc[i], sq[i] = sums{fold(&abs), fold(&e2), greatest, 0}, fold(&x2) // sq unless it is nil
//	}
//
// func errorsInsideRunsAVX512(acc []sums, sq []float64, src []float32, run int, scale []float32, zero []int32) int
//
// No element has a code outside of a grid of up to 8 bits, whatever that grid is. It returns
// how many runs it did: all, or a multiple of 16 if it does not serve a scale among the next
// 16. Z24 and Z25 hold the lanes of sum |e|, Z26 and Z27 those of sum e², Z14 and Z15 those of
// sum x². The frame holds scales at 0, reciprocals at 64, their second parts at 128, and a ring
// of four vectors of |e| at RING: each is added one turn after it was stored.
#define ACC       DI  // where the next sums go
#define DONE      R13 // runs done
#define INDEX     R12 // which of the 16 prepared runs
#define SQ        BX  // sq, to tell whether it is nil
#define RECIP_LOW Z18 // second part of the reciprocal
#define MAGNITUDE Z21 // mask of the magnitude of a float32
#define NEAR      Z22 // 6
#define LOW_BITS  Z23 // mask of the lowest 15 bits
#define MAX       Z29 // bits of the greatest |e|
#define MAX_X     X29 // its lowest quarter
#define MAX_Y     Y29 // its lower half
#define RING      R15 // the ring in the frame, a multiple of 64
TEXT ·errorsInsideRunsAVX512(SB), NOSPLIT, $512-136
	MOVQ acc_base+0(FP), ACC
	MOVQ src_base+48(FP), SRC
	MOVQ src_len+56(FP), LEFT
	MOVQ run+72(FP), RUN
	MOVQ scale_base+80(FP), SCALES
	MOVQ scale_len+88(FP), PARAMS_LEFT
	MOVQ zero_base+104(FP), ZEROS
	XORL DONE, DONE
	LEAQ (192+63)(SP), RING
	ANDQ $~63, RING
	BROADCAST(magnitudeMask, MAGNITUDE)
	BROADCAST(6, NEAR)
	BROADCAST(lowBits15, LOW_BITS)

params: // the parameters of the next 16 runs
	XORL BX, BX // bounds are not used
	CONSTANTS(BX, BX)
	BROADCAST(zeroFarthestGroups, ZERO_FARTHEST)
	BROADCAST(12, Z4)
	NEXT_PARAMS
	PREPARE
	CHECK_TWO_PARTS(NEAR, Z4, LOW_BITS)
	KTESTW K3, K3
	JNE    done
	SECOND_PART(RECIP_LOW)
	VMOVUPS SCALE, 0(SP)
	VMOVUPS RECIP, 64(SP)
	VMOVUPS RECIP_LOW, 128(SP)
	XORL   INDEX, INDEX

nextrun:
	MOVQ    RUN, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	VBROADCASTSS 0(SP)(INDEX*4), SCALE
	VBROADCASTSS 64(SP)(INDEX*4), RECIP
	VBROADCASTSS 128(SP)(INDEX*4), RECIP_LOW
	VPXORD Z24, Z24, Z24
	VPXORD Z25, Z25, Z25
	VPXORD Z26, Z26, Z26
	VPXORD Z27, Z27, Z27
	VPXORD Z14, Z14, Z14
	VPXORD Z15, Z15, Z15
	VPXORD MAX, MAX, MAX
	MOVQ   sq_base+24(FP), SQ
	SUBQ   $64, N
	JB     rest

	TO_RING(0, Z0, Z1)
	TO_RING(64, Z2, Z3)
	TO_RING(128, Z6, Z7)
	TO_RING(192, Z8, Z9)
	TESTQ SQ, SQ
	JNE   squares
	JMP   next

loop:
	FROM_RING(0)
	TO_RING(0, Z0, Z1)
	FROM_RING(64)
	TO_RING(64, Z2, Z3)
	FROM_RING(128)
	TO_RING(128, Z6, Z7)
	FROM_RING(192)
	TO_RING(192, Z8, Z9)

next:
	ADDQ $256, SRC
	SUBQ $64, N
	JAE  loop
	JMP  emptyring

loopsquares:
	FROM_RING(0)
	TO_RING(0, Z0, Z1)
	FROM_RING(64)
	TO_RING(64, Z2, Z3)
	FROM_RING(128)
	TO_RING(128, Z6, Z7)
	FROM_RING(192)
	TO_RING(192, Z8, Z9)

squares:
	SQUARES_OF(0)
	SQUARES_OF(64)
	SQUARES_OF(128)
	SQUARES_OF(192)
	ADDQ $256, SRC
	SUBQ $64, N
	JAE  loopsquares

emptyring:
	FROM_RING(0)
	FROM_RING(64)
	FROM_RING(128)
	FROM_RING(192)

rest: // N + 64 elements, fewer than 64
	ADDQ $48, N
	JL   tail

loop16:
	TO_RING(0, Z0, Z1)
	FROM_RING(0)
	SQUARES_OF(0)
	ADDQ $64, SRC
	SUBQ $16, N
	JGE  loop16

tail: // N + 16 elements, fewer than 16
	ADDQ $16, N
	JZ   fold
	MASK(N, K1)
	VMOVUPS.Z (SRC), K1, Z0
	DEVIATE_INSIDE(Z0, Z1) // 0 has no error
	VMOVUPS Z1, (RING)
	FROM_RING(0)
	VMOVUPS Z0, (RING)
	VCVTPS2PD   (RING), Z12
	VCVTPS2PD   32(RING), Z13
	VFMADD231PD Z12, Z12, Z14
	VFMADD231PD Z13, Z13, Z15
	LEAQ (SRC)(N*4), SRC

fold:
	TESTQ SQ, SQ
	JE    foldsums
	FOLD(Z14, Z15, Y14, X14, (SQ)(DONE*8))

foldsums:
	FOLD(Z24, Z25, Y24, X24, 0(ACC))
	FOLD(Z26, Z27, Y26, X26, 8(ACC))
	VEXTRACTI64X4 $1, MAX, Y0
	VPMAXUD Y0, MAX_Y, MAX_Y
	VEXTRACTI32X4 $1, MAX_Y, X0
	VPMAXUD X0, MAX_X, MAX_X
	VPSHUFD $0x4e, MAX_X, X0
	VPMAXUD X0, MAX_X, MAX_X
	VPSHUFD $0xb1, MAX_X, X0
	VPMAXUD X0, MAX_X, MAX_X
	VMOVD   MAX_X, 16(ACC)
	MOVL    $0, 20(ACC)
	ADDQ    $24, ACC
	INCQ    DONE
	INCQ    INDEX
	TESTQ   LEFT, LEFT
	JZ      done
	CMPQ    INDEX, $16
	JNE     nextrun
	JMP     params

done:
	MOVQ DONE, ret+128(FP)
	VZEROUPPER
	RET
