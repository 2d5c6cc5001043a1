//go:build !purego

#include "textflag.h"
#include "kernels_avx512_amd64.h"

// PARAMS16 prepares 16 runs and stores the parameters in the frame: scale at
// 0, reciprocal at 64, bounds at 128 and 192, and the zero point less Z24 at 256.
// If K3 is not zero the bounds are those of the quotient.
#define PARAMS16 \
	NEXT16                  \
	PREPARE                 \
	VPSUBD  Z24, Z20, Z20   \
	VMOVDQU32 Z20, 256(SP)  \
	VMOVUPS Z16, 0(SP)      \
	VMOVUPS Z17, 64(SP)     \
	KTESTW  K3, K3          \
	SETNE   R13             \
	JNE     2(PC)           \
	VMULPS  Z16, Z0, Z0     \
	VMOVUPS Z0, 128(SP)     \
	JNE     2(PC)           \
	VMULPS  Z16, Z1, Z1     \
	VMOVUPS Z1, 192(SP)

// PARAMS broadcasts those of run R12 of the 16.
#define PARAMS \
	VBROADCASTSS 0(SP)(R12*4), Z16   \
	VBROADCASTSS 64(SP)(R12*4), Z17  \
	VBROADCASTSS 128(SP)(R12*4), Z18 \
	VBROADCASTSS 192(SP)(R12*4), Z19 \
	VPBROADCASTD 256(SP)(R12*4), Z20

// func quantizeInt8RunsAVX512(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool)
//
// An unsigned grid of 8 bits is moved down by 128, so that a signed pack holds
// it, and moved back by Z21, which flips the top bits.
TEXT ·quantizeInt8RunsAVX512(SB), NOSPLIT, $320-113
	MOVQ    dst_base+0(FP), DI
	MOVQ    src_base+24(FP), SI
	MOVQ    src_len+32(FP), DX
	MOVQ    run+48(FP), R8
	MOVQ    scale_base+56(FP), R9
	MOVQ    scale_len+64(FP), R11
	MOVQ    zero_base+80(FP), R10
	MOVL    qmin+104(FP), BX
	MOVL    qmax+108(FP), CX
	MOVBQZX stream+112(FP), R14
	CONSTANTS(BX, CX)
	VMOVDQU32 packOrder512<>(SB), Z23
	VPXORD  Z24, Z24, Z24
	VPXORD Z21, Z21, Z21
	CMPL    CX, $127
	JLE     params
	BROADCAST(128, Z24)
	BROADCAST(0x80808080, Z21)

params: // of the next 16 runs
	PARAMS16
	XORL R12, R12

nextrun:
	TESTQ   DX, DX
	JZ      done
	CMPQ    R12, $16
	JE      params
	MOVQ    R8, CX
	CMPQ    DX, CX
	CMOVQLT DX, CX
	SUBQ    CX, DX
	PARAMS
	INCQ    R12
	TESTB   R13, R13
	JNE     divide
	TESTQ   R14, R14
	JNE     head

whole: // CX elements, 64 at a time
	SUBQ $64, CX
	JB   rest

loop:
	VMOVUPS 0(SI), Z0
	VMOVUPS 64(SI), Z1
	VMOVUPS 128(SI), Z2
	VMOVUPS 192(SI), Z3
	QUOTIENT(Z0, Z4)
	QUOTIENT(Z1, Z5)
	QUOTIENT(Z2, Z6)
	QUOTIENT(Z3, Z7)
	CODE(Z4)
	CODE(Z5)
	CODE(Z6)
	CODE(Z7)
	VPACKSSDW Z5, Z4, Z4
	VPACKSSDW Z7, Z6, Z6
	VPACKSSWB Z6, Z4, Z4
	VPERMD    Z4, Z23, Z4
	VPXORD    Z21, Z4, Z4
	VMOVDQU64 Z4, (DI)
	ADDQ $256, SI
	ADDQ $64, DI
	SUBQ $64, CX
	JAE  loop

rest: // CX + 64 elements, fewer than 64
	ADDQ $64, CX
	SUBQ $16, CX
	JB   tail

loop16:
	VMOVUPS (SI), Z0
	QUOTIENT(Z0, Z4)
	CODE(Z4)
	VPMOVDB Z4, X4
	VPXORD  X21, X4, X4
	VMOVDQU X4, (DI)
	ADDQ $64, SI
	ADDQ $16, DI
	SUBQ $16, CX
	JAE  loop16

