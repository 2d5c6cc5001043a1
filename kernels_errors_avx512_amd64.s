//go:build !purego

// Sums of errors with AVX-512.

#include "textflag.h"
#include "kernels_avx512_amd64.h"

// EDGE sets t to the last x whose quotient rounds to bound or farther in, see
// "Edges of a grid" in kernels.go. out is the comparison that finds a quotient
// outside. What is still outside after the last step is added to K3. It uses Z2 to
// Z5 and K2; Z24 is 0, UNIT 1.
#define EDGE_STEP(bound, out, t) \
	VDIVPS      SCALE, t, Z4       \
	VRNDSCALEPS $8, Z4, Z4         \
	VCMPPS      out, bound, Z4, K2 \
	VPSUBD      Z5, t, K2, t

#define EDGE(bound, half, out, outward, t) \
	BROADCAST(half, Z2)            \
	VADDPS      bound, Z2, Z2      \
	VMULPS      SCALE, Z2, t       \
	VPSRAD      $31, t, Z5         \
	VPORD       UNIT, Z5, Z5       \
	outward                        \
	VPADDD      Z5, t, t           \
	VPADDD      Z5, t, t           \
	EDGE_STEP(bound, out, t)       \
	EDGE_STEP(bound, out, t)       \
	EDGE_STEP(bound, out, t)       \
	EDGE_STEP(bound, out, t)       \
	EDGE_STEP(bound, out, t)       \
	EDGE_STEP(bound, out, t)       \
	VDIVPS      SCALE, t, Z4       \
	VRNDSCALEPS $8, Z4, Z4         \
	VCMPPS      out, bound, Z4, K2 \
	KORW        K2, K3, K3

// UPWARD and DOWNWARD are the directions of EDGE. Toward +Inf adds 1 to the bits
// of a positive value and takes 1 off those of a negative one; toward -Inf the
// other way round.
#define UPWARD
#define DOWNWARD VPSUBD Z5, Z24, Z5

// EDGES prepares the scales in SCALE and the zero points in ZERO: reciprocals in
// RECIP and edges in LOWER and UPPER. K3 tells the scales that the kernel does not
// serve.
#define EDGES \
	PREPARE                                      \
	EDGE(Z0, minusHalfBits, $1, DOWNWARD, LOWER) \
	EDGE(Z1, halfBits, $14, UPWARD, UPPER)

// DEVIATE sets e to |e| of the elements x, and K2 to those that were clamped.
#define DEVIATE(x, t, e) \
	VMAXPS       LOWER, x, t  \
	VMINPS       UPPER, t, t  \
	VCMPPS       $4, x, t, K2 \
	VMULPS       RECIP, t, e  \
	VFNMADD231PS SCALE, e, t  \
	VFMADD231PS  RECIP, t, e  \
	VRNDSCALEPS  $8, e, e     \
	VMULPS       SCALE, e, e  \
	VSUBPS       x, e, e      \
	VPANDD       MAGNITUDE, e, e

// A core looks only so far ahead, and DEVIATE is a long chain. DEVIATE_BEGIN does
// half of it, up to the quotient, and counts those that were clamped.
// DEVIATE_FINISH does the rest, and adds. Between the two of one vector come those
// of another, so that a core has two chains to work on at once.
#define DEVIATE_BEGIN(x, t, e) \
	VMAXPS       LOWER, x, t  \
	VMINPS       UPPER, t, t  \
	VCMPPS       $4, x, t, K2 \
	VMULPS       RECIP, t, e  \
	VFNMADD231PS SCALE, e, t  \
	VFMADD231PS  RECIP, t, e  \
	VPADDD       UNIT, CLIPPED, K2, CLIPPED

#define DEVIATE_FINISH(x, ye, e, f, g, yg) \
	VRNDSCALEPS   $8, e, e        \
	VMULPS        SCALE, e, e     \
	VSUBPS        x, e, e         \
	VPANDD        MAGNITUDE, e, e \
	VPMAXUD       e, MAX, MAX     \
	VEXTRACTF64X4 $1, e, yg       \
	VCVTPS2PD     ye, f           \
	VCVTPS2PD     yg, g           \
	VADDPD        f, Z24, Z24     \
	VADDPD        g, Z25, Z25     \
	VFMADD231PD   f, f, Z26       \
	VFMADD231PD   g, g, Z27

