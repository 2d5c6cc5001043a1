//go:build !purego

#include "textflag.h"
#include "kernels_avx2_amd64.h"

// PARAMS8 prepares 8 runs and stores the parameters in the frame: scale at 0,
// reciprocal at 32, bounds at 64 and 96, and the zero point less Y15 at 128. If
// R13 is not zero the bounds are those of the quotient.
#define PARAMS8(qmin, qmax, farthest) \
	NEXT8(few, ready)       \
	PREPARE(qmin, qmax, farthest) \
	VPSUBD  Y15, Y12, Y12   \
	VMOVDQU Y12, 128(SP)    \
	VMOVUPS Y8, 0(SP)       \
	VMOVUPS Y9, 32(SP)      \
	VPTEST  Y2, Y2          \
	SETNE   R13             \
	JNE     2(PC)           \
	VMULPS  Y8, Y0, Y0      \
	VMOVUPS Y0, 64(SP)      \
	JNE     2(PC)           \
	VMULPS  Y8, Y1, Y1      \
	VMOVUPS Y1, 96(SP)

// PARAMS broadcasts those of run R12 of the 8.
#define PARAMS \
	VBROADCASTSS 0(SP)(R12*4), Y8   \
	VBROADCASTSS 32(SP)(R12*4), Y9  \
	VBROADCASTSS 64(SP)(R12*4), Y10 \
	VBROADCASTSS 96(SP)(R12*4), Y11 \
	VPBROADCASTD 128(SP)(R12*4), Y12

// SATURATE is QUOTIENT for 8 bits, rounded to integers. Only the upper bound is
// applied to x: see that of AVX-512. Then Y12 holds words, what to add for codes
// that begin at -128, and Y14 bytes, what to add for those of the grid.
#define SATURATE(x, q) \
	VMINPS       x, Y11, x \
	VMULPS       Y9, x, q  \
	VFNMADD231PS Y8, q, x  \
	VFMADD231PS  Y9, x, q  \
	VCVTPS2DQ    q, q

// TWOPART is SATURATE with a reciprocal in two parts, Y9 and Y10.
#define TWOPART(x, q) \
	VMINPS      x, Y11, x \
	VMULPS      Y10, x, q \
	VFMADD231PS Y9, x, q  \
	VCVTPS2DQ   q, q

#define ZEROWORDS(q) \
	VPADDSW Y12, q, q

// DIVIDED makes codes, after which there is no zero point to add.
#define DIVIDED(x, q) \
	DIVIDE(x, q) \
	CODE(q)

#define AS(q)

// BYTES32 turns 32 elements in Y0 to Y3 into bytes in Y4.
#define BYTES32(Q) \
	Q(Y0, Y4)               \
	Q(Y1, Y5)               \
	Q(Y2, Y6)               \
	Q(Y3, Y7)               \
	VPACKSSDW Y5, Y4, Y4    \
	VPACKSSDW Y7, Y6, Y6    \
	ZEROWORDS(Y4)           \
	ZEROWORDS(Y6)           \
	VPACKSSWB Y6, Y4, Y4    \
	VPERMD    Y4, Y13, Y4   \
	VPADDB    Y14, Y4, Y4

#define LOAD32 \
	VMOVUPS 0(SI), Y0  \
	VMOVUPS 32(SI), Y1 \
	VMOVUPS 64(SI), Y2 \
	VMOVUPS 96(SI), Y3

// BYTES16, BYTES8 and BYTES3 store the codes of n elements: 8 to 16, 4 to 8 and
// 1 to 3. Q and W are SATURATE and ZEROWORDS, or DIVIDED and AS.
#define BYTES16(Q, W, n) \
	VMOVUPS (SI), Y0            \
	VMOVUPS -32(SI)(n*4), Y1    \
	Q(Y0, Y4)                   \
	Q(Y1, Y5)                   \
	VPACKSSDW Y5, Y4, Y4        \
	W(Y4)                       \
	VPACKSSWB Y4, Y4, Y4        \
	VEXTRACTI128 $1, Y4, X5     \
	VPUNPCKLDQ X5, X4, X4       \
	VPADDB  X14, X4, X4         \
	VMOVQ   X4, (DI)            \
	VMOVHPS X4, -8(DI)(n*1)