tail:
	ADDQ $16, CX
	JZ   nextrun
	MASK(CX, K1)
	VMOVUPS.Z (SI), K1, Z0
	QUOTIENT(Z0, Z4)
	CODE(Z4)
	VPMOVDB   Z4, X4
	VPXORD    X21, X4, X4
	VMOVDQU8  X4, K1, (DI)
	LEAQ (SI)(CX*4), SI
	ADDQ CX, DI
	JMP  nextrun

head: // up to an aligned destination, for stores past the caches
	CMPQ CX, $256
	JB   whole
	MOVQ DI, BX
	NEGQ BX
	ANDQ $63, BX
	SUBQ BX, CX

head16:
	MOVQ    $16, R15
	CMPQ    BX, R15
	CMOVQLT BX, R15
	MASK(R15, K1)
	VMOVUPS.Z (SI), K1, Z0
	QUOTIENT(Z0, Z4)
	CODE(Z4)
	VPMOVDB   Z4, X4
	VPXORD    X21, X4, X4
	VMOVDQU8  X4, K1, (DI)
	LEAQ (SI)(R15*4), SI
	ADDQ R15, DI
	SUBQ R15, BX
	JNZ  head16
	SUBQ $64, CX

past:
	VMOVUPS 0(SI), Z0
	VMOVUPS 64(SI), Z1
	VMOVUPS 128(SI), Z2
	VMOVUPS 192(SI), Z3
	QUOTIENT(Z0, Z4)
	QUOTIENT(Z1, Z5)
	QUOTIENT(Z2, Z6)
	QUOTIENT(Z3, Z7)
	CODE(Z4)
	CODE(Z5)
	CODE(Z6)
	CODE(Z7)
	VPACKSSDW Z5, Z4, Z4
	VPACKSSDW Z7, Z6, Z6
	VPACKSSWB Z6, Z4, Z4
	VPERMD    Z4, Z23, Z4
	VPXORD    Z21, Z4, Z4
	VMOVNTDQ  Z4, (DI)
	ADDQ $256, SI
	ADDQ $64, DI
	SUBQ $64, CX
	JAE  past
	JMP  rest

divide: // 16 at a time
	SUBQ $16, CX
	JB   dividetail

divideloop:
	VMOVUPS (SI), Z0
	DIVIDE(Z0, Z4)
	CODE(Z4)
	VPMOVDB Z4, X4
	VPXORD  X21, X4, X4
	VMOVDQU X4, (DI)
	ADDQ $64, SI
	ADDQ $16, DI
	SUBQ $16, CX
	JAE  divideloop

dividetail:
	ADDQ $16, CX
	JZ   nextrun
	MASK(CX, K1)
	VMOVUPS.Z (SI), K1, Z0
	DIVIDE(Z0, Z4)
	CODE(Z4)
	VPMOVDB   Z4, X4
	VPXORD    X21, X4, X4
	VMOVDQU8  X4, K1, (DI)
	LEAQ (SI)(CX*4), SI
	ADDQ CX, DI
	JMP  nextrun

done:
	VZEROUPPER
	RET

// func quantizeInt16RunsAVX512(dst []uint16, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool)
TEXT ·quantizeInt16RunsAVX512(SB), NOSPLIT, $320-113
	MOVQ    dst_base+0(FP), DI
	MOVQ    src_base+24(FP), SI
	MOVQ    src_len+32(FP), DX
	MOVQ    run+48(FP), R8
	MOVQ    scale_base+56(FP), R9
	MOVQ    scale_len+64(FP), R11
	MOVQ    zero_base+80(FP), R10
	MOVL    qmin+104(FP), BX
	MOVL    qmax+108(FP), CX
	MOVBQZX stream+112(FP), R14
	CONSTANTS(BX, CX)
	VPXORD  Z24, Z24, Z24

params:
	PARAMS16
	XORL R12, R12

nextrun:
	TESTQ   DX, DX
	JZ      done
	CMPQ    R12, $16
	JE      params
	MOVQ    R8, CX
	CMPQ    DX, CX
	CMOVQLT DX, CX
	SUBQ    CX, DX
	PARAMS
	INCQ    R12
	TESTB   R13, R13
	JNE     divide
	SUBQ    $16, CX
	JB      tail
	TESTQ   R14, R14
	JNE     head

