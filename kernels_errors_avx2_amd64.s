//go:build !purego

#include "textflag.h"
#include "kernels_avx2_amd64.h"

// The kernels that reduce: ranges, sums of squares and errors.

// REDUCE leaves op over all 8 dwords of y, whose lower half is x, in each of x.
#define REDUCE(op, y, x, t) \
	VEXTRACTI128 $1, y, t \
	op      t, x, x       \
	VPSHUFD $0x4e, x, t   \
	op      t, x, x       \
	VPSHUFD $0xb1, x, t   \
	op      t, x, x

// func rangeRunsAVX2(lo, hi, src []float32, run int) bool
//
// The bits of a float32 order it by sign and magnitude: see rangeRunsAVX512. An
// element that is taken twice does no harm.
TEXT ·rangeRunsAVX2(SB), NOSPLIT, $0-81
	MOVQ lo_base+0(FP), R9
	MOVQ hi_base+24(FP), R10
	MOVQ src_base+48(FP), SI
	MOVQ src_len+56(FP), DX
	MOVQ run+72(FP), R8
	MOVB $1, ret+80(FP)

nextrun:
	MOVQ    R8, CX
	CMPQ    DX, CX
	CMOVQLT DX, CX
	SUBQ    CX, DX
	MOVQ    SI, R11
	MOVQ    CX, R12
	VPBROADCASTD SIGN, Y4 // greatest signed so far, of 4 times 8
	VPXOR   Y5, Y5, Y5 // greatest unsigned so far
	CMPQ    CX, $32
	JBE     short
	VMOVDQU Y4, Y6
	VMOVDQU Y5, Y7
	SUBQ    $32, CX

loop:
	VMOVDQU 0(SI), Y0
	VMOVDQU 32(SI), Y1
	VMOVDQU 64(SI), Y2
	VMOVDQU 96(SI), Y3
	VPMAXSD Y0, Y4, Y4
	VPMAXUD Y0, Y5, Y5
	VPMAXSD Y1, Y6, Y6
	VPMAXUD Y1, Y7, Y7
	VPMAXSD Y2, Y4, Y4
	VPMAXUD Y2, Y5, Y5
	VPMAXSD Y3, Y6, Y6
	VPMAXUD Y3, Y7, Y7
	ADDQ $128, SI
	SUBQ $32, CX
	JA   loop
	VPMAXSD Y6, Y4, Y4
	VPMAXUD Y7, Y5, Y5
	LEAQ (SI)(CX*4), SI
	MOVQ $32, CX

ends32:
	VMOVDQU 0(SI), Y0
	VMOVDQU 32(SI), Y1
	VMOVDQU -64(SI)(CX*4), Y2
	VMOVDQU -32(SI)(CX*4), Y3
	VPMAXSD Y1, Y0, Y6
	VPMAXUD Y1, Y0, Y7
	VPMAXSD Y2, Y4, Y4
	VPMAXUD Y2, Y5, Y5
	VPMAXSD Y3, Y6, Y6
	VPMAXUD Y3, Y7, Y7
	VPMAXSD Y6, Y4, Y4
	VPMAXUD Y7, Y5, Y5

reduce:
	LEAQ (SI)(CX*4), SI
	REDUCE(VPMAXSD, Y4, X4, X0)
	REDUCE(VPMAXUD, Y5, X5, X1)
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

short:
	CMPQ CX, $16
	JAE  ends32
	CMPQ CX, $8
	JB   ends8
	VMOVDQU 0(SI), Y0
	VMOVDQU -32(SI)(CX*4), Y1

two: // vectors make a run
	VPMAXSD Y1, Y0, Y4
	VPMAXUD Y1, Y0, Y5
	JMP  reduce

ends8:
	CMPQ CX, $4
	JB   ends3
	VBROADCASTI128 0(SI), Y0
	VBROADCASTI128 -16(SI)(CX*4), Y1
	JMP  two

