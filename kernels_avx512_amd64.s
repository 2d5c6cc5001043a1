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

// SATURATE is QUOTIENT for 8 bits, rounded to integers. Only the upper bound is
// applied to x. What is too small for an integer, which NaN then counts as,
// becomes the least integer: packs and additions that saturate take all the
// rest to the ends of the grid. (A product that overflows to -Inf gives NaN.)
#define SATURATE(x, q) \
	VMINPS       x, Z19, x \
	VMULPS       Z17, x, q \
	VFNMADD231PS Z16, q, x \
	VFMADD231PS  Z17, x, q \
	VCVTPS2DQ    q, q

// TWOPART is SATURATE with a reciprocal in two parts, Z17 and Z18.
#define TWOPART(x, q) \
	VMINPS      x, Z19, x \
	VMULPS      Z18, x, q \
	VFMADD231PS Z17, x, q \
	VCVTPS2DQ   q, q

// BYTES64 makes the codes of four vectors by Q, in Z4; BYTES32 and BYTES16
// those of two and one.
#define BYTES64(Q) \
	Q(Z0, Z4)             \
	Q(Z1, Z5)             \
	Q(Z2, Z6)             \
	Q(Z3, Z7)             \
	VPACKSSDW Z5, Z4, Z4  \
	VPACKSSDW Z7, Z6, Z6  \
	VPADDSW   Z20, Z4, Z4 \
	VPADDSW   Z20, Z6, Z6 \
	VPACKSSWB Z6, Z4, Z4  \
	VPERMD    Z4, Z23, Z4 \
	VPADDB    Z21, Z4, Z4

#define BYTES32 \
	SATURATE(Z0, Z4)      \
	SATURATE(Z1, Z5)      \
	VPACKSSDW Z5, Z4, Z4  \
	VPADDSW   Z20, Z4, Z4 \
	VPMOVSWB  Z4, Y4      \
	VPERMD    Y4, Y13, Y4 \
	VPADDB    Y21, Y4, Y4

#define BYTES16 \
	SATURATE(Z0, Z4)      \
	VPMOVSDW  Z4, Y4      \
	VPADDSW   Y20, Y4, Y4 \
	VPMOVSWB  Y4, X4      \
	VPADDB    X21, X4, X4

#define LOAD64 \
	VMOVUPS 0(SI), Z0   \
	VMOVUPS 64(SI), Z1  \
	VMOVUPS 128(SI), Z2 \
	VMOVUPS 192(SI), Z3

// func quantizeInt8RunsAVX512(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool)
//
// Codes are moved so that qmin becomes -128, where the last pack saturates, and
// moved back by Z21. The bound on x sees to qmax.
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
	VMOVDQU32 packOrder256<>(SB), Y13
	BROADCAST(32000, Z25) // the largest zero point that saturating words allow
	SUBL    $-128, BX
	VPBROADCASTB BX, Z21
	VPBROADCASTD BX, Z24

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
	VPBROADCASTW 256(SP)(R12*4), Z20
	INCQ    R12
	TESTB   R13, R13
	JNE     divide
	TESTQ   R14, R14
	JNE     head

whole: // CX elements, 64 at a time
	SUBQ $64, CX
	JB   rest
	CMPQ CX, $192
	JAE  long

loop:
	LOAD64
	BYTES64(SATURATE)
	VMOVDQU64 Z4, (DI)
	ADDQ $256, SI
	ADDQ $64, DI
	SUBQ $64, CX
	JAE  loop

rest: // CX + 64 elements, fewer than 64
	ADDQ $32, CX
	JL   rest16
	VMOVUPS 0(SI), Z0
	VMOVUPS 64(SI), Z1
	BYTES32
	VMOVDQU Y4, (DI)
	ADDQ $128, SI
	ADDQ $32, DI
	SUBQ $32, CX

rest16: // CX + 32 elements, fewer than 32
	ADDQ $16, CX
	JL   tail

	VMOVUPS (SI), Z0
	BYTES16
	VMOVDQU X4, (DI)
	ADDQ $64, SI
	ADDQ $16, DI
	SUBQ $16, CX

tail:
	ADDQ $16, CX
	JZ   nextrun
	MASK(CX, K1)
	VMOVUPS.Z (SI), K1, Z0
	BYTES16
	VMOVDQU8  X4, K1, (DI)
	LEAQ (SI)(CX*4), SI
	ADDQ CX, DI
	JMP  nextrun

long: // TWOPART if it serves this scale
	VMOVD X16, AX
	LEAL  6(AX), BX
	ANDL  $511, BX
	CMPL  BX, $12
	JA    twopart
	TESTL $511, AX
	JNE   loop

twopart:
	VMOVAPS      Z31, Z18
	VFNMADD231PS Z16, Z17, Z18
	VMULPS       Z17, Z18, Z18

twoloop:
	LOAD64
	BYTES64(TWOPART)
	VMOVDQU64 Z4, (DI)
	ADDQ $256, SI
	ADDQ $64, DI
	SUBQ $64, CX
	JAE  twoloop
	JMP  rest

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
	BYTES16
	VMOVDQU8  X4, K1, (DI)
	LEAQ (SI)(R15*4), SI
	ADDQ R15, DI
	SUBQ R15, BX
	JNZ  head16
	SUBQ $64, CX