loop:
	VMOVUPS   (SI), Z0
	QUOTIENT(Z0, Z4)
	CODE(Z4)
	VPMOVDW   Z4, Y4
	VMOVDQU   Y4, (DI)
	ADDQ $64, SI
	ADDQ $32, DI
	SUBQ $16, CX
	JAE  loop

tail:
	ADDQ $16, CX
	JZ   nextrun
	MASK(CX, K1)
	VMOVUPS.Z (SI), K1, Z0
	QUOTIENT(Z0, Z4)
	CODE(Z4)
	VPMOVDW   Z4, Y4
	VMOVDQU16 Y4, K1, (DI)
	LEAQ (SI)(CX*4), SI
	LEAQ (DI)(CX*2), DI
	JMP  nextrun

head: // up to an aligned destination, for stores past the caches
	CMPQ CX, $256
	JB   loop
	MOVQ DI, BX
	NEGQ BX
	ANDQ $31, BX
	SHRQ $1, BX
	MASK(BX, K1)
	VMOVUPS.Z (SI), K1, Z0
	QUOTIENT(Z0, Z4)
	CODE(Z4)
	VPMOVDW   Z4, Y4
	VMOVDQU16 Y4, K1, (DI)
	LEAQ (SI)(BX*4), SI
	LEAQ (DI)(BX*2), DI
	SUBQ BX, CX

past:
	VMOVUPS   (SI), Z0
	QUOTIENT(Z0, Z4)
	CODE(Z4)
	VPMOVDW   Z4, Y4
	VMOVNTDQ  Y4, (DI)
	ADDQ $64, SI
	ADDQ $32, DI
	SUBQ $16, CX
	JAE  past
	JMP  tail

divide:
	SUBQ $16, CX
	JB   dividetail

divideloop:
	VMOVUPS   (SI), Z0
	DIVIDE(Z0, Z4)
	CODE(Z4)
	VPMOVDW   Z4, Y4
	VMOVDQU   Y4, (DI)
	ADDQ $64, SI
	ADDQ $32, DI
	SUBQ $16, CX
	JAE  divideloop

dividetail:
	ADDQ $16, CX
	JZ   nextrun
	MASK(CX, K1)
	VMOVUPS.Z (SI), K1, Z0
	DIVIDE(Z0, Z4)
	CODE(Z4)
	VPMOVDW   Z4, Y4
	VMOVDQU16 Y4, K1, (DI)
	LEAQ (SI)(CX*4), SI
	LEAQ (DI)(CX*2), DI
	JMP  nextrun

done:
	VZEROUPPER
	RET

// DEQUANTIZE turns codes into real values. A code is sign-extended; those of an
// unsigned grid have their top bit flipped first, by Z21, which takes half the
// grid off them, as it is taken off the zero point in Z20.
#define DEQUANTIZE(v) \
	VPSUBD    Z20, v, v \
	VCVTDQ2PS v, v      \
	VMULPS    Z16, v, v

// func dequantizeInt8RunsAVX512(dst []float32, src []uint8, run int, scale []float32, zero []int32, signed, stream bool)
TEXT ·dequantizeInt8RunsAVX512(SB), NOSPLIT, $0-106
	MOVQ    dst_base+0(FP), DI
	MOVQ    src_base+24(FP), SI
	MOVQ    src_len+32(FP), DX
	MOVQ    run+48(FP), R8
	MOVQ    scale_base+56(FP), R9
	MOVQ    zero_base+80(FP), R10
	MOVBQZX stream+105(FP), R14
	VPXORD Z21, Z21, Z21
	VPXORD  Z22, Z22, Z22
	CMPB    signed+104(FP), $0
	JNE     nextrun
	BROADCAST(0x80808080, Z21)
	BROADCAST(128, Z22)

nextrun:
	MOVQ    R8, CX
	CMPQ    DX, CX
	CMOVQLT DX, CX
	SUBQ    CX, DX
	VBROADCASTSS (R9), Z16
	VPBROADCASTD (R10), Z20
	VPSUBD  Z22, Z20, Z20
	ADDQ    $4, R9
	ADDQ    $4, R10
	TESTQ   R14, R14
	JNE     head

