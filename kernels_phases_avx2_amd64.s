//go:build !purego

// search.LowPhases and search.Bounds with AVX2.

#include "textflag.h"

#define SUMS    DI  // address of the next sums
#define ALL     SI  // address of the next pair of values
#define COUNT   CX  // number of pairs that are left
#define STEPS   DX  // number of steps that are left
#define LOW     R8  // result
#define AT      R9  // index of the next bits of the result
#define NUMBERS Y15 // indices of the next 8 steps, once for each value of a pair
#define SIXTEEN Y14 // 16 in each word
#define ONES    Y13 // 1 in each word
#define FIRST   Y12 // first phases of the pair, repeated
#define MOVES   Y11 // moves of the pair, repeated
#define LIMITS  Y10 // limits of the next 8 sums
#define DOWN    Y9  // by how much limits fall in 8 steps

DATA phaseNumbers8<>+0(SB)/8, $0x0001000100000000
DATA phaseNumbers8<>+8(SB)/8, $0x0003000300020002
DATA phaseNumbers8<>+16(SB)/8, $0x0005000500040004
DATA phaseNumbers8<>+24(SB)/8, $0x0007000700060006
DATA phaseNumbers8<>+32(SB)/8, $0x0010001000100010
DATA phaseNumbers8<>+40(SB)/8, $0x0001000100010001
GLOBL phaseNumbers8<>(SB), RODATA|NOPTR, $48

DATA phaseLanes8<>+0(SB)/8, $0x0000000100000000
DATA phaseLanes8<>+8(SB)/8, $0x0000000300000002
DATA phaseLanes8<>+16(SB)/8, $0x0000000500000004
DATA phaseLanes8<>+24(SB)/8, $0x0000000700000006
GLOBL phaseLanes8<>(SB), RODATA|NOPTR, $32

// PHASES sets p to the phases of a pair of values at 8 steps, and q to those at the next 8
// steps. It leaves the moves of 8 steps in MOVES.
#define PHASES(p, q) \
	VPBROADCASTD (ALL), FIRST      \
	VPBROADCASTD 4(ALL), MOVES     \
	VPMULLW      NUMBERS, MOVES, p \
	VPADDW       FIRST, p, p       \
	VPSLLW       $3, MOVES, MOVES  \
	VPADDW       MOVES, p, q

// SQUARES adds the squares of the phases p to sum, as search.LowPhases does. It changes p.
#define SQUARES(p, sum) \
	VPMADDWD p, p, p    \
	VPSRLD   $13, p, p  \
	VPADDD   p, sum, sum

// ABSOLUTE adds the magnitudes of the phases p to sum, as search.LowPhases does without squares.
// It changes t.
#define ABSOLUTE(p, t, sum) \
	VPSRAW   $15, p, t   \
	VPXOR    p, t, t     \
	VPMADDWD ONES, t, t  \
	VPADDD   t, sum, sum

// NEXT goes on to the next pair of values.
#define NEXT \
	ADDQ $8, ALL \
	DECQ COUNT

// COMPARE stores the next 8 sums and sets the next 8 bits of LOW. A bit is 1 if the sum is at
// most its limit. COMPARE changes sum.
#define COMPARE(sum) \
	VMOVDQU   sum, (SUMS)           \
	ADDQ      $32, SUMS             \
	VPCMPGTD  LIMITS, sum, sum      \
	VMOVMSKPS sum, AX               \
	VPSUBD    DOWN, LIMITS, LIMITS  \
	XORL      $0xff, AX             \
	SHLXQ     AT, AX, AX            \
	ORQ       AX, LOW               \
	ADDQ      $8, AT

//	search.LowPhases(sums, all, steps, limit, down, squares)
//
// func lowPhasesAVX2(sums *search.PhaseSums, all []search.Phases, steps int, limit, down uint32, squares bool) uint64
TEXT ·lowPhasesAVX2(SB), NOSPLIT, $0-64
	MOVQ         sums+0(FP), SUMS
	MOVQ         steps+32(FP), STEPS
	VMOVDQU      phaseNumbers8<>(SB), NUMBERS
	VPBROADCASTQ phaseNumbers8<>+32(SB), SIXTEEN
	VPBROADCASTQ phaseNumbers8<>+40(SB), ONES
	MOVL         down+44(FP), AX
	VMOVD        AX, X0
	VPBROADCASTD X0, DOWN
	VPMULLD      phaseLanes8<>(SB), DOWN, Y0
	MOVL         limit+40(FP), AX
	VMOVD        AX, X1
	VPBROADCASTD X1, LIMITS
	VPSUBD       Y0, LIMITS, LIMITS
	VPSLLD       $3, DOWN, DOWN
	XORL         LOW, LOW
	XORL         AT, AT

steps:
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3
	MOVQ  all_base+8(FP), ALL
	MOVQ  all_len+16(FP), COUNT
	CMPQ  STEPS, $16
	JEQ   sixteen
	CMPB  squares+48(FP), $0
	JEQ   absolute32

squares32:
	PHASES(Y4, Y5)
	VPADDW MOVES, Y5, Y6
	VPADDW MOVES, Y6, Y7
	SQUARES(Y4, Y0)
	SQUARES(Y5, Y1)
	SQUARES(Y6, Y2)
	SQUARES(Y7, Y3)
	NEXT
	JNZ    squares32
	JMP    compare32

absolute32:
	PHASES(Y4, Y5)
	VPADDW MOVES, Y5, Y6
	VPADDW MOVES, Y6, Y7
	ABSOLUTE(Y4, Y8, Y0)
	ABSOLUTE(Y5, Y8, Y1)
	ABSOLUTE(Y6, Y8, Y2)
	ABSOLUTE(Y7, Y8, Y3)
	NEXT
	JNZ    absolute32

compare32:
	COMPARE(Y0)
	COMPARE(Y1)
	COMPARE(Y2)
	COMPARE(Y3)
	VPADDW SIXTEEN, NUMBERS, NUMBERS
	VPADDW SIXTEEN, NUMBERS, NUMBERS
	SUBQ   $32, STEPS
	JNZ    steps
	MOVQ   LOW, ret+56(FP)
	VZEROUPPER
	RET

sixteen:
	CMPB squares+48(FP), $0
	JEQ  absolute16

squares16:
	PHASES(Y4, Y5)
	SQUARES(Y4, Y0)
	SQUARES(Y5, Y1)
	NEXT
	JNZ squares16
	JMP compare16

absolute16:
	PHASES(Y4, Y5)
	ABSOLUTE(Y4, Y8, Y0)
	ABSOLUTE(Y5, Y8, Y1)
	NEXT
	JNZ absolute16

compare16:
	COMPARE(Y0)
	COMPARE(Y1)
	MOVQ LOW, ret+56(FP)
	VZEROUPPER
	RET

#undef SUMS
#undef NUMBERS
#undef AT
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
