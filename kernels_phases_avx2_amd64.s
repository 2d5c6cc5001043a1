//go:build !purego

// search.Low, search.AtMost and search.Bounds with AVX2.

#include "textflag.h"

#define SUMS    DI  // address of the next sums
#define VALUES  SI  // address of the next values
#define LEFT    DX  // number of values that are left
#define PAIR    BX  // address of the next pair of phases
#define COUNT   CX  // number of pairs that are left
#define LAST    R10 // index of the last step
#define LOW     R8  // result
#define AT      R9  // index of the next bits of the result
#define NUMBERS Y15 // indices of the first 8 steps, once for each value of a pair
#define MOVES   Y14 // moves of the pair, repeated
#define MID     Y13 // s.Mid
#define MOVE    Y12 // s.Move
#define ROUND   Y11 // 0x1.8p52, whose last place is 2^0
#define WORDS   Y10 // 2^16-1 in each quadword

DATA phaseNumbers8<>+0(SB)/8, $0x0001000100000000
DATA phaseNumbers8<>+8(SB)/8, $0x0003000300020002
DATA phaseNumbers8<>+16(SB)/8, $0x0005000500040004
DATA phaseNumbers8<>+24(SB)/8, $0x0007000700060006
DATA phaseNumbers8<>+32(SB)/8, $0x4338000000000000
DATA phaseNumbers8<>+40(SB)/8, $0x000000000000ffff
GLOBL phaseNumbers8<>(SB), RODATA|NOPTR, $48

DATA phaseOnes8<>+0(SB)/8, $0x0001000100010001
DATA phaseOnes8<>+8(SB)/8, $0x0001000100010001
DATA phaseOnes8<>+16(SB)/8, $0x0001000100010001
DATA phaseOnes8<>+24(SB)/8, $0x0001000100010001
GLOBL phaseOnes8<>(SB), RODATA|NOPTR, $32

DATA phaseLanes8<>+0(SB)/8, $0x0000000100000000
DATA phaseLanes8<>+8(SB)/8, $0x0000000300000002
DATA phaseLanes8<>+16(SB)/8, $0x0000000500000004
DATA phaseLanes8<>+24(SB)/8, $0x0000000700000006
DATA phaseLanes8<>+32(SB)/8, $0x0000000800000008
GLOBL phaseLanes8<>(SB), RODATA|NOPTR, $40

// WORDS16 sets p to the rounded products of the 16 values at PAIR and by, modulo 2^16. Neighbours
// stay neighbours: each dword has those of a pair. It uses q and r.
#define WORDS16(by, p, q, r) \
	VMULPD    0(PAIR), by, p  \
	VADDPD    ROUND, p, p     \
	VPAND     WORDS, p, p     \
	VMULPD    32(PAIR), by, q \
	VADDPD    ROUND, q, q     \
	VPAND     WORDS, q, q     \
	VPACKUSDW q, p, p         \
	VMULPD    64(PAIR), by, q \
	VADDPD    ROUND, q, q     \
	VPAND     WORDS, q, q     \
	VMULPD    96(PAIR), by, r \
	VADDPD    ROUND, r, r     \
	VPAND     WORDS, r, r     \
	VPACKUSDW r, q, q         \
	VPACKUSDW q, p, p

// BEGIN sets Y8 to the phases of a pair of values at 8 steps, and MOVES to the moves of 8 steps. It
// goes on to the next pair.
#define BEGIN \
	VPBROADCASTD 32(PAIR), MOVES    \
	VPMULLW      NUMBERS, MOVES, Y8 \
	VPBROADCASTD (PAIR), Y9         \
	VPADDW       Y9, Y8, Y8         \
	VPSLLW       $3, MOVES, MOVES   \
	ADDQ         $4, PAIR

// SQUARES adds the squares of the phases in Y8 to sum, as search.Low does. ABSOLUTE adds their
// magnitudes. Both go on to the next 8 steps. They change t.
#define SQUARES(t, sum) \
	VPMADDWD Y8, Y8, t     \
	VPADDW   MOVES, Y8, Y8 \
	VPSRLD   $13, t, t     \
	VPADDD   t, sum, sum

#define ABSOLUTE(t, sum) \
	VPSRAW   $15, Y8, t             \
	VPXOR    Y8, t, t               \
	VPADDW   MOVES, Y8, Y8          \
	VPMADDWD phaseOnes8<>(SB), t, t \
	VPADDD   t, sum, sum

