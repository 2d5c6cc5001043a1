//go:build !purego

#include "textflag.h"
#include "kernels_avx512_amd64.h"

// ERRORS
//
// Whether a code has to be clamped is seen from x alone: codes rise with x, so
// there is a greatest x whose code is at most qmax, and a least one whose code
// is at least qmin. With x clamped to these the quotient rounds to a code of
// the grid, and an x that the clamp changes is one whose code is clamped.
// EDGE finds them once for each scale.

// EDGE sets t to the last x, counted from outside the grid, whose quotient
// rounds to bound or farther in. It starts two places outside of RN(b·s), b being
// the bound and half a step, since RN(x/s) reaches b within 1 + 2^-24 of b·s
// and the product is rounded once, and goes inwards one place at a time; six
// are enough, as a place may be half as large across a power of two. Where one
// is still outside, K3 says that the scale is not for this kernel. out is the
// comparison that says so: 14 (greater) for qmax, 1 (less) for qmin; away adds
// one to t's magnitude where bound is positive, toward takes it off.
//
// It uses Z2 to Z5 and K2; Z24 is zero.
#define STEP(bound, out, t) \
	VDIVPS      Z16, t, Z4       \
	VRNDSCALEPS $8, Z4, Z4       \
	VCMPPS      out, bound, Z4, K2 \
	VPSUBD      Z5, t, K2, t

#define EDGE(bound, half, out, outward, t) \
	BROADCAST(half, Z2)            \
	VADDPS      bound, Z2, Z2      \
	VMULPS      Z16, Z2, t         \
	VPSRAD      $31, t, Z5         \
	VPORD       Z23, Z5, Z5        \
	outward                        \
	VPADDD      Z5, t, t           \
	VPADDD      Z5, t, t           \
	STEP(bound, out, t)            \
	STEP(bound, out, t)            \
	STEP(bound, out, t)            \
	STEP(bound, out, t)            \
	STEP(bound, out, t)            \
	STEP(bound, out, t)            \
	VDIVPS      Z16, t, Z4         \
	VRNDSCALEPS $8, Z4, Z4         \
	VCMPPS      out, bound, Z4, K2 \
	KORW        K2, K3, K3

// OUTWARD: toward +Inf adds 1 to the bits of a positive value and takes 1 off
// those of a negative one; toward -Inf the other way round.
#define UPWARD
#define DOWNWARD VPSUBD Z5, Z24, Z5

// EDGES prepares scales in Z16 and zero points in Z20: reciprocals in Z17 and
// edges in Z18 and Z19. K3 tells the scales that are not for this kernel.
#define EDGES \
	PREPARE                                \
	EDGE(Z0, 0xbf000000, $1, DOWNWARD, Z18) \
	EDGE(Z1, 0x3f000000, $14, UPWARD, Z19)

// DEVIATE sets e to |e| of the elements x, and K2 to those that were clamped.
#define DEVIATE(x, t, e) \
	VMAXPS       Z18, x, t \
	VMINPS       Z19, t, t \
	VCMPPS       $4, x, t, K2 \
	VMULPS       Z17, t, e \
	VFNMADD231PS Z16, e, t \
	VFMADD231PS  Z17, t, e \
	VRNDSCALEPS  $8, e, e  \
	VMULPS       Z16, e, e \
	VSUBPS       x, e, e   \
	VPANDD       Z21, e, e

// A core sees only so far ahead, and DEVIATE is a long way. BEGIN goes half of
// it, up to the quotient, and counts the clamped; FINISH goes on and adds. Between
// the two of a vector come those of others, which a core then has to do meanwhile.
#define BEGIN(x, t, e) \
	VMAXPS       Z18, x, t     \
	VMINPS       Z19, t, t     \
	VCMPPS       $4, x, t, K2  \
	VMULPS       Z17, t, e     \
	VFNMADD231PS Z16, e, t     \
	VFMADD231PS  Z17, t, e     \
	VPADDD       Z23, Z29, K2, Z29

#define FINISH(x, ye, e, f, g, yg) \
	VRNDSCALEPS   $8, e, e     \
	VMULPS        Z16, e, e    \
	VSUBPS        x, e, e      \
	VPANDD        Z21, e, e    \
	VPMAXUD       e, Z28, Z28  \
	VEXTRACTF64X4 $1, e, yg    \
	VCVTPS2PD     ye, f        \
	VCVTPS2PD     yg, g        \
	VADDPD        f, Z24, Z24  \
	VADDPD        g, Z25, Z25  \
	VFMADD231PD   f, f, Z26    \
	VFMADD231PD   g, g, Z27

// SQUARE adds the squares of 16 elements at off(p) to the lanes in Z14 and Z15.
// They wait for one another longer than they take to make, but do so as well
// while there is something else to do.
#define SQUARE(off, p) \
	VCVTPS2PD   (0+off)(p), Z12  \
	VCVTPS2PD   (32+off)(p), Z13 \
	VFMADD231PD Z12, Z12, Z14    \
	VFMADD231PD Z13, Z13, Z15