ends3:
	MOVQ CX, BX
	SHRQ $1, BX
	VPBROADCASTD (SI), Y0
	VPBROADCASTD (SI)(BX*4), Y1
	VPBROADCASTD -4(SI)(CX*4), Y4
	VPBLENDD $0x55, Y4, Y1, Y1
	JMP  two

bad:
	MOVB $0, ret+80(FP)
	JMP  store

onesign: // R12 elements at R11 again, for the least unsigned
	VPCMPEQD Y4, Y4, Y4
	CMPQ    R12, $8
	JBE     oneshort
	SUBQ    $8, R12

oneloop:
	VPMINUD (R11), Y4, Y4
	ADDQ $32, R11
	SUBQ $8, R12
	JA   oneloop
	LEAQ (R11)(R12*4), R11
	MOVQ $8, R12

oneshort:
	CMPQ R12, $4
	JB   oneends3
	VBROADCASTI128 0(R11), Y0
	VBROADCASTI128 -16(R11)(R12*4), Y1

onereduce:
	VPMINUD Y0, Y4, Y4
	VPMINUD Y1, Y4, Y4
	REDUCE(VPMINUD, Y4, X4, X0)
	TESTL   AX, AX
	JS      negative
	VMOVD   X4, BX
	JMP     store

negative:
	VMOVD   X4, AX
	JMP     store

oneends3:
	MOVQ R12, R13
	SHRQ $1, R13
	VPBROADCASTD (R11), Y4
	VPBROADCASTD (R11)(R13*4), Y0
	VPBROADCASTD -4(R11)(R12*4), Y1
	JMP  onereduce

// Of 8 vectors, one for each run, PAIR reduces a and b to the alternating dwords
// of t, and EIGHT four such pairs at off from R12 to a dword for each, in Y0.
#define PAIR(op, a, b, u, t) \
	VPUNPCKLDQ b, a, t  \
	VPUNPCKHDQ b, a, u  \
	op         u, t, t

#define EIGHT(op, off) \
	VMOVDQU     (off+0)(R12), Y0      \
	VMOVDQU     (off+64)(R12), Y2     \
	VPUNPCKLQDQ (off+32)(R12), Y0, Y1 \
	VPUNPCKHQDQ (off+32)(R12), Y0, Y0 \
	VPUNPCKLQDQ (off+96)(R12), Y2, Y3 \
	VPUNPCKHQDQ (off+96)(R12), Y2, Y2 \
	op          Y1, Y0, Y0            \
	op          Y3, Y2, Y2            \
	VPERM2I128  $0x20, Y2, Y0, Y1     \
	VPERM2I128  $0x31, Y2, Y0, Y0     \
	op          Y1, Y0, Y0

// ENDS32 sets a to the greatest signed and b to the greatest unsigned of 16 to
// 32 elements, R8 of them at p.
#define ENDS32(p, a, b) \
	VMOVDQU 0(p), Y0          \
	VMOVDQU 32(p), Y1         \
	VMOVDQU -64(p)(R8*4), Y2  \
	VMOVDQU -32(p)(R8*4), Y3  \
	VPMAXSD Y1, Y0, a         \
	VPMAXUD Y1, Y0, b         \
	VPMAXSD Y3, Y2, Y0        \
	VPMAXUD Y3, Y2, Y1        \
	VPMAXSD Y0, a, a          \
	VPMAXUD Y1, b, b