// COMPARE stores the next 8 sums. It sets the next 8 bits of LOW to which of them are at most their
// limits in Y9, for the steps in Y12 up to the last in Y13. It stores the others as the largest
// integer in the frame. The least of all is in Y14. Limits fall by Y10, and the steps
// grow by Y11.
#define COMPARE(sum) \
	VMOVDQU   sum, (SUMS)        \
	VPCMPGTD  Y9, sum, Y8        \
	VPCMPGTD  Y13, Y12, Y15      \
	VPOR      Y15, Y8, Y8        \
	VMOVMSKPS Y8, AX             \
	VPOR      Y8, sum, sum       \
	VMOVDQU   sum, 192(SP)(AT*4) \
	VPMINUD   sum, Y14, Y14      \
	VPSUBD    Y10, Y9, Y9        \
	VPADDD    Y11, Y12, Y12      \
	ADDQ      $32, SUMS          \
	XORL      $0xff, AX          \
	SHLXQ     AT, AX, AX         \
	ORQ       AX, LOW            \
	ADDQ      $8, AT

//	search.Low(sums, memory, values, s, limit, down, squares)
//
// func lowAVX2(sums *search.PhaseSums, values []float64, s search.Steps, limit, down uint32, squares bool) (low uint64, least int)
//
// The frame holds the first phases of 8 pairs at 0, their moves at 32, the last values followed by
// zeros at 64, and sums at 192.
TEXT ·lowAVX2(SB), NOSPLIT, $448-88
	MOVQ         values_base+8(FP), VALUES
	MOVQ         values_len+16(FP), LEFT
	MOVQ         s_N+48(FP), LAST
	VBROADCASTSD s_Mid+32(FP), MID
	VBROADCASTSD s_Move+40(FP), MOVE
	VPBROADCASTQ phaseNumbers8<>+32(SB), ROUND
	VPBROADCASTQ phaseNumbers8<>+40(SB), WORDS
	VMOVDQU      phaseNumbers8<>(SB), NUMBERS
	VPXOR        Y0, Y0, Y0
	VPXOR        Y1, Y1, Y1
	VPXOR        Y2, Y2, Y2
	VPXOR        Y3, Y3, Y3
	VPXOR        Y4, Y4, Y4
	VPXOR        Y5, Y5, Y5
	VPXOR        Y6, Y6, Y6
	VPXOR        Y7, Y7, Y7
	JMP          values

few: // fewer than 16 values are left
	VPXOR   Y8, Y8, Y8
	VMOVDQU Y8, 64(SP)
	VMOVDQU Y8, 96(SP)
	VMOVDQU Y8, 128(SP)
	VMOVDQU Y8, 160(SP)
	XORL    AX, AX

copy:
	MOVQ (VALUES)(AX*8), R11
	MOVQ R11, 64(SP)(AX*8)
	INCQ AX
	CMPQ AX, LEFT
	JLT  copy
	LEAQ 64(SP), PAIR
	JMP  phases

values: // the next 16
	CMPQ LEFT, $16
	JLT  few
	MOVQ VALUES, PAIR

phases: // of the 16 values at PAIR
	MOVL         $8, COUNT
	WORDS16(MOVE, Y8, Y9, Y14)
	VMOVDQU      Y8, 32(SP)
	MOVQ         LAST, AX
	SHRQ         $1, AX
	VMOVD        AX, X14
	VPBROADCASTW X14, Y14
	VPMULLW      Y14, Y8, Y8
	VMOVDQU      Y8, (SP)
	WORDS16(MID, Y8, Y9, Y14)
	VPSUBW       (SP), Y8, Y8
	VMOVDQU      Y8, (SP)
	MOVQ         SP, PAIR
	CMPB         squares+64(FP), $0
	JEQ          absolute
	CMPQ         LAST, $32
	JLT          squares32

squares64:
	BEGIN
	SQUARES(Y9, Y0)
	SQUARES(Y9, Y1)
	SQUARES(Y9, Y2)
	SQUARES(Y9, Y3)
	SQUARES(Y9, Y4)
	SQUARES(Y9, Y5)
	SQUARES(Y9, Y6)
	SQUARES(Y9, Y7)
	DECQ COUNT
	JNZ  squares64
	JMP  next

squares32:
	BEGIN
	SQUARES(Y9, Y0)
	SQUARES(Y9, Y1)
	SQUARES(Y9, Y2)
	SQUARES(Y9, Y3)
	DECQ COUNT
	JNZ  squares32
	JMP  next

absolute:
	CMPQ LAST, $32
	JLT  absolute32

absolute64:
	BEGIN
	ABSOLUTE(Y9, Y0)
	ABSOLUTE(Y9, Y1)
	ABSOLUTE(Y9, Y2)
	ABSOLUTE(Y9, Y3)
	ABSOLUTE(Y9, Y4)
	ABSOLUTE(Y9, Y5)
	ABSOLUTE(Y9, Y6)
	ABSOLUTE(Y9, Y7)
	DECQ COUNT
	JNZ  absolute64
	JMP  next