#define BYTES8(Q, W, n) \
	VMOVUPS (SI), X0                       \
	VINSERTF128 $1, -16(SI)(n*4), Y0, Y0   \
	Q(Y0, Y4)                              \
	VEXTRACTI128 $1, Y4, X5                \
	VPACKSSDW X5, X4, X4                   \
	W(Y4)                                  \
	VPACKSSWB X4, X4, X4                   \
	VPADDB  X14, X4, X4                    \
	VMOVD   X4, (DI)                       \
	VPEXTRD $1, X4, -4(DI)(n*1)

#define BYTES3(Q, W, n) \
	MOVQ    n, BX                          \
	SHRQ    $1, BX                         \
	VMOVSS  (SI), X0                       \
	VINSERTPS $0x10, (SI)(BX*4), X0, X0    \
	VINSERTPS $0x20, -4(SI)(n*4), X0, X0   \
	Q(Y0, Y4)                              \
	VPACKSSDW X4, X4, X4                   \
	W(Y4)                                  \
	VPACKSSWB X4, X4, X4                   \
	VPADDB  X14, X4, X4                    \
	VPEXTRB $0, X4, (DI)                   \
	VPEXTRB $1, X4, (DI)(BX*1)             \
	VPEXTRB $2, X4, -1(DI)(n*1)

// func quantizeInt8RunsAVX2(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool)
//
// Codes are moved so that qmin becomes -128, where the last pack saturates, and
// moved back by Y14. The bound on x sees to qmax.
TEXT ·quantizeInt8RunsAVX2(SB), NOSPLIT, $160-113
	MOVQ    dst_base+0(FP), DI
	MOVQ    src_base+24(FP), SI
	MOVQ    src_len+32(FP), DX
	MOVQ    run+48(FP), R8
	MOVQ    scale_base+56(FP), R9
	MOVQ    scale_len+64(FP), R11
	MOVQ    zero_base+80(FP), R10
	MOVBQZX stream+112(FP), R14
	VMOVDQU packOrder256<>(SB), Y13
	MOVL    qmin+104(FP), AX
	ADDL    $128, AX
	VMOVD   AX, X15
	VPBROADCASTB X15, Y14
	VPBROADCASTD X15, Y15

params: // of the next 8 runs
	PARAMS8(qmin+104(FP), qmax+108(FP), FARTHEST8)
	XORL R12, R12

nextrun:
	TESTQ   DX, DX
	JZ      done
	CMPQ    R12, $8
	JE      params
	MOVQ    R8, CX
	CMPQ    DX, CX
	CMOVQLT DX, CX
	SUBQ    CX, DX
	TESTB   R13, R13
	JNE     divide
	VBROADCASTSS 0(SP)(R12*4), Y8
	VBROADCASTSS 32(SP)(R12*4), Y9
	VBROADCASTSS 96(SP)(R12*4), Y11
	VPBROADCASTW 128(SP)(R12*4), Y12
	INCQ    R12
	CMPQ    CX, $32
	JBE     short
	TESTQ   R14, R14
	JNE     head

whole: // CX elements, 32 at a time
	SUBQ $32, CX
	CMPQ CX, $96
	JAE  long

loop:
	LOAD32
	BYTES32(SATURATE)
	VMOVDQU Y4, (DI)
	ADDQ $128, SI
	ADDQ $32, DI
	SUBQ $32, CX
	JA   loop

last: // 32 elements, CX + 32 of them new
	LEAQ (SI)(CX*4), SI
	ADDQ CX, DI
	MOVQ $32, CX