// ADD_SQUARES adds the squares of the 16 elements off bytes from p on to the lanes
// in Z14 and Z15. These additions wait for one another, which costs no time as
// there is other work between them.
#define ADD_SQUARES(off, p) \
	VCVTPS2PD   (0+off)(p), Z12  \
	VCVTPS2PD   (32+off)(p), Z13 \
	VFMADD231PD Z12, Z12, Z14    \
	VFMADD231PD Z13, Z13, Z15

//	for i := range acc { // abs, e2, x2, greatest and clipped begin at 0 for each run
//		for j, x := range src[i*run : min((i+1)*run, len(src))] {
//			d, c := deviation(x, scale[i], float32(qmin-zero[i]), float32(qmax-zero[i]))
//			abs[j%lanes] += float64(d)
//			e2[j%lanes], x2[j%lanes] = e2[j%lanes]+float64(d)*float64(d), x2[j%lanes]+float64(x)*float64(x)
//			greatest, clipped = max(greatest, d), clipped+c
//		}
//		acc[i], sq[i] = sums{fold(&abs), fold(&e2), greatest, clipped}, fold(&x2) // sq unless it is nil
//	}
//
// func errorsRunsAVX512(acc []sums, sq []float64, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int
//
// It returns how many runs it did: all, or a multiple of 16 if it does not serve a
// scale among the next 16. Z24 and Z25 hold the lanes of sum |e|, Z26 and Z27 those
// of sum e², Z14 and Z15 those of sum x². The frame holds scales at 0, reciprocals
// at 64, edges at 128 and 192.
#define ACC       DI  // where the next sums go
#define DONE      R13 // runs done
#define INDEX     R12 // which of the 16 prepared runs
#define QMIN      R14 // qmin
#define QMAX      R15 // qmax
#define SQ        BX  // sq, to tell whether it is nil
#define MAGNITUDE Z21 // mask of the magnitude of a float32
#define UNIT      Z23 // 1
#define MAX       Z28 // bits of the greatest |e|
#define MAX_Y     Y28 // its lower half
#define CLIPPED   Z29 // counts of clamped elements
#define CLIPPED_Y Y29 // its lower half
TEXT ·errorsRunsAVX512(SB), NOSPLIT, $320-144
	MOVQ acc_base+0(FP), ACC
	MOVQ src_base+48(FP), SRC
	MOVQ src_len+56(FP), LEFT
	MOVQ run+72(FP), RUN
	MOVQ scale_base+80(FP), SCALES
	MOVQ scale_len+88(FP), PARAMS_LEFT
	MOVQ zero_base+104(FP), ZEROS
	MOVL qmin+128(FP), QMIN
	MOVL qmax+132(FP), QMAX
	XORL DONE, DONE // runs done
	BROADCAST(magnitudeMask, MAGNITUDE)
	BROADCAST(1, UNIT)

params: // the parameters of the next 16 runs
	CONSTANTS(QMIN, QMAX)
	VPXORD Z24, Z24, Z24
	NEXT_PARAMS
	EDGES
	KTESTW K3, K3
	JNE    done
	VMOVUPS SCALE, 0(SP)
	VMOVUPS RECIP, 64(SP)
	VMOVUPS LOWER, 128(SP)
	VMOVUPS UPPER, 192(SP)
	XORL   INDEX, INDEX

nextrun:
	MOVQ    RUN, N
	CMPQ    LEFT, N
	CMOVQLT LEFT, N
	SUBQ    N, LEFT
	VBROADCASTSS 0(SP)(INDEX*4), SCALE
	VBROADCASTSS 64(SP)(INDEX*4), RECIP
	VBROADCASTSS 128(SP)(INDEX*4), LOWER
	VBROADCASTSS 192(SP)(INDEX*4), UPPER
	VPXORD Z24, Z24, Z24
	VPXORD Z25, Z25, Z25
	VPXORD Z26, Z26, Z26
	VPXORD Z27, Z27, Z27
	VPXORD MAX, MAX, MAX
	VPXORD CLIPPED, CLIPPED, CLIPPED
	VPXORD Z14, Z14, Z14
	VPXORD Z15, Z15, Z15
	MOVQ   sq_base+24(FP), SQ
	SUBQ   $32, N
	JB     rest

	VMOVUPS 0(SRC), Z0
	DEVIATE_BEGIN(Z0, Z1, Z2)
	VMOVUPS 64(SRC), Z6
	DEVIATE_BEGIN(Z6, Z7, Z8)
	TESTQ SQ, SQ
	JNE   squares
	JMP   next2

