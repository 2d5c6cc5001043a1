//go:build !purego

// search.LowPhases with AVX-512.

#include "textflag.h"

#define SUMS    DI  // address of the next sums
#define ALL     SI  // address of the next pair of values
#define COUNT   CX  // number of pairs that are left
#define STEPS   DX  // number of steps that are left
#define LOW     R8  // result
#define AT      R9  // index of the next bits of the result
#define NUMBERS Z31 // indices of the next 16 steps, once for each value of a pair
#define SIXTEEN Z30 // 16 in each word
#define ONES    Z29 // 1 in each word
#define FIRST   Z28 // first phases of the pair, repeated
#define MOVES   Z27 // moves of the pair, repeated
#define LIMITS  Z26 // limits of the next 16 sums
#define DOWN    Z25 // by how much limits fall in 16 steps

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

// BEGIN goes back to the first pair of values.
#define BEGIN \
	MOVQ all_base+8(FP), ALL \
	MOVQ all_len+16(FP), COUNT

// PHASES sets p to the phases of a pair of values at 16 steps, and MOVES to the moves of one
// step.
#define PHASES(p) \
	VPBROADCASTD (ALL), FIRST  \
	VPBROADCASTD 4(ALL), MOVES \
	VPMULLW      NUMBERS, MOVES, p \
	VPADDW       FIRST, p, p

// SQUARES adds the squares of the phases p to sum, as search.LowPhases does. It changes t.
#define SQUARES(p, t, sum) \
	VPMADDWD p, p, t    \
	VPSRLD   $13, t, t  \
	VPADDD   t, sum, sum

// ABSOLUTE adds the magnitudes of the phases p to sum, as search.LowPhases does without squares.
// It changes t.
#define ABSOLUTE(p, t, sum) \
	VPSRAW   $15, p, t   \
	VPXORD   p, t, t     \
	VPMADDWD ONES, t, t  \
	VPADDD   t, sum, sum

// NEXT goes on to the next pair of values.
#define NEXT \
	ADDQ $8, ALL \
	DECQ COUNT

//	search.LowPhases(sums, all, steps, limit, down, squares)
//
// func lowPhasesAVX512(sums *search.PhaseSums, all []search.Phases, steps int, limit, down uint32, squares bool) uint64
TEXT ·lowPhasesAVX512(SB), NOSPLIT, $0-64
	MOVQ         sums+0(FP), SUMS
	MOVQ         steps+32(FP), STEPS
	VMOVDQU64    phaseNumbers<>(SB), NUMBERS
	MOVL         $0x00100010, AX
	VPBROADCASTD AX, SIXTEEN
	MOVL         $0x00010001, AX
	VPBROADCASTD AX, ONES
	MOVL         down+44(FP), AX
	VMOVD        AX, X0
	VPBROADCASTD X0, DOWN
	VPMULLD      phaseLanes<>(SB), DOWN, Z0
	MOVL         limit+40(FP), AX
	VMOVD        AX, X1
	VPBROADCASTD X1, LIMITS
	VPSUBD       Z0, LIMITS, LIMITS
	VPSLLD       $4, DOWN, DOWN
	XORL         LOW, LOW
	CMPQ         STEPS, $64
	JLT          rest
	VPXORD       Z0, Z0, Z0
	VPXORD       Z1, Z1, Z1
	VPXORD       Z2, Z2, Z2
	VPXORD       Z3, Z3, Z3
	BEGIN
	CMPB         squares+48(FP), $0
	JEQ          absolute64

squares64:
	PHASES(Z4)
	VPSLLW $4, MOVES, MOVES
	VPADDW MOVES, Z4, Z5
	VPADDW MOVES, Z5, Z6
	VPADDW MOVES, Z6, Z7
	SQUARES(Z4, Z8, Z0)
	SQUARES(Z5, Z9, Z1)
	SQUARES(Z6, Z10, Z2)
	SQUARES(Z7, Z11, Z3)
	NEXT
	JNZ    squares64
	JMP    compare64

absolute64:
	PHASES(Z4)
	VPSLLW $4, MOVES, MOVES
	VPADDW MOVES, Z4, Z5
	VPADDW MOVES, Z5, Z6
	VPADDW MOVES, Z6, Z7
	ABSOLUTE(Z4, Z8, Z0)
	ABSOLUTE(Z5, Z9, Z1)
	ABSOLUTE(Z6, Z10, Z2)
	ABSOLUTE(Z7, Z11, Z3)
	NEXT
	JNZ    absolute64

compare64:
	VMOVDQU32 Z0, (SUMS)
	VMOVDQU32 Z1, 64(SUMS)
	VMOVDQU32 Z2, 128(SUMS)
	VMOVDQU32 Z3, 192(SUMS)
	VPCMPUD  $2, LIMITS, Z0, K1
	VPSUBD   DOWN, LIMITS, LIMITS
	VPCMPUD  $2, LIMITS, Z1, K2
	VPSUBD   DOWN, LIMITS, LIMITS
	VPCMPUD  $2, LIMITS, Z2, K3
	VPSUBD   DOWN, LIMITS, LIMITS
	VPCMPUD  $2, LIMITS, Z3, K4
	KUNPCKWD K1, K2, K1
	KUNPCKWD K3, K4, K3
	KUNPCKDQ K1, K3, K1
	KMOVQ    K1, LOW
	MOVQ     LOW, ret+56(FP)
	VZEROUPPER
	RET

rest:
	XORL AT, AT

sixteen:
	VPXORD Z0, Z0, Z0
	BEGIN
	CMPB   squares+48(FP), $0
	JEQ    absolute16

squares16:
	PHASES(Z4)
	SQUARES(Z4, Z8, Z0)
	NEXT
	JNZ squares16
	JMP compare16

absolute16:
	PHASES(Z4)
	ABSOLUTE(Z4, Z8, Z0)
	NEXT
	JNZ absolute16

compare16:
	VMOVDQU32 Z0, (SUMS)
	ADDQ    $64, SUMS
	VPCMPUD $2, LIMITS, Z0, K1
	VPSUBD  DOWN, LIMITS, LIMITS
	VPADDW  SIXTEEN, NUMBERS, NUMBERS
	KMOVW   K1, AX
	SHLXQ   AT, AX, AX
	ORQ     AX, LOW
	ADDQ    $16, AT
	SUBQ    $16, STEPS
	JNZ     sixteen
	MOVQ    LOW, ret+56(FP)
	VZEROUPPER
	RET