ends32:
	VMOVUPS 0(SI), Y0
	VMOVUPS 32(SI), Y1
	VMOVUPS -64(SI)(CX*4), Y2
	VMOVUPS -32(SI)(CX*4), Y3
	BYTES32(SATURATE)
	VMOVDQU X4, (DI)
	VEXTRACTI128 $1, Y4, -16(DI)(CX*1)

advance:
	LEAQ (SI)(CX*4), SI
	ADDQ CX, DI
	JMP  nextrun

short:
	CMPQ CX, $16
	JAE  ends32
	CMPQ CX, $8
	JB   ends8
	BYTES16(SATURATE, ZEROWORDS, CX)
	JMP  advance

ends8:
	CMPQ CX, $4
	JB   ends3
	BYTES8(SATURATE, ZEROWORDS, CX)
	JMP  advance

ends3:
	BYTES3(SATURATE, ZEROWORDS, CX)
	JMP  advance

long: // TWOPART if it serves this scale
	VMOVD X8, AX
	LEAL  6(AX), BX
	ANDL  $511, BX
	CMPL  BX, $12
	JA    twopart
	TESTL $511, AX
	JNE   loop

twopart:
	VBROADCASTSS ONE, Y10
	VFNMADD231PS Y8, Y9, Y10
	VMULPS       Y9, Y10, Y10

twoloop:
	LOAD32
	BYTES32(TWOPART)
	VMOVDQU Y4, (DI)
	ADDQ $128, SI
	ADDQ $32, DI
	SUBQ $32, CX
	JA   twoloop
	JMP  last

head: // up to an aligned destination, for stores past the caches
	CMPQ CX, $256
	JB   whole
	LOAD32
	BYTES32(SATURATE)
	VMOVDQU Y4, (DI)
	MOVQ DI, BX
	NEGQ BX
	ANDQ $31, BX
	LEAQ (SI)(BX*4), SI
	ADDQ BX, DI
	SUBQ BX, CX
	SUBQ $32, CX

past:
	LOAD32
	BYTES32(SATURATE)
	VMOVNTDQ Y4, (DI)
	ADDQ $128, SI
	ADDQ $32, DI
	SUBQ $32, CX
	JA   past
	JMP  last

divide: // 16 at a time
	PARAMS
	INCQ R12
	MOVQ $16, BX
	CMPQ CX, BX
	JBE  divideends
	SUBQ BX, CX

divideloop:
	BYTES16(DIVIDED, AS, BX)
	ADDQ $64, SI
	ADDQ $16, DI
	SUBQ $16, CX
	JA   divideloop
	LEAQ (SI)(CX*4), SI
	ADDQ CX, DI
	MOVQ BX, CX

divideends:
	CMPQ CX, $8
	JB   divide8
	BYTES16(DIVIDED, AS, CX)
	JMP  advance

divide8:
	CMPQ CX, $4
	JB   divide3
	BYTES8(DIVIDED, AS, CX)
	JMP  advance

divide3:
	BYTES3(DIVIDED, AS, CX)
	JMP  advance

done:
	VZEROUPPER
	RET

// WORDS16 turns 16 elements in Y0 and Y1 into words in Y4.
#define WORDS16(Q) \
	Q(Y0, Y4)              \
	Q(Y1, Y5)              \
	CODE(Y4)               \
	CODE(Y5)               \
	VPACKSSDW Y5, Y4, Y4   \
	VPERMQ  $0xd8, Y4, Y4  \
	VPXOR   Y14, Y4, Y4

// WORDSENDS, WORDS8 and WORDS3 store the codes of n elements: 8 to 16, 4 to 7
// and 1 to 3.
#define WORDSENDS(Q, n) \
	VMOVUPS (SI), Y0           \
	VMOVUPS -32(SI)(n*4), Y1   \
	WORDS16(Q)                 \
	VMOVDQU X4, (DI)           \
	VEXTRACTI128 $1, Y4, -16(DI)(n*2)

