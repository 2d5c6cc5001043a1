//go:build !purego

// Sums of errors of columns with AVX-512 where no code has to be clamped.

#include "textflag.h"
#include "kernels_avx512_amd64.h"

// DEVIATE_COLUMNS sets e to |e| of the elements x, whose codes are in the grid.
#define DEVIATE_COLUMNS(x, e) \
	VMULPS      RECIP_LOW, x, e \
	VFMADD231PS RECIP, x, e     \
	VRNDSCALEPS $8, e, e        \
	VMULPS      SCALE, e, e     \
	VSUBPS      x, e, e         \
	VPANDD      MAGNITUDE, e, e

//	for r := range rows {
//		for j, x := range src[r*stride:][:len(scale)] {
//			d, _ := deviation(x, scale[j], float32(qmin-zero[j]), float32(qmax-zero[j]))
//			abs[j] += float64(d)
//			sq[j] += float64(d) * float64(d)
//			max[j] = max(max[j], d)
//		}
//	}
//
// func errorsInsideColumnsAVX512(abs, sq *float64, max *float32, src *float32, rows, stride int, scale []float32, zero []int32) int
//
// No element has a code outside of a grid of up to 8 bits, whatever that grid is. It takes up
// to 16 columns at a time, and returns how many it did: all, or a multiple of 16 if it does not
// serve a scale among the next 16. K1 masks the columns, K4 the upper 8 of them.
#define DONE       R13 // columns done
#define STRIDE     R8  // bytes from row to row
#define ROWS_LEFT  CX  // rows left
#define ABS_LOW    Z8  // sum |e| of the lower 8 columns
#define ABS_HIGH   Z9  // sum |e| of the upper 8 columns
#define SQ_LOW     Z10 // sum e² of the lower 8 columns
#define SQ_HIGH    Z11 // sum e² of the upper 8 columns
#define MAX        Z12 // bits of the greatest |e|
#define RECIP_LOW  Z18 // second parts of the reciprocals
#define MAGNITUDE  Z21 // mask of the magnitude of a float32
#define NEAR       Z22 // 6
#define LOW_BITS   Z23 // mask of the lowest 15 bits
#define NEAR_TWICE Z24 // 12
TEXT ·errorsInsideColumnsAVX512(SB), NOSPLIT, $0-104
	MOVQ scale_base+48(FP), SCALES
	MOVQ scale_len+56(FP), PARAMS_LEFT
	MOVQ zero_base+72(FP), ZEROS
	MOVQ stride+40(FP), STRIDE
	SHLQ $2, STRIDE
	XORL DONE, DONE
	XORL BX, BX // bounds are not used
	CONSTANTS(BX, BX)
	BROADCAST(zeroFarthestGroups, ZERO_FARTHEST)
	BROADCAST(magnitudeMask, MAGNITUDE)
	BROADCAST(6, NEAR)
	BROADCAST(12, NEAR_TWICE)
	BROADCAST(lowBits15, LOW_BITS)

columns: // up to 16 columns
	TESTQ PARAMS_LEFT, PARAMS_LEFT
	JZ    done
	NEXT_PARAMS // leaves the mask in K1 and the number in BX
	PREPARE
	CHECK_TWO_PARTS(NEAR, NEAR_TWICE, LOW_BITS)
	KTESTW K3, K3
	JNE    done
	SECOND_PART(RECIP_LOW)
	KSHIFTRW $8, K1, K4
	MOVQ abs+0(FP), AX
	VMOVUPD.Z 0(AX)(DONE*8), K1, ABS_LOW
	VMOVUPD.Z 64(AX)(DONE*8), K4, ABS_HIGH
	MOVQ sq+8(FP), AX
	VMOVUPD.Z 0(AX)(DONE*8), K1, SQ_LOW
	VMOVUPD.Z 64(AX)(DONE*8), K4, SQ_HIGH
	MOVQ max+16(FP), AX
	VMOVDQU32.Z (AX)(DONE*4), K1, MAX
	MOVQ src+24(FP), SRC
	LEAQ (SRC)(DONE*4), SRC
	MOVQ rows+32(FP), ROWS_LEFT

loop: // down the rows
	VMOVUPS.Z (SRC), K1, Z0
	DEVIATE_COLUMNS(Z0, Z2)
	VPMAXUD Z2, MAX, MAX
	VEXTRACTF64X4 $1, Z2, Y3
	VCVTPS2PD Y2, Z4
	VCVTPS2PD Y3, Z5
	VADDPD  Z4, ABS_LOW, ABS_LOW
	VADDPD  Z5, ABS_HIGH, ABS_HIGH
	VFMADD231PD Z4, Z4, SQ_LOW
	VFMADD231PD Z5, Z5, SQ_HIGH
	ADDQ STRIDE, SRC
	DECQ ROWS_LEFT
	JNZ  loop

	MOVQ abs+0(FP), AX
	VMOVUPD ABS_LOW, K1, 0(AX)(DONE*8)
	VMOVUPD ABS_HIGH, K4, 64(AX)(DONE*8)
	MOVQ sq+8(FP), AX
	VMOVUPD SQ_LOW, K1, 0(AX)(DONE*8)
	VMOVUPD SQ_HIGH, K4, 64(AX)(DONE*8)
	MOVQ max+16(FP), AX
	VMOVDQU32 MAX, K1, (AX)(DONE*4)
	ADDQ BX, DONE
	JMP  columns

done:
	MOVQ DONE, ret+96(FP)
	VZEROUPPER
	RET