// func errorsRunsAVX512(acc []sums, sq []float64, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int
//
// It returns how many runs it did: all, or a multiple of 16 if a scale among
// the next 16 is not for this kernel. Z24 and Z25 hold the lanes of sum|e|, Z26
// and Z27 those of sum e², Z28 the bits of max|e|, Z29 the count of clipped. If
// sq is not nil, it gets the sums of x².
TEXT ·errorsRunsAVX512(SB), NOSPLIT, $320-144
	MOVQ acc_base+0(FP), DI
	MOVQ src_base+48(FP), SI
	MOVQ src_len+56(FP), DX
	MOVQ run+72(FP), R8
	MOVQ scale_base+80(FP), R9
	MOVQ scale_len+88(FP), R11
	MOVQ zero_base+104(FP), R10
	MOVL qmin+128(FP), R14
	MOVL qmax+132(FP), R15
	XORL R13, R13 // runs done
	BROADCAST(0x7fffffff, Z21)
	BROADCAST(1, Z23)

params: // of the next 16 runs
	CONSTANTS(R14, R15)
	VPXORD Z24, Z24, Z24
	NEXT16
	EDGES
	KTESTW K3, K3
	JNE    done
	VMOVUPS Z16, 0(SP)
	VMOVUPS Z17, 64(SP)
	VMOVUPS Z18, 128(SP)
	VMOVUPS Z19, 192(SP)
	XORL   R12, R12

nextrun:
	MOVQ    R8, CX
	CMPQ    DX, CX
	CMOVQLT DX, CX
	SUBQ    CX, DX
	VBROADCASTSS 0(SP)(R12*4), Z16
	VBROADCASTSS 64(SP)(R12*4), Z17
	VBROADCASTSS 128(SP)(R12*4), Z18
	VBROADCASTSS 192(SP)(R12*4), Z19
	VPXORD Z24, Z24, Z24
	VPXORD Z25, Z25, Z25
	VPXORD Z26, Z26, Z26
	VPXORD Z27, Z27, Z27
	VPXORD Z28, Z28, Z28
	VPXORD Z29, Z29, Z29
	VPXORD Z14, Z14, Z14
	VPXORD Z15, Z15, Z15
	MOVQ   sq_base+24(FP), BX
	SUBQ   $32, CX
	JB     rest

	VMOVUPS 0(SI), Z0
	BEGIN(Z0, Z1, Z2)
	VMOVUPS 64(SI), Z6
	BEGIN(Z6, Z7, Z8)
	TESTQ BX, BX
	JNE   squares
	JMP   next2

loop2:
	FINISH(Z0, Y2, Z2, Z4, Z5, Y5)
	VMOVUPS 0(SI), Z0
	BEGIN(Z0, Z1, Z2)
	FINISH(Z6, Y8, Z8, Z10, Z11, Y11)
	VMOVUPS 64(SI), Z6
	BEGIN(Z6, Z7, Z8)

next2:
	ADDQ $128, SI
	SUBQ $32, CX
	JAE  loop2
	JMP  finish

loop2squares:
	FINISH(Z0, Y2, Z2, Z4, Z5, Y5)
	VMOVUPS 0(SI), Z0
	BEGIN(Z0, Z1, Z2)
	FINISH(Z6, Y8, Z8, Z10, Z11, Y11)
	VMOVUPS 64(SI), Z6
	BEGIN(Z6, Z7, Z8)

squares:
	SQUARE(0, SI)
	SQUARE(64, SI)
	ADDQ $128, SI
	SUBQ $32, CX
	JAE  loop2squares

finish:
	FINISH(Z0, Y2, Z2, Z4, Z5, Y5)
	FINISH(Z6, Y8, Z8, Z10, Z11, Y11)

rest: // CX + 32 elements, fewer than 32
	TESTQ BX, BX
	JE   rest16
	MOVQ SI, BX
	ADDQ $32, CX
	CMPQ CX, $16
	JB   squarestail
	SQUARE(0, BX)
	ADDQ $64, BX
	SUBQ $16, CX

squarestail:
	MASK(CX, K1)
	VMOVUPS.Z (BX), K1, Z12
	VEXTRACTF64X4 $1, Z12, Y13
	VCVTPS2PD Y12, Z12
	VCVTPS2PD Y13, Z13
	VFMADD231PD Z12, Z12, Z14
	VFMADD231PD Z13, Z13, Z15
	SUBQ SI, BX
	SHRQ $2, BX
	LEAQ -32(CX)(BX*1), CX
	MOVQ sq_base+24(FP), BX
	FOLD(Z14, Z15, Y14, X14, (BX)(R13*8))

rest16:
	ADDQ $16, CX
	JL   tail

	VMOVUPS (SI), Z0
	DEVIATE(Z0, Z1, Z2)
	VPADDD  Z23, Z29, K2, Z29
	VPMAXUD Z2, Z28, Z28
	VEXTRACTF64X4 $1, Z2, Y3
	VCVTPS2PD Y2, Z4
	VCVTPS2PD Y3, Z5
	VADDPD  Z4, Z24, Z24
	VADDPD  Z5, Z25, Z25
	VFMADD231PD Z4, Z4, Z26
	VFMADD231PD Z5, Z5, Z27
	ADDQ $64, SI
	SUBQ $16, CX