whole:
	SUBQ $64, CX
	JB   rest

loop:
	WIDEN8(0, X0, Z0)
	WIDEN8(16, X1, Z1)
	WIDEN8(32, X2, Z2)
	WIDEN8(48, X3, Z3)
	DEQUANTIZE(Z0)
	DEQUANTIZE(Z1)
	DEQUANTIZE(Z2)
	DEQUANTIZE(Z3)
	VMOVUPS Z0, 0(DI)
	VMOVUPS Z1, 64(DI)
	VMOVUPS Z2, 128(DI)
	VMOVUPS Z3, 192(DI)
	ADDQ $64, SI
	ADDQ $256, DI
	SUBQ $64, CX
	JAE  loop

rest: // CX + 64 elements, fewer than 64
	ADDQ $64, CX
	SUBQ $16, CX
	JB   tail

loop16:
	WIDEN8(0, X0, Z0)
	DEQUANTIZE(Z0)
	VMOVUPS Z0, (DI)
	ADDQ $16, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JAE  loop16

tail:
	ADDQ $16, CX
	JZ   next
	MASK(CX, K1)
	VMOVDQU8.Z (SI), K1, X0
	VPXORD     X21, X0, X0
	VPMOVSXBD X0, Z0
	DEQUANTIZE(Z0)
	VMOVUPS   Z0, K1, (DI)
	ADDQ CX, SI
	LEAQ (DI)(CX*4), DI

next:
	TESTQ DX, DX
	JNZ   nextrun
	VZEROUPPER
	RET

head: // up to an aligned destination, for stores past the caches
	CMPQ CX, $256
	JB   whole
	MOVQ DI, BX
	NEGQ BX
	ANDQ $63, BX
	SHRQ $2, BX
	MASK(BX, K1)
	VMOVDQU8.Z (SI), K1, X0
	VPXORD     X21, X0, X0
	VPMOVSXBD X0, Z0
	DEQUANTIZE(Z0)
	VMOVUPS   Z0, K1, (DI)
	ADDQ BX, SI
	LEAQ (DI)(BX*4), DI
	SUBQ BX, CX
	SUBQ $64, CX

past:
	WIDEN8(0, X0, Z0)
	WIDEN8(16, X1, Z1)
	WIDEN8(32, X2, Z2)
	WIDEN8(48, X3, Z3)
	DEQUANTIZE(Z0)
	DEQUANTIZE(Z1)
	DEQUANTIZE(Z2)
	DEQUANTIZE(Z3)
	VMOVNTPS Z0, 0(DI)
	VMOVNTPS Z1, 64(DI)
	VMOVNTPS Z2, 128(DI)
	VMOVNTPS Z3, 192(DI)
	ADDQ $64, SI
	ADDQ $256, DI
	SUBQ $64, CX
	JAE  past
	JMP  rest

// func dequantizeInt16RunsAVX512(dst []float32, src []uint16, run int, scale []float32, zero []int32, signed, stream bool)
TEXT ·dequantizeInt16RunsAVX512(SB), NOSPLIT, $0-106
	MOVQ    dst_base+0(FP), DI
	MOVQ    src_base+24(FP), SI
	MOVQ    src_len+32(FP), DX
	MOVQ    run+48(FP), R8
	MOVQ    scale_base+56(FP), R9
	MOVQ    zero_base+80(FP), R10
	MOVBQZX stream+105(FP), R14
	VPXORD Z21, Z21, Z21
	VPXORD  Z22, Z22, Z22
	CMPB    signed+104(FP), $0
	JNE     nextrun
	BROADCAST(0x80008000, Z21)
	BROADCAST(0x8000, Z22)

nextrun:
	MOVQ    R8, CX
	CMPQ    DX, CX
	CMOVQLT DX, CX
	SUBQ    CX, DX
	VBROADCASTSS (R9), Z16
	VPBROADCASTD (R10), Z20
	VPSUBD  Z22, Z20, Z20
	ADDQ    $4, R9
	ADDQ    $4, R10
	SUBQ    $16, CX
	JB      tail
	TESTQ   R14, R14
	JNE     head

loop:
	WIDEN16(0, Y0, Z0)
	DEQUANTIZE(Z0)
	VMOVUPS Z0, (DI)
	ADDQ $32, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JAE  loop