#define WORDS8(Q, n) \
	VMOVUPS (SI), X0                       \
	VINSERTF128 $1, -16(SI)(n*4), Y0, Y0   \
	Q(Y0, Y4)                              \
	CODE(Y4)                               \
	VEXTRACTI128 $1, Y4, X5                \
	VPACKSSDW X5, X4, X4                   \
	VPXOR   X14, X4, X4                    \
	VMOVQ   X4, (DI)                       \
	VMOVHPS X4, -8(DI)(n*2)

#define WORDS3(Q, n) \
	MOVQ    n, BX                          \
	SHRQ    $1, BX                         \
	VMOVSS  (SI), X0                       \
	VINSERTPS $0x10, (SI)(BX*4), X0, X0    \
	VINSERTPS $0x20, -4(SI)(n*4), X0, X0   \
	Q(Y0, Y4)                              \
	CODE(Y4)                               \
	VPACKSSDW X4, X4, X4                   \
	VPXOR   X14, X4, X4                    \
	VPEXTRW $0, X4, (DI)                   \
	VPEXTRW $1, X4, (DI)(BX*2)             \
	VPEXTRW $2, X4, -2(DI)(n*2)

// func quantizeInt16RunsAVX2(dst []uint16, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool)
//
// An unsigned grid of 16 bits is moved down and back like one of 8.
TEXT ·quantizeInt16RunsAVX2(SB), NOSPLIT, $160-113
	MOVQ    dst_base+0(FP), DI
	MOVQ    src_base+24(FP), SI
	MOVQ    src_len+32(FP), DX
	MOVQ    run+48(FP), R8
	MOVQ    scale_base+56(FP), R9
	MOVQ    scale_len+64(FP), R11
	MOVQ    zero_base+80(FP), R10
	MOVBQZX stream+112(FP), R14
	VPXOR   Y14, Y14, Y14
	VPXOR   Y15, Y15, Y15
	CMPL    qmax+108(FP), $32767
	JLE     params
	VPBROADCASTD FLIP16, Y14
	VPBROADCASTD SIGN16, Y15

params:
	PARAMS8(qmin+104(FP), qmax+108(FP), FARTHEST)
	XORL R12, R12

nextrun:
	TESTQ   DX, DX
	JZ      done
	CMPQ    R12, $8
	JE      params
	MOVQ    R8, CX
	CMPQ    DX, CX
	CMOVQLT DX, CX
	SUBQ    CX, DX
	PARAMS
	INCQ    R12
	TESTB   R13, R13
	JNE     divide
	CMPQ    CX, $16
	JBE     ends
	TESTQ   R14, R14
	JNE     head

whole: // CX elements, 16 at a time
	SUBQ $16, CX

loop:
	VMOVUPS 0(SI), Y0
	VMOVUPS 32(SI), Y1
	WORDS16(QUOTIENT)
	VMOVDQU Y4, (DI)
	ADDQ $64, SI
	ADDQ $32, DI
	SUBQ $16, CX
	JA   loop

last: // 16 elements, CX + 16 of them new
	LEAQ (SI)(CX*4), SI
	LEAQ (DI)(CX*2), DI
	MOVQ $16, CX

ends:
	CMPQ CX, $8
	JB   ends8
	WORDSENDS(QUOTIENT, CX)

advance:
	LEAQ (SI)(CX*4), SI
	LEAQ (DI)(CX*2), DI
	JMP  nextrun

ends8:
	CMPQ CX, $4
	JB   ends3
	WORDS8(QUOTIENT, CX)
	JMP  advance

ends3:
	WORDS3(QUOTIENT, CX)
	JMP  advance

head: // up to an aligned destination, for stores past the caches
	CMPQ CX, $256
	JB   whole
	VMOVUPS 0(SI), Y0
	VMOVUPS 32(SI), Y1
	WORDS16(QUOTIENT)
	VMOVDQU Y4, (DI)
	MOVQ DI, BX
	NEGQ BX
	ANDQ $31, BX
	SHRQ $1, BX
	LEAQ (SI)(BX*4), SI
	LEAQ (DI)(BX*2), DI
	SUBQ BX, CX
	SUBQ $16, CX