loop2:
	DEVIATE_FINISH(Z0, Y2, Z2, Z4, Z5, Y5)
	VMOVUPS 0(SRC), Z0
	DEVIATE_BEGIN(Z0, Z1, Z2)
	DEVIATE_FINISH(Z6, Y8, Z8, Z10, Z11, Y11)
	VMOVUPS 64(SRC), Z6
	DEVIATE_BEGIN(Z6, Z7, Z8)

next2:
	ADDQ $128, SRC
	SUBQ $32, N
	JAE  loop2
	JMP  finish

loop2squares:
	DEVIATE_FINISH(Z0, Y2, Z2, Z4, Z5, Y5)
	VMOVUPS 0(SRC), Z0
	DEVIATE_BEGIN(Z0, Z1, Z2)
	DEVIATE_FINISH(Z6, Y8, Z8, Z10, Z11, Y11)
	VMOVUPS 64(SRC), Z6
	DEVIATE_BEGIN(Z6, Z7, Z8)

squares:
	ADD_SQUARES(0, SRC)
	ADD_SQUARES(64, SRC)
	ADDQ $128, SRC
	SUBQ $32, N
	JAE  loop2squares

finish:
	DEVIATE_FINISH(Z0, Y2, Z2, Z4, Z5, Y5)
	DEVIATE_FINISH(Z6, Y8, Z8, Z10, Z11, Y11)

rest: // N + 32 elements, fewer than 32
	TESTQ SQ, SQ
	JE   rest16
	MOVQ SRC, SQ
	ADDQ $32, N
	CMPQ N, $16
	JB   squarestail
	ADD_SQUARES(0, SQ)
	ADDQ $64, SQ
	SUBQ $16, N

squarestail:
	MASK(N, K1)
	VMOVUPS.Z (SQ), K1, Z12
	VEXTRACTF64X4 $1, Z12, Y13
	VCVTPS2PD Y12, Z12
	VCVTPS2PD Y13, Z13
	VFMADD231PD Z12, Z12, Z14
	VFMADD231PD Z13, Z13, Z15
	SUBQ SRC, SQ
	SHRQ $2, SQ
	LEAQ -32(N)(SQ*1), N
	MOVQ sq_base+24(FP), SQ
	FOLD(Z14, Z15, Y14, X14, (SQ)(DONE*8))

rest16:
	ADDQ $16, N
	JL   tail

	VMOVUPS (SRC), Z0
	DEVIATE(Z0, Z1, Z2)
	VPADDD  UNIT, CLIPPED, K2, CLIPPED
	VPMAXUD Z2, MAX, MAX
	VEXTRACTF64X4 $1, Z2, Y3
	VCVTPS2PD Y2, Z4
	VCVTPS2PD Y3, Z5
	VADDPD  Z4, Z24, Z24
	VADDPD  Z5, Z25, Z25
	VFMADD231PD Z4, Z4, Z26
	VFMADD231PD Z5, Z5, Z27
	ADDQ $64, SRC
	SUBQ $16, N

tail:
	ADDQ $16, N
	JZ   fold
	MASK(N, K1)
	VMOVUPS.Z (SRC), K1, Z0
	DEVIATE(Z0, Z1, Z2)
	KANDW   K1, K2, K2
	VMOVUPS.Z Z2, K1, Z2
	VPADDD  UNIT, CLIPPED, K2, CLIPPED
	VPMAXUD Z2, MAX, MAX
	VEXTRACTF64X4 $1, Z2, Y3
	VCVTPS2PD Y2, Z4
	VCVTPS2PD Y3, Z5
	VADDPD  Z4, Z24, Z24
	VADDPD  Z5, Z25, Z25
	VFMADD231PD Z4, Z4, Z26
	VFMADD231PD Z5, Z5, Z27
	LEAQ (SRC)(N*4), SRC

fold:
	FOLD(Z24, Z25, Y24, X24, 0(ACC))
	FOLD(Z26, Z27, Y26, X26, 8(ACC))
	VEXTRACTI64X4 $1, MAX, Y0
	VEXTRACTI64X4 $1, CLIPPED, Y1
	VPMAXUD Y0, MAX_Y, Y0
	VPADDD  Y1, CLIPPED_Y, Y1
	VEXTRACTI128 $1, Y0, X2
	VEXTRACTI128 $1, Y1, X3
	VPMAXUD X2, X0, X0
	VPADDD  X3, X1, X1
	VPSHUFD $0x4e, X0, X2
	VPSHUFD $0x4e, X1, X3
	VPMAXUD X2, X0, X0
	VPADDD  X3, X1, X1
	VPSHUFD $0xb1, X0, X2
	VPSHUFD $0xb1, X1, X3
	VPMAXUD X2, X0, X0
	VPADDD  X3, X1, X1
	VMOVD   X0, 16(ACC)
	VMOVD   X1, 20(ACC)
	ADDQ    $24, ACC
	INCQ    DONE
	INCQ    INDEX
	TESTQ   LEFT, LEFT
	JZ      done
	CMPQ    INDEX, $16
	JNE     nextrun
	JMP     params