tail:
	ADDQ $16, CX
	JZ   fold
	MASK(CX, K1)
	VMOVUPS.Z (SI), K1, Z0
	DEVIATE(Z0, Z1, Z2)
	KANDW   K1, K2, K2
	VMOVUPS.Z Z2, K1, Z2
	VPADDD  Z23, Z29, K2, Z29
	VPMAXUD Z2, Z28, Z28
	VEXTRACTF64X4 $1, Z2, Y3
	VCVTPS2PD Y2, Z4
	VCVTPS2PD Y3, Z5
	VADDPD  Z4, Z24, Z24
	VADDPD  Z5, Z25, Z25
	VFMADD231PD Z4, Z4, Z26
	VFMADD231PD Z5, Z5, Z27
	LEAQ (SI)(CX*4), SI

fold:
	FOLD(Z24, Z25, Y24, X24, 0(DI))
	FOLD(Z26, Z27, Y26, X26, 8(DI))
	VEXTRACTI64X4 $1, Z28, Y0
	VEXTRACTI64X4 $1, Z29, Y1
	VPMAXUD Y0, Y28, Y0
	VPADDD  Y1, Y29, Y1
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
	VMOVD   X0, 16(DI)
	VMOVD   X1, 20(DI)
	ADDQ    $24, DI
	INCQ    R13
	INCQ    R12
	TESTQ   DX, DX
	JZ      done
	CMPQ    R12, $16
	JNE     nextrun
	JMP     params

done:
	MOVQ R13, ret+136(FP)
	VZEROUPPER
	RET

// func errorsColumnsAVX512(abs, sq *float64, max *float32, clipped *uint32, src *float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32) int
//
// It takes 16 columns at a time, and returns how many columns it did: all, or
// a multiple of 16 if a scale among the next 16 is not for this kernel.
TEXT ·errorsColumnsAVX512(SB), NOSPLIT, $0-120
	MOVQ scale_base+56(FP), R9
	MOVQ scale_len+64(FP), R11
	MOVQ zero_base+80(FP), R10
	MOVL qmin+104(FP), R14
	MOVL qmax+108(FP), R15
	MOVQ stride+48(FP), R8
	SHLQ $2, R8
	XORL R13, R13 // columns done
	BROADCAST(0x7fffffff, Z21)
	BROADCAST(1, Z23)

columns: // the next up to 16
	TESTQ R11, R11
	JZ    done
	CONSTANTS(R14, R15)
	VPXORD Z24, Z24, Z24
	NEXT16 // leaves the mask in K1 and the number in BX
	EDGES
	KTESTW K3, K3
	JNE    done
	KSHIFTRW $8, K1, K4
	MOVQ abs+0(FP), AX
	VMOVUPD.Z 0(AX)(R13*8), K1, Z24
	VMOVUPD.Z 64(AX)(R13*8), K4, Z25
	MOVQ sq+8(FP), AX
	VMOVUPD.Z 0(AX)(R13*8), K1, Z26
	VMOVUPD.Z 64(AX)(R13*8), K4, Z27
	MOVQ max+16(FP), AX
	VMOVDQU32.Z (AX)(R13*4), K1, Z28
	MOVQ clipped+24(FP), AX
	VMOVDQU32.Z (AX)(R13*4), K1, Z29
	MOVQ src+32(FP), SI
	LEAQ (SI)(R13*4), SI
	MOVQ rows+40(FP), CX

loop: // down the rows
	VMOVUPS.Z (SI), K1, Z0
	DEVIATE(Z0, Z1, Z2)
	VPADDD  Z23, Z29, K2, Z29
	VPMAXUD Z2, Z28, Z28
	VEXTRACTF64X4 $1, Z2, Y3
	VCVTPS2PD Y2, Z4
	VCVTPS2PD Y3, Z5
	VADDPD  Z4, Z24, Z24
	VADDPD  Z5, Z25, Z25
	VFMADD231PD Z4, Z4, Z26
	VFMADD231PD Z5, Z5, Z27
	ADDQ R8, SI
	DECQ CX
	JNZ  loop

	MOVQ abs+0(FP), AX
	VMOVUPD Z24, K1, 0(AX)(R13*8)
	VMOVUPD Z25, K4, 64(AX)(R13*8)
	MOVQ sq+8(FP), AX
	VMOVUPD Z26, K1, 0(AX)(R13*8)
	VMOVUPD Z27, K4, 64(AX)(R13*8)
	MOVQ max+16(FP), AX
	VMOVDQU32 Z28, K1, (AX)(R13*4)
	MOVQ clipped+24(FP), AX
	VMOVDQU32 Z29, K1, (AX)(R13*4)
	ADDQ BX, R13
	JMP  columns

done:
	MOVQ R13, ret+112(FP)
	VZEROUPPER
	RET