// func rangeShortAVX2(lo, hi, src []float32, run int) bool
//
// Runs are of at least 8 elements, all complete, and taken 8 at a time: what
// pairs of them come to is collected in the frame, where R12 is a multiple of
// 32, and reduced for all together. Greatest signed are at 0, greatest unsigned
// at 128. If all elements of a run have one sign, it takes a third, the least
// signed. Y15 collects what is not finite.
TEXT ·rangeShortAVX2(SB), NOSPLIT, $288-81
	MOVQ  lo_base+0(FP), R9
	MOVQ  lo_len+8(FP), R11
	MOVQ  hi_base+24(FP), R10
	MOVQ  src_base+48(FP), SI
	MOVQ  run+72(FP), R8
	LEAQ  31(SP), R12
	ANDQ  $~31, R12
	VPXOR Y15, Y15, Y15
	VPXOR Y14, Y14, Y14
	VPBROADCASTD INFINITY, Y13
	VPBROADCASTD SIGN, Y12
	VPOR  Y13, Y12, Y12

eight:
	MOVQ SI, DI
	XORL BX, BX
	CMPQ R8, $16
	JB   two
	CMPQ R8, $32
	JA   long

pair: // of runs
	LEAQ (SI)(R8*4), DX
	ENDS32(SI, Y4, Y5)
	ENDS32(DX, Y6, Y7)
	PAIR(VPMAXSD, Y4, Y6, Y0, Y2)
	PAIR(VPMAXUD, Y5, Y7, Y1, Y3)
	VMOVDQU Y2, 0(R12)(BX*1)
	VMOVDQU Y3, 128(R12)(BX*1)
	LEAQ (SI)(R8*8), SI
	ADDQ $32, BX
	CMPQ BX, $128
	JB   pair

reduce:
	EIGHT(VPMAXUD, 128)
	VMOVDQA Y0, Y5 // minima
	EIGHT(VPMAXSD, 0) // maxima
	VPMAXUD Y12, Y5, Y1
	VPMAXSD Y13, Y0, Y2
	VPCMPEQD Y5, Y1, Y1
	VPCMPEQD Y0, Y2, Y2
	VPOR  Y1, Y15, Y15
	VPOR  Y2, Y15, Y15
	VPANDN Y5, Y0, Y1
	VMOVMSKPS Y1, AX
	CMPL  AX, $0xff
	JNE   onesign

store: // -0 becomes +0
	VADDPS  Y14, Y5, Y5
	VADDPS  Y14, Y0, Y0
	VMOVUPS Y5, (R9)
	VMOVUPS Y0, (R10)
	ADDQ $32, R9
	ADDQ $32, R10
	SUBQ $8, R11
	JNZ  eight
	VPTEST Y15, Y15
	SETEQ  ret+80(FP)
	VZEROUPPER
	RET

two: // vectors make a run
	LEAQ (SI)(R8*4), DX
	VMOVDQU 0(SI), Y0
	VMOVDQU -32(SI)(R8*4), Y1
	VMOVDQU 0(DX), Y2
	VMOVDQU -32(DX)(R8*4), Y3
	VPMAXSD Y1, Y0, Y4
	VPMAXUD Y1, Y0, Y5
	VPMAXSD Y3, Y2, Y6
	VPMAXUD Y3, Y2, Y7
	PAIR(VPMAXSD, Y4, Y6, Y0, Y2)
	PAIR(VPMAXUD, Y5, Y7, Y1, Y3)
	VMOVDQU Y2, 0(R12)(BX*1)
	VMOVDQU Y3, 128(R12)(BX*1)
	LEAQ (SI)(R8*8), SI
	ADDQ $32, BX
	CMPQ BX, $128
	JB   two
	JMP  reduce

long: // runs of more than 32
	MOVQ R8, CX
	VMOVDQU 0(SI), Y4
	VMOVDQU 32(SI), Y6
	VMOVDQA Y4, Y5
	VMOVDQA Y6, Y7