done:
	MOVQ DONE, ret+136(FP)
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
// func errorsColumnsAVX512(abs, sq *float64, max *float32, clipped *uint32, src *float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32) int
//
// It takes up to 16 columns at a time, and returns how many it did: all, or a
// multiple of 16 if it does not serve a scale among the next 16. Z24 and Z25 hold
// sum |e|, Z26 and Z27 sum e². K1 masks the columns, K4 the upper 8 of them.
//
// Named above: DONE, QMIN, QMAX, MAGNITUDE, UNIT, MAX, CLIPPED.
#define STRIDE    R8 // bytes from row to row
#define ROWS_LEFT CX // rows left
TEXT ·errorsColumnsAVX512(SB), NOSPLIT, $0-120
	MOVQ scale_base+56(FP), SCALES
	MOVQ scale_len+64(FP), PARAMS_LEFT
	MOVQ zero_base+80(FP), ZEROS
	MOVL qmin+104(FP), QMIN
	MOVL qmax+108(FP), QMAX
	MOVQ stride+48(FP), STRIDE
	SHLQ $2, STRIDE
	XORL DONE, DONE // columns done
	BROADCAST(magnitudeMask, MAGNITUDE)
	BROADCAST(1, UNIT)

columns: // up to 16 columns
	TESTQ PARAMS_LEFT, PARAMS_LEFT
	JZ    done
	CONSTANTS(QMIN, QMAX)
	VPXORD Z24, Z24, Z24
	NEXT_PARAMS // leaves the mask in K1 and the number in BX
	EDGES
	KTESTW K3, K3
	JNE    done
	KSHIFTRW $8, K1, K4
	MOVQ abs+0(FP), AX
	VMOVUPD.Z 0(AX)(DONE*8), K1, Z24
	VMOVUPD.Z 64(AX)(DONE*8), K4, Z25
	MOVQ sq+8(FP), AX
	VMOVUPD.Z 0(AX)(DONE*8), K1, Z26
	VMOVUPD.Z 64(AX)(DONE*8), K4, Z27
	MOVQ max+16(FP), AX
	VMOVDQU32.Z (AX)(DONE*4), K1, MAX
	MOVQ clipped+24(FP), AX
	VMOVDQU32.Z (AX)(DONE*4), K1, CLIPPED
	MOVQ src+32(FP), SRC
	LEAQ (SRC)(DONE*4), SRC
	MOVQ rows+40(FP), ROWS_LEFT

loop: // down the rows
	VMOVUPS.Z (SRC), K1, Z0
	DEVIATE(Z0, Z1, Z2)
	VPADDD  UNIT, CLIPPED, K2, CLIPPED
	VPMAXUD Z2, MAX, MAX
	VEXTRACTF64X4 $1, Z2, Y3
	VCVTPS2PD Y2, Z4
	VCVTPS2PD Y3, Z5
	VADDPD  Z4, Z24, Z24
	VADDPD  Z5, Z25, Z25
	VFMADD231PD Z4, Z4, Z26
	VFMADD231PD Z5, Z5, Z27
	ADDQ STRIDE, SRC
	DECQ ROWS_LEFT
	JNZ  loop

	MOVQ abs+0(FP), AX
	VMOVUPD Z24, K1, 0(AX)(DONE*8)
	VMOVUPD Z25, K4, 64(AX)(DONE*8)
	MOVQ sq+8(FP), AX
	VMOVUPD Z26, K1, 0(AX)(DONE*8)
	VMOVUPD Z27, K4, 64(AX)(DONE*8)
	MOVQ max+16(FP), AX
	VMOVDQU32 MAX, K1, (AX)(DONE*4)
	MOVQ clipped+24(FP), AX
	VMOVDQU32 CLIPPED, K1, (AX)(DONE*4)
	ADDQ BX, DONE
	JMP  columns

done:
	MOVQ DONE, ret+112(FP)
	VZEROUPPER
	RET