past:
	VMOVUPS 0(SI), Y0
	VMOVUPS 32(SI), Y1
	WORDS16(QUOTIENT)
	VMOVNTDQ Y4, (DI)
	ADDQ $64, SI
	ADDQ $32, DI
	SUBQ $16, CX
	JA   past
	JMP  last

divide:
	CMPQ CX, $16
	JBE  divideends
	SUBQ $16, CX

divideloop:
	VMOVUPS 0(SI), Y0
	VMOVUPS 32(SI), Y1
	WORDS16(DIVIDE)
	VMOVDQU Y4, (DI)
	ADDQ $64, SI
	ADDQ $32, DI
	SUBQ $16, CX
	JA   divideloop
	LEAQ (SI)(CX*4), SI
	LEAQ (DI)(CX*2), DI
	MOVQ $16, CX

divideends:
	CMPQ CX, $8
	JB   divide8
	WORDSENDS(DIVIDE, CX)
	JMP  advance

divide8:
	CMPQ CX, $4
	JB   divide3
	WORDS8(DIVIDE, CX)
	JMP  advance

divide3:
	WORDS3(DIVIDE, CX)
	JMP  advance

done:
	VZEROUPPER
	RET

// DEQUANTIZE turns zero-extended codes into real values. Those of a signed grid
// have their sign flipped, by Y14, which adds half the grid to them, as it is
// added to the zero point in Y12.
#define DEQUANTIZE(v) \
	VPXOR     Y14, v, v \
	DEQUANTIZEBY(Y12, v)

#define DEQUANTIZEBY(zero, v) \
	VPSUBD    zero, v, v \
	VCVTDQ2PS v, v       \
	VMULPS    Y8, v, v

// REAL32 stores the real values of 32 codes, which EXTEND extends with their
// sign or with zeros, as the grid has it: so there is nothing to flip.
#define REAL32(EXTEND, STORE) \
	EXTEND 0(SI), Y0       \
	EXTEND 8(SI), Y1       \
	EXTEND 16(SI), Y2      \
	EXTEND 24(SI), Y3      \
	DEQUANTIZEBY(Y13, Y0)  \
	DEQUANTIZEBY(Y13, Y1)  \
	DEQUANTIZEBY(Y13, Y2)  \
	DEQUANTIZEBY(Y13, Y3)  \
	STORE Y0, 0(DI)        \
	STORE Y1, 32(DI)       \
	STORE Y2, 64(DI)       \
	STORE Y3, 96(DI)       \
	ADDQ  $32, SI          \
	ADDQ  $128, DI         \
	SUBQ  $32, CX

// func dequantizeInt8RunsAVX2(dst []float32, src []uint8, run int, scale []float32, zero []int32, signed, stream bool)
TEXT ·dequantizeInt8RunsAVX2(SB), NOSPLIT, $0-106
	MOVQ    dst_base+0(FP), DI
	MOVQ    src_base+24(FP), SI
	MOVQ    src_len+32(FP), DX
	MOVQ    run+48(FP), R8
	MOVQ    scale_base+56(FP), R9
	MOVQ    zero_base+80(FP), R10
	MOVBQZX stream+105(FP), R14
	VPXOR   Y14, Y14, Y14
	CMPB    signed+104(FP), $0
	JEQ     nextrun
	VPBROADCASTD SIGN8, Y14

nextrun:
	TESTQ   DX, DX
	JZ      done
	MOVQ    R8, CX
	CMPQ    DX, CX
	CMOVQLT DX, CX
	SUBQ    CX, DX
	VBROADCASTSS (R9), Y8
	VPBROADCASTD (R10), Y13
	VPADDD  Y14, Y13, Y12
	ADDQ    $4, R9
	ADDQ    $4, R10
	CMPQ    CX, $32
	JBE     short
	TESTQ   R14, R14
	JNE     head