longloop:
	VMOVDQU 64(SI), Y2
	VMOVDQU 96(SI), Y3
	VPMAXSD Y2, Y4, Y4
	VPMAXUD Y2, Y5, Y5
	VPMAXSD Y3, Y6, Y6
	VPMAXUD Y3, Y7, Y7
	ADDQ $64, SI
	SUBQ $16, CX
	CMPQ CX, $32
	JA   longloop
	LEAQ (SI)(CX*4), SI // past the run
	VMOVDQU -64(SI), Y2
	VMOVDQU -32(SI), Y3
	VPMAXSD Y2, Y4, Y4
	VPMAXUD Y2, Y5, Y5
	VPMAXSD Y3, Y6, Y6
	VPMAXUD Y3, Y7, Y7
	VPMAXSD Y6, Y4, Y4
	VPMAXUD Y7, Y5, Y5
	XORQ $16, BX // whether it is the first of a pair
	TESTQ $16, BX
	JZ   second
	VMOVDQA Y4, Y8
	VMOVDQA Y5, Y9
	JMP  long

second:
	PAIR(VPMAXSD, Y8, Y4, Y0, Y2)
	PAIR(VPMAXUD, Y9, Y5, Y1, Y3)
	VMOVDQU Y2, 0(R12)(BX*1)
	VMOVDQU Y3, 128(R12)(BX*1)
	ADDQ $32, BX
	CMPQ BX, $128
	JB   long
	JMP  reduce

onesign: // at least one of the runs, from DI on
	VMOVDQA Y0, Y4
	XORL BX, BX

onepair:
	VMOVDQU -32(DI)(R8*4), Y2
	LEAQ (DI)(R8*4), DX
	VMOVDQU -32(DX)(R8*4), Y3
	MOVQ R8, CX

oneloop:
	VPMINSD (DI), Y2, Y2
	VPMINSD (DI)(R8*4), Y3, Y3
	ADDQ $32, DI
	SUBQ $8, CX
	CMPQ CX, $8
	JAE  oneloop
	PAIR(VPMINSD, Y2, Y3, Y0, Y1)
	VMOVDQU Y1, 0(R12)(BX*1)
	LEAQ (DX)(R8*4), DI
	ADDQ $32, BX
	CMPQ BX, $128
	JB   onepair
	EIGHT(VPMINSD, 0)
	VBLENDVPS Y5, Y5, Y0, Y5 // the minimum of none that are negative
	VBLENDVPS Y4, Y0, Y4, Y0 // the maximum of none that are not
	JMP  store

// SQUARES adds the squares of the 8 elements in y, whose lower half is x, to
// the lanes in a and b.
#define SQUARES(y, x, a, b) \
	VEXTRACTF128 $1, y, X2   \
	VCVTPS2PD    x, y        \
	VCVTPS2PD    X2, Y2      \
	VFMADD231PD  y, y, a     \
	VFMADD231PD  Y2, Y2, b

// LAST takes the last CX elements of a run of at least 8, fewer than 8 and at
// SI, to the front of y; the others become 0. It advances SI, and leaves the
// mask in m.
#define LAST(y, m) \
	LEAQ     (SI)(CX*4), SI  \
	ROTATION(CX, y)          \
	VPERMPS  -32(SI), y, y   \
	MASK(CX, m)              \
	VANDPS   m, y, y

// func squaresRunsAVX2(acc []float64, src []float32, run int)
//
// Y8 to Y11 hold the lanes.
TEXT ·squaresRunsAVX2(SB), NOSPLIT, $0-56
	MOVQ acc_base+0(FP), DI
	MOVQ src_base+24(FP), SI
	MOVQ src_len+32(FP), DX
	MOVQ run+48(FP), R8

nextrun:
	MOVQ    R8, CX
	CMPQ    DX, CX
	CMOVQLT DX, CX
	SUBQ    CX, DX
	MOVQ    CX, R12
	VPXOR   Y8, Y8, Y8
	VPXOR   Y9, Y9, Y9
	VPXOR   Y10, Y10, Y10
	VPXOR   Y11, Y11, Y11
	SUBQ    $16, CX
	JB      tail

