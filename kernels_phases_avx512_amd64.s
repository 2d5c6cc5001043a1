//go:build !purego

// search.Low, search.AtMost and search.Bounds with AVX-512.

#include "textflag.h"

#define SUMS    DI  // address of the sums
#define VALUES  SI  // address of the next values
#define LEFT    DX  // number of values that are left
#define PAIR    BX  // address of the next pair of phases
#define COUNT   CX  // number of pairs that are left
#define LAST    R8  // index of the last step
#define MID     Z31 // s.Mid
#define MOVE    Z30 // s.Move
#define ROUND   Z29 // 0x1.8p52, whose last place is 2^0
#define BACK    X28 // s.N/2 in each word
#define NUMBERS Z27 // indices of the first 16 steps, once for each value of a pair
#define ONES    Z26 // 1 in each word
#define FIRST   Z25 // first phases of the pair, repeated
#define MOVES   Z24 // moves of the pair, repeated
#define LIMITS  Z23 // limits of the next 16 sums
#define DOWN    Z22 // by how much limits fall in 16 steps

DATA phaseNumbers<>+0(SB)/8, $0x0001000100000000
DATA phaseNumbers<>+8(SB)/8, $0x0003000300020002
DATA phaseNumbers<>+16(SB)/8, $0x0005000500040004
DATA phaseNumbers<>+24(SB)/8, $0x0007000700060006
DATA phaseNumbers<>+32(SB)/8, $0x0009000900080008
DATA phaseNumbers<>+40(SB)/8, $0x000b000b000a000a
DATA phaseNumbers<>+48(SB)/8, $0x000d000d000c000c
DATA phaseNumbers<>+56(SB)/8, $0x000f000f000e000e
GLOBL phaseNumbers<>(SB), RODATA|NOPTR, $64

DATA phaseLanes<>+0(SB)/8, $0x0000000100000000
DATA phaseLanes<>+8(SB)/8, $0x0000000300000002
DATA phaseLanes<>+16(SB)/8, $0x0000000500000004
DATA phaseLanes<>+24(SB)/8, $0x0000000700000006
DATA phaseLanes<>+32(SB)/8, $0x0000000900000008
DATA phaseLanes<>+40(SB)/8, $0x0000000b0000000a
DATA phaseLanes<>+48(SB)/8, $0x0000000d0000000c
DATA phaseLanes<>+56(SB)/8, $0x0000000f0000000e
GLOBL phaseLanes<>(SB), RODATA|NOPTR, $64

// PHASES8 stores the first phases and the moves of the 8 values in the lowest bits of k, from
// 8*i values after VALUES on. The phases of other values are 0.
#define PHASES8(i, k) \
	VMOVUPD.Z (64*i)(VALUES), k, Z4 \
	VMULPD    MOVE, Z4, Z5          \
	VADDPD    ROUND, Z5, Z5         \
	VPMOVQW   Z5, X5                \
	VMULPD    MID, Z4, Z4           \
	VADDPD    ROUND, Z4, Z4         \
	VPMOVQW   Z4, X4                \
	VPMULLW   BACK, X5, X6          \
	VPSUBW    X6, X4, X4            \
	VMOVDQU   X4, (16*i)(SP)        \
	VMOVDQU   X5, (64+16*i)(SP)

// BEGIN sets p to the phases of a pair of values at 16 steps, and MOVES to the moves of one step.
// It goes on to the next pair.
#define BEGIN(p) \
	VPBROADCASTD (PAIR), FIRST     \
	VPBROADCASTD 64(PAIR), MOVES   \
	ADDQ         $4, PAIR          \
	VPMULLW      NUMBERS, MOVES, p \
	VPADDW       FIRST, p, p

// SQUARES adds the squares of the phases p to sum, as search.Low does. It changes t.
#define SQUARES(p, t, sum) \
	VPMADDWD p, p, t    \
	VPSRLD   $13, t, t  \
	VPADDD   t, sum, sum

// ABSOLUTE adds the magnitudes of the phases p to sum, as search.Low does without squares.
// It changes t.
#define ABSOLUTE(p, t, sum) \
	VPSRAW   $15, p, t   \
	VPXORD   p, t, t     \
	VPMADDWD ONES, t, t  \
	VPADDD   t, sum, sum