whole: // CX elements, 32 at a time
	SUBQ $32, CX
	CMPB signed+104(FP), $0
	JEQ  unsigned

signed:
	REAL32(VPMOVSXBD, VMOVUPS)
	JA   signed
	JMP  last

unsigned:
	REAL32(VPMOVZXBD, VMOVUPS)
	JA   unsigned

last: // 32 elements, CX + 32 of them new
	ADDQ CX, SI
	LEAQ (DI)(CX*4), DI
	MOVQ $32, CX

ends32:
	VPMOVZXBD 0(SI), Y0
	VPMOVZXBD 8(SI), Y1
	VPMOVZXBD -16(SI)(CX*1), Y2
	VPMOVZXBD -8(SI)(CX*1), Y3
	DEQUANTIZE(Y0)
	DEQUANTIZE(Y1)
	DEQUANTIZE(Y2)
	DEQUANTIZE(Y3)
	VMOVUPS Y0, 0(DI)
	VMOVUPS Y1, 32(DI)
	VMOVUPS Y2, -64(DI)(CX*4)
	VMOVUPS Y3, -32(DI)(CX*4)

advance:
	ADDQ CX, SI
	LEAQ (DI)(CX*4), DI
	JMP  nextrun

short:
	CMPQ CX, $16
	JAE  ends32
	CMPQ CX, $8
	JB   ends8
	VPMOVZXBD 0(SI), Y0
	VPMOVZXBD -8(SI)(CX*1), Y1
	DEQUANTIZE(Y0)
	DEQUANTIZE(Y1)
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, -32(DI)(CX*4)
	JMP  advance

ends8:
	CMPQ CX, $4
	JB   ends3
	VPMOVZXBD 0(SI), X0
	VPMOVZXBD -4(SI)(CX*1), X1
	DEQUANTIZE(Y0)
	DEQUANTIZE(Y1)
	VMOVUPS X0, (DI)
	VMOVUPS X1, -16(DI)(CX*4)
	JMP  advance

ends3:
	MOVQ CX, BX
	SHRQ $1, BX
	VPXOR   X0, X0, X0
	VPINSRB $0, (SI), X0, X0
	VPINSRB $4, (SI)(BX*1), X0, X0
	VPINSRB $8, -1(SI)(CX*1), X0, X0
	DEQUANTIZE(Y0)
	VMOVSS  X0, (DI)
	VEXTRACTPS $1, X0, (DI)(BX*4)
	VEXTRACTPS $2, X0, -4(DI)(CX*4)
	JMP  advance

head: // up to an aligned destination, for stores past the caches
	CMPQ CX, $256
	JB   whole
	VPMOVZXBD 0(SI), Y0
	VPMOVZXBD 8(SI), Y1
	DEQUANTIZE(Y0)
	DEQUANTIZE(Y1)
	VMOVUPS Y0, 0(DI)
	VMOVUPS Y1, 32(DI)
	MOVQ DI, BX
	NEGQ BX
	ANDQ $63, BX
	SHRQ $2, BX
	ADDQ BX, SI
	LEAQ (DI)(BX*4), DI
	SUBQ BX, CX
	SUBQ $32, CX
	CMPB signed+104(FP), $0
	JEQ  pastunsigned

past:
	REAL32(VPMOVSXBD, VMOVNTPS)
	JA   past
	JMP  last

pastunsigned:
	REAL32(VPMOVZXBD, VMOVNTPS)
	JA   pastunsigned
	JMP  last

done:
	VZEROUPPER
	RET