loop:
	VCVTPS2PD 0(SI), Y0
	VCVTPS2PD 16(SI), Y1
	VCVTPS2PD 32(SI), Y2
	VCVTPS2PD 48(SI), Y3
	VFMADD231PD Y0, Y0, Y8
	VFMADD231PD Y1, Y1, Y9
	VFMADD231PD Y2, Y2, Y10
	VFMADD231PD Y3, Y3, Y11
	ADDQ $64, SI
	SUBQ $16, CX
	JAE  loop

tail: // CX + 16 elements, fewer than 16
	ADDQ $8, CX
	JL   tail8 // fewer than 8
	VMOVUPS (SI), Y0
	SQUARES(Y0, X0, Y8, Y9)
	ADDQ $32, SI
	TESTQ CX, CX
	JZ   fold
	LAST(Y0, Y3)
	SQUARES(Y0, X0, Y10, Y11)
	JMP  fold

tail8:
	ADDQ $8, CX
	JZ   fold
	CMPQ R12, $8
	JB   few
	LAST(Y0, Y3)
	SQUARES(Y0, X0, Y8, Y9)

fold:
	FOLD(Y8, Y9, Y10, Y11, X8, (DI))
	ADDQ  $8, DI
	TESTQ DX, DX
	JNZ   nextrun
	VZEROUPPER
	RET

few: // is all there is in the run
	FEW(SI, CX, Y0, X0, Y1, X1)
	SQUARES(Y0, X0, Y8, Y9)
	LEAQ (SI)(CX*4), SI
	JMP  fold

// ERRORS
//
// For how the clamp tells what is clipped, and for what EDGE does, see the
// errors of AVX-512. The difference is that comparisons leave masks in vectors,
// and that what EDGE finds wrong is added to Y2.

// EDGE sets t to the last x whose quotient rounds to bound or farther in. It
// uses Y3 to Y5.
#define STEP(bound, out, t) \
	VDIVPS   Y8, t, Y3       \
	VROUNDPS $8, Y3, Y3      \
	VCMPPS   out, bound, Y3, Y3 \
	VPAND    Y4, Y3, Y3      \
	VPSUBD   Y3, t, t

#define EDGE(bound, half, out, outward, t) \
	VBROADCASTSS half, Y3           \
	VADDPS       bound, Y3, Y3      \
	VMULPS       Y8, Y3, t          \
	VPSRAD       $31, t, Y4         \
	VPBROADCASTD UNIT, Y5           \
	VPOR         Y5, Y4, Y4         \
	outward                         \
	VPADDD       Y4, t, t           \
	VPADDD       Y4, t, t           \
	STEP(bound, out, t)             \
	STEP(bound, out, t)             \
	STEP(bound, out, t)             \
	STEP(bound, out, t)             \
	STEP(bound, out, t)             \
	STEP(bound, out, t)             \
	VDIVPS       Y8, t, Y3          \
	VROUNDPS     $8, Y3, Y3         \
	VCMPPS       out, bound, Y3, Y3 \
	VPOR         Y3, Y2, Y2

// Toward +Inf adds 1 to the bits of a positive value and takes 1 off those of
// a negative one; toward -Inf the other way round.
#define UPWARD
#define DOWNWARD \
	VPXOR  Y5, Y5, Y5 \
	VPSUBD Y4, Y5, Y4

// EDGES prepares scales in Y8 and zero points in Y12: reciprocals in Y9 and
// edges in Y10 and Y11. The zero flag is clear if any is not for this kernel.
#define EDGES(qmin, qmax) \
	PREPARE(qmin, qmax, FARTHEST)                    \
	EDGE(Y0, MINUSHALF, $1, DOWNWARD, Y10) \
	EDGE(Y1, HALF, $14, UPWARD, Y11)       \
	VPTEST Y2, Y2