tail:
	ADDQ $16, CX
	JZ   next
	MASK(CX, K1)
	VMOVDQU16.Z (SI), K1, Y0
	VPXORD     Y21, Y0, Y0
	VPMOVSXWD Y0, Z0
	DEQUANTIZE(Z0)
	VMOVUPS   Z0, K1, (DI)
	LEAQ (SI)(CX*2), SI
	LEAQ (DI)(CX*4), DI

next:
	TESTQ DX, DX
	JNZ   nextrun
	VZEROUPPER
	RET

head:
	CMPQ CX, $256
	JB   loop
	MOVQ DI, BX
	NEGQ BX
	ANDQ $63, BX
	SHRQ $2, BX
	MASK(BX, K1)
	VMOVDQU16.Z (SI), K1, Y0
	VPXORD     Y21, Y0, Y0
	VPMOVSXWD Y0, Z0
	DEQUANTIZE(Z0)
	VMOVUPS   Z0, K1, (DI)
	LEAQ (SI)(BX*2), SI
	LEAQ (DI)(BX*4), DI
	SUBQ BX, CX

past:
	WIDEN16(0, Y0, Z0)
	DEQUANTIZE(Z0)
	VMOVNTPS Z0, (DI)
	ADDQ $32, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JAE  past
	JMP  tail

// func rangeRunsAVX512(lo, hi, src []float32, run int) bool
//
// The bits of a float32 order it by sign and magnitude. Taken as signed
// integers, the greatest are those of the maximum, if anything is not negative;
// taken as unsigned ones, those of the minimum, if anything is negative. NaN
// and infinities lie beyond all others of their sign. A run of one sign is read
// once more, for the end that is missing: the least unsigned.
TEXT ·rangeRunsAVX512(SB), NOSPLIT, $0-81
	MOVQ lo_base+0(FP), R9
	MOVQ hi_base+24(FP), R10
	MOVQ src_base+48(FP), SI
	MOVQ src_len+56(FP), DX
	MOVQ run+72(FP), R8
	MOVB $1, ret+80(FP)
	VPXORD Z31, Z31, Z31 // 0, which a signed maximum of negatives must not start from
	BROADCAST(0x80000000, Z30)

nextrun:
	MOVQ    R8, CX
	CMPQ    DX, CX
	CMOVQLT DX, CX
	SUBQ    CX, DX
	MOVQ    SI, R11
	MOVQ    CX, R12
	VMOVDQU32 Z30, Z4 // greatest signed so far
	VMOVDQU32 Z31, Z5 // greatest unsigned so far
	SUBQ    $16, CX
	JB      tail
	VMOVDQU32 Z4, Z6
	VMOVDQU32 Z5, Z7
	SUBQ    $48, CX
	JB      rest

loop:
	VMOVDQU32 0(SI), Z0
	VMOVDQU32 64(SI), Z1
	VMOVDQU32 128(SI), Z2
	VMOVDQU32 192(SI), Z3
	VPMAXSD Z0, Z4, Z4
	VPMAXUD Z0, Z5, Z5
	VPMAXSD Z1, Z6, Z6
	VPMAXUD Z1, Z7, Z7
	VPMAXSD Z2, Z4, Z4
	VPMAXUD Z2, Z5, Z5
	VPMAXSD Z3, Z6, Z6
	VPMAXUD Z3, Z7, Z7
	ADDQ $256, SI
	SUBQ $64, CX
	JAE  loop
	VPMAXSD Z6, Z4, Z4
	VPMAXUD Z7, Z5, Z5

rest:
	ADDQ $48, CX
	JL   tail

loop16:
	VMOVDQU32 (SI), Z0
	VPMAXSD Z0, Z4, Z4
	VPMAXUD Z0, Z5, Z5
	ADDQ $64, SI
	SUBQ $16, CX
	JGE  loop16

tail:
	ADDQ $16, CX
	JZ   reduce
	MASK(CX, K1)
	VMOVDQU32.Z (SI), K1, Z0
	VPMAXSD Z0, Z4, K1, Z4
	VPMAXUD Z0, Z5, K1, Z5
	LEAQ (SI)(CX*4), SI