// LIMITS_FROM sets LIMITS and DOWN. It uses Z4.
#define LIMITS_FROM(limit, down) \
	VPBROADCASTD down, DOWN             \
	VPMULLD      phaseLanes<>(SB), DOWN, Z4 \
	VPBROADCASTD limit, LIMITS          \
	VPSUBD       Z4, LIMITS, LIMITS     \
	VPSLLD       $4, DOWN, DOWN

// COMPARE sets K1 to which of the 64 sums in a, b, c and d are at most their limits. It uses K2 to
// K4.
#define COMPARE(a, b, c, d) \
	VPCMPUD  $2, LIMITS, a, K1    \
	VPSUBD   DOWN, LIMITS, LIMITS \
	VPCMPUD  $2, LIMITS, b, K2    \
	VPSUBD   DOWN, LIMITS, LIMITS \
	VPCMPUD  $2, LIMITS, c, K3    \
	VPSUBD   DOWN, LIMITS, LIMITS \
	VPCMPUD  $2, LIMITS, d, K4    \
	KUNPCKWD K1, K2, K1           \
	KUNPCKWD K3, K4, K3           \
	KUNPCKDQ K1, K3, K1

//	search.Low(sums, memory, values, s, limit, down, squares)
//
// func lowAVX512(sums *search.PhaseSums, values []float64, s search.Steps, limit, down uint32, squares bool) (low uint64, least int)
//
// The frame holds the first phases of 16 pairs at 0, and their moves at 64.
TEXT ·lowAVX512(SB), NOSPLIT, $128-88
	MOVQ         sums+0(FP), SUMS
	MOVQ         values_base+8(FP), VALUES
	MOVQ         values_len+16(FP), LEFT
	VBROADCASTSD s_Mid+32(FP), MID
	VBROADCASTSD s_Move+40(FP), MOVE
	MOVQ         s_N+48(FP), LAST
	MOVQ         LAST, AX
	SHRQ         $1, AX
	VPBROADCASTW AX, BACK
	MOVQ         $0x4338000000000000, AX
	VPBROADCASTQ AX, ROUND
	MOVL         $0x00010001, AX
	VPBROADCASTD AX, ONES
	VMOVDQU64    phaseNumbers<>(SB), NUMBERS
	VPXORD       Z0, Z0, Z0
	VPXORD       Z1, Z1, Z1
	VPXORD       Z2, Z2, Z2
	VPXORD       Z3, Z3, Z3

values: // the next 32 values
	MOVQ     $32, COUNT
	CMPQ     LEFT, COUNT
	CMOVQLT  LEFT, COUNT
	MOVL     $-1, AX
	BZHIL    COUNT, AX, AX
	KMOVD    AX, K1
	KSHIFTRD $8, K1, K2
	KSHIFTRD $16, K1, K3
	KSHIFTRD $24, K1, K4
	PHASES8(0, K1)
	PHASES8(1, K2)
	PHASES8(2, K3)
	PHASES8(3, K4)
	INCQ     COUNT
	SHRQ     $1, COUNT
	MOVQ     SP, PAIR
	CMPB     squares+64(FP), $0
	JEQ      absolute
	CMPQ     LAST, $32
	JLT      squares32

squares64:
	BEGIN(Z4)
	VPSLLW $4, MOVES, MOVES
	VPADDW MOVES, Z4, Z5
	VPADDW MOVES, Z5, Z6
	VPADDW MOVES, Z6, Z7
	SQUARES(Z4, Z8, Z0)
	SQUARES(Z5, Z9, Z1)
	SQUARES(Z6, Z10, Z2)
	SQUARES(Z7, Z11, Z3)
	DECQ   COUNT
	JNZ    squares64
	JMP    next

squares32:
	BEGIN(Z4)
	VPSLLW $4, MOVES, MOVES
	VPADDW MOVES, Z4, Z5
	SQUARES(Z4, Z8, Z0)
	SQUARES(Z5, Z9, Z1)
	DECQ   COUNT
	JNZ    squares32
	JMP    next

absolute:
	CMPQ LAST, $32
	JLT  absolute32

absolute64:
	BEGIN(Z4)
	VPSLLW $4, MOVES, MOVES
	VPADDW MOVES, Z4, Z5
	VPADDW MOVES, Z5, Z6
	VPADDW MOVES, Z6, Z7
	ABSOLUTE(Z4, Z8, Z0)
	ABSOLUTE(Z5, Z9, Z1)
	ABSOLUTE(Z6, Z10, Z2)
	ABSOLUTE(Z7, Z11, Z3)
	DECQ   COUNT
	JNZ    absolute64
	JMP    next