// DEVIATE sets e to |e| of the elements x, and m to a mask of those that were
// clamped to lo or hi, s being the scale and y its reciprocal.
#define DEVIATE(s, y, lo, hi, x, t, e, m) \
	VMAXPS       lo, x, t        \
	VMINPS       hi, t, t        \
	VCMPPS       $4, x, t, m     \
	VMULPS       y, t, e         \
	VFNMADD231PS s, e, t         \
	VFMADD231PS  y, t, e         \
	VROUNDPS     $8, e, e        \
	VMULPS       s, e, e         \
	VSUBPS       x, e, e         \
	VANDPS       magnitude<>(SB), e, e

DATA magnitude<>+0(SB)/8, $0x7fffffff7fffffff
DATA magnitude<>+8(SB)/8, $0x7fffffff7fffffff
DATA magnitude<>+16(SB)/8, $0x7fffffff7fffffff
DATA magnitude<>+24(SB)/8, $0x7fffffff7fffffff
GLOBL magnitude<>(SB), RODATA|NOPTR, $32

// TALLY adds |e| in Y2 to the lanes a and b, its square to c and d, and takes
// account of the maximum and, with the mask in Y3, of what was clipped.
#define TALLY(max, clipped, a, b, c, d) \
	VPSUBD       Y3, clipped, clipped \
	VPMAXUD      Y2, max, max         \
	VCVTPS2PD    X2, Y0               \
	VEXTRACTF128 $1, Y2, X1           \
	VCVTPS2PD    X1, Y1               \
	VADDPD       Y0, a, a             \
	VADDPD       Y1, b, b             \
	VFMADD231PD  Y0, Y0, c            \
	VFMADD231PD  Y1, Y1, d

// A core sees only so far ahead, and DEVIATE is a long way. BEGIN goes half of
// it for 8 elements at off, up to the quotient in Y2, and counts the clamped;
// FINISH goes on from the code of 8 others in Y3, which are at off, and adds: so
// a core has both to do at once.
#define BEGIN(off) \
	VMOVUPS      off(SI), Y0    \
	VMAXPS       0(R15), Y0, Y1 \
	VMINPS       32(R15), Y1, Y1 \
	VCMPPS       $4, Y0, Y1, Y0 \
	VPSUBD       Y0, Y4, Y4     \
	VMULPS       Y6, Y1, Y2     \
	VFNMADD231PS Y7, Y2, Y1     \
	VFMADD231PS  Y6, Y1, Y2

#define FINISH(off, a, b, c, d) \
	VMULPS       Y7, Y3, Y3      \
	VSUBPS       off(SI), Y3, Y3 \
	VANDPS       magnitude<>(SB), Y3, Y3 \
	VPMAXUD      Y3, Y5, Y5      \
	VEXTRACTF128 $1, Y3, X1      \
	VCVTPS2PD    X3, Y3          \
	VCVTPS2PD    X1, Y1          \
	VADDPD       Y3, a, a        \
	VADDPD       Y1, b, b        \
	VFMADD231PD  Y3, Y3, c       \
	VFMADD231PD  Y1, Y1, d

// func errorsRunsAVX2(acc []sums, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int
//
// It returns how many runs it did: all, or a multiple of 8 if a scale among
// the next 8 is not for this kernel. Y8 to Y11 hold the lanes of sum|e|, Y12
// to Y15 those of sum e², Y5 the bits of max|e|, Y4 the count of clipped, Y7
// the scale and Y6 its reciprocal. In the frame BX is a multiple of 32: scales
// are at 0, reciprocals at 32, edges at 64 and 96, and from 128 on those of each
// run in all dwords, early enough for R15 to read them without waiting.
TEXT ·errorsRunsAVX2(SB), NOSPLIT, $672-120
	MOVQ acc_base+0(FP), DI
	MOVQ src_base+24(FP), SI
	MOVQ src_len+32(FP), DX
	MOVQ run+48(FP), R8
	MOVQ scale_base+56(FP), R9
	MOVQ scale_len+64(FP), R11
	MOVQ zero_base+80(FP), R10
	XORL R13, R13 // runs done
	LEAQ 31(SP), BX
	ANDQ $~31, BX