// func dequantizeInt16RunsAVX2(dst []float32, src []uint16, run int, scale []float32, zero []int32, signed, stream bool)
TEXT ·dequantizeInt16RunsAVX2(SB), NOSPLIT, $0-106
	MOVQ    dst_base+0(FP), DI
	MOVQ    src_base+24(FP), SI
	MOVQ    src_len+32(FP), DX
	MOVQ    run+48(FP), R8
	MOVQ    scale_base+56(FP), R9
	MOVQ    zero_base+80(FP), R10
	MOVBQZX stream+105(FP), R14
	VPXOR   Y14, Y14, Y14
	CMPB    signed+104(FP), $0
	JEQ     nextrun
	VPBROADCASTD SIGN16, Y14

nextrun:
	TESTQ   DX, DX
	JZ      done
	MOVQ    R8, CX
	CMPQ    DX, CX
	CMOVQLT DX, CX
	SUBQ    CX, DX
	VBROADCASTSS (R9), Y8
	VPBROADCASTD (R10), Y12
	VPADDD  Y14, Y12, Y12
	ADDQ    $4, R9
	ADDQ    $4, R10
	CMPQ    CX, $16
	JBE     short
	TESTQ   R14, R14
	JNE     head

whole: // CX elements, 16 at a time
	SUBQ $16, CX

loop:
	VPMOVZXWD 0(SI), Y0
	VPMOVZXWD 16(SI), Y1
	DEQUANTIZE(Y0)
	DEQUANTIZE(Y1)
	VMOVUPS Y0, 0(DI)
	VMOVUPS Y1, 32(DI)
	ADDQ $32, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JA   loop

last: // 16 elements, CX + 16 of them new
	LEAQ (SI)(CX*2), SI
	LEAQ (DI)(CX*4), DI
	MOVQ $16, CX

ends16:
	VPMOVZXWD 0(SI), Y0
	VPMOVZXWD -16(SI)(CX*2), Y1
	DEQUANTIZE(Y0)
	DEQUANTIZE(Y1)
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, -32(DI)(CX*4)

advance:
	LEAQ (SI)(CX*2), SI
	LEAQ (DI)(CX*4), DI
	JMP  nextrun

short:
	CMPQ CX, $8
	JAE  ends16
	CMPQ CX, $4
	JB   ends3
	VPMOVZXWD 0(SI), X0
	VPMOVZXWD -8(SI)(CX*2), X1
	DEQUANTIZE(Y0)
	DEQUANTIZE(Y1)
	VMOVUPS X0, (DI)
	VMOVUPS X1, -16(DI)(CX*4)
	JMP  advance

ends3:
	MOVQ CX, BX
	SHRQ $1, BX
	VPXOR   X0, X0, X0
	VPINSRW $0, (SI), X0, X0
	VPINSRW $2, (SI)(BX*2), X0, X0
	VPINSRW $4, -2(SI)(CX*2), X0, X0
	DEQUANTIZE(Y0)
	VMOVSS  X0, (DI)
	VEXTRACTPS $1, X0, (DI)(BX*4)
	VEXTRACTPS $2, X0, -4(DI)(CX*4)
	JMP  advance

head:
	CMPQ CX, $256
	JB   whole
	VPMOVZXWD 0(SI), Y0
	VPMOVZXWD 16(SI), Y1
	DEQUANTIZE(Y0)
	DEQUANTIZE(Y1)
	VMOVUPS Y0, 0(DI)
	VMOVUPS Y1, 32(DI)
	MOVQ DI, BX
	NEGQ BX
	ANDQ $63, BX
	SHRQ $2, BX
	LEAQ (SI)(BX*2), SI
	LEAQ (DI)(BX*4), DI
	SUBQ BX, CX
	SUBQ $16, CX

past:
	VPMOVZXWD 0(SI), Y0
	VPMOVZXWD 16(SI), Y1
	DEQUANTIZE(Y0)
	DEQUANTIZE(Y1)
	VMOVNTPS Y0, 0(DI)
	VMOVNTPS Y1, 32(DI)
	ADDQ $32, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JA   past
	JMP  last

done:
	VZEROUPPER
	RET