absolute32:
	BEGIN(Z4)
	VPSLLW $4, MOVES, MOVES
	VPADDW MOVES, Z4, Z5
	ABSOLUTE(Z4, Z8, Z0)
	ABSOLUTE(Z5, Z9, Z1)
	DECQ   COUNT
	JNZ    absolute32

next:
	ADDQ $256, VALUES
	SUBQ $32, LEFT
	JGT  values

	MOVL  limit+56(FP), AX
	MOVL  down+60(FP), CX
	LIMITS_FROM(AX, CX)
	COMPARE(Z0, Z1, Z2, Z3)
	KMOVQ K1, AX
	INCQ  LAST
	BZHIQ LAST, AX, AX
	MOVQ  AX, low+72(FP)
	TESTQ AX, AX
	JEQ   none
	VMOVDQU32 Z0, (SUMS)
	VMOVDQU32 Z1, 64(SUMS)
	VMOVDQU32 Z2, 128(SUMS)
	VMOVDQU32 Z3, 192(SUMS)

	// The least sum: those that are not low become the largest integer.
	KMOVQ     AX, K1
	KSHIFTRQ  $16, K1, K2
	KSHIFTRQ  $32, K1, K3
	KSHIFTRQ  $48, K1, K4
	VPTERNLOGD $0xff, Z8, Z8, Z8
	VMOVDQA32 Z8, Z9
	VMOVDQA32 Z8, Z10
	VMOVDQA32 Z8, Z11
	VMOVDQA32 Z0, K1, Z8
	VMOVDQA32 Z1, K2, Z9
	VMOVDQA32 Z2, K3, Z10
	VMOVDQA32 Z3, K4, Z11
	VPMINUD   Z8, Z9, Z4
	VPMINUD   Z10, Z11, Z5
	VPMINUD   Z5, Z4, Z4
	VEXTRACTI64X4 $1, Z4, Y5
	VPMINUD   Y5, Y4, Y4
	VEXTRACTI128 $1, Y4, X5
	VPMINUD   X5, X4, X4
	VPSHUFD   $0x4e, X4, X5
	VPMINUD   X5, X4, X4
	VPSHUFD   $0xb1, X4, X5
	VPMINUD   X5, X4, X4
	VPBROADCASTD X4, Z4
	VPCMPEQD  Z4, Z8, K1
	VPCMPEQD  Z4, Z9, K2
	VPCMPEQD  Z4, Z10, K3
	VPCMPEQD  Z4, Z11, K4
	KUNPCKWD  K1, K2, K1
	KUNPCKWD  K3, K4, K3
	KUNPCKDQ  K1, K3, K1
	KMOVQ     K1, AX
	TZCNTQ    AX, AX
	MOVQ      AX, least+80(FP)
	VZEROUPPER
	RET

none:
	MOVQ AX, least+80(FP)
	VZEROUPPER
	RET

//	search.AtMost(sums, low, limit, down)
//
// func atMostAVX512(sums *search.PhaseSums, low uint64, limit, down uint32) uint64
TEXT ·atMostAVX512(SB), NOSPLIT, $0-32
	MOVQ  sums+0(FP), SUMS
	MOVL  limit+16(FP), AX
	MOVL  down+20(FP), CX
	LIMITS_FROM(AX, CX)
	VMOVDQU32 (SUMS), Z0
	VMOVDQU32 64(SUMS), Z1
	VMOVDQU32 128(SUMS), Z2
	VMOVDQU32 192(SUMS), Z3
	COMPARE(Z0, Z1, Z2, Z3)
	KMOVQ K1, AX
	ANDQ  low+8(FP), AX
	MOVQ  AX, ret+24(FP)
	VZEROUPPER
	RET