past:
	LOAD64
	BYTES64(SATURATE)
	VMOVNTDQ  Z4, (DI)
	ADDQ $256, SI
	ADDQ $64, DI
	SUBQ $64, CX
	JAE  past
	JMP  rest

divide: // 16 at a time
	VPBROADCASTD 252(SP)(R12*4), Z20
	SUBQ $16, CX
	JB   dividetail

divideloop:
	VMOVUPS (SI), Z0
	DIVIDE(Z0, Z4)
	CODE(Z4)
	VPMOVDB Z4, X4
	VPADDB  X21, X4, X4
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
	VPADDB    X21, X4, X4
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

// DEQUANTIZE turns extended codes into real values. The codes of an unsigned
// grid are extended with zeros where a loop is for them; elsewhere WIDEN8 takes
// half the grid off them, as it is taken off the zero point in Z20, but not in Z19.
#define DEQUANTIZE(v) DEQUANTIZEBY(Z20, v)

#define DEQUANTIZEBY(zero, v) \
	VPSUBD    zero, v, v \
	VCVTDQ2PS v, v       \
	VMULPS    Z16, v, v

// REAL64 stores the real values of 64 codes, which EXTEND extends.
#define REAL64(EXTEND, STORE) \
	EXTEND 0(SI), Z0       \
	EXTEND 16(SI), Z1      \
	EXTEND 32(SI), Z2      \
	EXTEND 48(SI), Z3      \
	DEQUANTIZEBY(Z19, Z0)  \
	DEQUANTIZEBY(Z19, Z1)  \
	DEQUANTIZEBY(Z19, Z2)  \
	DEQUANTIZEBY(Z19, Z3)  \
	STORE Z0, 0(DI)        \
	STORE Z1, 64(DI)       \
	STORE Z2, 128(DI)      \
	STORE Z3, 192(DI)      \
	ADDQ  $64, SI          \
	ADDQ  $256, DI         \
	SUBQ  $64, CX

// func dequantizeInt8RunsAVX512(dst []float32, src []uint8, run int, scale []float32, zero []int32, signed, stream bool)
TEXT ·dequantizeInt8RunsAVX512(SB), NOSPLIT, $0-106
	MOVQ    dst_base+0(FP), DI
	MOVQ    src_base+24(FP), SI
	MOVQ    src_len+32(FP), DX
	MOVQ    run+48(FP), R8
	MOVQ    scale_base+56(FP), R9
	MOVQ    zero_base+80(FP), R10
	MOVBQZX stream+105(FP), R14
	MOVBQZX signed+104(FP), R12
	VPXORD Z21, Z21, Z21
	VPXORD  Z22, Z22, Z22
	TESTQ   R12, R12
	JNE     nextrun
	BROADCAST(0x80808080, Z21)
	BROADCAST(128, Z22)

nextrun:
	MOVQ    R8, CX
	CMPQ    DX, CX
	CMOVQLT DX, CX
	SUBQ    CX, DX
	VBROADCASTSS (R9), Z16
	VPBROADCASTD (R10), Z19
	VPSUBD  Z22, Z19, Z20
	ADDQ    $4, R9
	ADDQ    $4, R10
	TESTQ   R14, R14
	JNE     head

whole:
	SUBQ $64, CX
	JB   rest
	TESTQ R12, R12
	JE   unsigned

signed:
	REAL64(VPMOVSXBD, VMOVUPS)
	JAE  signed
	JMP  rest

unsigned:
	REAL64(VPMOVZXBD, VMOVUPS)
	JAE  unsigned

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
	TESTQ R12, R12
	JE   pastunsigned

past:
	REAL64(VPMOVSXBD, VMOVNTPS)
	JAE  past
	JMP  rest

pastunsigned:
	REAL64(VPMOVZXBD, VMOVNTPS)
	JAE  pastunsigned
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

#define GREATEST64(off) \
	VMOVDQU32 (0+off)(SI), Z0   \
	VMOVDQU32 (64+off)(SI), Z1  \
	VMOVDQU32 (128+off)(SI), Z2 \
	VMOVDQU32 (192+off)(SI), Z3 \
	VPMAXSD   Z0, Z4, Z4        \
	VPMAXUD   Z0, Z5, Z5        \
	VPMAXSD   Z1, Z6, Z6        \
	VPMAXUD   Z1, Z7, Z7        \
	VPMAXSD   Z2, Z8, Z8        \
	VPMAXUD   Z2, Z9, Z9        \
	VPMAXSD   Z3, Z10, Z10      \
	VPMAXUD   Z3, Z11, Z11

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
	SUBQ    $128, CX
	JB      rest
	VMOVDQU32 Z30, Z6
	VMOVDQU32 Z31, Z7
	VMOVDQU32 Z30, Z8
	VMOVDQU32 Z31, Z9
	VMOVDQU32 Z30, Z10
	VMOVDQU32 Z31, Z11

loop: // four chains for each end: a maximum may take two cycles
	GREATEST64(0)
	GREATEST64(256)
	ADDQ $512, SI
	SUBQ $128, CX
	JAE  loop
	VPMAXSD Z6, Z4, Z4
	VPMAXUD Z7, Z5, Z5
	VPMAXSD Z10, Z8, Z8
	VPMAXUD Z11, Z9, Z9
	VPMAXSD Z8, Z4, Z4
	VPMAXUD Z9, Z5, Z5

rest: // CX + 128 elements, fewer than 128
	ADDQ $112, CX
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