params: // of the next 8 runs
	NEXT8(fewparams, ready)
	EDGES(qmin+104(FP), qmax+108(FP))
	JNE    done
	VMOVUPS Y8, 0(BX)
	VMOVUPS Y9, 32(BX)
	VMOVUPS Y10, 64(BX)
	VMOVUPS Y11, 96(BX)
	XORL   R12, R12
	LEAQ   128(BX), R15

edges: // of each run in all dwords
	VBROADCASTSS 64(BX)(R12*4), Y0
	VBROADCASTSS 96(BX)(R12*4), Y1
	VMOVUPS Y0, 0(R15)
	VMOVUPS Y1, 32(R15)
	ADDQ   $64, R15
	INCQ   R12
	CMPQ   R12, $8
	JB     edges
	XORL   R12, R12
	LEAQ   128(BX), R15

nextrun:
	MOVQ    R8, CX
	CMPQ    DX, CX
	CMOVQLT DX, CX
	SUBQ    CX, DX
	MOVQ    CX, R14
	VBROADCASTSS 0(BX)(R12*4), Y7
	VBROADCASTSS 32(BX)(R12*4), Y6
	VPXOR  Y4, Y4, Y4
	VPXOR  Y5, Y5, Y5
	VPXOR  Y8, Y8, Y8
	VPXOR  Y9, Y9, Y9
	VPXOR  Y10, Y10, Y10
	VPXOR  Y11, Y11, Y11
	VPXOR  Y12, Y12, Y12
	VPXOR  Y13, Y13, Y13
	VPXOR  Y14, Y14, Y14
	VPXOR  Y15, Y15, Y15
	SUBQ   $16, CX
	JB     tail

	BEGIN(0)

loop:
	VROUNDPS $8, Y2, Y3
	BEGIN(32)
	FINISH(0, Y8, Y9, Y12, Y13)
	VROUNDPS $8, Y2, Y3
	ADDQ $64, SI
	SUBQ $16, CX
	JB   last
	BEGIN(0)
	FINISH(-32, Y10, Y11, Y14, Y15)
	JMP  loop

last:
	FINISH(-32, Y10, Y11, Y14, Y15)

tail: // CX + 16 elements, fewer than 16
	ADDQ $8, CX
	JL   tail8 // fewer than 8
	VMOVUPS 0(SI), Y0
	DEVIATE(Y7, Y6, 0(R15), 32(R15), Y0, Y1, Y2, Y3)
	TALLY(Y5, Y4, Y8, Y9, Y12, Y13)
	ADDQ $32, SI
	TESTQ CX, CX
	JZ   fold
	LAST(Y0, Y3)
	DEVIATE(Y7, Y6, 0(R15), 32(R15), Y0, Y1, Y2, Y3)
	MASK(CX, Y0)
	VPAND Y0, Y2, Y2
	VPAND Y0, Y3, Y3
	TALLY(Y5, Y4, Y10, Y11, Y14, Y15)
	JMP  fold

tail8:
	ADDQ $8, CX
	JZ   fold
	CMPQ R14, $8
	JB   few
	LAST(Y0, Y3)

masked: // CX elements in Y0
	DEVIATE(Y7, Y6, 0(R15), 32(R15), Y0, Y1, Y2, Y3)
	MASK(CX, Y0)
	VPAND Y0, Y2, Y2
	VPAND Y0, Y3, Y3
	TALLY(Y5, Y4, Y8, Y9, Y12, Y13)