#undef SUMS
#undef NUMBERS
#undef LEFT
#define DST     DI  // address of the next bounds
#define SUMS    SI  // address of the next sums
#define BETWEEN DX  // the bits from the next 8 intervals on
#define BELOW   R8  // result
#define AT      CX  // index of the next interval
#define U       Z31 // b.U
#define H       Z30 // b.H
#define ERROR   Z29 // b.Error
#define ERROR_X X29 // its lowest quarter
#define CURVE   Z28 // b.Curve
#define CURVE4  Z27 // 4*b.Curve
#define SHARE   Z26 // b.Share
#define MOST    Z25 // b.Most
#define UNIT    Z24 // 1/phaseSquare
#define UNIT_X  X24 // its lowest quarter
#define NULL    Z23 // 0
#define NULL_X  X23 // its lowest quarter
#define NUMBERS Z22 // indices of the next 8 intervals
#define EIGHT   Z21 // 8
#define POSITIVE Z20 // mask of the magnitude of a float64

DATA boundLanes<>+0(SB)/8, $0.0
DATA boundLanes<>+8(SB)/8, $1.0
DATA boundLanes<>+16(SB)/8, $2.0
DATA boundLanes<>+24(SB)/8, $3.0
DATA boundLanes<>+32(SB)/8, $4.0
DATA boundLanes<>+40(SB)/8, $5.0
DATA boundLanes<>+48(SB)/8, $6.0
DATA boundLanes<>+56(SB)/8, $7.0
GLOBL boundLanes<>(SB), RODATA|NOPTR, $64

// DISTANCES sets d to lower bounds on f from the sums in s, as search.Bounds does. unit, error and
// null are the constants of that size.
#define DISTANCES(s, d, unit, error, null) \
	VCVTUDQ2PD s, d        \
	VMULPD     unit, d, d  \
	VSQRTPD    d, d        \
	VSUBPD     error, d, d \
	VMAXPD     null, d, d  \
	VMULPD     d, d, d

//	search.Bounds(dst, sums, between, b)
//
// func boundsAVX512(dst *search.StepBounds, sums *search.PhaseSums, between uint64, b search.Bounding) uint64
TEXT ·boundsAVX512(SB), NOSPLIT, $0-80
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
	VPBROADCASTQ AX, UNIT
	MOVQ         $0x4020000000000000, AX
	VPBROADCASTQ AX, EIGHT
	MOVQ         $0x7fffffffffffffff, AX
	VPBROADCASTQ AX, POSITIVE
	VPXORQ       NULL, NULL, NULL
	VMOVUPD      boundLanes<>(SB), NUMBERS
	XORL         BELOW, BELOW
	XORL         AT, AT

intervals: // the next 8
	TESTB  $0xff, BETWEEN
	JEQ    skip
	KMOVB  BETWEEN, K1
	VPXORD X1, X1, X1
	CMPQ   AT, $56
	JEQ    last
	VMOVD  32(SUMS), X1

last: // f at the steps in Z0, and at those after them in Z1
	VMOVDQU (SUMS), Y0
	DISTANCES(X1, X1, UNIT_X, ERROR_X, NULL_X)
	DISTANCES(Y0, Z0, UNIT, ERROR, NULL)
	VALIGNQ $1, Z0, Z1, Z1

	// The least f of the parabola between the two, or the lesser of the two.
	VMINPD  Z1, Z0, Z2
	VSUBPD  Z1, Z0, Z3
	VPANDQ  POSITIVE, Z3, Z3
	VCMPPD  $1, CURVE, Z3, K2
	VADDPD  Z0, CURVE, Z4
	VSUBPD  Z1, Z4, Z4
	VMULPD  Z4, Z4, Z4
	VDIVPD  CURVE4, Z4, Z4
	VSUBPD  Z4, Z0, Z4
	VMAXPD  NULL, Z4, K2, Z2

	// Divided by the larger u² and the share.
	VMULPD  H, NUMBERS, Z5
	VSUBPD  Z5, U, Z5
	VMULPD  Z5, Z5, Z5
	VMULPD  SHARE, Z5, Z5
	VDIVPD  Z5, Z2, Z2
	VMOVUPD Z2, (DST)
	VCMPPD  $1, MOST, Z2, K1, K3
	KMOVB   K3, AX
	SHLQ    AT, AX
	ORQ     AX, BELOW

skip:
	VADDPD EIGHT, NUMBERS, NUMBERS
	ADDQ   $64, DST
	ADDQ   $32, SUMS
	ADDQ   $8, AT
	SHRQ   $8, BETWEEN
	JNE    intervals
	MOVQ   BELOW, ret+72(FP)
	VZEROUPPER
	RET