absolute32:
	BEGIN
	ABSOLUTE(Y9, Y0)
	ABSOLUTE(Y9, Y1)
	ABSOLUTE(Y9, Y2)
	ABSOLUTE(Y9, Y3)
	DECQ COUNT
	JNZ  absolute32

next:
	ADDQ $128, VALUES
	SUBQ $16, LEFT
	JGT  values

	MOVQ         sums+0(FP), SUMS
	MOVL         down+60(FP), AX
	VMOVD        AX, X10
	VPBROADCASTD X10, Y10
	VMOVDQU      phaseLanes8<>(SB), Y12
	VPMULLD      Y12, Y10, Y8
	MOVL         limit+56(FP), AX
	VMOVD        AX, X9
	VPBROADCASTD X9, Y9
	VPSUBD       Y8, Y9, Y9
	VPSLLD       $3, Y10, Y10
	VPBROADCASTD phaseLanes8<>+32(SB), Y11
	VMOVD        LAST, X13
	VPBROADCASTD X13, Y13
	VPCMPEQD     Y14, Y14, Y14
	XORL         LOW, LOW
	XORL         AT, AT
	COMPARE(Y0)
	COMPARE(Y1)
	COMPARE(Y2)
	COMPARE(Y3)
	COMPARE(Y4)
	COMPARE(Y5)
	COMPARE(Y6)
	COMPARE(Y7)
	XORL         AT, AT
	TESTQ        LOW, LOW
	JEQ          done

	// The index of the least sum
	VEXTRACTI128 $1, Y14, X8
	VPMINUD      X8, X14, X14
	VPSHUFD      $0x4e, X14, X8
	VPMINUD      X8, X14, X14
	VPSHUFD      $0xb1, X14, X8
	VPMINUD      X8, X14, X14
	VPBROADCASTD X14, Y14

find:
	VPCMPEQD  192(SP)(AT*4), Y14, Y8
	VMOVMSKPS Y8, AX
	ADDQ      $8, AT
	TESTL     AX, AX
	JEQ       find
	TZCNTL    AX, AX
	LEAQ      -8(AT)(AX*1), AT

done:
	MOVQ LOW, low+72(FP)
	MOVQ AT, least+80(FP)
	VZEROUPPER
	RET

#undef NUMBERS
#undef AT
#undef LOW
#define LIMITS Y15 // limits of the next 8 sums
#define DOWN   Y14 // by how much limits fall in 8 steps

// ABOVE sets r to which of 8 sums are above their limits. It uses y.
#define ABOVE(i, y, r) \
	VMOVDQU   (32*i)(SUMS), y      \
	VPCMPGTD  LIMITS, y, y         \
	VPSUBD    DOWN, LIMITS, LIMITS \
	VMOVMSKPS y, r

// JOIN appends the bits of b to those of a, of which there are n.
#define JOIN(n, b, a) \
	SHLQ $n, b \
	ORQ  b, a

//	search.AtMost(sums, low, limit, down)
//
// func atMostAVX2(sums *search.PhaseSums, low uint64, limit, down uint32) uint64
TEXT ·atMostAVX2(SB), NOSPLIT, $0-32
	MOVQ         sums+0(FP), SUMS
	MOVL         limit+16(FP), AX
	VMOVD        AX, X15
	VPBROADCASTD X15, LIMITS
	MOVL         down+20(FP), AX
	VMOVD        AX, X14
	VPBROADCASTD X14, DOWN
	VPMULLD      phaseLanes8<>(SB), DOWN, Y0
	VPSUBD       Y0, LIMITS, LIMITS
	VPSLLD       $3, DOWN, DOWN
	ABOVE(0, Y0, AX)
	ABOVE(1, Y1, BX)
	ABOVE(2, Y2, CX)
	ABOVE(3, Y3, DX)
	ABOVE(4, Y4, R8)
	ABOVE(5, Y5, R9)
	ABOVE(6, Y6, R10)
	ABOVE(7, Y7, R11)
	JOIN(8, BX, AX)
	JOIN(8, DX, CX)
	JOIN(8, R9, R8)
	JOIN(8, R11, R10)
	JOIN(16, CX, AX)
	JOIN(16, R10, R8)
	JOIN(32, R8, AX)
	NOTQ         AX
	ANDQ         low+8(FP), AX
	MOVQ         AX, ret+24(FP)
	VZEROUPPER
	RET