fold:
	HALVED(Y8, Y9, Y10, Y11, X8, X0)
	HALVED(Y12, Y13, Y14, Y15, X12, X1)
	VHADDPD X12, X8, X8
	VMOVUPD X8, 0(DI)
	REDUCE(VPMAXUD, Y5, X5, X0)
	REDUCE(VPADDD, Y4, X4, X1)
	VMOVD   X5, 16(DI)
	VMOVD   X4, 20(DI)
	ADDQ    $24, DI
	INCQ    R13
	INCQ    R12
	ADDQ    $64, R15
	TESTQ   DX, DX
	JZ      done
	CMPQ    R12, $8
	JNE     nextrun
	JMP     params

few: // is all there is in the run
	FEW(SI, CX, Y0, X0, Y1, X1)
	LEAQ (SI)(CX*4), SI
	JMP  masked

done:
	MOVQ R13, ret+112(FP)
	VZEROUPPER
	RET

// func errorsColumnsAVX2(abs, sq *float64, max *float32, clipped *uint32, src *float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32) int
//
// It takes 8 columns at a time, of at least 8, and returns how many it did: all,
// or a multiple of 8 if a scale among the next 8 is not for this kernel. The
// last 8 may overlap those before, and then only the others are stored. Lanes
// are in Y12 to Y15, Y5 and Y4.
TEXT ·errorsColumnsAVX2(SB), NOSPLIT, $0-120
	MOVQ scale_base+56(FP), R9
	MOVQ scale_len+64(FP), R11
	MOVQ zero_base+80(FP), R10
	MOVQ stride+48(FP), R8
	SHLQ $2, R8
	MOVQ abs+0(FP), DI
	MOVQ sq+8(FP), DX
	XORL R13, R13 // columns done

columns: // the 8 from R12 on, BX of which are new
	MOVQ R11, BX
	SUBQ R13, BX
	JZ   done
	LEAQ -8(R11), R12
	CMPQ R13, R12
	CMOVQLT R13, R12
	VMOVUPS (R9)(R12*4), Y8
	VMOVDQU (R10)(R12*4), Y12
	EDGES(qmin+104(FP), qmax+108(FP))
	JNE  done
	MOVQ max+16(FP), R14
	MOVQ clipped+24(FP), R15
	VMOVUPD 0(DI)(R12*8), Y12
	VMOVUPD 32(DI)(R12*8), Y13
	VMOVUPD 0(DX)(R12*8), Y14
	VMOVUPD 32(DX)(R12*8), Y15
	VMOVDQU (R14)(R12*4), Y5
	VMOVDQU (R15)(R12*4), Y4
	MOVQ src+32(FP), SI
	LEAQ (SI)(R12*4), SI
	MOVQ rows+40(FP), CX

loop: // down the rows
	VMOVUPS (SI), Y0
	DEVIATE(Y8, Y9, Y10, Y11, Y0, Y1, Y2, Y3)
	TALLY(Y5, Y4, Y12, Y13, Y14, Y15)
	ADDQ R8, SI
	DECQ CX
	JNZ  loop
	CMPQ BX, $8
	JB   last
	VMOVUPD Y12, 0(DI)(R12*8)
	VMOVUPD Y13, 32(DI)(R12*8)
	VMOVUPD Y14, 0(DX)(R12*8)
	VMOVUPD Y15, 32(DX)(R12*8)
	VMOVDQU Y5, (R14)(R12*4)
	VMOVDQU Y4, (R15)(R12*4)
	ADDQ $8, R13
	JMP  columns

last:
	LASTMASK(BX, Y6)
	HALVES(Y6, X6, Y0, Y1, X1)
	VMASKMOVPD Y12, Y0, 0(DI)(R12*8)
	VMASKMOVPD Y13, Y1, 32(DI)(R12*8)
	VMASKMOVPD Y14, Y0, 0(DX)(R12*8)
	VMASKMOVPD Y15, Y1, 32(DX)(R12*8)
	VPMASKMOVD Y5, Y6, (R14)(R12*4)
	VPMASKMOVD Y4, Y6, (R15)(R12*4)
	MOVQ R11, R13

done:
	MOVQ R13, ret+112(FP)
	VZEROUPPER
	RET