reduce:
	VEXTRACTI64X4 $1, Z4, Y0
	VEXTRACTI64X4 $1, Z5, Y1
	VPMAXSD Y0, Y4, Y4
	VPMAXUD Y1, Y5, Y5
	VEXTRACTI128 $1, Y4, X0
	VEXTRACTI128 $1, Y5, X1
	VPMAXSD X0, X4, X4
	VPMAXUD X1, X5, X5
	VPSHUFD $0x4e, X4, X0
	VPSHUFD $0x4e, X5, X1
	VPMAXSD X0, X4, X4
	VPMAXUD X1, X5, X5
	VPSHUFD $0xb1, X4, X0
	VPSHUFD $0xb1, X5, X1
	VPMAXSD X0, X4, X4
	VPMAXUD X1, X5, X5
	VMOVD   X4, AX // maximum
	VMOVD   X5, BX // minimum
	CMPL    AX, $0x7f800000
	JGE     bad
	CMPL    BX, $0xff800000
	JAE     bad
	TESTL   BX, BX
	JNS     onesign
	TESTL   AX, AX
	JS      onesign

store:
	CMPL    BX, $0x80000000 // a minimum of -0 is +0
	JNE     2(PC)
	XORL    BX, BX
	CMPL    AX, $0x80000000
	JNE     2(PC)
	XORL    AX, AX
	MOVL    BX, (R9)
	MOVL    AX, (R10)
	ADDQ    $4, R9
	ADDQ    $4, R10
	TESTQ   DX, DX
	JNZ     nextrun
	VZEROUPPER
	RET

bad:
	MOVB $0, ret+80(FP)
	JMP  store

onesign: // R12 elements at R11 again
	VPTERNLOGD $0xff, Z4, Z4, Z4
	SUBQ $16, R12
	JB   onetail

oneloop:
	VPMINUD (R11), Z4, Z4
	ADDQ $64, R11
	SUBQ $16, R12
	JAE  oneloop

onetail:
	ADDQ $16, R12
	JZ   onereduce
	MOVL  $-1, R13
	BZHIL R12, R13, R13
	KMOVD R13, K1
	VMOVDQU32.Z (R11), K1, Z0
	VPMINUD Z0, Z4, K1, Z4

onereduce:
	VEXTRACTI64X4 $1, Z4, Y0
	VPMINUD Y0, Y4, Y4
	VEXTRACTI128 $1, Y4, X0
	VPMINUD X0, X4, X4
	VPSHUFD $0x4e, X4, X0
	VPMINUD X0, X4, X4
	VPSHUFD $0xb1, X4, X0
	VPMINUD X0, X4, X4
	TESTL   AX, AX
	JS      negative
	VMOVD   X4, BX
	JMP     store

negative:
	VMOVD   X4, AX
	JMP     store

// func squaresRunsAVX512(acc []float64, src []float32, run int)
TEXT ·squaresRunsAVX512(SB), NOSPLIT, $0-56
	MOVQ acc_base+0(FP), DI
	MOVQ src_base+24(FP), SI
	MOVQ src_len+32(FP), DX
	MOVQ run+48(FP), R8

nextrun:
	MOVQ    R8, CX
	CMPQ    DX, CX
	CMOVQLT DX, CX
	SUBQ    CX, DX
	VPXORD  Z24, Z24, Z24
	VPXORD  Z25, Z25, Z25
	SUBQ    $16, CX
	JB      tail

loop:
	VCVTPS2PD 0(SI), Z0
	VCVTPS2PD 32(SI), Z1
	VFMADD231PD Z0, Z0, Z24
	VFMADD231PD Z1, Z1, Z25
	ADDQ $64, SI
	SUBQ $16, CX
	JAE  loop

tail:
	ADDQ $16, CX
	JZ   fold
	MASK(CX, K1)
	VMOVUPS.Z (SI), K1, Z0
	VEXTRACTF64X4 $1, Z0, Y1
	VCVTPS2PD Y0, Z0
	VCVTPS2PD Y1, Z1
	VFMADD231PD Z0, Z0, Z24
	VFMADD231PD Z1, Z1, Z25
	LEAQ (SI)(CX*4), SI

fold:
	FOLD(Z24, Z25, Y24, X24, (DI))
	ADDQ  $8, DI
	TESTQ DX, DX
	JNZ   nextrun
	VZEROUPPER
	RET

// func storeFence()
TEXT ·storeFence(SB), NOSPLIT, $0-0
	SFENCE
	RET