#undef SUMS
#define DST      DI  // address of the next bounds
#define SUMS     SI  // address of the next sums
#define BETWEEN  DX  // the bits from the next 4 intervals on
#define BELOW    R8  // result
#define AT       CX  // index of the next interval
#define U        Y15 // b.U
#define H        Y14 // b.H
#define ERROR    Y13 // b.Error
#define CURVE    Y12 // b.Curve
#define CURVE4   Y11 // 4*b.Curve
#define SHARE    Y10 // b.Share
#define MOST     Y9  // b.Most
#define UNIT     Y8  // 1/phaseSquare
#define NUMBERS  Y7  // indices of the next 4 intervals
#define NULL     Y6  // 0
#define POSITIVE Y5  // mask of the magnitude of a float64

DATA boundLanes4<>+0(SB)/8, $0.0
DATA boundLanes4<>+8(SB)/8, $1.0
DATA boundLanes4<>+16(SB)/8, $2.0
DATA boundLanes4<>+24(SB)/8, $3.0
DATA boundLanes4<>+32(SB)/8, $4.0
DATA boundLanes4<>+40(SB)/8, $4.0
DATA boundLanes4<>+48(SB)/8, $4.0
DATA boundLanes4<>+56(SB)/8, $4.0
GLOBL boundLanes4<>(SB), RODATA|NOPTR, $64

// DISTANCES sets d to lower bounds on f from the sums in s, as search.Bounds does.
#define DISTANCES(s, d) \
	VCVTDQ2PD s, d        \
	VMULPD    UNIT, d, d  \
	VSQRTPD   d, d        \
	VSUBPD    ERROR, d, d \
	VMAXPD    NULL, d, d  \
	VMULPD    d, d, d

//	search.Bounds(dst, sums, between, b)
//
// func boundsAVX2(dst *search.StepBounds, sums *search.PhaseSums, between uint64, b search.Bounding) uint64
TEXT ·boundsAVX2(SB), NOSPLIT, $0-80
	MOVQ         dst+0(FP), DST
	MOVQ         sums+8(FP), SUMS
	MOVQ         between+16(FP), BETWEEN
	VBROADCASTSD b_U+24(FP), U
	VBROADCASTSD b_H+32(FP), H
	VBROADCASTSD b_Error+40(FP), ERROR
	VBROADCASTSD b_Curve+48(FP), CURVE
	VBROADCASTSD b_Share+56(FP), SHARE
	VBROADCASTSD b_Most+64(FP), MOST
	VADDPD       CURVE, CURVE, CURVE4
	VADDPD       CURVE4, CURVE4, CURVE4
	MOVQ         $0x3ec0000000000000, AX // 2^-19
	VMOVQ        AX, X8
	VPBROADCASTQ X8, UNIT
	MOVQ         $0x7fffffffffffffff, AX
	VMOVQ        AX, X5
	VPBROADCASTQ X5, POSITIVE
	VXORPD       NULL, NULL, NULL
	VMOVUPD      boundLanes4<>(SB), NUMBERS
	XORL         BELOW, BELOW
	XORL         AT, AT

intervals: // the next 4
	TESTB $0xf, BETWEEN
	JEQ   skip

	// f at the steps in Y0, and at those after them in Y1
	VMOVDQU (SUMS), X0
	VPSRLDQ $4, X0, X1
	CMPQ    AT, $60
	JEQ     last
	VMOVDQU 4(SUMS), X1

last:
	DISTANCES(X0, Y0)
	DISTANCES(X1, Y1)

	// The least f of the parabola between the two, or the lesser of the two.
	VMINPD    Y1, Y0, Y2
	VSUBPD    Y1, Y0, Y3
	VANDPD    POSITIVE, Y3, Y3
	VCMPPD    $1, CURVE, Y3, Y3
	VADDPD    Y0, CURVE, Y4
	VSUBPD    Y1, Y4, Y4
	VMULPD    Y4, Y4, Y4
	VDIVPD    CURVE4, Y4, Y4
	VSUBPD    Y4, Y0, Y4
	VMAXPD    NULL, Y4, Y4
	VBLENDVPD Y3, Y4, Y2, Y2

	// Divided by the larger u² and the share.
	VMULPD    H, NUMBERS, Y3
	VSUBPD    Y3, U, Y3
	VMULPD    Y3, Y3, Y3
	VMULPD    SHARE, Y3, Y3
	VDIVPD    Y3, Y2, Y2
	VMOVUPD   Y2, (DST)
	VCMPPD    $1, MOST, Y2, Y3
	VMOVMSKPD Y3, AX
	SHLXQ     AT, AX, AX
	ORQ       AX, BELOW

skip:
	VADDPD boundLanes4<>+32(SB), NUMBERS, NUMBERS
	ADDQ   $32, DST
	ADDQ   $16, SUMS
	ADDQ   $4, AT
	SHRQ   $4, BETWEEN
	JNE    intervals
	ANDQ   between+16(FP), BELOW
	MOVQ   BELOW, ret+72(FP)
	VZEROUPPER
	RET
